//! TLS: what is trusted, and that nothing else is.
#![allow(
    clippy::unwrap_used,
    reason = "test code: a failed expectation is a failed test"
)]

mod scripted;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use scripted::Server;
use tim_client::{ClientBuilder, ConnectError, Credentials};

/// A server with a certificate for that name, and the certificate.
async fn server(name: &str) -> (Server, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let chain = vec![CertificateDer::from(cert.der().to_vec())];
    let key = PrivateKeyDer::from_pem_slice(signing_key.serialize_pem().as_bytes()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (Server::with_tls(config).await, cert.pem())
}

async fn refusal(server: &Server, builder: ClientBuilder) -> String {
    let login = builder.connect(Credentials::password("alice", "secret"));
    tokio::select! {
        result = login => match result {
            Err(ConnectError::Unreachable(why)) => why,
            other => format!("not refused: {other:?}"),
        },
        // The handshake fails on this side too.
        () = async { loop { server.try_handshake().await } } => unreachable!(),
    }
}

#[tokio::test]
async fn an_unknown_certificate_is_refused() {
    let (server, _) = server("127.0.0.1").await;
    let why = refusal(&server, server.builder()).await;
    assert!(why.contains("not trusted"), "{why}");
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused_even_when_it_is_known() {
    let (server, pem) = server("chat.example.org").await;
    let builder = server.builder().add_root_certificate(pem.as_bytes()).unwrap();
    let why = refusal(&server, builder).await;
    assert!(why.contains("not trusted"), "{why}");
}

#[tokio::test]
async fn a_known_certificate_is_accepted() {
    let (server, pem) = server("127.0.0.1").await;
    let builder = server.builder().add_root_certificate(pem.as_bytes()).unwrap();
    let (client, _peer) = server.connect(&builder).await;
    assert!(client.is_online());
}

#[tokio::test]
async fn any_certificate_is_accepted_only_on_demand() {
    let (server, _) = server("elsewhere").await;
    let builder = server.builder().danger_accept_invalid_certs(true);
    let (client, _peer) = server.connect(&builder).await;
    assert!(client.is_online());
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_at_once() {
    let builder = ClientBuilder::new("wss://127.0.0.1").unwrap();
    assert!(builder.clone().add_root_certificate(b"nonsense").is_err());
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(builder.add_root_certificate(broken).is_err());
}

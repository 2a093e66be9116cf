//! TLS connections.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::script::{options, start};
use super::wire::Client;
use crate::gateway::listener::TlsSlot;

fn identity() -> (TlsSlot, TlsConnector, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (
        Arc::new(Mutex::new(Arc::new(server))),
        TlsConnector::from(Arc::new(client)),
        certificate,
    )
}

/// Covers: 2.1-4
#[tokio::test]
async fn sessions_work_over_tls_and_packets_are_flushed() {
    let (slot, connector, _) = identity();
    let mut running = start(options(), Some(slot));
    let stream = TcpStream::connect(running.address).await.unwrap();
    let stream = connector
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
        .unwrap();
    let mut client = Client::over(stream);
    client.upgrade("/tim").await;
    client.packet(b"A").await;
    for packet in [b"Eone".as_slice(), b"B", b"Etwo"] {
        client.packet(packet).await;
    }
    assert_eq!(client.expect_packet().await, b"one");
    assert!(client.expect_packet().await == [7; 100_000]);
    assert_eq!(client.expect_packet().await, b"two");
    client.packet(b"C").await;
    assert_eq!(client.expect_packet().await, b"last");
    assert_eq!(client.expect_close().await, 1000);
    running.dropped().await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_plain_client_gets_nothing_from_a_tls_listener() {
    let (slot, _, _) = identity();
    let mut running = start(options(), Some(slot));
    let mut client = Client::connect(running.address).await;
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.expect_end().await;
    let mut silent = Client::connect(running.address).await;
    silent.expect_end().await;
    assert!(running.notes.try_recv().is_err());
}

#[tokio::test]
async fn a_new_certificate_is_used_by_new_connections() {
    let (slot, _, _) = identity();
    let running = start(options(), Some(Arc::clone(&slot)));
    let (new_slot, connector, certificate) = identity();
    let new = Arc::clone(&new_slot.lock());
    *slot.lock() = new;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let stream = connector
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.peer_certificates().unwrap()[0], certificate);
}

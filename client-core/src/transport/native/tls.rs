//! TLS of the client: verified against the trust roots of the operating system and those the application adds.
//! Verification can only be switched off by a call that says so.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use super::Stream;

/// A certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text contains no certificate, or a broken one.
    #[error("not a certificate in PEM form: {0}")]
    Pem(String),
    /// The certificate cannot serve as trust root.
    #[error("the certificate cannot be trusted: {0}")]
    Root(String),
}

/// What to trust.
#[derive(Debug, Default)]
pub(crate) struct TlsSettings {
    roots: Vec<CertificateDer<'static>>,
    accept_invalid: bool,
    /// Made at the first encrypted connection, because reading the system's roots takes a while.
    config: OnceCell<Arc<ClientConfig>>,
}

impl Clone for TlsSettings {
    fn clone(&self) -> Self {
        Self {
            roots: self.roots.clone(),
            accept_invalid: self.accept_invalid,
            config: OnceCell::new(),
        }
    }
}

impl TlsSettings {
    pub(crate) fn add_roots(&mut self, pem: &[u8]) -> Result<(), TlsError> {
        let mut store = RootCertStore::empty();
        let mut roots = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| TlsError::Pem(error.to_string()))?;
            store
                .add(certificate.clone())
                .map_err(|error| TlsError::Root(error.to_string()))?;
            roots.push(certificate);
        }
        if roots.is_empty() {
            return Err(TlsError::Pem("there is none in it".to_owned()));
        }
        self.roots.append(&mut roots);
        self.config = OnceCell::new();
        Ok(())
    }

    pub(crate) fn accept_invalid(&mut self, accept: bool) {
        self.accept_invalid = accept;
        self.config = OnceCell::new();
    }

    pub(super) async fn connect(&self, host: &str, tcp: TcpStream) -> Result<Box<dyn Stream>, String> {
        let config = self.config.get_or_try_init(|| self.make()).await?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| "not a valid host name".to_owned())?;
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await;
        Ok(Box::new(stream.map_err(|error| explain(&error))?))
    }

    async fn make(&self) -> Result<Arc<ClientConfig>, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        if self.accept_invalid {
            let verifier = Arc::new(AcceptAnyCertificate(provider));
            let config = builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth();
            return Ok(Arc::new(config));
        }
        let native = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
            .await
            .map_err(|error| error.to_string())?;
        let mut store = RootCertStore::empty();
        // Systems carry roots that rustls does not accept; the others are enough.
        store.add_parsable_certificates(native.certs);
        store.add_parsable_certificates(self.roots.iter().cloned());
        if store.is_empty() {
            let why = native
                .errors
                .first()
                .map_or_else(String::new, |error| format!(": {error}"));
            return Err(format!("this system has no trusted certificates{why}"));
        }
        Ok(Arc::new(
            builder.with_root_certificates(store).with_no_client_auth(),
        ))
    }
}

fn explain(error: &io::Error) -> String {
    let is_certificate = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some_and(|inner| matches!(inner, rustls::Error::InvalidCertificate(_)));
    if is_certificate {
        format!("the certificate of the server is not trusted: {error}")
    } else {
        format!("TLS handshake failed: {error}")
    }
}

/// Switches verification of the certificate off. Signatures of the handshake are still checked, so that the other
/// side at least owns the certificate it shows.
#[derive(Debug)]
struct AcceptAnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

//! Settings that only exist outside of browsers.

use std::future::Future;
use std::sync::Arc;

use super::ClientBuilder;
use crate::session::Renewal;
use crate::transport::native::TlsError;

impl ClientBuilder {
    /// Trusts the certificates in this PEM text in addition to those of the operating system.
    ///
    /// # Errors
    /// The text contains no usable certificate.
    pub fn add_root_certificate(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        Arc::make_mut(&mut self.transport.tls).add_roots(pem)?;
        Ok(self)
    }

    /// Accepts any certificate. Everybody on the way to the server can then read and change everything, passwords
    /// included. For tests only.
    #[must_use]
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        Arc::make_mut(&mut self.transport.tls).accept_invalid(accept);
        self
    }

    /// Called for new credentials when a session that was opened with a one-time token has to log in again. It answers
    /// a [`Renewal`], or an `Option<Credentials>` of which `None` ends the session. It should fail in time by itself.
    #[must_use]
    pub fn credential_source<F, R>(mut self, source: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Renewal>> + Send + 'static,
    {
        self.credentials = Some(Arc::new(move || {
            let renewal = source();
            Box::pin(async move { renewal.await.into() })
        }));
        self
    }
}

//! Settings that only exist in JavaScript hosts.

use std::future::Future;
use std::rc::Rc;

use js_sys::Function;

use super::ClientBuilder;
use crate::session::Renewal;
use crate::transport::AddressError;
use crate::transport::browser::page_origin;

impl ClientBuilder {
    /// A builder for the server that served the page.
    ///
    /// # Errors
    /// There is no page, or it was not served over HTTP.
    pub fn of_page() -> Result<Self, AddressError> {
        Self::new(&page_origin().ok_or(AddressError::Host)?)
    }

    /// Opens connections with this constructor, which must behave like the browser's `WebSocket`. Needed where there is
    /// no global one, as in Node before version 22.
    #[must_use]
    pub fn web_socket(mut self, constructor: Function) -> Self {
        self.transport.web_socket = Some(constructor);
        self
    }

    /// Called for new credentials when a session that was opened with a one-time token has to log in again. It answers
    /// a [`Renewal`], or an `Option<Credentials>` of which `None` ends the session. It should fail in time by itself.
    #[must_use]
    pub fn credential_source<F, R>(mut self, source: F) -> Self
    where
        F: Fn() -> R + 'static,
        R: Future<Output: Into<Renewal>> + 'static,
    {
        self.credentials = Some(Rc::new(move || {
            let renewal = source();
            Box::pin(async move { renewal.await.into() })
        }));
        self
    }
}

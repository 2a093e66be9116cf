//! The HTTP API for client applications (`docs/web-api.md`), for pages: a login that is remembered, finding people and
//! rooms, files and pictures. The session itself is the business of [`Client`](crate::Client).
//!
//! ```no_run
//! # #[cfg(not(feature = "native"))]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tim_client::ClientBuilder;
//! use tim_client::web::{SignIn, WebApi};
//!
//! let api = WebApi::of_page();
//! // Not needed when the cookie of an earlier sign-in is still there.
//! api.sign_in(&SignIn::new("alice", "correct horse battery").remember(true)).await?;
//! let client = ClientBuilder::of_page()?
//!     .resource("web-1")
//!     .credential_source(api.renewals())
//!     .connect_with_source()
//!     .await?;
//! # Ok(())
//! # }
//! ```

mod answers;
mod directory;
mod error;
mod exchange;
mod files;
mod session;
mod upload;

use std::time::Duration;

use wasm_bindgen::JsValue;

pub use self::directory::{Page, PageRequest, Person, RoomEntry};
pub use self::error::WebError;
pub use self::files::{FileId, Uploaded};
pub use self::session::{SignIn, SignedIn};
pub use self::upload::{Progress, Upload, UploadAbort};

use crate::session::Secret;
use crate::transport::ServerAddress;

/// Longest wait for an answer, uploads and downloads excepted.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the API of a server is, and how its calls say who asks. Clones are cheap.
///
/// Dropping the future of a call abandons it; whether the server has carried it out is unknown then.
#[derive(Clone, Debug)]
pub struct WebApi {
    /// In front of the paths: empty for the server that served the page.
    base: String,
    /// Instead of the cookie.
    session: Option<Secret>,
}

impl WebApi {
    /// The API of the server that served the page. The browser's cookie says who asks.
    #[must_use]
    pub fn of_page() -> Self {
        Self {
            base: String::new(),
            session: None,
        }
    }

    /// The API of some server. From a page it must be one that permits the page's origin, and the browser's cookie of
    /// that server says who asks.
    #[must_use]
    pub fn of_server(address: &ServerAddress) -> Self {
        let prefix = address.path().strip_suffix("/tim").unwrap_or_default();
        Self {
            base: format!("{}{prefix}", address.origin()),
            session: None,
        }
    }

    /// The same API, asked with the secret of a session ([`SignedIn::session`]) instead of a cookie.
    #[must_use]
    pub fn with_session(mut self, session: Secret) -> Self {
        self.session = Some(session);
        self
    }

    /// The URL of a path of this server, such as that of a picture. Other URLs stay as they are.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        if path.starts_with('/') && !path.starts_with("//") {
            format!("{}{path}", self.base)
        } else {
            path.to_owned()
        }
    }
}

/// A text as a part of a query.
fn encoded(text: &str) -> String {
    String::from(js_sys::encode_uri_component(text))
}

/// What JavaScript says went wrong while asking.
fn unreachable(error: &JsValue) -> WebError {
    WebError::Unreachable(crate::runtime::script::describe(error))
}

//! How packets get to a server and back. The session core knows nothing of it.

mod address;
#[cfg(all(feature = "browser", not(feature = "native")))]
pub(crate) mod browser;
#[cfg(feature = "native")]
pub(crate) mod native;

pub use self::address::{AddressError, ServerAddress};
#[cfg(all(feature = "browser", not(feature = "native")))]
pub(crate) use self::browser::{Connection, Connector, TransportSettings};
#[cfg(feature = "native")]
pub(crate) use self::native::websocket::Connection;
#[cfg(feature = "native")]
pub(crate) use self::native::{Connector, TransportSettings};

/// Status and body of an answer to a POST.
#[cfg(any(feature = "native", feature = "browser"))]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: bytes::Bytes,
}

/// Largest answer to a POST that is accepted, in bytes.
#[cfg(any(feature = "native", feature = "browser"))]
const MAX_ANSWER: usize = 64 << 10;

/// How a connection ended.
#[cfg(any(feature = "native", feature = "browser"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// For people.
    pub(crate) reason: String,
    /// The server found a packet too large (close code 1009).
    pub(crate) too_large: bool,
}

#[cfg(any(feature = "native", feature = "browser"))]
impl Ended {
    /// Ended by a close frame, or by what stands for one.
    fn by_server(code: u16, reason: &str) -> Self {
        Self {
            reason: format!("closed by the server: {code} {}", reason.escape_debug()),
            too_large: code == 1009,
        }
    }

    fn broken(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            too_large: false,
        }
    }
}

//! How packets get to a server and back. The session core knows nothing of it.

mod address;
#[cfg(feature = "native")]
pub(crate) mod native;

pub use self::address::{AddressError, ServerAddress};

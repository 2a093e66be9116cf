//! Client SDK for tim instant-messaging servers.

pub mod session;

#[cfg(feature = "native")]
mod client;
mod error;
mod event;
mod message;
mod transport;

pub use tim_protocol::{Encoding, ErrorCode, Node};

pub use self::error::{ConnectError, Refusal, RequestError, SendError};
pub use self::event::{DisconnectReason, Event, LogoutReason};
pub use self::message::{
    Conversation, Device, Incoming, MessageKind, Mid, Notice, NoticeKind, Outgoing, Removal, Sent, Timestamp,
};
pub use self::session::{
    Acknowledge, Added, Credentials, HistoryStart, Reconnect, ServerKind, SessionConfig,
};
pub use self::transport::{AddressError, ServerAddress};

#[cfg(feature = "native")]
pub use self::client::{AccountError, Client, ClientBuilder, Confirmation, Events, HistoryPager};
#[cfg(feature = "native")]
pub use self::transport::native::TlsError;

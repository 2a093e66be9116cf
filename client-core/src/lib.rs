//! Client SDK for tim instant-messaging servers.

pub mod session;

mod error;
mod event;
mod message;

pub use tim_protocol::{Encoding, ErrorCode, Node};

pub use self::error::{ConnectError, Refusal, RequestError, SendError};
pub use self::event::{DisconnectReason, Event, LogoutReason};
pub use self::message::{
    Conversation, Device, Incoming, MessageKind, Mid, Notice, NoticeKind, Outgoing, Removal, Sent, Timestamp,
};
pub use self::session::{
    Acknowledge, Added, Credentials, HistoryStart, Reconnect, ServerKind, SessionConfig,
};

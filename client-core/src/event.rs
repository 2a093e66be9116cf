//! What a session tells the application.

use std::time::Duration;

use tim_protocol::Node;

use crate::error::Refusal;
use crate::message::{Incoming, Notice, Removal};
use crate::presence::PresenceChange;

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The connection broke, or the server closed it.
    Closed(String),
    /// Nothing arrived for four keep-alive intervals.
    Silent,
    /// A written message was not confirmed in time.
    Unconfirmed,
    /// No connection could be made.
    Unreachable(String),
    /// The server refused the login for now, for example because it is overloaded.
    Refused(Refusal),
    /// The login was not answered in time.
    LoginTimedOut,
    /// The application did not take its events in time; what the server kept meanwhile is fetched anew.
    Behind,
    /// The server sent something that makes no sense at that point.
    Protocol(&'static str),
}

/// Why a session ended for good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogoutReason {
    /// The server ended the session: the administration suspended the account or ended its sessions, or the session of
    /// the HTTP API that it was opened from has ended, for example because the user signed out in another tab.
    Forced,
    /// Another device of the account took this one's place (error 4111).
    TookPlace,
    /// The server no longer accepts the credentials.
    Refused(Refusal),
    /// The one-time token is used up and there are no other credentials.
    NoCredentials,
    /// The connection was lost and automatic reconnect is off.
    Disconnected(DisconnectReason),
}

/// Something happened. Events come in the order in which the server sent them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Logged in.
    Connected {
        /// The own node.
        node: Node,
        /// `false` for the first time in this session.
        again: bool,
    },
    /// The connection was lost, or another attempt failed.
    Disconnected {
        /// Why.
        reason: DisconnectReason,
        /// Time until the next attempt.
        retry_in: Duration,
    },
    /// A message.
    Message(Box<Incoming>),
    /// A stored message was taken back by its author.
    Recalled(Removal),
    /// A stored message was destroyed by its reader.
    Burned(Removal),
    /// News about friends and rooms.
    Notice(Notice),
    /// Somebody told their presence, or the server told that they have left. Not kept for devices that are away.
    PresenceChanged(Box<PresenceChange>),
    /// Everything that had waited for this device has been delivered. Comes once after every login.
    OfflineDrained {
        /// How many new messages, removals and notices that were.
        count: u64,
    },
    /// The session has ended; no further event follows.
    LoggedOut {
        /// Why.
        reason: LogoutReason,
    },
    /// The server refused something that nobody waits for any more, for example live data.
    ServerError {
        /// Packet type of the refused packet.
        packet_type: u8,
        /// Number of the refused message, if the server told.
        id: Option<i64>,
        /// Whom or what it was about, if the server told, for example the virtual room of a refused frame.
        about: Option<Node>,
        /// What the server said.
        refusal: Refusal,
    },
    /// The server delivered something this library cannot read. It is acknowledged like a message, because the
    /// server would otherwise offer it for ever.
    Unreadable {
        /// Packet type.
        packet_type: u8,
        /// What was wrong.
        what: &'static str,
    },
    /// Events that the server does not repeat were dropped, because the application did not take them in time.
    Dropped {
        /// How many.
        count: u64,
    },
}

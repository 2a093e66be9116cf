//! One error type per operation. Refusals of the server keep its number and text.

use std::fmt;

use thiserror::Error;
use tim_protocol::ErrorCode;
use tim_protocol::wire::{TimAck, TimError};

/// The server said no (`wire-protocol 9`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Number of the error, 0 when the server gave none.
    pub code: i32,
    /// Text of the error as the server sent it.
    pub info: String,
}

impl Refusal {
    /// The error, when its number is a known one.
    #[must_use]
    pub fn known(&self) -> Option<ErrorCode> {
        ErrorCode::from_code(self.code)
    }

    /// Whether this is that error.
    #[must_use]
    pub fn is(&self, code: ErrorCode) -> bool {
        self.code == code.code()
    }

    /// Whether the same request may succeed a little later: the server was overloaded or its store failed.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(
            self.known(),
            Some(ErrorCode::Overload | ErrorCode::OverHz | ErrorCode::Database)
        )
    }

    pub(crate) fn from_ack(ack: &TimAck) -> Self {
        let TimError { code, info } = ack.error.clone().unwrap_or_default();
        Self {
            code: code.unwrap_or_default(),
            info: info.unwrap_or_default(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.info.as_str(), self.known()) {
            ("", Some(code)) => write!(f, "{code}"),
            ("", None) => write!(f, "error {}", self.code),
            (info, _) => write!(f, "{} ({})", info.escape_debug(), self.code),
        }
    }
}

impl std::error::Error for Refusal {}

/// Why a session could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No connection: wrong address, server down, TLS or WebSocket handshake failed.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// The server refused the login.
    #[error("login refused: {0}")]
    Refused(Refusal),
    /// The connection was closed before the login was answered.
    #[error("the server closed the connection during login: {0}")]
    Closed(String),
    /// The login was not answered in time.
    #[error("the server did not answer the login in time")]
    TimedOut,
    /// The answer to the login was not usable.
    #[error("the server answered the login with {0}")]
    Protocol(&'static str),
    /// There are no credentials: the source of credentials says that the user is signed out.
    #[error("signed out")]
    NoCredentials,
    /// The client was closed meanwhile.
    #[error("the client was closed")]
    Abandoned,
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The server refused the message.
    #[error("message refused: {0}")]
    Refused(Refusal),
    /// The encoded message is larger than the configured limit.
    #[error("the message has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Encoded size.
        bytes: usize,
        /// The limit, [`SessionConfig::max_packet_bytes`](crate::SessionConfig::max_packet_bytes).
        limit: usize,
    },
    /// The server closed the connection because of a packet that was too large, and this was the largest.
    #[error("the message has {bytes} bytes, which is too large for the server")]
    TooLargeForServer {
        /// Encoded size.
        bytes: usize,
    },
    /// The message cannot be sent like this.
    #[error("{0}")]
    Invalid(&'static str),
    /// Too many sends are unresolved. The asynchronous client waits instead of returning this.
    #[error("too many messages are waiting for their confirmation")]
    Full,
    /// Live data is not kept while there is no connection.
    #[error("not connected")]
    NotConnected,
    /// The connection was lost before the confirmation and the server cannot recognise a repeat
    /// ([`ServerKind::Original`](crate::ServerKind::Original)): the message may or may not have been stored.
    #[error("the connection was lost; it is unknown whether the message was stored")]
    Unconfirmed,
    /// The client was closed or logged out. Unresolved messages may or may not have been stored.
    #[error("the client is closed")]
    Closed,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The server refused the request.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// No answer in time, or no connection in time. A request that changes something may have been carried out.
    #[error("no answer in time")]
    TimedOut,
    /// The connection was lost after the request was written: it may or may not have been carried out. Requests
    /// that only read are repeated instead.
    #[error("the connection was lost; it is unknown whether the request was carried out")]
    ConnectionLost,
    /// Too many requests are unresolved.
    #[error("too many requests are waiting for their answer")]
    TooMany,
    /// The request cannot be made like this.
    #[error("{0}")]
    Invalid(&'static str),
    /// The client was closed or logged out.
    #[error("the client is closed")]
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_a_hostile_server_do_not_reach_the_terminal() {
        let refusal = Refusal {
            code: 4104,
            info: "\u{1b}[2Jboo".into(),
        };
        assert!(!refusal.to_string().contains('\u{1b}'));
    }

    #[test]
    fn a_refusal_without_text_is_named_by_its_number() {
        assert_eq!(
            Refusal {
                code: 4105,
                info: String::new()
            }
            .to_string(),
            "permission denied (4105)"
        );
        assert_eq!(
            Refusal {
                code: 1,
                info: String::new()
            }
            .to_string(),
            "error 1"
        );
    }
}

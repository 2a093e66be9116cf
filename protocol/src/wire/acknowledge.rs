//! Short forms of the answer that the server gives to most requests (`wire-protocol 7`, notation).

use super::{TimAck, TimError};
use crate::error_code::ErrorCode;

impl TimAck {
    /// The answer to a request of type `tim_type` that succeeded. Takes a [`PacketType`](crate::packet::PacketType)
    /// or the number, see [`ClientPacket::tim_type`](crate::packet::ClientPacket::tim_type).
    pub fn success(tim_type: impl Into<i8>) -> Self {
        Self {
            ok: true,
            tim_type: tim_type.into(),
            ..Self::default()
        }
    }

    /// The answer to a request of type `tim_type` that was refused, with the text that belongs to the code.
    pub fn refusal(tim_type: impl Into<i8>, code: ErrorCode) -> Self {
        Self {
            ok: false,
            tim_type: tim_type.into(),
            error: Some(code.into()),
            ..Self::default()
        }
    }

    /// The error code of a refusal, when it is one of the known codes.
    pub fn error_code(&self) -> Option<ErrorCode> {
        self.error
            .as_ref()
            .and_then(|error| error.code)
            .and_then(ErrorCode::from_code)
    }
}

impl From<ErrorCode> for TimError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code: Some(code.code()),
            info: Some(code.info().to_owned()),
        }
    }
}

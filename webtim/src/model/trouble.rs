//! Why something did not work, in a form that can be shown: which text belongs to it is the business of `i18n`.

use thiserror::Error;
use tim_client::web::WebError;
use tim_client::{AccountError, ConnectError, ErrorCode, RequestError, SendError};

/// Why something did not work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// The server said no. For people the number decides, the text is for those who look closer.
    #[error("refused: {text} ({code})")]
    Refused {
        /// Number of the error, see [`ErrorCode`].
        code: i32,
        /// Text of the server.
        text: String,
    },
    /// There is no connection.
    #[error("not connected")]
    Offline,
    /// No answer in time, or the connection was lost meanwhile: it is unknown whether it was carried out.
    #[error("no answer in time")]
    TimedOut,
    /// Too large to be sent.
    #[error("too large")]
    TooLarge {
        /// The limit in bytes, if it is known.
        limit: Option<u64>,
    },
    /// Too many attempts; possible again after that many seconds, if the server told.
    #[error("too many attempts")]
    TooMany {
        /// Seconds to wait.
        wait: Option<u64>,
    },
    /// Nobody is logged in any more.
    #[error("signed out")]
    SignedOut,
    /// It was cancelled by the person. Nothing has to be shown.
    #[error("cancelled")]
    Cancelled,
    /// Anything else, with a technical description.
    #[error("{0}")]
    Other(String),
}

impl Trouble {
    /// Whether the server refused with this error.
    #[must_use]
    pub fn is(&self, expected: ErrorCode) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == expected.code())
    }
}

impl From<tim_client::Refusal> for Trouble {
    fn from(refusal: tim_client::Refusal) -> Self {
        Self::Refused {
            code: refusal.code,
            text: refusal.info,
        }
    }
}

impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Refused(refusal) => refusal.into(),
            RequestError::TimedOut | RequestError::ConnectionLost => Self::TimedOut,
            RequestError::TooMany => Self::TooMany { wait: None },
            RequestError::Closed => Self::SignedOut,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<SendError> for Trouble {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(refusal) => refusal.into(),
            SendError::TooLarge { limit, .. } => Self::TooLarge {
                limit: u64::try_from(limit).ok(),
            },
            SendError::TooLargeForServer { .. } => Self::TooLarge { limit: None },
            SendError::NotConnected => Self::Offline,
            SendError::Unconfirmed => Self::TimedOut,
            SendError::Closed => Self::SignedOut,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<ConnectError> for Trouble {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Refused(refusal) => refusal.into(),
            ConnectError::Unreachable(_) | ConnectError::Closed(_) => Self::Offline,
            ConnectError::TimedOut => Self::TimedOut,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<WebError> for Trouble {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Unreachable(_) => Self::Offline,
            WebError::Aborted => Self::Cancelled,
            WebError::Refused { status: 413, .. } => Self::TooLarge { limit: None },
            WebError::Refused {
                status: 429,
                retry_after,
                ..
            } => Self::TooMany {
                wait: retry_after.map(|wait| wait.as_secs().max(1)),
            },
            WebError::Refused {
                status: 401, code: 0, ..
            } => Self::SignedOut,
            WebError::Refused { code, text, .. } => Self::Refused { code, text },
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<AccountError> for Trouble {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Refused(refusal) => refusal.into(),
            AccountError::Unreachable(_) => Self::Offline,
            // Registration is switched off.
            AccountError::Status(403) => Self::Refused {
                code: ErrorCode::Interface.code(),
                text: String::new(),
            },
            other => Self::Other(other.to_string()),
        }
    }
}

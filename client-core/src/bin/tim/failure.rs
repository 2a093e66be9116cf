//! How the program fails: a sentence for people and an exit code for scripts.

use std::io;
use std::process::ExitCode;

use thiserror::Error;
use tim_client::{AccountError, AddressError, ConnectError, LogoutReason, RequestError, SendError};

#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The server said no.
    #[error("{0}")]
    Refused(String),
    /// The command line, a file or the terminal is not as it should be.
    #[error("{0}")]
    Usage(String),
    /// No connection.
    #[error("{0}")]
    Unreachable(String),
    /// Something did not happen in time.
    #[error("{0}")]
    TimedOut(String),
    /// Nobody reads our output any more, which is no failure: `tim listen | head -1`.
    #[error("output closed")]
    ReaderGone,
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::ReaderGone => 0,
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::TimedOut(_) => 4,
        })
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// A session that ended by itself.
    pub(crate) fn logged_out(reason: &LogoutReason) -> Self {
        match reason {
            LogoutReason::Forced => Self::Refused("the server ended all sessions of this account".into()),
            LogoutReason::TookPlace => Self::Refused("another device took the place of this one".into()),
            LogoutReason::Refused(refusal) => Self::Refused(format!("login refused: {refusal}")),
            other => Self::Unreachable(format!("the session ended: {other:?}")),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ReaderGone
        } else {
            Self::Usage(error.to_string())
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Refused(_) => Self::Refused(error.to_string()),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Refused(_) => Self::Refused(error.to_string()),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Refused(_) => Self::Refused(error.to_string()),
            RequestError::TimedOut => Self::TimedOut(error.to_string()),
            RequestError::Invalid(_) => Self::Usage(error.to_string()),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(_) | SendError::TooLargeForServer { .. } => Self::Refused(error.to_string()),
            SendError::TooLarge { .. } | SendError::Invalid(_) => Self::Usage(error.to_string()),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<AddressError> for Failure {
    fn from(error: AddressError) -> Self {
        Self::Usage(format!("server address: {error}"))
    }
}

//! Errors on their way to JavaScript: what went wrong as a word, the number of the server if it gave one, and a text.

use tim_client::web::WebError;
use tim_client::{AccountError, AddressError, ConnectError, ErrorCode, Refusal, RequestError, SendError};
use wasm_bindgen::JsValue;

use crate::record::Record;

/// What the class `TimError` is made of.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: &'static str,
    code: i32,
    message: String,
    status: Option<u16>,
    retry_after: Option<f64>,
}

impl Failure {
    fn new(kind: &'static str, message: String) -> Self {
        Self {
            kind,
            code: 0,
            message,
            status: None,
            retry_after: None,
        }
    }

    pub(crate) fn invalid(message: &str) -> Self {
        Self::new("invalid", message.to_owned())
    }

    pub(crate) fn refused(refusal: &Refusal) -> Self {
        Self {
            code: refusal.code,
            ..Self::new("refused", refusal.to_string())
        }
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let name = ErrorCode::from_code(failure.code).map(|code| format!("{code:?}"));
        Record::new()
            .with("kind", failure.kind)
            .with("code", failure.code)
            .maybe("codeName", name)
            .with("message", failure.message)
            .maybe("status", failure.status)
            .maybe("retryAfter", failure.retry_after)
            .into()
    }
}

impl From<AddressError> for Failure {
    fn from(error: AddressError) -> Self {
        Self::invalid(&format!("the address of the server is malformed: {error}"))
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let kind = match &error {
            ConnectError::Refused(refusal) => return Self::refused(refusal),
            ConnectError::TimedOut => "timedOut",
            ConnectError::Protocol(_) => "protocol",
            ConnectError::NoCredentials => "signedOut",
            ConnectError::Abandoned => "closed",
            _ => "unreachable",
        };
        Self::new(kind, error.to_string())
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        let kind = match &error {
            SendError::Refused(refusal) => return Self::refused(refusal),
            SendError::TooLarge { .. } | SendError::TooLargeForServer { .. } => "tooLarge",
            SendError::Invalid(_) => "invalid",
            SendError::Full => "tooMany",
            SendError::NotConnected => "notConnected",
            SendError::Unconfirmed => "connectionLost",
            SendError::Closed => "closed",
            _ => "protocol",
        };
        Self::new(kind, error.to_string())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let kind = match &error {
            RequestError::Refused(refusal) => return Self::refused(refusal),
            RequestError::TimedOut => "timedOut",
            RequestError::ConnectionLost => "connectionLost",
            RequestError::TooMany => "tooMany",
            RequestError::Invalid(_) => "invalid",
            RequestError::Closed => "closed",
            _ => "protocol",
        };
        Self::new(kind, error.to_string())
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        match &error {
            AccountError::Refused(refusal) => Self::refused(refusal),
            AccountError::Unreachable(_) => Self::new("unreachable", error.to_string()),
            AccountError::Status(status) => Self {
                status: Some(*status),
                ..Self::new("refused", error.to_string())
            },
            _ => Self::new("protocol", error.to_string()),
        }
    }
}

impl From<WebError> for Failure {
    fn from(error: WebError) -> Self {
        let kind = match &error {
            WebError::Refused { .. } => "refused",
            WebError::Unreachable(_) => "unreachable",
            WebError::Aborted => "aborted",
            WebError::Invalid(_) => "invalid",
            _ => "protocol",
        };
        let code = match &error {
            WebError::Refused { code, .. } => *code,
            _ => 0,
        };
        Self {
            code,
            status: error.status(),
            retry_after: error.retry_after().map(|time| time.as_secs_f64() * 1000.0),
            ..Self::new(kind, error.to_string())
        }
    }
}

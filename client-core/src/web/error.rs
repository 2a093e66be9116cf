//! Why a call of the HTTP API failed.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use tim_protocol::ErrorCode;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WebError {
    /// No connection, or no answer in time. Something that changes may have been carried out.
    #[error("cannot reach the server: {0}")]
    Unreachable(String),
    /// The server refused.
    #[error("refused: {text} ({status})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Number of the error, 0 when the server gave none.
        code: i32,
        /// What the server said, for people.
        text: String,
        /// Shortest time until trying again makes sense.
        retry_after: Option<Duration>,
    },
    /// The upload was aborted.
    #[error("aborted")]
    Aborted,
    /// The call cannot be made like this.
    #[error("{0}")]
    Invalid(&'static str),
    /// The answer was not usable.
    #[error("the server answered with {0}")]
    Protocol(&'static str),
}

impl WebError {
    /// HTTP status of a refusal.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether it was refused with this error.
    #[must_use]
    pub fn is(&self, wanted: ErrorCode) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == wanted.code())
    }

    /// Whether there is no session, or it has ended: the user has to sign in.
    #[must_use]
    pub fn is_signed_out(&self) -> bool {
        self.status() == Some(401)
    }

    /// Whether the same may succeed a little later: the server cannot be reached, is overloaded or was asked too often.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => *status == 429 || (*status >= 500 && *status != 507),
            _ => false,
        }
    }

    /// Shortest time until trying again makes sense, if the server said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Reads a refusal: status, body and the header `Retry-After`.
    pub(super) fn from_answer(status: u16, body: &str, retry_after: Option<&str>) -> Self {
        #[derive(Default, Deserialize)]
        struct Body {
            error: Reason,
        }
        #[derive(Default, Deserialize)]
        struct Reason {
            #[serde(default)]
            code: i32,
            #[serde(default)]
            text: String,
        }
        // Proxies answer with pages of their own.
        let Reason { code, text } = serde_json::from_str::<Body>(body).unwrap_or_default().error;
        Self::Refused {
            status,
            code,
            text: if text.is_empty() {
                format!("HTTP status {status}")
            } else {
                text
            },
            retry_after: retry_after
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(Duration::from_secs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_why_and_when_to_try_again() {
        let body = r#"{"error": {"code": 4111, "name": "OverEntry", "text": "too many attempts"}}"#;
        let error = WebError::from_answer(429, body, Some("30"));
        assert_eq!(
            error,
            WebError::Refused {
                status: 429,
                code: 4111,
                text: "too many attempts".into(),
                retry_after: Some(Duration::from_secs(30)),
            }
        );
        assert!(error.is(ErrorCode::OverEntry) && error.is_temporary() && !error.is_signed_out());
    }

    #[test]
    fn the_page_of_a_proxy_is_a_refusal_by_its_status() {
        let error = WebError::from_answer(502, "<html>bad gateway</html>", None);
        assert_eq!(error.status(), Some(502));
        assert_eq!(error.to_string(), "refused: HTTP status 502 (502)");
        assert!(error.is_temporary());
        assert!(!WebError::from_answer(507, "", None).is_temporary());
    }
}

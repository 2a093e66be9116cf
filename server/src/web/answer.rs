//! Answers in JSON, and refusals that say why.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tim_protocol::error_code::ErrorCode;

use crate::engine::web_sessions::SessionError;

/// How long a client should wait that asks an overloaded server.
const OVERLOAD_PAUSE: Duration = Duration::from_secs(5);

/// A request that is not carried out.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: ErrorCode,
    text: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: ErrorCode, text: impl Into<String>) -> Self {
        Self {
            status,
            code,
            text: text.into(),
            retry_after: None,
        }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says to people.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A request that makes no sense.
    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::Params, text)
    }

    /// Nobody has logged in.
    pub(crate) fn no_session() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Token,
            "no session, or it has ended",
        )
    }

    /// Too much of something; it may be tried again after a while.
    pub(crate) fn too_many(code: ErrorCode, text: impl Into<String>, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, text)
        }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        let status = match code {
            ErrorCode::Params | ErrorCode::Format => StatusCode::BAD_REQUEST,
            ErrorCode::NoPass | ErrorCode::Token => StatusCode::UNAUTHORIZED,
            ErrorCode::Account | ErrorCode::NoExist => StatusCode::NOT_FOUND,
            ErrorCode::HasExist => StatusCode::CONFLICT,
            ErrorCode::OverHz | ErrorCode::OverEntry => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::Overload | ErrorCode::Database => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        };
        Self {
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(OVERLOAD_PAUSE),
            ..Self::new(status, code, code.info())
        }
    }
}

impl From<SessionError> for Refusal {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Ended => Self::no_session(),
            SessionError::TooMany(pause) => Self::too_many(ErrorCode::OverHz, error.to_string(), pause),
            SessionError::Failed(code) => code.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Error {
            code: i32,
            name: String,
            text: String,
        }
        #[derive(Serialize)]
        struct Refused {
            error: Error,
        }
        let body = Refused {
            error: Error {
                code: self.code as i32,
                name: format!("{:?}", self.code),
                text: self.text,
            },
        };
        let mut response = json(self.status, &body);
        if let Some(pause) = self.retry_after {
            let seconds = HeaderValue::from(pause.as_secs().max(1));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}

/// An answer that is never kept by caches.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let (status, body) = match serde_json::to_vec(body) {
        Ok(body) => (status, body),
        Err(error) => {
            tracing::error!(%error, "an answer has no JSON form");
            (StatusCode::INTERNAL_SERVER_ERROR, Vec::new())
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

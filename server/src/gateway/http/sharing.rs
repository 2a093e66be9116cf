//! Lets pages of the origins that the operator lists read answers (CORS). Without a list nobody else's page can.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::gateway::Shared;
use crate::gateway::backend::Backend;
use crate::gateway::handshake::origin_allowed;

const METHODS: &str = "GET, HEAD, POST, PUT, DELETE";
const REQUEST_HEADERS: &str = "authorization, content-type, range";
const ANSWER_HEADERS: &str = "content-range, accept-ranges, etag, retry-after, content-disposition";
/// Seconds for which a browser need not ask again.
const MAX_AGE: &str = "3600";

pub(super) async fn with_listed_origins<B: Backend>(
    State(shared): State<Arc<Shared<B>>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let is_shared = path == "/tim2" || path.starts_with("/client/");
    let origins = &shared.options.origins;
    if !is_shared || origins.is_empty() || !origin_allowed(request.headers(), origins) {
        return next.run(request).await;
    }
    let Some(origin) = request.headers().get(ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let is_question =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_question {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    grant(response.headers_mut(), origin, is_question);
    response
}

fn grant(headers: &mut HeaderMap, origin: HeaderValue, is_question: bool) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let others = if is_question {
        &[
            (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
            (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ][..]
    } else {
        &[(ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS)]
    };
    for (name, value) in others {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
}

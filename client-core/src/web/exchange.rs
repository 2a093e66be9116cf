//! One call: a request with `fetch`, its answer or its refusal.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Blob, Headers, RequestCache, RequestCredentials, RequestInit, Response};

use super::{PATIENCE, WebApi, WebError, unreachable};
use crate::runtime::script::{self, Sleep};

/// What goes with a request.
pub(super) enum Body<'a> {
    None,
    Json(Value),
    Content(&'a Blob),
}

/// Ends a request when it is dropped.
struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        // Without effect on a request that is over.
        self.0.abort();
    }
}

impl WebApi {
    /// Makes a call and answers the text of its answer.
    pub(super) async fn call(&self, method: &str, path: &str, body: Body<'_>) -> Result<String, WebError> {
        let patience = match body {
            Body::Content(_) => PATIENCE * 8,
            _ => PATIENCE,
        };
        let exchange = async {
            let (response, _abort) = self.respond(method, path, body).await?;
            text_of(&response).await
        };
        in_time(exchange, patience).await
    }

    /// Fetches a file as it is. No time limit: it may be large.
    pub(super) async fn fetch_blob(&self, path: &str) -> Result<Blob, WebError> {
        let (response, _abort) = self.respond("GET", path, Body::None).await?;
        let blob = response.blob().map_err(|error| unreachable(&error))?;
        let blob = JsFuture::from(blob).await.map_err(|error| unreachable(&error))?;
        Ok(blob.unchecked_into())
    }

    /// Makes a call and answers it as far as it is no refusal. Dropping the guard abandons what has not arrived.
    async fn respond(
        &self,
        method: &str,
        path: &str,
        body: Body<'_>,
    ) -> Result<(Response, impl Drop + use<>), WebError> {
        let abort = Abort(AbortController::new().map_err(|error| unreachable(&error))?);
        let init = self
            .request(method, &body, &abort.0)
            .map_err(|error| unreachable(&error))?;
        let response = JsFuture::from(script::fetch(&self.url(path), &init))
            .await
            .map_err(|error| unreachable(&error))?;
        let response: Response = response.unchecked_into();
        if response.ok() {
            return Ok((response, abort));
        }
        let retry_after = response.headers().get("Retry-After").ok().flatten();
        // A refusal whose text is lost is still a refusal.
        let text = text_of(&response).await.unwrap_or_default();
        Err(WebError::from_answer(
            response.status(),
            &text,
            retry_after.as_deref(),
        ))
    }

    fn request(
        &self,
        method: &str,
        body: &Body<'_>,
        abort: &AbortController,
    ) -> Result<RequestInit, JsValue> {
        let headers = Headers::new()?;
        let init = RequestInit::new();
        init.set_method(method);
        match body {
            Body::None => {}
            Body::Json(value) => {
                headers.set("Content-Type", "application/json")?;
                init.set_body(&value.to_string().into());
            }
            Body::Content(blob) => {
                headers.set("Content-Type", &content_type(blob))?;
                init.set_body(blob);
            }
        }
        if let Some(authorization) = self.authorization() {
            headers.set("Authorization", &authorization)?;
        }
        init.set_headers(&headers);
        init.set_credentials(if self.sends_cookies() {
            RequestCredentials::Include
        } else {
            RequestCredentials::Omit
        });
        init.set_cache(RequestCache::NoStore);
        init.set_signal(Some(&abort.signal()));
        Ok(init)
    }

    /// Value of the header that says who asks.
    pub(super) fn authorization(&self) -> Option<String> {
        self.session
            .as_ref()
            .map(|session| format!("Bearer {}", session.expose()))
    }

    /// Whether the cookie says who asks.
    pub(super) fn sends_cookies(&self) -> bool {
        self.session.is_none()
    }
}

/// The type of a content as the browser knows it.
pub(super) fn content_type(blob: &Blob) -> String {
    let known = blob.type_();
    if known.is_empty() {
        "application/octet-stream".to_owned()
    } else {
        known
    }
}

async fn text_of(response: &Response) -> Result<String, WebError> {
    let text = response.text().map_err(|error| unreachable(&error))?;
    let text = JsFuture::from(text).await.map_err(|error| unreachable(&error))?;
    Ok(text.as_string().unwrap_or_default())
}

/// Gives up, and thereby drops, what takes too long.
async fn in_time<T>(
    exchange: impl Future<Output = Result<T, WebError>>,
    patience: Duration,
) -> Result<T, WebError> {
    match select(Box::pin(exchange), Sleep::new(patience)).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(WebError::Unreachable("no answer in time".to_owned())),
    }
}

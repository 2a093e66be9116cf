//! One POST of one packet to `/tim2`, for what is done without a session (`wire-protocol 2.3`).

use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestCredentials, RequestInit, Response};

use super::Connector;
use crate::runtime::script::{self, Sleep};
use crate::transport::{Answer, MAX_ANSWER};

impl Connector {
    /// Sends the packet and waits at most `patience` for the answer. The text of the error is for people.
    pub(crate) async fn post(&self, packet: Vec<u8>, patience: Duration) -> Result<Answer, String> {
        let scheme = if self.address.is_tls() { "https" } else { "http" };
        let authority = self.address.authority();
        let url = format!("{scheme}://{authority}{}", self.address.account_path());
        let abort = AbortController::new().map_err(|error| script::describe(&error))?;
        let exchange = Box::pin(exchange(url, packet, &abort));
        let answer = match select(exchange, Sleep::new(patience)).await {
            Either::Left((answer, _)) => answer.map_err(|error| script::describe(&error)),
            Either::Right(_) => {
                abort.abort();
                Err("the server did not answer in time".to_owned())
            }
        };
        answer.map_err(|error| format!("{authority}: {error}"))
    }
}

async fn exchange(url: String, packet: Vec<u8>, abort: &AbortController) -> Result<Answer, JsValue> {
    let headers = Headers::new()?;
    headers.set("Content-Type", "application/octet-stream")?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_credentials(RequestCredentials::Omit);
    init.set_body(&Uint8Array::from(packet.as_slice()));
    init.set_signal(Some(&abort.signal()));
    let response: Response = JsFuture::from(script::fetch(&url, &init)).await?.unchecked_into();
    let body: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.unchecked_into();
    let body = Uint8Array::new(&body);
    if body.length() as usize > MAX_ANSWER {
        return Err("the answer is too large".into());
    }
    Ok(Answer {
        status: response.status(),
        body: body.to_vec().into(),
    })
}

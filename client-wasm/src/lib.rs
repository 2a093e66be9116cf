//! The WebAssembly inside the npm package: thin classes over `tim_client::Client` and `tim_client::web::WebApi`,
//! which take and give plain JavaScript values. What applications see is written by hand in `js/`: it checks that the
//! module is loaded, turns errors into one class and events into handlers and iterators. Nothing that the session core
//! decides may be decided here.

#![cfg(target_arch = "wasm32")]

mod api;
mod client;
mod failure;
mod fields;
mod messages;
mod options;
mod people;
mod record;
mod rooms;
mod streams;

use std::future::Future;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::failure::Failure;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn report(text: &str);
}

/// Called when the module was loaded. A panic is a defect of this package; without this nobody would see what it says.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| report(&format!("tim-im-client: {panic}"))));
}

/// A promise of what a future gives. The future starts in the turn of the call and keeps the order of calls.
fn promise<T: Into<JsValue>>(future: impl Future<Output = Result<T, Failure>> + 'static) -> Promise {
    future_to_promise(async move { future.await.map(Into::into).map_err(JsValue::from) })
}

//! The few functions of JavaScript hosts that browsers, workers and Node have in common, as globals.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use web_sys::RequestInit;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(handler: &Function, milliseconds: i32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(handle: &JsValue);

    /// Milliseconds of a clock that does not jump, and may stand still while the device sleeps.
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    pub(crate) fn performance_now() -> f64;

    #[wasm_bindgen(js_name = fetch)]
    pub(crate) fn fetch(url: &str, init: &RequestInit) -> Promise;
}

/// Waits for a time. Browsers may make it longer while their page is hidden.
pub(crate) struct Sleep {
    state: Rc<SleepState>,
    handle: JsValue,
    _handler: Closure<dyn FnMut()>,
}

#[derive(Default)]
struct SleepState {
    is_over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Sleep {
    pub(crate) fn new(time: Duration) -> Self {
        let state = Rc::new(SleepState::default());
        let handler = Closure::<dyn FnMut()>::new({
            let state = Rc::clone(&state);
            move || {
                state.is_over.set(true);
                if let Some(waker) = state.waker.take() {
                    waker.wake();
                }
            }
        });
        // Rounded up, or a timer would fire just before its time and be set again for nothing.
        let milliseconds = i32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
        let handle = set_timeout(handler.as_ref().unchecked_ref(), milliseconds);
        Self {
            state,
            handle,
            _handler: handler,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.state.is_over.get() {
            return Poll::Ready(());
        }
        self.state.waker.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        clear_timeout(&self.handle);
    }
}

/// What JavaScript says went wrong, for people.
pub(crate) fn describe(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(
        || error.as_string().unwrap_or_else(|| "unknown error".to_owned()),
        |error| String::from(error.message()),
    )
}

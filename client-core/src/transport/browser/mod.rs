//! Connections through a JavaScript host: its WebSocket for sessions, `fetch` for registration and tokens.

mod http;
mod websocket;

use std::time::Duration;

use js_sys::{Function, Reflect};
use wasm_bindgen::JsValue;

pub(crate) use self::websocket::Connection;
use super::ServerAddress;

/// What can be chosen about connections.
#[derive(Clone, Default)]
pub(crate) struct TransportSettings {
    /// Constructor to use instead of the global `WebSocket`.
    pub(crate) web_socket: Option<Function>,
}

impl TransportSettings {
    pub(crate) fn connector(&self, address: ServerAddress, timeout: Duration) -> Connector {
        Connector {
            address,
            web_socket: self.web_socket.clone(),
            timeout,
        }
    }
}

/// Opens connections to one server.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) address: ServerAddress,
    web_socket: Option<Function>,
    timeout: Duration,
}

/// Scheme, host and port of the page, if there is one.
pub(crate) fn page_origin() -> Option<String> {
    let location = Reflect::get(&js_sys::global(), &"location".into()).ok()?;
    let origin = Reflect::get(&location, &JsValue::from_str("origin")).ok()?;
    // Pages from files have the origin "null".
    origin.as_string().filter(|origin| origin.starts_with("http"))
}

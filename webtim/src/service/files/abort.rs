//! A wish to stop, that reaches whatever is under way.

use wasm_bindgen::JsValue;
use web_sys::{AbortController, AbortSignal};

use super::describe;
use crate::model::Trouble;

/// A wish to stop. Clones are the same wish.
#[derive(Clone, Debug, Default)]
pub(crate) struct Abort {
    controller: Option<AbortController>,
}

impl Abort {
    /// Nobody wants to stop yet.
    pub(crate) fn new() -> Self {
        // Every browser that runs WebAssembly has them; without one there is just no stopping.
        Self {
            controller: AbortController::new().ok(),
        }
    }

    /// Stops.
    pub(crate) fn give(&self) {
        if let Some(controller) = &self.controller {
            controller.abort();
        }
    }

    /// Whether somebody wants to stop.
    pub(crate) fn is_given(&self) -> bool {
        self.controller
            .as_ref()
            .is_some_and(|controller| controller.signal().aborted())
    }

    /// For calls of the browser.
    pub(crate) fn signal(&self) -> Option<AbortSignal> {
        self.controller.as_ref().map(AbortController::signal)
    }

    /// What an error of the network means: the wish to stop, or that there is no connection.
    pub(crate) fn reason(&self, error: &JsValue) -> Trouble {
        if self.is_given() {
            return Trouble::Cancelled;
        }
        match describe(error.clone()) {
            Trouble::Other(_) => Trouble::Offline,
            other => other,
        }
    }
}

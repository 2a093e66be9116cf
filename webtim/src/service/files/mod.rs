//! Files between the disk, this page and the server. Nothing here holds a whole large file in memory: uploads are read by the
//! browser itself, hashes and downloads go through in pieces.

mod abort;
mod downloads;
mod fetching;
mod hash;
mod lighter;
mod probe;
mod saving;
mod uploads;

use wasm_bindgen::{JsCast, JsValue};

pub(crate) use self::abort::Abort;
pub(crate) use self::downloads::Media;
pub use self::downloads::MediaFailure;
pub(crate) use self::probe::milliseconds;
pub use self::probe::{LocalAddress, Probe};
pub use self::uploads::{Prepared, Together};

use crate::model::Trouble;

/// What is under way, beside what the model shows of it.
#[derive(Default)]
pub(crate) struct Files {
    uploads: uploads::Uploads,
    downloads: downloads::Downloads,
}

/// An error of the browser as trouble that can be shown.
#[allow(clippy::needless_pass_by_value)] // Fits `map_err`.
pub(crate) fn describe(error: JsValue) -> Trouble {
    let text = |error: &js_sys::Error| (String::from(error.name()), String::from(error.message()));
    match error.dyn_ref::<js_sys::Error>().map(text) {
        Some((name, _)) if name == "AbortError" => Trouble::Cancelled,
        Some((name, message)) => Trouble::Other(format!("{name}: {message}")),
        None => Trouble::Other(
            error
                .as_string()
                .unwrap_or_else(|| "error of the browser".to_owned()),
        ),
    }
}

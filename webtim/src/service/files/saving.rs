//! Where the bytes of a download go while they are checked. Up to a certain size they are collected in pieces that the
//! browser can move to the disk, and offered as one file when they are known to be right. Larger files are written straight
//! into a file that the person chose, where the browser permits that.

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use super::describe;
use crate::model::Trouble;

/// Files above this size are not collected.
pub(super) const COLLECTED: u64 = 512 << 20;

/// Bytes that become one piece.
const PIECE: usize = 4 << 20;

/// Whether the browser can write into a file that the person chooses.
pub(super) fn can_write_to_disk() -> bool {
    picker().is_some()
}

fn picker() -> Option<Function> {
    let window = web_sys::window()?;
    Reflect::get(&window, &"showSaveFilePicker".into())
        .ok()?
        .dyn_into()
        .ok()
}

/// Where the bytes go.
pub(super) enum Target {
    /// Pieces in the hands of the browser.
    Collected(Collected),
    /// A file on the disk, which appears under its name when it is closed.
    Disk(JsValue),
}

#[derive(Default)]
pub(super) struct Collected {
    pieces: Array,
    open: Vec<u8>,
}

impl Target {
    /// Pieces in the hands of the browser.
    pub(super) fn collected() -> Self {
        Self::Collected(Collected::default())
    }

    /// Asks where to save. Must be called while the browser still knows that the person pressed something.
    pub(super) async fn choose(name: &str) -> Result<Self, Trouble> {
        let picker = picker().ok_or_else(|| Trouble::Other("no access to files".to_owned()))?;
        let options = Object::new();
        Reflect::set(&options, &"suggestedName".into(), &name.into()).map_err(describe)?;
        let handle = call(&picker, &JsValue::UNDEFINED, &options).await?;
        let stream = method(&handle, "createWritable", &JsValue::UNDEFINED).await?;
        Ok(Self::Disk(stream))
    }

    /// Takes the next bytes.
    pub(super) async fn write(&mut self, bytes: &Uint8Array) -> Result<(), Trouble> {
        match self {
            Self::Collected(collected) => {
                let start = collected.open.len();
                collected
                    .open
                    .resize(start + usize::try_from(bytes.length()).unwrap_or_default(), 0);
                bytes.copy_to(&mut collected.open[start..]);
                if collected.open.len() >= PIECE {
                    collected.seal()?;
                }
                Ok(())
            }
            Self::Disk(stream) => method(stream, "write", bytes).await.map(drop),
        }
    }

    /// Gives the file to the person.
    pub(super) async fn finish(self, name: &str) -> Result<(), Trouble> {
        match self {
            Self::Collected(collected) => offer(&collected.into_blob("application/octet-stream")?, name),
            Self::Disk(stream) => method(&stream, "close", &JsValue::UNDEFINED).await.map(drop),
        }
    }

    /// Drops everything that was written.
    pub(super) async fn discard(self) {
        if let Self::Disk(stream) = self {
            // The unfinished file never appeared; if even this fails there is nothing to be told.
            drop(method(&stream, "abort", &JsValue::UNDEFINED).await);
        }
    }
}

impl Collected {
    fn seal(&mut self) -> Result<(), Trouble> {
        if !self.open.is_empty() {
            let parts = Array::of1(&Uint8Array::from(self.open.as_slice()));
            let piece = Blob::new_with_u8_array_sequence(&parts).map_err(describe)?;
            self.pieces.push(&piece);
            self.open.clear();
        }
        Ok(())
    }

    /// All bytes as one.
    pub(super) fn into_blob(mut self, media_type: &str) -> Result<Blob, Trouble> {
        self.seal()?;
        let options = BlobPropertyBag::new();
        options.set_type(media_type);
        Blob::new_with_blob_sequence_and_options(&self.pieces, &options).map_err(describe)
    }
}

/// Lets the browser save a file as it saves any download.
fn offer(blob: &Blob, name: &str) -> Result<(), Trouble> {
    let document = web_sys::window().and_then(|window| window.document());
    let document = document.ok_or_else(|| Trouble::Other("no page".to_owned()))?;
    let address = Url::create_object_url_with_blob(blob).map_err(describe)?;
    let link: HtmlAnchorElement = document.create_element("a").map_err(describe)?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    // The browser reads it in its own time; a minute later it has begun.
    gloo_timers::callback::Timeout::new(60_000, move || drop(Url::revoke_object_url(&address))).forget();
    Ok(())
}

async fn call(function: &Function, this: &JsValue, argument: &JsValue) -> Result<JsValue, Trouble> {
    let promise: Promise = function
        .call1(this, argument)
        .map_err(describe)?
        .dyn_into()
        .map_err(describe)?;
    JsFuture::from(promise).await.map_err(describe)
}

async fn method(object: &JsValue, name: &str, argument: &JsValue) -> Result<JsValue, Trouble> {
    let function: Function = Reflect::get(object, &name.into())
        .map_err(describe)?
        .dyn_into()
        .map_err(describe)?;
    call(&function, object, argument).await
}

//! Finds out how large a picture is and how long a sound or film plays, by letting the browser open it.

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlImageElement, HtmlMediaElement, HtmlVideoElement, Url};

use super::describe;
use crate::model::Trouble;

/// Longest time to wait for the browser, in milliseconds. A file that takes longer is sent as a file.
const PATIENCE: u32 = 10_000;

/// What the browser found out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Probe {
    /// Width and height in pixels.
    pub dimensions: Option<(u32, u32)>,
    /// How long it plays, in milliseconds.
    pub duration: Option<u64>,
}

/// Opens the content behind an address of this page. What the browser cannot open has neither size nor length.
pub(super) async fn probe(address: &str, media_type: &str) -> Probe {
    let looked = async {
        match media_type.split('/').next() {
            Some("image") => picture(address).await,
            Some("video") => media("video", address).await,
            Some("audio") => media("audio", address).await,
            _ => Ok(Probe::default()),
        }
    };
    match select(Box::pin(looked), TimeoutFuture::new(PATIENCE)).await {
        Either::Left((found, _)) => found.unwrap_or_default(),
        Either::Right(_) => Probe::default(),
    }
}

async fn picture(address: &str) -> Result<Probe, Trouble> {
    let image = HtmlImageElement::new().map_err(describe)?;
    image.set_src(address);
    JsFuture::from(image.decode()).await.map_err(describe)?;
    Ok(Probe {
        dimensions: sides(image.natural_width(), image.natural_height()),
        duration: None,
    })
}

async fn media(element: &str, address: &str) -> Result<Probe, Trouble> {
    let document = web_sys::window().and_then(|window| window.document());
    let document = document.ok_or_else(|| Trouble::Other("no page".to_owned()))?;
    let media: HtmlMediaElement = document
        .create_element(element)
        .map_err(describe)?
        .unchecked_into();
    media.set_preload("metadata");
    event(&media, "loadedmetadata", || media.set_src(address)).await?;
    if media.duration().is_infinite() {
        // Recordings of browsers say how long they are only to those who ask for the end.
        event(&media, "durationchange", || media.set_current_time(1e9)).await?;
    }
    let dimensions = media
        .dyn_ref::<HtmlVideoElement>()
        .and_then(|video| sides(video.video_width(), video.video_height()));
    let duration = milliseconds(media.duration());
    media.set_src("");
    Ok(Probe { dimensions, duration })
}

/// Waits for an event of the element, or for its error.
async fn event(media: &HtmlMediaElement, name: &str, start: impl FnOnce()) -> Result<(), Trouble> {
    let promise = Promise::new(&mut |resolve: Function, reject: Function| {
        media.set_onerror(Some(&reject));
        drop(media.add_event_listener_with_callback(name, &resolve));
    });
    start();
    let result = JsFuture::from(promise).await;
    media.set_onerror(None);
    result.map(drop).map_err(describe)
}

fn sides(width: u32, height: u32) -> Option<(u32, u32)> {
    (width > 0 && height > 0).then_some((width, height))
}

/// Seconds of the browser as milliseconds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // The value is checked before.
pub(crate) fn milliseconds(seconds: f64) -> Option<u64> {
    (seconds.is_finite() && (0.0..1e7).contains(&seconds)).then(|| (seconds * 1000.0).round() as u64)
}

/// An address of content inside this page, valid until it is dropped.
#[derive(Debug)]
pub struct LocalAddress(String);

impl LocalAddress {
    /// Makes an address.
    pub fn new(blob: &web_sys::Blob) -> Result<Self, Trouble> {
        Url::create_object_url_with_blob(blob)
            .map(Self)
            .map_err(|error: JsValue| describe(error))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for LocalAddress {
    fn drop(&mut self) {
        drop(Url::revoke_object_url(&self.0));
    }
}

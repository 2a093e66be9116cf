//! Sound and video files, with the controls of the browser.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::HtmlMediaElement;
use yew::prelude::*;

use super::download::{DownloadButton, DownloadState};
use super::file_card::FileCard;
use super::voice::play_alone;
use crate::fields::{Box2, File, fit};
use crate::i18n::{Lang, media, numbers};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct MediaFileProps {
    pub file: Rc<File>,
}

#[component]
pub(super) fn AudioFile(props: &MediaFileProps) -> Html {
    let lang = use_lang();
    let file = &props.file;
    html! {
        <div class="audio-file" role="group" aria-label={format!("{} {}", media::sound(lang), file.name)} data-test="audio" data-name={file.name.clone()}>
            { head(file, lang) }
            <audio class="audio-player" src={file.address()} controls={true} preload="none" onplay={Callback::from(alone)} />
        </div>
    }
}

#[component]
pub(super) fn VideoFile(props: &MediaFileProps) -> Html {
    let lang = use_lang();
    let failed = use_state(|| false);
    let file = &props.file;
    let (width, height) = file.dimensions.unwrap_or((16, 9));
    // Small videos are played larger than they are.
    let room = Box2 {
        width: 380,
        height: 340,
    };
    let scaled = Box2 {
        width: width.saturating_mul(100),
        height: height.saturating_mul(100),
    };
    let size = fit(scaled, room, 64);
    let onerror = {
        let failed = failed.clone();
        Callback::from(move |_: Event| failed.set(true))
    };
    if *failed {
        return html! { <FileCard file={Rc::clone(file)} /> };
    }
    html! {
        <div class="video-file" role="group" aria-label={format!("{} {}", media::video(lang), file.name)} data-test="video" data-name={file.name.clone()}>
            <video src={file.address()} width={size.width.to_string()} height={size.height.to_string()} controls={true} preload="metadata" playsinline=true
                onplay={Callback::from(alone)} {onerror} />
            { head(file, lang) }
        </div>
    }
}

fn head(file: &Rc<File>, lang: Lang) -> Html {
    let size = numbers::size(lang, file.size);
    let facts = match file.duration {
        Some(ms) => format!("{} · {size}", numbers::duration(ms / 1000)),
        None => size,
    };
    html! {
        <div class="media-head">
            <div class="file-text">
                <span class="file-name truncate" data-test="file-name" title={file.name.clone()}>{ file.name.clone() }</span>
                <DownloadState file={Rc::clone(file)} otherwise={facts} />
            </div>
            <DownloadButton file={Rc::clone(file)} />
        </div>
    }
}

/// One thing plays at a time.
fn alone(event: Event) {
    if let Some(element) = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlMediaElement>().ok())
    {
        play_alone(&element);
    }
}

//! Files on their way to the server, above the composer, until they are messages.

use yew::prelude::*;

use crate::fields::FileKind;
use crate::i18n::{Lang, common, media, numbers};
use crate::model::{ChatId, Progress, Trouble, Upload, percent};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Glyph, Icon, IconButton};
use crate::ui::media::kind_glyph;
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct UploadTrayProps {
    pub chat: ChatId,
}

#[component]
pub(super) fn UploadTray(props: &UploadTrayProps) -> Html {
    let lang = use_lang();
    let chat = props.chat.clone();
    let uploads = use_select(move |model| model.transfers.uploads(&chat));
    html! {
        if !uploads.is_empty() {
            <ul class="upload-tray" aria-label={media::uploads(lang)} data-test="uploads">
                { for uploads.iter().map(|upload| html! { <UploadLine key={upload.id} upload={upload.clone()} /> }) }
            </ul>
        }
    }
}

#[derive(Clone, PartialEq, Properties)]
struct UploadLineProps {
    upload: Upload,
}

#[component]
fn UploadLine(props: &UploadLineProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let bar = use_node_ref();
    let upload = &props.upload;
    let percent = upload.progress.percent(upload.size);
    use_bar(&bar, percent);

    let cancel = {
        let (app, id) = (app.clone(), upload.id);
        Callback::from(move |_: MouseEvent| app.service().cancel_upload(id))
    };
    let retry = {
        let (app, id) = (app, upload.id);
        Callback::from(move |_: MouseEvent| app.service().retry_upload(id))
    };
    let failed = matches!(upload.progress, Progress::Failed(_) | Progress::Damaged);
    html! {
        <li class={classes!("upload", failed.then_some("upload-failed"))} data-test="upload" data-name={upload.name.clone()}>
            if let Some(preview) = &upload.preview {
                <img class="upload-preview" src={preview.clone()} alt="" />
            } else {
                <span class="upload-sign"><Icon glyph={kind_glyph(FileKind::of(&upload.name, ""))} /></span>
            }
            <div class="upload-text">
                <span class="upload-name truncate">{ upload.name.clone() }</span>
                <span class="upload-state truncate" role={failed.then_some("alert")}>{ state(upload, lang) }</span>
                if let Some(percent) = percent {
                    <div class="progress" role="progressbar" aria-label={upload.name.clone()} aria-valuemin="0" aria-valuemax="100"
                        aria-valuenow={percent.to_string()} data-test="upload-progress">
                        <div ref={bar} class="progress-done" />
                    </div>
                }
            </div>
            if failed {
                <IconButton glyph={Glyph::Reload} small={true} label={media::retry_upload(lang, &upload.name)} onclick={retry} test="upload-retry" />
            }
            <IconButton glyph={Glyph::Close} small={true} label={media::cancel_upload(lang, &upload.name)} onclick={cancel} test="upload-cancel" />
        </li>
    }
}

fn state(upload: &Upload, lang: Lang) -> String {
    match &upload.progress {
        Progress::Waiting => media::upload_waiting(lang).to_owned(),
        Progress::Running(done) => {
            let text = media::upload_running(
                lang,
                &numbers::size(lang, *done),
                &numbers::size(lang, upload.size),
            );
            format!("{text} · {} %", percent(*done, upload.size))
        }
        Progress::Checking => media::upload_checking(lang).to_owned(),
        Progress::Damaged => media::upload_damaged(lang).to_owned(),
        Progress::Failed(Trouble::Cancelled) => media::upload_failed(lang).to_owned(),
        Progress::Failed(trouble) => common::trouble(lang, trouble),
    }
}

/// Gives a progress bar its length. Styles inside the markup are forbidden here, those of the object model are not.
#[hook]
pub(crate) fn use_bar(bar: &NodeRef, percent: Option<u8>) {
    let bar = bar.clone();
    use_effect_with(percent, move |percent| {
        if let (Some(percent), Some(bar)) = (percent, bar.cast::<web_sys::HtmlElement>()) {
            // A well-formed length is not refused.
            drop(bar.style().set_property("width", &format!("{percent}%")));
        }
    });
}

//! The button that saves a file, and what becomes of it.

use std::rc::Rc;

use yew::prelude::*;

use crate::fields::File;
use crate::i18n::{Lang, common, media};
use crate::model::{Download, Trouble, percent};
use crate::store::{use_app, use_select};
use crate::ui::compose::use_bar;
use crate::ui::kit::{Glyph, Icon, IconButton};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct DownloadProps {
    pub file: Rc<File>,
}

/// Saves a file, shows how far it is, stops it.
#[component]
pub(super) fn DownloadButton(props: &DownloadProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let file = &props.file;
    let id = file.id.clone();
    let state = use_select(move |model| model.transfers.download(&id).cloned());
    if app.service().saves_unchecked(file) {
        let label = media::download(lang, &file.name);
        return html! {
            <a class="icon-button" href={file.download_address()} download={file.name.clone()} aria-label={label.clone()} title={label} data-test="file-link">
                <Icon glyph={Glyph::Download} />
            </a>
        };
    }
    if let Some(Download::Running(_)) = &*state {
        let cancel = {
            let (app, id) = (app, file.id.clone());
            Callback::from(move |_: MouseEvent| app.service().cancel_download(&id))
        };
        return html! { <IconButton glyph={Glyph::Close} label={media::cancel_download(lang, &file.name)} onclick={cancel} test="download-cancel" /> };
    }
    let save = {
        let (app, file) = (app, Rc::clone(file));
        Callback::from(move |_: MouseEvent| {
            let (service, file) = (app.service().clone(), (*file).clone());
            app.spawn(async move { service.download(file).await });
        })
    };
    let (glyph, label) = match &*state {
        Some(Download::Saved) => (Glyph::Check, media::download_again(lang, &file.name)),
        Some(Download::Failed(_) | Download::Damaged) => {
            (Glyph::Reload, media::download_again(lang, &file.name))
        }
        _ => (Glyph::Download, media::download(lang, &file.name)),
    };
    html! { <IconButton {glyph} {label} onclick={save} test="download" /> }
}

/// What becomes of a download, in words and as a bar; `otherwise` when there is none.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct DownloadStateProps {
    pub file: Rc<File>,
    #[prop_or_default]
    pub otherwise: AttrValue,
}

#[component]
pub(super) fn DownloadState(props: &DownloadStateProps) -> Html {
    let lang = use_lang();
    let bar = use_node_ref();
    let file = &props.file;
    let id = file.id.clone();
    let state = use_select(move |model| model.transfers.download(&id).cloned());
    let running = match &*state {
        Some(Download::Running(done)) => Some(percent(*done, file.size)),
        _ => None,
    };
    use_bar(&bar, running);
    let (text, is_bad) = words(state.as_ref().as_ref(), file.size, lang);
    html! {
        <>
            if let Some(text) = text {
                <span class={classes!("file-state", is_bad.then_some("file-bad"))} role={if is_bad { "alert" } else { "status" }} data-test="download-state">{ text }</span>
            } else if !props.otherwise.is_empty() {
                <span class="file-state">{ props.otherwise.clone() }</span>
            }
            if let Some(percent) = running {
                <div class="progress" role="progressbar" aria-label={file.name.clone()} aria-valuemin="0" aria-valuemax="100" aria-valuenow={percent.to_string()}>
                    <div ref={bar} class="progress-done" />
                </div>
            }
        </>
    }
}

/// The words, and whether they are bad news.
fn words(state: Option<&Download>, size: u64, lang: Lang) -> (Option<String>, bool) {
    match state {
        None => (None, false),
        Some(Download::Running(done)) => (Some(media::downloading(lang, percent(*done, size))), false),
        Some(Download::Saved) => (Some(media::saved(lang).to_owned()), false),
        Some(Download::Damaged) => (Some(media::damaged(lang).to_owned()), true),
        Some(Download::Failed(Trouble::Refused { .. })) => (Some(media::file_gone(lang).to_owned()), true),
        Some(Download::Failed(trouble)) => (Some(common::trouble(lang, trouble)), true),
    }
}

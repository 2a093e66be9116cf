//! A look at the files before they are sent: what they are, a caption, and whether pictures go as pictures.

use yew::prelude::*;

use crate::fields::{FileKind, Shown};
use crate::i18n::{common, media, numbers};
use crate::service::Prepared;
use crate::ui::kit::{Button, ButtonKind, Checkbox, Dialog, Glyph, Icon, IconButton, TextField};
use crate::ui::media::kind_glyph;
use crate::ui::use_lang;

/// What was decided in the dialog.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decision {
    pub(super) files: Vec<Prepared>,
    pub(super) caption: String,
    pub(super) as_files: bool,
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct PreviewProps {
    pub files: Vec<Prepared>,
    /// What was written already becomes the caption.
    pub text: AttrValue,
    /// Files that cannot be sent.
    pub refused: Vec<String>,
    pub onsend: Callback<Decision>,
    pub onclose: Callback<()>,
}

#[component]
pub(super) fn Preview(props: &PreviewProps) -> Html {
    let lang = use_lang();
    let files = use_state(|| props.files.clone());
    let caption = use_state(|| props.text.to_string());
    let as_files = use_state(|| false);

    let pictures = files.iter().filter(|file| file.shown() == Shown::Picture).count();
    let all_pictures = pictures == files.len() && !*as_files;
    let count = u64::try_from(files.len()).unwrap_or(u64::MAX);
    let title = if all_pictures {
        media::send_pictures(lang, count)
    } else {
        media::send_files(lang, count)
    };

    let send = {
        let (files, caption, as_files, onsend) = (
            files.clone(),
            caption.clone(),
            as_files.clone(),
            props.onsend.clone(),
        );
        move || {
            if !files.is_empty() {
                onsend.emit(Decision {
                    files: (*files).clone(),
                    caption: (*caption).clone(),
                    as_files: *as_files,
                });
            }
        }
    };
    let onsubmit = {
        let send = send.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            send();
        })
    };
    let onclick = Callback::from(move |_: MouseEvent| send());
    let cancel = {
        let onclose = props.onclose.clone();
        Callback::from(move |_: MouseEvent| onclose.emit(()))
    };
    let input = {
        let caption = caption.clone();
        Callback::from(move |text: String| caption.set(text))
    };
    let choose = {
        let as_files = as_files.clone();
        Callback::from(move |on: bool| as_files.set(on))
    };
    let remove = {
        let (files, onclose) = (files.clone(), props.onclose.clone());
        Callback::from(move |index: usize| {
            let mut left = (*files).clone();
            left.remove(index);
            if left.is_empty() {
                onclose.emit(());
            }
            files.set(left);
        })
    };
    let foot = html! {
        <>
            <Button onclick={cancel} test="preview-cancel">{ common::cancel(lang) }</Button>
            <Button kind={ButtonKind::Primary} icon={Glyph::Send} disabled={files.is_empty()} {onclick} test="preview-send">{ common::send(lang) }</Button>
        </>
    };
    let single = files.len() == 1;
    html! {
        <Dialog {title} onclose={props.onclose.clone()} {foot} hold={true} test="preview">
            <div class="stack">
                { for props.refused.iter().map(|name| html! { <p class="notice notice-warning" role="alert">{ media::file_empty(lang, name) }</p> }) }
                <ul class={classes!("preview-list", single.then_some("preview-single"))}>
                    { for files.iter().enumerate().map(|(index, file)| {
                        let remove = remove.reform(move |_: MouseEvent| index);
                        html! { <PreviewLine key={file.address.as_str().to_owned()} file={file.clone()} as_file={*as_files} {single} onremove={remove} /> }
                    }) }
                </ul>
                if pictures > 0 {
                    <Checkbox label={media::send_as_file(lang)} on={*as_files} onchange={choose} test="preview-as-file" />
                }
                if !files.is_empty() {
                    <form {onsubmit}>
                        <TextField label={media::caption(lang)} placeholder={media::caption_hint(lang)} hide_label={true} value={(*caption).clone()} oninput={input}
                            focus={true} limit={1000} test="preview-caption" />
                    </form>
                }
            </div>
        </Dialog>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct PreviewLineProps {
    file: Prepared,
    as_file: bool,
    single: bool,
    onremove: Callback<MouseEvent>,
}

#[component]
fn PreviewLine(props: &PreviewLineProps) -> Html {
    let lang = use_lang();
    let file = &props.file;
    let shown = if props.as_file { Shown::Card } else { file.shown() };
    let address = file.address.as_str().to_owned();
    let size = numbers::size(lang, file.size);
    let facts = match (file.probe.dimensions, file.probe.duration) {
        (_, Some(ms)) => format!("{size} · {}", numbers::duration(ms / 1000)),
        (Some((width, height)), None) => format!("{size} · {width} × {height}"),
        (None, None) => size,
    };
    html! {
        <li class="preview-line" data-test="preview-file" data-name={file.name.clone()}>
            if shown == Shown::Picture {
                <img class="preview-picture" src={address} alt={media::picture_named(lang, &file.name)} />
            } else if shown == Shown::Video && props.single {
                <video class="preview-picture" src={address} controls={true} preload="metadata" />
            } else {
                <span class="preview-sign"><Icon glyph={kind_glyph(FileKind::of(&file.name, &file.media_type))} /></span>
            }
            <div class="preview-text">
                <span class="preview-name truncate">{ file.name.clone() }</span>
                <span class="muted">{ facts }</span>
            </div>
            <IconButton glyph={Glyph::Close} small={true} label={media::without_file(lang, &file.name)} onclick={props.onremove.clone()} test="preview-remove" />
        </li>
    }
}

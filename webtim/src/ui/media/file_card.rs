//! A file as a card: what it is, how large, and the button that saves it.

use std::rc::Rc;

use yew::prelude::*;

use super::download::{DownloadButton, DownloadState};
use super::kind_glyph;
use crate::fields::{File, FileKind};
use crate::i18n::{Lang, media, numbers};
use crate::store::use_app;
use crate::ui::kit::Icon;
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct FileCardProps {
    pub file: Rc<File>,
}

#[component]
pub(super) fn FileCard(props: &FileCardProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let file = &props.file;
    let kind = file.kind();
    let facts = format!("{} · {}", numbers::size(lang, file.size), kind_name(kind, lang));
    let unchecked = app.service().saves_unchecked(file);
    html! {
        <div class="file-card" role="group" aria-label={media::file_from(lang, &file.name)} data-test="file" data-name={file.name.clone()}>
            <span class={classes!("file-sign", sign_class(kind))}>
                <Icon glyph={kind_glyph(kind)} />
                <span class="file-ending" aria-hidden="true">{ ending(&file.name) }</span>
            </span>
            <div class="file-text">
                <span class="file-name" data-test="file-name" title={file.name.clone()}>{ name(&file.name) }</span>
                <DownloadState file={Rc::clone(file)} otherwise={facts} />
                if kind.is_dangerous() { <span class="file-warning">{ media::program_warning(lang) }</span> }
                if unchecked { <span class="file-warning">{ media::unchecked_hint(lang) }</span> }
            </div>
            <DownloadButton file={Rc::clone(file)} />
        </div>
    }
}

/// Longest name that is shown in full, in characters.
const FULL: usize = 48;

/// The name, without the middle if it is long: the ending stays in sight.
fn name(name: &str) -> String {
    let chars = name.chars().count();
    if chars <= FULL {
        return name.to_owned();
    }
    let head: String = name.chars().take(FULL - 16).collect();
    let tail: String = name.chars().skip(chars - 15).collect();
    format!("{head}…{tail}")
}

fn ending(name: &str) -> String {
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending)
        .unwrap_or_default();
    if ending.chars().count() <= 4 {
        ending.to_uppercase()
    } else {
        String::new()
    }
}

fn sign_class(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Archive => "file-sign-archive",
        FileKind::Audio | FileKind::Video | FileKind::Picture => "file-sign-media",
        FileKind::Code | FileKind::Other => "file-sign-plain",
        FileKind::Document | FileKind::Pdf | FileKind::Slides => "file-sign-document",
        FileKind::Program => "file-sign-program",
        FileKind::Sheet => "file-sign-sheet",
    }
}

fn kind_name(kind: FileKind, lang: Lang) -> &'static str {
    match kind {
        FileKind::Archive => media::file_kind_archive(lang),
        FileKind::Audio => media::file_kind_audio(lang),
        FileKind::Code => media::file_kind_code(lang),
        FileKind::Document => media::file_kind_document(lang),
        FileKind::Picture => media::file_kind_picture(lang),
        FileKind::Pdf => media::file_kind_pdf(lang),
        FileKind::Program => media::file_kind_program(lang),
        FileKind::Sheet => media::file_kind_sheet(lang),
        FileKind::Slides => media::file_kind_slides(lang),
        FileKind::Video => media::file_kind_video(lang),
        FileKind::Other => media::file_kind_other(lang),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_ending() {
        assert_eq!(name("a.txt"), "a.txt");
        let long = name(&format!("{}.tar.gz", "长".repeat(100)));
        assert_eq!(long.chars().count(), FULL);
        assert!(long.starts_with('长') && long.ends_with("长.tar.gz"));
    }
}

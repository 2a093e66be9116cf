//! What messages carry beside text: pictures, files, sound, video, voice messages; the viewer; and what burns after reading.

mod audio;
mod burn;
mod content;
mod download;
mod file_card;
mod picture;
mod text;
mod viewer;
mod voice;

pub use self::content::{MessageContent, MessageContentProps, use_names};
pub use self::text::{RichText, RichTextProps};
pub use self::viewer::{Viewer, ViewerProps};

use crate::fields::{FileKind, Shown};
use crate::i18n::{Lang, media};
use crate::model::Content;
use crate::ui::kit::Glyph;

/// The sign for a kind of file.
#[must_use]
pub fn kind_glyph(kind: FileKind) -> Glyph {
    match kind {
        FileKind::Picture => Glyph::Picture,
        FileKind::Audio => Glyph::Microphone,
        FileKind::Video => Glyph::Play,
        FileKind::Document | FileKind::Pdf | FileKind::Sheet | FileKind::Slides => Glyph::Note,
        FileKind::Archive | FileKind::Code | FileKind::Program | FileKind::Other => Glyph::File,
    }
}

/// A message in one line, for lists, quotations and notices. What is to be burned is not shown.
#[must_use]
pub fn summary(lang: Lang, content: &Content) -> String {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if content.burn {
        return format!("🔥 {}", media::burn_covered(lang));
    }
    let Some(file) = &content.file else {
        return one_line(&content.text);
    };
    let what = match file.shown() {
        Shown::Picture => format!("🖼 {}", media::picture(lang)),
        Shown::Video => format!("🎬 {}", media::video(lang)),
        Shown::Audio => format!("🎵 {}", file.name),
        Shown::Voice => format!("🎤 {}", media::voice_message(lang)),
        Shown::Card => format!("📎 {}", file.name),
    };
    match file.caption(&content.text) {
        Some(caption) => format!("{what} · {}", one_line(caption)),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_one_line_and_keeps_secrets() {
        assert_eq!(summary(Lang::English, &Content::text("a\n  b")), "a b");
        let secret = Content::text("the code is 1234").with_burn(true);
        assert!(!summary(Lang::English, &secret).contains("1234"));
    }
}

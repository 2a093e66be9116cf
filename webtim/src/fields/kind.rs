//! What a file is, and how it is shown.

/// How a file of a message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As a picture, of a type that every browser draws.
    Picture,
    /// With the controls of a video.
    Video,
    /// With the controls of a sound.
    Audio,
    /// As a voice message.
    Voice,
    /// As a card with name and size.
    Card,
}

impl Shown {
    /// How to show content of that type. Pictures without dimensions were sent as files and stay cards.
    #[must_use]
    pub fn of(media_type: &str, has_dimensions: bool, voice: bool) -> Self {
        let (kind, _) = media_type.split_once('/').unwrap_or_default();
        match kind {
            "audio" if voice => Self::Voice,
            "audio" => Self::Audio,
            "video" => Self::Video,
            "image" if has_dimensions && is_picture(media_type) => Self::Picture,
            _ => Self::Card,
        }
    }
}

/// Whether the server shows content of that type as a picture.
fn is_picture(media_type: &str) -> bool {
    matches!(
        media_type,
        "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif"
    )
}

/// What kind of content a file has, for the sign on its card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Compressed folders and disk images.
    Archive,
    /// Sound.
    Audio,
    /// Source code and data in text form.
    Code,
    /// Letters, books, plain text.
    Document,
    /// Pictures.
    Picture,
    /// PDF.
    Pdf,
    /// Programs and installers.
    Program,
    /// Tables.
    Sheet,
    /// Presentations.
    Slides,
    /// Films.
    Video,
    /// Anything else.
    Other,
}

impl FileKind {
    /// By the ending of the name, which decides how it is opened; else by the content type.
    #[must_use]
    pub fn of(name: &str, media_type: &str) -> Self {
        let ending = name
            .rsplit_once('.')
            .map(|(_, ending)| ending.to_ascii_lowercase())
            .unwrap_or_default();
        match ending.as_str() {
            "zip" | "rar" | "7z" | "gz" | "tgz" | "bz2" | "xz" | "zst" | "tar" | "iso" | "dmg" => {
                Self::Archive
            }
            "mp3" | "ogg" | "oga" | "opus" | "wav" | "flac" | "m4a" | "aac" => Self::Audio,
            "rs" | "js" | "ts" | "py" | "go" | "java" | "c" | "h" | "cpp" | "cs" | "sh" | "json" | "xml"
            | "yaml" | "yml" | "toml" | "html" | "css" | "sql" => Self::Code,
            "txt" | "md" | "doc" | "docx" | "odt" | "rtf" | "epub" | "pages" | "wps" => Self::Document,
            "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "svg" | "bmp" | "tif" | "tiff" | "heic"
            | "psd" => Self::Picture,
            "pdf" => Self::Pdf,
            "exe" | "msi" | "apk" | "app" | "deb" | "rpm" | "bat" | "cmd" | "scr" | "com" | "jar" => {
                Self::Program
            }
            "xls" | "xlsx" | "ods" | "csv" | "tsv" | "numbers" | "et" => Self::Sheet,
            "ppt" | "pptx" | "odp" | "key" | "dps" => Self::Slides,
            "mp4" | "webm" | "mov" | "mkv" | "avi" | "m4v" | "wmv" => Self::Video,
            _ => match media_type.split_once('/').unwrap_or_default() {
                ("audio", _) => Self::Audio,
                ("video", _) => Self::Video,
                ("image", _) => Self::Picture,
                ("text", _) => Self::Document,
                ("application", "pdf") => Self::Pdf,
                ("application", "zip" | "gzip") => Self::Archive,
                _ => Self::Other,
            },
        }
    }

    /// Whether opening it may run a program.
    #[must_use]
    pub fn is_dangerous(self) -> bool {
        self == Self::Program
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_types_are_shown_in_the_page() {
        assert_eq!(Shown::of("image/png", true, false), Shown::Picture);
        assert_eq!(Shown::of("image/png", false, false), Shown::Card);
        assert_eq!(Shown::of("image/svg+xml", true, false), Shown::Card);
        assert_eq!(Shown::of("audio/webm;codecs=opus", false, true), Shown::Voice);
        assert_eq!(Shown::of("audio/mpeg", false, false), Shown::Audio);
        assert_eq!(Shown::of("video/mp4", true, false), Shown::Video);
        assert_eq!(Shown::of("text/html", true, true), Shown::Card);
        assert_eq!(Shown::of("", false, false), Shown::Card);
    }

    #[test]
    fn the_ending_decides_before_the_type() {
        assert_eq!(FileKind::of("a.tar.GZ", ""), FileKind::Archive);
        assert_eq!(FileKind::of("photo.jpg.exe", "image/jpeg"), FileKind::Program);
        assert_eq!(FileKind::of("noending", "video/mp4"), FileKind::Video);
        assert_eq!(FileKind::of("x.unknown", ""), FileKind::Other);
    }
}

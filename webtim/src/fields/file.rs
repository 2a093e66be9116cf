//! The field that makes a message carry a file.

use serde::{Deserialize, Serialize};

use super::{FileKind, Peaks, Shown};

/// Name of the field.
pub const FILE: &str = "tim.file";

/// Longest name of a file, in characters.
pub const MAX_NAME: usize = 120;

/// Largest width and height that is believed, in pixels.
const MAX_SIDE: u32 = 30_000;

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name on the server: letters, digits, `-` and `_` only.
    pub id: String,
    /// What it is called, fit to be shown and to be saved under.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Content type as the sender says, in lower case.
    pub media_type: String,
    /// SHA-256 of the content, 64 digits in lower case.
    pub sha256: String,
    /// Width and height in pixels. Only files to be shown as a picture or video carry them.
    pub dimensions: Option<(u32, u32)>,
    /// How long it plays, in milliseconds.
    pub duration: Option<u64>,
    /// It was spoken into the microphone for this message.
    pub voice: bool,
    /// How loud a voice message is over its length.
    pub peaks: Peaks,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    id: String,
    name: String,
    size: u64,
    #[serde(rename = "type", default)]
    media_type: String,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voice: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    peaks: Option<String>,
}

impl File {
    /// From the value of the field.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let wire: Wire = serde_json::from_str(value).ok()?;
        let id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if wire.id.is_empty() || wire.id.len() > 128 || !wire.id.chars().all(id) {
            return None;
        }
        let sha256 = wire.sha256.to_ascii_lowercase();
        if sha256.len() != 64 || !sha256.chars().all(|c| c.is_ascii_hexdigit()) {
            return None;
        }
        let media_type = wire.media_type.to_ascii_lowercase();
        let token =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '+' | '.' | '_' | ';' | '=' | ' ');
        let media_type = if media_type.chars().all(token) && media_type.len() <= 100 {
            media_type
        } else {
            String::new()
        };
        let side = |side: &u32| (1..=MAX_SIDE).contains(side);
        Some(Self {
            id: wire.id,
            name: file_name(&wire.name),
            size: wire.size,
            media_type,
            sha256,
            dimensions: wire.width.filter(side).zip(wire.height.filter(side)),
            duration: wire.duration.filter(|&ms| ms <= 24 * 3_600_000),
            voice: wire.voice == Some(true),
            peaks: Peaks::parse(wire.peaks.as_deref().unwrap_or_default()),
        })
    }

    /// The value of the field.
    #[must_use]
    pub fn value(&self) -> String {
        let wire = Wire {
            id: self.id.clone(),
            name: self.name.clone(),
            size: self.size,
            media_type: self.media_type.clone(),
            sha256: self.sha256.clone(),
            width: self.dimensions.map(|(width, _)| width),
            height: self.dimensions.map(|(_, height)| height),
            duration: self.duration,
            voice: self.voice.then_some(true),
            peaks: (!self.peaks.is_empty()).then(|| self.peaks.value()),
        };
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// How it is shown.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::of(&self.media_type, self.dimensions.is_some(), self.voice)
    }

    /// What kind of content it is, for the sign on its card.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        FileKind::of(&self.name, &self.media_type)
    }

    /// What a message with this file says beside it: its text, unless that only names the file.
    #[must_use]
    pub fn caption<'a>(&self, text: &'a str) -> Option<&'a str> {
        (text != self.name && !text.trim().is_empty()).then_some(text)
    }

    /// Where its bytes are, to be shown inside the page.
    #[must_use]
    pub fn address(&self) -> String {
        format!("/client/v1/files/{}", self.id)
    }

    /// Where its bytes are, to be saved under its name.
    #[must_use]
    pub fn download_address(&self) -> String {
        let mut address = format!("{}?name=", self.address());
        for byte in self.name.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
                address.push(char::from(byte));
            } else {
                address.push_str(&format!("%{byte:02X}"));
            }
        }
        address
    }
}

/// A name that can be shown and saved under: without folders, without characters that are not seen or turn the direction
/// of writing (`gpj.exe` must not read as `exe.jpg`), not too long, and never empty.
#[must_use]
pub fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let hidden = |c: char| {
        c.is_control()
            || matches!(c as u32, 0xad | 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff0..=0xffff
                | 0xe0000..=0xe0fff)
            || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
    };
    let clean: String = last.chars().map(|c| if hidden(c) { '_' } else { c }).collect();
    let clean = clean.trim().trim_end_matches('.').trim_start_matches('.');
    let clean = shortened(clean);
    if clean.is_empty() {
        "file".to_owned()
    } else {
        clean
    }
}

/// Cuts the stem and leaves the ending, which tells what it is.
fn shortened(name: &str) -> String {
    let count = name.chars().count();
    if count <= MAX_NAME {
        return name.to_owned();
    }
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending)
        .filter(|ending| ending.chars().count() <= 12);
    let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
    let stem: String = name.chars().take(MAX_NAME - 1 - ending.chars().count()).collect();
    format!("{stem}…{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn picture() -> File {
        File {
            id: "aB3-x_9".to_owned(),
            name: "猫 1.png".to_owned(),
            size: 1234,
            media_type: "image/png".to_owned(),
            sha256: HASH.to_owned(),
            dimensions: Some((640, 480)),
            duration: None,
            voice: false,
            peaks: Peaks::default(),
        }
    }

    #[test]
    fn the_field_reads_back() {
        let voice = File {
            voice: true,
            duration: Some(4200),
            peaks: Peaks::parse("05af"),
            dimensions: None,
            ..picture()
        };
        for file in [picture(), voice] {
            assert_eq!(File::parse(&file.value()), Some(file));
        }
        assert!(!picture().value().contains("voice"));
    }

    #[test]
    fn what_could_lead_elsewhere_or_cannot_be_checked_is_no_file() {
        let with = |id: &str, hash: &str| {
            format!(r#"{{"id":"{id}","name":"x","size":1,"type":"a/b","sha256":"{hash}"}}"#)
        };
        assert!(File::parse(&with("abc", HASH)).is_some());
        for value in [
            with("../x", HASH),
            with("", HASH),
            with("a?b", HASH),
            with("abc", "12"),
            "{}".to_owned(),
            "x".to_owned(),
        ] {
            assert_eq!(File::parse(&value), None, "{value}");
        }
    }

    #[test]
    fn nonsense_in_what_is_optional_is_left_out() {
        let value = format!(
            r#"{{"id":"a","name":"x.png","size":1,"type":"image/<b>","sha256":"{HASH}","width":0,"height":5,"duration":99999999999,"more":1}}"#
        );
        let file = File::parse(&value).unwrap();
        assert_eq!(
            (file.media_type.as_str(), file.dimensions, file.duration),
            ("", None, None)
        );
    }

    #[test]
    fn names_are_made_safe() {
        for (name, safe) in [
            ("a/b\\c.txt", "c.txt"),
            ("..", "file"),
            ("", "file"),
            (".htaccess", "htaccess"),
            ("invoice\u{202e}fdp.exe", "invoice_fdp.exe"),
            ("a\nb<c>.txt", "a_b_c_.txt"),
        ] {
            assert_eq!(file_name(name), safe);
        }
        let long = file_name(&format!("{}.tar", "长".repeat(300)));
        assert_eq!(long.chars().count(), MAX_NAME);
        assert!(long.ends_with("….tar"));
    }

    #[test]
    fn the_name_of_a_file_is_no_caption() {
        assert_eq!(picture().caption("猫 1.png"), None);
        assert_eq!(picture().caption(" "), None);
        assert_eq!(picture().caption("look"), Some("look"));
    }

    #[test]
    fn the_address_to_save_from_names_the_file() {
        assert_eq!(
            picture().download_address(),
            "/client/v1/files/aB3-x_9?name=%E7%8C%AB%201.png"
        );
    }
}

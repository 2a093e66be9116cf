//! Content types that may be shown inside a page: those of pictures, audio and video, and only when the first bytes
//! of the content agree with what the uploader says.

/// Bytes of content that have to be seen.
pub(super) const HEAD: usize = 4096;

/// Permitted types, each with the names under which it is announced, and what content of it is found to be.
const TYPES: &[(&str, &[&str], &[&str])] = &[
    ("image/png", &["image/png"], &["image/png"]),
    ("image/jpeg", &["image/jpeg", "image/jpg"], &["image/jpeg"]),
    ("image/gif", &["image/gif"], &["image/gif"]),
    ("image/webp", &["image/webp"], &["image/webp"]),
    ("image/avif", &["image/avif"], &["image/avif"]),
    ("audio/mpeg", &["audio/mpeg", "audio/mp3"], &["audio/mpeg"]),
    ("audio/mp4", &["audio/mp4", "audio/m4a", "audio/x-m4a"], MP4),
    ("audio/ogg", &["audio/ogg", "audio/opus"], OGG),
    ("audio/webm", &["audio/webm"], &["video/webm"]),
    (
        "audio/wav",
        &["audio/wav", "audio/wave", "audio/x-wav"],
        &["audio/x-wav"],
    ),
    ("audio/flac", &["audio/flac", "audio/x-flac"], &["audio/x-flac"]),
    ("audio/aac", &["audio/aac", "audio/x-aac"], &["audio/aac"]),
    ("video/mp4", &["video/mp4", "video/x-m4v"], MP4),
    ("video/ogg", &["video/ogg"], OGG),
    ("video/webm", &["video/webm"], &["video/webm"]),
];
const MP4: &[&str] = &["video/mp4", "video/x-m4v", "audio/m4a"];
const OGG: &[&str] = &["audio/ogg", "audio/opus"];

/// The permitted type of a content that begins with `head`; nothing when it has none.
pub(super) fn verified(head: &[u8], announced: &str) -> &'static str {
    let essence = announced.split(';').next().unwrap_or_default().trim();
    let found = infer::get(head).map(|kind| kind.mime_type());
    TYPES
        .iter()
        .find(|(_, names, _)| names.iter().any(|name| name.eq_ignore_ascii_case(essence)))
        .filter(|(_, _, contents)| found.is_some_and(|found| contents.contains(&found)))
        .map_or("", |(name, ..)| *name)
}

/// Whether content of this type may be shown inside a page.
#[must_use]
pub fn shown_inside(content_type: &str) -> bool {
    TYPES.iter().any(|(name, ..)| *name == content_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const MP4_HEAD: &[u8] = b"\0\0\0\x1cftypisom\0\0\x02\0isomiso2";
    const HTML: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
    const SVG: &[u8] =
        b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";

    #[test]
    fn a_type_counts_when_the_content_agrees() {
        let mut webm =
            b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08\x42\x82\x84webm"
                .to_vec();
        webm.resize(400, 0);
        for (announced, head, expected) in [
            ("image/png", PNG, "image/png"),
            ("Image/PNG ; charset=x", PNG, "image/png"),
            ("video/mp4", MP4_HEAD, "video/mp4"),
            ("audio/mp4", MP4_HEAD, "audio/mp4"),
            ("audio/webm;codecs=opus", &webm, "audio/webm"),
            ("audio/mpeg", b"ID3\x03\0\0", "audio/mpeg"),
            ("audio/ogg", b"OggS\0\x02", "audio/ogg"),
            ("audio/wav", b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        ] {
            assert_eq!(verified(head, announced), expected, "{announced}");
            assert!(shown_inside(expected));
        }
    }

    #[test]
    fn everything_else_has_no_type() {
        for (announced, head) in [
            ("image/png", HTML),
            ("image/jpeg", PNG),
            ("text/html", HTML),
            ("text/html", PNG),
            ("image/svg+xml", SVG),
            ("application/pdf", b"%PDF-1.7"),
            ("", PNG),
            ("application/octet-stream", PNG),
            ("image/png", b""),
            ("image/png\r\nX: y", PNG),
        ] {
            assert_eq!(verified(head, announced), "", "{announced}");
        }
        for other in ["", "text/html", "image/svg+xml", "application/octet-stream"] {
            assert!(!shown_inside(other));
        }
    }
}

//! The name under which a file is saved (RFC 6266). It comes from whoever asks, so it can contain anything.

use axum::http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest name, in bytes: what usual file systems take.
const BYTES: usize = 200;
/// Bytes that stay as they are (RFC 8187, attr-char).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header `Content-Disposition`.
pub(super) fn disposition(name: Option<&str>, is_inside: bool) -> HeaderValue {
    let kind = if is_inside { "inline" } else { "attachment" };
    let Some(name) = name.map(harmless).filter(|name| !name.is_empty()) else {
        return HeaderValue::from_static(if is_inside { "inline" } else { "attachment" });
    };
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " .-_()+,".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded = utf8_percent_encode(&name, PLAIN);
    HeaderValue::try_from(format!(
        "{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
    ))
    .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// A name without what would mislead people or file systems: folders, invisible characters and those that turn the
/// direction of writing around.
fn harmless(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut clean: String = last.chars().filter(|c| !is_misleading(*c)).collect();
    if clean.len() > BYTES {
        // The end tells what kind of file it is.
        let end = clean
            .rfind('.')
            .map_or(String::new(), |dot| clean[dot..].to_owned());
        let end = if end.len() > 20 { String::new() } else { end };
        let mut cut = BYTES - end.len();
        while !clean.is_char_boundary(cut) {
            cut -= 1;
        }
        clean.truncate(cut);
        clean.push_str(&end);
    }
    clean
        .trim_matches(|c: char| c == '.' || c.is_whitespace())
        .to_owned()
}

fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        || "\"<>:|?*".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(name: &str) -> String {
        disposition(Some(name), false).to_str().unwrap().to_owned()
    }

    #[test]
    fn names_of_all_languages_arrive() {
        assert_eq!(
            text("notes 2.txt"),
            "attachment; filename=\"notes 2.txt\"; filename*=UTF-8''notes%202.txt"
        );
        assert_eq!(
            text("报告.pdf"),
            "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf"
        );
        assert_eq!(disposition(None, true), "inline");
        assert_eq!(disposition(Some(" . "), false), "attachment");
    }

    #[test]
    fn nothing_misleading_is_left() {
        assert_eq!(harmless("../../etc/passwd"), "passwd");
        assert_eq!(harmless("C:\\Windows\\x.exe"), "x.exe");
        assert_eq!(harmless("a\r\nSet-Cookie: b"), "aSet-Cookie b");
        assert_eq!(harmless("photo\u{202e}gpj.exe"), "photogpj.exe");
        assert_eq!(harmless(".htaccess"), "htaccess");
        assert_eq!(harmless("a\"b;c"), "ab;c");
        let long = harmless(&format!("{}.pdf", "ä".repeat(300)));
        assert!(long.len() <= BYTES && long.ends_with("ä.pdf"), "{long}");
        assert!(harmless(&format!("a.{}", "b".repeat(300))).len() <= BYTES);
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_the_header(name in any::<String>()) {
            let value = text(&name);
            prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(matches!(value.matches('"').count(), 0 | 2), "{value}");
            if let Some(at) = value.find("filename*") {
                prop_assert!(!value[at..].contains([';', '"', ' ', ',']), "{value}");
            }
        }
    }
}

//! Marks in everything that must never appear in logs or in clear on disk: passwords, login names, message
//! text. A test can then look for a handful of marks instead of every single text.

use std::sync::atomic::{AtomicU64, Ordering};

/// Part of every password the testkit makes up.
pub const PASSWORD: &str = "Zq7Passwd";
/// Part of every login name the testkit makes up.
pub const NAME: &str = "zq7loginname";
/// Part of every text that [`text`] makes.
pub const TEXT: &str = "zq7Wording";

/// A message text with the mark.
pub fn text(words: &str) -> String {
    format!("{words} {TEXT}")
}

/// A number that no other call in this process gets.
pub fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The first mark, or further secret, that `haystack` contains, in any of the forms a careless log line or
/// an unencrypted record would have: the bytes themselves, base64, hexadecimal digits, a list of numbers.
pub fn found_in<'a>(haystack: &[u8], further: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let marks = [PASSWORD, NAME, TEXT];
    marks.into_iter().chain(further).find_map(|secret| {
        forms(secret)
            .into_iter()
            .find(|form| contains(haystack, form))
            .map(|_| secret.to_owned())
    })
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    vec![bytes.to_vec(), hex.into_bytes(), list.join(", ").into_bytes()]
}

/// Whether `haystack` contains `needle`.
pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_found() {
        assert_eq!(found_in(b"all is well", ["token"]), None);
        assert_eq!(found_in(text("hello").as_bytes(), []), Some(TEXT.to_owned()));
        assert_eq!(
            found_in(format!("{:?}", TEXT.as_bytes()).as_bytes(), []),
            Some(TEXT.to_owned())
        );
        assert_eq!(
            found_in(b"the token is here", ["token"]),
            Some("token".to_owned())
        );
    }
}

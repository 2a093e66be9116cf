//! Changes of the text under the cursor. The browser counts in units of UTF-16.

/// The text with the units from `start` to `end` replaced, and where the cursor goes.
pub(super) fn spliced(text: &str, start: usize, end: usize, insert: &str) -> (String, usize) {
    let units: Vec<u16> = text.encode_utf16().collect();
    let start = start.min(units.len());
    let end = end.clamp(start, units.len());
    let inserted: Vec<u16> = insert.encode_utf16().collect();
    let cursor = start + inserted.len();
    let all: Vec<u16> = units[..start]
        .iter()
        .chain(&inserted)
        .chain(&units[end..])
        .copied()
        .collect();
    (String::from_utf16_lossy(&all), cursor)
}

/// The beginning of a name that is being typed behind an `@` before the cursor, and where the `@` stands.
pub(super) fn mention_before(text: &str, cursor: usize) -> Option<(usize, String)> {
    let units: Vec<u16> = text.encode_utf16().take(cursor).collect();
    let before = String::from_utf16_lossy(&units);
    let (head, typed) = before.rsplit_once('@')?;
    let fits = typed.chars().count() <= 24
        && !typed.contains('\n')
        && !typed.starts_with(' ')
        && typed.matches(' ').count() <= 2;
    let starts = head
        .chars()
        .next_back()
        .is_none_or(|c| !c.is_ascii_alphanumeric());
    (fits && starts).then(|| (head.encode_utf16().count(), typed.to_owned()))
}

/// Most characters of a message.
pub(super) const MAX_CHARACTERS: usize = 10_000;

/// From how many characters left on they are counted.
const COUNTED: usize = 500;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Plenty.
    Plenty,
    /// So many characters more.
    Left(u64),
    /// So many characters too many.
    Over(u64),
}

/// How much room there is after that text.
pub(super) fn room(text: &str) -> Room {
    // What is short in bytes is short in characters.
    if text.len() < MAX_CHARACTERS - COUNTED {
        return Room::Plenty;
    }
    let count = text.trim_end().chars().count();
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    if count > MAX_CHARACTERS {
        Room::Over(number(count - MAX_CHARACTERS))
    } else if count > MAX_CHARACTERS - COUNTED {
        Room::Left(number(MAX_CHARACTERS - count))
    } else {
        Room::Plenty
    }
}

/// What is sent of a text: without blank lines and spaces around it, and nothing if nothing is left. The spaces that begin its
/// first line stay, they belong to code.
pub(super) fn sendable(text: &str) -> Option<String> {
    let text = text.trim_end();
    let first = text.find(|c: char| !c.is_whitespace())?;
    let start = text[..first].rfind('\n').map_or(0, |at| at + 1);
    (!matches!(room(text), Room::Over(_))).then(|| text[start..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_go_in_at_the_cursor() {
        assert_eq!(spliced("ab", 1, 1, "😀"), ("a😀b".to_owned(), 3));
        assert_eq!(spliced("a😀b", 3, 4, "x"), ("a😀x".to_owned(), 4));
        assert_eq!(spliced("ab", 9, 3, "x"), ("abx".to_owned(), 3));
    }

    #[test]
    fn a_name_is_completed_only_behind_an_at_sign_of_its_own() {
        assert_eq!(mention_before("hi @an", 6), Some((3, "an".to_owned())));
        assert_eq!(mention_before("你好@小", 4), Some((2, "小".to_owned())));
        assert_eq!(mention_before("@", 1), Some((0, String::new())));
        assert_eq!(mention_before("a@b.org", 7), None);
        assert_eq!(mention_before("@ann and then more words", 24), None);
        assert_eq!(mention_before("nothing", 7), None);
    }

    #[test]
    fn the_end_of_the_room_is_announced() {
        assert_eq!(room(""), Room::Plenty);
        assert_eq!(room(&"字".repeat(9_000)), Room::Plenty);
        assert_eq!(room(&"字".repeat(9_990)), Room::Left(10));
        assert_eq!(room(&"字".repeat(10_001)), Room::Over(1));
    }

    #[test]
    fn blank_texts_are_not_sent_and_indentation_is_kept() {
        assert_eq!(sendable(" \n\t "), None);
        assert_eq!(sendable("\n  a\n b  \n"), Some("  a\n b".to_owned()));
        assert_eq!(sendable(&"x".repeat(10_001)), None);
    }
}

//! Messages of nothing but a few emoji are shown large. Sequences are recognised by their structure (UTS 51), not by a list.

/// How large a message of emoji is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enlarged {
    /// One emoji.
    One,
    /// Two or three.
    Few,
    /// Four to eight.
    Several,
}

/// Whether the text is nothing but one to eight emoji, with spaces or not.
#[must_use]
pub fn enlarged(text: &str) -> Option<Enlarged> {
    let mut rest = text.trim();
    let mut count = 0;
    while !rest.is_empty() {
        let length = sequence(rest)?;
        count += 1;
        if count > 8 {
            return None;
        }
        rest = rest[length..].trim_start_matches(' ');
    }
    match count {
        0 => None,
        1 => Some(Enlarged::One),
        2 | 3 => Some(Enlarged::Few),
        _ => Some(Enlarged::Several),
    }
}

/// Whether the text starts with an emoji.
#[must_use]
pub fn starts_emoji(text: &str) -> bool {
    sequence(text).is_some()
}

const JOINER: char = '\u{200d}';
const AS_EMOJI: char = '\u{fe0f}';

/// Length in bytes of the emoji at the start of the text.
fn sequence(text: &str) -> Option<usize> {
    let mut length = element(text)?;
    while let Some(rest) = text[length..].strip_prefix(JOINER) {
        match element(rest) {
            Some(next) => length += JOINER.len_utf8() + next,
            None => break,
        }
    }
    Some(length)
}

/// One element between joiners: a flag, a key cap, or a sign with its variation, skin tone or tags.
fn element(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if is_regional(first) {
        let second = chars.next().filter(|&c| is_regional(c))?;
        return Some(first.len_utf8() + second.len_utf8());
    }
    if first.is_ascii_digit() || matches!(first, '#' | '*') {
        let rest = &text[1..];
        let rest = rest.strip_prefix(AS_EMOJI).unwrap_or(rest);
        return rest.strip_prefix('\u{20e3}').map(|rest| text.len() - rest.len());
    }
    let mut rest = chars.as_str();
    let mut shown = is_pictograph(first);
    if let Some(after) = rest.strip_prefix(AS_EMOJI) {
        shown |= may_be_emoji(first);
        rest = after;
    }
    let tone = |c: char| matches!(c as u32, 0x1f3fb..=0x1f3ff);
    if let Some(after) = rest.strip_prefix(tone) {
        shown |= may_be_emoji(first);
        rest = after;
    }
    rest = rest.trim_start_matches(|c: char| matches!(c as u32, 0xe0020..=0xe007f));
    shown.then(|| text.len() - rest.len())
}

fn is_regional(c: char) -> bool {
    matches!(c as u32, 0x1f1e6..=0x1f1ff)
}

/// Signs that are shown as pictures by themselves.
fn is_pictograph(c: char) -> bool {
    matches!(c as u32,
        0x1f004 | 0x1f0cf | 0x1f18e | 0x1f191..=0x1f19a | 0x1f201 | 0x1f21a | 0x1f22f | 0x1f232..=0x1f236
        | 0x1f238..=0x1f23a | 0x1f250 | 0x1f251 | 0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f7e0..=0x1f7eb
        | 0x1f7f0 | 0x1f90c..=0x1f9ff | 0x1fa70..=0x1faff
        | 0x231a | 0x231b | 0x23e9..=0x23ec | 0x23f0 | 0x23f3 | 0x25fd | 0x25fe | 0x2614 | 0x2615
        | 0x2648..=0x2653 | 0x267f | 0x2693 | 0x26a1 | 0x26aa | 0x26ab | 0x26bd | 0x26be | 0x26c4 | 0x26c5
        | 0x26ce | 0x26d4 | 0x26ea | 0x26f2 | 0x26f3 | 0x26f5 | 0x26fa | 0x26fd | 0x2705 | 0x270a | 0x270b
        | 0x2728 | 0x274c | 0x274e | 0x2753..=0x2755 | 0x2757 | 0x2795..=0x2797 | 0x27b0 | 0x27bf
        | 0x2b1b | 0x2b1c | 0x2b50 | 0x2b55)
}

/// Signs that are shown as pictures when they ask for it.
fn may_be_emoji(c: char) -> bool {
    is_pictograph(c)
        || matches!(c as u32,
            0xa9 | 0xae | 0x203c | 0x2049 | 0x2122 | 0x2139 | 0x2194..=0x21aa | 0x2328 | 0x23cf | 0x23ed..=0x23fa
            | 0x24c2 | 0x25aa..=0x25fe | 0x2600..=0x27bf | 0x2934 | 0x2935 | 0x2b05..=0x2b55 | 0x3030 | 0x303d
            | 0x3297 | 0x3299 | 0x1f170..=0x1f19a | 0x1f202..=0x1f237)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_few_emoji_is_enlarged() {
        assert_eq!(enlarged("😀"), Some(Enlarged::One));
        assert_eq!(enlarged(" 👍🏽 "), Some(Enlarged::One));
        assert_eq!(enlarged("👨‍👩‍👧‍👦"), Some(Enlarged::One));
        assert_eq!(enlarged("❤️🇨🇳 1️⃣"), Some(Enlarged::Few));
        assert_eq!(enlarged("🏴󠁧󠁢󠁥󠁮󠁧󠁿"), Some(Enlarged::One));
        assert_eq!(enlarged("😀😀😀😀😀"), Some(Enlarged::Several));
    }

    #[test]
    fn text_is_not_enlarged() {
        for text in ["", " ", "1", "a😀", "😀 ok", "❤", "😀😀😀😀😀😀😀😀😀", "©", "好"]
        {
            assert_eq!(enlarged(text), None, "{text:?}");
        }
    }
}

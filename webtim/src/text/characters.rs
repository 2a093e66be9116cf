//! Which characters belong to the writing without spaces between words, and which change the direction or are not seen.

/// Chinese characters, kana, hangul, and the punctuation that goes with them.
#[must_use]
pub fn is_cjk(c: char) -> bool {
    is_ideographic(c)
        || matches!(c as u32,
            0x3000..=0x303f            // CJK punctuation
            | 0xfe30..=0xfe4f          // vertical forms
            | 0xff00..=0xffef) // full-width forms
}

/// Letters of the scripts written without spaces, which cannot be mistaken for Latin letters.
pub(super) fn is_ideographic(c: char) -> bool {
    matches!(c as u32,
        0x3005 | 0x3007
        | 0x3041..=0x3096 | 0x309d..=0x309f   // hiragana
        | 0x30a1..=0x30fa | 0x30fc..=0x30ff   // katakana
        | 0x3105..=0x312f                     // bopomofo
        | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff   // unified ideographs
        | 0xac00..=0xd7a3                     // hangul
        | 0xf900..=0xfaff
        | 0x20000..=0x3ffff)
}

/// Characters that are not seen or that turn the direction of what follows. They never belong to a link.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c as u32,
            0x00ad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
            | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
            | 0xfeff | 0xffa0 | 0xfff0..=0xffff | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// Whether a word could not go on across this character: nothing, space, punctuation, or writing without spaces.
pub(super) fn is_boundary(c: Option<char>) -> bool {
    c.is_none_or(|c| !c.is_alphanumeric() && c != '_' || is_cjk(c))
}

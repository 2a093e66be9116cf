//! Messages to be read once: how long they stay after they were uncovered.

/// Name of the field; its value is `1`.
pub const BURN: &str = "tim.burn";

const LEAST: u32 = 10;
const MOST: u32 = 120;

/// Seconds to read a text of so many characters and to take in an attachment that plays for so many milliseconds.
#[must_use]
pub fn reading_seconds(characters: usize, has_attachment: bool, duration_ms: Option<u64>) -> u32 {
    let text = u32::try_from(characters / 8).unwrap_or(MOST);
    let attachment = if has_attachment { 5 } else { 0 };
    let plays = duration_ms.map_or(0, |ms| u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX));
    // What plays is heard to the end, however long it is.
    (LEAST + text.min(MOST) + attachment)
        .min(MOST)
        .saturating_add(plays)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_messages_stay_longer_within_bounds() {
        assert_eq!(reading_seconds(0, false, None), 10);
        assert_eq!(reading_seconds(80, false, None), 20);
        assert_eq!(reading_seconds(100_000, false, None), 120);
        assert_eq!(reading_seconds(0, true, Some(61_001)), 15 + 62);
    }
}

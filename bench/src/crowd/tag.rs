//! What the text of a room message carries: which series it belongs to, its number there and the
//! moment it was meant to leave.

use std::time::Duration;

/// Bytes of a tag in front of every text, in hex.
pub const TAG_BYTES: usize = 40;

/// Identity of a room message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomTag {
    /// The series: one room during one measurement.
    pub series: u32,
    /// Counted from 0 in the series.
    pub number: u64,
    /// After the start of the measurement.
    pub intended: Duration,
}

impl RoomTag {
    /// The text that carries the tag, filled up to `length` bytes.
    pub fn text(self, length: usize) -> String {
        let nanos = u64::try_from(self.intended.as_nanos()).unwrap_or(u64::MAX);
        let mut text = format!("{:08x}{:016x}{nanos:016x}", self.series, self.number);
        text.extend(std::iter::repeat_n('.', length.saturating_sub(TAG_BYTES)));
        text
    }

    /// Reads the tag of a text.
    pub fn read(text: &[u8]) -> Option<Self> {
        Some(Self {
            series: u32::try_from(hex(text.get(..8)?)?).ok()?,
            number: hex(text.get(8..24)?)?,
            intended: Duration::from_nanos(hex(text.get(24..TAG_BYTES)?)?),
        })
    }
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(nibble))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_survives_the_text() {
        let tag = RoomTag {
            series: 7,
            number: u64::MAX,
            intended: Duration::from_nanos(123_456_789),
        };
        let text = tag.text(150);
        assert_eq!(text.len(), 150);
        assert_eq!(RoomTag::read(text.as_bytes()), Some(tag));
        assert_eq!(tag.text(0).len(), TAG_BYTES);
    }

    #[test]
    fn foreign_texts_have_no_tag() {
        assert_eq!(RoomTag::read(b"hello"), None);
        assert_eq!(RoomTag::read(&[b'z'; 60]), None);
    }
}

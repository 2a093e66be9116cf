//! Which part of a file a request asks for (RFC 9110, 14.2).

use std::ops::Range;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: also when the header makes no sense or asks for several parts.
    All,
    /// This part, not empty.
    Bytes(Range<u64>),
    /// A part outside of the file.
    Outside,
}

/// Reads the header `Range` of a request for a file of `size` bytes.
pub(super) fn part(header: Option<&str>, size: u64) -> Part {
    let Some((unit, set)) = header.and_then(|header| header.split_once('=')) else {
        return Part::All;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Part::All;
    }
    let Some((first, last)) = set.trim().split_once('-') else {
        return Part::All;
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        _ => return Part::All,
    };
    if range.is_empty() {
        Part::Outside
    } else {
        Part::Bytes(range)
    }
}

/// Digits and nothing else; those beyond all files are as good as the largest number.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_range_asks_for_a_part() {
        for (header, expected) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-99", 0..100),
            ("bytes=10-19", 10..20),
            ("bytes=10-", 10..100),
            ("bytes=90-500", 90..100),
            ("bytes=-1", 99..100),
            ("bytes=-500", 0..100),
            ("Bytes = 5-6", 5..7),
            ("bytes=5-99999999999999999999999999", 5..100),
        ] {
            assert_eq!(part(Some(header), 100), Part::Bytes(expected), "{header}");
        }
    }

    #[test]
    fn what_makes_no_sense_asks_for_all() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5",
            "bytes=9-5",
            "bytes=1-2,4-5",
            "items=0-5",
            "bytes=+1-5",
            "bytes=1 -5",
            "bytes=--5",
            "bytes=0x1-5",
        ] {
            assert_eq!(part(Some(header), 100), Part::All, "{header}");
        }
        assert_eq!(part(None, 100), Part::All);
    }

    #[test]
    fn what_lies_outside_is_told() {
        for header in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999999999-",
        ] {
            assert_eq!(part(Some(header), 100), Part::Outside, "{header}");
        }
        for header in ["bytes=0-", "bytes=0-0", "bytes=-5"] {
            assert_eq!(part(Some(header), 0), Part::Outside, "{header} of an empty file");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_lies_inside(header in "(bytes|items)?=?[-0-9, a]{0,30}", size in 0..200_u64) {
            if let Part::Bytes(range) = part(Some(&header), size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }

        #[test]
        fn any_text_is_understood_somehow(header in any::<String>(), size in any::<u64>()) {
            if let Part::Bytes(range) = part(Some(&header), size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}

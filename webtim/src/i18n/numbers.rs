//! Numbers and sizes as people write them.

use super::Lang;

/// A number with its thousands apart. Both languages write it the same way.
#[must_use]
pub fn count(_lang: Lang, number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count for a badge, where room is scarce.
#[must_use]
pub fn badge(number: u64) -> String {
    if number > 99 {
        "99+".to_owned()
    } else {
        number.to_string()
    }
}

/// A size in bytes, in decimal units with up to three digits: `1.4 MB`.
#[must_use]
pub fn size(_lang: Lang, bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut scale = 1_u64;
    let mut unit = 0;
    // 999.5 of a unit would be written as 1000.
    while unit + 1 < UNITS.len() && u128::from(bytes) * 2 >= u128::from(scale) * 1999 {
        scale *= 1000;
        unit += 1;
    }
    let tenths = (u128::from(bytes) * 10 + u128::from(scale) / 2) / u128::from(scale);
    if unit == 0 || tenths >= 100 {
        let whole = (u128::from(bytes) + u128::from(scale) / 2) / u128::from(scale);
        format!("{whole} {}", UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// A length of time as `m:ss` or `h:mm:ss`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        let numbers = [0, 7, 999, 1000, 12_345, 1_234_567];
        let texts = numbers.map(|number| count(Lang::English, number));
        assert_eq!(texts, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn sizes_have_at_most_three_digits() {
        let sizes = [
            0,
            999,
            1000,
            1_400_000,
            99_949_999,
            999_499,
            999_500,
            200_000_000,
            u64::MAX,
        ];
        let texts = sizes.map(|bytes| size(Lang::English, bytes));
        assert_eq!(
            texts,
            [
                "0 B",
                "999 B",
                "1.0 kB",
                "1.4 MB",
                "100 MB",
                "999 kB",
                "1.0 MB",
                "200 MB",
                "18446744 TB"
            ]
        );
    }

    #[test]
    fn durations_read_like_a_clock() {
        assert_eq!([5, 65, 3605].map(duration), ["0:05", "1:05", "1:00:05"]);
        assert_eq!([0, 99, 100].map(badge), ["0", "99", "99+"]);
    }
}

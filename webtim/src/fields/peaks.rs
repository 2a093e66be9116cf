//! How loud a voice message is over its length: up to 100 steps of 0 to 15, written as hexadecimal digits.

/// The loudness of equal parts of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peaks(Vec<u8>);

impl Peaks {
    const MOST: usize = 100;

    /// From levels between 0 and 1, taken at equal distances while it was recorded. The loudest becomes 15, unless all is
    /// nearly silent.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // The values are 0 to 15.
    pub fn of_levels(levels: &[f32], steps: usize) -> Self {
        let levels: Vec<f32> = levels
            .iter()
            .map(|level| {
                if level.is_finite() {
                    level.clamp(0.0, 1.0)
                } else {
                    0.0
                }
            })
            .collect();
        let loudest = levels.iter().copied().fold(0.05, f32::max);
        let parts = resampled(&levels, steps.min(Self::MOST));
        Self(
            parts
                .into_iter()
                .map(|level| (level / loudest * 15.0).round() as u8)
                .collect(),
        )
    }

    /// From digits. Anything else than digits is left out.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // A digit is at most 15.
    pub fn parse(text: &str) -> Self {
        Self(
            text.chars()
                .filter_map(|c| c.to_digit(16))
                .take(Self::MOST)
                .map(|digit| digit as u8)
                .collect(),
        )
    }

    /// As digits.
    #[must_use]
    pub fn value(&self) -> String {
        self.0
            .iter()
            .filter_map(|&step| char::from_digit(step.into(), 16))
            .collect()
    }

    /// Nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// So many bars, each 0 to 1. A gentle line when nothing is known.
    #[must_use]
    pub fn bars(&self, count: usize) -> Vec<f32> {
        if self.0.is_empty() {
            return vec![0.15; count];
        }
        let levels: Vec<f32> = self.0.iter().map(|&step| f32::from(step) / 15.0).collect();
        resampled(&levels, count)
    }
}

/// The loudest of each of `count` equal parts.
fn resampled(levels: &[f32], count: usize) -> Vec<f32> {
    if levels.is_empty() {
        return Vec::new();
    }
    let part = |index: usize| {
        let from = index * levels.len() / count;
        let to = ((index + 1) * levels.len() / count).max(from + 1);
        levels[from..to.min(levels.len())]
            .iter()
            .copied()
            .fold(0.0, f32::max)
    };
    (0..count).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loudest_part_is_full_and_silence_stays_low() {
        assert_eq!(Peaks::of_levels(&[0.0, 0.1, 0.2, 0.1], 4).value(), "08f8");
        assert_eq!(Peaks::of_levels(&[0.0, 0.01, 0.0, 0.01], 2).value(), "33");
        assert_eq!(Peaks::of_levels(&[f32::NAN, 0.5], 2).value(), "0f");
        assert!(Peaks::of_levels(&[], 10).is_empty());
    }

    #[test]
    fn bars_fit_the_room_there_is() {
        let peaks = Peaks::parse("0f<0>f");
        assert_eq!(peaks.value(), "0f0f");
        assert_eq!(peaks.bars(2), [1.0, 1.0]);
        assert_eq!(peaks.bars(8).len(), 8);
        assert_eq!(Peaks::default().bars(3).len(), 3);
        assert_eq!(Peaks::parse(&"5".repeat(1000)).value().len(), 100);
    }
}

//! Skin tones of hands and persons (UTS 51).

/// A skin tone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// The yellow of no person.
    #[default]
    Default,
    /// Light.
    Light,
    /// Medium light.
    MediumLight,
    /// Medium.
    Medium,
    /// Medium dark.
    MediumDark,
    /// Dark.
    Dark,
}

impl Tone {
    /// All of them, from light to dark.
    pub const ALL: [Self; 6] = [
        Self::Default,
        Self::Light,
        Self::MediumLight,
        Self::Medium,
        Self::MediumDark,
        Self::Dark,
    ];

    /// The sign that follows the hand or person.
    const fn sign(self) -> Option<char> {
        match self {
            Self::Default => None,
            Self::Light => Some('\u{1f3fb}'),
            Self::MediumLight => Some('\u{1f3fc}'),
            Self::Medium => Some('\u{1f3fd}'),
            Self::MediumDark => Some('\u{1f3fe}'),
            Self::Dark => Some('\u{1f3ff}'),
        }
    }

    /// Its number, for storage.
    #[must_use]
    pub fn number(self) -> usize {
        Self::ALL
            .into_iter()
            .position(|tone| tone == self)
            .unwrap_or_default()
    }

    /// From its number. Unknown ones are the default.
    #[must_use]
    pub fn from_number(number: usize) -> Self {
        Self::ALL.get(number).copied().unwrap_or_default()
    }
}

/// Whether there are variants of this emoji by skin tone.
#[must_use]
pub fn takes_tone(text: &str) -> bool {
    text.chars().next().is_some_and(is_base)
}

/// The emoji in that skin tone, if it has them. Any other tone is replaced.
#[must_use]
pub fn toned(text: &str, tone: Tone) -> String {
    let is_tone = |c: char| matches!(c as u32, 0x1f3fb..=0x1f3ff);
    let mut chars = text.chars();
    let Some(base) = chars.next().filter(|&c| is_base(c)) else {
        return text.to_owned();
    };
    let rest: String = chars.filter(|&c| !is_tone(c)).collect();
    let mut result = String::from(base);
    match tone.sign() {
        Some(sign) => {
            result.push(sign);
            // The sign of the tone also asks for the picture.
            result.push_str(rest.strip_prefix('\u{fe0f}').unwrap_or(&rest));
        }
        None => result.push_str(&rest),
    }
    result
}

/// Signs that a skin tone may follow (`Emoji_Modifier_Base`).
fn is_base(c: char) -> bool {
    matches!(c as u32,
        0x261d | 0x26f9 | 0x270a..=0x270d | 0x1f385 | 0x1f3c2..=0x1f3c4 | 0x1f3c7 | 0x1f3ca..=0x1f3cc
        | 0x1f442 | 0x1f443 | 0x1f446..=0x1f450 | 0x1f466..=0x1f469 | 0x1f46b | 0x1f46e | 0x1f470..=0x1f478
        | 0x1f47c | 0x1f481..=0x1f483 | 0x1f485..=0x1f487 | 0x1f4aa | 0x1f574 | 0x1f575 | 0x1f57a
        | 0x1f590 | 0x1f595 | 0x1f596 | 0x1f645..=0x1f647 | 0x1f64b..=0x1f64f | 0x1f6a3 | 0x1f6b4..=0x1f6b6
        | 0x1f6c0 | 0x1f6cc | 0x1f90c | 0x1f90f | 0x1f918..=0x1f91f | 0x1f926 | 0x1f930..=0x1f939 | 0x1f93d
        | 0x1f93e | 0x1f977 | 0x1f9b5 | 0x1f9b6 | 0x1f9b8 | 0x1f9b9 | 0x1f9bb | 0x1f9cd..=0x1f9cf
        | 0x1f9d1..=0x1f9dd | 0x1fac3..=0x1fac5 | 0x1faf0..=0x1faf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_come_and_go() {
        assert_eq!(toned("👍", Tone::Dark), "👍🏿");
        assert_eq!(toned("👍🏿", Tone::Light), "👍🏻");
        assert_eq!(toned("👍🏿", Tone::Default), "👍");
        assert_eq!(toned("✌️", Tone::Medium), "✌🏽");
        assert_eq!(toned("🧑‍💻", Tone::Medium), "🧑🏽‍💻");
        assert_eq!(toned("🐶", Tone::Medium), "🐶");
        assert!(takes_tone("🙏") && !takes_tone("😀"));
    }
}

//! What people have chosen for this browser: looks, language, notifications. Kept in the browser's storage.

use serde::{Deserialize, Serialize};

use crate::i18n::Lang;

/// Colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Size of all texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextSize {
    /// 14 pixels where the browser's own is 16.
    Small,
    /// As the browser.
    #[default]
    Normal,
    /// One eighth more.
    Large,
    /// Almost one third more.
    Huge,
}

/// How much room messages take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Density {
    /// Room to breathe.
    #[default]
    Comfortable,
    /// More messages on the screen.
    Compact,
}

/// A choice that is written as one word, in storage and as an attribute of the page.
pub trait Word: Sized + Copy + 'static {
    /// All choices, in the order in which they are offered.
    const ALL: &'static [Self];

    /// The word.
    fn word(self) -> &'static str;

    /// The choice of that word.
    #[must_use]
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.word() == word)
    }
}

impl Word for Theme {
    const ALL: &'static [Self] = &[Self::System, Self::Light, Self::Dark];

    fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Word for TextSize {
    const ALL: &'static [Self] = &[Self::Small, Self::Normal, Self::Large, Self::Huge];

    fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Normal => "normal",
            Self::Large => "large",
            Self::Huge => "huge",
        }
    }
}

impl Word for Density {
    const ALL: &'static [Self] = &[Self::Comfortable, Self::Compact];

    fn word(self) -> &'static str {
        match self {
            Self::Comfortable => "comfortable",
            Self::Compact => "compact",
        }
    }
}

/// What people have chosen. What is missing or unreadable in storage is as if it had never been chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// The chosen language; `None`: what the browser prefers.
    pub language: Option<Lang>,
    /// What the browser prefers.
    #[serde(skip)]
    pub browser_language: Lang,
    /// Colours.
    pub theme: Theme,
    /// Size of all texts.
    pub text_size: TextSize,
    /// How much room messages take.
    pub density: Density,
    /// Play a sound for a new message.
    pub sound: bool,
    /// Notifications of the browser for new messages. It has to permit them, too.
    pub notifications: bool,
    /// Notifications tell what was written, not only by whom.
    pub preview: bool,
    /// Enter sends; otherwise it begins a new line, and Ctrl+Enter sends.
    pub enter_sends: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: None,
            browser_language: Lang::default(),
            theme: Theme::default(),
            text_size: TextSize::default(),
            density: Density::default(),
            sound: true,
            notifications: false,
            preview: true,
            enter_sends: true,
        }
    }
}

impl Preferences {
    /// The language of the user interface.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.language.unwrap_or(self.browser_language)
    }

    /// From what [`Preferences::to_json`] made. Anything else gives the defaults.
    #[must_use]
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// For storage.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_choices_come_back_and_unreadable_ones_are_defaults() {
        let chosen = Preferences {
            language: Some(Lang::Chinese),
            theme: Theme::Dark,
            text_size: TextSize::Huge,
            sound: false,
            ..Preferences::default()
        };
        assert_eq!(Preferences::from_json(&chosen.to_json()), chosen);
        assert_eq!(
            Preferences::from_json("{\"theme\":\"dark\",\"new\":1}").theme,
            Theme::Dark
        );
        assert_eq!(Preferences::from_json("}"), Preferences::default());
    }

    #[test]
    fn the_browser_s_language_counts_until_one_is_chosen() {
        let mut preferences = Preferences {
            browser_language: Lang::Chinese,
            ..Preferences::default()
        };
        assert_eq!(preferences.lang(), Lang::Chinese);
        preferences.language = Some(Lang::English);
        assert_eq!(preferences.lang(), Lang::English);
    }

    #[test]
    fn every_choice_has_a_word_of_its_own() {
        for theme in Theme::ALL {
            assert_eq!(Theme::from_word(theme.word()), Some(*theme));
        }
        for size in TextSize::ALL {
            assert_eq!(TextSize::from_word(size.word()), Some(*size));
        }
        assert_eq!(Density::from_word("dense"), None);
    }
}

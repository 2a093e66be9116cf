//! Moods: one of nine that people show beside their name.

/// A mood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mood {
    /// Happy.
    Happy,
    /// Dazed.
    Dazed,
    /// Angry.
    Angry,
    /// Sad.
    Sad,
    /// Nervous.
    Nervous,
    /// Ill.
    Ill,
    /// Sleepy.
    Sleepy,
    /// Doing sport.
    Sport,
    /// Not to be told.
    Secret,
}

impl Mood {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 9] = [
        Self::Happy,
        Self::Dazed,
        Self::Angry,
        Self::Sad,
        Self::Nervous,
        Self::Ill,
        Self::Sleepy,
        Self::Sport,
        Self::Secret,
    ];

    /// Its word in a presence (field [`Mood::FIELD`]).
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Happy => "happy",
            Self::Dazed => "dazed",
            Self::Angry => "angry",
            Self::Sad => "sad",
            Self::Nervous => "nervous",
            Self::Ill => "ill",
            Self::Sleepy => "sleepy",
            Self::Sport => "sport",
            Self::Secret => "secret",
        }
    }

    /// The field of a presence that carries the mood.
    pub const FIELD: &'static str = "tim.mood";

    /// The mood of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mood| mood.word() == word)
    }

    /// Its face.
    #[must_use]
    pub fn face(self) -> &'static str {
        match self {
            Self::Happy => "😊",
            Self::Dazed => "😵\u{200d}💫",
            Self::Angry => "😠",
            Self::Sad => "😢",
            Self::Nervous => "😰",
            Self::Ill => "🤒",
            Self::Sleepy => "😴",
            Self::Sport => "🏃",
            Self::Secret => "🤫",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mood_has_a_word_and_a_face_of_its_own() {
        for mood in Mood::ALL {
            assert_eq!(Mood::from_word(mood.word()), Some(mood));
        }
        let faces: std::collections::BTreeSet<_> = Mood::ALL.map(Mood::face).into();
        assert_eq!(faces.len(), 9);
        assert_eq!(Mood::from_word("Happy"), None);
    }
}

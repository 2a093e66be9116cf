//! The emoji one can choose from, by group, with words to search for in English and Chinese. Pure data; which of them were
//! used lately is kept by whoever shows them.

mod tone;

use std::sync::LazyLock;

pub use self::tone::{Tone, takes_tone, toned};

/// Tables of emoji and words: a line `# group`, then one line for each: the emoji, a space, English words, `|`, Chinese words.
const SOURCE: &str = include_str!("emoji.txt");

static TABLE: LazyLock<Vec<Group>> = LazyLock::new(|| read(SOURCE));

/// Kinds of emoji, in the order they are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// Faces.
    Smileys,
    /// Hands, bodies, persons.
    People,
    /// Animals, plants, weather.
    Nature,
    /// Food and drink.
    Food,
    /// Sport, games, feasts, music.
    Activities,
    /// Vehicles and places.
    Travel,
    /// Things.
    Objects,
    /// Hearts, signs, arrows.
    Symbols,
    /// Flags.
    Flags,
}

impl GroupKind {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Smileys,
        Self::People,
        Self::Nature,
        Self::Food,
        Self::Activities,
        Self::Travel,
        Self::Objects,
        Self::Symbols,
        Self::Flags,
    ];

    /// Its name in the table, in the page and in tests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smileys => "smileys",
            Self::People => "people",
            Self::Nature => "nature",
            Self::Food => "food",
            Self::Activities => "activities",
            Self::Travel => "travel",
            Self::Objects => "objects",
            Self::Symbols => "symbols",
            Self::Flags => "flags",
        }
    }
}

/// One emoji.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emoji {
    /// The character sequence.
    pub text: &'static str,
    /// Words to search for, in English. Together they are a description.
    pub english: &'static str,
    /// The same in Chinese.
    pub chinese: &'static str,
}

/// Emoji of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which kind.
    pub kind: GroupKind,
    /// The emoji, in the order they are offered.
    pub emoji: Vec<Emoji>,
}

/// All emoji by group.
#[must_use]
pub fn groups() -> &'static [Group] {
    &TABLE
}

/// The entry of an emoji, without regard to its skin tone.
#[must_use]
pub fn find(text: &str) -> Option<Emoji> {
    let plain = toned(text, Tone::Default);
    let mut all = groups().iter().flat_map(|group| &group.emoji);
    all.find(|emoji| emoji.text == plain || toned(emoji.text, Tone::Default) == plain)
        .copied()
}

/// The emoji that fit all words of the query, the best first. Latin words fit the beginning of words, Chinese ones any part.
#[must_use]
pub fn search(query: &str) -> Vec<Emoji> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(u32, Emoji)> = groups()
        .iter()
        .flat_map(|group| &group.emoji)
        .filter_map(|emoji| score(*emoji, &words).map(|score| (score, *emoji)))
        .collect();
    found.sort_by_key(|(score, _)| *score);
    found.into_iter().map(|(_, emoji)| emoji).collect()
}

/// Smaller is better. `None` when a word does not fit.
fn score(emoji: Emoji, words: &[String]) -> Option<u32> {
    let mut total = 0;
    for word in words {
        total += if emoji.text == word || emoji.english.split(' ').any(|own| own == word) {
            0
        } else if emoji.chinese.split(' ').any(|own| own == word) {
            1
        } else if emoji.english.split(' ').any(|own| own.starts_with(word.as_str())) {
            2
        } else if !word.is_ascii() && emoji.chinese.contains(word.as_str()) {
            3
        } else {
            return None;
        };
    }
    Some(total)
}

/// The list of those used lately with one more at the front, each once, at most `most`.
#[must_use]
pub fn used(recent: &[String], text: &str, most: usize) -> Vec<String> {
    let others = recent.iter().filter(|other| *other != text).cloned();
    std::iter::once(text.to_owned())
        .chain(others)
        .take(most)
        .collect()
}

fn read(source: &'static str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for line in source.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            let kind = GroupKind::ALL.into_iter().find(|kind| kind.name() == name);
            groups.extend(kind.map(|kind| Group {
                kind,
                emoji: Vec::new(),
            }));
            continue;
        }
        let parts = line
            .split_once(' ')
            .and_then(|(text, words)| Some((text, words.split_once('|')?)));
        if let (Some((text, (english, chinese))), Some(group)) = (parts, groups.last_mut()) {
            group.emoji.push(Emoji {
                text,
                english,
                chinese,
            });
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::text::{Enlarged, enlarged};

    #[test]
    fn every_line_of_the_table_is_an_emoji_with_words_in_both_languages() {
        let lines = SOURCE.lines().filter(|line| !line.starts_with("# ")).count();
        let all: Vec<Emoji> = groups().iter().flat_map(|group| group.emoji.clone()).collect();
        assert_eq!(all.len(), lines);
        assert!(all.len() > 600);
        assert_eq!(groups().len(), GroupKind::ALL.len());
        let mut seen = HashSet::new();
        for emoji in all {
            assert!(seen.insert(emoji.text), "{} twice", emoji.text);
            assert_eq!(enlarged(emoji.text), Some(Enlarged::One), "{emoji:?}");
            assert!(
                emoji.english.is_ascii() && !emoji.english.trim().is_empty(),
                "{emoji:?}"
            );
            assert!(
                !emoji.chinese.is_ascii() && !emoji.chinese.contains("  "),
                "{emoji:?}"
            );
        }
    }

    #[test]
    fn search_finds_in_both_languages_with_the_best_first() {
        assert_eq!(search("dog").first().map(|emoji| emoji.text), Some("🐶"));
        assert!(search("thumb").iter().any(|emoji| emoji.text == "👍"));
        assert_eq!(search("猫").first().map(|emoji| emoji.text), Some("😺"));
        assert!(search("点赞").iter().any(|emoji| emoji.text == "👍"));
        assert!(
            search("cat love")
                .iter()
                .all(|emoji| emoji.english.contains("cat"))
        );
        assert!(search("xyzzy").is_empty() && search("  ").is_empty());
    }

    #[test]
    fn the_last_used_comes_first_and_once() {
        let recent = vec!["😀".to_owned(), "👍".to_owned(), "🎉".to_owned()];
        assert_eq!(used(&recent, "👍", 3), ["👍", "😀", "🎉"]);
        assert_eq!(used(&recent, "🐶", 3), ["🐶", "😀", "👍"]);
    }
}

//! What has to hold for every text. That there is one in every language holds by construction.

use std::collections::BTreeSet;

/// Name, English as source text (with quotes, and brackets around a plural), Chinese.
pub(crate) type Entry = (&'static str, &'static str, &'static str);

/// Texts that are the same in both languages, or say something without Chinese characters.
const WITHOUT_CHINESE: &[&str] = &["product", "license_names", "between", "they_wrote", "message_of"];

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .filter(|name| !name.is_empty())
        .collect()
}

fn is_chinese(character: char) -> bool {
    matches!(character, '\u{4e00}'..='\u{9fff}')
}

/// Checks the texts of one area.
pub(crate) fn check(area: &str, entries: &[Entry]) {
    let mut names = BTreeSet::new();
    for &(name, english, chinese) in entries {
        let what = format!("{area}::{name}");
        assert!(names.insert(name), "{what} is declared twice");
        assert!(english.len() > 2, "{what} has no English text");
        assert!(!chinese.trim().is_empty(), "{what} has no Chinese text");
        assert!(!english.chars().any(is_chinese), "{what} mixes languages");
        if !WITHOUT_CHINESE.contains(&name) {
            assert!(
                chinese.chars().any(is_chinese),
                "{what} is not translated: {chinese}"
            );
        }
        assert_eq!(
            placeholders(english),
            placeholders(chinese),
            "{what} loses an argument"
        );

        // Chinese punctuation is full width.
        let characters: Vec<char> = chinese.chars().collect();
        for pair in characters.windows(2) {
            assert!(
                !(is_chinese(pair[0]) && matches!(pair[1], ',' | '.' | '?' | '!' | ':' | ';' | '(')),
                "{what} has a half-width mark after {}: {chinese}",
                pair[0]
            );
        }
        assert!(!chinese.contains("..."), "{what}: an ellipsis is one character");
        assert!(!english.contains("..."), "{what}: an ellipsis is one character");
    }
}

#[test]
fn every_text_is_there_in_every_language_with_all_its_arguments() {
    check("common", super::common::ALL);
    check("chat", super::chat::ALL);
    check("media", super::media::ALL);
    check("account", super::account::ALL);
    check("people", super::people::ALL);
    check("groups", super::groups::ALL);
}

#[test]
fn a_count_of_one_is_singular_in_english_only() {
    use super::{Lang, common};
    assert_eq!(common::members(Lang::English, 1), "1 member");
    assert_eq!(common::members(Lang::English, 0), "0 members");
    assert_eq!(common::members(Lang::English, 10_000), "10,000 members");
    assert_eq!(common::members(Lang::Chinese, 1), "1 位成员");
}

#[test]
fn the_browser_s_preferences_choose_the_language() {
    use super::Lang;
    assert_eq!(Lang::best(["de-DE", "zh-Hans-CN", "en"]), Lang::Chinese);
    assert_eq!(Lang::best(["en_GB", "zh"]), Lang::English);
    assert_eq!(Lang::best(["fr", "de"]), Lang::English);
    assert_eq!(Lang::best([]), Lang::English);
}

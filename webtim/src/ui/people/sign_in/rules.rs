//! What is wrong with a name or password, before the server is asked.

use crate::i18n::{Lang, account};

/// Fewest characters of a new password.
pub const PASSWORD_MIN: u64 = 8;
/// Most bytes of a name and of a password that servers take by default.
const NAME_BYTES: usize = 128;
const PASSWORD_BYTES: usize = 256;
/// Most characters of a nickname.
pub const NICKNAME_MAX: u32 = 32;

/// What is wrong with a new account name.
#[must_use]
pub fn new_name(lang: Lang, name: &str) -> Option<String> {
    let text = if name.is_empty() {
        account::name_missing(lang)
    } else if name.trim() != name {
        account::name_spaces(lang)
    } else if name.len() > NAME_BYTES {
        account::name_long(lang)
    } else if name.chars().any(is_invisible) {
        account::name_control(lang)
    } else {
        return None;
    };
    Some(text.to_owned())
}

/// What is wrong with a new password for that account.
#[must_use]
pub fn new_password(lang: Lang, name: &str, password: &str) -> Option<String> {
    let characters = u64::try_from(password.chars().count()).unwrap_or(u64::MAX);
    if password.is_empty() {
        Some(account::password_missing(lang).to_owned())
    } else if characters < PASSWORD_MIN {
        Some(account::password_short(lang, PASSWORD_MIN))
    } else if password.len() > PASSWORD_BYTES {
        Some(account::password_long(lang).to_owned())
    } else if !name.is_empty() && password == name {
        Some(account::password_is_name(lang).to_owned())
    } else {
        None
    }
}

/// What is wrong with a nickname.
#[must_use]
pub fn nickname(lang: Lang, nickname: &str) -> Option<String> {
    if nickname.trim().is_empty() {
        Some(account::nickname_missing(lang).to_owned())
    } else if nickname.chars().count() > NICKNAME_MAX as usize {
        Some(account::nickname_long(lang, u64::from(NICKNAME_MAX)))
    } else {
        None
    }
}

/// Characters that make two names look the same: controls, and marks of direction and width.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const EN: Lang = Lang::English;

    #[test]
    fn names_are_visible_and_of_bearable_length() {
        for good in ["anna", "张小明", "o'neil@example.org", "two words"] {
            assert_eq!(new_name(EN, good), None, "{good}");
        }
        for bad in ["", " anna", "anna ", "an\u{200b}na", "a\nb", &"x".repeat(129)] {
            assert!(new_name(EN, bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_have_eight_characters_whatever_their_bytes() {
        assert_eq!(new_password(EN, "anna", "一二三四五六七八"), None);
        assert_eq!(
            new_password(EN, "anna", "一二三四五六七").as_deref(),
            Some("Use at least 8 characters.")
        );
        assert!(new_password(EN, "annaannaanna", "annaannaanna").is_some());
        assert!(new_password(EN, "anna", &"x".repeat(257)).is_some());
        assert!(new_password(EN, "", "").is_some());
    }

    #[test]
    fn nicknames_are_counted_in_characters() {
        assert_eq!(nickname(EN, &"字".repeat(32)), None);
        assert!(nickname(EN, &"字".repeat(33)).is_some());
        assert!(nickname(EN, "  ").is_some());
    }
}

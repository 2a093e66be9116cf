//! Which conversations are not to disturb.

use std::collections::BTreeSet;

use super::ChatId;

/// Which conversations are not to disturb.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    muted: BTreeSet<ChatId>,
}

impl Attention {
    /// Whether a conversation is not to disturb: its messages make no sound and no notice, and do not count in the title. Being
    /// addressed by name still does.
    #[must_use]
    pub fn is_muted(&self, chat: &ChatId) -> bool {
        self.muted.contains(chat)
    }

    /// Lets a conversation disturb, or no longer.
    pub fn set_muted(&mut self, chat: &ChatId, muted: bool) {
        if muted {
            self.muted.insert(chat.clone());
        } else {
            self.muted.remove(chat);
        }
    }

    /// For the storage of the browser.
    #[must_use]
    pub fn to_json(&self) -> String {
        let names: Vec<String> = self.muted.iter().map(ToString::to_string).collect();
        serde_json::to_string(&names).unwrap_or_default()
    }

    /// From what [`Attention::to_json`] made.
    #[must_use]
    pub fn from_json(text: &str) -> Self {
        let names: Vec<String> = serde_json::from_str(text).unwrap_or_default();
        Self {
            muted: names.iter().filter_map(|name| ChatId::parse(name)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn muting_lasts() {
        let chat = ChatId::parse("r:abc").unwrap();
        let mut attention = Attention::default();
        attention.set_muted(&chat, true);
        assert!(Attention::from_json(&attention.to_json()).is_muted(&chat));
        attention.set_muted(&chat, false);
        assert_eq!(attention, Attention::from_json("nonsense"));
    }
}

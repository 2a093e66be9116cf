//! What was written and not sent yet, for each conversation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ChatId;
use crate::fields::Reply;

/// What was written in one conversation and not sent yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// The text.
    pub text: String,
    /// The message it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// It is to be burned after reading. Stays chosen after sending.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub burn: bool,
}

/// The drafts of all conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drafts {
    drafts: BTreeMap<ChatId, Draft>,
    revision: u64,
}

impl Drafts {
    /// The draft of a conversation.
    #[must_use]
    pub fn get(&self, chat: &ChatId) -> Option<&Draft> {
        self.drafts.get(chat)
    }

    /// The text that the list shows for a conversation, if something was begun there.
    #[must_use]
    pub fn text(&self, chat: &ChatId) -> Option<&str> {
        let text = self.get(chat)?.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Another number after every change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Keeps what is being written.
    pub fn write(&mut self, chat: &ChatId, text: &str) {
        self.change(chat, |draft| text.clone_into(&mut draft.text));
    }

    /// The draft answers that message from now on, or none.
    pub fn reply(&mut self, chat: &ChatId, reply: Option<Reply>) {
        self.change(chat, |draft| draft.reply = reply);
    }

    /// Messages of this conversation are burned after reading from now on, or no longer.
    pub fn burn(&mut self, chat: &ChatId, burn: bool) {
        self.change(chat, |draft| draft.burn = burn);
    }

    /// It was sent.
    pub fn sent(&mut self, chat: &ChatId) {
        self.change(chat, |draft| {
            draft.text.clear();
            draft.reply = None;
        });
    }

    fn change(&mut self, chat: &ChatId, change: impl FnOnce(&mut Draft)) {
        let before = self.get(chat).cloned().unwrap_or_default();
        let mut draft = before.clone();
        change(&mut draft);
        if draft == before {
            return;
        }
        self.revision += 1;
        if draft == Draft::default() {
            self.drafts.remove(chat);
        } else {
            self.drafts.insert(chat.clone(), draft);
        }
    }

    /// Another tab keeps these now. What is begun in the open conversation of this tab stays.
    pub fn follow(&mut self, mut theirs: Self, open: Option<&ChatId>) {
        if let Some(open) = open {
            theirs.drafts.remove(open);
            if let Some(own) = self.drafts.remove(open) {
                theirs.drafts.insert(open.clone(), own);
            }
        }
        self.drafts = theirs.drafts;
        self.revision += 1;
    }

    /// For the storage of the browser.
    #[must_use]
    pub fn to_json(&self) -> String {
        let named: BTreeMap<String, &Draft> = self
            .drafts
            .iter()
            .map(|(chat, draft)| (chat.to_string(), draft))
            .collect();
        serde_json::to_string(&named).unwrap_or_default()
    }

    /// From what [`Drafts::to_json`] made. What cannot be read is left out.
    #[must_use]
    pub fn from_json(text: &str) -> Self {
        let named: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
        let read = |(chat, draft): (String, serde_json::Value)| {
            Some((ChatId::parse(&chat)?, serde_json::from_value(draft).ok()?))
        };
        Self {
            drafts: named.into_iter().filter_map(read).collect(),
            revision: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat() -> ChatId {
        ChatId::parse("u:abc").unwrap()
    }

    #[test]
    fn a_draft_lasts_until_it_is_sent_and_burning_stays_chosen() {
        let mut drafts = Drafts::default();
        drafts.write(&chat(), "hello");
        drafts.reply(&chat(), Some(Reply::to(3, "abc", "hi")));
        drafts.burn(&chat(), true);
        assert_eq!(
            Drafts::from_json(&drafts.to_json()).get(&chat()),
            drafts.get(&chat())
        );
        drafts.sent(&chat());
        assert_eq!(
            drafts.get(&chat()),
            Some(&Draft {
                burn: true,
                ..Draft::default()
            })
        );
        assert_eq!(drafts.text(&chat()), None);
        drafts.burn(&chat(), false);
        assert_eq!(drafts.to_json(), "{}");
    }

    #[test]
    fn only_changes_count() {
        let mut drafts = Drafts::default();
        drafts.write(&chat(), "");
        drafts.sent(&chat());
        assert_eq!(drafts.revision(), 0);
        drafts.write(&chat(), "x");
        assert_eq!(drafts.revision(), 1);
    }

    #[test]
    fn unreadable_drafts_are_left_out() {
        let drafts = Drafts::from_json(r#"{"u:abc":{"text":"a","more":1},"nonsense":{"text":"b"},"r:x":7}"#);
        assert_eq!(drafts.text(&chat()), Some("a"));
        assert_eq!(Drafts::from_json("}"), Drafts::default());
    }
}

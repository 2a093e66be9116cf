//! What a browser keeps of an account: what was read, pins, undecided requests. No message, no secret.
//! Drafts are kept beside it, see [`Drafts`](super::Drafts).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::people::Availability;
use super::{ChatId, Inbox, Model, Mood, Petition};

/// What a browser keeps of an account. Fields that are missing or unknown do not matter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// Newest number that was read, by the text form of the conversation.
    pub read: BTreeMap<String, i64>,
    /// Text forms of the conversations that are kept at the top.
    pub pinned: Vec<String>,
    /// Requests that wait for a decision.
    pub petitions: Vec<Petition>,
    /// What one says about being there.
    pub availability: Availability,
    /// The own status, in a few words.
    pub status: String,
    /// The own mood.
    pub mood: Option<Mood>,
}

impl Remembered {
    /// What is to be kept of this model.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let mut remembered = Self {
            petitions: model.inbox.petitions().to_vec(),
            availability: model.session.availability,
            status: model.session.status.clone(),
            mood: model.session.mood,
            ..Self::default()
        };
        for (id, chat) in model.chats.iter() {
            if let Some(read) = chat.read() {
                remembered.read.insert(id.to_string(), read);
            }
            if chat.is_pinned() {
                remembered.pinned.push(id.to_string());
            }
        }
        remembered.pinned.sort();
        remembered
    }

    /// Another tab has changed it: pins and requests are as they are there.
    pub fn follow(self, model: &mut Model) {
        let ids: Vec<ChatId> = model.chats.iter().map(|(id, _)| id.clone()).collect();
        for id in ids {
            let is_pinned = self.pinned.contains(&id.to_string());
            model.chats.set_pinned(&id, is_pinned);
        }
        model.inbox = Inbox::default();
        self.apply(model);
    }

    /// Puts it into the model of an account that was just logged in.
    pub fn apply(self, model: &mut Model) {
        for (id, mid) in self.read {
            if let Some(id) = ChatId::parse(&id) {
                model.chats.mark_read(&id, mid);
            }
        }
        for id in self.pinned.iter().filter_map(|id| ChatId::parse(id)) {
            model.chats.set_pinned(&id, true);
        }
        for petition in self.petitions {
            model.inbox.add(petition);
        }
        model.session.availability = self.availability;
        model.session.status = self.status;
        model.session.mood = self.mood;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Content, Wish};

    #[test]
    fn what_is_kept_comes_back() {
        let mut model = Model::default();
        let id = ChatId::parse("u:anna").unwrap();
        model.chats.mark_read(&id, 7);
        model.chats.set_pinned(&id, true);
        model.chats.queue(&id, None, Content::text("not kept"), 1);
        model.inbox.add(Petition {
            from: "bob".into(),
            wish: Wish::Friend,
            text: "hello".into(),
            time: 1,
        });
        let kept = Remembered::of(&model);
        let text = serde_json::to_string(&kept).unwrap();
        assert!(!text.contains("not kept"));

        let mut fresh = Model::default();
        serde_json::from_str::<Remembered>(&text)
            .unwrap()
            .apply(&mut fresh);
        assert_eq!(Remembered::of(&fresh), kept);
    }

    #[test]
    fn storage_of_another_version_is_read_as_far_as_it_goes() {
        let kept: Remembered =
            serde_json::from_str(r#"{"read": {"u:a": 3, "nonsense": 4}, "future": 1}"#).unwrap();
        let mut model = Model::default();
        kept.apply(&mut model);
        assert_eq!(model.chats.iter().count(), 1);
    }
}

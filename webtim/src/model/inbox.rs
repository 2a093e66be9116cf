//! What waits for a decision: requests for friendship, and to join rooms that one manages.

use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// Friendship.
    Friend,
    /// To come into this room.
    Join(String),
}

/// Somebody asks for something. Kept in the browser's storage, because the server tells it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Petition {
    /// Who asks.
    pub from: String,
    /// What.
    pub wish: Wish,
    /// What they say.
    #[serde(default)]
    pub text: String,
    /// When, in milliseconds since the Unix epoch.
    pub time: i64,
}

/// What waits for a decision, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inbox {
    petitions: Vec<Petition>,
}

impl Inbox {
    const MOST: usize = 200;

    /// What waits, the newest first.
    #[must_use]
    pub fn petitions(&self) -> &[Petition] {
        &self.petitions
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.petitions.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.petitions.is_empty()
    }

    /// One more. Who asks again is heard once, with the newer text.
    pub fn add(&mut self, petition: Petition) {
        let newer = |old: &&Petition| {
            old.from == petition.from && old.wish == petition.wish && old.time > petition.time
        };
        if self.petitions.iter().any(|old| newer(&old)) {
            return;
        }
        self.settle(&petition.from, &petition.wish);
        let index = self.petitions.partition_point(|old| old.time > petition.time);
        self.petitions.insert(index, petition);
        self.petitions.truncate(Self::MOST);
    }

    /// Decided, here or elsewhere, or withdrawn.
    pub fn settle(&mut self, from: &str, wish: &Wish) {
        self.petitions
            .retain(|petition| !(petition.from == from && petition.wish == *wish));
    }

    /// Nothing can be decided about that room any more.
    pub fn forget_room(&mut self, room: &str) {
        self.petitions
            .retain(|petition| petition.wish != Wish::Join(room.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn petition(from: &str, wish: Wish, text: &str, time: i64) -> Petition {
        Petition {
            from: from.into(),
            wish,
            text: text.into(),
            time,
        }
    }

    #[test]
    fn who_asks_again_is_heard_once_with_the_newer_text() {
        let mut inbox = Inbox::default();
        inbox.add(petition("a", Wish::Friend, "hi", 1));
        inbox.add(petition("b", Wish::Friend, "hey", 2));
        inbox.add(petition("a", Wish::Friend, "please", 3));
        inbox.add(petition("a", Wish::Friend, "old news", 2));
        let texts: Vec<_> = inbox
            .petitions()
            .iter()
            .map(|petition| petition.text.as_str())
            .collect();
        assert_eq!(texts, ["please", "hey"]);
    }

    #[test]
    fn a_decision_about_one_wish_leaves_the_others() {
        let mut inbox = Inbox::default();
        inbox.add(petition("a", Wish::Friend, "", 1));
        inbox.add(petition("a", Wish::Join("r".into()), "", 2));
        inbox.settle("a", &Wish::Friend);
        assert_eq!(inbox.len(), 1);
        inbox.forget_room("r");
        assert!(inbox.is_empty());
    }
}

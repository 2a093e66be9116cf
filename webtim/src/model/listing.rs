//! The list of conversations: which, and in which order.

use std::rc::Rc;

use super::{ChatId, Message, Model};

/// Which conversations are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those with unread messages.
    Unread,
    /// With people.
    People,
    /// Of rooms.
    Groups,
}

/// What a row of the list shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Name of the person, or title of the room.
    pub name: String,
    /// Address of the picture.
    pub picture: Option<String>,
    /// Whether the person is there. `None` for rooms.
    pub online: Option<bool>,
    /// The last line.
    pub last: Option<Rc<Message>>,
    /// Name of the one who wrote it, in rooms, for messages of others.
    pub author: Option<String>,
    /// How far it has come, for own messages.
    pub delivery: Option<super::Delivery>,
    /// What is half written.
    pub draft: Option<String>,
    /// Unread messages.
    pub unread: u64,
    /// Kept at the top.
    pub pinned: bool,
}

impl Model {
    /// Name of the person, or title of the room.
    #[must_use]
    pub fn chat_name(&self, id: &ChatId) -> String {
        match id {
            ChatId::Peer(peer) => self.people.name(peer),
            ChatId::Room(room) => self.rooms.name(room),
            ChatId::System => String::new(),
        }
    }

    /// The conversations that pass the filter and whose name, or last message, contains the words: pinned ones first,
    /// then by the time of the last line.
    #[must_use]
    pub fn listed(&self, filter: Filter, words: &str) -> Vec<ChatId> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let mut rows: Vec<_> = self
            .chats
            .iter()
            .filter(|(id, chat)| match filter {
                Filter::All => true,
                // The open one stays, or it would disappear under one's hands.
                Filter::Unread => chat.unread() > 0 || self.navigation.chat() == Some(id),
                Filter::People => matches!(id, ChatId::Peer(_)),
                Filter::Groups => matches!(id, ChatId::Room(_)),
            })
            .filter_map(|(id, chat)| {
                let name = self.chat_name(id).to_lowercase();
                let last = chat.last();
                let text = last
                    .and_then(|message| message.content())
                    .map(|content| content.text.to_lowercase());
                let hit = |word: &String| {
                    name.contains(word) || text.as_ref().is_some_and(|text| text.contains(word))
                };
                let time = last.map_or(0, |message| message.time);
                words
                    .iter()
                    .all(hit)
                    .then(|| (!chat.is_pinned(), std::cmp::Reverse(time), name, id))
            })
            .collect();
        rows.sort();
        rows.into_iter().map(|(_, _, _, id)| id.clone()).collect()
    }

    /// What the row of that conversation shows.
    #[must_use]
    pub fn summary(&self, id: &ChatId) -> Option<Summary> {
        let chat = self.chats.get(id)?;
        let last = chat.last().cloned();
        let author = match (id, last.as_deref()) {
            (ChatId::Room(_), Some(last)) if !last.mine => {
                last.from.as_ref().map(|from| self.people.name(from))
            }
            _ => None,
        };
        Some(Summary {
            name: self.chat_name(id),
            picture: match id {
                ChatId::Peer(peer) => self.people.picture(peer),
                ChatId::Room(room) => self.rooms.picture(room),
                ChatId::System => None,
            },
            online: id
                .peer()
                .filter(|peer| !self.session.is_me(peer))
                .map(|peer| self.people.online(peer).is_some()),
            author,
            delivery: last.as_deref().and_then(|last| chat.delivery(last)),
            last,
            draft: self.drafts.text(id).map(str::to_owned),
            unread: chat.unread(),
            pinned: chat.is_pinned(),
        })
    }
}

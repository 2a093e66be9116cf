//! Which conversation.

use std::fmt;

use tim_client::{Conversation, Node, RoomId};

/// Names a conversation. Its text form is that of `docs/web-api.md`: `u:NODE`, `r:NODE`, and `s` for the administration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChatId {
    /// With a user; with the own node: notes to oneself.
    Peer(Node),
    /// Of a room.
    Room(RoomId),
    /// Messages of the administration. Nothing can be sent there.
    System,
}

impl ChatId {
    /// The user one talks with, in a conversation with a user.
    #[must_use]
    pub fn peer(&self) -> Option<&Node> {
        match self {
            Self::Peer(peer) => Some(peer),
            _ => None,
        }
    }

    /// The room, in the conversation of a room.
    #[must_use]
    pub fn room(&self) -> Option<&RoomId> {
        match self {
            Self::Room(room) => Some(room),
            _ => None,
        }
    }

    /// From its text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("u", node)) => Node::new(node).ok().map(Self::Peer),
            Some(("r", node)) => RoomId::new(node).ok().map(Self::Room),
            None if text == "s" => Some(Self::System),
            _ => None,
        }
    }

    /// From what the client calls it. `None` for kinds that this version does not know.
    #[must_use]
    pub fn from_conversation(conversation: &Conversation) -> Option<Self> {
        match conversation {
            Conversation::Peer(peer) => Some(Self::Peer(peer.clone())),
            Conversation::Room(room) => Some(Self::Room(room.clone())),
            Conversation::System => Some(Self::System),
            _ => None,
        }
    }

    /// What the client calls it.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        match self {
            Self::Peer(peer) => Conversation::Peer(peer.clone()),
            Self::Room(room) => Conversation::Room(room.clone()),
            Self::System => Conversation::System,
        }
    }
}

impl fmt::Display for ChatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(peer) => write!(f, "u:{peer}"),
            Self::Room(room) => write!(f, "r:{room}"),
            Self::System => f.write_str("s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_reads_back() {
        for text in ["u:abc", "r:abc", "s"] {
            assert_eq!(
                ChatId::parse(text).map(|id| id.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in ["", "u:", "x:abc", "s:abc", "u"] {
            assert_eq!(ChatId::parse(text), None, "{text}");
        }
    }
}

//! One line of a conversation.

use std::collections::BTreeMap;
use std::rc::Rc;

use tim_client::{Incoming, Mid, Node};

use super::Trouble;
use crate::fields::{BURN, FILE, File, REPLY, Reply};

/// Names a line within this tab. It stays the same when a message is confirmed and gets its number.
pub type RowId = u64;

/// How far an own message has come. That it was delivered is known per conversation, see
/// [`Chat::delivery`](super::Chat::delivery).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sending {
    /// On its way to the server.
    Pending,
    /// Stored by the server.
    #[default]
    Stored,
    /// Not sent. It can be tried again.
    Failed(Trouble),
}

/// How far an own message has come, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// On its way to the server.
    Sending,
    /// Stored by the server.
    Sent,
    /// On a device of the other side.
    Delivered,
    /// Not sent. It can be tried again.
    Failed(Trouble),
}

/// How a message was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// By its author.
    Recalled,
    /// By its reader, after reading.
    Burned,
}

/// Something that happened in a conversation and that nobody wrote. It is known in this tab only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Both sides are friends now.
    FriendsNow,
    /// These people came into the room.
    Joined(Vec<Node>),
    /// These people are no longer in the room.
    Gone(Vec<Node>),
    /// The room has another title.
    Topic(String),
}

/// What a line shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A message, see [`Content`].
    Content(Content),
    /// A message that is no longer there.
    Removed(Removed),
    /// A line that nobody wrote.
    Happening(Happening),
}

/// What somebody wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Text. For messages with a file: what other clients show instead.
    pub text: String,
    /// Text fields, among them those of `docs/web-api.md`, which are also read into the following.
    pub fields: BTreeMap<String, String>,
    /// The file it carries.
    pub file: Option<Rc<File>>,
    /// The message it answers.
    pub reply: Option<Reply>,
    /// The receiver's client burns it after it was read.
    pub burn: bool,
}

impl Content {
    /// A plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(text, BTreeMap::new())
    }

    /// A text with fields.
    #[must_use]
    pub fn new(text: impl Into<String>, fields: BTreeMap<String, String>) -> Self {
        let file = fields.get(FILE).and_then(|value| File::parse(value));
        let reply = fields.get(REPLY).and_then(|value| Reply::parse(value));
        Self {
            text: text.into(),
            file: file.map(Rc::new),
            reply,
            burn: fields.get(BURN).is_some_and(|value| value == "1"),
            fields,
        }
    }

    /// It carries this file.
    #[must_use]
    pub fn with_file(self, file: &File) -> Self {
        self.with_field(FILE, file.value())
    }

    /// It answers this message, if any.
    #[must_use]
    pub fn with_reply(self, reply: Option<&Reply>) -> Self {
        match reply {
            Some(reply) => self.with_field(REPLY, reply.value()),
            None => self,
        }
    }

    /// The receiver's client burns it after it was read, if so chosen.
    #[must_use]
    pub fn with_burn(self, burn: bool) -> Self {
        if burn { self.with_field(BURN, "1") } else { self }
    }

    fn with_field(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        Self::new(self.text, self.fields)
    }
}

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Names the line.
    pub row: RowId,
    /// Number in the conversation, once the server has stored it.
    pub mid: Option<i64>,
    /// Who wrote it. `None`: the administration, or nobody.
    pub from: Option<Node>,
    /// The own account wrote it.
    pub mine: bool,
    /// When the server stored it; before that, when it was written. Milliseconds since the Unix epoch.
    pub time: i64,
    /// What it shows.
    pub body: Body,
    /// How far it has come, for own messages.
    pub sending: Sending,
}

impl Message {
    /// What somebody wrote, unless it was taken away.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        match &self.body {
            Body::Content(content) => Some(content),
            _ => None,
        }
    }

    /// The number in the form that the client wants.
    #[must_use]
    pub fn stored_mid(&self) -> Option<Mid> {
        self.mid.and_then(Mid::new)
    }
}

/// A message as the server told it, before it has its place in a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    /// Number in the conversation. Servers that store nothing give none.
    pub mid: Option<i64>,
    /// Who wrote it.
    pub from: Option<Node>,
    /// The own account wrote it.
    pub mine: bool,
    /// Milliseconds since the Unix epoch.
    pub time: i64,
    /// What it says.
    pub content: Content,
}

impl From<Incoming> for Arrived {
    fn from(incoming: Incoming) -> Self {
        Self {
            mid: incoming.mid.map(Mid::get),
            from: incoming.from,
            mine: incoming.outgoing,
            time: incoming.timestamp.nanos() / 1_000_000,
            content: Content::new(incoming.text.unwrap_or_default(), incoming.extend),
        }
    }
}

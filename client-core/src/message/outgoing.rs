//! Messages to be sent, and their form on the wire (`wire-protocol 7.6`).

use std::collections::BTreeMap;

use bytes::Bytes;
use tim_protocol::wire::{Tid, TimMessage};

use super::translate::{ROOM, USER};
use super::{Conversation, MessageKind};
use crate::error::SendError;
use crate::room::RoomId;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub(crate) kind: MessageKind,
    pub(crate) inside: Option<RoomId>,
    pub(crate) text: Option<String>,
    pub(crate) binary: Option<Bytes>,
    pub(crate) content_type: Option<i16>,
    pub(crate) display: Option<i16>,
    pub(crate) extend: BTreeMap<String, String>,
    pub(crate) extra: BTreeMap<String, Bytes>,
}

impl Outgoing {
    fn new(kind: MessageKind, text: Option<String>, binary: Option<Bytes>) -> Self {
        Self {
            kind,
            inside: None,
            text,
            binary,
            content_type: None,
            display: None,
            extend: BTreeMap::new(),
            extra: BTreeMap::new(),
        }
    }

    /// A chat message with text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(MessageKind::Chat, Some(text.into()), None)
    }

    /// A chat message with binary content.
    pub fn binary(binary: impl Into<Bytes>) -> Self {
        Self::new(MessageKind::Chat, None, Some(binary.into()))
    }

    /// A chat message without content, to be filled in.
    #[must_use]
    pub fn chat() -> Self {
        Self::new(MessageKind::Chat, None, None)
    }

    /// A message of an application-defined kind, 31 to 127. Other numbers are refused when it is sent.
    #[must_use]
    pub fn application(number: i8) -> Self {
        Self::new(MessageKind::Application(number), None, None)
    }

    /// Live data for devices that are online now.
    pub fn stream(binary: impl Into<Bytes>) -> Self {
        Self::new(MessageKind::Stream, None, Some(binary.into()))
    }

    /// A large text for devices that are online now, at most
    /// [`SessionConfig::max_big_bytes`](crate::SessionConfig::max_big_bytes) to a user and
    /// [`SessionConfig::max_packet_bytes`](crate::SessionConfig::max_packet_bytes) to a room. Receivers see text and
    /// sender only, not the room.
    pub fn big_text(text: impl Into<String>) -> Self {
        Self::new(MessageKind::BigText, Some(text.into()), None)
    }

    /// Large binary data for devices that are online now, see [`Outgoing::big_text`].
    pub fn big_binary(binary: impl Into<Bytes>) -> Self {
        Self::new(MessageKind::BigBinary, None, Some(binary.into()))
    }

    /// Makes it a private message inside a room: it goes to one user, and both must be members of the room, but
    /// need not be friends.
    #[must_use]
    pub fn inside(mut self, room: &RoomId) -> Self {
        self.inside = Some(room.clone());
        self
    }

    /// Adds or replaces the text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Adds or replaces the binary content.
    #[must_use]
    pub fn with_binary(mut self, binary: impl Into<Bytes>) -> Self {
        self.binary = Some(binary.into());
        self
    }

    /// Sets the content type, defined by the application (`udtype`).
    #[must_use]
    pub fn with_content_type(mut self, content_type: i16) -> Self {
        self.content_type = Some(content_type);
        self
    }

    /// Sets the display hint, defined by the application (`udshow`).
    #[must_use]
    pub fn with_display(mut self, display: i16) -> Self {
        self.display = Some(display);
        self
    }

    /// Adds a text field of the application.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extend.insert(name.into(), value.into());
        self
    }

    /// Adds a binary field of the application.
    #[must_use]
    pub fn with_binary_field(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// What kind of message this is.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Bytes of content: texts, binary data, names and values of fields.
    #[must_use]
    pub fn size(&self) -> usize {
        self.text.as_ref().map_or(0, String::len)
            + self.binary.as_ref().map_or(0, Bytes::len)
            + self
                .extend
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum::<usize>()
            + self
                .extra
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum::<usize>()
    }

    /// Whether it is nothing but large data, so that it can travel in the form made for that.
    pub(crate) fn is_bare(&self) -> bool {
        self.inside.is_none()
            && self.content_type.is_none()
            && self.display.is_none()
            && self.extend.is_empty()
            && self.extra.is_empty()
            && (self.text.is_none() || self.binary.is_none())
    }

    pub(crate) fn check(&self, to: &Conversation) -> Result<(), SendError> {
        let is_room = match to {
            Conversation::Peer(_) => false,
            Conversation::Room(_) => true,
            Conversation::System => {
                return Err(SendError::Invalid("nothing can be sent to the administration"));
            }
        };
        match self.kind {
            MessageKind::Application(..=30) => {
                Err(SendError::Invalid("application-defined kinds are 31 to 127"))
            }
            MessageKind::BigText if self.text.is_none() => Err(SendError::Invalid("a big text needs text")),
            MessageKind::BigBinary if self.binary.is_none() => {
                Err(SendError::Invalid("big binary data needs binary content"))
            }
            _ if is_room && self.inside.is_some() => Err(SendError::Invalid(
                "a private message inside a room goes to a user",
            )),
            _ => Ok(()),
        }
    }

    /// The form on the wire. [`Outgoing::check`] has been asked before.
    pub(crate) fn into_wire(self, to: &Conversation, id: Option<i64>) -> TimMessage {
        let od_type = self.kind.od_type();
        let (user, room) = match to {
            Conversation::Peer(user) => (Some(user.as_str()), self.inside.as_ref()),
            Conversation::Room(room) => (None, Some(room)),
            Conversation::System => (None, None),
        };
        TimMessage {
            ms_type: if user.is_some() { USER } else { ROOM },
            od_type,
            id,
            to_tid: user.map(address),
            room_tid: room.map(|room| address(room.as_str())),
            data_string: self.text,
            data_binary: self.binary,
            udtype: self.content_type,
            udshow: self.display,
            extend: (!self.extend.is_empty()).then_some(self.extend),
            extra: (!self.extra.is_empty()).then_some(self.extra),
            ..TimMessage::default()
        }
    }
}

fn address(node: &str) -> Tid {
    Tid {
        node: node.to_owned(),
        ..Tid::default()
    }
}

//! Messages as applications see them. How they look on the wire is the business of `outgoing` and `translate`.

mod outgoing;
mod translate;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tim_protocol::Node;
use tim_protocol::wire::Tid;

use crate::room::RoomId;

pub(crate) use self::translate::{Content, read};

pub use self::outgoing::Outgoing;

/// Number of a stored message inside one conversation: positive, growing, dense except for recalled messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mid(i64);

impl Mid {
    /// A number. `None` unless it is positive.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// The number before this one, `None` for the first.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        Self::new(self.0 - 1)
    }
}

impl fmt::Display for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Time given by the server, in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    #[must_use]
    pub fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub fn nanos(self) -> i64 {
        self.0
    }

    /// As system time. Times before 1970 become 1970.
    #[must_use]
    pub fn system_time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

/// Where a message belongs, or is to go. Every conversation numbers its messages for itself ([`Mid`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Conversation {
    /// The conversation with that user. Private messages inside a room ([`Incoming::inside`]) belong here too.
    Peer(Node),
    /// The conversation of all members of that room.
    Room(RoomId),
    /// Messages of the administration. Nothing can be sent there.
    System,
}

impl From<Node> for Conversation {
    fn from(peer: Node) -> Self {
        Self::Peer(peer)
    }
}

impl From<&Node> for Conversation {
    fn from(peer: &Node) -> Self {
        Self::Peer(peer.clone())
    }
}

impl From<RoomId> for Conversation {
    fn from(room: RoomId) -> Self {
        Self::Room(room)
    }
}

impl From<&RoomId> for Conversation {
    fn from(room: &RoomId) -> Self {
        Self::Room(room.clone())
    }
}

impl From<&Conversation> for Conversation {
    fn from(conversation: &Conversation) -> Self {
        conversation.clone()
    }
}

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// Chat: stored, in history, confirmed by the server.
    Chat,
    /// Defined by the application, 31 to 127: delivered also later, not in history, not confirmed.
    Application(i8),
    /// Live data: only reaches devices that are online now, not stored, not confirmed.
    Stream,
    /// Large text: as live data.
    BigText,
    /// Large binary data: as live data.
    BigBinary,
}

impl MessageKind {
    const fn od_type(self) -> i8 {
        match self {
            Self::Chat => 1,
            Self::Stream => 5,
            Self::BigText => 6,
            Self::BigBinary => 7,
            Self::Application(number) => number,
        }
    }

    /// Whether the server keeps such a message for receivers that are away.
    #[must_use]
    pub const fn is_kept(self) -> bool {
        matches!(self, Self::Chat | Self::Application(_))
    }
}

/// Where a message was sent from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Name of the device.
    pub resource: Option<String>,
    /// Device class, defined by the application.
    pub device_type: Option<i8>,
    /// Application data of the login.
    pub extend: BTreeMap<String, String>,
}

impl Device {
    pub(crate) fn from_tid(tid: Tid) -> Option<Self> {
        let device = Self {
            resource: tid.resource,
            device_type: tid.termtyp,
            extend: tid.extend.unwrap_or_default(),
        };
        (device != Self::default()).then_some(device)
    }
}

/// A message that was sent. Chat messages are stored by the server when this is returned; other kinds were only
/// written to the connection and have neither number nor time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// Number that this device gave the message.
    pub id: Option<i64>,
    /// Number in the conversation. `None` on servers that store nothing.
    pub mid: Option<Mid>,
    /// When the server accepted it.
    pub timestamp: Option<Timestamp>,
}

/// A message that was received, or read from history.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Incoming {
    /// Where it belongs.
    pub conversation: Conversation,
    /// Who sent it. `None`: the administration.
    pub from: Option<Node>,
    /// For a private message that was sent inside a room: the room.
    pub inside: Option<RoomId>,
    /// Device of the sender, when the server told. History and offline messages do not carry it.
    pub device: Option<Device>,
    /// The own account sent it, from another device or earlier. What this client sent is told by the result of
    /// sending it and not a second time as an event, unless the program was started again in between.
    pub outgoing: bool,
    /// Kind of message.
    pub kind: MessageKind,
    /// Number in the conversation. Only chat messages have one.
    pub mid: Option<Mid>,
    /// Number that the sending device or the server gave it. Not in history.
    pub id: Option<i64>,
    /// When the server accepted it.
    pub timestamp: Timestamp,
    /// It waited for this device.
    pub offline: bool,
    /// Text.
    pub text: Option<String>,
    /// Binary content.
    pub binary: Option<Bytes>,
    /// Content type, defined by the application (`udtype`).
    pub content_type: Option<i16>,
    /// Display hint, defined by the application (`udshow`).
    pub display: Option<i16>,
    /// Text fields of the application.
    pub extend: BTreeMap<String, String>,
    /// Binary fields of the application.
    pub extra: BTreeMap<String, Bytes>,
}

impl Incoming {
    pub(crate) fn bare(peer: Node, kind: MessageKind) -> Self {
        Self {
            conversation: Conversation::Peer(peer.clone()),
            from: Some(peer),
            inside: None,
            device: None,
            outgoing: false,
            kind,
            mid: None,
            id: None,
            timestamp: Timestamp::default(),
            offline: false,
            text: None,
            binary: None,
            content_type: None,
            display: None,
            extend: BTreeMap::new(),
            extra: BTreeMap::new(),
        }
    }
}

/// A stored message was taken back by its author (recall) or destroyed by its reader (burn).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removal {
    /// Where the message was.
    pub conversation: Conversation,
    /// Number of the message.
    pub mid: Mid,
    /// Who removed it.
    pub by: Node,
    /// The own account removed it.
    pub outgoing: bool,
    /// When the server removed it.
    pub timestamp: Timestamp,
    /// The notice waited for this device.
    pub offline: bool,
}

/// What a [`Notice`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoticeKind {
    /// Somebody asks for friendship. The text is the greeting.
    FriendRequest,
    /// Both sides have accepted: you are friends now.
    FriendsNow,
    /// The other side ended the friendship, or withdrew its request.
    FriendRemoved,
    /// The other side blocked you.
    Blocked,
    /// Somebody asks to join a room that you manage. The text is what they say.
    JoinRequest,
    /// You are in the room: your request was approved, or the room is open.
    RoomJoined,
    /// Your request to join the room was refused. The text is the reason, if one was given.
    JoinRefused,
    /// Somebody added you to the room.
    RoomAdded,
    /// You were removed from the room.
    RoomRemoved,
    /// Something this version of the library has no name for (`bnType`).
    Other(i32),
}

/// News about friends and rooms, from the server (`wire-protocol 8.1`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// Who did it.
    pub from: Option<Node>,
    /// The room it is about, for news about rooms.
    pub room: Option<RoomId>,
    /// Text that belongs to it.
    pub text: Option<String>,
    /// When the server produced it.
    pub timestamp: Timestamp,
    /// It waited for this device.
    pub offline: bool,
}

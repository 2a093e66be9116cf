//! Messages as applications see them, and their translation from and to the wire (`wire-protocol 7.6`, 8.1).

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tim_protocol::Node;
use tim_protocol::wire::{Tid, TimMessage};

use crate::error::SendError;
use crate::session::Identity;

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

/// Where a message belongs. Further kinds will come.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Conversation {
    /// The conversation with that user.
    Peer(Node),
    /// Messages of the administration.
    System,
}

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// Chat: stored, in history, confirmed by an echo.
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

/// A message to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub(crate) kind: MessageKind,
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

    /// A message of an application-defined kind, 31 to 127. Other numbers are refused when it is sent.
    #[must_use]
    pub fn application(number: i8) -> Self {
        Self::new(MessageKind::Application(number), None, None)
    }

    /// Live data for devices that are online now.
    pub fn stream(binary: impl Into<Bytes>) -> Self {
        Self::new(MessageKind::Stream, None, Some(binary.into()))
    }

    /// A large text for devices that are online now.
    pub fn big_text(text: impl Into<String>) -> Self {
        Self::new(MessageKind::BigText, Some(text.into()), None)
    }

    /// Large binary data for devices that are online now.
    pub fn big_binary(binary: impl Into<Bytes>) -> Self {
        Self::new(MessageKind::BigBinary, None, Some(binary.into()))
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

    pub(crate) fn check(&self) -> Result<(), SendError> {
        match self.kind {
            MessageKind::Application(..=30) => {
                Err(SendError::Invalid("application-defined kinds are 31 to 127"))
            }
            MessageKind::BigText if self.text.is_none() => Err(SendError::Invalid("a big text needs text")),
            MessageKind::BigBinary if self.binary.is_none() => {
                Err(SendError::Invalid("big binary data needs binary content"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn into_wire(self, peer: &Node, id: Option<i64>) -> TimMessage {
        TimMessage {
            ms_type: USER,
            od_type: self.kind.od_type(),
            id,
            to_tid: Some(Tid {
                node: peer.as_str().to_owned(),
                ..Tid::default()
            }),
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
    /// Device of the sender, when the server told. History and offline messages do not carry it.
    pub device: Option<Device>,
    /// The own account sent it, from another device or earlier. After a lost connection it can be a message whose
    /// [`Client::send`](crate::Client::send) is still waiting; it has the same `mid` as the result then.
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
    /// Something this version of the library has no name for (`bnType`).
    Other(i32),
}

/// News about relations, from the server (`wire-protocol 8.1`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// Who did it.
    pub from: Option<Node>,
    /// Text that belongs to it.
    pub text: Option<String>,
    /// When the server produced it.
    pub timestamp: Timestamp,
    /// It waited for this device.
    pub offline: bool,
}

const SYSTEM: i8 = 1;
const USER: i8 = 2;
const CHAT: i8 = 1;
const RECALL: i8 = 2;
const BURN: i8 = 3;
const BUSINESS: i8 = 4;

/// A packet of type 90, or an element of an offline list or history page, as understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Message(Incoming),
    Recalled(Removal),
    Burned(Removal),
    Notice(Notice),
}

/// Translates a message of the server and tells how to recognise its repeats.
pub(crate) fn read(own: &Node, wire: TimMessage) -> Result<(Content, Option<Identity>), &'static str> {
    let node = |tid: &Tid| Node::new(&tid.node).map_err(|_| "a malformed node");
    let from = wire
        .from_tid
        .as_ref()
        .filter(|tid| !tid.node.is_empty())
        .map(node)
        .transpose()?;
    let id = wire.id.filter(|id| *id != 0);
    let timestamp = Timestamp(wire.timestamp.unwrap_or(0));
    let offline = wire.is_offline.unwrap_or(false);

    if wire.od_type == BUSINESS {
        let number = wire.bn_type.unwrap_or(0);
        let kind = match number {
            4 => NoticeKind::FriendRequest,
            5 => NoticeKind::FriendsNow,
            6 => NoticeKind::FriendRemoved,
            7 => NoticeKind::Blocked,
            other => NoticeKind::Other(other),
        };
        let identity = Some(match id {
            Some(id) => Identity::Numbered {
                from: from.clone(),
                id,
            },
            None => Identity::Notice {
                from: from.clone(),
                kind: number,
                timestamp: timestamp.0,
            },
        });
        let notice = Notice {
            kind,
            from,
            text: wire.data_string,
            timestamp,
            offline,
        };
        return Ok((Content::Notice(notice), identity));
    }

    let outgoing = from.as_ref() == Some(own);
    let conversation = match (wire.ms_type, &from) {
        (SYSTEM, _) => Conversation::System,
        (USER, Some(from)) if !outgoing => Conversation::Peer(from.clone()),
        (USER, Some(_)) => {
            let to = wire.to_tid.as_ref().ok_or("an own message without recipient")?;
            Conversation::Peer(node(to)?)
        }
        (USER, None) => return Err("a message without sender"),
        _ => return Err("a message of an unknown type"),
    };
    let mid = wire.mid.and_then(Mid::new);

    if wire.od_type == RECALL || wire.od_type == BURN {
        let (Some(mid), Some(by)) = (mid, from) else {
            return Err("a removal without message number or author");
        };
        let identity = Identity::Change {
            conversation: conversation.clone(),
            mid: mid.get(),
            od_type: wire.od_type,
        };
        let removal = Removal {
            conversation,
            mid,
            by,
            outgoing,
            timestamp,
            offline,
        };
        let content = if wire.od_type == RECALL {
            Content::Recalled(removal)
        } else {
            Content::Burned(removal)
        };
        return Ok((content, Some(identity)));
    }

    let kind = match wire.od_type {
        CHAT => MessageKind::Chat,
        5 => MessageKind::Stream,
        6 => MessageKind::BigText,
        7 => MessageKind::BigBinary,
        number @ 31.. => MessageKind::Application(number),
        _ => return Err("a message of an unknown kind"),
    };
    let identity = match (kind, mid, id) {
        (MessageKind::Chat, Some(mid), _) => Some(Identity::Stored {
            conversation: conversation.clone(),
            mid: mid.get(),
        }),
        // Live data is never repeated, and its ids are the business of its sender.
        (MessageKind::Chat | MessageKind::Application(_), _, Some(id)) => Some(Identity::Numbered {
            from: from.clone(),
            id,
        }),
        _ => None,
    };
    let device = wire.from_tid.and_then(|tid| {
        let device = Device {
            resource: tid.resource,
            device_type: tid.termtyp,
            extend: tid.extend.unwrap_or_default(),
        };
        (device != Device::default()).then_some(device)
    });
    let message = Incoming {
        conversation,
        from,
        device,
        outgoing,
        kind,
        mid: if kind == MessageKind::Chat { mid } else { None },
        id,
        timestamp,
        offline,
        text: wire.data_string,
        binary: wire.data_binary,
        content_type: wire.udtype,
        display: wire.udshow,
        extend: wire.extend.unwrap_or_default(),
        extra: wire.extra.unwrap_or_default(),
    };
    Ok((Content::Message(message), identity))
}

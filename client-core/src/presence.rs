//! Presence: who is there, and how they say they are (`wire-protocol 7.5`, 8.2).

use std::collections::BTreeMap;

use bytes::Bytes;
use tim_protocol::Node;
use tim_protocol::wire::{Tid, TimPresence};

use crate::message::Device;

/// What a presence asks of its receivers, by convention of the applications (`subStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubStatus {
    /// "Tell me your presence" (1).
    Subscribe,
    /// The answer to that (2).
    Answer,
    /// Another number, defined by the application.
    Other(i8),
}

impl SubStatus {
    pub(crate) fn number(self) -> i8 {
        match self {
            Self::Subscribe => 1,
            Self::Answer => 2,
            Self::Other(number) => number,
        }
    }

    pub(crate) fn from_number(number: i8) -> Self {
        match number {
            1 => Self::Subscribe,
            2 => Self::Answer,
            other => Self::Other(other),
        }
    }
}

/// The own presence, as it is told to others. What the numbers and texts mean is up to applications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Presence {
    /// Availability, defined by the application.
    pub show: Option<i16>,
    /// Free text.
    pub status: Option<String>,
    /// What is asked of the receivers.
    pub sub_status: Option<SubStatus>,
    /// Text fields of the application.
    pub extend: BTreeMap<String, String>,
    /// Binary fields of the application.
    pub extra: BTreeMap<String, Bytes>,
}

impl Presence {
    /// An empty presence: "I am here".
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the availability.
    #[must_use]
    pub fn with_show(mut self, show: i16) -> Self {
        self.show = Some(show);
        self
    }

    /// Sets the text.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
        self
    }

    /// Asks the receivers to tell their presence.
    #[must_use]
    pub fn asking(mut self) -> Self {
        self.sub_status = Some(SubStatus::Subscribe);
        self
    }

    /// Sets what is asked of the receivers.
    #[must_use]
    pub fn with_sub_status(mut self, sub_status: SubStatus) -> Self {
        self.sub_status = Some(sub_status);
        self
    }

    /// Adds a text field of the application.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extend.insert(name.into(), value.into());
        self
    }

    /// The packet for these receivers; none: for all friends.
    pub(crate) fn to_wire(&self, to: &[Node]) -> TimPresence {
        let mut wire = TimPresence {
            sub_status: self.sub_status.map(SubStatus::number),
            show: self.show,
            status: self.status.clone(),
            extend: (!self.extend.is_empty()).then(|| self.extend.clone()),
            extra: (!self.extra.is_empty()).then(|| self.extra.clone()),
            ..TimPresence::default()
        };
        match to {
            [] => {}
            [one] => {
                wire.to_tid = Some(Tid {
                    node: one.to_string(),
                    ..Tid::default()
                });
            }
            several => wire.to_list = Some(several.iter().map(ToString::to_string).collect()),
        }
        wire
    }
}

/// Somebody's presence, as the server told it. It is never kept: who was away when it was sent does not get it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresenceChange {
    /// Who.
    pub from: Node,
    /// On which device, when the server told.
    pub device: Option<Device>,
    /// The last device of that user has left. Only the server says so.
    pub offline: bool,
    /// Availability, defined by the application.
    pub show: Option<i16>,
    /// Free text.
    pub status: Option<String>,
    /// What is asked of this user.
    pub sub_status: Option<SubStatus>,
    /// Number that the sending device or the server gave it.
    pub id: Option<i64>,
    /// Text fields of the application.
    pub extend: BTreeMap<String, String>,
    /// Binary fields of the application.
    pub extra: BTreeMap<String, Bytes>,
}

impl PresenceChange {
    pub(crate) fn read(wire: TimPresence) -> Result<Self, &'static str> {
        let tid = wire.from_tid.ok_or("a presence without sender")?;
        let from = Node::new(&tid.node).map_err(|_| "a presence with a malformed sender")?;
        Ok(Self {
            from,
            device: Device::from_tid(tid),
            offline: wire.offline.unwrap_or(false),
            show: wire.show,
            status: wire.status,
            sub_status: wire.sub_status.map(SubStatus::from_number),
            id: wire.id.filter(|id| *id != 0),
            extend: wire.extend.unwrap_or_default(),
            extra: wire.extra.unwrap_or_default(),
        })
    }
}

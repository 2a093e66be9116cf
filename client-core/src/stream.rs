//! Virtual rooms: volatile channels to which one side publishes and others subscribe (`wire-protocol 7.12`).

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use tim_protocol::Node;
use tim_protocol::node::NodeError;

use crate::room::{RoomId, node_name};
use crate::session::Secret;

node_name! {
    /// The public address of a virtual room.
    VirtualRoomId
}

/// Who may subscribe to a virtual room. Without any restriction everybody may who knows its address. Servers that
/// do not know restrictions ignore them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct VirtualRoomAccess {
    /// Subscribers must give this password.
    pub password: Option<Secret>,
    /// Subscribers must be members of this room.
    pub room: Option<RoomId>,
}

impl VirtualRoomAccess {
    /// Everybody may subscribe who knows the address.
    #[must_use]
    pub fn open() -> Self {
        Self::default()
    }

    /// Subscribers must give this password, 1 byte to 256 bytes.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Secret::new(password));
        self
    }

    /// Subscribers must be members of that room, like the creator.
    #[must_use]
    pub fn with_members_of(mut self, room: &RoomId) -> Self {
        self.room = Some(room.clone());
        self
    }
}

/// How frames arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamMode {
    /// With publisher, kind and number.
    #[default]
    Structured,
    /// Only the bytes: fewest on the wire.
    Binary,
}

/// How to subscribe.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// How frames arrive. Default structured.
    pub mode: StreamMode,
    /// Password of the virtual room.
    pub password: Option<Secret>,
    /// Frames that may wait for the application; when more arrive the oldest are dropped and counted. Default 256.
    pub max_frames: usize,
    /// Bytes of frames that may wait. One frame always may. Default 8 MiB.
    pub max_bytes: usize,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self {
            mode: StreamMode::Structured,
            password: None,
            max_frames: 256,
            max_bytes: 8 << 20,
        }
    }
}

impl SubscribeOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only the bytes of the frames are wanted.
    #[must_use]
    pub fn binary(mut self) -> Self {
        self.mode = StreamMode::Binary;
        self
    }

    /// Gives the password of the virtual room.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Secret::new(password));
        self
    }

    /// Limits what may wait for the application.
    #[must_use]
    pub fn with_buffer(mut self, max_frames: usize, max_bytes: usize) -> Self {
        self.max_frames = max_frames;
        self.max_bytes = max_bytes;
        self
    }
}

/// A frame to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub(crate) body: Bytes,
    pub(crate) kind: Option<i8>,
    pub(crate) mode: StreamMode,
}

impl Publication {
    /// A structured frame.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            kind: None,
            mode: StreamMode::Structured,
        }
    }

    /// A frame with the fewest bytes on the wire. Subscribers of both modes get it.
    pub fn binary(body: impl Into<Bytes>) -> Self {
        Self {
            mode: StreamMode::Binary,
            ..Self::new(body)
        }
    }

    /// Sets the kind of content, defined by the application (`dtype`). The frame is structured then.
    #[must_use]
    pub fn with_kind(mut self, kind: i8) -> Self {
        self.kind = Some(kind);
        self.mode = StreamMode::Structured;
        self
    }
}

/// A frame that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// Who published it; not told in binary mode.
    pub from: Option<Node>,
    /// Kind of content, defined by the application.
    pub kind: Option<i8>,
    /// Number that the server gave it; not told in binary mode.
    pub id: Option<i64>,
    /// Content.
    pub body: Bytes,
}

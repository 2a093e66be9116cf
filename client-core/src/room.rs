//! Rooms as applications see them: how they are named, and their profile (`wire-protocol 7.10`, 7.15).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use tim_protocol::node::NodeError;
use tim_protocol::wire::TimRoomBean;
use tim_protocol::{Node, wire};

use crate::message::Timestamp;

/// Declares a name that is a node on the wire.
macro_rules! node_name {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Node);

        impl $name {
            /// From its text form, as another client or program passed it on.
            ///
            /// # Errors
            /// The text cannot be a node: empty, longer than 64 bytes, or other characters than visible ASCII
            /// without `|`.
            pub fn new(text: &str) -> Result<Self, NodeError> {
                Node::new(text).map(Self)
            }

            /// The text form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The same as a node.
            #[must_use]
            pub fn as_node(&self) -> &Node {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.as_str()).finish()
            }
        }

        impl From<Node> for $name {
            fn from(node: Node) -> Self {
                Self(node)
            }
        }

        impl From<$name> for Node {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl FromStr for $name {
            type Err = NodeError;

            fn from_str(text: &str) -> Result<Self, NodeError> {
                Self::new(text)
            }
        }
    };
}
pub(crate) use node_name;

node_name! {
    /// The public address of a room. Anybody who knows it can ask to join.
    RoomId
}

/// Who may join a room (`gtype`). It cannot be changed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RoomKind {
    /// Joining needs the approval of the founder or a manager.
    Private,
    /// Everybody may join.
    Open,
}

impl RoomKind {
    pub(crate) fn gtype(self) -> i8 {
        match self {
            Self::Private => 1,
            Self::Open => 2,
        }
    }

    pub(crate) fn from_gtype(gtype: i8) -> Self {
        if gtype == 1 { Self::Private } else { Self::Open }
    }
}

/// What is known about a room. Everybody may read it. Founder, kind of room and time cannot be changed.
///
/// For a change set what is to be replaced and leave the rest empty: `None` keeps the present value. Maps are
/// replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomProfile {
    /// Who created the room. Ignored in changes.
    pub founder: Option<Node>,
    /// The managers, without the founder. In a change: the complete new list, which only the founder may set.
    pub managers: Option<Vec<Node>>,
    /// Title.
    pub topic: Option<String>,
    /// Label, defined by the application.
    pub label: Option<String>,
    /// Address of the picture (`cover`).
    pub picture: Option<String>,
    /// Who may join. Ignored in changes.
    pub kind: Option<RoomKind>,
    /// Category, defined by the application (`kind` on the wire).
    pub category: Option<i64>,
    /// When the room was created. Ignored in changes.
    pub created: Option<Timestamp>,
    /// Text fields of the application.
    pub extend: Option<BTreeMap<String, String>>,
    /// Binary fields of the application.
    pub extra: Option<BTreeMap<String, Bytes>>,
}

impl RoomProfile {
    /// An empty profile, to be filled in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the title.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Sets the label.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the address of the picture.
    #[must_use]
    pub fn with_picture(mut self, picture: impl Into<String>) -> Self {
        self.picture = Some(picture.into());
        self
    }

    /// Sets the category.
    #[must_use]
    pub fn with_category(mut self, category: i64) -> Self {
        self.category = Some(category);
        self
    }

    /// Sets the complete list of managers.
    #[must_use]
    pub fn with_managers(mut self, managers: impl IntoIterator<Item = Node>) -> Self {
        self.managers = Some(managers.into_iter().collect());
        self
    }

    /// Adds a text field of the application. All fields that are to stay must be in the change.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extend
            .get_or_insert_default()
            .insert(name.into(), value.into());
        self
    }

    /// What cannot be read is left out: a hostile server must not make a list unreadable.
    pub(crate) fn from_wire(bean: wire::TimRoomBean) -> Self {
        let node = |text: String| Node::new(&text).ok();
        Self {
            founder: bean.founder.and_then(node),
            managers: bean
                .managers
                .map(|list| list.into_iter().filter_map(node).collect()),
            topic: bean.topic,
            label: bean.label,
            picture: bean.cover,
            kind: bean.gtype.map(RoomKind::from_gtype),
            category: bean.kind,
            created: bean.createtime.map(Timestamp::from_nanos),
            extend: bean.extend,
            extra: bean.extra,
        }
    }

    /// What a change may contain.
    pub(crate) fn change(&self) -> TimRoomBean {
        TimRoomBean {
            managers: self
                .managers
                .as_ref()
                .map(|list| list.iter().map(ToString::to_string).collect()),
            cover: self.picture.clone(),
            topic: self.topic.clone(),
            label: self.label.clone(),
            kind: self.category,
            extend: self.extend.clone(),
            extra: self.extra.clone(),
            ..TimRoomBean::default()
        }
    }
}

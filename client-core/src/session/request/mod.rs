//! What can be asked of a server, and what comes back. How it looks on the wire is the business of `encode`, which
//! answer belongs to it that of `answer`.

mod answer;
mod encode;

use std::collections::BTreeMap;

use tim_protocol::Node;
use tim_protocol::packet::PacketType;

use super::config::Secret;
use crate::error::RequestError;
use crate::message::{Conversation, Incoming, Mid, Timestamp};
use crate::presence::Presence;
use crate::room::{RoomId, RoomKind, RoomProfile};
use crate::stream::{StreamMode, VirtualRoomAccess, VirtualRoomId};
use crate::user::UserProfile;

pub(crate) use self::answer::Answer;

/// Largest page of history that is asked for.
const MAX_PAGE: u16 = 1000;

/// Largest greeting, request text, reason and topic, in bytes.
const MAX_TEXT: usize = 1 << 10;

/// Users or rooms in one request.
const MAX_LIST: usize = 1000;

/// Largest password of a virtual room, in bytes.
const MAX_STREAM_PASSWORD: usize = 256;

/// Where a page of history starts, going back in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryStart {
    /// At the newest message.
    #[default]
    Newest,
    /// At this message, included.
    At(Mid),
    /// At the newest message that was stored at or before that time.
    Time(Timestamp),
}

/// Something to ask of the server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// The friends.
    Friends,
    /// The blocked users.
    Blocked,
    /// Ask for friendship, or accept somebody's request.
    AddFriend {
        /// Whom.
        node: Node,
        /// Greeting, may be empty.
        text: String,
    },
    /// End a friendship, withdraw or decline a request, lift a block.
    RemoveFriend {
        /// Whom.
        node: Node,
    },
    /// Block a user.
    Block {
        /// Whom.
        node: Node,
    },
    /// Change the password.
    ChangePassword {
        /// The old one.
        old: Secret,
        /// The new one.
        new: Secret,
    },
    /// A page of the history of a conversation, newest first.
    History {
        /// Which conversation, not that of the administration.
        conversation: Conversation,
        /// Where to start.
        start: HistoryStart,
        /// At most so many messages, 1 to 1000. The server may send fewer.
        limit: u16,
    },
    /// Take an own message back.
    Recall {
        /// Where it is, not the conversation of the administration.
        conversation: Conversation,
        /// Number of the message.
        mid: Mid,
    },
    /// Destroy a received message.
    Burn {
        /// The author.
        peer: Node,
        /// Number of the message.
        mid: Mid,
    },
    /// The rooms of which this user is a member.
    Rooms,
    /// The rooms that this user blocks.
    BlockedRooms,
    /// Create a room. Its creator is founder and first member.
    CreateRoom {
        /// Who may join.
        kind: RoomKind,
        /// Title.
        topic: String,
    },
    /// Something about one room.
    Room {
        /// Which room.
        room: RoomId,
        /// What.
        operation: RoomOperation,
    },
    /// Profiles of users, 1 to 1000.
    Users(Vec<Node>),
    /// Profiles of rooms, 1 to 1000.
    RoomProfiles(Vec<RoomId>),
    /// Change the own profile.
    SetProfile(Box<UserProfile>),
    /// Tell all friends the own presence.
    SetPresence(Presence),
    /// Tell some users, 1 to 1000, the own presence. They need not be friends.
    SendPresence {
        /// Whom.
        to: Vec<Node>,
        /// What.
        presence: Presence,
    },
    /// Create a virtual room.
    CreateVirtualRoom(VirtualRoomAccess),
    /// Something about one virtual room.
    VirtualRoom {
        /// Which virtual room.
        room: VirtualRoomId,
        /// What.
        operation: VirtualRoomOperation,
    },
}

/// What can be done with a room (`wire-protocol 7.10`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RoomOperation {
    /// Become a member, or ask those who manage the room, with this text.
    Join(String),
    /// The members.
    Members,
    /// The users that the room blocks.
    BlockedMembers,
    /// Make that user a member, or approve their request.
    Pull(Node),
    /// Refuse a request to join.
    Reject {
        /// Whose.
        user: Node,
        /// Why, may be empty. Not every server passes it on.
        reason: String,
    },
    /// Remove a member, withdraw a request or lift the block of a user.
    Kick(Node),
    /// Remove a member for good: they cannot ask to join again.
    BlockMember(Node),
    /// Leave, withdraw the own request, or lift the own block of the room.
    Leave,
    /// Dissolve the room.
    Dissolve,
    /// Leave, and never be added again.
    Block,
    /// Change the profile.
    SetProfile(Box<RoomProfile>),
}

/// What can be done with a virtual room (`wire-protocol 7.12`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VirtualRoomOperation {
    /// End it.
    Remove,
    /// Let that user publish too.
    Grant(Node),
    /// Take that back.
    Revoke(Node),
    /// Receive what is published. Use [`Session::subscribe`](super::Session::subscribe), which keeps the frames.
    Subscribe {
        /// How frames arrive.
        mode: StreamMode,
        /// Password of the virtual room.
        password: Option<Secret>,
    },
    /// No longer receive it.
    Unsubscribe,
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// It was carried out.
    Done,
    /// [`Request::Friends`], [`Request::Blocked`], [`RoomOperation::Members`], [`RoomOperation::BlockedMembers`].
    Nodes(Vec<Node>),
    /// [`Request::AddFriend`].
    Added(Added),
    /// [`Request::History`], newest first. Empty: there is nothing at or before the start.
    History(Vec<Incoming>),
    /// [`Request::CreateRoom`].
    RoomCreated(RoomId),
    /// [`Request::Rooms`], [`Request::BlockedRooms`].
    Rooms(Vec<RoomId>),
    /// [`Request::Users`]: those that exist.
    Users(BTreeMap<Node, UserProfile>),
    /// [`Request::RoomProfiles`]: those that exist and are not dissolved.
    RoomProfiles(BTreeMap<RoomId, RoomProfile>),
    /// [`Request::CreateVirtualRoom`].
    VirtualRoomCreated(VirtualRoomId),
}

/// What asking for friendship led to, as far as the server told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Added {
    /// The request was accepted for delivery. When the other side had asked before, you are friends now, but this
    /// server did not say so.
    Requested,
    /// The other side had asked before: you are friends now.
    FriendsNow,
}

impl Request {
    pub(super) fn check(&self) -> Result<(), RequestError> {
        let invalid = |text| Err(RequestError::Invalid(text));
        let is_list = |length: usize| (1..=MAX_LIST).contains(&length);
        match self {
            Self::History {
                conversation: Conversation::System,
                ..
            } => invalid("messages of the administration are in no history"),
            Self::Recall {
                conversation: Conversation::System,
                ..
            } => invalid("messages of the administration cannot be recalled"),
            Self::History { limit, .. } if !(1..=MAX_PAGE).contains(limit) => {
                invalid("a page of history has 1 to 1000 messages")
            }
            Self::AddFriend { text, .. } if text.len() > MAX_TEXT => invalid("a greeting has at most 1 KiB"),
            Self::ChangePassword { new, .. } if new.expose().is_empty() => {
                invalid("the new password is empty")
            }
            Self::CreateRoom { topic, .. } if topic.len() > MAX_TEXT => invalid("a topic has at most 1 KiB"),
            Self::Room {
                operation: RoomOperation::Join(text) | RoomOperation::Reject { reason: text, .. },
                ..
            } if text.len() > MAX_TEXT => invalid("a request or reason has at most 1 KiB"),
            Self::Users(list) if !is_list(list.len()) => invalid("1 to 1000 users can be asked for"),
            Self::RoomProfiles(list) if !is_list(list.len()) => invalid("1 to 1000 rooms can be asked for"),
            Self::SendPresence { to, .. } if !is_list(to.len()) => {
                invalid("a presence goes to 1 to 1000 users")
            }
            Self::CreateVirtualRoom(VirtualRoomAccess {
                password: Some(password),
                ..
            })
            | Self::VirtualRoom {
                operation:
                    VirtualRoomOperation::Subscribe {
                        password: Some(password),
                        ..
                    },
                ..
            } if !(1..=MAX_STREAM_PASSWORD).contains(&password.expose().len()) => {
                invalid("the password of a virtual room has 1 to 256 bytes")
            }
            _ => Ok(()),
        }
    }

    /// Whether its size has no limit of its own.
    pub(super) fn may_be_large(&self) -> bool {
        matches!(
            self,
            Self::SetProfile(_)
                | Self::SetPresence(_)
                | Self::SendPresence { .. }
                | Self::Room {
                    operation: RoomOperation::SetProfile(_),
                    ..
                }
        )
    }

    fn packet_type(&self) -> PacketType {
        match self {
            Self::History { .. } => PacketType::PullMessage,
            Self::Recall { .. } => PacketType::RevokeMessage,
            Self::Burn { .. } => PacketType::BurnMessage,
            Self::Users(_)
            | Self::RoomProfiles(_)
            | Self::SetProfile(_)
            | Self::Room {
                operation: RoomOperation::SetProfile(_),
                ..
            } => PacketType::Nodes,
            Self::SetPresence(_) => PacketType::BroadPresence,
            Self::SendPresence { .. } => PacketType::Presence,
            Self::CreateVirtualRoom(_) | Self::VirtualRoom { .. } => PacketType::VRoom,
            _ => PacketType::Business,
        }
    }

    /// The number of the operation, where the packet type has several.
    fn rtype(&self) -> i32 {
        match self {
            Self::Friends => 1,
            Self::Rooms => 2,
            Self::AddFriend { .. } => 4,
            Self::RemoveFriend { .. } => 6,
            Self::Block { .. } => 7,
            Self::CreateRoom { .. } => 8,
            Self::Blocked => 18,
            Self::BlockedRooms => 19,
            Self::ChangePassword { .. } => 21,
            Self::Room { operation, .. } => operation.rtype(),
            Self::History { conversation, .. } => match conversation {
                Conversation::Room(_) => 2,
                _ => 1,
            },
            Self::Users(_) => 4,
            Self::RoomProfiles(_) => 5,
            Self::SetProfile(_) => 6,
            Self::CreateVirtualRoom(_) => 1,
            Self::VirtualRoom { operation, .. } => operation.rtype(),
            Self::Recall { .. } | Self::Burn { .. } | Self::SetPresence(_) | Self::SendPresence { .. } => 0,
        }
    }

    /// Carrying it out twice is the same as once, so it can be repeated after a lost connection.
    pub(super) fn is_repeatable(&self) -> bool {
        match self {
            Self::Friends
            | Self::Blocked
            | Self::History { .. }
            | Self::Rooms
            | Self::BlockedRooms
            | Self::Users(_)
            | Self::RoomProfiles(_)
            | Self::SetPresence(_)
            | Self::SendPresence { .. } => true,
            Self::Room { operation, .. } => {
                matches!(operation, RoomOperation::Members | RoomOperation::BlockedMembers)
            }
            Self::VirtualRoom { operation, .. } => {
                matches!(operation, VirtualRoomOperation::Subscribe { .. })
            }
            _ => false,
        }
    }

    /// What no answer at all means.
    pub(super) fn silence(&self) -> Option<Reply> {
        match self {
            Self::Friends | Self::Blocked => Some(Reply::Nodes(Vec::new())),
            Self::Rooms | Self::BlockedRooms => Some(Reply::Rooms(Vec::new())),
            Self::AddFriend { .. } => Some(Reply::Added(Added::Requested)),
            Self::History { .. } => Some(Reply::History(Vec::new())),
            Self::Users(_) => Some(Reply::Users(BTreeMap::new())),
            Self::RoomProfiles(_) => Some(Reply::RoomProfiles(BTreeMap::new())),
            Self::SetPresence(_) | Self::SendPresence { .. } => Some(Reply::Done),
            Self::Room { operation, .. } => match operation {
                RoomOperation::Members | RoomOperation::BlockedMembers => Some(Reply::Nodes(Vec::new())),
                RoomOperation::Join(_) => Some(Reply::Done),
                _ => None,
            },
            _ => None,
        }
    }
}

impl RoomOperation {
    fn rtype(&self) -> i32 {
        match self {
            Self::Members => 3,
            // Of packet type 42; the others are of packet type 41.
            Self::SetProfile(_) => 7,
            Self::Join(_) => 9,
            Self::Reject { .. } => 11,
            Self::Pull(_) => 12,
            Self::Kick(_) => 13,
            Self::Block => 14,
            Self::BlockMember(_) => 15,
            Self::Leave => 16,
            Self::Dissolve => 17,
            Self::BlockedMembers => 20,
        }
    }

    /// The user it is about.
    fn user(&self) -> Option<&Node> {
        match self {
            Self::Pull(user) | Self::Reject { user, .. } | Self::Kick(user) | Self::BlockMember(user) => {
                Some(user)
            }
            _ => None,
        }
    }
}

impl VirtualRoomOperation {
    fn rtype(&self) -> i32 {
        match self {
            Self::Remove => 2,
            Self::Grant(_) => 3,
            Self::Revoke(_) => 4,
            Self::Subscribe { .. } => 5,
            Self::Unsubscribe => 6,
        }
    }

    /// The user it is about.
    fn user(&self) -> Option<&Node> {
        match self {
            Self::Grant(user) | Self::Revoke(user) => Some(user),
            _ => None,
        }
    }
}

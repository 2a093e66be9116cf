//! Which answer belongs to which request. The protocol only tells the kind of operation and whom it is about.

use std::collections::BTreeMap;

use tim_protocol::Node;
use tim_protocol::wire::{TimAck, TimNodes};

use super::encode::address;
use super::{Added, Reply, Request, RoomOperation, VirtualRoomOperation};
use crate::error::{Refusal, RequestError};
use crate::message::{Conversation, Incoming, Mid, Removal};
use crate::room::{RoomId, RoomProfile};
use crate::stream::VirtualRoomId;
use crate::user::UserProfile;

/// What an answer looks like.
pub(crate) enum Answer<'a> {
    Success(&'a TimAck),
    Refusal(&'a TimAck),
    Nodes(&'a TimNodes),
    History(&'a [Incoming]),
    Recalled(&'a Removal),
    Burned(&'a Removal),
}

type Outcome = Result<Reply, RequestError>;

impl Request {
    /// The reply, when the answer fits this request.
    pub(in crate::session) fn reply(&self, answer: &Answer<'_>) -> Option<Outcome> {
        match answer {
            Answer::Refusal(ack) => self
                .is_refused_by(ack)
                .then(|| Err(RequestError::Refused(Refusal::from_ack(ack)))),
            Answer::Success(ack) => self.success(ack).map(Ok),
            Answer::Nodes(nodes) => self.list(nodes).map(Ok),
            Answer::History(page) => match self {
                Self::History { conversation, .. } => page
                    .first()
                    .is_none_or(|first| first.conversation == *conversation)
                    .then(|| Ok(Reply::History(page.to_vec()))),
                _ => None,
            },
            Answer::Recalled(removal) => match self {
                Self::Recall { conversation, mid } => done_by(removal, conversation, *mid),
                _ => None,
            },
            Answer::Burned(removal) => match self {
                Self::Burn { peer, mid } => done_by(removal, &peer.into(), *mid),
                _ => None,
            },
        }
    }

    fn is_refused_by(&self, ack: &TimAck) -> bool {
        if ack.tim_type != self.packet_type().as_i8() {
            return false;
        }
        match self {
            Self::Recall { conversation, mid } => {
                ack.t2.is_none_or(|t2| t2 == mid.get()) && names(ack.n.as_deref(), address(conversation))
            }
            Self::Burn { peer, mid } => {
                ack.t2.is_none_or(|t2| t2 == mid.get()) && names(ack.n.as_deref(), Some(peer.as_str()))
            }
            Self::VirtualRoom { room, operation } => {
                ack.t.is_none_or(|t| t == i64::from(self.rtype())) && is_about_stream(ack, room, operation)
            }
            _ => {
                let (n, n2) = self.subjects();
                ack.t.is_none_or(|t| t == i64::from(self.rtype()))
                    && names(ack.n.as_deref(), n)
                    && names(ack.n2.as_deref(), n2)
            }
        }
    }

    fn success(&self, ack: &TimAck) -> Option<Reply> {
        if ack.tim_type != self.packet_type().as_i8() {
            return None;
        }
        let is_operation = ack.t == Some(i64::from(self.rtype()));
        match self {
            Self::AddFriend { node, .. } if names(ack.n.as_deref(), Some(node.as_str())) => match ack.t {
                Some(4) => Some(Reply::Added(Added::Requested)),
                Some(5) => Some(Reply::Added(Added::FriendsNow)),
                _ => None,
            },
            Self::CreateRoom { .. } if is_operation => {
                let room = RoomId::new(ack.n.as_deref()?).ok()?;
                Some(Reply::RoomCreated(room))
            }
            Self::CreateVirtualRoom(_) if is_operation => {
                let room = VirtualRoomId::new(ack.n.as_deref()?).ok()?;
                Some(Reply::VirtualRoomCreated(room))
            }
            Self::VirtualRoom { room, operation } if is_operation => {
                is_about_stream(ack, room, operation).then_some(Reply::Done)
            }
            Self::Recall {
                conversation: Conversation::Room(room),
                mid,
            } => {
                let is_about = ack.t2 == Some(mid.get()) && names(ack.n.as_deref(), Some(room.as_str()));
                is_about.then_some(Reply::Done)
            }
            Self::RemoveFriend { .. }
            | Self::Block { .. }
            | Self::ChangePassword { .. }
            | Self::Room { .. }
            | Self::SetProfile(_)
                if is_operation =>
            {
                let (n, n2) = self.subjects();
                let is_about = names(ack.n.as_deref(), n) && names(ack.n2.as_deref(), n2);
                is_about.then_some(Reply::Done)
            }
            _ => None,
        }
    }

    /// Whom an answer names, in the first and in the second place.
    fn subjects(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::AddFriend { node, .. } | Self::RemoveFriend { node } | Self::Block { node } => {
                (Some(node.as_str()), None)
            }
            Self::Room { room, operation } => (Some(room.as_str()), operation.user().map(Node::as_str)),
            _ => (None, None),
        }
    }

    fn list(&self, answer: &TimNodes) -> Option<Reply> {
        let list = || answer.nodelist.as_deref().unwrap_or_default().iter();
        let nodes = || Reply::Nodes(list().filter_map(|node| Node::new(node).ok()).collect());
        let rooms = || Reply::Rooms(list().filter_map(|node| RoomId::new(node).ok()).collect());
        let is_about = |room: &RoomId| names(answer.node.as_deref(), Some(room.as_str()));
        match (self, answer.ntype) {
            (Self::Friends, 1) | (Self::Blocked, 8) => Some(nodes()),
            (Self::Rooms, 2) | (Self::BlockedRooms, 9) => Some(rooms()),
            (
                Self::Room {
                    room,
                    operation: RoomOperation::Members,
                },
                3,
            )
            | (
                Self::Room {
                    room,
                    operation: RoomOperation::BlockedMembers,
                },
                10,
            ) if is_about(room) => Some(nodes()),
            (Self::Users(asked), 4) => {
                let profiles: BTreeMap<Node, UserProfile> = answer
                    .usermap
                    .iter()
                    .flatten()
                    .filter_map(|(node, bean)| {
                        Some((Node::new(node).ok()?, UserProfile::from_wire(bean.clone())))
                    })
                    .collect();
                let is_about = profiles.keys().all(|node| asked.contains(node));
                is_about.then_some(Reply::Users(profiles))
            }
            (Self::RoomProfiles(asked), 5) => {
                let profiles: BTreeMap<RoomId, RoomProfile> = answer
                    .roommap
                    .iter()
                    .flatten()
                    .filter_map(|(room, bean)| {
                        Some((RoomId::new(room).ok()?, RoomProfile::from_wire(bean.clone())))
                    })
                    .collect();
                let is_about = profiles.keys().all(|room| asked.contains(room));
                is_about.then_some(Reply::RoomProfiles(profiles))
            }
            _ => None,
        }
    }
}

/// Whether an answer is about this one: what it leaves out fits everything.
fn names(told: Option<&str>, subject: Option<&str>) -> bool {
    told.is_none_or(|told| subject.is_none_or(|subject| subject == told))
}

/// Answers to grants may name the user in place of the virtual room.
fn is_about_stream(ack: &TimAck, room: &VirtualRoomId, operation: &VirtualRoomOperation) -> bool {
    ack.n
        .as_deref()
        .is_none_or(|n| n == room.as_str() || operation.user().is_some_and(|user| n == user.as_str()))
}

fn done_by(removal: &Removal, conversation: &Conversation, mid: Mid) -> Option<Outcome> {
    let is_it = removal.outgoing && removal.mid == mid && removal.conversation == *conversation;
    is_it.then_some(Ok(Reply::Done))
}

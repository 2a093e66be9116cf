//! The packets of requests (`wire-protocol 7`).

use std::collections::BTreeMap;

use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::{TimNodes, TimReq};
use tim_protocol::{Encoding, WireStruct};

use super::{HistoryStart, Request, RoomOperation, VirtualRoomOperation};
use crate::message::{Conversation, Mid, Outgoing};
use crate::stream::StreamMode;

const RECALL: i8 = 2;
const BURN: i8 = 3;

impl Request {
    /// The packet.
    pub(in crate::session) fn encode(&self, encoding: Encoding) -> Vec<u8> {
        match self {
            Self::Recall { conversation, mid } => {
                removal(conversation, *mid, PacketType::RevokeMessage, RECALL, encoding)
            }
            Self::Burn { peer, mid } => removal(&peer.into(), *mid, PacketType::BurnMessage, BURN, encoding),
            Self::SetPresence(presence) => self.packet(encoding, &presence.to_wire(&[])),
            Self::SendPresence { to, presence } => self.packet(encoding, &presence.to_wire(to)),
            Self::Users(_)
            | Self::RoomProfiles(_)
            | Self::SetProfile(_)
            | Self::Room {
                operation: RoomOperation::SetProfile(_),
                ..
            } => self.packet(encoding, &self.nodes()),
            _ => self.packet(encoding, &self.request()),
        }
    }

    fn packet<T: WireStruct>(&self, encoding: Encoding, value: &T) -> Vec<u8> {
        packet::client_packet(self.packet_type(), encoding, value)
    }

    /// Types 21, 22 and 41.
    fn request(&self) -> TimReq {
        let mut wire = TimReq {
            rtype: Some(self.rtype()),
            ..TimReq::default()
        };
        match self {
            Self::AddFriend { node, text } => {
                wire.node = Some(node.to_string());
                wire.req_str = Some(text.clone());
            }
            Self::RemoveFriend { node } | Self::Block { node } => wire.node = Some(node.to_string()),
            Self::ChangePassword { old, new } => {
                wire.req_str = Some(old.expose().to_owned());
                wire.req_str2 = Some(new.expose().to_owned());
            }
            Self::History {
                conversation,
                start,
                limit,
            } => {
                wire.node = address(conversation).map(str::to_owned);
                wire.req_int = Some(0);
                wire.req_int2 = Some(i64::from(*limit));
                match start {
                    HistoryStart::Newest => {}
                    HistoryStart::At(mid) => wire.req_int = Some(mid.get()),
                    HistoryStart::Time(time) => wire.node2 = Some(time.nanos().to_string()),
                }
            }
            Self::CreateRoom { kind, topic } => {
                wire.node = Some(topic.clone());
                wire.req_int = Some(i64::from(kind.gtype()));
            }
            Self::Room { room, operation } => {
                wire.node = Some(room.to_string());
                wire.node2 = operation.user().map(ToString::to_string);
                if let RoomOperation::Join(text) | RoomOperation::Reject { reason: text, .. } = operation {
                    wire.req_str = Some(text.clone());
                }
            }
            Self::CreateVirtualRoom(access) => {
                wire.node2 = access.room.as_ref().map(ToString::to_string);
                wire.req_str = access
                    .password
                    .as_ref()
                    .map(|password| password.expose().to_owned());
            }
            Self::VirtualRoom { room, operation } => {
                wire.node = Some(room.to_string());
                wire.node2 = operation.user().map(ToString::to_string);
                if let VirtualRoomOperation::Subscribe { mode, password } = operation {
                    wire.req_int = (*mode == StreamMode::Binary).then_some(1);
                    wire.req_str = password.as_ref().map(|password| password.expose().to_owned());
                }
            }
            _ => {}
        }
        wire
    }

    /// Type 42.
    fn nodes(&self) -> TimNodes {
        let mut wire = TimNodes {
            ntype: self.rtype(),
            ..TimNodes::default()
        };
        match self {
            Self::Users(users) => wire.nodelist = Some(users.iter().map(ToString::to_string).collect()),
            Self::RoomProfiles(rooms) => {
                wire.nodelist = Some(rooms.iter().map(ToString::to_string).collect());
            }
            Self::SetProfile(profile) => {
                wire.usermap = Some(BTreeMap::from([(String::new(), profile.change())]));
            }
            Self::Room {
                room,
                operation: RoomOperation::SetProfile(profile),
            } => wire.roommap = Some(BTreeMap::from([(room.to_string(), profile.change())])),
            _ => {}
        }
        wire
    }
}

pub(super) fn address(conversation: &Conversation) -> Option<&str> {
    match conversation {
        Conversation::Peer(peer) => Some(peer.as_str()),
        Conversation::Room(room) => Some(room.as_str()),
        Conversation::System => None,
    }
}

fn removal(
    conversation: &Conversation,
    mid: Mid,
    packet_type: PacketType,
    od_type: i8,
    encoding: Encoding,
) -> Vec<u8> {
    let mut wire = Outgoing::application(od_type).into_wire(conversation, None);
    wire.mid = Some(mid.get());
    packet::client_packet(packet_type, encoding, &wire)
}

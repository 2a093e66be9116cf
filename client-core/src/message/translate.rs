//! What a message of the server means (`wire-protocol 7.6`, 8.1), and how to recognise its repeats.

use tim_protocol::Node;
use tim_protocol::wire::{Tid, TimMessage};

use super::{Conversation, Device, Incoming, MessageKind, Mid, Notice, NoticeKind, Removal, Timestamp};
use crate::room::RoomId;
use crate::session::Identity;

pub(super) const SYSTEM: i8 = 1;
pub(super) const USER: i8 = 2;
pub(super) const CHAT: i8 = 1;
pub(super) const RECALL: i8 = 2;
pub(super) const BURN: i8 = 3;
pub(super) const BUSINESS: i8 = 4;
pub(super) const ROOM: i8 = 3;

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
    let room = wire
        .room_tid
        .as_ref()
        .filter(|tid| !tid.node.is_empty())
        .map(|tid| node(tid).map(RoomId::from))
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
            9 => NoticeKind::JoinRequest,
            10 => NoticeKind::RoomJoined,
            11 => NoticeKind::JoinRefused,
            12 => NoticeKind::RoomAdded,
            13 => NoticeKind::RoomRemoved,
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
            room,
            text: wire.data_string,
            timestamp,
            offline,
        };
        return Ok((Content::Notice(notice), identity));
    }

    let outgoing = from.as_ref() == Some(own);
    let mut inside = None;
    let conversation = match (wire.ms_type, &from) {
        (SYSTEM, _) => Conversation::System,
        (ROOM, Some(_)) => Conversation::Room(room.ok_or("a room message without room")?),
        (USER, Some(from)) if !outgoing => {
            inside = room;
            Conversation::Peer(from.clone())
        }
        (USER, Some(_)) => {
            inside = room;
            let to = wire.to_tid.as_ref().ok_or("an own message without recipient")?;
            Conversation::Peer(node(to)?)
        }
        (USER | ROOM, None) => return Err("a message without sender"),
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
    let device = wire.from_tid.and_then(Device::from_tid);
    let message = Incoming {
        conversation,
        from,
        inside,
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

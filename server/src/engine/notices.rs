//! Business notices: what the server tells an account about a change somebody else made
//! (wire-protocol 7.8, 7.10, 8.1). They wait in the account's own inbox.

use std::sync::Arc;

use tim_protocol::wire::{Tid, TimMessage};
use tim_protocol::{Encoding, WireStruct};

use super::Engine;
use super::parcel::Parcel;
use crate::store::{AccountId, InboxItem, RoomId, Seq};

/// What an account is told.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    /// Who is told.
    pub owner: AccountId,
    /// `bnType`.
    pub code: i32,
    /// Who made the change, if that is told. Then the packet is addressed too.
    pub from: Option<Tid>,
    /// The room that it concerns.
    pub room: Option<RoomId>,
    /// What the other wrote.
    pub text: Option<String>,
}

/// A notice with its number and time, to be stored and then delivered.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    owner: AccountId,
    message: TimMessage,
}

impl Prepared {
    /// The notice as it waits in the inbox: with its id, the sender reduced to the node.
    pub(super) fn stored(&self) -> InboxItem {
        let mut stored = self.message.clone();
        stored.from_tid = stored.from_tid.map(|tid| Tid {
            node: tid.node,
            ..Tid::default()
        });
        InboxItem::Packet {
            owner: self.owner.clone(),
            body: stored.encode(Encoding::Compact).into(),
        }
    }
}

impl Engine {
    /// Gives a notice its number and time.
    pub(super) fn prepare(&self, notice: Notice) -> Prepared {
        let to_tid = notice.from.is_some().then(|| node(notice.owner.as_str()));
        let message = TimMessage {
            ms_type: 2,
            od_type: 4,
            bn_type: Some(notice.code),
            id: Some(self.entropy.packet_id()),
            timestamp: Some(self.clock.now().0),
            from_tid: notice.from,
            to_tid,
            room_tid: notice.room.map(|room| node(room.as_str())),
            data_string: notice.text,
            ..TimMessage::default()
        };
        Prepared {
            owner: notice.owner,
            message,
        }
    }

    /// Hands stored notices to the sessions of their owners. `seqs` are their inbox numbers.
    pub(super) fn deliver_notices(&self, notices: Vec<Prepared>, seqs: &[Seq]) {
        for (Prepared { owner, message }, seq) in notices.into_iter().zip(seqs) {
            self.deliver_entry(&owner, *seq, &Arc::new(Parcel::message(message)));
        }
    }
}

fn node(node: &str) -> Tid {
    Tid {
        node: node.to_owned(),
        ..Tid::default()
    }
}

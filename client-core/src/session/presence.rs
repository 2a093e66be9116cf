//! The own presence: what was set last, when it has to be told again, and who asked for it. It is told again after a
//! reconnect and when the server tells others that this user has left (`wire-protocol 8.2`).

use std::collections::BTreeSet;

use bytes::Bytes;
use tim_protocol::packet::{self, PacketType};
use tim_protocol::{Encoding, Node};

use crate::presence::{Presence, SubStatus};

/// Users whose question can wait for an answer. Further ones get none; they may ask again.
const MAX_ASKED: usize = 1024;

#[derive(Debug)]
pub(super) struct OwnPresence {
    current: Option<Presence>,
    /// It has to be told again.
    is_due: bool,
    /// Answering is switched on.
    answers: bool,
    asked: BTreeSet<Node>,
}

impl OwnPresence {
    pub(super) fn new(answers: bool) -> Self {
        Self {
            current: None,
            is_due: false,
            answers,
            asked: BTreeSet::new(),
        }
    }

    /// The server has taken it.
    pub(super) fn remember(&mut self, presence: Presence) {
        self.current = Some(presence);
    }

    /// Others may no longer know it.
    pub(super) fn tell_again(&mut self) {
        self.is_due = self.current.is_some();
    }

    /// Somebody asked for it.
    pub(super) fn asked_by(&mut self, user: &Node) {
        if self.answers && self.current.is_some() && self.asked.len() < MAX_ASKED {
            self.asked.insert(user.clone());
        }
    }

    pub(super) fn connection_lost(&mut self) {
        self.is_due = false;
        self.asked.clear();
    }

    pub(super) fn has_next(&self) -> bool {
        self.is_due || !self.asked.is_empty()
    }

    /// The next packet to be written.
    pub(super) fn next(&mut self, encoding: Encoding) -> Option<Bytes> {
        if !self.has_next() {
            return None;
        }
        let current = self.current.as_ref()?;
        let (packet_type, wire) = if std::mem::take(&mut self.is_due) {
            (PacketType::BroadPresence, current.to_wire(&[]))
        } else {
            let user = self.asked.pop_first()?;
            let answer = current.clone().with_sub_status(SubStatus::Answer);
            (PacketType::Presence, answer.to_wire(&[user]))
        };
        Some(packet::client_packet(packet_type, encoding, &wire).into())
    }
}

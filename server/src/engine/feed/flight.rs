//! Synchronous packets that are on their way to one device, and those that were given up. Every try
//! has a send id of its own, and an acknowledgement of any of them counts.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tim_protocol::packet::PacketType;
use tokio::time::Instant;

use super::Source;
use crate::store::{RoomId, Seq};

/// Given-up packets that are remembered.
const GIVEN_UP: usize = 512;

/// Entries of one log that travel in one packet.
#[derive(Debug)]
pub(super) enum Seqs {
    One(Seq),
    Many(Vec<Seq>),
}

impl Seqs {
    pub(super) fn as_slice(&self) -> &[Seq] {
        match self {
            Self::One(seq) => std::slice::from_ref(seq),
            Self::Many(seqs) => seqs,
        }
    }
}

/// The send ids of one packet, one for every time it was sent.
#[derive(Debug)]
struct SendIds {
    last: i32,
    earlier: Vec<i32>,
}

impl SendIds {
    fn contains(&self, send_id: i32) -> bool {
        self.last == send_id || self.earlier.contains(&send_id)
    }

    fn add(&mut self, send_id: i32) {
        self.earlier.push(std::mem::replace(&mut self.last, send_id));
    }

    fn count(&self) -> usize {
        1 + self.earlier.len()
    }
}

#[derive(Debug)]
struct InFlight {
    send_ids: SendIds,
    kind: PacketType,
    payload: Bytes,
    source: Source,
    seqs: Seqs,
    sent: Instant,
}

#[derive(Debug)]
struct GivenUp {
    send_ids: SendIds,
    source: Source,
    seqs: Seqs,
    is_list: bool,
}

/// What an acknowledgement was for.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) source: Source,
    pub(super) seqs: Seqs,
    /// It was an offline list that had been given up before.
    pub(super) is_late_list: bool,
}

/// What became of the oldest packet after its time was over.
#[derive(Debug)]
pub(super) enum Overdue {
    /// It has to be written again.
    Again {
        kind: PacketType,
        send_id: i32,
        payload: Bytes,
    },
    /// It was given up.
    GivenUp {
        source: Source,
        first: Seq,
        is_list: bool,
    },
}

/// The packets, oldest first.
#[derive(Debug, Default)]
pub(super) struct Flight {
    packets: VecDeque<InFlight>,
    given_up: VecDeque<GivenUp>,
    bytes: usize,
    last_send_id: i32,
}

impl Flight {
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Payload bytes on their way.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a packet on and answers its send id.
    pub(super) fn add(
        &mut self,
        kind: PacketType,
        payload: Bytes,
        source: Source,
        seqs: Seqs,
        now: Instant,
    ) -> i32 {
        let send_id = self.next_send_id();
        self.bytes += payload.len();
        self.packets.push_back(InFlight {
            send_ids: SendIds {
                last: send_id,
                earlier: Vec::new(),
            },
            kind,
            payload,
            source,
            seqs,
            sent: now,
        });
        send_id
    }

    fn next_send_id(&mut self) -> i32 {
        self.last_send_id = self.last_send_id.wrapping_add(1);
        self.last_send_id
    }

    /// Removes the packet with this send id. `None`: there is none.
    pub(super) fn acknowledge(&mut self, send_id: i32) -> Option<Acknowledged> {
        let has_id = |ids: &SendIds| ids.contains(send_id);
        if let Some(at) = self.packets.iter().position(|packet| has_id(&packet.send_ids)) {
            let packet = self.packets.remove(at)?;
            self.bytes -= packet.payload.len();
            if self.packets.is_empty() && self.packets.capacity() > 32 {
                self.packets = VecDeque::new();
            }
            return Some(Acknowledged {
                source: packet.source,
                seqs: packet.seqs,
                is_late_list: false,
            });
        }
        let at = self.given_up.iter().position(|packet| has_id(&packet.send_ids))?;
        let packet = self.given_up.remove(at)?;
        Some(Acknowledged {
            source: packet.source,
            seqs: packet.seqs,
            is_late_list: packet.is_list,
        })
    }

    /// Whether an entry is on its way.
    pub(super) fn carries(&self, source: &Source, seq: Seq) -> bool {
        self.packets
            .iter()
            .any(|packet| packet.source == *source && packet.seqs.as_slice().contains(&seq))
    }

    /// Whether an offline list is on its way.
    pub(super) fn has_lists(&self) -> bool {
        self.packets
            .iter()
            .any(|packet| packet.kind == PacketType::OfflineMsg)
    }

    /// When the oldest packet is overdue. It does not count before `writable`, while packets
    /// wait for the socket.
    pub(super) fn deadline(&self, writable: Instant, timeout: Duration) -> Option<Instant> {
        let oldest = self.packets.front()?;
        Some(oldest.sent.max(writable) + timeout)
    }

    /// Deals with the oldest packet if it is overdue: it is repeated `attempts` times in all, then
    /// given up.
    pub(super) fn take_overdue(
        &mut self,
        now: Instant,
        writable: Instant,
        timeout: Duration,
        attempts: u8,
    ) -> Option<Overdue> {
        if now < self.deadline(writable, timeout)? {
            return None;
        }
        let mut packet = self.packets.pop_front()?;
        if packet.send_ids.count() < usize::from(attempts) {
            let send_id = self.next_send_id();
            packet.send_ids.add(send_id);
            packet.sent = now;
            let again = Overdue::Again {
                kind: packet.kind,
                send_id,
                payload: packet.payload.clone(),
            };
            self.packets.push_back(packet);
            return Some(again);
        }
        self.bytes -= packet.payload.len();
        if self.given_up.len() >= GIVEN_UP {
            self.given_up.pop_front();
        }
        let is_list = packet.kind == PacketType::OfflineMsg;
        let source = packet.source.clone();
        let first = packet.seqs.as_slice().first().copied().unwrap_or_default();
        self.given_up.push_back(GivenUp {
            send_ids: packet.send_ids,
            source: packet.source,
            seqs: packet.seqs,
            is_list,
        });
        Some(Overdue::GivenUp {
            source,
            first,
            is_list,
        })
    }

    /// Forgets everything that comes from a room.
    pub(super) fn forget(&mut self, room: &RoomId) {
        let is_of_room = |source: &Source| matches!(source, Source::Room(of) if of == room);
        self.packets.retain(|packet| !is_of_room(&packet.source));
        self.bytes = self.packets.iter().map(|packet| packet.payload.len()).sum();
        self.given_up.retain(|packet| !is_of_room(&packet.source));
    }
}

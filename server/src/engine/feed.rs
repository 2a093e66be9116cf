//! One session's reader of its account's inbox: a state machine without I/O and without a clock.
//!
//! The inbox is the truth; a push is a short cut. The feed knows the next number to send, sends a
//! push with exactly that number on, and reads the store from its own position whenever something
//! was missed. It never holds more than its window. `ARCHITECTURE.md`, "Inboxes, devices,
//! delivery", explains the idea; wire-protocol 4 and 7.14 what a client sees.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::{TimMessage, TimMessageList};
use tim_protocol::{Encoding, WireStruct};
use tokio::time::Instant;

use super::cursor::Cursor;
use super::parcel::Parcel;
use super::settings::DeliverySettings;
use crate::store::{InboxCopy, Seq};

/// What the feed wants to read from the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// Entries with a number above this one.
    pub after: Seq,
    /// At most so many.
    pub limit: usize,
    /// At most so many bytes of bodies, after the first entry.
    pub max_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A backlog waits for the client to ask, at most until the given time (`None`: for ever).
    Held(Option<Instant>),
    /// Entries go out as ordinary deliveries.
    Live,
    /// The client asked for its offline queue.
    Offline,
}

#[derive(Debug)]
enum Seqs {
    One(Seq),
    Many(Vec<Seq>),
}

impl Seqs {
    fn as_slice(&self) -> &[Seq] {
        match self {
            Self::One(seq) => std::slice::from_ref(seq),
            Self::Many(seqs) => seqs,
        }
    }
}

/// The send ids of one packet, one for every time it was sent. An ack of any of them counts.
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
    seqs: Seqs,
    sent: Instant,
}

/// A packet that was given up. A late ack of it still counts.
#[derive(Debug)]
struct GivenUp {
    send_ids: SendIds,
    seqs: Seqs,
    is_list: bool,
}

/// Given-up packets that are remembered.
const GIVEN_UP: usize = 512;

/// How far sending may run ahead of the oldest entry that is not acknowledged.
const SPREAD: i64 = 4_096;

/// The reader. All methods are synchronous; packets come out through [`Feed::next_packet`].
#[derive(Debug)]
pub struct Feed {
    encoding: Encoding,
    mode: Mode,
    /// Next number to be sent.
    next: Seq,
    /// Newest number known to exist.
    newest: Seq,
    reading: bool,
    /// Where the running read starts, and how far the inbox had come when it was requested.
    read_start: Seq,
    read_horizon: Seq,
    last_send_id: i32,
    /// The device's position when it was last looked at.
    floor: Seq,
    /// Acks are awaited from this time on at the earliest: before, packets waited for the socket.
    writable: Instant,
    given_up: VecDeque<GivenUp>,
    flight: VecDeque<InFlight>,
    bytes_in_flight: usize,
    out: VecDeque<Bytes>,
}

impl Feed {
    /// A feed for a device that has acknowledged everything up to `position`.
    #[must_use]
    pub fn new(
        encoding: Encoding,
        position: Seq,
        head: Seq,
        now: Instant,
        settings: &DeliverySettings,
    ) -> Self {
        let mode = if head > position {
            Mode::Held(Some(now + settings.backlog_grace))
        } else {
            Mode::Live
        };
        Self {
            encoding,
            mode,
            next: position.next(),
            newest: head,
            reading: false,
            read_start: position.next(),
            read_horizon: head,
            last_send_id: 0,
            floor: position,
            writable: now,
            given_up: VecDeque::new(),
            flight: VecDeque::new(),
            bytes_in_flight: 0,
            out: VecDeque::new(),
        }
    }

    /// Learns that the inbox has grown up to `newest`.
    pub fn grown(&mut self, newest: Seq) {
        self.newest = self.newest.max(newest);
    }

    /// A fresh entry was pushed. It is sent on when it is the next one and the window has room;
    /// otherwise it will be read back.
    pub fn pushed(&mut self, seq: Seq, parcel: &Arc<Parcel>, now: Instant, settings: &DeliverySettings) {
        self.grown(seq);
        if self.mode == Mode::Live && seq == self.next && self.has_room(settings) {
            self.next = seq.next();
            self.send(parcel.kind(), parcel.payload(self.encoding), Seqs::One(seq), now);
        }
    }

    /// This session sent a message that also has a number in the own inbox, and is being shown its
    /// echo, which is not synchronous. That counts as its acknowledgement: a session whose echo
    /// is lost repeats the message.
    pub fn echoed(&mut self, seq: Seq, cursor: &mut Cursor) {
        self.grown(seq);
        if self.mode == Mode::Live && seq == self.next {
            self.next = seq.next();
        }
        cursor.acknowledge(seq);
        self.floor = cursor.position();
    }

    /// The client asks for its offline queue.
    pub fn request_offline(&mut self, cursor: &Cursor) {
        match self.mode {
            Mode::Offline => {}
            Mode::Held(_) | Mode::Live => {
                self.mode = Mode::Offline;
                // What was sent and never acknowledged is offered again.
                self.next = cursor.position().next();
                self.finish_offline_when_done();
            }
        }
    }

    /// What to read now. The caller reads and calls [`Feed::read`] or [`Feed::read_failed`].
    /// `position` tells the device's position; it is only called when sending has run too far ahead.
    pub fn wants_read(
        &mut self,
        settings: &DeliverySettings,
        position: impl FnOnce() -> Seq,
    ) -> Option<ReadRequest> {
        if self.reading || self.next > self.newest {
            return None;
        }
        if self.next.0 - self.floor.0 > SPREAD {
            self.floor = position();
        }
        let (limit, max_bytes) = match self.mode {
            Mode::Held(_) => return None,
            Mode::Live => {
                let room = settings.window.saturating_sub(self.flight.len());
                (
                    room.min(64),
                    settings.window_bytes.saturating_sub(self.bytes_in_flight),
                )
            }
            Mode::Offline => {
                let lists = settings.offline_window.saturating_sub(self.flight.len());
                (
                    lists * settings.offline_batch,
                    lists * settings.offline_batch_bytes,
                )
            }
        };
        if limit == 0 || !self.has_room(settings) {
            return None;
        }
        self.reading = true;
        self.read_start = self.next;
        self.read_horizon = self.newest;
        Some(ReadRequest {
            after: Seq(self.next.0 - 1),
            limit,
            max_bytes: max_bytes.max(1),
        })
    }

    /// Entries that were read. Those without a body (recalled) and those that another session of
    /// the device acknowledged are passed over. When the client asked for its offline queue
    /// meanwhile, the entries are ignored and read again from where that starts.
    pub fn read(
        &mut self,
        entries: Vec<InboxCopy>,
        cursor: &mut Cursor,
        now: Instant,
        settings: &DeliverySettings,
    ) {
        self.reading = false;
        self.floor = cursor.position();
        if self.next != self.read_start || matches!(self.mode, Mode::Held(_)) {
            return;
        }
        if entries.is_empty() {
            // Everything up to the horizon was deleted: all devices had passed it.
            self.next = self.next.max(self.read_horizon.next());
        }
        let mut list = OfflineList::new(settings);
        for entry in entries {
            if entry.seq < self.next {
                continue;
            }
            self.next = entry.seq.next();
            if cursor.is_acknowledged(entry.seq) || self.is_in_flight(entry.seq) {
                continue;
            }
            let Some(mut message) = entry.body.as_deref().and_then(decode_stored) else {
                cursor.acknowledge(entry.seq);
                continue;
            };
            if let Some(mid) = entry.mid {
                message.mid = Some(mid.0);
            }
            if self.mode == Mode::Offline {
                message.is_offline = Some(true);
                if let Some(full) = list.add(entry.seq, message, self.encoding) {
                    self.send_list(full, now);
                }
            } else {
                let payload = Bytes::from(message.encode(self.encoding));
                self.send(PacketType::Message, payload, Seqs::One(entry.seq), now);
            }
        }
        if let Some(rest) = list.finish() {
            self.send_list(rest, now);
        }
        self.finish_offline_when_done();
    }

    /// The store could not be read; the next poll tries again.
    pub fn read_failed(&mut self) {
        self.reading = false;
    }

    /// The client acknowledged a send id, in time or late. Unknown ids change nothing.
    pub fn acknowledged(&mut self, send_id: i32, cursor: &mut Cursor) {
        let seqs = if let Some(at) = self
            .flight
            .iter()
            .position(|packet| packet.send_ids.contains(send_id))
        {
            let Some(packet) = self.flight.remove(at) else {
                return;
            };
            self.bytes_in_flight -= packet.payload.len();
            packet.seqs
        } else if let Some(at) = self
            .given_up
            .iter()
            .position(|packet| packet.send_ids.contains(send_id))
        {
            let Some(packet) = self.given_up.remove(at) else {
                return;
            };
            if packet.is_list && self.mode == Mode::Held(None) {
                // The client is back: go on where it was given up.
                self.mode = Mode::Offline;
            }
            packet.seqs
        } else {
            return;
        };
        for seq in seqs.as_slice() {
            cursor.acknowledge(*seq);
        }
        self.floor = cursor.position();
        self.finish_offline_when_done();
        if self.flight.is_empty() && self.flight.capacity() > 32 {
            self.flight = VecDeque::new();
        }
    }

    /// Packets wait for the socket: acks cannot be expected yet.
    pub fn blocked(&mut self, now: Instant) {
        self.writable = now;
    }

    /// Time has passed: repeats what was not acknowledged. After the last attempt a packet stays in
    /// the inbox for the next offline request, and newer ones go on. An offline queue stops; it
    /// goes on when it is asked for again or a late ack shows that the client is back. A client
    /// that does not ask for its backlog gets it.
    pub fn tick(&mut self, now: Instant, settings: &DeliverySettings) {
        if let Mode::Held(Some(until)) = self.mode
            && now >= until
        {
            self.mode = Mode::Live;
        }
        while let Some(packet) = self.flight.front()
            && now.saturating_duration_since(packet.sent.max(self.writable)) >= settings.ack_timeout
        {
            let Some(mut packet) = self.flight.pop_front() else {
                return;
            };
            if packet.send_ids.count() < usize::from(settings.attempts) {
                self.last_send_id = self.last_send_id.wrapping_add(1);
                packet.send_ids.add(self.last_send_id);
                packet.sent = now;
                let again = packet::synchronous_packet(packet.kind, self.last_send_id, &packet.payload);
                self.out.push_back(again);
                self.flight.push_back(packet);
            } else {
                self.give_up(packet);
            }
        }
    }

    fn give_up(&mut self, packet: InFlight) {
        self.bytes_in_flight -= packet.payload.len();
        let InFlight {
            send_ids, kind, seqs, ..
        } = packet;
        if self.given_up.len() >= GIVEN_UP {
            self.given_up.pop_front();
        }
        let is_list = kind == PacketType::OfflineMsg;
        self.given_up.push_back(GivenUp {
            send_ids,
            seqs,
            is_list,
        });
        if is_list {
            // A client that does not take its offline queue asks again when it wants it (7.14).
            self.mode = Mode::Held(None);
            self.next = self.floor.next();
        }
    }

    /// When [`Feed::tick`] has something to do, if ever.
    #[must_use]
    pub fn deadline(&self, settings: &DeliverySettings) -> Option<Instant> {
        let repeat = self
            .flight
            .front()
            .map(|packet| packet.sent.max(self.writable) + settings.ack_timeout);
        match self.mode {
            Mode::Held(Some(until)) => Some(repeat.map_or(until, |repeat| repeat.min(until))),
            _ => repeat,
        }
    }

    /// The next packet to be written.
    pub fn next_packet(&mut self) -> Option<Bytes> {
        let packet = self.out.pop_front();
        if packet.is_none() && self.out.capacity() > 32 {
            self.out = VecDeque::new();
        }
        packet
    }

    fn has_room(&self, settings: &DeliverySettings) -> bool {
        let has_window = self.flight.is_empty()
            || self.flight.len() < settings.window && self.bytes_in_flight < settings.window_bytes;
        has_window && self.next.0 - self.floor.0 <= SPREAD
    }

    fn is_in_flight(&self, seq: Seq) -> bool {
        self.flight
            .iter()
            .any(|packet| packet.seqs.as_slice().contains(&seq))
    }

    fn send(&mut self, kind: PacketType, payload: Bytes, seqs: Seqs, now: Instant) {
        self.last_send_id = self.last_send_id.wrapping_add(1);
        let send_ids = SendIds {
            last: self.last_send_id,
            earlier: Vec::new(),
        };
        self.out
            .push_back(packet::synchronous_packet(kind, self.last_send_id, &payload));
        self.bytes_in_flight += payload.len();
        self.flight.push_back(InFlight {
            send_ids,
            kind,
            payload,
            seqs,
            sent: now,
        });
    }

    fn send_list(&mut self, list: (Vec<Seq>, Vec<TimMessage>), now: Instant) {
        let (seqs, messages) = list;
        let id = seqs.first().map(|seq| seq.0);
        let payload = TimMessageList {
            id,
            message_list: Some(messages),
        }
        .encode(self.encoding);
        self.send(
            PacketType::OfflineMsg,
            Bytes::from(payload),
            Seqs::Many(seqs),
            now,
        );
    }

    fn finish_offline_when_done(&mut self) {
        let lists_under_way = || {
            self.flight
                .iter()
                .any(|packet| packet.kind == PacketType::OfflineMsg)
        };
        if self.mode == Mode::Offline && !self.reading && self.next > self.newest && !lists_under_way() {
            self.mode = Mode::Live;
            self.out.push_back(packet::offline_end());
        }
    }
}

fn decode_stored(body: &[u8]) -> Option<TimMessage> {
    TimMessage::decode(body, Encoding::Compact)
        .inspect_err(|error| tracing::error!(%error, "a stored message cannot be decoded"))
        .ok()
}

/// Collects messages of an offline queue into lists within the limits of wire-protocol 7.14.
struct OfflineList<'a> {
    settings: &'a DeliverySettings,
    seqs: Vec<Seq>,
    messages: Vec<TimMessage>,
    bytes: usize,
}

impl<'a> OfflineList<'a> {
    fn new(settings: &'a DeliverySettings) -> Self {
        Self {
            settings,
            seqs: Vec::new(),
            messages: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds a message; answers the list before it when that was full.
    fn add(
        &mut self,
        seq: Seq,
        message: TimMessage,
        encoding: Encoding,
    ) -> Option<(Vec<Seq>, Vec<TimMessage>)> {
        // 32 bytes are ample for the frame of the list around its messages.
        let size = message.encode(encoding).len() + 1;
        let is_full = self.messages.len() >= self.settings.offline_batch
            || !self.messages.is_empty() && self.bytes + size + 32 > self.settings.offline_batch_bytes;
        let full = if is_full { self.finish() } else { None };
        self.bytes += size;
        self.seqs.push(seq);
        self.messages.push(message);
        full
    }

    fn finish(&mut self) -> Option<(Vec<Seq>, Vec<TimMessage>)> {
        self.bytes = 0;
        let list = (std::mem::take(&mut self.seqs), std::mem::take(&mut self.messages));
        (!list.0.is_empty()).then_some(list)
    }
}

#[cfg(test)]
mod tests;

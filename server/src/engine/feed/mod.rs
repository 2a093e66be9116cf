//! One session's reader of the logs its device follows: the inbox of its account and the logs of its
//! rooms. A state machine without I/O and without a clock.
//!
//! The logs are the truth; a push is a short cut. The feed knows the next number to send of each log,
//! sends a push with exactly that number on, and reads the store from its own position whenever
//! something was missed. It never holds more than its window. `ARCHITECTURE.md`, "Inboxes, devices,
//! delivery", explains the idea; wire-protocol 4 and 7.14 what a client sees.

mod flight;
mod offline_list;
#[cfg(test)]
mod tests;
mod track;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::{TimMessage, TimMessageList};
use tim_protocol::{Encoding, WireStruct};
use tokio::time::Instant;

use super::cursor::Cursors;
use super::parcel::Parcel;
use super::settings::DeliverySettings;
use crate::store::{ConversationId, InboxCopy, RoomId, RoomPosition, Seq};
use flight::{Flight, Overdue, Seqs};
use offline_list::OfflineList;
pub use track::Source;
use track::{Track, Tracks, Until};

/// What the feed wants to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// The conversation of the room whose log is to be read; `None` for the inbox.
    pub log: Option<ConversationId>,
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

/// A read that is under way: where it starts, and how far its log had come when it was requested.
#[derive(Debug)]
struct Reading {
    source: Source,
    start: Seq,
    horizon: Seq,
}

/// The reader. All methods are synchronous; packets come out through [`Feed::next_packet`].
#[derive(Debug)]
pub struct Feed {
    encoding: Encoding,
    mode: Mode,
    tracks: Tracks,
    reading: Option<Reading>,
    /// Acks are awaited from this time on at the earliest: before, packets waited for the socket.
    writable: Instant,
    flight: Flight,
    out: VecDeque<Bytes>,
}

impl Feed {
    /// A feed for a device that has acknowledged its inbox up to `position` and its rooms as given.
    #[must_use]
    pub fn new(
        encoding: Encoding,
        position: Seq,
        head: Seq,
        rooms: Vec<RoomPosition>,
        now: Instant,
        settings: &DeliverySettings,
    ) -> Self {
        let mut tracks = Tracks::new(Track::new(position, head));
        for RoomPosition {
            room,
            conversation,
            position,
            head,
        } in rooms
        {
            tracks.follow(room, conversation, position, head);
        }
        let mode = if tracks.is_behind() {
            Mode::Held(Some(now + settings.backlog_grace))
        } else {
            Mode::Live
        };
        Self {
            encoding,
            mode,
            tracks,
            reading: None,
            writable: now,
            flight: Flight::default(),
            out: VecDeque::new(),
        }
    }

    /// Learns that a log has grown up to `newest`.
    pub fn grown(&mut self, source: &Source, newest: Seq) {
        let Some(track) = self.tracks.get_mut(source) else {
            return;
        };
        track.newest = track.newest.max(newest);
        if let Source::Room(room) = source {
            self.tracks.list_if_behind(room);
        }
    }

    /// The account has become a member of a room; what comes after `since` is delivered.
    pub fn joined(&mut self, room: RoomId, conversation: ConversationId, since: Seq, newest: Seq) {
        self.flight.forget(&room);
        self.tracks.follow(room, conversation, since, newest);
    }

    /// The account has ceased to be a member of a room: nothing of it is sent any more.
    pub fn left(&mut self, room: &RoomId) {
        self.flight.forget(room);
        self.tracks.leave(room);
        self.finish_offline_when_done();
    }

    /// A fresh entry was pushed. It is sent on when it is the next one and the window has room;
    /// otherwise it will be read back.
    pub fn pushed(
        &mut self,
        source: Source,
        seq: Seq,
        parcel: &Arc<Parcel>,
        now: Instant,
        settings: &DeliverySettings,
    ) {
        let is_live = self.mode == Mode::Live && self.has_window(settings);
        let Some(track) = self.tracks.get_mut(&source) else {
            return;
        };
        track.newest = track.newest.max(seq);
        if is_live && seq == track.next && !track.is_stretched() {
            track.next = seq.next();
            let payload = parcel.payload(self.encoding);
            self.send(parcel.kind(), payload, source, Seqs::One(seq), now);
        } else if let Source::Room(room) = &source {
            self.tracks.list_if_behind(room);
        }
    }

    /// This session sent a message that also has a number in the own inbox, and is being shown its
    /// echo, which is not synchronous. That counts as its acknowledgement: a session whose echo
    /// is lost repeats the message.
    pub fn echoed(&mut self, seq: Seq, cursors: &mut Cursors) {
        let track = &mut self.tracks.inbox;
        track.newest = track.newest.max(seq);
        if self.mode == Mode::Live && seq == track.next {
            track.next = seq.next();
        }
        cursors.inbox.acknowledge(seq);
        track.floor = cursors.inbox.position();
    }

    /// This session sent a message to a room; answers its copy, which is the sender's confirmation
    /// (wire-protocol 7.6). It is synchronous and goes out at once, however much of the room's log the
    /// session still has to read. A session that does not acknowledge what it got, or has left the
    /// room meanwhile, gets a plain echo, which counts as acknowledged.
    pub fn confirmed(
        &mut self,
        room: RoomId,
        seq: Seq,
        parcel: &Arc<Parcel>,
        cursors: &mut Cursors,
        now: Instant,
        settings: &DeliverySettings,
    ) -> Bytes {
        let has_window = self.has_window(settings);
        let source = Source::Room(room);
        let Some(track) = self.tracks.get_mut(&source) else {
            return parcel.plain(self.encoding);
        };
        track.newest = track.newest.max(seq);
        if self.mode == Mode::Live && seq == track.next {
            track.next = seq.next();
        }
        if let Source::Room(room) = &source {
            self.tracks.list_if_behind(room);
        }
        if !has_window {
            if let Some(cursor) = cursors.get_mut(&source) {
                cursor.acknowledge(seq);
            }
            return parcel.plain(self.encoding);
        }
        let payload = parcel.payload(self.encoding);
        let send_id = self
            .flight
            .add(parcel.kind(), payload.clone(), source, Seqs::One(seq), now);
        packet::synchronous_packet(parcel.kind(), send_id, &payload)
    }

    /// The client asks for its offline queue.
    pub fn request_offline(&mut self, cursors: &Cursors) {
        match self.mode {
            Mode::Offline => {}
            Mode::Held(_) | Mode::Live => {
                self.mode = Mode::Offline;
                // What was sent and never acknowledged is offered again.
                self.tracks.rewind(cursors);
                self.finish_offline_when_done();
            }
        }
    }

    /// What to read now. The caller reads and calls [`Feed::read`] or [`Feed::read_failed`].
    /// `position` tells the device's position in a log; it is only called when sending has run too
    /// far ahead.
    pub fn wants_read(
        &mut self,
        settings: &DeliverySettings,
        mut position: impl FnMut(&Source) -> Seq,
    ) -> Option<ReadRequest> {
        if self.reading.is_some() || !self.has_window(settings) || !self.tracks.is_behind() {
            return None;
        }
        let (limit, max_bytes) = match self.mode {
            Mode::Held(_) => return None,
            Mode::Live => {
                let room = settings.window.saturating_sub(self.flight.len());
                (
                    room.min(64),
                    settings.window_bytes.saturating_sub(self.flight.bytes()),
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
        if limit == 0 {
            return None;
        }
        let (source, log) = self.next_source(&mut position)?;
        let until = self.tracks.until();
        let track = self.tracks.get_mut(&source)?;
        let (start, horizon) = (track.next, track.end(until));
        self.reading = Some(Reading {
            source,
            start,
            horizon,
        });
        Some(ReadRequest {
            log,
            after: Seq(start.0 - 1),
            limit,
            max_bytes: max_bytes.max(1),
        })
    }

    /// The log whose turn it is: the inbox first, then one room after the other. Logs that have
    /// run too far ahead of their acknowledgements wait.
    fn next_source(
        &mut self,
        position: &mut impl FnMut(&Source) -> Seq,
    ) -> Option<(Source, Option<ConversationId>)> {
        if self.tracks.is_inbox_behind() && may_go_on(&mut self.tracks.inbox, || position(&Source::Inbox)) {
            return Some((Source::Inbox, None));
        }
        let mut tries = 0;
        loop {
            let room = self.tracks.next_room()?.clone();
            let conversation = self.tracks.conversation(&room)?;
            let source = Source::Room(room);
            let track = self.tracks.get_mut(&source)?;
            if may_go_on(track, || position(&source)) {
                return Some((source, Some(conversation)));
            }
            tries += 1;
            if tries >= self.tracks.rotate() {
                return None;
            }
        }
    }

    /// Entries that were read. Those without a body (recalled) and those that another session of
    /// the device acknowledged are passed over. When the client asked for its offline queue
    /// meanwhile, the entries are ignored and read again from where that starts.
    pub fn read(
        &mut self,
        entries: Vec<InboxCopy>,
        cursors: &mut Cursors,
        now: Instant,
        settings: &DeliverySettings,
    ) {
        let Some(Reading {
            source,
            start,
            horizon,
        }) = self.reading.take()
        else {
            return;
        };
        self.tracks.rotate();
        if let (Some(track), Some(cursor)) = (self.tracks.get_mut(&source), cursors.get_mut(&source)) {
            track.floor = cursor.position();
            if track.next == start && !matches!(self.mode, Mode::Held(_)) {
                if entries.is_empty() {
                    // Everything up to the horizon was deleted: all devices had passed it.
                    track.next = track.next.max(horizon.next());
                }
                self.pass_on(&source, entries, cursors, now, settings);
            }
        }
        self.finish_offline_when_done();
    }

    fn pass_on(
        &mut self,
        source: &Source,
        entries: Vec<InboxCopy>,
        cursors: &mut Cursors,
        now: Instant,
        settings: &DeliverySettings,
    ) {
        let mut list = OfflineList::new(settings);
        let until = self.tracks.until();
        for entry in entries {
            let (Some(track), Some(cursor)) = (self.tracks.get_mut(source), cursors.get_mut(source)) else {
                return;
            };
            if entry.seq < track.next {
                continue;
            }
            if until == Until::Goal && entry.seq > track.end(until) {
                break;
            }
            track.next = entry.seq.next();
            if cursor.is_acknowledged(entry.seq) || self.flight.carries(source, entry.seq) {
                continue;
            }
            let Some(mut message) = entry.body.as_deref().and_then(decode_stored) else {
                cursor.acknowledge(entry.seq);
                continue;
            };
            if let Some(mid) = entry.mid {
                message.mid = Some(mid.0);
            }
            message.id = message.id.or(entry.client_id);
            if self.mode == Mode::Offline {
                message.is_offline = Some(true);
                if let Some(full) = list.add(entry.seq, message, self.encoding) {
                    self.send_list(source, full, now);
                }
            } else {
                let payload = Bytes::from(message.encode(self.encoding));
                self.send(
                    PacketType::Message,
                    payload,
                    source.clone(),
                    Seqs::One(entry.seq),
                    now,
                );
            }
        }
        if let Some(rest) = list.finish() {
            self.send_list(source, rest, now);
        }
    }

    /// The store could not be read; the next poll tries again.
    pub fn read_failed(&mut self) {
        self.reading = None;
        self.tracks.rotate();
    }

    /// The client acknowledged a send id, in time or late. Unknown ids change nothing.
    pub fn acknowledged(&mut self, send_id: i32, cursors: &mut Cursors) {
        let Some(acknowledged) = self.flight.acknowledge(send_id) else {
            return;
        };
        if acknowledged.is_late_list && self.mode == Mode::Held(None) {
            // The client is back: go on where it was given up.
            self.mode = Mode::Offline;
            self.tracks.resume();
        }
        if let Some(cursor) = cursors.get_mut(&acknowledged.source) {
            for seq in acknowledged.seqs.as_slice() {
                cursor.acknowledge(*seq);
            }
            if let Some(track) = self.tracks.get_mut(&acknowledged.source) {
                track.floor = cursor.position();
            }
        }
        self.finish_offline_when_done();
    }

    /// Packets wait for the socket: acks cannot be expected yet.
    pub fn blocked(&mut self, now: Instant) {
        self.writable = now;
    }

    /// Time has passed: repeats what was not acknowledged. After the last attempt a packet stays in
    /// its log for the next offline request, and newer ones go on. An offline queue stops; it
    /// goes on when it is asked for again or a late ack shows that the client is back. A client
    /// that does not ask for its backlog gets it.
    pub fn tick(&mut self, now: Instant, settings: &DeliverySettings) {
        if let Mode::Held(Some(until)) = self.mode
            && now >= until
        {
            self.mode = Mode::Live;
        }
        while let Some(overdue) =
            self.flight
                .take_overdue(now, self.writable, settings.ack_timeout, settings.attempts)
        {
            match overdue {
                Overdue::Again {
                    kind,
                    send_id,
                    payload,
                } => self
                    .out
                    .push_back(packet::synchronous_packet(kind, send_id, &payload)),
                Overdue::GivenUp {
                    source,
                    is_list: true,
                    ..
                } => {
                    // A client that does not take its offline queue asks again when it wants it (7.14).
                    self.mode = Mode::Held(None);
                    self.tracks.go_on();
                    if let Some(track) = self.tracks.get_mut(&source) {
                        track.next = track.floor.next();
                    }
                    if let Source::Room(room) = &source {
                        self.tracks.list_if_behind(room);
                    }
                }
                Overdue::GivenUp { source, first, .. } => {
                    // The offline queue was passing it over because it was on its way.
                    if self.mode == Mode::Offline {
                        self.tracks.offer_again(&source, first);
                    }
                }
            }
        }
    }

    /// When [`Feed::tick`] has something to do, if ever.
    #[must_use]
    pub fn deadline(&self, settings: &DeliverySettings) -> Option<Instant> {
        let repeat = self.flight.deadline(self.writable, settings.ack_timeout);
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

    fn has_window(&self, settings: &DeliverySettings) -> bool {
        self.flight.is_empty()
            || self.flight.len() < settings.window && self.flight.bytes() < settings.window_bytes
    }

    fn send(&mut self, kind: PacketType, payload: Bytes, source: Source, seqs: Seqs, now: Instant) {
        let send_id = self.flight.add(kind, payload.clone(), source, seqs, now);
        self.out
            .push_back(packet::synchronous_packet(kind, send_id, &payload));
    }

    fn send_list(&mut self, source: &Source, list: (Vec<Seq>, Vec<TimMessage>), now: Instant) {
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
            source.clone(),
            Seqs::Many(seqs),
            now,
        );
    }

    fn finish_offline_when_done(&mut self) {
        if self.mode == Mode::Offline
            && self.reading.is_none()
            && !self.tracks.is_behind()
            && !self.flight.has_lists()
        {
            self.mode = Mode::Live;
            self.tracks.go_on();
            self.out.push_back(packet::offline_end());
        }
    }
}

/// Whether a log may be sent on, after another look at the device's position if need be.
fn may_go_on(track: &mut Track, position: impl FnOnce() -> Seq) -> bool {
    if track.is_stretched() {
        track.floor = position();
    }
    !track.is_stretched()
}

fn decode_stored(body: &[u8]) -> Option<TimMessage> {
    TimMessage::decode(body, Encoding::Compact)
        .inspect_err(|error| tracing::error!(%error, "a stored message cannot be decoded"))
        .ok()
}

//! The mailbox of one session: the only way other parts of the server reach it. Bounded: when it
//! is full, inbox entries are forgotten (the session reads them back from the store), volatile
//! packets are dropped and counted. It never blocks the one who puts something in.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tim_protocol::error_code::ErrorCode;

use super::parcel::Parcel;
use crate::store::{RoomId, RoomPosition, Seq};

/// What a waiting chunk takes besides its content, about.
const FRAME_OVERHEAD: usize = 64;

/// Something for a session to pass on to its client.
#[derive(Debug)]
pub enum Outgoing {
    /// A new inbox entry, to be delivered synchronously.
    Entry(Seq, Arc<Parcel>),
    /// The outcome of a message this session sent.
    Sent(Ticket, SendOutcome),
    /// A packet that is delivered now or never.
    Volatile(Arc<Parcel>),
    /// A packet for those in a room that is delivered now or never.
    RoomVolatile(RoomId, Arc<Parcel>),
    /// A new entry of the log of a room, to be delivered synchronously.
    RoomEntry(RoomId, Seq, Arc<Parcel>),
    /// The account has become a member of a room.
    Joined(Box<RoomPosition>),
    /// The account has ceased to be a member of a room.
    Left(RoomId),
    /// Newest numbers in the logs of rooms whose entries were forgotten.
    Forgotten(Vec<(RoomId, Seq)>),
}

/// Numbers the messages of one session, so that their outcomes are answered in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What became of a message that a session sent.
#[derive(Debug)]
pub enum SendOutcome {
    /// It is durable; this is the echo, and its number in the sender's own inbox if it has one.
    Stored(Option<Seq>, Arc<Parcel>),
    /// It is durable in a room's log; this is the sender's own copy and its number there.
    Logged(RoomId, Seq, Arc<Parcel>),
    /// It is in the sender's own inbox under this number, for the other devices; there is nothing to
    /// answer.
    Kept(Seq),
    /// It was passed on; there is nothing to answer.
    Passed,
    /// It was refused; nothing was stored.
    Refused(ErrorCode),
}

/// Why the server ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Another login took its place (wire-protocol 6.6).
    Replaced,
    /// The account was suspended (wire-protocol 8.3).
    Suspended,
    /// The web session it logged in from has ended.
    LoggedOut,
}

#[derive(Default)]
struct Waiting {
    queue: VecDeque<Outgoing>,
    newest: Seq,
    ending: Option<Ending>,
    droppable: usize,
    droppable_bytes: usize,
    /// Newest numbers in the logs of rooms whose entries were forgotten.
    forgotten: Vec<(RoomId, Seq)>,
    frames: VecDeque<Arc<Parcel>>,
    frame_bytes: usize,
}

/// The mailbox.
pub struct Outlet {
    waiting: Mutex<Waiting>,
    waker: AtomicWaker,
    limit: usize,
    limit_bytes: usize,
    limit_frame_bytes: usize,
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What [`Outlet::poll_take`] found.
#[derive(Debug, Default)]
pub struct Taken {
    /// Newest inbox number announced so far, including entries that were forgotten.
    pub newest: Seq,
    /// Whether the server wants the session to end.
    pub ending: Option<Ending>,
    /// Newest numbers in the logs of rooms whose entries were forgotten.
    pub forgotten: Vec<(RoomId, Seq)>,
}

impl Outlet {
    /// An empty mailbox for at most `limit` droppable items of `limit_bytes` together; one may
    /// always wait.
    #[must_use]
    pub fn new(limit: usize, limit_bytes: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting::default()),
            waker: AtomicWaker::new(),
            limit,
            limit_bytes,
            limit_frame_bytes: limit_bytes,
        }
    }

    /// The same with another bound for chunks of streams, in bytes; one may always wait.
    #[must_use]
    pub fn with_frame_bytes(mut self, limit_frame_bytes: usize) -> Self {
        self.limit_frame_bytes = limit_frame_bytes;
        self
    }

    /// Announces an inbox entry. When the mailbox is full only its number is kept.
    pub fn entry(&self, seq: Seq, parcel: Arc<Parcel>) {
        self.put_droppable(seq, parcel.weight(), Outgoing::Entry(seq, parcel));
    }

    /// Announces an entry of a room's log. When the mailbox is full only its number is kept.
    pub fn room_entry(&self, room: &RoomId, seq: Seq, parcel: Arc<Parcel>) {
        let weight = parcel.weight();
        let item = Outgoing::RoomEntry(room.clone(), seq, parcel);
        if !self.put_droppable(Seq::default(), weight, item) {
            let mut waiting = self.waiting.lock();
            let known = waiting.forgotten.iter_mut().find(|(of, _)| of == room);
            match known {
                Some((_, newest)) => *newest = (*newest).max(seq),
                None => waiting.forgotten.push((room.clone(), seq)),
            }
            drop(waiting);
            self.waker.wake();
        }
    }

    /// Says that the account has become a member of a room. Never dropped.
    pub fn joined(&self, position: RoomPosition) {
        self.put(Outgoing::Joined(Box::new(position)));
    }

    /// Says that the account has ceased to be a member of a room. Never dropped.
    pub fn left(&self, room: &RoomId) {
        self.put(Outgoing::Left(room.clone()));
    }

    fn put(&self, item: Outgoing) {
        self.waiting.lock().queue.push_back(item);
        self.waker.wake();
    }

    /// Hands over a packet that may be dropped. `false`: it was dropped.
    pub fn volatile(&self, parcel: Arc<Parcel>) -> bool {
        self.put_droppable(Seq::default(), parcel.weight(), Outgoing::Volatile(parcel))
    }

    /// Hands over a packet for those in a room that may be dropped. `false`: it was dropped.
    pub fn room_volatile(&self, room: &RoomId, parcel: Arc<Parcel>) -> bool {
        let weight = parcel.weight();
        self.put_droppable(
            Seq::default(),
            weight,
            Outgoing::RoomVolatile(room.clone(), parcel),
        )
    }

    /// Throws the chunks of streams away that wait; answers how many.
    pub fn drop_frames(&self) -> u64 {
        let mut waiting = self.waiting.lock();
        waiting.frame_bytes = 0;
        std::mem::take(&mut waiting.frames).len() as u64
    }

    /// Hands over a chunk of a stream. Chunks wait apart from everything else, so that many of
    /// them cost nothing but chunks. `false`: it was dropped.
    pub fn frame(&self, parcel: Arc<Parcel>) -> bool {
        let mut waiting = self.waiting.lock();
        let weight = FRAME_OVERHEAD + parcel.weight();
        let fits = waiting.frames.is_empty() || waiting.frame_bytes + weight <= self.limit_frame_bytes;
        if fits {
            waiting.frame_bytes += weight;
            waiting.frames.push_back(parcel);
        }
        drop(waiting);
        self.waker.wake();
        fits
    }

    /// The next chunk of a stream, when there is room to send it.
    pub fn next_frame(&self) -> Option<Arc<Parcel>> {
        let mut waiting = self.waiting.lock();
        let parcel = waiting.frames.pop_front()?;
        waiting.frame_bytes -= FRAME_OVERHEAD + parcel.weight();
        if waiting.frames.is_empty() && waiting.frames.capacity() > 64 {
            waiting.frames = VecDeque::new();
        }
        Some(parcel)
    }

    /// Answers a send of this session. Never dropped: a session bounds its sends itself.
    pub fn sent(&self, ticket: Ticket, outcome: SendOutcome) {
        let mut waiting = self.waiting.lock();
        if let SendOutcome::Stored(Some(seq), _) = &outcome {
            waiting.newest = waiting.newest.max(*seq);
        }
        waiting.queue.push_back(Outgoing::Sent(ticket, outcome));
        drop(waiting);
        self.waker.wake();
    }

    /// Asks the session to end.
    pub fn end(&self, ending: Ending) {
        self.waiting.lock().ending.get_or_insert(ending);
        self.waker.wake();
    }

    fn put_droppable(&self, seq: Seq, weight: usize, item: Outgoing) -> bool {
        let mut waiting = self.waiting.lock();
        waiting.newest = waiting.newest.max(seq);
        let fits = waiting.droppable == 0
            || waiting.droppable < self.limit && waiting.droppable_bytes + weight <= self.limit_bytes;
        if fits {
            waiting.droppable += 1;
            waiting.droppable_bytes += weight;
            waiting.queue.push_back(item);
        }
        drop(waiting);
        self.waker.wake();
        fits
    }

    /// Moves everything that waits into `into`, which must be empty. Pending: nothing waits, and
    /// the task is woken when something does.
    pub fn poll_take(&self, cx: &mut Context<'_>, into: &mut VecDeque<Outgoing>) -> Poll<Taken> {
        self.waker.register(cx.waker());
        let mut waiting = self.waiting.lock();
        let taken = Taken {
            newest: waiting.newest,
            ending: waiting.ending,
            forgotten: std::mem::take(&mut waiting.forgotten),
        };
        if waiting.queue.is_empty() && taken.ending.is_none() && taken.forgotten.is_empty() {
            return Poll::Pending;
        }
        (waiting.droppable, waiting.droppable_bytes) = (0, 0);
        std::mem::swap(into, &mut waiting.queue);
        Poll::Ready(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tim_protocol::packet::PacketType;

    use super::*;

    fn parcel(bytes: usize) -> Arc<Parcel> {
        Arc::new(Parcel::raw(PacketType::BigString, vec![0; bytes].into()))
    }

    fn take(outlet: &Outlet) -> (Taken, usize) {
        let mut items = VecDeque::new();
        match outlet.poll_take(&mut Context::from_waker(Waker::noop()), &mut items) {
            Poll::Ready(taken) => (taken, items.len()),
            Poll::Pending => (Taken::default(), 0),
        }
    }

    #[test]
    fn a_full_outlet_keeps_the_newest_number_and_forgets_the_packet() {
        let outlet = Outlet::new(3, 1_000);
        for seq in 1..=5 {
            outlet.entry(Seq(seq), parcel(10));
        }
        let (taken, count) = take(&outlet);
        assert_eq!((taken.newest, count), (Seq(5), 3));
    }

    #[test]
    fn large_packets_are_bounded_by_their_bytes() {
        let outlet = Outlet::new(100, 1_000);
        assert!(outlet.volatile(parcel(5_000)), "one may always wait");
        assert!(!outlet.volatile(parcel(1)));
        assert_eq!(take(&outlet).1, 1);
        assert!(outlet.volatile(parcel(600)) && outlet.volatile(parcel(400)));
        assert!(!outlet.volatile(parcel(1)));
    }

    #[test]
    fn chunks_of_streams_take_no_room_from_anything_else() {
        let outlet = Outlet::new(2, 1_000).with_frame_bytes(1_000);
        let accepted = (0..10).filter(|_| outlet.frame(parcel(400))).count();
        assert_eq!(accepted, 2);
        assert!(
            outlet.volatile(parcel(900)),
            "a full stream leaves room for others"
        );
        assert_eq!(take(&outlet).1, 1);
        assert!(outlet.next_frame().is_some() && outlet.next_frame().is_some());
        assert!(outlet.next_frame().is_none());
        assert!(outlet.frame(parcel(5_000)), "one may always wait");
    }

    #[test]
    fn the_outcome_of_a_send_is_never_dropped() {
        let outlet = Outlet::new(1, 1);
        assert!(outlet.volatile(parcel(5)));
        outlet.sent(Ticket(1), SendOutcome::Passed);
        assert_eq!(take(&outlet).1, 2);
    }
}

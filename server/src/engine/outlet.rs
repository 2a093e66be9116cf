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
use crate::store::Seq;

/// Something for a session to pass on to its client.
#[derive(Debug)]
pub enum Outgoing {
    /// A new inbox entry, to be delivered synchronously.
    Entry(Seq, Arc<Parcel>),
    /// A message of the account itself, sent on another device.
    Echo(Option<Seq>, Arc<Parcel>),
    /// The outcome of a message this session sent.
    Sent(Ticket, SendOutcome),
    /// A packet that is delivered now or never.
    Volatile(Arc<Parcel>),
}

/// Numbers the messages of one session, so that their outcomes are answered in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What became of a message that a session sent.
#[derive(Debug)]
pub enum SendOutcome {
    /// It is durable; this is the echo, and its number in the sender's own inbox if it has one.
    Stored(Option<Seq>, Arc<Parcel>),
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
}

#[derive(Default)]
struct Waiting {
    queue: VecDeque<Outgoing>,
    newest: Seq,
    ending: Option<Ending>,
    droppable: usize,
}

/// The mailbox.
pub struct Outlet {
    waiting: Mutex<Waiting>,
    waker: AtomicWaker,
    limit: usize,
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
}

impl Outlet {
    /// An empty mailbox for at most `limit` droppable items.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting::default()),
            waker: AtomicWaker::new(),
            limit,
        }
    }

    /// Announces an inbox entry. When the mailbox is full only its number is kept.
    pub fn entry(&self, seq: Seq, parcel: Arc<Parcel>) {
        self.put_droppable(seq, Outgoing::Entry(seq, parcel));
    }

    /// Announces a message that another session of the account sent. `false`: there was no room
    /// (with a number it will be read back from the inbox).
    pub fn echo(&self, seq: Option<Seq>, parcel: Arc<Parcel>) -> bool {
        self.put_droppable(seq.unwrap_or_default(), Outgoing::Echo(seq, parcel))
    }

    /// Hands over a packet that may be dropped. `false`: it was dropped.
    pub fn volatile(&self, parcel: Arc<Parcel>) -> bool {
        self.put_droppable(Seq::default(), Outgoing::Volatile(parcel))
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

    fn put_droppable(&self, seq: Seq, item: Outgoing) -> bool {
        let mut waiting = self.waiting.lock();
        waiting.newest = waiting.newest.max(seq);
        let fits = waiting.droppable < self.limit;
        if fits {
            waiting.droppable += 1;
            waiting.queue.push_back(item);
        }
        drop(waiting);
        self.waker.wake();
        fits
    }

    /// Moves everything that waits to the end of `into`. Pending: nothing waits, and the task is
    /// woken when something does.
    pub fn poll_take(&self, cx: &mut Context<'_>, into: &mut VecDeque<Outgoing>) -> Poll<Taken> {
        self.waker.register(cx.waker());
        let mut waiting = self.waiting.lock();
        let taken = Taken {
            newest: waiting.newest,
            ending: waiting.ending,
        };
        if waiting.queue.is_empty() && taken.ending.is_none() {
            return Poll::Pending;
        }
        waiting.droppable = 0;
        if into.is_empty() {
            std::mem::swap(into, &mut waiting.queue);
        } else {
            into.append(&mut waiting.queue);
        }
        Poll::Ready(taken)
    }
}

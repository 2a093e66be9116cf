//! One device of one person: what it is told to do, and when it has done it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tim_tests::{Encoding, Person, Server};
use tokio::sync::watch;

use crate::ledger::{Ledger, Seen};

/// How often a device looks whether the others are done.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long everything may take to arrive after the last restart.
const SETTLE: Duration = Duration::from_secs(20);

/// Where the messages of a conversation go.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// To a user.
    User(String),
    /// To a room.
    Room(String),
}

/// A device.
pub(crate) struct Device {
    /// Where it connects.
    pub(crate) server: Arc<Server>,
    /// Where it writes down what it sent and saw.
    pub(crate) ledger: Arc<Ledger>,
    /// Whose it is.
    pub(crate) me: Person,
    /// Where it writes to.
    pub(crate) place: Place,
    /// Its name.
    pub(crate) resource: &'static str,
    /// Messages on their way at a time; 0: it only reads.
    pub(crate) window: usize,
    /// How it speaks.
    pub(crate) encoding: Encoding,
    /// What failures call it.
    pub(crate) label: String,
}

impl Device {
    /// Whether every message of the conversation is acknowledged and was seen here.
    pub(crate) fn has_everything(&self, seen: &Seen) -> bool {
        let complete = self.ledger.complete_up_to();
        complete.is_some_and(|mid| seen.is_complete_up_to(mid))
    }

    /// What it still waits for.
    pub(crate) fn describe_lack(&self, seen: &Seen, unacknowledged: usize) -> String {
        let missing = self.ledger.complete_up_to().map(|mid| seen.missing(mid));
        let missing = missing.map(|mids| self.ledger.describe(&mids));
        format!(
            "{} does not get everything: {unacknowledged} of its messages are not acknowledged, it lacks {missing:?}",
            self.label
        )
    }
}

/// The announcement that the last kill has happened.
pub(crate) struct Finish {
    announced: watch::Receiver<bool>,
    since: Option<Instant>,
}

impl Finish {
    /// Not seen yet.
    pub(crate) fn new(announced: watch::Receiver<bool>) -> Self {
        Self {
            announced,
            since: None,
        }
    }

    /// Whether it was made. Panics with `lack` when the device takes too long after it.
    pub(crate) fn is_announced(&mut self, lack: impl Fn() -> String) -> bool {
        let is_announced = *self.announced.borrow();
        if is_announced {
            let since = *self.since.get_or_insert_with(Instant::now);
            assert!(since.elapsed() < SETTLE, "{}", lack());
        }
        is_announced
    }
}

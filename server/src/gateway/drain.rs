//! Tells all connections that the server stops, in two steps: finish, then close.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// How far the shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Normal service.
    Running,
    /// Sessions finish what they have begun.
    Draining,
    /// Time is up: connections close.
    Closing,
}

impl Stage {
    fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Running,
            1 => Self::Draining,
            _ => Self::Closing,
        }
    }
}

/// The switch. Stages only go forward.
#[derive(Debug, Default)]
pub(super) struct Drain {
    stage: AtomicU8,
    changed: Arc<Notify>,
}

impl Drain {
    /// How far the shutdown has come.
    pub(super) fn stage(&self) -> Stage {
        Stage::from_number(self.stage.load(Ordering::Acquire))
    }

    /// Goes to a stage and wakes everybody who listens.
    pub(super) fn advance(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// A listener for one task.
    pub(super) fn listen(self: &Arc<Self>) -> DrainListener {
        DrainListener {
            notified: None,
            seen: Stage::Running,
            drain: Arc::clone(self),
        }
    }
}

/// Wakes the task that polls it when the stage changes.
pub(super) struct DrainListener {
    drain: Arc<Drain>,
    notified: Option<Pin<Box<OwnedNotified>>>,
    seen: Stage,
}

impl DrainListener {
    /// The stage. The first call and those after a change register the task; the others cost
    /// one load. All calls must come from the same task.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Stage {
        let stage = self.drain.stage();
        if self.notified.is_some() && stage == self.seen {
            return stage;
        }
        loop {
            // The listener exists before the stage is read, so that no change is missed.
            let mut notified = Box::pin(Arc::clone(&self.drain.changed).notified_owned());
            self.seen = self.drain.stage();
            if self.seen == Stage::Closing {
                return self.seen;
            }
            if notified.as_mut().poll(cx).is_pending() {
                self.notified = Some(notified);
                return self.seen;
            }
        }
    }

    /// Waits until at least the given stage is reached.
    pub(super) async fn reached(&mut self, stage: Stage) {
        std::future::poll_fn(|cx| {
            if self.poll(cx) >= stage {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

//! Copies the write-ahead log into the database file beside the writer, and keeps the log from
//! growing without end: under constant load a log is only reused when somebody catches up with
//! its end, which the writer does itself in the short step between two transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

/// Pages in the log from which on copying begins (16 MiB).
const COPY_FROM: u64 = 4096;
/// Pages that the writer may copy itself between two transactions.
const SHORT_STEP: u64 = 512;
/// Pages in the log from which on the writer waits until everything is copied (256 MiB).
const LIMIT: u64 = 65_536;
/// Passes in a row that try to catch up with the writer.
const PASSES: usize = 4;

/// What writer and checkpointer tell each other about the log.
#[derive(Debug, Default)]
pub(super) struct WalPressure {
    /// Pages in the log after the last commit.
    pages: AtomicU64,
    /// Little is left to copy; the writer should do it.
    nearly_done: AtomicBool,
    request: Mutex<Request>,
    requested: Condvar,
}

#[derive(Debug, Default)]
struct Request {
    copy: bool,
    stop: bool,
}

impl WalPressure {
    /// Called by the database after each commit.
    pub(super) fn note_pages(&self, pages: u64) {
        self.pages.store(pages, Ordering::Relaxed);
    }

    /// Pages in the log.
    pub(super) fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Called by the writer between two transactions.
    pub(super) fn after_commit(&self, connection: &Connection) {
        let pages = self.pages();
        if self.nearly_done.swap(false, Ordering::Relaxed) || pages >= LIMIT {
            // Busy means that the checkpointer is at it; there will be another occasion.
            if let Err(error) = checkpoint(connection) {
                tracing::warn!(%error, "the write-ahead log could not be copied");
            }
        } else if pages >= COPY_FROM {
            self.ask();
        }
    }

    /// Called by the writer after a failed transaction: copying may make room in the log.
    pub(super) fn after_failure(&self) {
        self.ask();
    }

    fn ask(&self) {
        let mut request = self.request.lock();
        if !request.copy {
            request.copy = true;
            self.requested.notify_one();
        }
    }

    /// Ends the checkpointer.
    pub(super) fn stop(&self) {
        self.request.lock().stop = true;
        self.requested.notify_one();
    }

    /// Waits for a request; `false`: stop.
    fn wait(&self) -> bool {
        let mut request = self.request.lock();
        while !request.copy && !request.stop {
            self.requested.wait(&mut request);
        }
        !request.stop
    }
}

/// Copies what can be copied without anybody waiting. Answers the pages in the log and those of
/// them that are copied; `None` when another checkpoint is under way.
fn checkpoint(connection: &Connection) -> rusqlite::Result<Option<(u64, u64)>> {
    connection
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?
        .query_row([], |row| {
            let (busy, pages, copied): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let number = |value: i64| u64::try_from(value).unwrap_or(0);
            Ok((busy == 0).then_some((number(pages), number(copied))))
        })
}

/// Body of the checkpointing thread.
pub(super) fn run(connection: &Connection, pressure: &Arc<WalPressure>) {
    while pressure.wait() {
        for _ in 0..PASSES {
            match checkpoint(connection) {
                Ok(Some((pages, copied))) => {
                    let left = pages.saturating_sub(copied);
                    if left == 0 {
                        break;
                    }
                    if left <= SHORT_STEP {
                        pressure.nearly_done.store(true, Ordering::Relaxed);
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "the write-ahead log could not be copied");
                    break;
                }
            }
        }
        pressure.request.lock().copy = false;
    }
}

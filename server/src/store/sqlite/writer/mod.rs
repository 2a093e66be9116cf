//! The one thread that writes to a database. It takes everything that waits, runs it in one
//! transaction and commits once: one fsync for many operations. Callers are answered only after
//! the commit. Counters are cached; the cache is dropped whenever a transaction is undone.

mod accounts;
mod administration;
mod contacts;
mod conversations;
mod files;
mod inboxes;
mod profiles;
mod rekey;
mod room_positions;
mod rooms;
mod web_sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{CachedStatement, Connection, ErrorCode, Statement};
use tokio::sync::oneshot;

use super::checkpoint::WalPressure;
use super::sealed::{Placement, damaged, parse_account};
use crate::store::cache::RecentlyUsed;
use crate::store::encryption::{Ciphers, Place, Scope, SharedKeyRing, Table};
use crate::store::ids::{AccountId, ConversationId, RoomId};
use crate::store::keys::{KeyId, KeyRing};
use crate::store::{Result, StoreError};

use conversations::ConversationState;
use inboxes::OwnerState;
pub(super) use rekey::SealedRecord;
use rooms::RoomState;

/// Why an operation inside a group failed.
#[derive(Debug)]
pub(super) enum TaskError {
    /// It alone failed; the others of its group go on.
    Own(StoreError),
    /// The database failed; nothing of the group is written.
    Database(rusqlite::Error),
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::Own(error)
    }
}

impl From<rusqlite::Error> for TaskError {
    fn from(error: rusqlite::Error) -> Self {
        // Broken pages and broken rules concern the records of one operation; all else (disk
        // full, I/O error, read-only, out of memory) would hit every other operation as well.
        match error.sqlite_error_code() {
            None
            | Some(
                ErrorCode::DatabaseCorrupt
                | ErrorCode::ConstraintViolation
                | ErrorCode::TooBig
                | ErrorCode::TypeMismatch,
            ) => Self::Own(StoreError::Damaged {
                table: "database",
                reason: error.to_string(),
            }),
            Some(_) => Self::Database(error),
        }
    }
}

/// Result of an operation inside a group.
pub(super) type TaskResult<T> = std::result::Result<T, TaskError>;

/// An operation that waits for the writer.
pub(super) trait Task: Send {
    /// Performs the operation. May be called again after the transaction was undone.
    fn run(&mut self, writer: &mut Writer<'_>) -> TaskResult<()>;
    /// Answers the caller after the commit, or with the failure of the whole group.
    fn finish(self: Box<Self>, failure: Option<StoreError>);
}

/// An operation with a typed answer.
pub(super) struct TypedTask<T, F> {
    operation: F,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> TypedTask<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Writer<'_>) -> TaskResult<T> + Send + 'static,
{
    pub(super) fn with_reply(operation: F) -> (Box<dyn Task>, oneshot::Receiver<Result<T>>) {
        let (reply, answer) = oneshot::channel();
        (
            Box::new(Self {
                operation,
                outcome: None,
                reply,
            }),
            answer,
        )
    }
}

impl<T, F> Task for TypedTask<T, F>
where
    T: Send,
    F: FnMut(&mut Writer<'_>) -> TaskResult<T> + Send,
{
    fn run(&mut self, writer: &mut Writer<'_>) -> TaskResult<()> {
        match (self.operation)(writer) {
            Ok(answer) => {
                self.outcome = Some(Ok(answer));
                Ok(())
            }
            Err(TaskError::Own(error)) => {
                self.outcome = Some(Err(error.clone()));
                Err(TaskError::Own(error))
            }
            Err(error) => Err(error),
        }
    }

    fn finish(self: Box<Self>, failure: Option<StoreError>) {
        let Self { outcome, reply, .. } = *self;
        let missing = || {
            Err(StoreError::Unavailable(
                "the operation was not performed".to_owned(),
            ))
        };
        let answer = failure.map_or_else(|| outcome.unwrap_or_else(missing), Err);
        // A caller that no longer waits has been cancelled; the operation took place all the same.
        drop(reply.send(answer));
    }
}

/// Sizes of the caches of counters.
#[derive(Clone, Copy, Debug)]
pub(super) struct CacheSizes {
    pub(super) conversations: usize,
    pub(super) owners: usize,
    pub(super) rooms: usize,
    pub(super) ciphers: usize,
}

/// What the writer counts.
#[derive(Debug, Default)]
pub(super) struct WriterCounts {
    pub(super) groups: AtomicU64,
    pub(super) tasks: AtomicU64,
    pub(super) failed_groups: AtomicU64,
}

/// Statements that run for every message. The others come from the cache of the connection.
struct Statements<'c> {
    begin: Statement<'c>,
    commit: Statement<'c>,
    insert_message: Statement<'c>,
    insert_inbox: Statement<'c>,
    trim_inbox: Statement<'c>,
    move_device: Statement<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            insert_message: connection.prepare(
                "INSERT INTO message (slot, conversation, mid, timestamp, origin, key_id, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (slot, conversation, origin) WHERE origin IS NOT NULL DO NOTHING",
            )?,
            insert_inbox: connection
                .prepare("INSERT INTO inbox (slot, owner, seq, key_id, body) VALUES (?1, ?2, ?3, ?4, ?5)")?,
            trim_inbox: connection
                .prepare("DELETE FROM inbox WHERE slot = ?1 AND owner = ?2 AND seq <= ?3")?,
            move_device: connection.prepare(
                "UPDATE device SET position = ?4, seen = ?5 WHERE slot = ?1 AND owner = ?2 AND device = ?3",
            )?,
        })
    }
}

/// The writing side of a database, inside a transaction when a [`Task`] sees it.
pub(super) struct Writer<'c> {
    connection: &'c Connection,
    statements: Statements<'c>,
    placement: Placement,
    keys: Arc<SharedKeyRing>,
    ciphers: Ciphers,
    place: Place,
    sealed: Vec<u8>,
    conversations: RecentlyUsed<ConversationId, ConversationState>,
    owners: RecentlyUsed<AccountId, OwnerState>,
    rooms: RecentlyUsed<RoomId, RoomState>,
    /// Owners whose inboxes hold entries that all devices have passed.
    untrimmed: Vec<AccountId>,
    /// Whether deletions are put off, to be done in fewer, larger steps.
    busy: bool,
    /// Becomes the key ring at the next commit.
    next_ring: Option<Arc<KeyRing>>,
    counts: Arc<WriterCounts>,
    pressure: Arc<WalPressure>,
}

/// How an attempt to commit a group ended.
enum Attempt {
    Committed,
    /// An operation failed after it had written something.
    HalfDone,
    Failed(rusqlite::Error),
}

impl<'c> Writer<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        placement: Placement,
        keys: Arc<SharedKeyRing>,
        sizes: CacheSizes,
        counts: Arc<WriterCounts>,
        pressure: Arc<WalPressure>,
    ) -> rusqlite::Result<Self> {
        let ciphers = Ciphers::new(Arc::clone(&keys), sizes.ciphers);
        let place = Place::new(Table::Message, ciphers.current());
        Ok(Self {
            connection,
            statements: Statements::prepare(connection)?,
            placement,
            keys,
            ciphers,
            place,
            sealed: Vec::new(),
            conversations: RecentlyUsed::new(sizes.conversations),
            owners: RecentlyUsed::new(sizes.owners),
            rooms: RecentlyUsed::new(sizes.rooms),
            untrimmed: Vec::new(),
            busy: false,
            next_ring: None,
            counts,
            pressure,
        })
    }

    /// Performs and answers all tasks of a group.
    pub(super) fn commit_group(&mut self, tasks: &mut Vec<Box<dyn Task>>) {
        self.ciphers.refresh();
        self.busy = tasks.len() >= BUSY_GROUP;
        let mut attempt = self.attempt(tasks, false);
        if matches!(attempt, Attempt::HalfDone) {
            attempt = self.attempt(tasks, true);
        }
        self.counts.groups.fetch_add(1, Ordering::Relaxed);
        self.counts.tasks.fetch_add(tasks.len() as u64, Ordering::Relaxed);
        let failure = match attempt {
            Attempt::Committed => None,
            Attempt::HalfDone => Some(StoreError::Unavailable(
                "a part of the operation failed".to_owned(),
            )),
            Attempt::Failed(error) => {
                tracing::error!(%error, tasks = tasks.len(), "the database refused a group of writes");
                Some(error.into())
            }
        };
        if failure.is_some() {
            self.counts.failed_groups.fetch_add(1, Ordering::Relaxed);
        }
        for task in tasks.drain(..) {
            task.finish(failure.clone());
        }
        if failure.is_none() {
            self.pressure.after_commit(self.connection);
        } else {
            self.pressure.after_failure();
        }
        if self.sealed.capacity() > KEPT_BUFFER {
            self.sealed = Vec::new();
        }
    }

    /// Runs all tasks in one transaction. With `savepoints` the failure of one leaves the others
    /// alone; that costs copies of pages, so it is only done when a task has failed half-way.
    fn attempt(&mut self, tasks: &mut [Box<dyn Task>], savepoints: bool) -> Attempt {
        if let Err(error) = self.statements.begin.execute([]) {
            return self.undo(Attempt::Failed(error));
        }
        for task in tasks {
            let before = self.connection.total_changes();
            if savepoints && let Err(error) = self.execute("SAVEPOINT task") {
                return self.undo(Attempt::Failed(error));
            }
            let ended = match task.run(self) {
                Ok(()) => Ok(()),
                Err(TaskError::Database(error)) => Err(error),
                // Some errors make the database undo everything on its own.
                Err(TaskError::Own(_)) if self.connection.is_autocommit() => {
                    return self.undo(Attempt::HalfDone);
                }
                Err(TaskError::Own(_)) if savepoints => {
                    self.forget_counters();
                    self.execute("ROLLBACK TO task")
                }
                Err(TaskError::Own(_)) if self.connection.total_changes() != before => {
                    return self.undo(Attempt::HalfDone);
                }
                Err(TaskError::Own(_)) => Ok(()),
            };
            let ended = ended.and_then(|()| {
                if savepoints {
                    self.execute("RELEASE task")
                } else {
                    Ok(())
                }
            });
            if let Err(error) = ended {
                return self.undo(Attempt::Failed(error));
            }
        }
        if !self.busy
            && let Err(TaskError::Database(error)) = self.trim_some()
        {
            return self.undo(Attempt::Failed(error));
        }
        if let Err(error) = self.statements.commit.execute([]) {
            return self.undo(Attempt::Failed(error));
        }
        if let Some(ring) = self.next_ring.take() {
            self.keys.replace(ring);
        }
        Attempt::Committed
    }

    fn undo(&mut self, attempt: Attempt) -> Attempt {
        self.forget_counters();
        self.next_ring = None;
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the database could not undo a transaction");
        }
        attempt
    }

    /// Drops what is known of the database; it is read again when needed.
    fn forget_counters(&mut self) {
        self.conversations.clear();
        self.owners.clear();
        self.rooms.clear();
        self.untrimmed.clear();
    }

    /// Seals content for the place that `self.place` names, into `self.sealed`.
    fn seal(&mut self, table: Table, key: KeyId, scope: &Scope, parts: &[&[u8]]) -> Result<()> {
        self.ciphers
            .get(table, key, scope)
            .map_err(|error| damaged(table, error.to_string()))?
            .seal(&self.place, parts, &mut self.sealed);
        Ok(())
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn statement(&self, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
        self.connection.prepare_cached(sql)
    }

    /// Whether deletions were put off.
    pub(super) fn has_leftovers(&self) -> bool {
        !self.untrimmed.is_empty()
    }
}

/// Groups from this number of tasks on put deletions off.
const BUSY_GROUP: usize = 8;
/// Largest buffer that is kept between groups, in bytes.
const KEPT_BUFFER: usize = 1 << 18;

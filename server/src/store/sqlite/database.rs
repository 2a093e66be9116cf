//! One database file and the threads that serve it: one writes, some read, one copies the
//! write-ahead log. They end when the [`Database`] is dropped.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::SqliteOptions;
use super::checkpoint::{self, WalPressure};
use super::open::{self, OpenError, Opened, PageCaches};
use super::queue::{JobQueue, QueueLimits};
use super::reader::{ReadJob, Reader};
use super::scan::{RekeyWalk, closed};
use super::sealed::Placement;
use super::writer::{CacheSizes, Task, TaskResult, TypedTask, Writer, WriterCounts};
use crate::store::Result;
use crate::store::encryption::SharedKeyRing;
use crate::store::ids::Timestamp;

/// Bytes of operations that one transaction takes at most; one larger operation is admitted.
const GROUP_BYTES: usize = 8 << 20;
/// How long the writer waits for work before it does deletions that were put off.
const IDLE: Duration = Duration::from_millis(100);
/// What an operation holds besides its bodies, in bytes, roughly.
pub(super) const OPERATION_BYTES: usize = 256;

/// One database file and its threads.
pub(super) struct Database {
    pub(super) writes: Arc<JobQueue<Box<dyn Task>>>,
    pub(super) reads: Arc<JobQueue<ReadJob>>,
    pub(super) keys: Arc<SharedKeyRing>,
    pub(super) damaged: Arc<AtomicU64>,
    pub(super) counts: Arc<WriterCounts>,
    pub(super) pressure: Arc<WalPressure>,
    pub(super) walk: tokio::sync::Mutex<RekeyWalk>,
    pub(super) thread: Mutex<Option<JoinHandle<()>>>,
}

impl Database {
    pub(super) fn start(
        options: &SqliteOptions,
        opened: Opened,
        placement: &Placement,
        caches: PageCaches,
    ) -> Result<Self, OpenError> {
        let Opened {
            lock,
            mut connection,
            ring,
            ..
        } = opened;
        let current = ring.current();
        let keys = Arc::new(SharedKeyRing::new(ring));
        let damaged = Arc::new(AtomicU64::new(0));
        let counts = Arc::new(WriterCounts::default());
        let pressure = Arc::new(WalPressure::default());
        let noted = Arc::clone(&pressure);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            noted.note_pages(u64::try_from(pages).unwrap_or(0));
            Ok(())
        }))?;
        let reads = Arc::new(JobQueue::new(QueueLimits {
            jobs: options.waiting_reads,
            bytes: usize::MAX,
        }));
        let mut readers = Vec::new();
        for _ in 0..options.readers.max(1) {
            let connection = open::open_beside(&options.path, caches.reader, true)?;
            let reader = Reader::new(
                connection,
                placement.clone(),
                Arc::clone(&keys),
                options.cached_conversations / 4,
                Arc::clone(&damaged),
            );
            readers.push(reader);
        }
        let checkpointer = open::open_beside(&options.path, 256, false)?;
        let limits = QueueLimits {
            jobs: options.waiting_writes,
            bytes: options.waiting_write_bytes,
        };
        let writes = Arc::new(JobQueue::new(limits));
        let sizes = CacheSizes {
            conversations: options.cached_conversations,
            owners: options.cached_accounts,
            rooms: options.cached_conversations,
            ciphers: options.cached_conversations + options.cached_accounts,
        };
        let database = Self {
            writes: Arc::clone(&writes),
            reads: Arc::clone(&reads),
            keys: Arc::clone(&keys),
            damaged,
            counts: Arc::clone(&counts),
            pressure: Arc::clone(&pressure),
            walk: tokio::sync::Mutex::new(RekeyWalk::new(current)),
            thread: Mutex::new(None),
        };
        let helpers = Helpers::spawn(readers, checkpointer, &reads, &pressure, &options.path)?;
        let placement = placement.clone();
        let body = move || {
            // In this order at the end: readers and checkpointer, the database, the lock.
            let _lock = lock;
            {
                let closing = CloseOnDrop(&writes);
                match Writer::new(&connection, placement, keys, sizes, counts, pressure) {
                    Ok(writer) => write_groups(writer, &writes),
                    Err(error) => tracing::error!(%error, "the database thread could not begin"),
                }
                drop(closing);
            }
            helpers.finish();
            if let Err((_, error)) = connection.close() {
                tracing::error!(%error, "the database could not be closed");
            }
        };
        *database.thread.lock() = Some(spawn("tim-store-write", body, &options.path)?);
        Ok(database)
    }

    pub(super) async fn write<T, F>(&self, bytes: usize, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Writer<'_>) -> TaskResult<T> + Send + 'static,
    {
        let (task, answer) = TypedTask::with_reply(operation);
        self.writes.push(task, bytes + OPERATION_BYTES)?;
        answer.await.map_err(|_| closed())?
    }

    pub(super) async fn read<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Reader) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: ReadJob = Box::new(move |reader| {
            if !reply.is_closed() {
                // A caller that was cancelled meanwhile needs no answer.
                drop(reply.send(reader.snapshot(operation)));
            }
        });
        self.reads.push(job, 0)?;
        answer.await.map_err(|_| closed())?
    }

    /// Forgets devices step by step; see [`Store::forget_devices`].
    pub(super) async fn forget_devices(&self, before: Timestamp) -> Result<u64> {
        let mut from = None;
        let mut forgotten = 0;
        loop {
            let step = self
                .read(move |reader| reader.stale_devices(before, &from))
                .await?;
            forgotten += self
                .write(0, move |writer| writer.forget_devices(&step.found, before))
                .await?;
            from = step.next;
            if from.is_none() {
                return Ok(forgotten);
            }
        }
    }

    /// Re-encrypts step by step; see [`Store::reencrypt`].
    pub(super) async fn reencrypt(&self, limit: usize) -> Result<u64> {
        let mut walk = self.walk.lock().await;
        let current = self.keys.get().current();
        if self.keys.get().ids().all(|id| id == current) {
            return Ok(0);
        }
        if walk.current != current || walk.table().is_none() {
            *walk = RekeyWalk::new(current);
        }
        let mut done = 0;
        while let Some(table) = walk.table() {
            let left = limit.saturating_sub(usize::try_from(done).unwrap_or(usize::MAX));
            if left == 0 {
                return Ok(done);
            }
            let from = walk.from.clone();
            let step = self
                .read(move |reader| reader.old_records(table, current, &from, left))
                .await?;
            if !step.found.is_empty() {
                let (resealed, unreadable) = self.write(0, move |writer| writer.reseal(&step.found)).await?;
                done += resealed;
                walk.unreadable.extend(unreadable);
            }
            walk.proceed(step.next);
        }
        if done == 0 {
            let ring = self.keys.get();
            let unused: Vec<_> = ring
                .ids()
                .filter(|id| *id != current && !walk.unreadable.contains(id))
                .collect();
            if !unused.is_empty() {
                self.write(0, move |writer| writer.drop_keys(&unused)).await?;
            }
        }
        Ok(done)
    }
}

impl Drop for Database {
    /// Waits until everything queued is written and the file is closed.
    fn drop(&mut self) {
        self.writes.close();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the database thread ended abnormally");
        }
    }
}

/// Closes the queue when the writer ends in whatever way: callers are never left waiting.
struct CloseOnDrop<'q>(&'q JobQueue<Box<dyn Task>>);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn write_groups(mut writer: Writer<'_>, queue: &JobQueue<Box<dyn Task>>) {
    let mut group = Vec::new();
    loop {
        let patience = writer.has_leftovers().then_some(IDLE);
        let open = queue.take_group(GROUP_BYTES, patience, &mut group);
        if !open && !writer.has_leftovers() {
            return;
        }
        writer.commit_group(&mut group);
    }
}

/// The threads beside the writer.
struct Helpers {
    threads: Vec<JoinHandle<()>>,
    reads: Arc<JobQueue<ReadJob>>,
    pressure: Arc<WalPressure>,
}

impl Helpers {
    fn spawn(
        readers: Vec<Reader>,
        checkpointer: rusqlite::Connection,
        reads: &Arc<JobQueue<ReadJob>>,
        pressure: &Arc<WalPressure>,
        path: &std::path::Path,
    ) -> Result<Self, OpenError> {
        let mut helpers = Self {
            threads: Vec::new(),
            reads: Arc::clone(reads),
            pressure: Arc::clone(pressure),
        };
        for mut reader in readers {
            let reads = Arc::clone(reads);
            let body = move || {
                while let Some(job) = reads.take() {
                    job(&mut reader);
                }
            };
            helpers.threads.push(spawn("tim-store-read", body, path)?);
        }
        let pressure = Arc::clone(pressure);
        let body = move || checkpoint::run(&checkpointer, &pressure);
        helpers.threads.push(spawn("tim-store-wal", body, path)?);
        Ok(helpers)
    }

    fn finish(self) {
        drop(self);
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        self.reads.close();
        self.pressure.stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store ended abnormally");
            }
        }
    }
}

fn spawn(
    name: &str,
    body: impl FnOnce() + Send + 'static,
    path: &std::path::Path,
) -> Result<JoinHandle<()>, OpenError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| OpenError::File {
            action: "start a thread for",
            path: path.to_owned(),
            error,
        })
}

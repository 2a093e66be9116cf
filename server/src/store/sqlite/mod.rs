//! The default back end: an embedded SQLite database, WAL with synchronous=FULL. One thread
//! writes, in groups with one fsync each; others read. Nothing here runs on the async threads.

mod checkpoint;
mod open;
mod peek;
mod queue;
mod reader;
mod scan;
mod schema;
mod sealed;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::oneshot;

pub use open::{OpenError, replace_master_key};
pub use peek::data_key_numbers;

use self::checkpoint::WalPressure;
use self::open::{Opened, PageCaches};
use self::queue::{JobQueue, QueueLimits};
use self::reader::{ReadJob, Reader};
use self::scan::{RekeyWalk, closed};
use self::sealed::Placement;
use self::writer::{CacheSizes, Task, TaskResult, TypedTask, Writer, WriterCounts};
use super::encryption::SharedKeyRing;
use super::ids::{AccountId, ConversationId, Seq, Slot, Timestamp};
use super::keys::{InstallationKey, MasterKey, MasterKeySource};
use super::record::{
    Account, Advance, Append, Appended, ContactChange, ContactLists, Contacts, InboxCopy, InboxItem,
    InboxState, LoginToken, NewAccount, Retract, Retracted, StoredMessage, UpperBound,
};
use super::shard::{DatabaseIndex, SlotHasher, SlotMap};
use super::{CreateAccountError, Result, Store};

/// Settings of the back end.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The database file. Its folder is made when it does not exist.
    pub path: PathBuf,
    /// Which slots the database holds: at present all of them.
    pub slots: SlotMap,
    /// Threads that read, at least 1.
    pub readers: usize,
    /// Page cache of the writer, in KiB. Memory is only taken when it is needed.
    pub writer_cache_kib: u32,
    /// Page cache of each reader, in KiB.
    pub reader_cache_kib: u32,
    /// Conversations whose counters and keys are kept in memory (about 800 bytes each).
    pub cached_conversations: usize,
    /// Accounts whose inbox counters and keys are kept in memory (about 900 bytes each).
    pub cached_accounts: usize,
    /// Operations that may wait for the writer; more are refused as [`StoreError::Overloaded`](crate::store::StoreError::Overloaded).
    pub waiting_writes: usize,
    /// Bytes that waiting writes may hold.
    pub waiting_write_bytes: usize,
    /// Operations that may wait for the readers.
    pub waiting_reads: usize,
}

impl SqliteOptions {
    /// Default settings for a database file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            slots: SlotMap::single(),
            readers: 2,
            writer_cache_kib: 16 * 1024,
            reader_cache_kib: 2 * 1024,
            cached_conversations: 8192,
            cached_accounts: 16_384,
            waiting_writes: 16_384,
            waiting_write_bytes: 64 << 20,
            waiting_reads: 16_384,
        }
    }
}

/// Bytes of operations that one transaction takes at most; one larger operation is admitted.
const GROUP_BYTES: usize = 8 << 20;
/// How long the writer waits for work before it does deletions that were put off.
const IDLE: Duration = Duration::from_millis(100);
/// What an operation holds besides its bodies, in bytes, roughly.
const OPERATION_BYTES: usize = 256;

/// Figures for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SqliteStatistics {
    /// Transactions committed or tried.
    pub groups: u64,
    /// Write operations in them.
    pub writes: u64,
    /// Transactions that the database refused.
    pub failed_groups: u64,
    /// Records left out because they did not decrypt.
    pub damaged_records: u64,
    /// Operations that wait for the writer.
    pub waiting_writes: usize,
    /// Operations that wait for the readers.
    pub waiting_reads: usize,
    /// Pages of 4 KiB in the write-ahead log.
    pub wal_pages: u64,
}

/// The durable store.
pub struct SqliteStore {
    slots: SlotHasher,
    map: SlotMap,
    databases: Vec<Database>,
    master: Arc<MasterKey>,
    installation_key: InstallationKey,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

/// One database file and its threads.
struct Database {
    writes: Arc<JobQueue<Box<dyn Task>>>,
    reads: Arc<JobQueue<ReadJob>>,
    keys: Arc<SharedKeyRing>,
    damaged: Arc<AtomicU64>,
    counts: Arc<WriterCounts>,
    pressure: Arc<WalPressure>,
    walk: tokio::sync::Mutex<RekeyWalk>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteStore {
    /// Opens the database, or makes it. Blocks for disk access and key derivation; call it outside
    /// the asynchronous threads.
    ///
    /// A missing key file is only made together with a new database.
    pub fn open(options: &SqliteOptions, source: &MasterKeySource) -> Result<Self, OpenError> {
        let index = DatabaseIndex(0);
        if options.slots.only_database() != Some(index) {
            return Err(OpenError::SeveralDatabases);
        }
        let caches = PageCaches {
            writer: options.writer_cache_kib,
            reader: options.reader_cache_kib,
        };
        let opened = open::open(&options.path, source, caches)?;
        let installation_key = opened.installation_key.clone();
        let master = Arc::new(opened.master.clone());
        let placement = Placement::new(&installation_key, options.slots.clone(), index);
        let database = Database::start(options, opened, &placement, caches)?;
        Ok(Self {
            slots: placement.slots,
            map: options.slots.clone(),
            databases: vec![database],
            master,
            installation_key,
        })
    }

    /// The key that identifiers are derived with.
    #[must_use]
    pub fn installation_key(&self) -> &InstallationKey {
        &self.installation_key
    }

    /// Numbers of the data keys in use, oldest first; the last one encrypts what is written now.
    #[must_use]
    pub fn data_keys(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = self
            .databases
            .iter()
            .flat_map(|database| database.keys.get().ids().collect::<Vec<_>>())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Figures for the metrics, summed over all databases.
    #[must_use]
    pub fn statistics(&self) -> SqliteStatistics {
        let mut sum = SqliteStatistics::default();
        for database in &self.databases {
            sum.groups += database.counts.groups.load(Ordering::Relaxed);
            sum.writes += database.counts.tasks.load(Ordering::Relaxed);
            sum.failed_groups += database.counts.failed_groups.load(Ordering::Relaxed);
            sum.damaged_records += database.damaged.load(Ordering::Relaxed);
            sum.waiting_writes += database.writes.len();
            sum.waiting_reads += database.reads.len();
            sum.wal_pages += database.pressure.pages();
        }
        sum
    }

    fn database(&self, slot: impl FnOnce(&SlotHasher) -> Slot) -> Result<&Database> {
        let index = self
            .map
            .only_database()
            .unwrap_or_else(|| self.map.database(slot(&self.slots)));
        self.databases.get(index.0).ok_or_else(closed)
    }

    fn of_account(&self, id: &AccountId) -> Result<&Database> {
        self.database(|slots| slots.of_account(id))
    }

    fn of_conversation(&self, id: &ConversationId) -> Result<&Database> {
        self.database(|slots| slots.of_conversation(id))
    }
}

impl Database {
    fn start(
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

    async fn write<T, F>(&self, bytes: usize, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Writer<'_>) -> TaskResult<T> + Send + 'static,
    {
        let (task, answer) = TypedTask::with_reply(operation);
        self.writes.push(task, bytes + OPERATION_BYTES)?;
        answer.await.map_err(|_| closed())?
    }

    async fn read<T, F>(&self, operation: F) -> Result<T>
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
    async fn forget_devices(&self, before: Timestamp) -> Result<u64> {
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
    async fn reencrypt(&self, limit: usize) -> Result<u64> {
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

fn item_bytes(items: &[InboxItem]) -> usize {
    items
        .iter()
        .map(|item| match item {
            InboxItem::Packet { body, .. } => body.len() + OPERATION_BYTES,
            InboxItem::Reference { .. } => OPERATION_BYTES,
        })
        .sum()
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_account(&self, account: NewAccount) -> Result<(), CreateAccountError> {
        let database = self.of_account(&account.id)?;
        if database
            .write(0, move |writer| writer.create_account(&account))
            .await?
        {
            Ok(())
        } else {
            Err(CreateAccountError::Exists)
        }
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        let id = id.clone();
        self.of_account(&id)?
            .read(move |reader| reader.account(&id))
            .await
    }

    async fn set_password(&self, id: &AccountId, hash: String) -> Result<bool> {
        let id = id.clone();
        self.of_account(&id)?
            .write(hash.len(), move |writer| writer.set_password(&id, &hash))
            .await
    }

    async fn set_suspension(&self, id: &AccountId, until: Option<Timestamp>) -> Result<bool> {
        let id = id.clone();
        self.of_account(&id)?
            .write(0, move |writer| writer.set_suspension(&id, until))
            .await
    }

    async fn put_token(&self, token: LoginToken) -> Result<()> {
        let fields = token.extend.iter().flatten();
        let bytes = fields.map(|(name, value)| name.len() + value.len()).sum();
        let database = self.database(|slots| slots.of_token(&token.hash))?;
        database
            .write(bytes, move |writer| writer.put_token(&token))
            .await
    }

    async fn take_token(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<LoginToken>> {
        let hash = *hash;
        let database = self.database(|slots| slots.of_token(&hash))?;
        database
            .write(0, move |writer| writer.take_token(&hash, now))
            .await
    }

    async fn contacts(&self, owner: &AccountId, peer: &AccountId) -> Result<Contacts> {
        let (owner, peer) = (owner.clone(), peer.clone());
        self.of_account(&owner)?
            .read(move |reader| reader.contacts(&owner, &peer))
            .await
    }

    async fn change_contacts(&self, change: ContactChange) -> Result<Option<Vec<Seq>>> {
        let bytes = item_bytes(&change.notices);
        self.of_account(&change.owner)?
            .write(bytes, move |writer| writer.change_contacts(&change))
            .await
    }

    async fn contact_lists(&self, owner: &AccountId) -> Result<ContactLists> {
        let owner = owner.clone();
        self.of_account(&owner)?
            .read(move |reader| reader.contact_lists(&owner))
            .await
    }

    async fn append(&self, batch: Vec<Append>) -> Result<Vec<Appended>> {
        let Some(first) = batch.first() else {
            return Ok(Vec::new());
        };
        let database = self.of_conversation(&first.conversation)?;
        let bytes = batch
            .iter()
            .map(|append| append.body.len() + OPERATION_BYTES * (1 + append.inboxes.len()))
            .sum();
        database.write(bytes, move |writer| writer.append(&batch)).await
    }

    async fn history(
        &self,
        conversation: &ConversationId,
        upper: UpperBound,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredMessage>> {
        let id = *conversation;
        self.of_conversation(&id)?
            .read(move |reader| reader.history(&id, upper, limit, max_bytes))
            .await
    }

    async fn retract(&self, retract: Retract) -> Result<Retracted> {
        let bytes = item_bytes(&retract.notices);
        self.of_conversation(&retract.conversation)?
            .write(bytes, move |writer| writer.retract(&retract))
            .await
    }

    async fn append_inbox(&self, entries: Vec<InboxItem>) -> Result<Vec<Seq>> {
        let Some(first) = entries.first() else {
            return Ok(Vec::new());
        };
        let database = self.of_account(first.owner())?;
        database
            .write(item_bytes(&entries), move |writer| writer.append_inbox(&entries))
            .await
    }

    async fn inbox_state(&self, owner: &AccountId) -> Result<InboxState> {
        let owner = owner.clone();
        self.of_account(&owner)?
            .read(move |reader| reader.inbox_state(&owner))
            .await
    }

    async fn read_inbox(
        &self,
        owner: &AccountId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<InboxCopy>> {
        let owner = owner.clone();
        self.of_account(&owner)?
            .read(move |reader| reader.read_inbox(&owner, after, limit, max_bytes))
            .await
    }

    async fn advance(&self, advances: Vec<Advance>) -> Result<()> {
        let Some(first) = advances.first() else {
            return Ok(());
        };
        let database = self.of_account(&first.owner)?;
        database
            .write(advances.len() * OPERATION_BYTES, move |writer| {
                writer.advance(&advances)
            })
            .await
    }

    async fn forget_devices(&self, before: Timestamp) -> Result<u64> {
        let mut forgotten = 0;
        for database in &self.databases {
            forgotten += database.forget_devices(before).await?;
        }
        Ok(forgotten)
    }

    async fn rotate_key(&self) -> Result<u32> {
        let mut newest = 0;
        for database in &self.databases {
            let master = Arc::clone(&self.master);
            newest = database
                .write(0, move |writer| writer.rotate_key(&master))
                .await?;
        }
        Ok(newest)
    }

    async fn reencrypt(&self, limit: usize) -> Result<u64> {
        let mut done = 0;
        for database in &self.databases {
            done += database.reencrypt(limit).await?;
        }
        Ok(done)
    }

    async fn close(&self) {
        for database in &self.databases {
            database.writes.close();
            let Some(thread) = database.thread.lock().take() else {
                continue;
            };
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the database thread ended abnormally");
            }
        }
    }
}

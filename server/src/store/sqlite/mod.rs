//! The default back end: an embedded SQLite database, WAL with synchronous=FULL. One thread
//! writes, in groups with one fsync each; others read. Nothing here runs on the async threads.

mod administration;
mod checkpoint;
mod database;
mod file_rows;
mod open;
mod operations;
mod peek;
mod queue;
mod reader;
mod room_rows;
mod scan;
mod schema;
mod sealed;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use open::{OpenError, replace_master_key};
pub use peek::data_key_numbers;

use self::database::Database;
use self::open::PageCaches;
use self::scan::closed;
use self::sealed::Placement;
use super::Result;
use super::files::FileId;
use super::ids::{AccountId, ConversationId, RoomId, Slot};
use super::keys::{InstallationKey, MasterKey, MasterKeySource};
use super::shard::{DatabaseIndex, SlotHasher, SlotMap};

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

    fn of_file(&self, id: &FileId) -> Result<&Database> {
        self.database(|_| id.slot())
    }

    fn of_room(&self, id: &RoomId) -> Result<&Database> {
        self.database(|slots| slots.of_room(id))
    }
}

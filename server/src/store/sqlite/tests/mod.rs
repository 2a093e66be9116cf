//! The back end against the conformance suite, against the store in memory, and against damage.

mod failures;
mod keys;
mod migrations;

use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::store::conformance::{Operation, Subject, compare, operations};
use crate::store::{MemoryStore, Store};

/// A database in a scratch folder.
struct Scratch {
    folder: TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tim.db")
    }

    fn source(&self) -> MasterKeySource {
        MasterKeySource::File(self.folder.path().join("master.key"))
    }

    fn options(&self) -> SqliteOptions {
        SqliteOptions::new(self.path())
    }

    fn open_store(&self) -> SqliteStore {
        SqliteStore::open(&self.options(), &self.source()).unwrap()
    }

    /// Looks into the file beside the store.
    fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    /// All bytes of the database, its log and its index.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with("tim.db") {
                bytes.extend(std::fs::read(path).unwrap());
            }
        }
        bytes
    }
}

impl Subject for Scratch {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.open_store())
    }

    fn durable(&self) -> bool {
        true
    }
}

crate::store_conformance!(Scratch::new());

/// Small caches, so that counters are read again all the time.
fn forgetful(scratch: &Scratch) -> SqliteOptions {
    SqliteOptions {
        cached_conversations: 2,
        cached_accounts: 2,
        readers: 1,
        ..scratch.options()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_operations_are_answered_as_by_the_store_in_memory(
        sequence in operations(60),
        small_caches in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let scratch = Scratch::new();
            let options = if small_caches { forgetful(&scratch) } else { scratch.options() };
            let open = || SqliteStore::open(&options, &scratch.source()).unwrap();
            let memory = MemoryStore::new().unwrap();
            let mut durable = open();
            for operation in &sequence {
                if matches!(operation, Operation::Reopen) {
                    durable.close().await;
                    drop(durable);
                    durable = open();
                } else {
                    compare(operation, &memory, &durable).await;
                }
            }
        });
    }
}

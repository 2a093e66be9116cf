//! Versions of the database schema: numbered SQL files, applied in order, each in a transaction,
//! never backwards.

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;
use crate::store::keys::KeyError;

/// Marks a database file as one of this server ("tim2").
pub(super) const APPLICATION_ID: i32 = 0x7469_6d32;
/// What a data key is wrapped as, followed by its number.
pub(super) const DATA_KEY_PURPOSE: &str = "tim data key ";
/// What the installation key is wrapped as.
pub(super) const INSTALLATION_KEY_PURPOSE: &str = "tim installation key";
/// Name of the row of the installation key.
pub(super) const INSTALLATION_KEY: &str = "installation_key";

/// All migrations; the first makes version 1.
pub(super) const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_rooms.sql"),
    include_str!("migrations/0003_web.sql"),
    include_str!("migrations/0004_admin.sql"),
    include_str!("migrations/0005_files.sql"),
];

/// The version this program reads and writes.
pub(super) fn newest_version() -> i64 {
    MIGRATIONS.len() as i64
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a database to the newest version. `first` runs in the transaction that makes a new
/// database, so that there is never one without keys.
pub(super) fn migrate<E: From<rusqlite::Error>>(
    connection: &mut Connection,
    mut first: impl FnMut(&Connection) -> Result<(), E>,
) -> Result<(), E> {
    let present = version(connection)?;
    for (number, sql) in (1..).zip(MIGRATIONS) {
        if number <= present {
            continue;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number)?;
        if number == 1 {
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            first(&transaction)?;
        }
        transaction.commit()?;
        tracing::info!(version = number, "database schema updated");
    }
    Ok(())
}

pub(super) fn key_failure(error: &KeyError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

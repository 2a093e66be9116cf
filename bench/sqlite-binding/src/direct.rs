//! Group commits through rusqlite: one thread calls SQLite directly, one cached prepared
//! statement per table, one call per row.

use std::path::Path;

use anyhow::Result;
use rusqlite::{Connection, params};

use crate::workload::{INSERT_INBOX, INSERT_MESSAGE, PRAGMAS, Row, TABLES};

/// A database opened through rusqlite.
pub struct Direct {
    connection: Connection,
}

impl Direct {
    pub fn open(file: &Path) -> Result<Self> {
        let connection = Connection::open(file)?;
        for pragma in PRAGMAS {
            connection.execute_batch(pragma)?;
        }
        for table in TABLES {
            connection.execute_batch(table)?;
        }
        Ok(Self { connection })
    }

    /// Writes all rows in one transaction.
    pub fn commit(&mut self, rows: &[Row]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut message = transaction.prepare_cached(INSERT_MESSAGE)?;
            let mut inbox = transaction.prepare_cached(INSERT_INBOX)?;
            for row in rows {
                message.execute(params![
                    row.slot,
                    &row.conversation[..],
                    row.mid,
                    row.key_id,
                    row.body
                ])?;
                inbox.execute(params![
                    row.inbox_slot,
                    row.owner,
                    row.seq,
                    &row.conversation[..],
                    row.mid
                ])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Number of messages in the database.
    pub fn count(&self) -> Result<u64> {
        let count: i64 = self
            .connection
            .query_row("SELECT count(*) FROM message", [], |row| row.get(0))?;
        Ok(count as u64)
    }
}

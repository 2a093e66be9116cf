//! Walks through whole tables in small steps, so that neither other readers nor the reuse of the
//! write-ahead log wait for the walk.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::writer::SealedRecord;
use crate::store::encryption::Table;
use crate::store::ids::Timestamp;
use crate::store::keys::KeyId;
use crate::store::{Result, StoreError};

/// Rows that one step looks at.
const STEP: usize = 2000;

/// The key of the row after which a walk goes on; `None`: from the first row.
pub(super) type ScanPosition = Option<Vec<Value>>;

/// What a step found.
#[derive(Debug)]
pub(super) struct ScanStep<T> {
    pub(super) found: Vec<T>,
    /// Where the walk goes on; `None`: it is complete.
    pub(super) next: ScanPosition,
}

/// Looks at the next rows of a table. `key` are the columns of its primary key, which the select
/// list begins with.
fn step<T>(
    connection: &Connection,
    select: &str,
    key: &[&str],
    from: &ScanPosition,
    limit: usize,
    mut look: impl FnMut(&Row<'_>) -> rusqlite::Result<Option<T>>,
) -> Result<ScanStep<T>> {
    let columns = key.join(", ");
    let condition = match from {
        Some(_) => format!("WHERE ({columns}) > ({})", vec!["?"; key.len()].join(", ")),
        None => String::new(),
    };
    let sql = format!("{select} {condition} ORDER BY {columns} LIMIT {STEP}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(from.iter().flatten()))?;
    let mut found = Vec::new();
    let mut seen = 0;
    let mut last = None;
    while let Some(row) = rows.next()? {
        seen += 1;
        found.extend(look(row)?);
        if seen == STEP || found.len() >= limit {
            last = Some(
                (0..key.len())
                    .map(|column| row.get(column))
                    .collect::<rusqlite::Result<_>>()?,
            );
            break;
        }
    }
    Ok(ScanStep { found, next: last })
}

pub(super) fn stale_devices(
    connection: &Connection,
    before: Timestamp,
    from: &ScanPosition,
) -> Result<ScanStep<(String, [u8; 16])>> {
    let key = ["slot", "owner", "device"];
    step(
        connection,
        "SELECT slot, owner, device, seen FROM device",
        &key,
        from,
        STEP,
        |row| {
            let seen: i64 = row.get(3)?;
            if seen < before.0 {
                Ok(Some((row.get(1)?, row.get(2)?)))
            } else {
                Ok(None)
            }
        },
    )
}

pub(super) fn scan_step(
    connection: &Connection,
    table: Table,
    current: KeyId,
    from: &ScanPosition,
    limit: usize,
) -> Result<ScanStep<SealedRecord>> {
    let (select, key): (_, &[&str]) = match table {
        Table::Account => ("SELECT slot, id, key_id FROM account", &["slot", "id"]),
        Table::Token => ("SELECT slot, hash, key_id FROM token", &["slot", "hash"]),
        Table::Message => (
            "SELECT slot, conversation, mid, key_id, body IS NULL FROM message",
            &["slot", "conversation", "mid"],
        ),
        Table::Inbox => (
            "SELECT slot, owner, seq, key_id FROM inbox",
            &["slot", "owner", "seq"],
        ),
        Table::Device => (
            "SELECT slot, owner, device, key_id FROM device",
            &["slot", "owner", "device"],
        ),
        Table::Room => ("SELECT slot, id, key_id FROM room", &["slot", "id"]),
        Table::LogNotice => (
            "SELECT slot, conversation, position, key_id FROM log_notice",
            &["slot", "conversation", "position"],
        ),
        Table::Profile => ("SELECT slot, owner, key_id FROM profile", &["slot", "owner"]),
        Table::File => ("SELECT slot, id, key_id, body IS NULL FROM file", &["slot", "id"]),
    };
    let key_column = key.len();
    step(connection, select, key, from, limit, |row| {
        let is_empty = matches!(table, Table::Message | Table::File) && row.get(key_column + 1)?;
        if row.get::<_, KeyId>(key_column)? == current || is_empty {
            return Ok(None);
        }
        let slot = row.get(0)?;
        Ok(Some(match table {
            Table::Account => SealedRecord::Account {
                slot,
                id: row.get(1)?,
            },
            Table::Token => SealedRecord::Token {
                slot,
                hash: row.get(1)?,
            },
            Table::Message => SealedRecord::Message {
                slot,
                conversation: row.get(1)?,
                mid: row.get(2)?,
            },
            Table::Inbox => SealedRecord::Inbox {
                slot,
                owner: row.get(1)?,
                seq: row.get(2)?,
            },
            Table::Device => SealedRecord::Device {
                slot,
                owner: row.get(1)?,
                device: row.get(2)?,
            },
            Table::Room => SealedRecord::Room {
                slot,
                id: row.get(1)?,
            },
            Table::LogNotice => SealedRecord::LogNotice {
                slot,
                conversation: row.get(1)?,
                position: row.get(2)?,
            },
            Table::Profile => SealedRecord::Profile {
                slot,
                owner: row.get(1)?,
            },
            Table::File => SealedRecord::File {
                slot,
                id: row.get(1)?,
            },
        }))
    })
}

/// All tables with sealed records, in the order they are walked through.
pub(super) const SEALED_TABLES: [Table; 9] = [
    Table::Account,
    Table::Token,
    Table::Device,
    Table::Profile,
    Table::Room,
    Table::File,
    Table::LogNotice,
    Table::Inbox,
    Table::Message,
];

/// A walk through all sealed tables in search of records with old keys.
#[derive(Debug)]
pub(super) struct RekeyWalk {
    /// The key that records should have. Another one: the walk begins anew.
    pub(super) current: KeyId,
    pub(super) table: usize,
    pub(super) from: ScanPosition,
    /// Keys of records that cannot be opened.
    pub(super) unreadable: Vec<KeyId>,
}

impl RekeyWalk {
    pub(super) fn new(current: KeyId) -> Self {
        Self {
            current,
            table: 0,
            from: None,
            unreadable: Vec::new(),
        }
    }

    /// The table to look at; `None` when the walk is complete.
    pub(super) fn table(&self) -> Option<Table> {
        SEALED_TABLES.get(self.table).copied()
    }

    /// Goes on after a step.
    pub(super) fn proceed(&mut self, next: ScanPosition) {
        if next.is_none() {
            self.table += 1;
        }
        self.from = next;
    }
}

/// The error of an operation whose turn will never come.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

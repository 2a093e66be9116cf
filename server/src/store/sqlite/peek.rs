//! What can be known of a database without its keys, also while a server has it open.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::open::OpenError;
use crate::store::keys::KeyId;

/// How long to wait for a server that has the database to itself for a moment.
const BUSY: Duration = Duration::from_secs(5);

/// Numbers of the data keys in a database, the current one last. Changes nothing, and does not
/// need the lock of the server.
///
/// # Errors
/// The file is not a database of this server or cannot be read.
pub fn data_key_numbers(path: &Path) -> Result<Vec<KeyId>, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let mut select = connection.prepare("SELECT id FROM data_key ORDER BY current, id")?;
    let ids = select.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

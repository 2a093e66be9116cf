//! Opening a database: one server only, the right file, the right key, the right version, and
//! all of that checked before anything is written.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, OptionalExtension, params};

use super::schema::{
    APPLICATION_ID, DATA_KEY_PURPOSE, INSTALLATION_KEY, INSTALLATION_KEY_PURPOSE, migrate, newest_version,
    version,
};
use crate::store::ids::Timestamp;
use crate::store::keys::{InstallationKey, KeyError, KeyId, KeyRing, MasterKey, MasterKeySource, Secret};

/// Why a database could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server has the database open.
    #[error("{} is in use by another server", .0.display())]
    InUse(PathBuf),
    /// The file is not a database, or its header is damaged.
    #[error("{} is not a database, or its header is damaged; restore it from a backup", .0.display())]
    NotADatabase(PathBuf),
    /// The file is a database of another program.
    #[error("{} is a database, but not one of this server", .0.display())]
    Foreign(PathBuf),
    /// The file was written by a newer server.
    #[error(
        "{} has schema version {found}, this server knows versions up to {known}; use a newer server",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The file or its folder cannot be written.
    #[error("{} cannot be written", .0.display())]
    ReadOnly(PathBuf),
    /// The keys in the database are missing or contradictory.
    #[error("the keys in {} are damaged: {reason}", path.display())]
    DamagedKeys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The master key could not be had or does not fit.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The configuration asks for several databases, which this back end does not have yet.
    #[error("the slot map must name database 0 only")]
    SeveralDatabases,
    /// The file system failed.
    #[error("cannot {action} {}: {error}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Page caches, in KiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageCaches {
    pub(super) writer: u32,
    pub(super) reader: u32,
}

/// What opening yields.
pub(super) struct Opened {
    /// Keeps other servers out while it lives.
    pub(super) lock: File,
    pub(super) connection: Connection,
    pub(super) master: MasterKey,
    pub(super) ring: KeyRing,
    pub(super) installation_key: InstallationKey,
}

/// Opens or makes a database.
pub(super) fn open(path: &Path, source: &MasterKeySource, caches: PageCaches) -> Result<Opened, OpenError> {
    let lock = lock(path)?;
    let exists = path.metadata().is_ok_and(|file| file.len() > 0);
    if !exists {
        create_private(path)?;
    }
    let mut connection = connect(path)?;
    let found = check_file(&connection, path, exists)?;
    // A file without version holds nothing: the server was killed while making it.
    let (master, keys) = if found == 0 {
        (source.load_or_create()?, None)
    } else {
        let (master, ring, installation_key) = unlock(&connection, path, source)?;
        (master, Some((ring, installation_key)))
    };
    configure(&connection, caches.writer)?;
    let mut made = None;
    migrate(&mut connection, |connection| -> Result<(), OpenError> {
        made = Some(make_keys(connection, &master)?);
        Ok(())
    })
    .map_err(|error| read_only(error, path))?;
    let Some((ring, installation_key)) = keys.or(made) else {
        return Err(OpenError::DamagedKeys {
            path: path.to_owned(),
            reason: "there are none".to_owned(),
        });
    };
    Ok(Opened {
        lock,
        connection,
        master,
        ring,
        installation_key,
    })
}

/// A further connection for reading or checkpointing.
pub(super) fn open_beside(path: &Path, cache_kib: u32, reads_only: bool) -> Result<Connection, OpenError> {
    let connection = connect(path)?;
    configure(&connection, cache_kib)?;
    if reads_only {
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(connection)
}

/// Wraps all keys of a database with a new master key. The server must not be running.
///
/// With a key file as source, the new key is made here and replaces the file; a crash at any
/// instant leaves a pair of database and key file that fit. With other sources `replacement` is
/// the new key, which the operator puts in place afterwards.
pub fn replace_master_key(
    path: &Path,
    source: &MasterKeySource,
    replacement: Option<MasterKey>,
) -> Result<(), OpenError> {
    let _lock = lock(path)?;
    if path.metadata().is_err() {
        return Err(OpenError::NotADatabase(path.to_owned()));
    }
    let mut connection = connect(path)?;
    check_file(&connection, path, true)?;
    // Also finishes or gives up a replacement that was interrupted.
    let (_, ring_keys, installation_key) = unlock_secrets(&connection, path, source)?;
    configure(&connection, 1024)?;
    let pending = match replacement {
        Some(_) => None,
        None => source.prepare_replacement()?,
    };
    let new = match (&replacement, &pending) {
        (Some(key), _) => key,
        (None, Some(pending)) => pending.key(),
        (None, None) => return Err(KeyError::Malformed("the replacement".to_owned()).into()),
    };
    let transaction = connection.transaction()?;
    for (id, key) in &ring_keys.keys {
        let wrapped = new.wrap(&format!("{DATA_KEY_PURPOSE}{id}"), key)?;
        transaction.execute(
            "UPDATE data_key SET wrapped = ?2 WHERE id = ?1",
            params![id, wrapped],
        )?;
    }
    let wrapped = new.wrap(INSTALLATION_KEY_PURPOSE, &installation_key)?;
    transaction.execute(
        "UPDATE meta SET value = ?2 WHERE name = ?1",
        params![INSTALLATION_KEY, wrapped],
    )?;
    transaction
        .commit()
        .map_err(|error| read_only(error.into(), path))?;
    if let Some(pending) = pending {
        pending.adopt()?;
    }
    Ok(())
}

/// Takes the lock that keeps a second server out. It ends with the process.
fn lock(path: &Path) -> Result<File, OpenError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        create_folder(folder).map_err(file_error("create", folder))?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = private_options()
        .create(true)
        .truncate(false)
        .open(&name)
        .map_err(|error| match error.kind() {
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                OpenError::ReadOnly(path.to_owned())
            }
            _ => file_error("open", &name)(error),
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(file_error("lock", &name)(error)),
    }
}

fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the database file readable by its owner only; the log files inherit that.
fn create_private(path: &Path) -> Result<(), OpenError> {
    private_options()
        .create(true)
        .truncate(false)
        .open(path)
        .map(drop)
        .map_err(file_error("create", path))
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |error| OpenError::File { action, path, error }
}

fn read_only(error: OpenError, path: &Path) -> OpenError {
    match error {
        OpenError::Database(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            OpenError::ReadOnly(path.to_owned())
        }
        other => other,
    }
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Answers the schema version when the file can be used.
fn check_file(connection: &Connection, path: &Path, exists: bool) -> Result<i64, OpenError> {
    let found = version(connection).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::NotADatabase(path.to_owned())
        }
        _ => OpenError::Database(error),
    })?;
    if connection.is_readonly(MAIN_DB)? {
        return Err(OpenError::ReadOnly(path.to_owned()));
    }
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if exists && application != APPLICATION_ID && (tables > 0 || found != 0) {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    let known = newest_version();
    if found > known {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    if found == 0 && tables > 0 {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    Ok(found)
}

/// Settings of a connection. The log is copied by the checkpointer, never by a commit.
fn configure(connection: &Connection, cache_kib: u32) -> Result<(), OpenError> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

fn make_keys(connection: &Connection, master: &MasterKey) -> Result<(KeyRing, InstallationKey), OpenError> {
    let first: KeyId = 1;
    let data_key = Secret::generate()?;
    let wrapped = master.wrap(&format!("{DATA_KEY_PURPOSE}{first}"), &data_key)?;
    connection.execute(
        "INSERT INTO data_key (id, wrapped, created, current) VALUES (?1, ?2, ?3, 1)",
        params![first, wrapped, Timestamp::from_system(SystemTime::now()).0],
    )?;
    let installation_key = Secret::generate()?;
    let wrapped = master.wrap(INSTALLATION_KEY_PURPOSE, &installation_key)?;
    connection.execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)",
        params![INSTALLATION_KEY, wrapped],
    )?;
    Ok((
        KeyRing::new(first, data_key),
        InstallationKey::from_bytes(*installation_key.as_bytes()),
    ))
}

fn unlock(
    connection: &Connection,
    path: &Path,
    source: &MasterKeySource,
) -> Result<(MasterKey, KeyRing, InstallationKey), OpenError> {
    let (master, data_keys, installation_key) = unlock_secrets(connection, path, source)?;
    let ring =
        KeyRing::from_keys(data_keys.keys, data_keys.current).ok_or_else(|| OpenError::DamagedKeys {
            path: path.to_owned(),
            reason: "the current data key is missing".to_owned(),
        })?;
    Ok((
        master,
        ring,
        InstallationKey::from_bytes(*installation_key.as_bytes()),
    ))
}

/// Data keys out of their wrapping.
struct DataKeys {
    current: KeyId,
    keys: BTreeMap<KeyId, Secret>,
}

/// Unwraps the keys of a database. When the replacement of the master key was interrupted, the
/// key that fits decides: the new one is put in place, or it is given up.
fn unlock_secrets(
    connection: &Connection,
    path: &Path,
    source: &MasterKeySource,
) -> Result<(MasterKey, DataKeys, Secret), OpenError> {
    let master = source.load()?;
    let pending = source.pending_replacement()?;
    match (unwrap_all(connection, path, &master), pending) {
        (Ok((keys, installation_key)), pending) => {
            if let Some(pending) = pending {
                pending.discard()?;
            }
            Ok((master, keys, installation_key))
        }
        (Err(OpenError::Key(KeyError::Wrong)), Some(pending)) => {
            let (keys, installation_key) = unwrap_all(connection, path, pending.key())?;
            Ok((pending.adopt()?, keys, installation_key))
        }
        (Err(error), _) => Err(error),
    }
}

fn unwrap_all(
    connection: &Connection,
    path: &Path,
    master: &MasterKey,
) -> Result<(DataKeys, Secret), OpenError> {
    let missing = |reason: &str| OpenError::DamagedKeys {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let wrapped: Option<Vec<u8>> = connection
        .query_row(
            "SELECT value FROM meta WHERE name = ?1",
            [INSTALLATION_KEY],
            |row| row.get(0),
        )
        .optional()?;
    let wrapped = wrapped.ok_or_else(|| missing("the installation key is missing"))?;
    let installation_key = master.unwrap(INSTALLATION_KEY_PURPOSE, &wrapped)?;
    let mut select = connection.prepare("SELECT id, wrapped, current FROM data_key")?;
    let mut rows = select.query([])?;
    let mut keys = BTreeMap::new();
    let mut current = None;
    while let Some(row) = rows.next()? {
        let (id, wrapped, is_current): (KeyId, Vec<u8>, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // The master key fitted the installation key: this row was changed.
        let key = master
            .unwrap(&format!("{DATA_KEY_PURPOSE}{id}"), &wrapped)
            .map_err(|_| missing(&format!("data key {id} does not open")))?;
        keys.insert(id, key);
        if is_current {
            current = Some(id);
        }
    }
    let current = current.ok_or_else(|| missing("no data key is current"))?;
    Ok((DataKeys { current, keys }, installation_key))
}

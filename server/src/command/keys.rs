//! `tim-server keys`: works on the database of a stopped server, or asks the running one.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::kill_process;
use tim_server::config::{Config, StorageKind};
use tim_server::store::sqlite::{data_key_numbers, replace_master_key};
use tim_server::store::{MasterKey, MasterKeySource, OpenError, SqliteOptions, SqliteStore, Store as _};
use tim_server::{database_path, master_key_source};

use super::presence::{ROTATE_KEY, find};
use super::{Failure, print};

/// Name of the variable with the key that replaces a master key which is not in a file.
const NEW_MASTER_KEY: &str = "TIM_NEW_MASTER_KEY";
/// Records re-encrypted between two lines of progress.
const STEP: usize = 4_096;
/// How long a running server may take to make a key.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Between two looks at the database.
const LOOK: Duration = Duration::from_millis(20);

/// Shows where keys come from.
pub(crate) fn show(config: &Config) -> Result<(), Failure> {
    let keys = match open(config)? {
        Opened::Here(store) => {
            close(&store)?;
            store.data_keys()
        }
        Opened::Elsewhere => data_key_numbers(&database_path(config)).map_err(failure)?,
    };
    let list = keys
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let current = keys.last().map(ToString::to_string).unwrap_or_default();
    print(&format!(
        "database    {}\nmaster key  {}\ndata keys   {list}\ncurrent     {current}\n",
        database_path(config).display(),
        describe(&master_key_source(config)),
    ))
}

/// Makes a new data key and re-encrypts everything with it, or has the running server do so.
pub(crate) fn rotate(config: &Config) -> Result<(), Failure> {
    match open(config)? {
        Opened::Here(store) => rotate_here(&store),
        Opened::Elsewhere => ask_to_rotate(&database_path(config)),
    }
}

/// Asks the running server for a new key and waits until it is in the database.
fn ask_to_rotate(database: &Path) -> Result<(), Failure> {
    let before = current_key(database)?;
    let look_up = || {
        find(database).map_err(|error| {
            Failure::new(
                4,
                anyhow::Error::new(error).context("looking for the running server"),
            )
        })
    };
    let Some(server) = look_up()? else {
        let problem = "in use, but not by a running server that can be asked; it may be starting or stopping, \
                       another command may be at work, or the server may run in another container";
        return Err(Failure::new(
            4,
            anyhow::anyhow!("{}: {problem}", database.display()),
        ));
    };
    kill_process(server, ROTATE_KEY).map_err(|error| {
        let asking = format!("asking the server (process {server})");
        Failure::new(4, anyhow::Error::new(error).context(asking))
    })?;
    let until = Instant::now() + ANSWER_TIME;
    loop {
        let current = current_key(database)?;
        if current > before {
            return print(&format!(
                "data key {current} encrypts new records from now on\n\
                 the running server (process {server}) re-encrypts the others in the background\n"
            ));
        }
        let problem = if look_up()? != Some(server) {
            "the server ended before it made a new key"
        } else if Instant::now() >= until {
            "the server was asked but made no new key in time; its log may say why"
        } else {
            std::thread::sleep(LOOK);
            continue;
        };
        return Err(Failure::new(4, anyhow::anyhow!(problem)));
    }
}

fn current_key(database: &Path) -> Result<u32, Failure> {
    let keys = data_key_numbers(database).map_err(failure)?;
    Ok(keys.last().copied().unwrap_or_default())
}

fn rotate_here(store: &SqliteStore) -> Result<(), Failure> {
    let runtime = runtime()?;
    let rotated = runtime.block_on(async {
        let id = store.rotate_key().await?;
        announce(&format!("data key {id} encrypts new records from now on\n"));
        let mut total = 0;
        loop {
            let done = store.reencrypt(STEP).await?;
            if done == 0 {
                return Ok::<_, tim_server::store::StoreError>(total);
            }
            total += done;
            announce(&format!("{total} records re-encrypted\n"));
        }
    });
    let total = rotated.map_err(|error| {
        let hint = "what was not re-encrypted is still readable; the server goes on with it when it runs";
        Failure::new(4, anyhow::Error::new(error).context(hint))
    });
    close(store)?;
    let keys = store.data_keys();
    print(&format!("done: {} records, data keys in use: {keys:?}\n", total?))
}

/// Replaces the master key.
pub(crate) fn rotate_master(config: &Config) -> Result<(), Failure> {
    check_exists(config)?;
    let source = master_key_source(config);
    let replacement = match &source {
        MasterKeySource::File(_) => None,
        MasterKeySource::Variable(_) | MasterKeySource::Command(_) => Some(replacement()?),
    };
    replace_master_key(&database_path(config), &source, replacement).map_err(failure)?;
    print(&match &source {
        MasterKeySource::File(path) => format!(
            "the new master key is in {}; back it up apart from the data\n",
            path.display()
        ),
        MasterKeySource::Variable(_) | MasterKeySource::Command(_) => format!(
            "the database needs the key of {NEW_MASTER_KEY} from now on; put it in the place of the old one: {}\n",
            describe(&source)
        ),
    })
}

fn replacement() -> Result<MasterKey, Failure> {
    let source = MasterKeySource::Variable(NEW_MASTER_KEY.to_owned());
    source.load().map_err(|error| {
        let hint = "the master key does not come from a file, so the new one must be given";
        Failure::new(4, anyhow::Error::new(error).context(hint))
    })
}

fn describe(source: &MasterKeySource) -> String {
    match source {
        MasterKeySource::File(path) => format!("file {}", path.display()),
        MasterKeySource::Variable(name) => format!("environment variable {name}"),
        // Arguments may be secret.
        MasterKeySource::Command(words) => {
            format!("output of {}", words.first().map_or("no program", String::as_str))
        }
    }
}

pub(super) fn check_exists(config: &Config) -> Result<(), Failure> {
    if config.storage.kind == StorageKind::Memory {
        return Err(Failure::new(
            2,
            anyhow::anyhow!("storage.kind is \"memory\"; there are no keys on disk"),
        ));
    }
    let path = database_path(config);
    if !path.exists() {
        let hint = "no database there; run the server once, or name its directory with --data";
        return Err(Failure::new(4, anyhow::anyhow!("{}: {hint}", path.display())));
    }
    Ok(())
}

/// A database as a command finds it.
pub(super) enum Opened {
    /// No server runs; the command has the database to itself.
    Here(Box<SqliteStore>),
    /// Another process has it.
    Elsewhere,
}

pub(super) fn open(config: &Config) -> Result<Opened, Failure> {
    check_exists(config)?;
    let options = SqliteOptions::new(database_path(config));
    match SqliteStore::open(&options, &master_key_source(config)) {
        Ok(store) => Ok(Opened::Here(Box::new(store))),
        Err(OpenError::InUse(_)) => Ok(Opened::Elsewhere),
        Err(error) => Err(failure(error)),
    }
}

pub(super) fn failure(error: OpenError) -> Failure {
    let is_in_use = matches!(error, OpenError::InUse(_));
    let error = anyhow::Error::new(error);
    Failure::new(
        4,
        if is_in_use {
            error.context("stop the server first")
        } else {
            error
        },
    )
}

pub(super) fn close(store: &SqliteStore) -> Result<(), Failure> {
    runtime()?.block_on(store.close());
    Ok(())
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(1, error))
}

/// Progress that nobody has to read.
fn announce(text: &str) {
    if let Err(failure) = print(text) {
        super::print_error(&failure);
    }
}

//! `tim-server keys`: works on the database of a stopped server.

use tim_server::config::{Config, StorageKind};
use tim_server::store::sqlite::replace_master_key;
use tim_server::store::{MasterKey, MasterKeySource, OpenError, SqliteOptions, SqliteStore, Store as _};
use tim_server::{database_path, master_key_source};

use super::{Failure, print};

/// Name of the variable with the key that replaces a master key which is not in a file.
const NEW_MASTER_KEY: &str = "TIM_NEW_MASTER_KEY";
/// Records re-encrypted between two lines of progress.
const STEP: usize = 4_096;

/// Shows where keys come from.
pub(crate) fn show(config: &Config) -> Result<(), Failure> {
    let store = open(config)?;
    let keys = store.data_keys();
    let list = keys
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let current = keys.last().map(ToString::to_string).unwrap_or_default();
    close(&store)?;
    print(&format!(
        "database    {}\nmaster key  {}\ndata keys   {list}\ncurrent     {current}\n",
        database_path(config).display(),
        describe(&master_key_source(config)),
    ))
}

/// Makes a new data key and re-encrypts everything with it.
pub(crate) fn rotate(config: &Config) -> Result<(), Failure> {
    let store = open(config)?;
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
    close(&store)?;
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

fn check_exists(config: &Config) -> Result<(), Failure> {
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

fn open(config: &Config) -> Result<SqliteStore, Failure> {
    check_exists(config)?;
    let options = SqliteOptions::new(database_path(config));
    SqliteStore::open(&options, &master_key_source(config)).map_err(failure)
}

fn failure(error: OpenError) -> Failure {
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

fn close(store: &SqliteStore) -> Result<(), Failure> {
    runtime()?.block_on(store.close());
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
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

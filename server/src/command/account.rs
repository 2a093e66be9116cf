//! `tim-server account` and `tim-server admin`: work on the database of a stopped server, or ask the running one. The request
//! and its answer are files beside the database, readable by their owner alone and gone afterwards;
//! whoever may write there may do everything anyway.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, anyhow};
use rustix::process::kill_process;
use serde::{Deserialize, Serialize};
use tim_protocol::node::Node;
use tim_server::admin::operators::Operator;
use tim_server::config::Config;
use tim_server::engine::identity::Identity;
use tim_server::store::{AccountId, SqliteStore, Store as _, Timestamp};
use tim_server::{RunningServer, database_path};

use super::keys::{Opened, close, open, runtime};
use super::presence::{REQUEST, find};
use super::{Failure, print};

/// How long a running server may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Between two looks for the answer.
const LOOK: Duration = Duration::from_millis(20);
/// Longest request that is read.
const REQUEST_BYTES: u64 = 16 << 10;

/// Whom a command is about.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Who {
    /// A login name.
    Name { name: String, domain: String },
    /// A public address.
    Node(String),
}

/// What a running server is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Suspend an account, or lift the suspension.
    Suspension {
        who: Who,
        /// Until then, in nanoseconds since 1970.
        until: Option<i64>,
    },
    /// Let somebody manage the server.
    NewOperator { name: String, operator: Operator },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Done { name: String },
    NoSuchAccount,
    Failed(String),
}

/// Suspends an account, for ever when no time is given.
pub(crate) fn suspend(config: &Config, who: Who, time: Option<Duration>) -> Result<(), Failure> {
    let until = match time {
        Some(time) => Timestamp::from_system(SystemTime::now()).plus(time),
        None => Timestamp(i64::MAX),
    };
    let request = Request::Suspension {
        who,
        until: Some(until.0),
    };
    let node = carry_out(config, &request)?;
    print(&format!("account {node} is suspended\n"))
}

/// Lets an account log in again.
pub(crate) fn allow(config: &Config, who: Who) -> Result<(), Failure> {
    let node = carry_out(config, &Request::Suspension { who, until: None })?;
    print(&format!("account {node} may log in\n"))
}

/// Carries out a request, here or by asking the running server; answers whom it was about.
pub(super) fn carry_out(config: &Config, request: &Request) -> Result<String, Failure> {
    let answer = match open(config)? {
        Opened::Here(store) => {
            let done = runtime()?.block_on(perform_here(&store, request));
            close(&store)?;
            done
        }
        Opened::Elsewhere => ask(&database_path(config), request).map_err(|error| Failure::new(4, error))?,
    };
    match answer {
        Answer::Done { name } => Ok(name),
        Answer::NoSuchAccount => Err(Failure::new(4, anyhow!("there is no such account"))),
        Answer::Failed(reason) => Err(Failure::new(4, anyhow!(reason))),
    }
}

async fn perform_here(store: &SqliteStore, request: &Request) -> Answer {
    match request {
        Request::Suspension { who, until } => {
            let identity = Identity::new(*store.installation_key().as_bytes());
            let Some(id) = account_of(&identity, who) else {
                return Answer::NoSuchAccount;
            };
            answer(&id, store.set_suspension(&id, until.map(Timestamp)).await)
        }
        Request::NewOperator { name, operator } => super::admin::perform(store, name, operator).await,
    }
}

fn account_of(identity: &Identity, who: &Who) -> Option<AccountId> {
    match who {
        Who::Name { name, domain } => Some(identity.account(domain, name)),
        Who::Node(node) => Node::new(node).ok().map(AccountId::new),
    }
}

fn answer(id: &AccountId, outcome: tim_server::store::Result<bool>) -> Answer {
    match outcome {
        Ok(true) => Answer::Done {
            name: id.as_str().to_owned(),
        },
        Ok(false) => Answer::NoSuchAccount,
        Err(error) => Answer::Failed(error.to_string()),
    }
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn request_file(database: &Path) -> PathBuf {
    beside(database, ".request")
}

fn answer_file(database: &Path) -> PathBuf {
    beside(database, ".answer")
}

/// Puts a request beside the database, wakes the server and waits for its answer.
fn ask(database: &Path, request: &Request) -> anyhow::Result<Answer> {
    let server = find(database)
        .context("looking for the running server")?
        .ok_or_else(|| {
            anyhow!(
                "{}: in use, but not by a running server that can be asked; it may be starting or stopping",
                database.display()
            )
        })?;
    let _turn = take_turn(database)?;
    let (asked, answered) = (request_file(database), answer_file(database));
    remove(&answered)?;
    write_private(&asked, &serde_json::to_vec(request)?, database)?;
    let outcome = kill_process(server, REQUEST)
        .with_context(|| format!("asking the server (process {server})"))
        .and_then(|()| wait_for(database, &answered, server));
    // The name in it is nobody's business, whether it was read or not.
    remove(&asked)?;
    outcome
}

fn wait_for(database: &Path, answered: &Path, server: rustix::process::Pid) -> anyhow::Result<Answer> {
    let until = Instant::now() + ANSWER_TIME;
    loop {
        match std::fs::read(answered) {
            Ok(text) => {
                remove(answered)?;
                return serde_json::from_slice(&text).context("the answer of the server");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context("the answer of the server"),
        }
        if find(database)? != Some(server) {
            return Err(anyhow!("the server ended before it answered"));
        }
        if Instant::now() >= until {
            return Err(anyhow!("the server did not answer in time; its log may say why"));
        }
        std::thread::sleep(LOOK);
    }
}

/// One command at a time; the lock ends with the file.
fn take_turn(database: &Path) -> anyhow::Result<File> {
    let path = beside(database, ".command");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).with_context(|| path.display().to_string())?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .context("waiting for another command")?;
    Ok(file)
}

/// Writes a file that appears complete or not at all, and belongs to whom the database belongs.
fn write_private(path: &Path, content: &[u8], database: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
    let unfinished = beside(path, ".new");
    remove(&unfinished)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .with_context(|| unfinished.display().to_string())?;
    file.write_all(content)?;
    let owner = std::fs::metadata(database)?;
    if owner.uid() != file.metadata()?.uid() {
        // An administrator asks the server of another user.
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    std::fs::rename(&unfinished, path).with_context(|| path.display().to_string())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}

/// The running server's part: carries out the request that lies beside its database.
pub(crate) async fn serve(server: &RunningServer) {
    let database = database_path(server.config());
    let outcome = match read_request(&database) {
        Ok(Some(request)) => perform(server, &request).await,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(error = %format!("{error:#}"), "a request of a command cannot be read");
            Answer::Failed("the request cannot be read".to_owned())
        }
    };
    let written = serde_json::to_vec(&outcome)
        .map_err(anyhow::Error::from)
        .and_then(|text| write_private(&answer_file(&database), &text, &database));
    if let Err(error) = written {
        tracing::warn!(error = %format!("{error:#}"), "a command was not answered");
    }
}

fn read_request(database: &Path) -> anyhow::Result<Option<Request>> {
    let path = request_file(database);
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = Vec::new();
    file.take(REQUEST_BYTES).read_to_end(&mut text)?;
    remove(&path)?;
    Ok(Some(serde_json::from_slice(&text)?))
}

async fn perform(server: &RunningServer, request: &Request) -> Answer {
    let engine = server.engine();
    let (who, until) = match request {
        Request::Suspension { who, until } => (who, until),
        Request::NewOperator { name, operator } => {
            return super::admin::perform(engine.store(), name, operator).await;
        }
    };
    let id = match who {
        Who::Name { name, domain } => engine.account_named(domain, name),
        Who::Node(node) => engine.account_at(node),
    };
    let Some(id) = id else {
        return Answer::NoSuchAccount;
    };
    let outcome = match until {
        Some(until) => engine.suspend(&id, Timestamp(*until)).await,
        None => engine.lift_suspension(&id).await,
    };
    answer(&id, outcome)
}

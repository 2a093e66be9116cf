//! How a command finds the server that runs on a database: the server keeps a file locked. The
//! operating system says who holds the lock, so the number of a process that is gone, or of
//! another one that has got it since, is never believed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::process::{Flock, FlockType, Pid, Signal};

/// The sign of a running server. It is gone when this is dropped, at the latest with the process.
#[derive(Debug)]
pub(crate) struct Presence {
    _locked: File,
}

fn file_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".pid");
    PathBuf::from(name)
}

impl Presence {
    /// Tells commands that this process runs the server of a database. It must handle
    /// [`ROTATE_KEY`] and [`REQUEST`] already.
    pub(crate) fn show(database: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(file_of(database))?;
        rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive)?;
        // For people; commands ask the operating system.
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _locked: file })
    }
}

/// Asks a server to carry out the request that lies beside its database.
pub(crate) const REQUEST: Signal = Signal::USR2;

/// Asks a server for a new data key.
pub(crate) const ROTATE_KEY: Signal = Signal::USR1;

/// The process that runs the server of a database, if there is one.
pub(crate) fn find(database: &Path) -> io::Result<Option<Pid>> {
    let file = match File::open(file_of(database)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let lock = rustix::process::fcntl_getlk(&file, &Flock::from(FlockType::ReadLock))?;
    Ok(lock.and_then(|lock| lock.pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_nobody_has_locked_names_no_server() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("tim.db");
        assert_eq!(find(&database).unwrap(), None);
        std::fs::write(file_of(&database), "1\n").unwrap();
        assert_eq!(find(&database).unwrap(), None);
    }
}

//! The server as a process: where its binary is, how it is started, signalled and awaited. It never outlives
//! the test program, whatever ends that.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::PATIENCE;
use crate::log::Log;

/// The server binary: `TIM_SERVER_BIN`, else `tim-server` in the target directory of this program.
///
/// # Panics
/// When it does not exist, with the command that builds it.
pub fn server_binary() -> PathBuf {
    let path = std::env::var_os("TIM_SERVER_BIN").map_or_else(
        || {
            let program = std::env::current_exe().expect("the path of this program");
            // target/debug/deps/suite-0123 → target/debug/tim-server
            program
                .ancestors()
                .nth(2)
                .expect("a target directory")
                .join("tim-server")
        },
        PathBuf::from,
    );
    assert!(
        path.is_file(),
        "{} does not exist: run `cargo build -p tim-server --bin tim-server` first, or set TIM_SERVER_BIN",
        path.display()
    );
    path
}

/// A command without the `TIM_` variables of this process, which would configure the server.
pub fn clean_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"TIM_")) {
        command.env_remove(name);
    }
    command
}

/// A running server process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    watcher: Child,
}

impl Process {
    /// Starts a process whose output goes to `log`. `scratch` is removed when this program dies.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut command: Command, log: &Log, scratch: &Path) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("start the server");
        log.follow(child.stdout.take().expect("its output"));
        log.follow(child.stderr.take().expect("its errors"));
        // The pipe to the watcher closes when this program ends, however that happens.
        let watcher = Command::new("/bin/sh")
            .args([
                "-c",
                "read _; kill -9 \"$1\"; umount \"$2\"; rm -rf \"$2\"",
                "watcher",
            ])
            .arg(child.id().to_string())
            .arg(scratch)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start the watcher");
        Self { child, watcher }
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("signal the server");
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed()).expect("a process id")
    }

    /// Ends the process at once, as `kill -9` does, and waits until it is gone.
    pub fn kill(mut self) {
        self.end();
    }

    /// Waits until the process ends by itself.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`].
    pub fn wait(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait for the server") {
                break status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            // There is no portable wait with a time limit; this only delays the test, never decides it.
            std::thread::sleep(Duration::from_millis(5));
        };
        self.end();
        status
    }

    fn end(&mut self) {
        // The watcher first: it must never signal an id that has been given to somebody else.
        drop((self.watcher.kill(), self.watcher.wait()));
        drop((self.child.kill(), self.child.wait()));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

//! A server in a scratch directory, with cheap password hashes, without limits against guessing and without the
//! notices that somebody has gone, and otherwise the default configuration. It keeps its address and its data over restarts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::log::Log;
use crate::process::{Process, clean_command, server_binary};

/// How a server is to be started.
#[derive(Clone, Debug)]
pub struct Options {
    settings: BTreeMap<String, String>,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    wrapper: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        let off = [
            "failures_per_account",
            "failures_per_address",
            "registrations_per_address",
            "connections_per_second_per_address",
        ];
        let mut options = Self {
            settings: BTreeMap::new(),
            environment: Vec::new(),
            arguments: Vec::new(),
            wrapper: Vec::new(),
        }
        .set("listen.client", "\"127.0.0.1:0\"")
        .set("storage.path", "\"data\"")
        .set("passwords.memory_kib", "8")
        .set("passwords.iterations", "1")
        .set("limits.unauthenticated_per_address", "10000")
        .set("presence.offline_notices", "false")
        .set("log.level", "\"info,tim_server=debug\"");
        for limit in off {
            options = options.set(&format!("limits.{limit}"), "0");
        }
        options
    }
}

impl Options {
    /// Sets a configuration value: `section.key` and the value in TOML syntax.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Leaves a value at the server's default that the testkit would change.
    #[must_use]
    pub fn unset(mut self, key: &str) -> Self {
        self.settings.remove(key);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds an argument of the command line.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Starts the server through another program, which gets the server's command line as its last arguments.
    #[must_use]
    pub fn through(mut self, program: &[&str]) -> Self {
        self.wrapper = program.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Starts a server in a new scratch directory.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn start(self) -> Server {
        match self.try_start() {
            Ok(server) => server,
            Err(failed) => panic!("the server does not start ({}):\n{}", failed.status, failed.log),
        }
    }

    /// Starts a server in a new scratch directory, or answers how that failed.
    ///
    /// # Errors
    /// The server ended before it was ready.
    pub fn try_start(self) -> Result<Server, FailedStart> {
        let scratch = tempfile::Builder::new()
            .prefix("tim-test-")
            .tempdir()
            .expect("a scratch directory");
        self.try_start_in(Arc::new(scratch))
    }

    /// Starts a server in a given directory, which several servers may share one after the other.
    ///
    /// # Errors
    /// The server ended before it was ready.
    pub fn try_start_in(self, scratch: Arc<TempDir>) -> Result<Server, FailedStart> {
        let server = Server {
            scratch,
            address: OnceLock::new(),
            state: Mutex::new(State {
                options: self,
                process: None,
            }),
            log: Log::default(),
            further_secrets: Mutex::default(),
        };
        server.try_run()?;
        Ok(server)
    }

    fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut open = "";
        // Keys of one section are neighbours in the map.
        for (key, value) in &self.settings {
            let (section, name) = key.split_once('.').expect("section.key");
            if section != open {
                writeln!(text, "[{section}]").unwrap();
                open = section;
            }
            writeln!(text, "{name} = {value}").unwrap();
        }
        text
    }
}

/// A server that ended before it was ready.
#[derive(Debug)]
pub struct FailedStart {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote.
    pub log: String,
}

#[derive(Debug)]
struct State {
    options: Options,
    process: Option<Process>,
}

/// A server.
#[derive(Debug)]
pub struct Server {
    scratch: Arc<TempDir>,
    /// Outside the lock: clients ask for it while the server is being restarted.
    address: OnceLock<SocketAddr>,
    state: Mutex<State>,
    log: Log,
    further_secrets: Mutex<Vec<String>>,
}

impl Server {
    /// Starts one with the configuration of the testkit.
    pub fn start() -> Self {
        Options::default().start()
    }

    /// How to start one.
    pub fn options() -> Options {
        Options::default()
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        *self.address.get().expect("a started server")
    }

    /// The directory it runs in; its data is in `data` below it.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// The scratch directory, to start another server in it.
    pub fn scratch(&self) -> Arc<TempDir> {
        Arc::clone(&self.scratch)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.directory().join("data")
    }

    /// What it writes.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Process id.
    ///
    /// # Panics
    /// When it does not run.
    pub fn id(&self) -> u32 {
        let state = self.state();
        state.process.as_ref().expect("a running server").id()
    }

    /// A text that must not appear in the log either.
    pub fn keep_secret(&self, secret: &str) {
        self.further_secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(secret.to_owned());
    }

    /// Ends it as `kill -9` does. Answers when it is gone.
    pub fn kill(&self) {
        if let Some(process) = self.state().process.take() {
            process.kill();
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(process) = &self.state().process {
            process.signal(signal);
        }
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it does not run, or does not end.
    pub fn stop(&self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it does not run, or does not end.
    pub fn wait(&self) -> ExitStatus {
        let process = self.state().process.take();
        process.expect("a running server").wait()
    }

    /// Whether the process is there.
    pub fn is_running(&self) -> bool {
        let mut state = self.state();
        state.process.as_mut().is_some_and(Process::is_running)
    }

    /// Changes the configuration of the next start.
    pub fn reconfigure(&self, change: impl FnOnce(Options) -> Options) {
        let mut state = self.state();
        state.options = change(state.options.clone());
    }

    /// Starts it again after [`Server::kill`] or [`Server::stop`], with the same data and address.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn run(&self) {
        if let Err(failed) = self.try_run() {
            panic!("the server does not start ({}):\n{}", failed.status, failed.log);
        }
    }

    /// Starts it again, or answers how that failed.
    ///
    /// # Errors
    /// The server ended before it was ready.
    pub fn try_run(&self) -> Result<(), FailedStart> {
        let mut state = self.state();
        assert!(state.process.is_none(), "the server runs");
        let from = self.log.len();
        let process = self.spawn(&state.options);
        match self.log.wait_for(from, address_in) {
            Some(address) => {
                self.address.get_or_init(|| address);
                state.process = Some(process);
                Ok(())
            }
            None => Err(FailedStart {
                status: process.wait(),
                log: self.log.text_from(from),
            }),
        }
    }

    /// Starts it and kills it after the given time, whether it is ready by then or not.
    ///
    /// # Panics
    /// When it runs already.
    pub fn run_for(&self, life: Duration) {
        let state = self.state();
        assert!(state.process.is_none(), "the server runs");
        let process = self.spawn(&state.options);
        std::thread::sleep(life);
        process.kill();
    }

    /// Runs `tim-server account` beside it; answers its exit code and what it wrote.
    ///
    /// # Panics
    /// When the command does not find the server.
    pub async fn account(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.command("account", arguments, "").await
    }

    /// Runs `tim-server admin` beside it with an input; answers its exit code and what it wrote.
    ///
    /// # Panics
    /// When the command does not find the server.
    pub async fn admin(&self, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        self.command("admin", arguments, input).await
    }

    async fn command(&self, command: &'static str, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        let input = input.to_owned();
        let (directory, config) = (self.directory().to_owned(), self.directory().join("tim.toml"));
        let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        let run = tokio::task::spawn_blocking(move || {
            // A server that has just started may not be found yet.
            for _ in 0..100 {
                let mut child = clean_command(&server_binary())
                    .arg("--config")
                    .arg(&config)
                    .arg(command)
                    .args(&arguments)
                    .current_dir(&directory)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("run the command");
                // A command that refuses its arguments may end without reading.
                drop(
                    child
                        .stdin
                        .take()
                        .map(|mut stdin| stdin.write_all(input.as_bytes())),
                );
                let output = child.wait_with_output().expect("run the command");
                let text = String::from_utf8_lossy(&output.stderr).into_owned()
                    + &String::from_utf8_lossy(&output.stdout);
                if !text.contains("starting or stopping") {
                    return (output.status.code(), text);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            panic!("the server is not found")
        });
        run.await.expect("the command")
    }

    /// A failed test must still be able to end the server.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, options: &Options) -> Process {
        let mut options = options.clone();
        if let Some(address) = self.address.get() {
            options = options.set("listen.client", &format!("\"{address}\""));
        }
        let config = self.directory().join("tim.toml");
        std::fs::write(&config, options.to_toml()).expect("write the configuration");
        let binary = server_binary();
        let mut command = match options.wrapper.split_first() {
            None => clean_command(&binary),
            Some((program, words)) => {
                let mut command = clean_command(Path::new(program));
                command.args(words).arg(&binary);
                command
            }
        };
        command
            .arg("--config")
            .arg(&config)
            .args(&options.arguments)
            .envs(options.environment.iter().cloned())
            .current_dir(self.directory());
        Process::start(command, &self.log, self.directory())
    }

    /// Checks that the log written since the last check contains none of the secrets.
    ///
    /// # Panics
    /// When it does.
    pub fn assert_discreet(&self) {
        self.log.assert_discreet(
            &self
                .further_secrets
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

/// The address in the line that tells that the server is ready.
fn address_in(line: &str) -> Option<SocketAddr> {
    let rest = &line[line.find("listening on ")?..];
    let start = rest.find("127.0.0.1:")?;
    let address = &rest[start..];
    let end = address
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'))
        .unwrap_or(address.len());
    address[..end].parse().ok()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if !std::thread::panicking() {
            self.assert_discreet();
        }
    }
}

/// A server that several tests of a program use at once.
#[derive(Debug)]
pub struct Shared(&'static Server);

impl std::ops::Deref for Shared {
    type Target = Server;

    fn deref(&self) -> &Server {
        self.0
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.assert_discreet();
        }
    }
}

/// The server that tests of one program share. Tests keep apart by using accounts of their own.
pub fn shared() -> Shared {
    static SERVER: OnceLock<Server> = OnceLock::new();
    Shared(SERVER.get_or_init(Server::start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_ready_line() {
        let address = address_in("INFO listening on ws://127.0.0.1:4321/tim, ready");
        assert_eq!(address, Some(SocketAddr::from(([127, 0, 0, 1], 4321))));
        assert_eq!(address_in("INFO nothing to see"), None);
    }

    #[test]
    fn settings_become_a_file() {
        let text = Options::default().set("delivery.window", "4").to_toml();
        assert!(text.contains("[delivery]\nwindow = 4\n"), "{text}");
        assert_eq!(text.matches("[limits]").count(), 1);
    }
}

//! Starting and stopping the server that is measured: its configuration file, the core it is
//! bound to, the moment it is ready. The process ends with its [`Server`], also after a failure.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::machine;

const READY_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Where the measured server comes from.
#[derive(Clone, Debug)]
pub enum Host {
    /// A binary that scenarios start and stop as they need.
    Binary {
        /// The server's binary.
        path: PathBuf,
        /// Core of the server, when processes are to be bound.
        server_core: Option<usize>,
        /// Core of this process, likewise.
        own_core: Option<usize>,
    },
    /// A server that already runs.
    Running {
        /// Its client listener.
        address: SocketAddr,
        /// Its process.
        pid: u32,
    },
}

/// How much a password hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passwords {
    /// The server's defaults.
    Default,
    /// The cheapest allowed, and tokens that last, for thousands of accounts or tokens whose
    /// making is not the subject.
    Cheap,
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    /// Its client listener.
    pub address: SocketAddr,
    /// Its process.
    pub pid: u32,
    /// From starting the process to the first answer; zero for one that already ran.
    pub ready_after: Duration,
    process: Option<(Child, PathBuf)>,
}

impl Host {
    /// Starts the server on the data in `folder`, or attaches to the running one.
    pub fn start(&self, folder: &Path, passwords: Passwords) -> Result<Server> {
        match self {
            Self::Running { address, pid } => {
                machine::require_running(*pid)?;
                Ok(Server {
                    address: *address,
                    pid: *pid,
                    ready_after: Duration::ZERO,
                    process: None,
                })
            }
            Self::Binary {
                path,
                server_core,
                own_core,
            } => {
                let address = free_address()?;
                let config = folder.join("bench.toml");
                fs::write(&config, configuration(folder, address, passwords))
                    .context("writing the configuration")?;
                let log = folder.join("server.log");
                let output = File::options()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .context("opening the server's log")?;
                let mut command = Command::new(path);
                for (name, _) in
                    std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"TIM_"))
                {
                    command.env_remove(name);
                }
                command
                    .arg("--config")
                    .arg(&config)
                    .current_dir(folder)
                    .stdin(Stdio::null());
                command
                    .stdout(output.try_clone().context("sharing the server's log")?)
                    .stderr(output);
                // The child inherits the binding: none of its threads ever runs elsewhere.
                bind(*server_core)?;
                let start = Instant::now();
                let spawned = command
                    .spawn()
                    .with_context(|| format!("starting {}", path.display()));
                bind(*own_core)?;
                let child = spawned?;
                let mut server = Server {
                    address,
                    pid: child.id(),
                    ready_after: Duration::ZERO,
                    process: Some((child, log)),
                };
                server.wait_until_ready(start)?;
                Ok(server)
            }
        }
    }

    /// Whether scenarios may start and stop the server.
    pub fn can_restart(&self) -> bool {
        matches!(self, Self::Binary { .. })
    }

    /// What the server says of its version.
    pub fn version(&self) -> String {
        let Self::Binary { path, .. } = self else {
            return "unknown (attached)".to_owned();
        };
        let output = Command::new(path).arg("--version").output();
        let text = output
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .unwrap_or_default();
        if text.is_empty() {
            "unknown".to_owned()
        } else {
            text
        }
    }
}

fn bind(core: Option<usize>) -> Result<()> {
    core.map_or(Ok(()), |core| machine::bind_to_cores(&[core]))
}

fn free_address() -> Result<SocketAddr> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    probe.local_addr().context("looking for a free port")
}

/// Default settings, except for limits that take the many people of the generator, who all come
/// from one address, for one attacker.
fn configuration(folder: &Path, address: SocketAddr, passwords: Passwords) -> String {
    let data = toml_text(&folder.join("data").to_string_lossy());
    let mut text = format!(
        "[listen]\nclient = \"{address}\"\n\n[storage]\npath = {data}\n\n[log]\nlevel = \"warn\"\n\n\
         [limits]\nunauthenticated_per_address = 100000\npackets_per_second = 1000000\n\
         packets_per_second_per_account = 0\nconnections_per_second_per_address = 0\n\
         failures_per_account = 0\nfailures_per_address = 0\n\
         registrations_per_address = 0\n"
    );
    if passwords == Passwords::Cheap {
        text.push_str("\n[passwords]\nmemory_kib = 8\niterations = 1\nparallelism = 1\nqueue = 100000\n");
        text.push_str("\n[accounts]\ntoken_lifetime = \"10m\"\n");
    }
    text
}

fn toml_text(text: &str) -> String {
    // JSON strings without control characters are also TOML strings.
    serde_json::Value::from(text).to_string()
}

impl Server {
    fn wait_until_ready(&mut self, start: Instant) -> Result<()> {
        loop {
            if answers(self.address) {
                self.ready_after = start.elapsed();
                return Ok(());
            }
            self.require_alive()?;
            ensure!(
                start.elapsed() < READY_LIMIT,
                "the server is not ready after {} s",
                READY_LIMIT.as_secs()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn require_alive(&mut self) -> Result<()> {
        if let Some((child, log)) = &mut self.process
            && let Some(status) = child.try_wait().context("looking after the server")?
        {
            bail!(
                "the server ended with {status}; the end of its log:\n{}",
                tail(log)
            );
        }
        Ok(())
    }

    /// Asks the server to end and waits for it. Does nothing to one that was attached to.
    pub fn stop(mut self) -> Result<()> {
        let Some((mut child, log)) = self.process.take() else {
            return Ok(());
        };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).context("asking the server to end")?;
        }
        let start = Instant::now();
        while start.elapsed() < STOP_LIMIT {
            if let Some(status) = child.try_wait().context("waiting for the server to end")? {
                ensure!(
                    status.success(),
                    "the server ended with {status}; the end of its log:\n{}",
                    tail(&log)
                );
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.process = Some((child, log));
        bail!(
            "the server did not end within {} s of SIGTERM",
            STOP_LIMIT.as_secs()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.process
            && child.kill().is_ok()
        {
            // Only to leave no zombie behind; the outcome of a killed process says nothing.
            drop(child.wait());
        }
    }
}

/// Whether the health check is answered with 200.
fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(200))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(
            stream,
            "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(&status == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_set_up_runs_lower_the_cost_of_passwords() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let folder = Path::new("/some \"folder\"");
        assert!(configuration(folder, address, Passwords::Cheap).contains("[passwords]"));
        let text = configuration(folder, address, Passwords::Default);
        assert!(!text.contains("[passwords]"));
        assert!(text.contains(r#"path = "/some \"folder\"/data""#), "{text}");
    }

    #[test]
    fn server_that_ends_at_once_is_an_error_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::Binary {
            path: PathBuf::from("/bin/false"),
            server_core: None,
            own_core: None,
        };
        let error = host
            .start(folder.path(), Passwords::Default)
            .unwrap_err()
            .to_string();
        assert!(error.contains("ended with"), "{error}");
    }
}

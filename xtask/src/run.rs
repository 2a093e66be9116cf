//! `cargo xtask run`: builds the pages, the server with the pages in it and the terminal client, starts the server on
//! the embedded database, waits until it is ready and says how to chat. Ctrl-C asks the server to stop and waits for it; a second Ctrl-C insists.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command;
use crate::first_chat;
use crate::web;
use crate::workspace::{Profile, Workspace};

/// How long a server may take to be ready before it is mentioned; a large database may need recovery after a crash.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the server and Ctrl-C are looked at.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where clients connect. The default is for this computer only; `0.0.0.0:20003` lets others in.
    #[arg(long, default_value = "127.0.0.1:20003")]
    listen: SocketAddr,
    /// The folder with database and keys, made when it does not exist.
    #[arg(long, default_value = "tim-data")]
    data: PathBuf,
    /// Build without optimisation: quicker to build, slower to run.
    #[arg(long)]
    dev: bool,
    /// Leave the pages for browsers out.
    #[arg(long)]
    no_web: bool,
    /// Do not make the accounts alice and bob for a first chat.
    #[arg(long)]
    no_demo: bool,
    /// Options for tim-server, after `--`.
    #[arg(last = true)]
    server: Vec<String>,
}

/// Builds, starts, waits; ends as the server ends.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    must_be_free(options.listen)?;
    let profile = if options.dev {
        Profile::Dev
    } else {
        Profile::Release
    };
    let build = [
        "build",
        "--locked",
        "-p",
        "tim-server",
        "-p",
        "tim-client",
        "--bins",
        "--profile",
    ];
    let mut build = command::cargo(workspace, build);
    build.arg(profile.name());
    if !options.no_web {
        let pages = web::build(workspace, &web::Options { dev: options.dev })
            .context("cannot build the pages for browsers; --no-web leaves them out")?;
        web::embed(&mut build, &pages);
    }
    command::run(&mut build)?;

    let stops = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&stops);
    ctrlc::set_handler(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    })
    .context("cannot handle Ctrl-C")?;

    let data = workspace.root.join(&options.data);
    let mut server = Server::start(workspace, profile, options, &data)?;
    if let Some(address) = server.wait_until_ready(&stops)? {
        let address = reachable(address);
        let chat = first_chat::Setting {
            client: workspace.program(profile, "tim"),
            server: format!("ws://{address}"),
            page: (!options.no_web).then(|| format!("http://{address}/")),
            data,
        };
        if let Err(error) = chat.present(!options.no_demo) {
            println!("\nThe server runs, but the accounts for a first chat could not be made: {error:#}");
        }
    }
    server.wait(&stops)
}

/// Says clearly who is in the way before anything is built.
fn must_be_free(address: SocketAddr) -> Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "{address} is taken: perhaps a tim server runs already. Stop that program, or take another port: \
             cargo xtask run --listen {}:{}",
            address.ip(),
            address.port().saturating_add(100)
        ),
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

/// The address at which a program on this computer reaches the server.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, listen.port())
}

/// A running server; it does not outlive this value.
struct Server {
    child: Child,
    /// The server writes its address into this file when it is ready.
    ready: PathBuf,
    asked: usize,
}

impl Server {
    fn start(workspace: &Workspace, profile: Profile, options: &Options, data: &Path) -> Result<Self> {
        let ready = workspace.target.join(format!("ready-{}", std::process::id()));
        let mut command = Command::new(workspace.program(profile, "tim-server"));
        command.current_dir(&workspace.root).stdin(Stdio::null());
        command
            .arg("--listen")
            .arg(options.listen.to_string())
            .arg("--data")
            .arg(data);
        command.arg("--ready-file").arg(&ready).args(&options.server);
        // Its own process group: Ctrl-C reaches only this program, which passes it on exactly once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().context("cannot start tim-server")?;
        Ok(Self {
            child,
            ready,
            asked: 0,
        })
    }

    /// The address on which the server listens; none when it ended or was asked to.
    fn wait_until_ready(&mut self, stops: &AtomicUsize) -> Result<Option<SocketAddr>> {
        let start = Instant::now();
        let mut mentioned = false;
        loop {
            if let Ok(address) = std::fs::read_to_string(&self.ready) {
                std::fs::remove_file(&self.ready).context("cannot remove the server's ready file")?;
                return Ok(Some(
                    address
                        .trim()
                        .parse()
                        .context("the server's ready file holds no address")?,
                ));
            }
            if self.child.try_wait()?.is_some() || stops.load(Ordering::Relaxed) > 0 {
                return Ok(None);
            }
            if !mentioned && start.elapsed() > PATIENCE {
                println!(
                    "the server is not ready after {} seconds; still waiting",
                    PATIENCE.as_secs()
                );
                mentioned = true;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits for the end of the server, passing on every request to stop.
    fn wait(&mut self, stops: &AtomicUsize) -> Result<ExitCode> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                // No code: a signal ended it.
                let code = status
                    .code()
                    .and_then(|code| u8::try_from(code).ok())
                    .unwrap_or(1);
                return Ok(ExitCode::from(code));
            }
            if self.asked < stops.load(Ordering::Relaxed) {
                self.asked += 1;
                self.ask_to_stop()?;
            }
            std::thread::sleep(PAUSE);
        }
    }

    #[cfg(unix)]
    fn ask_to_stop(&mut self) -> Result<()> {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("cannot stop tim-server")
    }

    #[cfg(not(unix))]
    fn ask_to_stop(&mut self) -> Result<()> {
        self.child.kill().context("cannot stop tim-server")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Only after an error of this program; the database stands a kill at any moment.
            let _ended = self.child.kill().and_then(|()| self.child.wait());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_a_way_out() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let message = must_be_free(address).unwrap_err().to_string();
        assert!(message.contains(&format!("{address} is taken")), "{message}");
        assert!(message.contains("--listen"), "{message}");
    }

    #[test]
    fn a_server_that_listens_everywhere_is_reached_on_this_computer() {
        assert_eq!(reachable("0.0.0.0:1".parse().unwrap()).to_string(), "127.0.0.1:1");
        assert_eq!(reachable("[::]:1".parse().unwrap()).to_string(), "[::1]:1");
        assert_eq!(
            reachable("192.0.2.1:1".parse().unwrap()).to_string(),
            "192.0.2.1:1"
        );
    }
}

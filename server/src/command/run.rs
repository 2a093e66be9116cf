//! `tim-server run`: start, summary, signals, shutdown.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tim_server::config::{Config, Loaded, StorageKind};
use tim_server::{NewAdminPassword, RunningServer, Server, StartError, database_path};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::presence::{Presence, REQUEST, ROTATE_KEY};
use super::{Failure, account, logging, print, show};

/// Runs a server until a signal stops it.
pub(crate) fn run(loaded: Loaded, ready_file: Option<&Path>) -> Result<(), Failure> {
    logging::start(&loaded.config.log).map_err(|error| Failure::new(2, error))?;
    for variable in &loaded.ignored_variables {
        tracing::warn!(
            variable,
            "this environment variable looks like a setting but is none"
        );
    }
    raise_open_files();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .enable_all()
        .thread_name("tim-worker")
        // Sessions woken by a message to a large room are all written to before the first acks are looked
        // at: the last of 9,500 receivers has it a third earlier. See `engine::listeners`.
        .global_queue_interval(1)
        .max_blocking_threads(8);
    if loaded.config.process.workers > 0 {
        builder.worker_threads(loaded.config.process.workers);
    }
    let runtime = builder
        .build()
        .context("starting threads")
        .map_err(|error| Failure::new(1, error))?;
    let result = runtime.block_on(serve(loaded.config, ready_file));
    // Everything that matters has ended; what blocks now must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve(config: Config, ready_file: Option<&Path>) -> Result<(), Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::new(1, error))?;
    let mut server = tokio::select! {
        started = Server::start(config) => started.map_err(failure)?,
        () = signals.stop() => return Ok(()),
    };
    summary(&server);
    if let Some(password) = server.take_admin_password() {
        present(password)?;
    }
    if let Some(address) = server.admin_addr() {
        let scheme = if server.config().tls.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        print(&format!("the management API is {scheme}://{address}/api/v1/\n"))?;
    }
    print(&format!("listening on {}\n", server.client_addr()))?;
    if let Some(address) = server.page_address() {
        print(&format!("the page for browsers is {address}\n"))?;
        if !server.config().listen.origins.is_empty() {
            tracing::info!("the page connects only when its address is among listen.origins");
        }
    }
    if let Some(path) = ready_file {
        announce(path, &server).map_err(|error| Failure::new(1, error))?;
    }
    let presence = show_presence(&server);
    loop {
        match signals.next().await {
            Wish::Stop => break,
            Wish::Reload => match server.reload_tls() {
                Ok(()) => tracing::info!("certificate and key were read again"),
                Err(error) => tracing::error!(%error, "the old certificate stays in use"),
            },
            Wish::Request => tokio::select! {
                () = account::serve(&server) => {}
                () = signals.stop() => break,
            },
            Wish::RotateKey => tokio::select! {
                rotated = server.rotate_key() => match rotated {
                    Ok(key) => tracing::info!(key, "a new data key encrypts new records"),
                    Err(error) => tracing::error!(%error, "the data key could not be rotated"),
                },
                () = signals.stop() => break,
            },
        }
    }
    drop(presence);
    tracing::info!(
        sockets = server.sockets(),
        "stopping; a second signal stops at once"
    );
    tokio::select! {
        () = server.shutdown() => {
            tracing::info!("stopped");
            Ok(())
        }
        () = signals.stop() => Err(Failure::new(1, anyhow::anyhow!("stopped at once by a second signal"))),
    }
}

/// Shows the administrator's password, to the operator and never to the log. It is in force only
/// when it could be shown.
fn present(password: NewAdminPassword) -> Result<(), Failure> {
    let shown = show(&format!(
        "The password of the administrator is {}\nIt is shown only this once.\n",
        password.password()
    ));
    match shown {
        Ok(()) => password.keep().map_err(|error| failure(error.into())),
        Err(error) => {
            tracing::warn!(%error, "the administrator's password cannot be shown; the next start makes another one");
            Ok(())
        }
    }
}

fn failure(error: StartError) -> Failure {
    Failure::new(error.exit_code(), error)
}

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Stop,
    Reload,
    RotateKey,
    Request,
}

/// Signals that the server knows.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    rotate: Signal,
    request: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            rotate: signal(SignalKind::from_raw(ROTATE_KEY.as_raw()))?,
            request: signal(SignalKind::from_raw(REQUEST.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hangup.recv() => Wish::Reload,
            _ = self.rotate.recv() => Wish::RotateKey,
            _ = self.request.recv() => Wish::Request,
        }
    }

    /// Waits until the server is asked to stop.
    async fn stop(&mut self) {
        while self.next().await != Wish::Stop {}
    }
}

/// Lets `tim-server keys rotate` find this process. Without it everything else works.
fn show_presence(server: &RunningServer) -> Option<Presence> {
    if server.config().storage.kind == StorageKind::Memory {
        return None;
    }
    let shown = Presence::show(&database_path(server.config()));
    shown
        .inspect_err(|error| tracing::warn!(%error, "keys can only be rotated while the server is stopped"))
        .ok()
}

/// Writes the address to a file that appears complete or not at all.
fn announce(path: &Path, server: &RunningServer) -> anyhow::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let mut lines = format!("{}\n", server.client_addr());
    if let Some(admin) = server.admin_addr() {
        lines.push_str(&format!("{admin}\n"));
    }
    std::fs::write(&unfinished, lines)
        .and_then(|()| std::fs::rename(&unfinished, path))
        .with_context(|| format!("writing {}", path.display()))
}

/// Every socket needs an open file, and the soft limit is often far below what is allowed.
fn raise_open_files() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

fn summary(server: &RunningServer) {
    let config = server.config();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "tim-server");
    let tls = if config.tls.certificate.is_some() {
        "on"
    } else {
        "off"
    };
    tracing::info!(address = %server.client_addr(), tls, "client listener");
    match config.storage.kind {
        StorageKind::Sqlite => {
            tracing::info!(database = %database_path(config).display(), "storage: sqlite, encrypted");
        }
        StorageKind::Memory => tracing::warn!("storage: memory; everything is gone when the server stops"),
    }
    tracing::info!(
        connections = config.limits.connections,
        max_packet = %config.limits.max_packet,
        packets_per_second = config.limits.packets_per_second,
        registration = config.accounts.registration,
        device_limit = config.accounts.device_limit,
        "limits"
    );
}

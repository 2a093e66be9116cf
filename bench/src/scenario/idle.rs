//! `idle`: what an authenticated connection costs that only sends keep-alives. Accounts are
//! registered first; then the server is started anew for each trial, so that memory left over
//! from registering is not hidden in the figure of the empty server.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use super::{Bench, Usage, parameters};
use crate::accounts::{self, Account};
use crate::machine;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::report::{ScenarioReport, Trial};
use crate::server_process::Passwords;

/// Open files besides the connections, for either process.
const OTHER_FILES: u64 = 256;
/// Logins before the memory of the "empty" server is measured, so that pools exist.
const WARM_UP_LOGINS: usize = 20;
/// Between keep-alives of one client, as published clients do it.
const PING_INTERVAL: Duration = Duration::from_secs(15);

/// Parameters of `idle`.
#[derive(Clone, Debug, Args)]
pub struct Idle {
    /// Connections, each of an account of its own.
    #[arg(long, default_value_t = 9_500)]
    pub connections: usize,
    /// Seconds between the last login and measuring the memory.
    #[arg(long, default_value_t = 5)]
    pub settle: u64,
    /// Seconds of keep-alives after that, over which CPU is measured. 0: none.
    #[arg(long, default_value_t = 16)]
    pub hold: u64,
}

impl Idle {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        machine::allow_open_files(self.connections as u64 + OTHER_FILES)?;
        let parameters = parameters([
            ("connections", self.connections.to_string()),
            ("seconds before measuring memory", self.settle.to_string()),
            ("seconds of keep-alives", self.hold.to_string()),
        ]);
        let folder = bench.folder()?;
        (bench.progress)(&format!("idle: registering {} accounts", self.connections));
        let accounts = {
            let server = bench.host.start(folder.path(), Passwords::Cheap)?;
            let mut reactor = Reactor::new(server.address)?;
            let accounts = accounts::register(&mut reactor, &bench.names("idle", 0), self.connections, 16)?;
            server.stop()?;
            accounts
        };
        bench.trials("idle", parameters, |_| {
            self.trial(bench, folder.path(), &accounts)
        })
    }

    fn trial(&self, bench: &Bench, folder: &Path, accounts: &[Account]) -> Result<Trial> {
        let server = bench.host.start(folder, Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let first = accounts
            .get(..WARM_UP_LOGINS.min(accounts.len()))
            .unwrap_or_default();
        let keys = accounts::log_in(&mut reactor, first, 4)?;
        accounts::log_out(&mut reactor, &keys)?;
        let mut sitting = Sitting { lost: None };
        wait(&mut reactor, &mut sitting, Duration::from_secs(self.settle))?;
        let before = machine::memory(server.pid)?;

        let start = Instant::now();
        let keys = accounts::log_in(&mut reactor, accounts, 64)?;
        let login_seconds = start.elapsed().as_secs_f64();
        wait(&mut reactor, &mut sitting, Duration::from_secs(self.settle))?;
        let after = machine::memory(server.pid)?;

        let mut trial = Trial::default();
        let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / keys.len().max(1) as f64;
        trial.figure("rss_bytes_per_connection", each(after.rss, before.rss));
        trial.figure("pss_bytes_per_connection", each(after.pss, before.pss));
        trial.figure("rss_before_mib", before.rss as f64 / f64::from(1 << 20));
        trial.figure("rss_after_mib", after.rss as f64 / f64::from(1 << 20));
        trial.figure("set_up_logins_per_second", keys.len() as f64 / login_seconds);
        if self.hold > 0 {
            let usage = Usage::begin(server.pid)?;
            keep_alive(&mut reactor, &mut sitting, &keys, Duration::from_secs(self.hold))?;
            usage.end(&mut trial, 0)?;
            let held = machine::memory(server.pid)?;
            trial.figure(
                "rss_bytes_per_connection_after_keep_alives",
                each(held.rss, before.rss),
            );
        }
        trial.violation(
            (keys.len() - reactor.open_connections()) as u64,
            "connections lost",
        );
        if let Some(reason) = sitting.lost {
            trial.violations.push(format!("a connection was lost: {reason}"));
        }
        drop(reactor);
        server
            .stop()
            .context("stopping after closing all connections at once")?;
        Ok(trial)
    }
}

/// Clients that only sit there.
struct Sitting {
    lost: Option<String>,
}

impl Application for Sitting {
    fn on_event(&mut self, _: Key, event: Event<'_>, _: Instant, _: &mut Outbox) {
        if let Event::Closed(reason) = event {
            self.lost = Some(reason);
        }
    }
}

fn wait(reactor: &mut Reactor, sitting: &mut Sitting, length: Duration) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < length {
        reactor.poll(Duration::from_millis(100), sitting)?;
    }
    Ok(())
}

/// Keep-alives of all connections, evenly spread over the interval.
fn keep_alive(reactor: &mut Reactor, sitting: &mut Sitting, keys: &[Key], length: Duration) -> Result<()> {
    let start = Instant::now();
    let mut sent = 0_usize;
    while start.elapsed() < length {
        let rounds = start.elapsed().as_secs_f64() / PING_INTERVAL.as_secs_f64();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Small and positive.
        let due = (rounds * keys.len() as f64) as usize;
        while sent < due {
            if let Some(key) = keys.get(sent % keys.len()) {
                accounts::ping_all(reactor, std::slice::from_ref(key));
            }
            sent += 1;
        }
        reactor.poll(Duration::from_millis(10), sitting)?;
    }
    Ok(())
}

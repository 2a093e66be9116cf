//! The scenarios, one module each, and what they share: fresh servers, trials, CPU accounting.

pub mod chat_max;
pub mod chat_rate;
pub mod idle;
pub mod joins;
pub mod login_storm;
pub mod mixed;
pub mod offline_drain;
pub mod overload;
pub mod presence_storm;
pub mod room_fanout;
pub mod room_max;
mod seating;
pub mod soak;
pub mod startup;
pub mod stream;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::chat::Chat;
use crate::machine;
use crate::reactor::Reactor;
use crate::report::{ScenarioReport, Trial};
use crate::schedule::Schedule;
use crate::server_process::{Host, Passwords, Server};

/// What every scenario runs with.
#[derive(Debug)]
pub struct Bench {
    /// The server.
    pub host: Host,
    /// Folder in which data directories are made.
    pub parent: PathBuf,
    /// Trials of each scenario, at least 1.
    pub trials: usize,
    /// Prefix of account names, different in every run.
    pub run: String,
    /// Called with a line of progress.
    pub progress: fn(&str),
    /// How long stragglers may take after the last message was sent.
    pub settle: Duration,
}

impl Bench {
    /// An empty data directory, which is removed when the value is dropped.
    pub fn folder(&self) -> Result<TempDir> {
        tempfile::Builder::new()
            .prefix("tim-bench-")
            .tempdir_in(&self.parent)
            .with_context(|| format!("making a data directory in {}", self.parent.display()))
    }

    /// A server on an empty data directory. Drop the server before the directory.
    pub fn fresh_server(&self, passwords: Passwords) -> Result<(Server, TempDir)> {
        let folder = self.folder()?;
        let server = self.host.start(folder.path(), passwords)?;
        Ok((server, folder))
    }

    /// Prefix of account names of one trial.
    pub fn names(&self, scenario: &str, trial: usize) -> String {
        format!("{}-{scenario}-{trial}", self.run)
    }

    /// Runs the trials of a scenario.
    pub fn trials(
        &self,
        name: &str,
        parameters: BTreeMap<String, String>,
        trial: impl FnMut(usize) -> Result<Trial>,
    ) -> Result<ScenarioReport> {
        self.repeat(self.trials, name, parameters, trial)
    }

    /// Runs `count` trials of a scenario, whatever was asked for.
    fn repeat(
        &self,
        count: usize,
        name: &str,
        parameters: BTreeMap<String, String>,
        mut trial: impl FnMut(usize) -> Result<Trial>,
    ) -> Result<ScenarioReport> {
        let mut trials = Vec::with_capacity(count);
        for number in 0..count {
            (self.progress)(&format!("{name}: trial {} of {count}", number + 1));
            let done = trial(number).with_context(|| format!("{name}, trial {}", number + 1))?;
            for (figure, value) in &done.figures {
                (self.progress)(&format!("    {figure} = {value:.2}"));
            }
            for (kind, latencies) in &done.latencies {
                let summary = latencies.summary();
                (self.progress)(&format!(
                    "    {kind}: p50 {} p99 {} max {} ms",
                    summary.p50_ms, summary.p99_ms, summary.max_ms
                ));
            }
            for violation in &done.violations {
                (self.progress)(&format!("    VIOLATION: {violation}"));
            }
            trials.push(done);
        }
        Ok(ScenarioReport::new(name, parameters, &trials))
    }
}

/// Parameters for a report, from name and value.
fn parameters<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// CPU time of both sides from one moment on.
struct Usage {
    pid: u32,
    wall: Instant,
    server: Duration,
    generator: Duration,
}

impl Usage {
    fn begin(pid: u32) -> Result<Self> {
        let server = machine::cpu_time(pid)?;
        Ok(Self {
            pid,
            wall: Instant::now(),
            server,
            generator: machine::own_cpu_time(),
        })
    }

    /// Notes the use of CPU since the beginning, in percent of one core and per message.
    fn end(&self, trial: &mut Trial, messages: u64) -> Result<()> {
        self.end_as(trial, "", "message", messages)
    }

    /// The same under names that start with `prefix`, per `count` pieces called `unit`.
    fn end_as(&self, trial: &mut Trial, prefix: &str, unit: &str, count: u64) -> Result<()> {
        let wall = self.wall.elapsed().as_secs_f64();
        let server = machine::cpu_time(self.pid)?
            .saturating_sub(self.server)
            .as_secs_f64();
        let generator = machine::own_cpu_time()
            .saturating_sub(self.generator)
            .as_secs_f64();
        trial.figure(&format!("{prefix}server_cpu_percent"), server / wall * 100.0);
        trial.figure(
            &format!("{prefix}generator_cpu_percent"),
            generator / wall * 100.0,
        );
        if count > 0 {
            trial.figure(
                &format!("{prefix}server_cpu_us_per_{unit}"),
                server * 1e6 / count as f64,
            );
        }
        Ok(())
    }
}

/// Resident memory of the server, MiB.
fn rss_mib(pid: u32) -> Result<f64> {
    Ok(machine::memory(pid)?.rss as f64 / f64::from(1 << 20))
}

/// Sends what is due of `schedule`, round robin over all participants.
fn send_due(chat: &mut Chat, reactor: &mut Reactor, schedule: &mut Schedule, start: Instant) {
    let people = chat.people() as u64;
    for n in schedule.take_due(Instant::now().saturating_duration_since(start)) {
        let sender = usize::try_from(n % people).unwrap_or(0);
        chat.send(reactor, sender, schedule.intended(n));
    }
}

/// How long to wait for sockets before the next message is due, at most 20 ms.
fn until_due(schedule: &Schedule, start: Instant) -> Duration {
    let longest = Duration::from_millis(20);
    schedule.next_due().map_or(longest, |due| {
        (start + due)
            .saturating_duration_since(Instant::now())
            .min(longest)
    })
}

/// Waits until all messages have been echoed and delivered. When some never are, the time is up
/// without an error: the checks of the chat name them.
fn settle(chat: &mut Chat, reactor: &mut Reactor, limit: Duration) -> Result<()> {
    let start = Instant::now();
    while !chat.is_settled() && start.elapsed() < limit {
        reactor.poll(Duration::from_millis(20), chat)?;
        chat.check()?;
    }
    Ok(())
}

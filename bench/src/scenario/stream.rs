//! `stream`: one publisher sends megabytes a second to a virtual room with a hundred subscribers;
//! how late are the chunks, how many are dropped, and does a subscriber that never reads hurt?

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;

use super::{Bench, Usage, parameters, rss_mib};
use crate::broadcast::{Broadcast, Form};
use crate::reactor::{Key, Reactor};
use crate::report::{ScenarioReport, Trial};
use crate::schedule::Schedule;
use crate::server_process::{Passwords, Server};
use crate::{accounts, machine};

/// Open files besides the connections, for either process.
const OTHER_FILES: u64 = 256;

/// Parameters of `stream`.
#[derive(Clone, Debug, Args)]
pub struct Stream {
    /// Subscribers, all of whom get everything.
    #[arg(long, default_value_t = 100)]
    pub subscribers: usize,
    /// Megabytes (10^6) per second.
    #[arg(long, default_value_t = 10)]
    pub megabytes: u64,
    /// Bytes of a chunk, at least 32.
    #[arg(long, default_value_t = 64 << 10)]
    pub chunk: usize,
    /// Seconds of each part.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
}

impl Stream {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        ensure!(self.subscribers >= 2, "--subscribers must be at least 2");
        ensure!(self.chunk >= 32, "--chunk must be at least 32");
        machine::allow_open_files(self.subscribers as u64 + OTHER_FILES)?;
        let parameters = parameters([
            ("subscribers", self.subscribers.to_string()),
            ("megabytes per second", self.megabytes.to_string()),
            ("chunk bytes", self.chunk.to_string()),
            ("seconds of each part", self.seconds.to_string()),
        ]);
        bench.trials("stream", parameters, |number| self.trial(bench, number))
    }

    fn trial(&self, bench: &Bench, number: usize) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let names = bench.names("stream", number);
        let accounts = accounts::register(&mut reactor, &names, self.subscribers + 1, 16)?;
        let keys = accounts::log_in(&mut reactor, &accounts, 16)?;
        let mut trial = Trial::default();
        for (form, prefix, deaf) in [
            (Form::Binary, "binary_", false),
            (Form::Structured, "structured_", false),
            (Form::Binary, "one_never_reads_", true),
        ] {
            self.part(&server, &mut reactor, &keys, form, deaf, prefix, &mut trial)?;
        }
        drop(reactor);
        server.stop()?;
        Ok(trial)
    }

    #[allow(clippy::too_many_arguments)]
    fn part(
        &self,
        server: &Server,
        reactor: &mut Reactor,
        keys: &[Key],
        form: Form,
        deaf: bool,
        prefix: &str,
        trial: &mut Trial,
    ) -> Result<()> {
        let mut broadcast = Broadcast::open(reactor, form, keys[0], &keys[1..], self.chunk)?;
        if deaf {
            broadcast.deafen_last(reactor)?;
        }
        let per_second = (self.megabytes * 1_000_000).div_ceil(self.chunk as u64);
        let mut schedule = Schedule::new(per_second, Duration::from_secs(self.seconds));
        let usage = Usage::begin(server.pid)?;
        let start = Instant::now();
        broadcast.begin(start);
        while let Some(due) = schedule.next_due() {
            for n in schedule.take_due(start.elapsed()) {
                broadcast.push(reactor, schedule.intended(n));
            }
            let until_due = (start + due).saturating_duration_since(Instant::now());
            reactor.poll(until_due.min(Duration::from_millis(20)), &mut broadcast)?;
            broadcast.check()?;
        }
        let limit = Instant::now() + Duration::from_secs(5);
        while !broadcast.is_settled() && Instant::now() < limit {
            reactor.poll(Duration::from_millis(20), &mut broadcast)?;
            broadcast.check()?;
        }
        usage.end_as(trial, prefix, "chunk_delivered", broadcast.deliveries())?;
        trial.figure(&format!("{prefix}rss_after_mib"), rss_mib(server.pid)?);
        broadcast.report(trial, prefix);
        Ok(())
    }
}

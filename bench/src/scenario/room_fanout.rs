//! `room-fanout`: one message after another to a large room; when has the last of its members
//! got each? All online; with late acknowledgements; with members who never acknowledge; with
//! half of them offline, where storing a message must not cost more the more members there are.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

pub use super::seating::Variant;
use super::seating::{LOGINS_AT_ONCE, Seating, check_text};
use super::{Bench, Usage, parameters, rss_mib};
use crate::crowd::{self, Crowd, Manner};
use crate::reactor::{Key, Reactor};
use crate::report::{ScenarioReport, Trial};
use crate::schedule::Schedule;
use crate::server_process::{Passwords, Server};
use crate::{accounts, machine, room};

/// Messages of the part in which all but one are offline, and how many of them a second.
const STORED: u64 = 400;
const STORED_PER_SECOND: u64 = 200;

/// Parameters of `room-fanout`.
#[derive(Clone, Debug, Args)]
pub struct RoomFanout {
    /// Members of the room; several sizes are measured one after another.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 9_500])]
    pub members: Vec<usize>,
    /// Messages per second.
    #[arg(long, default_value_t = 1)]
    pub rate: u64,
    /// Seconds of each variant.
    #[arg(long, default_value_t = 15)]
    pub seconds: u64,
    /// Bytes of a text, at least 40.
    #[arg(long, default_value_t = 150)]
    pub body: usize,
    /// What is measured.
    #[arg(long, value_delimiter = ',', value_enum,
          default_values_t = [Variant::Plain, Variant::LateAcks, Variant::Mute, Variant::HalfOffline])]
    pub variants: Vec<Variant>,
}

impl RoomFanout {
    /// Runs all trials of all sizes; a report for each size.
    pub fn run(&self, bench: &Bench) -> Result<Vec<ScenarioReport>> {
        check_text(self.body)?;
        self.members
            .iter()
            .map(|&members| {
                ensure!(members >= 2, "--members must be at least 2");
                let parameters = parameters([
                    ("members", members.to_string()),
                    ("messages per second", self.rate.to_string()),
                    ("seconds of each variant", self.seconds.to_string()),
                    ("body bytes", self.body.to_string()),
                ]);
                bench.trials(&format!("room-fanout-{members}"), parameters, |number| {
                    self.trial(bench, members, number)
                })
            })
            .collect()
    }

    fn trial(&self, bench: &Bench, members: usize, number: usize) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let names = bench.names(&format!("fanout{members}"), number);
        let mut seating = Seating::prepare(&mut reactor, &names, &[members])?;
        let mut trial = Trial::default();
        for &variant in &self.variants {
            let crowd = self.variant(bench, &server, &mut reactor, &mut seating, variant, &mut trial)?;
            if variant == Variant::HalfOffline {
                self.absent_half(bench, &server, &mut reactor, &mut seating, &crowd, &mut trial)?;
            }
        }
        changes(&mut trial);
        server.stop()?;
        Ok(trial)
    }

    /// Logs in, sends, waits, checks, logs out.
    fn variant(
        &self,
        bench: &Bench,
        server: &Server,
        reactor: &mut Reactor,
        seating: &mut Seating,
        variant: Variant,
        trial: &mut Trial,
    ) -> Result<Crowd> {
        let prefix = variant.prefix();
        let (mut crowd, keys) = seating.enter(reactor, variant, self.body)?;
        trial.figure(&format!("{prefix}rss_before_mib"), rss_mib(server.pid)?);
        let usage = Usage::begin(server.pid)?;
        let written = machine::written_bytes(server.pid)?;
        let schedule = Schedule::new(self.rate, Duration::from_secs(self.seconds));
        let messages = schedule.total();
        crowd::run_open(&mut crowd, reactor, schedule)?;
        crowd::settle(&mut crowd, reactor, bench.settle)?;
        usage.end_as(trial, prefix, "delivery", crowd.deliveries())?;
        let written = machine::written_bytes(server.pid)?.saturating_sub(written);
        trial.figure(
            &format!("{prefix}disk_bytes_per_message"),
            written as f64 / messages.max(1) as f64,
        );
        trial.figure(&format!("{prefix}rss_after_mib"), rss_mib(server.pid)?);
        crowd.report_latencies(trial, prefix);
        crowd.verify(trial, prefix);
        accounts::log_out(reactor, &keys)?;
        Ok(crowd)
    }

    /// Everybody but the sender is offline: what storing a message costs, in this room and in one
    /// with a single member. Then those who missed all of it come back and must find it.
    fn absent_half(
        &self,
        bench: &Bench,
        server: &Server,
        reactor: &mut Reactor,
        seating: &mut Seating,
        first: &Crowd,
        trial: &mut Trial,
    ) -> Result<()> {
        let sender = accounts::log_in(reactor, &seating.accounts[..1], 1)?;
        let [sender] = sender[..] else {
            anyhow::bail!("one login was asked for")
        };
        let small = room::create(reactor, &[sender])?
            .pop()
            .context("one room was asked for")?;
        // Before the small room, so that the two series of the large one follow each other.
        let node = seating.node(0).to_owned();
        self.store_only(
            bench,
            server,
            reactor,
            (&node, sender),
            seating,
            "all_offline_",
            trial,
        )?;
        self.store_only(
            bench,
            server,
            reactor,
            (&small, sender),
            seating,
            "small_room_",
            trial,
        )?;
        let per_message = |prefix: &str| {
            trial
                .figures
                .get(&format!("{prefix}server_cpu_us_per_message"))
                .copied()
        };
        if let (Some(large), Some(small)) = (per_message("all_offline_"), per_message("small_room_")) {
            trial.figure("storing_cpu_times_small_room", large / small.max(1.0));
        }
        accounts::log_out(reactor, &[sender])?;

        let mut returning = first.sequel(&[(&node, first.sent(0)), (&node, STORED)]);
        let absent = seating.absent();
        let start = Instant::now();
        crowd::return_all(
            &mut returning,
            reactor,
            &absent,
            &[0, 1],
            LOGINS_AT_ONCE,
            bench.settle * 4,
        )?;
        trial.figure("half_offline_drain_seconds", start.elapsed().as_secs_f64());
        trial.figure("half_offline_drained", returning.deliveries() as f64);
        returning.verify(trial, "half_offline_drain_");
        let keys: Vec<Key> = returning.keys().collect();
        accounts::log_out(reactor, &keys)
    }

    #[allow(clippy::too_many_arguments)]
    fn store_only(
        &self,
        bench: &Bench,
        server: &Server,
        reactor: &mut Reactor,
        (node, sender): (&str, Key),
        seating: &mut Seating,
        prefix: &str,
        trial: &mut Trial,
    ) -> Result<()> {
        let series = seating.series(1);
        let mut crowd = Crowd::new(series, self.body);
        let room = crowd.add_room(node, sender);
        crowd.add_member(sender, Manner::Prompt, &[room]);
        let usage = Usage::begin(server.pid)?;
        let written = machine::written_bytes(server.pid)?;
        crowd::run_open(
            &mut crowd,
            reactor,
            Schedule::new(STORED_PER_SECOND, Duration::from_secs(STORED / STORED_PER_SECOND)),
        )?;
        crowd::settle(&mut crowd, reactor, bench.settle)?;
        usage.end_as(trial, prefix, "message", STORED)?;
        let written = machine::written_bytes(server.pid)?.saturating_sub(written);
        trial.figure(
            &format!("{prefix}disk_bytes_per_message"),
            written as f64 / STORED as f64,
        );
        crowd.verify(trial, prefix);
        Ok(())
    }
}

/// How much later than in the plain variant the typical last receiver got its message. Medians:
/// with a message a second the 99th percentile of a trial is its slowest message alone.
fn changes(trial: &mut Trial) {
    let p50 = |trial: &Trial, variant: Variant| {
        let kind = format!("{}last_receiver", variant.prefix());
        trial
            .latencies
            .get(&kind)
            .map(|latencies| latencies.summary().p50_ms)
    };
    let Some(plain) = p50(trial, Variant::Plain).filter(|&plain| plain > 0.0) else {
        return;
    };
    for variant in [Variant::LateAcks, Variant::Mute] {
        if let Some(value) = p50(trial, variant) {
            trial.figure(
                &format!("{}change_percent", variant.prefix()),
                (value - plain) / plain * 100.0,
            );
        }
    }
}

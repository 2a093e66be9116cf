//! `overload`: the server is offered what it can take and twice that. What it gets done must not
//! shrink, what it refuses must be refused clearly, and what it acknowledged must arrive.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;

use super::{Bench, Usage, parameters, rss_mib, settle, until_due};
use crate::chat::{Chat, MessageForm};
use crate::reactor::Reactor;
use crate::report::{ScenarioReport, Trial};
use crate::schedule::Schedule;
use crate::server_process::Passwords;

/// Parameters of `overload`.
#[derive(Clone, Debug, Args)]
pub struct Overload {
    /// Pairs of friends; both sides send.
    #[arg(long, default_value_t = 50)]
    pub pairs: usize,
    /// Messages of one pair without an echo while the maximum is found.
    #[arg(long, default_value_t = 64)]
    pub window: usize,
    /// Seconds of each load.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Seconds at the beginning of each load that do not count.
    #[arg(long, default_value_t = 2)]
    pub warm_up: u64,
    /// Bytes of a message body, at least 32.
    #[arg(long, default_value_t = 100)]
    pub body: usize,
    /// Bytes that may wait to be written on a connection before its client gives messages up.
    #[arg(long, default_value_t = 256 << 10)]
    pub client_queue: usize,
}

impl Overload {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        ensure!(
            self.window >= 2 && self.seconds > 0,
            "--window must be at least 2 and --seconds at least 1"
        );
        let parameters = parameters([
            ("pairs", self.pairs.to_string()),
            ("window per pair for the maximum", self.window.to_string()),
            ("seconds of each load", self.seconds.to_string()),
            ("warm-up seconds", self.warm_up.to_string()),
            ("body bytes", self.body.to_string()),
            ("queue of a client, bytes", self.client_queue.to_string()),
        ]);
        bench.trials("overload", parameters, |number| self.trial(bench, number))
    }

    fn trial(&self, bench: &Bench, number: usize) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let form = MessageForm {
            body_bytes: self.body,
            client_ids: true,
        };
        let names = bench.names("overload", number);
        let mut chat = Chat::prepare(&mut reactor, &names, self.pairs, form)?;
        let mut trial = Trial::default();
        let maximum = self.maximum(bench, &mut chat, &mut reactor)?;
        trial.figure("maximum_messages_per_second", maximum);
        for times in [1, 2] {
            let prefix = format!("load_{times}x_");
            let usage = Usage::begin(server.pid)?;
            let good = self.load(
                &mut chat,
                &mut reactor,
                maximum * f64::from(times),
                &prefix,
                &mut trial,
            )?;
            usage.end_as(&mut trial, &prefix, "message", 0)?;
            trial.figure(&format!("{prefix}goodput_messages_per_second"), good);
            trial.figure(
                &format!("{prefix}goodput_percent_of_maximum"),
                good / maximum.max(1.0) * 100.0,
            );
            settle(&mut chat, &mut reactor, bench.settle)?;
            trial.figure(&format!("{prefix}rss_after_mib"), rss_mib(server.pid)?);
            chat.report_latencies(&mut trial, &prefix);
        }
        let good = |times| {
            let name = format!("load_{times}x_goodput_messages_per_second");
            trial.figures.get(&name).copied().unwrap_or_default()
        };
        let ratio = good(2) / good(1).max(1.0) * 100.0;
        trial.figure("load_2x_goodput_percent_of_1x", ratio);
        chat.verify_overloaded(&mut trial);
        server.stop()?;
        Ok(trial)
    }

    /// Echoes per second of a closed loop.
    fn maximum(&self, bench: &Bench, chat: &mut Chat, reactor: &mut Reactor) -> Result<f64> {
        let (warm_up, length) = (
            Duration::from_secs(self.warm_up),
            Duration::from_secs(self.seconds),
        );
        let start = Instant::now();
        chat.begin_closed(reactor, self.window / 2, warm_up, length);
        let mut counted = None;
        while start.elapsed() < warm_up + length {
            if counted.is_none() && start.elapsed() >= warm_up {
                counted = Some((Instant::now(), chat.echoed()));
            }
            reactor.poll(Duration::from_millis(20), chat)?;
            chat.check()?;
        }
        let (since, before) = counted.unwrap_or((start, 0));
        let rate = (chat.echoed() - before) as f64 / since.elapsed().as_secs_f64();
        settle(chat, reactor, bench.settle)?;
        chat.report_latencies(&mut Trial::default(), "");
        Ok(rate)
    }

    /// Offers `rate` messages per second; echoes per second after the warm-up.
    fn load(
        &self,
        chat: &mut Chat,
        reactor: &mut Reactor,
        rate: f64,
        prefix: &str,
        trial: &mut Trial,
    ) -> Result<f64> {
        let warm_up = Duration::from_secs(self.warm_up);
        let length = warm_up + Duration::from_secs(self.seconds);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Far below 2^53.
        let mut schedule = Schedule::new(rate.max(1.0) as u64, length);
        let people = chat.people() as u64;
        let (mut given_up, mut counted) = (0_u64, None);
        let refused = chat.refused();
        let start = Instant::now();
        chat.begin(start, warm_up);
        while start.elapsed() < length {
            if counted.is_none() && start.elapsed() >= warm_up {
                counted = Some((Instant::now(), chat.echoed()));
            }
            for n in schedule.take_due(start.elapsed()) {
                let sender = usize::try_from(n % people).unwrap_or(0);
                let sent = chat.send_unless_queued(reactor, sender, schedule.intended(n), self.client_queue);
                given_up += u64::from(!sent);
            }
            reactor.poll(until_due(&schedule, start), chat)?;
            chat.check()?;
        }
        let (since, before) = counted.unwrap_or((start, 0));
        let good = (chat.echoed() - before) as f64 / since.elapsed().as_secs_f64();
        let mut figure = |name: &str, value: f64| trial.figure(&format!("{prefix}{name}"), value);
        figure("offered", schedule.total() as f64);
        figure("refused", (chat.refused() - refused) as f64);
        figure("given_up_by_clients", given_up as f64);
        Ok(good)
    }
}

//! `chat-rate`: durable one-to-one messages at a fixed total rate; how late are the sender's
//! echo and the delivery, counted from the moment the message was meant to leave?

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use super::{Bench, Usage, parameters, send_due, settle, until_due};
use crate::chat::{Chat, MessageForm};
use crate::reactor::Reactor;
use crate::report::{ScenarioReport, Trial};
use crate::schedule::Schedule;
use crate::server_process::Passwords;

/// Parameters of `chat-rate`.
#[derive(Clone, Debug, Args)]
pub struct ChatRate {
    /// Messages per second, all pairs together.
    #[arg(long, default_value_t = 1_000)]
    pub rate: u64,
    /// Pairs of friends; both sides send.
    #[arg(long, default_value_t = 100)]
    pub pairs: usize,
    /// Measured seconds.
    #[arg(long, default_value_t = 15)]
    pub seconds: u64,
    /// Seconds before that whose latencies do not count.
    #[arg(long, default_value_t = 3)]
    pub warm_up: u64,
    /// Bytes of a message body, at least 32.
    #[arg(long, default_value_t = 100)]
    pub body: usize,
    /// Give every message a client id, for idempotent repetition.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub client_ids: bool,
}

impl ChatRate {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        let parameters = parameters([
            ("messages per second", self.rate.to_string()),
            ("pairs", self.pairs.to_string()),
            ("seconds", self.seconds.to_string()),
            ("warm-up seconds", self.warm_up.to_string()),
            ("body bytes", self.body.to_string()),
            ("client ids", self.client_ids.to_string()),
        ]);
        bench.trials("chat-rate", parameters, |number| self.trial(bench, number))
    }

    fn trial(&self, bench: &Bench, number: usize) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let form = MessageForm {
            body_bytes: self.body,
            client_ids: self.client_ids,
        };
        let mut chat = Chat::prepare(&mut reactor, &bench.names("rate", number), self.pairs, form)?;

        let warm_up = Duration::from_secs(self.warm_up);
        let mut schedule = Schedule::new(self.rate, warm_up + Duration::from_secs(self.seconds));
        let start = Instant::now();
        chat.begin(start, warm_up);
        let usage = Usage::begin(server.pid)?;
        while schedule.next_due().is_some() {
            send_due(&mut chat, &mut reactor, &mut schedule, start);
            reactor.poll(until_due(&schedule, start), &mut chat)?;
            chat.check()?;
        }
        let mut trial = Trial::default();
        usage.end(&mut trial, schedule.total())?;
        settle(&mut chat, &mut reactor, bench.settle)?;
        chat.report_latencies(&mut trial, "");
        chat.verify(&mut trial);
        server.stop()?;
        Ok(trial)
    }
}

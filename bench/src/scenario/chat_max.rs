//! `chat-max`: as many durable one-to-one messages as the server takes. A closed loop: every
//! participant has a fixed number of messages without an echo and sends the next when one
//! arrives, so latencies here describe the loop and not what people would notice.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;

use super::{Bench, Usage, parameters, settle};
use crate::chat::{Chat, MessageForm};
use crate::machine;
use crate::reactor::Reactor;
use crate::report::{ScenarioReport, Trial};
use crate::server_process::Passwords;

/// Parameters of `chat-max`.
#[derive(Clone, Debug, Args)]
pub struct ChatMax {
    /// Pairs of friends; both sides send.
    #[arg(long, default_value_t = 50)]
    pub pairs: usize,
    /// Messages of one pair without an echo, half of them from either side.
    #[arg(long, default_value_t = 64)]
    pub window: usize,
    /// Measured seconds.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Seconds of load before that.
    #[arg(long, default_value_t = 3)]
    pub warm_up: u64,
    /// Bytes of a message body, at least 32.
    #[arg(long, default_value_t = 100)]
    pub body: usize,
    /// Give every message a client id, for idempotent repetition.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub client_ids: bool,
}

impl ChatMax {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        ensure!(
            self.window >= 2,
            "--window must be at least 2, one message for either side of a pair"
        );
        let parameters = parameters([
            ("pairs", self.pairs.to_string()),
            ("window per pair", self.window.to_string()),
            ("seconds", self.seconds.to_string()),
            ("warm-up seconds", self.warm_up.to_string()),
            ("body bytes", self.body.to_string()),
            ("client ids", self.client_ids.to_string()),
        ]);
        bench.trials("chat-max", parameters, |number| self.trial(bench, number))
    }

    fn trial(&self, bench: &Bench, number: usize) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let form = MessageForm {
            body_bytes: self.body,
            client_ids: self.client_ids,
        };
        let mut chat = Chat::prepare(&mut reactor, &bench.names("max", number), self.pairs, form)?;

        let (warm_up, length) = (
            Duration::from_secs(self.warm_up),
            Duration::from_secs(self.seconds),
        );
        let start = Instant::now();
        chat.begin_closed(&mut reactor, self.window / 2, warm_up, length);
        run_until(&mut chat, &mut reactor, start + warm_up)?;
        let (usage, before) = (Usage::begin(server.pid)?, chat.echoed());
        run_until(&mut chat, &mut reactor, start + warm_up + length)?;
        let (wall, echoed) = (usage.wall.elapsed(), chat.echoed() - before);
        let mut trial = Trial::default();
        usage.end(&mut trial, echoed)?;
        trial.figure("messages_per_second", echoed as f64 / wall.as_secs_f64());
        settle(&mut chat, &mut reactor, bench.settle)?;
        trial.figure(
            "server_rss_mib",
            machine::memory(server.pid)?.rss as f64 / f64::from(1 << 20),
        );
        chat.report_latencies(&mut trial, "");
        chat.verify(&mut trial);
        server.stop()?;
        Ok(trial)
    }
}

fn run_until(chat: &mut Chat, reactor: &mut Reactor, end: Instant) -> Result<()> {
    while Instant::now() < end {
        reactor.poll(Duration::from_millis(20), chat)?;
        chat.check()?;
    }
    Ok(())
}

//! `login-storm`: many people log in at once, first by password, then by token, while a few
//! others chat at a modest rate. How many logins per second, and do the chatting ones notice?
//! Password hashes have their default cost here.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::{Bench, Usage, parameters, send_due, settle, until_due};
use crate::accounts::{self, Account, positive_answer};
use crate::chat::{Chat, MessageForm};
use crate::latency::Latencies;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::report::{ScenarioReport, Trial};
use crate::schedule::Schedule;
use crate::server_process::{Passwords, Server};

/// Parameters of `login-storm`.
#[derive(Clone, Debug, Args)]
pub struct LoginStorm {
    /// Logins under way at the same time.
    #[arg(long, default_value_t = 32)]
    pub parallel: usize,
    /// Accounts that log in again and again.
    #[arg(long, default_value_t = 64)]
    pub accounts: usize,
    /// Chat messages per second meanwhile.
    #[arg(long, default_value_t = 100)]
    pub chat_rate: u64,
    /// Pairs that chat.
    #[arg(long, default_value_t = 10)]
    pub chat_pairs: usize,
    /// Tokens collected for the storm of logins by token.
    #[arg(long, default_value_t = 10_000)]
    pub tokens: usize,
    /// Seconds of quiet chat and of password logins, each; half of it of token requests.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
}

impl LoginStorm {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        ensure!(
            self.accounts >= self.parallel,
            "--accounts must not be below --parallel"
        );
        let parameters = parameters([
            ("parallel logins", self.parallel.to_string()),
            ("accounts", self.accounts.to_string()),
            ("chat messages per second", self.chat_rate.to_string()),
            ("chat pairs", self.chat_pairs.to_string()),
            ("tokens", self.tokens.to_string()),
            ("seconds", self.seconds.to_string()),
        ]);
        bench.trials("login-storm", parameters, |number| self.trial(bench, number))
    }

    fn trial(&self, bench: &Bench, number: usize) -> Result<Trial> {
        let mut trial = Trial::default();
        let length = Duration::from_secs(self.seconds);
        {
            let (server, _folder) = bench.fresh_server(Passwords::Default)?;
            let mut run = self.prepare(bench, &server, &bench.names("storm", number))?;
            run.phase(Work::Nothing, 0, length, Some((&mut trial, "quiet")))?;
            run.phase(
                Work::PasswordLogin,
                self.parallel,
                length,
                Some((&mut trial, "password")),
            )?;
            run.phase(
                Work::Token,
                self.parallel,
                length / 2,
                Some((&mut trial, "token_request")),
            )?;
            run.finish(bench, &mut trial)?;
            server.stop()?;
        }
        // Collecting enough tokens takes minutes at the full cost of a hash, and a login with a
        // token computes none: this half gets a server with cheap hashes and lasting tokens.
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut run = self.prepare(bench, &server, &bench.names("tokens", number))?;
        while run.storm.tokens.len() < self.tokens {
            run.phase(Work::Token, self.parallel, Duration::from_millis(500), None)?;
        }
        run.phase(
            Work::TokenLogin,
            self.parallel,
            length * 10,
            Some((&mut trial, "token")),
        )?;
        run.finish(bench, &mut trial)?;
        server.stop()?;
        Ok(trial)
    }

    fn prepare(&self, bench: &Bench, server: &Server, names: &str) -> Result<Run> {
        let mut reactor = Reactor::new(server.address)?;
        let accounts = accounts::register(&mut reactor, names, self.accounts, 8)?;
        let form = MessageForm {
            body_bytes: 100,
            client_ids: true,
        };
        let mut chat = Chat::prepare(&mut reactor, &format!("{names}-calm"), self.chat_pairs, form)?;
        let start = Instant::now();
        chat.begin(start, Duration::ZERO);
        Ok(Run {
            reactor,
            pid: server.pid,
            // Longer than everything together: the chat ends with the last storm.
            schedule: Schedule::new(self.chat_rate, Duration::from_secs(3600) + bench.settle),
            start,
            storm: Storm {
                chat,
                accounts,
                next: 0,
                doing: HashMap::new(),
                tokens: VecDeque::new(),
                tally: Tally::default(),
            },
        })
    }
}

/// Storms on one server, one after another; the chat goes on through all of them.
struct Run {
    reactor: Reactor,
    pid: u32,
    schedule: Schedule,
    start: Instant,
    storm: Storm,
}

impl Run {
    /// Keeps `parallel` pieces of `work` under way for `length` or until there is no more, then
    /// waits for those under way. Rate and latencies go to the trial under the name of the phase.
    fn phase(
        &mut self,
        work: Work,
        parallel: usize,
        length: Duration,
        report: Option<(&mut Trial, &str)>,
    ) -> Result<()> {
        let usage = Usage::begin(self.pid)?;
        let (begun, mut ended) = (Instant::now(), None);
        self.storm.tally = Tally::default();
        loop {
            let more = begun.elapsed() < length && self.storm.has(work);
            if more {
                while self.storm.doing.len() < parallel && self.storm.has(work) {
                    self.storm.begin(&mut self.reactor, work)?;
                }
            } else if ended.is_none() {
                // The rate is that of the full storm, without the tail.
                ended = Some((self.storm.tally.done, begun.elapsed()));
            }
            if !more && self.storm.doing.is_empty() {
                break;
            }
            ensure!(
                begun.elapsed() < length + Duration::from_secs(60),
                "{work:?} did not end"
            );
            send_due(
                &mut self.storm.chat,
                &mut self.reactor,
                &mut self.schedule,
                self.start,
            );
            self.reactor
                .poll(until_due(&self.schedule, self.start), &mut self.storm)?;
            self.storm.chat.check()?;
        }
        let tally = std::mem::take(&mut self.storm.tally);
        let Some((trial, name)) = report else {
            return tally
                .failures
                .into_keys()
                .next()
                .map_or(Ok(()), |reason| bail!("{work:?} failed: {reason}"));
        };
        let mut usage_of_phase = Trial::default();
        usage.end(&mut usage_of_phase, tally.done)?;
        for (figure, value) in usage_of_phase.figures {
            trial.figure(
                &format!("{name}_{}", figure.replace("per_message", "each")),
                value,
            );
        }
        if work != Work::Nothing {
            // With little work all of it may be the tail.
            let (done, elapsed) = ended
                .filter(|(done, _)| *done > 0)
                .unwrap_or((tally.done, begun.elapsed()));
            let unit = if work == Work::Token {
                "per_second"
            } else {
                "logins_per_second"
            };
            trial.figure(&format!("{name}_{unit}"), done as f64 / elapsed.as_secs_f64());
            trial.latency(name, tally.latencies);
            for (reason, count) in tally.failures {
                trial.violation(count, &format!("of {name} failed: {reason}"));
            }
        }
        self.storm.chat.report_latencies(trial, &format!("{name}_chat_"));
        Ok(())
    }

    /// Waits for the last chat messages and checks them all.
    fn finish(&mut self, bench: &Bench, trial: &mut Trial) -> Result<()> {
        settle(&mut self.storm.chat, &mut self.reactor, bench.settle)?;
        self.storm.chat.verify(trial);
        Ok(())
    }
}

/// What the storm consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Nothing,
    PasswordLogin,
    Token,
    TokenLogin,
}

/// One piece of work under way.
struct Doing {
    work: Work,
    account: usize,
    token: String,
    begun: Instant,
}

#[derive(Default)]
struct Tally {
    done: u64,
    latencies: Latencies,
    failures: HashMap<String, u64>,
}

struct Storm {
    chat: Chat,
    accounts: Vec<Account>,
    next: usize,
    doing: HashMap<Key, Doing>,
    tokens: VecDeque<(usize, String)>,
    tally: Tally,
}

impl Storm {
    fn has(&self, work: Work) -> bool {
        work != Work::TokenLogin || !self.tokens.is_empty()
    }

    fn begin(&mut self, reactor: &mut Reactor, work: Work) -> Result<()> {
        let (account, token) = match work {
            Work::TokenLogin => match self.tokens.pop_front() {
                Some(token) => token,
                None => return Ok(()),
            },
            _ => {
                self.next = (self.next + 1) % self.accounts.len();
                (self.next, String::new())
            }
        };
        let key = if work == Work::Token {
            reactor.open_http()?
        } else {
            reactor.open_websocket(None)?
        };
        if work == Work::Token {
            let request = self.accounts[account].token_request();
            reactor.with_outbox(key, |out| out.post(&request));
        }
        self.doing.insert(
            key,
            Doing {
                work,
                account,
                token,
                begun: Instant::now(),
            },
        );
        Ok(())
    }

    fn storm_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        let Some(doing) = self.doing.get(&key) else { return };
        let outcome = match event {
            Event::Open => {
                let account = &self.accounts[doing.account];
                out.packet(&match doing.work {
                    Work::TokenLogin => account.token_login(&doing.token),
                    _ => account.password_login(),
                });
                return;
            }
            Event::Packet(packet) => positive_answer(packet).map(drop),
            Event::Response { status: 200, body } => positive_answer(body).map(|answer| {
                let token = (doing.account, answer.n.unwrap_or_default());
                self.tokens.push_back(token);
            }),
            Event::Response { status, .. } => Err(anyhow::anyhow!("HTTP status {status}")),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
        };
        match outcome {
            Ok(()) => {
                self.tally.done += 1;
                self.tally
                    .latencies
                    .record(now.saturating_duration_since(doing.begun));
            }
            Err(error) => *self.tally.failures.entry(error.to_string()).or_default() += 1,
        }
        if doing.work == Work::Token {
            out.hang_up();
        } else {
            out.close();
        }
        self.doing.remove(&key);
    }
}

impl Application for Storm {
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        if self.chat.owns(key) {
            self.chat.on_event(key, event, now, out);
        } else {
            self.storm_event(key, event, now, out);
        }
    }
}

//! `presence-storm`: thousands of people go online within seconds and each tells all friends,
//! while others chat. Do those notice, and do the presences arrive?

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{Bench, Usage, parameters, rss_mib, send_due, settle, until_due};
use crate::accounts::{self, Account};
use crate::chat::{Chat, MessageForm};
use crate::friendships::{self, Circle};
use crate::machine;
use crate::presence::GoingOnline;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::report::{ScenarioReport, Trial};
use crate::schedule::Schedule;
use crate::server_process::{Host, Passwords};

/// Open files besides the connections, for either process.
const OTHER_FILES: u64 = 256;

/// A server may spread presences over some time; when none came for so long, the rest is lost.
const PATIENCE: Duration = Duration::from_secs(3);
const LONGEST_TAIL: Duration = Duration::from_secs(120);

/// Parameters of `presence-storm`.
#[derive(Clone, Debug, Args)]
pub struct PresenceStorm {
    /// People who go online.
    #[arg(long, default_value_t = 10_000)]
    pub people: usize,
    /// Friends of each, an even number.
    #[arg(long, default_value_t = 200)]
    pub friends: usize,
    /// Seconds within which they do.
    #[arg(long, default_value_t = 10)]
    pub within: u64,
    /// Seconds of quiet chat before.
    #[arg(long, default_value_t = 10)]
    pub quiet: u64,
    /// Chat messages per second, all pairs together.
    #[arg(long, default_value_t = 1_000)]
    pub chat_rate: u64,
    /// Pairs that chat.
    #[arg(long, default_value_t = 50)]
    pub chat_pairs: usize,
}

impl PresenceStorm {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        let circle = Circle {
            people: self.people,
            friends: self.friends,
        };
        circle.check()?;
        ensure!(
            self.within > 0 && self.chat_pairs > 0,
            "--within and --chat-pairs must be at least 1"
        );
        machine::allow_open_files((self.people + 2 * self.chat_pairs) as u64 + OTHER_FILES)?;
        let parameters = parameters([
            ("people", self.people.to_string()),
            ("friends of each", self.friends.to_string()),
            ("online within seconds", self.within.to_string()),
            ("quiet seconds", self.quiet.to_string()),
            ("chat messages per second", self.chat_rate.to_string()),
            ("chat pairs", self.chat_pairs.to_string()),
        ]);
        let folder = bench.folder()?;
        let accounts = self.make_friends(bench, folder.path(), circle)?;
        bench.trials("presence-storm", parameters, |number| {
            self.trial(bench, folder.path(), &accounts, circle, number)
        })
    }

    /// Registers everybody; friendships go into the database of the stopped server, or, of a
    /// server that cannot be stopped, over the protocol.
    fn make_friends(&self, bench: &Bench, folder: &Path, circle: Circle) -> Result<Vec<Account>> {
        let server = bench.host.start(folder, Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        (bench.progress)(&format!("presence-storm: registering {} accounts", self.people));
        let accounts = accounts::register(&mut reactor, &bench.names("presence", 0), self.people, 16)?;
        let pairs = self.people * self.friends / 2;
        (bench.progress)(&format!("presence-storm: making {pairs} friendships"));
        if let Host::Binary {
            server_core,
            own_core,
            ..
        } = &bench.host
        {
            server.stop()?;
            let cores: Vec<usize> = server_core.iter().chain(own_core).copied().collect();
            // Threads of the store are bound like the one that opens it.
            if !cores.is_empty() {
                machine::bind_to_cores(&cores)?;
            }
            friendships::make(&folder.join("data"), &accounts, circle)?;
            if let Some(own) = own_core {
                machine::bind_to_cores(&[*own])?;
            }
            return Ok(accounts);
        }
        ensure!(
            pairs <= 100_000,
            "{pairs} friendships cannot be made on a running server: take fewer --people or --friends"
        );
        friendships::make_online(&mut reactor, &accounts, circle)?;
        Ok(accounts)
    }

    fn trial(
        &self,
        bench: &Bench,
        folder: &Path,
        accounts: &[Account],
        circle: Circle,
        number: usize,
    ) -> Result<Trial> {
        let server = bench.host.start(folder, Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let form = MessageForm {
            body_bytes: 100,
            client_ids: true,
        };
        let names = bench.names("calm", number);
        let mut run = Both {
            chat: Chat::prepare(&mut reactor, &names, self.chat_pairs, form)?,
            storm: GoingOnline::new(accounts, circle),
        };
        let mut trial = Trial::default();
        let quiet = Duration::from_secs(self.quiet);
        let within = Duration::from_secs(self.within);
        let mut chat = Schedule::new(self.chat_rate, Duration::from_secs(3600));
        let start = Instant::now();
        run.chat.begin(start, Duration::ZERO);

        let usage = Usage::begin(server.pid)?;
        run.until(
            &mut reactor,
            &mut chat,
            start,
            |_, _, elapsed| Ok(elapsed < quiet),
        )?;
        usage.end_as(&mut trial, "quiet_", "presence", 0)?;
        run.chat.report_latencies(&mut trial, "quiet_chat_");

        // Everybody in an order in which neighbours in the circle do not follow each other.
        let sources = accounts::source_addresses(self.people)?;
        let stride = (self.people / 3..)
            .find(|stride| greatest_common_divisor(*stride, self.people) == 1)
            .context("no stride")?;
        let per_second = (self.people as u64).div_ceil(self.within);
        let mut arrivals = Schedule::new(per_second, within + Duration::from_secs(1));
        let mut arrived = 0;
        let usage = Usage::begin(server.pid)?;
        let storm_start = Instant::now();
        run.storm.begin(storm_start);
        run.until(&mut reactor, &mut chat, start, |run, reactor, _| {
            for n in arrivals.take_due(storm_start.elapsed()) {
                if arrived == self.people {
                    break;
                }
                let person = arrived * stride % self.people;
                let source = sources[arrived % sources.len()];
                run.storm.connect(reactor, person, source, arrivals.intended(n))?;
                arrived += 1;
            }
            Ok(storm_start.elapsed() < within)
        })?;
        usage.end_as(&mut trial, "storm_", "presence", run.storm.received())?;
        trial.figure("storm_presences_received", run.storm.received() as f64);
        run.chat.report_latencies(&mut trial, "storm_chat_");
        let tail_start = Instant::now();
        run.until(&mut reactor, &mut chat, start, |run, _, _| {
            let silent = run.storm.last_received().max(tail_start).elapsed() > PATIENCE;
            Ok(!run.storm.is_settled() && !silent && tail_start.elapsed() < LONGEST_TAIL)
        })?;
        let seconds = run.storm.last_received().duration_since(storm_start);
        trial.figure("last_presence_after_seconds", seconds.as_secs_f64());
        trial.figure("rss_after_mib", rss_mib(server.pid)?);
        run.chat.report_latencies(&mut trial, "tail_chat_");
        run.storm.report(&mut trial);
        settle(&mut run.chat, &mut reactor, bench.settle)?;
        run.chat.verify(&mut trial);
        drop(reactor);
        server
            .stop()
            .context("stopping after closing all connections at once")?;
        Ok(trial)
    }
}

struct Both<'a> {
    chat: Chat,
    storm: GoingOnline<'a>,
}

impl Both<'_> {
    /// Chats by `schedule`, whose start was `start`, while `goes_on` says so.
    fn until(
        &mut self,
        reactor: &mut Reactor,
        schedule: &mut Schedule,
        start: Instant,
        mut goes_on: impl FnMut(&mut Self, &mut Reactor, Duration) -> Result<bool>,
    ) -> Result<()> {
        while goes_on(self, reactor, start.elapsed())? {
            send_due(&mut self.chat, reactor, schedule, start);
            reactor.poll(until_due(schedule, start).min(Duration::from_millis(1)), self)?;
            self.chat.check()?;
            self.storm.check()?;
        }
        Ok(())
    }
}

impl Application for Both<'_> {
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        if self.storm.owns(key) {
            self.storm.on_event(key, event, now, out);
        } else {
            self.chat.on_event(key, event, now, out);
        }
    }
}

fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

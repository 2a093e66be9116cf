//! `mixed`: a minute of everything at once: pairs chat, rooms of different sizes talk, people log
//! in and tell their friends, one stream runs. Every latency is reported.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::seating::{Seating, Variant};
use super::{Bench, Usage, parameters, rss_mib, send_due};
use crate::accounts;
use crate::broadcast::{Broadcast, Form};
use crate::chat::{Chat, MessageForm};
use crate::crowd::Crowd;
use crate::friendships::{self, Circle};
use crate::machine;
use crate::presence::GoingOnline;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::report::{ScenarioReport, Trial};
use crate::schedule::Schedule;
use crate::server_process::Passwords;

/// Open files besides the connections, for either process.
const OTHER_FILES: u64 = 256;
const SMALLEST_ROOM: usize = 50;
const LARGEST_ROOM: usize = 500;
const CHUNK_BYTES: usize = 16 << 10;

/// Parameters of `mixed`.
#[derive(Clone, Debug, Args)]
pub struct Mixed {
    /// Seconds.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// Pairs that chat.
    #[arg(long, default_value_t = 100)]
    pub pairs: usize,
    /// Chat messages per second, all pairs together.
    #[arg(long, default_value_t = 1_000)]
    pub chat_rate: u64,
    /// Rooms, with 50 to 500 members.
    #[arg(long, default_value_t = 20)]
    pub rooms: usize,
    /// Room messages per second, all rooms together.
    #[arg(long, default_value_t = 40)]
    pub room_rate: u64,
    /// People who log in and tell their friends, evenly over the time.
    #[arg(long, default_value_t = 600)]
    pub people: usize,
    /// Friends of each of them, an even number.
    #[arg(long, default_value_t = 20)]
    pub friends: usize,
    /// Subscribers of the stream.
    #[arg(long, default_value_t = 20)]
    pub subscribers: usize,
    /// Kilobytes (1000) per second of the stream.
    #[arg(long, default_value_t = 1_000)]
    pub stream_kilobytes: u64,
}

impl Mixed {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        ensure!(
            self.pairs > 0 && self.rooms > 0 && self.subscribers > 0 && self.seconds > 0,
            "there must be pairs, rooms, subscribers and time"
        );
        self.circle().check()?;
        let others = self.pairs * 2 + self.people + self.subscribers + 1;
        let connections = self.sizes().iter().sum::<usize>() + others;
        machine::allow_open_files(connections as u64 + OTHER_FILES)?;
        let parameters = parameters([
            ("seconds", self.seconds.to_string()),
            ("pairs", self.pairs.to_string()),
            ("chat messages per second", self.chat_rate.to_string()),
            ("rooms of 50 to 500", self.rooms.to_string()),
            ("room messages per second", self.room_rate.to_string()),
            ("people who log in", self.people.to_string()),
            ("friends of each", self.friends.to_string()),
            ("stream subscribers", self.subscribers.to_string()),
            ("stream kilobytes per second", self.stream_kilobytes.to_string()),
        ]);
        bench.trials("mixed", parameters, |number| self.trial(bench, number))
    }

    fn circle(&self) -> Circle {
        Circle {
            people: self.people,
            friends: self.friends,
        }
    }

    fn sizes(&self) -> Vec<usize> {
        let steps = (self.rooms - 1).max(1);
        (0..self.rooms)
            .map(|room| SMALLEST_ROOM + (LARGEST_ROOM - SMALLEST_ROOM) * room / steps)
            .collect()
    }

    fn trial(&self, bench: &Bench, number: usize) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let names = |part: &str| bench.names(&format!("mixed-{part}"), number);
        let form = MessageForm {
            body_bytes: 100,
            client_ids: true,
        };
        let mut seating = Seating::prepare(&mut reactor, &names("room"), &self.sizes())?;
        let people = accounts::register(&mut reactor, &names("friend"), self.people, 16)?;
        friendships::make_online(&mut reactor, &people, self.circle())?;
        let viewers = accounts::register(&mut reactor, &names("viewer"), self.subscribers + 1, 16)?;
        let viewers = accounts::log_in(&mut reactor, &viewers, 16)?;
        let stream = Broadcast::open(&mut reactor, Form::Binary, viewers[0], &viewers[1..], CHUNK_BYTES)?;
        let chat = Chat::prepare(&mut reactor, &names("pair"), self.pairs, form)?;
        let (crowd, _) = seating.enter(&mut reactor, Variant::Plain, 150)?;
        let mut town = Town {
            chat,
            crowd,
            stream,
            online: GoingOnline::new(&people, self.circle()),
        };
        let mut trial = Trial::default();
        trial.figure("rss_before_mib", rss_mib(server.pid)?);
        let usage = Usage::begin(server.pid)?;
        self.day(&mut town, &mut reactor)?;
        town.settle(&mut reactor, bench.settle)?;
        usage.end_as(&mut trial, "", "message", 0)?;
        trial.figure("rss_after_mib", rss_mib(server.pid)?);
        town.chat.report_latencies(&mut trial, "chat_");
        town.crowd.report_latencies(&mut trial, "room_");
        town.online.report(&mut trial);
        town.stream.report(&mut trial, "stream_");
        town.chat.verify(&mut trial);
        town.crowd.verify(&mut trial, "");
        drop(reactor);
        server
            .stop()
            .context("stopping after closing all connections at once")?;
        Ok(trial)
    }

    /// Everything by its own schedule.
    fn day(&self, town: &mut Town<'_>, reactor: &mut Reactor) -> Result<()> {
        let length = Duration::from_secs(self.seconds);
        let chunks = (self.stream_kilobytes * 1_000).div_ceil(CHUNK_BYTES as u64);
        let mut chat = Schedule::new(self.chat_rate, length);
        let mut rooms = Schedule::new(self.room_rate, length);
        let mut stream = Schedule::new(chunks, length);
        let mut arrivals = Schedule::new((self.people as u64).div_ceil(self.seconds), length);
        let (mut arrived, start) = (0, Instant::now());
        town.chat.begin(start, Duration::ZERO);
        town.crowd.begin(start, Duration::ZERO);
        town.stream.begin(start);
        town.online.begin(start);
        while start.elapsed() < length {
            send_due(&mut town.chat, reactor, &mut chat, start);
            for n in rooms.take_due(start.elapsed()) {
                let room = usize::try_from(n % town.crowd.rooms() as u64).unwrap_or(0);
                town.crowd.send(reactor, room, rooms.intended(n));
            }
            for n in stream.take_due(start.elapsed()) {
                town.stream.push(reactor, stream.intended(n));
            }
            for n in arrivals.take_due(start.elapsed()) {
                if arrived < self.people {
                    town.online
                        .connect(reactor, arrived, None, arrivals.intended(n))?;
                    arrived += 1;
                }
            }
            let next = [&chat, &rooms, &stream, &arrivals]
                .iter()
                .filter_map(|schedule| schedule.next_due())
                .min()
                .unwrap_or(length);
            let wait = town.crowd.turn(reactor);
            let until_due = (start + next).saturating_duration_since(Instant::now());
            reactor.poll(wait.min(until_due), town)?;
            town.check()?;
        }
        // The last arrivals of an uneven division.
        while arrived < self.people {
            town.online.connect(reactor, arrived, None, start.elapsed())?;
            arrived += 1;
        }
        Ok(())
    }
}

struct Town<'a> {
    chat: Chat,
    crowd: Crowd,
    stream: Broadcast,
    online: GoingOnline<'a>,
}

impl Town<'_> {
    fn check(&mut self) -> Result<()> {
        self.chat.check()?;
        self.crowd.check()?;
        self.stream.check()?;
        self.online.check()
    }

    /// Volatile things may have been dropped: those are waited for a few seconds only.
    fn settle(&mut self, reactor: &mut Reactor, limit: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let durable = self.chat.is_settled() && self.crowd.is_settled();
            let volatile = self.stream.is_settled() && self.online.is_settled();
            let patience = start.elapsed() < Duration::from_secs(5).min(limit);
            if start.elapsed() >= limit || (durable && (volatile || !patience)) {
                return Ok(());
            }
            let wait = self.crowd.turn(reactor);
            reactor.poll(wait, self)?;
            self.check()?;
        }
    }
}

impl Application for Town<'_> {
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        if self.crowd.owns(key) {
            self.crowd.on_event(key, event, now, out);
        } else if self.chat.owns(key) {
            self.chat.on_event(key, event, now, out);
        } else if self.stream.owns(key) {
            self.stream.on_event(key, event, now, out);
        } else {
            self.online.on_event(key, event, now, out);
        }
    }
}

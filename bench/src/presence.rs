//! People who go online and tell all their friends (wire-protocol 7.5), and how many of their
//! presences reach the friends who are already there.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tim_protocol::packet::{PacketType, client_packet, offline_request};
use tim_protocol::wire::TimPresence;

use crate::accounts::{Account, ENCODING, positive_answer};
use crate::chat::Tag;
use crate::delivery::presence_status;
use crate::friendships::Circle;
use crate::latency::Latencies;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::report::Trial;
use crate::room::acknowledge;

/// A presence for all friends that carries `tag`.
pub fn broadcast(tag: Tag) -> Vec<u8> {
    let presence = TimPresence {
        show: Some(1),
        status: Some(tag.body(0)),
        ..TimPresence::default()
    };
    client_packet(PacketType::BroadPresence, ENCODING, &presence)
}

#[derive(Clone, Copy, Default)]
struct Person {
    online: bool,
    /// Presences of friends who spoke after this one was certainly online.
    due: u32,
    received: u32,
}

/// A circle of friends going online.
pub struct GoingOnline<'a> {
    accounts: &'a [Account],
    circle: Circle,
    people: Vec<Person>,
    by_key: HashMap<Key, usize>,
    start: Instant,
    meant: Vec<Duration>,
    online: usize,
    logins: Latencies,
    presences: Latencies,
    received: u64,
    last: Instant,
    unexpected: u64,
    failure: Option<anyhow::Error>,
}

impl<'a> GoingOnline<'a> {
    /// Nobody is online yet.
    pub fn new(accounts: &'a [Account], circle: Circle) -> Self {
        Self {
            accounts,
            circle,
            people: vec![Person::default(); accounts.len()],
            by_key: HashMap::new(),
            start: Instant::now(),
            meant: vec![Duration::ZERO; accounts.len()],
            online: 0,
            logins: Latencies::new(),
            presences: Latencies::new(),
            received: 0,
            last: Instant::now(),
            unexpected: 0,
            failure: None,
        }
    }

    /// Starts the clock.
    pub fn begin(&mut self, start: Instant) {
        self.start = start;
    }

    /// Lets person `n` connect, who was meant to at `intended`.
    pub fn connect(
        &mut self,
        reactor: &mut Reactor,
        n: usize,
        source: Option<std::net::IpAddr>,
        intended: Duration,
    ) -> Result<()> {
        let key = reactor.open_websocket(source)?;
        self.by_key.insert(key, n);
        self.meant[n] = intended;
        Ok(())
    }

    /// Whether `key` is one of these connections.
    pub fn owns(&self, key: Key) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Whether everybody is online and has got what was due.
    pub fn is_settled(&self) -> bool {
        self.online == self.people.len() && self.people.iter().all(|person| person.received >= person.due)
    }

    /// Fails when a connection was lost or a packet was not understood.
    pub fn check(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// When the last presence arrived.
    pub fn last_received(&self) -> Instant {
        self.last
    }

    /// Presences received so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Notes latencies, what was dropped, and what was not as it must be. A presence counts as
    /// dropped when its receiver was certainly online before it was sent; one sent during the
    /// login of its receiver may arrive or not.
    pub fn report(&mut self, trial: &mut Trial) {
        let dropped: u64 = self
            .people
            .iter()
            .map(|person| u64::from(person.due.saturating_sub(person.received)))
            .sum();
        let due: u64 = self.people.iter().map(|person| u64::from(person.due)).sum();
        let doubled: u64 = self
            .people
            .iter()
            .map(|person| u64::from(person.received).saturating_sub(self.circle.friends as u64))
            .sum();
        trial.figure("presences_received", self.received as f64);
        trial.figure("presences_dropped", dropped as f64);
        trial.figure(
            "presences_dropped_percent",
            dropped as f64 / due.max(1) as f64 * 100.0,
        );
        trial.latency("login", std::mem::take(&mut self.logins));
        trial.latency("presence", std::mem::take(&mut self.presences));
        trial.violation(doubled, "presences more than friends");
        trial.violation(self.unexpected, "packets that belong to no presence");
        trial.violation((self.people.len() - self.online) as u64, "people not online");
    }

    fn packet(&mut self, n: usize, bytes: &[u8], now: Instant, out: &mut Outbox) -> Result<()> {
        if acknowledge(bytes, out).is_some() {
            return Ok(());
        }
        let (&first, payload) = bytes.split_first().context("empty packet")?;
        match PacketType::from_u8(first) {
            Some(PacketType::Presence) => {
                let status = presence_status(payload).context("presence not understood")?;
                let tag = std::str::from_utf8(status).ok().and_then(Tag::read);
                let Some(tag) = tag else {
                    self.unexpected += 1;
                    return Ok(());
                };
                self.received += 1;
                self.last = now;
                self.people[n].received += 1;
                self.presences
                    .record(now.saturating_duration_since(self.start + tag.intended));
            }
            Some(PacketType::Ack) => {
                positive_answer(bytes)?;
                if !self.people[n].online {
                    self.logged_in(n, now, out);
                }
            }
            Some(PacketType::OfflineMsgEnd | PacketType::Ping) => {}
            _ => self.unexpected += 1,
        }
        Ok(())
    }

    fn logged_in(&mut self, n: usize, now: Instant, out: &mut Outbox) {
        self.people[n].online = true;
        self.online += 1;
        self.logins
            .record(now.saturating_duration_since(self.start + self.meant[n]));
        for friend in self.circle.friends_of(n) {
            let friend = &mut self.people[friend];
            friend.due += u32::from(friend.online);
        }
        let tag = Tag {
            number: n as u64,
            intended: now.saturating_duration_since(self.start),
        };
        out.packet(&offline_request(ENCODING));
        out.packet(&broadcast(tag));
    }
}

impl Application for GoingOnline<'_> {
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        let Some(&n) = self.by_key.get(&key) else { return };
        let outcome = match event {
            Event::Open => {
                out.packet(&self.accounts[n].password_login());
                Ok(())
            }
            Event::Packet(packet) => self.packet(n, packet, now, out),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
            Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("going online"));
        }
    }
}

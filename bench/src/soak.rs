//! Rooms that talk without pause while people join, leave, are cut off and come back, and the
//! book-keeping of what each of them must see.

mod churn;
mod membership;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tim_protocol::packet::{PacketType, ServerPacket, offline_request};
use tim_protocol::wire::TimAck;

use crate::accounts::{Account, ENCODING, positive_answer};
use crate::crowd::{RoomTag, room_message};
use crate::delivery::Delivery;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::report::Trial;
use crate::room;

pub use churn::{Churn, Numbers};
pub use membership::{Fault, Membership, Seen};

const CHAT: i8 = 1;
const TEXT_BYTES: usize = 100;
const SYNCHRONOUS_MESSAGE: u8 = 0x80 | PacketType::Message.as_u8();
const SYNCHRONOUS_LIST: u8 = 0x80 | PacketType::OfflineMsg.as_u8();
/// A message that nine of ten present members have makes room for the next, or one this old.
const SLOWEST: Duration = Duration::from_secs(2);

/// One room.
struct Room {
    node: String,
    founder: Key,
    /// Messages sent, which is the number of the last one.
    sent: u64,
    /// The last one that its founder, who sent it, has got back.
    stored: u64,
    /// Members who are online.
    present: u64,
    flights: VecDeque<Flight>,
}

/// A message that not enough members have seen yet.
struct Flight {
    mid: u64,
    needed: u64,
    sent: Instant,
}

/// Whether somebody can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Cut off until then.
    Away(Instant),
    /// Reads nothing and will be cut off then.
    Deaf(Instant),
    /// Acknowledges nothing and will be cut off then.
    Mute(Instant),
    /// Fetches what was missed.
    Returning,
    Online,
}

struct Person {
    account: Account,
    key: Key,
    presence: Presence,
    /// The room that this one has asked to join or leave.
    asking: Option<usize>,
    /// When it last came back or left a room.
    since: Instant,
    seats: Vec<(usize, Membership)>,
}

/// Rooms and people of one soak.
pub struct Soak {
    rooms: Vec<Room>,
    people: Vec<Person>,
    by_key: HashMap<Key, usize>,
    ready: Vec<usize>,
    deliveries: u64,
    repeats: u64,
    slow: u64,
    faults: BTreeMap<&'static str, u64>,
    /// The first few faults in detail.
    details: Vec<String>,
    failure: Option<anyhow::Error>,
}

/// A person to take part: account, connection, the rooms it is a member of, and others it may join.
pub struct Participant {
    /// Who.
    pub account: Account,
    /// Logged in.
    pub key: Key,
    /// Positions of rooms.
    pub member_of: Vec<usize>,
    /// Positions of rooms.
    pub may_join: Vec<usize>,
}

impl Soak {
    /// Rooms are given as node and position of their founder among the participants.
    pub fn new(rooms: Vec<(String, usize)>, participants: Vec<Participant>) -> Self {
        let mut soak = Self {
            rooms: rooms
                .into_iter()
                .map(|(node, founder)| Room {
                    node,
                    founder: participants[founder].key,
                    sent: 0,
                    stored: 0,
                    present: 0,
                    flights: VecDeque::new(),
                })
                .collect(),
            people: Vec::with_capacity(participants.len()),
            by_key: HashMap::new(),
            ready: Vec::new(),
            deliveries: 0,
            repeats: 0,
            slow: 0,
            faults: BTreeMap::new(),
            details: Vec::new(),
            failure: None,
        };
        for participant in participants {
            soak.by_key.insert(participant.key, soak.people.len());
            for &room in &participant.member_of {
                soak.rooms[room].present += 1;
            }
            let members = participant
                .member_of
                .iter()
                .map(|&room| (room, Membership::from_the_start()));
            let others = participant
                .may_join
                .iter()
                .map(|&room| (room, Membership::outside()));
            soak.people.push(Person {
                account: participant.account,
                key: participant.key,
                presence: Presence::Online,
                asking: None,
                since: Instant::now(),
                seats: members.chain(others).collect(),
            });
        }
        soak
    }

    /// Sends the first `window` messages of every room; later ones follow by themselves.
    pub fn begin(&mut self, reactor: &mut Reactor, window: usize) {
        for room in 0..self.rooms.len() {
            for _ in 0..window {
                self.send(reactor, room);
            }
        }
    }

    /// Sends the next messages of rooms that have room for them, unless `last` were sent already.
    pub fn turn(&mut self, reactor: &mut Reactor, goes_on: bool) {
        let now = Instant::now();
        for (index, room) in self.rooms.iter_mut().enumerate() {
            while let Some(flight) = room.flights.front() {
                let old = now.saturating_duration_since(flight.sent) > SLOWEST;
                if flight.needed > 0 && !old {
                    break;
                }
                self.slow += u64::from(flight.needed > 0);
                room.flights.pop_front();
                self.ready.push(index);
            }
        }
        for room in std::mem::take(&mut self.ready) {
            if goes_on {
                self.send(reactor, room);
            }
        }
    }

    fn send(&mut self, reactor: &mut Reactor, index: usize) {
        let room = &mut self.rooms[index];
        let tag = RoomTag {
            series: u32::try_from(index).unwrap_or(u32::MAX),
            number: room.sent,
            intended: Duration::ZERO,
        };
        let packet = room_message(&room.node, tag, TEXT_BYTES);
        room.sent += 1;
        room.flights.push_back(Flight {
            mid: room.sent,
            needed: (room.present * 9 / 10).max(1),
            sent: Instant::now(),
        });
        reactor.with_outbox(room.founder, |out| out.packet(&packet));
    }

    /// First-time deliveries so far.
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// Deliveries repeated after a reconnection so far.
    pub fn repeats(&self) -> u64 {
        self.repeats
    }

    /// Faults so far.
    pub fn faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Messages that members still have to see.
    pub fn outstanding(&self) -> u64 {
        let seats = self.people.iter().flat_map(|person| &person.seats);
        seats
            .map(|(room, membership)| membership.outstanding(self.rooms[*room].sent))
            .sum()
    }

    /// Whether everybody is online, nobody waits for an answer and all have seen all.
    pub fn is_settled(&self) -> bool {
        let calm = |person: &Person| person.presence == Presence::Online && person.asking.is_none();
        self.people.iter().all(calm) && self.outstanding() == 0
    }

    /// Fails when a packet was not understood or a founder was cut off.
    pub fn check(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Notes figures and everything that was not as it must be.
    pub fn report(&self, trial: &mut Trial) {
        trial.figure("deliveries_verified", self.deliveries as f64);
        trial.figure(
            "messages_sent",
            self.rooms.iter().map(|room| room.sent as f64).sum(),
        );
        trial.figure("repeats_after_reconnecting", self.repeats as f64);
        trial.figure("messages_slower_than_2_s", self.slow as f64);
        trial.violation(self.outstanding(), "deliveries missing at the end");
        let unsettled = self
            .people
            .iter()
            .filter(|person| person.presence != Presence::Online || person.asking.is_some())
            .count();
        trial.violation(unsettled as u64, "people who did not get back or got no answer");
        for (what, count) in &self.faults {
            trial.violation(*count, what);
        }
        trial.violations.extend(self.details.iter().cloned());
    }

    fn fault(&mut self, what: &'static str, count: u64, detail: impl FnOnce() -> String) {
        const MOST_DETAILS: usize = 12;
        *self.faults.entry(what).or_default() += count;
        if self.details.len() < MOST_DETAILS {
            self.details.push(format!("for example: {what}: {}", detail()));
        }
    }

    fn packet(&mut self, index: usize, bytes: &[u8], out: &mut Outbox) -> Result<()> {
        let is_mute = matches!(self.people[index].presence, Presence::Mute(_));
        match bytes {
            [SYNCHRONOUS_MESSAGE, a, b, c, d, payload @ ..] => {
                if !is_mute {
                    out.acknowledge([*a, *b, *c, *d]);
                }
                let delivery = Delivery::read(payload).context("message not understood")?;
                self.delivered(index, &delivery);
                Ok(())
            }
            [SYNCHRONOUS_LIST, a, b, c, d, payload @ ..] => {
                out.acknowledge([*a, *b, *c, *d]);
                Delivery::each_of_list(payload, |delivery| self.delivered(index, &delivery))
                    .context("batch not understood")
            }
            [first, ..] => self.other_packet(index, *first, bytes, out),
            [] => bail!("empty packet"),
        }
    }

    fn delivered(&mut self, index: usize, delivery: &Delivery<'_>) {
        if let Some(node) = room::joined(delivery) {
            return self.has_joined(index, node);
        }
        let tag = RoomTag::read(delivery.text).filter(|_| delivery.od_type == CHAT);
        let Some(tag) = tag else {
            return self.fault("packets that belong to no room", 1, || format!("{delivery:?}"));
        };
        let mid = u64::try_from(delivery.mid).unwrap_or(0);
        if mid != tag.number + 1 {
            self.fault("messages with another number (mid) than their place", 1, || {
                format!("message {} has {mid}", tag.number)
            });
        }
        let room = tag.series as usize;
        let person = &mut self.people[index];
        let seat = person.seats.iter_mut().find(|(seat, _)| *seat == room);
        let Some((_, membership)) = seat else {
            return self.fault("deliveries to somebody who was never a member", 1, || {
                format!("room {room}")
            });
        };
        let seen = membership.observe(mid);
        if let Some(fault) = seen.fault {
            let (what, count) = match fault {
                Fault::Lost(count) => ("deliveries missing", count),
                Fault::Doubled => ("deliveries doubled or out of order on one connection", 1),
                Fault::TooEarly => ("deliveries from before joining", 1),
                Fault::Outside => ("deliveries after leaving", 1),
            };
            let state = format!(
                "person {index}, {:?}, {:?} after coming back or leaving, room {room}, message {mid}: {membership:?}",
                person.presence,
                person.since.elapsed()
            );
            self.fault(what, count, || state);
        }
        if !seen.is_new {
            self.repeats += u64::from(seen.fault.is_none());
            return;
        }
        self.deliveries += 1;
        let (online, key) = {
            let person = &self.people[index];
            (person.presence == Presence::Online, person.key)
        };
        let room = &mut self.rooms[room];
        if key == room.founder {
            room.stored = room.stored.max(mid);
        }
        let first = room.flights.front().map_or(u64::MAX, |flight| flight.mid);
        if online
            && let Some(position) = mid
                .checked_sub(first)
                .and_then(|position| usize::try_from(position).ok())
            && let Some(flight) = room.flights.get_mut(position)
        {
            flight.needed = flight.needed.saturating_sub(1);
        }
    }

    fn has_joined(&mut self, index: usize, node: &[u8]) {
        let person = &mut self.people[index];
        let room = person
            .asking
            .take_if(|room| self.rooms[*room].node.as_bytes() == node);
        let Some(room) = room else {
            // The notice of an earlier joining, repeated after a reconnection.
            self.repeats += 1;
            return;
        };
        let sent = self.rooms[room].sent;
        if let Some((_, membership)) = person.seats.iter_mut().find(|(seat, _)| *seat == room) {
            membership.has_joined(sent);
            self.rooms[room].present += 1;
        }
    }

    fn has_left(&mut self, index: usize, node: &str) {
        let person = &mut self.people[index];
        let Some(room) = person.asking.take_if(|room| self.rooms[*room].node == node) else {
            return self.fault("answers to nothing", 1, || format!("left {node}"));
        };
        if let Some((_, membership)) = person.seats.iter_mut().find(|(seat, _)| *seat == room) {
            membership.has_left(self.rooms[room].sent);
            person.since = Instant::now();
        }
    }

    fn other_packet(&mut self, index: usize, first: u8, bytes: &[u8], out: &mut Outbox) -> Result<()> {
        let returning = self.people[index].presence == Presence::Returning;
        match PacketType::from_u8(first) {
            Some(PacketType::Ack) if returning => {
                positive_answer(bytes)?;
                out.packet(&offline_request(ENCODING));
            }
            Some(PacketType::Ack) => {
                let packet = ServerPacket::parse(bytes).context("empty packet")?;
                let answer: TimAck = packet.decode(ENCODING).context("answer not understood")?;
                match room::left(&answer) {
                    Some(node) => self.has_left(index, node),
                    None if !answer.ok => self.fault("requests refused", 1, || format!("{answer:?}")),
                    None => {}
                }
            }
            Some(PacketType::OfflineMsgEnd) if returning => {
                let person = &mut self.people[index];
                person.presence = Presence::Online;
                person.since = Instant::now();
                for (room, membership) in &person.seats {
                    self.rooms[*room].present += u64::from(membership.is_member());
                }
            }
            Some(PacketType::Ping | PacketType::Presence | PacketType::OfflineMsgEnd) => {}
            other => self.fault("packets that belong to no room", 1, || format!("{other:?}")),
        }
        Ok(())
    }
}

impl Application for Soak {
    fn on_event(&mut self, key: Key, event: Event<'_>, _: Instant, out: &mut Outbox) {
        let Some(&index) = self.by_key.get(&key) else {
            return;
        };
        let outcome = match event {
            Event::Open => {
                out.packet(&self.people[index].account.password_login());
                Ok(())
            }
            Event::Packet(packet) => self.packet(index, packet, out),
            Event::Closed(reason) => {
                self.closed(index, key, &reason);
                Ok(())
            }
            Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("soaking"));
        }
    }
}

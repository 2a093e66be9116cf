//! People in rooms, and the book-keeping of what they must see: every message of every room once,
//! in the order of sending, with rising numbers from the server, whoever acknowledges late or
//! never. Made for one core that looks at hundreds of thousands of deliveries a second.

mod drive;
mod tag;
mod verdict;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tim_protocol::packet::{PacketType, ServerPacket, client_packet};
use tim_protocol::wire::{Tid, TimAck, TimMessage};

use crate::accounts::{Account, ENCODING, positive_answer};
use crate::delivery::Delivery;
use crate::latency::Latencies;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::sequence::{RisingCheck, SequenceCheck};

pub use drive::{return_all, run_closed, run_open, settle};
pub use tag::{RoomTag, TAG_BYTES};

const ROOM: i8 = 3;
const CHAT: i8 = 1;
const NOBODY: u32 = u32::MAX;
const SYNCHRONOUS_MESSAGE: u8 = 0x80 | PacketType::Message.as_u8();
const SYNCHRONOUS_LIST: u8 = 0x80 | PacketType::OfflineMsg.as_u8();

/// When a member acknowledges what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// At once.
    Prompt,
    /// After a while.
    Late(Duration),
    /// Never. What such a member gets is not looked at, and nobody waits for it.
    Mute,
}

/// One room in a measurement.
struct Room {
    node: String,
    sender: Key,
    sent: u64,
    /// Members whose deliveries count.
    awaited: u32,
    /// The messages that have not reached everybody, the oldest first.
    flights: VecDeque<Flight>,
    /// Number of the first of them.
    first_flight: u64,
    /// `mid` of message 0, as the first delivery said.
    origin: Option<i64>,
}

struct Flight {
    intended: Duration,
    missing: u32,
}

struct Member {
    key: Key,
    manner: Manner,
    /// Whom to log in as; `None` when it was logged in before.
    account: Option<Account>,
    drained: bool,
    seats: Vec<Seat>,
}

/// A member's place in one room.
struct Seat {
    series: u32,
    numbers: SequenceCheck,
    mids: RisingCheck,
}

/// Rooms and their members during one measurement.
pub struct Crowd {
    start: Instant,
    warm_up: Duration,
    text_bytes: usize,
    /// Number of the first series; rooms count from there.
    first_series: u32,
    rooms: Vec<Room>,
    members: Vec<Member>,
    /// Positions in `members` by number of the connection.
    by_key: Vec<u32>,
    late: VecDeque<(Instant, Key, [u8; 4])>,
    /// A closed loop: rooms whose oldest message has reached everybody.
    ready: Vec<usize>,
    /// The end of a closed loop.
    until: Option<Instant>,
    last_receiver: Latencies,
    each_receiver: Latencies,
    deliveries: u64,
    undrained: usize,
    /// Members whose turn to return never came.
    absent: u64,
    holes: u64,
    refusals: BTreeMap<i32, u64>,
    unexpected: u64,
    failure: Option<anyhow::Error>,
}

impl Crowd {
    /// An empty crowd. Measurements on one server need different `first_series`, further apart
    /// than their number of rooms.
    pub fn new(first_series: u32, text_bytes: usize) -> Self {
        Self {
            start: Instant::now(),
            warm_up: Duration::ZERO,
            text_bytes,
            first_series,
            rooms: Vec::new(),
            members: Vec::new(),
            by_key: Vec::new(),
            late: VecDeque::new(),
            ready: Vec::new(),
            until: None,
            last_receiver: Latencies::new(),
            each_receiver: Latencies::new(),
            deliveries: 0,
            undrained: 0,
            absent: 0,
            holes: 0,
            refusals: BTreeMap::new(),
            unexpected: 0,
            failure: None,
        }
    }

    /// Adds a room in which `sender` speaks; answers its position.
    pub fn add_room(&mut self, node: &str, sender: Key) -> usize {
        self.rooms.push(Room {
            node: node.to_owned(),
            sender,
            sent: 0,
            awaited: 0,
            flights: VecDeque::new(),
            first_flight: 0,
            origin: None,
        });
        self.rooms.len() - 1
    }

    /// A crowd without members that knows of messages sent before: series from this crowd's first
    /// one on, each a room and the number of its messages.
    pub fn sequel(&self, rooms: &[(&str, u64)]) -> Self {
        let mut sequel = Self::new(self.first_series, self.text_bytes);
        let Some(sender) = self.rooms.first().map(|room| room.sender) else {
            return sequel;
        };
        for &(node, sent) in rooms {
            let room = sequel.add_room(node, sender);
            sequel.rooms[room].sent = sent;
            sequel.rooms[room].first_flight = sent;
        }
        sequel
    }

    /// Adds somebody who is logged in and a member of `rooms`.
    pub fn add_member(&mut self, key: Key, manner: Manner, rooms: &[usize]) {
        self.seat(key, manner, None, rooms);
        if manner != Manner::Mute {
            rooms.iter().for_each(|&room| self.rooms[room].awaited += 1);
        }
    }

    /// Adds a member of `rooms` who logs in only now, on a connection just opened, and must find
    /// everything sent so far in the offline queue.
    pub fn add_returning(&mut self, key: Key, account: &Account, rooms: &[usize]) {
        self.seat(key, Manner::Prompt, Some(account.clone()), rooms);
        self.undrained += 1;
    }

    #[allow(clippy::cast_possible_truncation)] // Members and rooms are far fewer than 2^32.
    fn seat(&mut self, key: Key, manner: Manner, account: Option<Account>, rooms: &[usize]) {
        if self.by_key.len() <= key.index() {
            self.by_key.resize(key.index() + 1, NOBODY);
        }
        self.by_key[key.index()] = self.members.len() as u32;
        let seats = rooms.iter().map(|&room| Seat {
            series: self.first_series + room as u32,
            numbers: SequenceCheck::default(),
            mids: RisingCheck::default(),
        });
        self.members.push(Member {
            key,
            manner,
            drained: account.is_none(),
            account,
            seats: seats.collect(),
        });
    }

    /// Starts the clock. Latencies of messages meant for the first `warm_up` are not counted.
    pub fn begin(&mut self, start: Instant, warm_up: Duration) {
        self.start = start;
        self.warm_up = warm_up;
        self.until = None;
    }

    /// Whether `key` is the connection of a member.
    pub fn owns(&self, key: Key) -> bool {
        self.by_key
            .get(key.index())
            .is_some_and(|&member| member != NOBODY)
    }

    /// Number of rooms.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// Messages sent to `room`.
    pub fn sent(&self, room: usize) -> u64 {
        self.rooms[room].sent
    }

    /// Connections of all members.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.members.iter().map(|member| member.key)
    }

    /// Deliveries to members that count, warm-up included.
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// Members of `room` that count.
    pub fn awaited(&self, room: usize) -> u32 {
        self.rooms[room].awaited
    }

    /// Sends the next message of a room, meant to leave at `intended`.
    pub fn send(&mut self, reactor: &mut Reactor, room: usize, intended: Duration) {
        let series = self.first_series + u32::try_from(room).unwrap_or(u32::MAX);
        let room = &mut self.rooms[room];
        let tag = RoomTag {
            series,
            number: room.sent,
            intended,
        };
        let packet = room_message(&room.node, tag, self.text_bytes);
        room.sent += 1;
        room.flights.push_back(Flight {
            intended,
            missing: room.awaited,
        });
        reactor.with_outbox(room.sender, |out| out.packet(&packet));
    }

    /// Sends the acknowledgements that have waited long enough and, in a closed loop, the next
    /// messages. Answers how long nothing more has to be done.
    pub fn turn(&mut self, reactor: &mut Reactor) -> Duration {
        let now = Instant::now();
        while let Some(&(due, key, send_id)) = self.late.front() {
            if due > now {
                break;
            }
            self.late.pop_front();
            reactor.with_outbox(key, |out| out.acknowledge(send_id));
        }
        let more = self.until.is_some_and(|until| now < until);
        for room in std::mem::take(&mut self.ready) {
            if more {
                self.send(reactor, room, now.saturating_duration_since(self.start));
            }
        }
        let longest = Duration::from_millis(20);
        self.late.front().map_or(longest, |(due, ..)| {
            due.saturating_duration_since(now).min(longest)
        })
    }

    /// Whether every message has reached everybody.
    pub fn is_settled(&self) -> bool {
        self.rooms.iter().all(|room| room.flights.is_empty())
    }

    /// Fails when a connection was lost or a packet was not understood.
    pub fn check(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn packet(&mut self, index: usize, bytes: &[u8], now: Instant, out: &mut Outbox) -> Result<()> {
        let member = &mut self.members[index];
        match bytes {
            [SYNCHRONOUS_MESSAGE | SYNCHRONOUS_LIST, a, b, c, d, payload @ ..] => {
                match member.manner {
                    Manner::Prompt => out.acknowledge([*a, *b, *c, *d]),
                    Manner::Late(by) => self.late.push_back((now + by, member.key, [*a, *b, *c, *d])),
                    Manner::Mute => return Ok(()),
                }
                if bytes[0] == SYNCHRONOUS_MESSAGE {
                    let delivery = Delivery::read(payload).context("message not understood")?;
                    self.delivered(index, &delivery, now);
                } else {
                    Delivery::each_of_list(payload, |delivery| self.delivered(index, &delivery, now))
                        .context("batch not understood")?;
                }
                Ok(())
            }
            [first, ..] => self.other_packet(index, *first, bytes, out),
            [] => bail!("empty packet"),
        }
    }

    fn delivered(&mut self, index: usize, delivery: &Delivery<'_>, now: Instant) {
        if delivery.od_type != CHAT {
            return; // The tail of joining.
        }
        let member = &mut self.members[index];
        let tag = RoomTag::read(delivery.text);
        let seat = tag.and_then(|tag| member.seats.iter_mut().find(|seat| seat.series == tag.series));
        let (Some(tag), Some(seat)) = (tag, seat) else {
            self.unexpected += 1;
            return;
        };
        let room_index = (tag.series - self.first_series) as usize;
        let before = seat.numbers.received();
        seat.numbers.observe(tag.number);
        seat.mids.observe(delivery.mid);
        if seat.numbers.received() == before {
            return; // A double, counted by the check.
        }
        self.deliveries += 1;
        let origin = i64::try_from(tag.number).map_or(i64::MIN, |number| delivery.mid - number);
        let room = &mut self.rooms[room_index];
        self.holes += u64::from(*room.origin.get_or_insert(origin) != origin);
        if member.account.is_some() {
            return; // What was fetched later says nothing about the speed of delivery.
        }
        let latency = now.saturating_duration_since(self.start + tag.intended);
        let measured = tag.intended >= self.warm_up;
        if measured {
            self.each_receiver.record(latency);
        }
        let flight = tag
            .number
            .checked_sub(room.first_flight)
            .and_then(|position| room.flights.get_mut(usize::try_from(position).ok()?));
        let Some(flight) = flight else { return };
        flight.missing = flight.missing.saturating_sub(1);
        if flight.missing > 0 {
            return;
        }
        let flight_measured = flight.intended >= self.warm_up;
        if flight_measured {
            self.last_receiver
                .record(now.saturating_duration_since(self.start + flight.intended));
        }
        while room.flights.front().is_some_and(|flight| flight.missing == 0) {
            room.flights.pop_front();
            room.first_flight += 1;
            if self.until.is_some() {
                self.ready.push(room_index);
            }
        }
    }

    fn other_packet(&mut self, index: usize, first: u8, bytes: &[u8], out: &mut Outbox) -> Result<()> {
        match PacketType::from_u8(first) {
            Some(PacketType::Ack) if !self.members[index].drained => {
                positive_answer(bytes)?;
                out.packet(&tim_protocol::packet::offline_request(ENCODING));
            }
            Some(PacketType::Ack) => {
                let packet = ServerPacket::parse(bytes).context("empty packet")?;
                let answer: TimAck = packet.decode(ENCODING).context("answer not understood")?;
                if !answer.ok {
                    let code = answer.error.and_then(|error| error.code).unwrap_or(0);
                    *self.refusals.entry(code).or_default() += 1;
                }
            }
            Some(PacketType::OfflineMsgEnd) => {
                let member = &mut self.members[index];
                if !member.drained {
                    member.drained = true;
                    self.undrained -= 1;
                }
            }
            Some(PacketType::Ping | PacketType::Presence) => {}
            _ => self.unexpected += 1,
        }
        Ok(())
    }
}

impl Application for Crowd {
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        let index = match self.by_key.get(key.index()) {
            Some(&index) if index != NOBODY => index as usize,
            _ => return,
        };
        let outcome = match event {
            Event::Packet(packet) => self.packet(index, packet, now, out),
            Event::Open => {
                if let Some(account) = &self.members[index].account {
                    out.packet(&account.password_login());
                }
                Ok(())
            }
            // A server may give up a client that never answers.
            Event::Closed(_) if self.members[index].manner == Manner::Mute => Ok(()),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
            Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("in a room"));
        }
    }
}

/// A chat packet to the room `node` that carries `tag`.
pub fn room_message(node: &str, tag: RoomTag, text_bytes: usize) -> Vec<u8> {
    let id = i64::try_from(tag.number).unwrap_or(i64::MAX - 1) + 1;
    let message = TimMessage {
        ms_type: ROOM,
        od_type: CHAT,
        // Repeats are recognised by sender and id: series must not share ids.
        id: Some(id | i64::from(tag.series) << 32),
        room_tid: Some(Tid {
            node: node.to_owned(),
            ..Tid::default()
        }),
        data_string: Some(tag.text(text_bytes)),
        ..TimMessage::default()
    };
    client_packet(PacketType::Message, ENCODING, &message)
}

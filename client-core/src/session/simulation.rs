//! Two session cores talk through a model of a server in simulated time, directly and in a room of both. Connections
//! break at any moment, packets are repeated, applications are slow. Whatever happens, every accepted message must be
//! stored once and reach the other application once, in order, and nobody is told their own messages as news.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tim_protocol::packet::{self, ClientPacket, PacketType};
use tim_protocol::wire::{Tid, TimAck, TimAuth, TimMessage, TimMessageList};
use tim_protocol::{Encoding, ErrorCode, Node, WireStruct, node};

use super::{
    Acknowledge, Action, Credentials, Outcome, SendTicket, ServerKind, Session, SessionConfig, Status,
};
use crate::error::SendError;
use crate::event::Event;
use crate::message::{Conversation, Outgoing, Sent};
use crate::room::RoomId;

const ACK_TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPTS: u8 = 3;
const WINDOW: usize = 3;
const LISTS: usize = 2;
const LIST: usize = 2;
const ROOM: i8 = 3;

struct Stored {
    message: TimMessage,
    from: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Held,
    Live,
    Offline,
}

struct Flight {
    send_id: i32,
    entries: Vec<usize>,
    is_list: bool,
    sent: Duration,
    attempt: u8,
}

/// The server's end of a connection.
struct Connection {
    logged_in: bool,
    mode: Mode,
    next: usize,
    last_send_id: i32,
    flight: VecDeque<Flight>,
    to_server: VecDeque<Bytes>,
    to_client: VecDeque<Bytes>,
}

/// One user: the client core, the application, and the server's view.
struct User {
    session: Session,
    node: Node,
    connection: Option<Connection>,
    /// Entries (indices into the log) not acknowledged.
    position: BTreeSet<usize>,
    sent: Vec<(SendTicket, String, bool)>,
    results: HashMap<SendTicket, Result<Sent, SendError>>,
    seen: Vec<(i64, String)>,
}

struct World {
    now: Duration,
    encoding: Encoding,
    users: [User; 2],
    log: Vec<Stored>,
    /// Messages accepted and not yet durable: who, message.
    committing: VecDeque<(usize, TimMessage)>,
    ids: HashMap<(usize, i64), usize>,
    refusals_carry_ids: bool,
    counter: u32,
}

impl World {
    fn new(encoding: Encoding, acknowledge: Acknowledge, capacity: usize, refusals_carry_ids: bool) -> Self {
        let user = |number: u8| {
            let config = SessionConfig {
                encoding,
                acknowledge,
                event_capacity: capacity,
                server: ServerKind::Auto,
                ..SessionConfig::default()
            };
            let mut session = Session::new(config, u64::from(number), 1_800_000_000_000);
            session.start(Duration::ZERO, Credentials::password("name", "password"));
            User {
                session,
                node: node::wide_node_from_random([number; 15]),
                connection: None,
                position: BTreeSet::new(),
                sent: Vec::new(),
                results: HashMap::new(),
                seen: Vec::new(),
            }
        };
        Self {
            now: Duration::ZERO,
            encoding,
            users: [user(1), user(2)],
            log: Vec::new(),
            committing: VecDeque::new(),
            ids: HashMap::new(),
            refusals_carry_ids,
            counter: 0,
        }
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        for who in 0..2 {
            self.users[who].session.tick(self.now);
            self.repeat(who);
            self.drive(who);
        }
    }

    /// Carries out what a session wants.
    fn drive(&mut self, who: usize) {
        let now = self.now;
        let user = &mut self.users[who];
        loop {
            if let Some(connection) = &mut user.connection {
                while let Some(packet) = user.session.poll_packet(now) {
                    connection.to_server.push_back(packet);
                }
            }
            while let Some(outcome) = user.session.poll_outcome() {
                match outcome {
                    // Only the first one is reported.
                    Outcome::Login(result) => assert!(result.is_ok()),
                    Outcome::Send(ticket, result) => {
                        assert!(user.results.insert(ticket, result).is_none(), "settled twice");
                    }
                    Outcome::Request(..) => {}
                }
            }
            match user.session.poll_action() {
                Some(Action::Open) => {
                    user.connection = Some(Connection {
                        logged_in: false,
                        mode: Mode::Held,
                        next: 0,
                        last_send_id: 0,
                        flight: VecDeque::new(),
                        to_server: VecDeque::new(),
                        to_client: VecDeque::new(),
                    });
                    user.session.opened(now);
                }
                Some(Action::Close) => user.connection = None,
                Some(Action::FetchCredentials) => unreachable!("logged in by password"),
                None => return,
            }
        }
    }

    fn break_connection(&mut self, who: usize) {
        if self.users[who].connection.take().is_some() {
            self.users[who].session.closed(self.now, "broken".into());
            self.drive(who);
        }
    }

    fn app_sends(&mut self, who: usize, is_refused: bool, in_room: bool) {
        self.counter += 1;
        let text = format!("{}{}", if is_refused { "no " } else { "" }, self.counter);
        let to = if in_room {
            Conversation::Room(room())
        } else {
            Conversation::Peer(self.users[1 - who].node.clone())
        };
        let user = &mut self.users[who];
        if let Ok(ticket) = user.session.send(self.now, to, Outgoing::text(text.clone())) {
            user.sent.push((ticket, text, in_room));
        }
        self.drive(who);
    }

    fn app_takes(&mut self, who: usize) {
        let user = &mut self.users[who];
        if let Some(Event::Message(message)) = user.session.take_event(self.now) {
            assert!(!message.outgoing, "an own message came back: {message:?}");
            let mid = message.mid.map_or(0, |mid| mid.get());
            user.seen.push((mid, message.text.clone().unwrap_or_default()));
        }
        self.drive(who);
    }

    fn server_reads(&mut self, who: usize) {
        let Some(connection) = &mut self.users[who].connection else {
            return;
        };
        let Some(bytes) = connection.to_server.pop_front() else {
            return;
        };
        let packet = ClientPacket::parse(&bytes).unwrap();
        match packet.packet_type().unwrap() {
            PacketType::Ack => {
                let send_id = packet.delivery_ack().unwrap();
                if let Some(at) = connection
                    .flight
                    .iter()
                    .position(|flight| flight.send_id == send_id)
                {
                    let flight = connection.flight.remove(at).unwrap();
                    for entry in flight.entries {
                        self.users[who].position.remove(&entry);
                    }
                }
            }
            PacketType::Ping => connection.to_client.push_back(packet::pong()),
            PacketType::Auth => {
                let auth: TimAuth = packet.decode().unwrap();
                assert_eq!(connection.logged_in, auth.name.is_none());
                connection.logged_in = true;
                let start = self.users[who]
                    .position
                    .first()
                    .copied()
                    .unwrap_or(self.log.len());
                let ack = TimAck {
                    n: Some(self.users[who].node.to_string()),
                    ..TimAck::success(PacketType::Auth.as_i8())
                };
                if let Some(connection) = &mut self.users[who].connection {
                    connection.next = start;
                    connection.to_client.push_back(packet::server_packet(
                        PacketType::Ack,
                        self.encoding,
                        &ack,
                    ));
                }
            }
            PacketType::OfflineMsg => {
                let first = self.users[who]
                    .position
                    .first()
                    .copied()
                    .unwrap_or(self.log.len());
                if let Some(connection) = &mut self.users[who].connection
                    && connection.mode != Mode::Offline
                {
                    connection.mode = Mode::Offline;
                    connection.next = first;
                }
            }
            PacketType::Message => {
                let message: TimMessage = packet.decode().unwrap();
                if message
                    .data_string
                    .as_deref()
                    .is_some_and(|text| text.starts_with("no"))
                {
                    let ack = TimAck {
                        t: message.id.filter(|_| self.refusals_carry_ids),
                        ..TimAck::refusal(PacketType::Message.as_i8(), ErrorCode::PermDenied)
                    };
                    let bytes = packet::server_packet(PacketType::Ack, self.encoding, &ack);
                    connection.to_client.push_back(bytes);
                } else {
                    self.committing.push_back((who, message));
                }
            }
            other => panic!("unexpected {other:?}"),
        }
        self.feed(who);
    }

    /// The oldest message becomes durable.
    fn commit(&mut self) {
        let Some((from, mut message)) = self.committing.pop_front() else {
            return;
        };
        let id = message.id.unwrap();
        let before = self.log.len();
        let in_room = message.ms_type == ROOM;
        let at = *self.ids.entry((from, id)).or_insert_with(|| {
            let same = self
                .log
                .iter()
                .filter(|stored| stored.message.ms_type == message.ms_type);
            let number = i64::try_from(same.count()).unwrap() + 1;
            message.mid = Some(number);
            message.timestamp = Some(number);
            message.from_tid = Some(Tid {
                node: self.users[from].node.to_string(),
                ..Tid::default()
            });
            self.log.push(Stored { message, from });
            self.log.len() - 1
        });
        let is_fresh = self.log.len() > before;
        let stored = &self.log[at];
        // In a room the delivery of the own copy is the confirmation; a repeat is answered by an echo there too.
        if let Some(connection) = &mut self.users[from].connection
            && connection.logged_in
            && !(is_fresh && in_room)
        {
            let echo = packet::server_packet(PacketType::Message, self.encoding, &stored.message);
            connection.to_client.push_back(echo);
        }
        for to in [1 - from, from] {
            if is_fresh && (to != from || in_room) {
                self.users[to].position.insert(at);
                self.feed(to);
            }
        }
        self.drive(from);
    }

    /// Sends what the window allows.
    fn feed(&mut self, who: usize) {
        let now = self.now;
        let user = &mut self.users[who];
        let Some(connection) = &mut user.connection else {
            return;
        };
        if !connection.logged_in || connection.mode == Mode::Held {
            return;
        }
        loop {
            let is_list = connection.mode == Mode::Offline;
            let (window, size) = if is_list { (LISTS, LIST) } else { (WINDOW, 1) };
            if connection.flight.len() >= window {
                break;
            }
            let in_flight: BTreeSet<usize> = connection
                .flight
                .iter()
                .flat_map(|flight| flight.entries.iter().copied())
                .collect();
            let next = user
                .position
                .range(connection.next..)
                .filter(|entry| !in_flight.contains(entry));
            let entries: Vec<usize> = next.copied().take(size).collect();
            let Some(last) = entries.last() else {
                if is_list && !connection.flight.iter().any(|flight| flight.is_list) {
                    connection.mode = Mode::Live;
                    connection.to_client.push_back(packet::offline_end());
                    continue;
                }
                break;
            };
            connection.next = last + 1;
            connection.last_send_id += 1;
            let send_id = connection.last_send_id;
            connection.to_client.push_back(delivery(
                &self.log,
                who,
                &entries,
                is_list,
                send_id,
                self.encoding,
            ));
            connection.flight.push_back(Flight {
                send_id,
                entries,
                is_list,
                sent: now,
                attempt: 1,
            });
        }
    }

    /// Repeats what was not acknowledged, or gives it up.
    fn repeat(&mut self, who: usize) {
        let now = self.now;
        let Some(connection) = &mut self.users[who].connection else {
            return;
        };
        while let Some(flight) = connection.flight.front()
            && now >= flight.sent + ACK_TIMEOUT
        {
            let mut flight = connection.flight.pop_front().unwrap();
            if flight.attempt < ATTEMPTS {
                flight.attempt += 1;
                flight.sent = now;
                connection.last_send_id += 1;
                flight.send_id = connection.last_send_id;
                let bytes = delivery(
                    &self.log,
                    who,
                    &flight.entries,
                    flight.is_list,
                    flight.send_id,
                    self.encoding,
                );
                connection.to_client.push_back(bytes);
                connection.flight.push_back(flight);
            } else if flight.is_list {
                connection.mode = Mode::Held;
            }
        }
        self.feed(who);
    }

    fn client_reads(&mut self, who: usize) {
        let user = &mut self.users[who];
        if let Some(bytes) = user
            .connection
            .as_mut()
            .and_then(|connection| connection.to_client.pop_front())
        {
            user.session.receive(self.now, &bytes);
            self.drive(who);
        }
    }

    /// One step of the schedule.
    fn step(&mut self, action: u8) {
        let who = usize::from(action & 1);
        match action >> 1 {
            0..=19 => self.server_reads(who),
            20..=39 => self.client_reads(who),
            40..=49 => self.app_sends(who, false, false),
            50..=59 => self.app_sends(who, false, true),
            60..=62 => self.app_sends(who, true, false),
            63..=64 => self.app_sends(who, true, true),
            65..=89 => self.app_takes(who),
            90..=109 => self.commit(),
            110..=117 => self.advance(Duration::from_millis(700)),
            118..=120 => self.advance(Duration::from_secs(12)),
            121..=123 => self.break_connection(who),
            // A repeat out of turn.
            _ => {
                if let Some(connection) = &mut self.users[who].connection
                    && let Some(flight) = connection.flight.front_mut()
                {
                    flight.sent = Duration::ZERO;
                    flight.attempt = 1;
                }
                self.repeat(who);
            }
        }
    }

    /// Lets everything come to rest without further faults.
    fn settle(&mut self) {
        for _ in 0..600 {
            for _ in 0..40 {
                for who in 0..2 {
                    self.server_reads(who);
                    self.client_reads(who);
                    self.app_takes(who);
                    self.commit();
                }
            }
            let is_done = self.users.iter().all(|user| {
                user.session.status() == Status::Online
                    && user.results.len() == user.sent.len()
                    && user.position.is_empty()
            });
            if is_done {
                return;
            }
            self.advance(Duration::from_secs(1));
        }
        panic!("did not come to rest");
    }

    fn check(&self) {
        for (who, user) in self.users.iter().enumerate() {
            let mut last_mids = [0, 0];
            for (ticket, text, in_room) in &user.sent {
                let copies = self
                    .log
                    .iter()
                    .filter(|stored| stored.from == who && stored.message.data_string.as_ref() == Some(text));
                match &user.results[ticket] {
                    Ok(sent) => {
                        let copies: Vec<_> = copies.collect();
                        assert_eq!(copies.len(), 1, "{text} is stored once");
                        assert_eq!(copies[0].message.mid, sent.mid.map(|mid| mid.get()));
                        assert!(!text.starts_with("no"));
                        let mid = sent.mid.unwrap().get();
                        let last = &mut last_mids[usize::from(*in_room)];
                        assert!(*last < mid, "messages of one sender keep their order");
                        *last = mid;
                    }
                    Err(error) => {
                        assert!(matches!(error, SendError::Refused(_)), "{error}");
                        assert!(text.starts_with("no"), "{text} was not the refused one");
                    }
                }
            }
            let expected: Vec<(i64, String)> = self
                .log
                .iter()
                .filter(|stored| stored.from != who)
                .map(|stored| {
                    (
                        stored.message.mid.unwrap(),
                        stored.message.data_string.clone().unwrap(),
                    )
                })
                .collect();
            assert_eq!(user.seen, expected, "every message once and in order");
        }
    }
}

fn room() -> RoomId {
    node::wide_node_from_random([3; 15]).into()
}

fn delivery(
    log: &[Stored],
    who: usize,
    entries: &[usize],
    is_list: bool,
    send_id: i32,
    encoding: Encoding,
) -> Bytes {
    let copy = |entry: &usize| {
        let mut message = log[*entry].message.clone();
        message.is_offline = is_list.then_some(true);
        // Read back, only the own number is told to its author.
        message.id = message.id.filter(|_| !is_list || log[*entry].from == who);
        message
    };
    if is_list {
        let list = TimMessageList {
            id: Some(1),
            message_list: Some(entries.iter().map(copy).collect()),
        };
        packet::synchronous_packet(PacketType::OfflineMsg, send_id, &list.encode(encoding))
    } else {
        packet::synchronous_packet(PacketType::Message, send_id, &copy(&entries[0]).encode(encoding))
    }
}

/// 100 schedules, or as many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn every_message_arrives_exactly_once_and_in_order(
        schedule in prop::collection::vec(any::<u8>(), 0..600),
        is_json in any::<bool>(),
        processes_first in any::<bool>(),
        capacity in prop::sample::select(vec![1_usize, 2, 4, 1024]),
        refusals_carry_ids in any::<bool>(),
    ) {
        let encoding = if is_json { Encoding::Json } else { Encoding::Compact };
        let acknowledge =
            if processes_first { Acknowledge::WhenNextIsTaken } else { Acknowledge::WhenTaken };
        let mut world = World::new(encoding, acknowledge, capacity, refusals_carry_ids);
        for who in 0..2 {
            world.drive(who);
            world.server_reads(who);
            world.client_reads(who);
        }
        for action in schedule {
            world.step(action);
        }
        world.settle();
        world.check();
    }
}

//! Requests about rooms (wire-protocol 7.10) and getting many people into them: creating, joining
//! with a fixed number of joins under way, lists of members.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tim_protocol::packet::{PacketType, ServerPacket, client_packet};
use tim_protocol::wire::{TimNodes, TimReq};

use crate::accounts::{ENCODING, drive, positive_answer};
use crate::delivery::Delivery;
use crate::latency::Latencies;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};

const ROOM_MEMBERS: i32 = 3;
const NEW_ROOM: i32 = 8;
const JOIN_ROOM: i32 = 9;
const LEAVE_ROOM: i32 = 16;
const OPEN: i64 = 2;
const BUSINESS: i8 = 4;
const JOINED: i32 = 10;

fn request(rtype: i32, node: &str) -> TimReq {
    TimReq {
        rtype: Some(rtype),
        node: Some(node.to_owned()),
        ..TimReq::default()
    }
}

/// Asks for a new open room.
pub fn new_open_room(title: &str) -> Vec<u8> {
    let request = TimReq {
        req_int: Some(OPEN),
        ..request(NEW_ROOM, title)
    };
    client_packet(PacketType::Business, ENCODING, &request)
}

/// Asks to join the room `node`.
pub fn join_room(node: &str) -> Vec<u8> {
    let request = TimReq {
        req_str: Some("hello".to_owned()),
        ..request(JOIN_ROOM, node)
    };
    client_packet(PacketType::Business, ENCODING, &request)
}

/// Leaves the room `node`.
pub fn leave_room(node: &str) -> Vec<u8> {
    client_packet(PacketType::Business, ENCODING, &request(LEAVE_ROOM, node))
}

/// Asks for the members of the room `node`.
pub fn list_members(node: &str) -> Vec<u8> {
    client_packet(PacketType::Business, ENCODING, &request(ROOM_MEMBERS, node))
}

/// Whether a delivery says that its receiver is now a member of a room; the room's node then.
pub fn joined<'a>(delivery: &Delivery<'a>) -> Option<&'a [u8]> {
    (delivery.od_type == BUSINESS && delivery.bn_type == JOINED).then_some(delivery.room)
}

/// Whether an answer confirms leaving; the room's node then.
pub fn left(answer: &tim_protocol::wire::TimAck) -> Option<&str> {
    let confirms = answer.ok
        && i16::from(answer.tim_type) == i16::from(PacketType::Business.as_u8())
        && answer.t == Some(i64::from(LEAVE_ROOM));
    confirms.then_some(answer.n.as_deref()?)
}

/// Creates an open room for each founder, who becomes its first member. Answers the nodes.
pub fn create(reactor: &mut Reactor, founders: &[Key]) -> Result<Vec<String>> {
    struct Creating {
        nodes: HashMap<Key, Vec<String>>,
        done: usize,
        failure: Option<anyhow::Error>,
    }
    impl Application for Creating {
        fn on_event(&mut self, key: Key, event: Event<'_>, _: Instant, out: &mut Outbox) {
            let outcome = match event {
                Event::Packet(bytes) => acknowledged_answer(bytes, out),
                Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
                _ => Ok(None),
            };
            match outcome {
                Ok(Some(node)) => {
                    self.nodes.entry(key).or_default().push(node);
                    self.done += 1;
                }
                Ok(None) => {}
                Err(error) => self.failure = Some(error.context("creating a room")),
            }
        }
    }
    fn acknowledged_answer(bytes: &[u8], out: &mut Outbox) -> Result<Option<String>> {
        if acknowledge(bytes, out).is_some() || bytes.first() != Some(&PacketType::Ack.as_u8()) {
            return Ok(None);
        }
        let node = positive_answer(bytes)?.n.filter(|node| !node.is_empty());
        Ok(Some(node.context("no node in the answer")?))
    }
    let mut creating = Creating {
        nodes: HashMap::new(),
        done: 0,
        failure: None,
    };
    for (number, &key) in founders.iter().enumerate() {
        reactor.with_outbox(key, |out| out.packet(&new_open_room(&format!("room {number}"))));
    }
    let limit = Duration::from_secs(60);
    drive(reactor, &mut creating, limit, "creating rooms", |creating, _| {
        creating.failure.take().map_or(Ok(()), Err)?;
        Ok(creating.done == founders.len())
    })?;
    // Answers to one founder come in the order of its requests.
    let mut of_founder: HashMap<Key, std::vec::IntoIter<String>> = creating
        .nodes
        .into_iter()
        .map(|(key, nodes)| (key, nodes.into_iter()))
        .collect();
    founders
        .iter()
        .map(|key| {
            let node = of_founder.get_mut(key).and_then(Iterator::next);
            node.context("a founder has no room")
        })
        .collect()
}

/// Acknowledges a synchronous packet and answers its payload; `None` for any other packet.
pub fn acknowledge<'a>(bytes: &'a [u8], out: &mut Outbox) -> Option<&'a [u8]> {
    let (&[first, a, b, c, d], payload) = bytes.split_first_chunk::<5>()?;
    if first & 0x80 == 0 {
        return None;
    }
    out.acknowledge([a, b, c, d]);
    Some(payload)
}

/// What joining took.
pub struct Joins {
    /// From the request to the notice that says so.
    pub latencies: Latencies,
    /// All joins per second.
    pub per_second: f64,
    /// Their number.
    pub count: u64,
}

/// Joins each client to its rooms, one after the other; `parallel` clients at a time.
pub fn join(reactor: &mut Reactor, clients: &[(Key, Vec<&str>)], parallel: usize) -> Result<Joins> {
    let mut joining = Joining {
        clients,
        next_client: 0,
        under_way: HashMap::new(),
        latencies: Latencies::new(),
        done: 0,
        failure: None,
    };
    let total: usize = clients.iter().map(|(_, rooms)| rooms.len()).sum();
    let start = Instant::now();
    let limit =
        Duration::from_secs(60) + Duration::from_millis(50) * u32::try_from(total).unwrap_or(u32::MAX);
    drive(
        reactor,
        &mut joining,
        limit,
        "joining rooms",
        |joining, reactor| {
            joining.failure.take().map_or(Ok(()), Err)?;
            while joining.under_way.len() < parallel && joining.next_client < clients.len() {
                joining.begin(reactor);
            }
            Ok(joining.done == total)
        },
    )?;
    Ok(Joins {
        latencies: joining.latencies,
        per_second: total as f64 / start.elapsed().as_secs_f64(),
        count: total as u64,
    })
}

struct Joining<'a> {
    clients: &'a [(Key, Vec<&'a str>)],
    next_client: usize,
    /// Client and position in its list, and when it asked.
    under_way: HashMap<Key, (usize, usize, Instant)>,
    latencies: Latencies,
    done: usize,
    failure: Option<anyhow::Error>,
}

impl Joining<'_> {
    fn begin(&mut self, reactor: &mut Reactor) {
        let client = self.next_client;
        self.next_client += 1;
        let (key, rooms) = &self.clients[client];
        if let Some(room) = rooms.first() {
            self.under_way.insert(*key, (client, 0, Instant::now()));
            reactor.with_outbox(*key, |out| out.packet(&join_room(room)));
        }
    }

    fn packet(&mut self, key: Key, bytes: &[u8], now: Instant, out: &mut Outbox) -> Result<()> {
        let Some(payload) = acknowledge(bytes, out) else {
            if bytes.first() == Some(&PacketType::Ack.as_u8()) {
                positive_answer(bytes)?;
            }
            return Ok(());
        };
        if bytes[0] & 0x7f != PacketType::Message.as_u8() {
            return Ok(());
        }
        let delivery = Delivery::read(payload).context("message not understood")?;
        let Some(&(client, position, asked)) = self.under_way.get(&key) else {
            return Ok(());
        };
        let rooms = &self.clients[client].1;
        if joined(&delivery) != rooms.get(position).map(|room| room.as_bytes()) {
            return Ok(());
        }
        self.latencies.record(now.saturating_duration_since(asked));
        self.done += 1;
        if let Some(next) = rooms.get(position + 1) {
            self.under_way.insert(key, (client, position + 1, now));
            out.packet(&join_room(next));
        } else {
            self.under_way.remove(&key);
        }
        Ok(())
    }
}

impl Application for Joining<'_> {
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        let outcome = match event {
            Event::Packet(packet) => self.packet(key, packet, now, out),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
            Event::Open | Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("joining a room"));
        }
    }
}

/// Asks `requests` times, one after another, for the list of the `members` members of a room, and
/// answers how long each complete answer took, in whatever number of packets.
pub fn time_member_lists(
    reactor: &mut Reactor,
    key: Key,
    node: &str,
    members: usize,
    requests: usize,
) -> Result<Latencies> {
    struct Listing {
        names: Vec<String>,
        ended: Option<Instant>,
        members: usize,
        failure: Option<anyhow::Error>,
    }
    impl Listing {
        fn packet(&mut self, bytes: &[u8], now: Instant, out: &mut Outbox) -> Result<()> {
            if acknowledge(bytes, out).is_some() {
                return Ok(());
            }
            let packet = ServerPacket::parse(bytes).context("empty packet")?;
            match packet.packet_type() {
                Some(PacketType::Ack) => positive_answer(bytes).map(drop),
                Some(PacketType::Nodes) => {
                    let nodes: TimNodes = packet.decode(ENCODING).context("list not understood")?;
                    self.names.extend(nodes.nodelist.unwrap_or_default());
                    if self.names.len() >= self.members {
                        self.ended = Some(now);
                    }
                    Ok(())
                }
                _ => Ok(()),
            }
        }
    }
    impl Application for Listing {
        fn on_event(&mut self, _: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
            let outcome = match event {
                Event::Packet(packet) => self.packet(packet, now, out),
                Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
                Event::Open | Event::Response { .. } => Ok(()),
            };
            if let Err(error) = outcome {
                self.failure = Some(error.context("listing members"));
            }
        }
    }
    let mut latencies = Latencies::new();
    for _ in 0..requests {
        let mut listing = Listing {
            names: Vec::with_capacity(members),
            ended: None,
            members,
            failure: None,
        };
        let asked = Instant::now();
        reactor.with_outbox(key, |out| out.packet(&list_members(node)));
        let limit = Duration::from_secs(30);
        drive(reactor, &mut listing, limit, "listing members", |listing, _| {
            listing.failure.take().map_or(Ok(()), Err)?;
            Ok(listing.ended.is_some())
        })?;
        if let Some(ended) = listing.ended {
            latencies.record(ended.saturating_duration_since(asked));
        }
        listing.names.sort_unstable();
        listing.names.dedup();
        ensure!(
            listing.names.len() == members,
            "the list has {} different members of {members}",
            listing.names.len()
        );
    }
    Ok(latencies)
}

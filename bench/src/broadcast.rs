//! One publisher and many subscribers of a virtual room (wire-protocol 7.12): what arrives late,
//! damaged, in the wrong order, and how much was dropped.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use tim_protocol::packet::{PacketType, ServerPacket, client_packet};
use tim_protocol::wire::{TimAck, TimReq, TimStream};

use crate::accounts::{ENCODING, drive, positive_answer};
use crate::chat::Tag;
use crate::delivery::Chunk;
use crate::latency::Latencies;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::report::Trial;
use crate::sequence::{SequenceCheck, Verdict};

const NEW: i32 = 1;
const SUBSCRIBE: i32 = 5;
const SEPARATOR: u8 = 0x83;

/// Which packets carry the chunks, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Type 97: the bytes as they are.
    Binary,
    /// Type 94: a `TimStream`.
    Structured,
}

struct Subscriber {
    key: Key,
    numbers: SequenceCheck,
    reads: bool,
}

/// A virtual room during one measurement.
pub struct Broadcast {
    form: Form,
    publisher: Key,
    node: String,
    subscribed: usize,
    subscribers: Vec<Subscriber>,
    by_key: HashMap<Key, usize>,
    start: Instant,
    chunk_bytes: usize,
    sent: u64,
    deliveries: u64,
    damaged: u64,
    latencies: Latencies,
    refusals: BTreeMap<i32, u64>,
    unexpected: u64,
    failure: Option<anyhow::Error>,
}

impl Broadcast {
    /// Creates a virtual room and subscribes everybody. Chunks have `chunk_bytes`, at least 32.
    pub fn open(
        reactor: &mut Reactor,
        form: Form,
        publisher: Key,
        subscribers: &[Key],
        chunk_bytes: usize,
    ) -> Result<Self> {
        ensure!(chunk_bytes >= 32, "a chunk must have at least 32 bytes");
        let mut broadcast = Self {
            form,
            publisher,
            node: String::new(),
            subscribed: 0,
            subscribers: subscribers
                .iter()
                .map(|&key| Subscriber {
                    key,
                    numbers: SequenceCheck::default(),
                    reads: true,
                })
                .collect(),
            by_key: subscribers.iter().copied().zip(0..).collect(),
            start: Instant::now(),
            chunk_bytes,
            sent: 0,
            deliveries: 0,
            damaged: 0,
            latencies: Latencies::new(),
            refusals: BTreeMap::new(),
            unexpected: 0,
            failure: None,
        };
        let request = |rtype, node: Option<&str>| {
            let request = TimReq {
                rtype: Some(rtype),
                node: node.map(str::to_owned),
                req_int: (rtype == SUBSCRIBE && form == Form::Binary).then_some(1),
                ..TimReq::default()
            };
            client_packet(PacketType::VRoom, ENCODING, &request)
        };
        reactor.with_outbox(publisher, |out| out.packet(&request(NEW, None)));
        let limit = Duration::from_secs(20);
        drive(
            reactor,
            &mut broadcast,
            limit,
            "making a virtual room",
            |made, _| {
                made.check()?;
                Ok(!made.node.is_empty())
            },
        )?;
        let subscription = request(SUBSCRIBE, Some(&broadcast.node));
        for &key in subscribers {
            reactor.with_outbox(key, |out| out.packet(&subscription));
        }
        drive(reactor, &mut broadcast, limit, "subscribing", |made, _| {
            made.check()?;
            Ok(made.subscribed == subscribers.len())
        })?;
        Ok(broadcast)
    }

    /// Lets the last subscriber read nothing any more; what it misses does not count.
    pub fn deafen_last(&mut self, reactor: &mut Reactor) -> Result<()> {
        if let Some(last) = self.subscribers.last_mut() {
            last.reads = false;
            reactor.deafen(last.key)?;
        }
        Ok(())
    }

    /// Starts the clock.
    pub fn begin(&mut self, start: Instant) {
        self.start = start;
    }

    /// Whether `key` is a connection of this broadcast.
    pub fn owns(&self, key: Key) -> bool {
        key == self.publisher || self.by_key.contains_key(&key)
    }

    /// Publishes the next chunk, meant to leave at `intended`.
    pub fn push(&mut self, reactor: &mut Reactor, intended: Duration) {
        let tag = Tag {
            number: self.sent,
            intended,
        };
        self.sent += 1;
        let body = tag.body(self.chunk_bytes).into_bytes();
        let packet = match self.form {
            Form::Structured => {
                let chunk = TimStream {
                    vnode: self.node.clone(),
                    dtype: Some(7),
                    body: Some(body.into()),
                    ..TimStream::default()
                };
                client_packet(PacketType::Stream, ENCODING, &chunk)
            }
            Form::Binary => {
                let length = 5 + self.node.len() + 1 + body.len();
                let mut packet = Vec::with_capacity(length);
                packet.push(PacketType::BigBinaryStream.as_u8());
                packet.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_be_bytes());
                packet.extend_from_slice(self.node.as_bytes());
                packet.push(SEPARATOR);
                packet.extend_from_slice(&body);
                packet
            }
        };
        reactor.with_outbox(self.publisher, |out| out.packet(&packet));
    }

    /// Chunks that subscribers who read have got.
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// Whether all who read have got the last chunk; ones before it may have been dropped.
    pub fn is_settled(&self) -> bool {
        let readers = self.subscribers.iter().filter(|subscriber| subscriber.reads);
        readers
            .into_iter()
            .all(|subscriber| subscriber.numbers.end() >= self.sent)
    }

    /// Fails when a connection was lost or a packet was not understood.
    pub fn check(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Notes latencies, drops, and everything that was not as it must be.
    pub fn report(&mut self, trial: &mut Trial, prefix: &str) {
        let mut verdict = Verdict::default();
        for subscriber in self.subscribers.iter().filter(|subscriber| subscriber.reads) {
            verdict = verdict.and(subscriber.numbers.verdict(self.sent));
        }
        let all = verdict.received + verdict.missing;
        trial.latency(&format!("{prefix}chunk"), std::mem::take(&mut self.latencies));
        trial.figure(&format!("{prefix}chunks_dropped"), verdict.missing as f64);
        trial.figure(
            &format!("{prefix}dropped_percent"),
            verdict.missing as f64 / all.max(1) as f64 * 100.0,
        );
        let mut violation = |count, what: &str| trial.violation(count, &format!("{prefix}{what}"));
        violation(verdict.doubled, "chunks doubled");
        violation(verdict.reordered, "chunks out of order");
        violation(verdict.unexpected, "chunks never sent");
        violation(self.damaged, "chunks damaged");
        violation(self.unexpected, "packets that belong to no stream");
        for (code, count) in &self.refusals {
            violation(*count, &format!("chunks refused with error {code}"));
        }
    }

    fn packet(&mut self, key: Key, bytes: &[u8], now: Instant, out: &mut Outbox) -> Result<()> {
        let (&first, payload) = bytes.split_first().context("empty packet")?;
        let chunk = match PacketType::from_u8(first & 0x7f) {
            Some(PacketType::BigBinaryStream) if self.form == Form::Binary => Chunk::raw(payload),
            Some(PacketType::Stream) if self.form == Form::Structured => Chunk::structured(payload),
            Some(PacketType::Ack) => return self.answer(bytes),
            Some(PacketType::Ping) => return Ok(()),
            _ if crate::room::acknowledge(bytes, out).is_some() => return Ok(()),
            _ => {
                self.unexpected += 1;
                return Ok(());
            }
        };
        let chunk = chunk.context("chunk not understood")?;
        let tag = chunk
            .body
            .get(..32)
            .and_then(|tag| Tag::read(std::str::from_utf8(tag).ok()?));
        let subscriber = self.by_key.get(&key).map(|&index| &mut self.subscribers[index]);
        let (Some(tag), Some(subscriber), true) = (tag, subscriber, chunk.room == self.node.as_bytes())
        else {
            self.damaged += 1;
            return Ok(());
        };
        self.damaged += u64::from(chunk.body.len() != self.chunk_bytes);
        subscriber.numbers.observe(tag.number);
        self.deliveries += 1;
        self.latencies
            .record(now.saturating_duration_since(self.start + tag.intended));
        Ok(())
    }

    fn answer(&mut self, bytes: &[u8]) -> Result<()> {
        let packet = ServerPacket::parse(bytes).context("empty packet")?;
        let answer: TimAck = packet.decode(ENCODING).context("answer not understood")?;
        if i16::from(answer.tim_type) == i16::from(PacketType::VRoom.as_u8()) {
            positive_answer(bytes)?;
            if self.node.is_empty() {
                self.node = answer.n.context("no node in the answer")?;
            } else {
                self.subscribed += 1;
            }
        } else if !answer.ok {
            let code = answer.error.and_then(|error| error.code).unwrap_or(0);
            *self.refusals.entry(code).or_default() += 1;
        }
        Ok(())
    }
}

impl Application for Broadcast {
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        let outcome = match event {
            Event::Packet(packet) => self.packet(key, packet, now, out),
            Event::Closed(reason) => {
                let subscriber = self.by_key.get(&key).map(|&index| &self.subscribers[index]);
                if subscriber.is_none_or(|subscriber| subscriber.reads) {
                    Err(anyhow::anyhow!("connection lost: {reason}"))
                } else {
                    Ok(()) // A server may give up a client that never reads.
                }
            }
            Event::Open | Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("streaming"));
        }
    }
}

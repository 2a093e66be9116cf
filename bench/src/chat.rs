//! Pairs of friends who chat, and the book-keeping of what they must see: every message echoed
//! once and delivered once, both in the order of sending, with rising numbers from the server.
//! The body of a message carries its number and the moment it was meant to be sent.

mod verdict;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tim_protocol::packet::{PacketType, ServerPacket, client_packet, delivery_ack};
use tim_protocol::wire::{Tid, TimAck, TimMessage};

use crate::accounts::{self, Account, ENCODING};
use crate::latency::Latencies;
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::sequence::{RisingCheck, SequenceCheck};

const USER_TO_USER: i8 = 2;
/// `odType` of chat messages.
pub const CHAT: i8 = 1;
const BUSINESS: i8 = 4;
/// Bytes of the number and the moment in front of every body, in hex.
const TAG_BYTES: usize = 32;

/// How bodies and ids of messages are made.
#[derive(Clone, Copy, Debug)]
pub struct MessageForm {
    /// Length of the body in bytes, at least 32.
    pub body_bytes: usize,
    /// Whether clients give every message an `id`, as an SDK that wants idempotency does.
    pub client_ids: bool,
}

impl MessageForm {
    /// A chat packet to the user `node` that carries `tag`.
    pub fn packet(self, node: &str, tag: Tag) -> Vec<u8> {
        let id = i64::try_from(tag.number).unwrap_or(i64::MAX - 1) + 1;
        let message = TimMessage {
            ms_type: USER_TO_USER,
            od_type: CHAT,
            id: self.client_ids.then_some(id),
            to_tid: Some(Tid {
                node: node.to_owned(),
                ..Tid::default()
            }),
            data_string: Some(tag.body(self.body_bytes)),
            ..TimMessage::default()
        };
        client_packet(PacketType::Message, ENCODING, &message)
    }
}

/// Number of a message among those of its sender, and when it was meant to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Counted from 0.
    pub number: u64,
    /// After the start of the measurement.
    pub intended: Duration,
}

impl Tag {
    /// The body that carries the tag, filled up to `length` bytes.
    pub fn body(self, length: usize) -> String {
        let nanos = u64::try_from(self.intended.as_nanos()).unwrap_or(u64::MAX);
        let mut body = format!("{:016x}{nanos:016x}", self.number);
        body.extend(std::iter::repeat_n('.', length.saturating_sub(TAG_BYTES)));
        body
    }

    /// Reads the tag of a body.
    pub fn read(body: &str) -> Option<Self> {
        let number = u64::from_str_radix(body.get(..16)?, 16).ok()?;
        let nanos = u64::from_str_radix(body.get(16..TAG_BYTES)?, 16).ok()?;
        Some(Self {
            number,
            intended: Duration::from_nanos(nanos),
        })
    }
}

/// One side of a pair.
struct Participant {
    key: Key,
    partner_node: String,
    sent: u64,
    refused: u64,
    echoes: SequenceCheck,
    echo_mids: RisingCheck,
    deliveries: SequenceCheck,
    delivery_mids: RisingCheck,
}

/// What to do when an echo arrives.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// Nothing: a schedule says when to send.
    Scheduled,
    /// Send the next message until the given moment.
    Closed { until: Instant },
}

/// All pairs of one measurement. Participants `2 n` and `2 n + 1` are friends.
pub struct Chat {
    start: Instant,
    warm_up: Duration,
    pace: Pace,
    form: MessageForm,
    participants: Vec<Participant>,
    by_key: HashMap<Key, usize>,
    echo_latency: Latencies,
    delivery_latency: Latencies,
    outstanding: u64,
    undelivered: u64,
    refusals: HashMap<i32, u64>,
    unexpected: u64,
    failure: Option<anyhow::Error>,
}

impl Chat {
    /// Registers, logs in and befriends `pairs` pairs. Nothing is sent yet.
    pub fn prepare(reactor: &mut Reactor, run: &str, pairs: usize, form: MessageForm) -> Result<Self> {
        let accounts = accounts::register(reactor, run, pairs * 2, 16)?;
        let keys = accounts::log_in(reactor, &accounts, 16)?;
        let people: Vec<(Key, &Account)> = keys.iter().copied().zip(&accounts).collect();
        let couples: Vec<_> = people.chunks_exact(2).map(|two| [two[0], two[1]]).collect();
        accounts::befriend(reactor, &couples)?;
        let participants: Vec<Participant> = keys
            .iter()
            .enumerate()
            .map(|(index, &key)| Participant::new(key, accounts[index ^ 1].node.clone()))
            .collect();
        Ok(Self {
            start: Instant::now(),
            warm_up: Duration::ZERO,
            pace: Pace::Scheduled,
            form,
            by_key: keys
                .iter()
                .enumerate()
                .map(|(index, &key)| (key, index))
                .collect(),
            participants,
            echo_latency: Latencies::new(),
            delivery_latency: Latencies::new(),
            outstanding: 0,
            undelivered: 0,
            refusals: HashMap::new(),
            unexpected: 0,
            failure: None,
        })
    }

    /// Starts the clock of a schedule. Messages meant for the first `warm_up` are checked but
    /// their latencies are not counted.
    pub fn begin(&mut self, start: Instant, warm_up: Duration) {
        self.start = start;
        self.warm_up = warm_up;
        self.pace = Pace::Scheduled;
    }

    /// Starts a closed loop: `window` messages per participant are on their way at any time
    /// until `length` after the warm-up. Only messages sent after it are counted.
    pub fn begin_closed(
        &mut self,
        reactor: &mut Reactor,
        window: usize,
        warm_up: Duration,
        length: Duration,
    ) {
        self.start = Instant::now();
        self.warm_up = warm_up;
        let until = self.start + warm_up + length;
        self.pace = Pace::Closed { until };
        for index in 0..self.participants.len() {
            for _ in 0..window {
                self.send(reactor, index, self.start.elapsed());
            }
        }
    }

    /// Whether `key` is the connection of a participant.
    pub fn owns(&self, key: Key) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Number of participants, twice the number of pairs.
    pub fn people(&self) -> usize {
        self.participants.len()
    }

    /// Sends the next message of participant `index`, meant to leave at `intended`.
    pub fn send(&mut self, reactor: &mut Reactor, index: usize, intended: Duration) {
        let packet = self.next_packet(index, intended);
        let key = self.participants[index].key;
        reactor.with_outbox(key, |out| out.packet(&packet));
    }

    /// The same, unless that participant has more than `most` bytes waiting to be written: then
    /// the message is given up, as by an application whose queue is full. True when it was sent.
    pub fn send_unless_queued(
        &mut self,
        reactor: &mut Reactor,
        index: usize,
        intended: Duration,
        most: usize,
    ) -> bool {
        let free = reactor.queued(self.participants[index].key) <= most;
        if free {
            self.send(reactor, index, intended);
        }
        free
    }

    /// Messages refused so far.
    pub fn refused(&self) -> u64 {
        self.refusals.values().sum()
    }

    fn next_packet(&mut self, index: usize, intended: Duration) -> Vec<u8> {
        let participant = &mut self.participants[index];
        let tag = Tag {
            number: participant.sent,
            intended,
        };
        participant.sent += 1;
        self.outstanding += 1;
        self.undelivered += 1;
        self.form.packet(&participant.partner_node, tag)
    }

    /// Whether everything sent has been echoed and delivered (or refused).
    pub fn is_settled(&self) -> bool {
        self.outstanding == 0 && self.undelivered == 0
    }

    /// Fails when a connection was lost or a packet was not understood.
    pub fn check(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Messages whose echo has arrived, warm-up included.
    pub fn echoed(&self) -> u64 {
        self.participants
            .iter()
            .map(|participant| participant.echoes.received())
            .sum()
    }

    fn packet(&mut self, index: usize, bytes: &[u8], now: Instant, out: &mut Outbox) -> Result<()> {
        let packet = ServerPacket::parse(bytes).context("empty packet")?;
        if let Some(send_id) = packet.send_id {
            out.packet(&delivery_ack(send_id, ENCODING));
        }
        match packet.packet_type() {
            Some(PacketType::Message) => {
                let message: TimMessage = packet.decode(ENCODING).context("message not understood")?;
                self.message(index, packet.send_id.is_some(), &message, now, out);
            }
            Some(PacketType::Ack) => {
                self.answer(index, &packet.decode(ENCODING).context("answer not understood")?);
            }
            Some(PacketType::Ping) => {}
            _ => self.unexpected += 1,
        }
        Ok(())
    }

    fn message(
        &mut self,
        index: usize,
        synchronous: bool,
        message: &TimMessage,
        now: Instant,
        out: &mut Outbox,
    ) {
        if message.od_type == BUSINESS {
            return; // The tail of becoming friends.
        }
        let tag = message.data_string.as_deref().and_then(Tag::read);
        let (Some(tag), CHAT, Some(mid)) = (tag, message.od_type, message.mid) else {
            self.unexpected += 1;
            return;
        };
        let latency = now.saturating_duration_since(self.start + tag.intended);
        let measured = tag.intended >= self.warm_up;
        let participant = &mut self.participants[index];
        if synchronous {
            self.undelivered = self.undelivered.saturating_sub(1);
            participant.deliveries.observe(tag.number);
            participant.delivery_mids.observe(mid);
            if measured {
                self.delivery_latency.record(latency);
            }
            return;
        }
        self.outstanding = self.outstanding.saturating_sub(1);
        participant.echoes.observe(tag.number);
        participant.echo_mids.observe(mid);
        if measured {
            self.echo_latency.record(latency);
        }
        if let Pace::Closed { until } = self.pace
            && now < until
        {
            let packet = self.next_packet(index, now.saturating_duration_since(self.start));
            out.packet(&packet);
        }
    }

    fn answer(&mut self, index: usize, answer: &TimAck) {
        let about_message = i16::from(answer.tim_type) == i16::from(PacketType::Message.as_u8());
        if answer.ok || !about_message {
            self.unexpected += u64::from(!answer.ok);
            return;
        }
        let code = answer.error.as_ref().and_then(|error| error.code).unwrap_or(0);
        *self.refusals.entry(code).or_default() += 1;
        self.participants[index].refused += 1;
        self.outstanding = self.outstanding.saturating_sub(1);
        self.undelivered = self.undelivered.saturating_sub(1);
    }
}

impl Application for Chat {
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        let Some(&index) = self.by_key.get(&key) else {
            return;
        };
        let outcome = match event {
            Event::Packet(packet) => self.packet(index, packet, now, out),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
            Event::Open | Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("chatting"));
        }
    }
}

impl Participant {
    fn new(key: Key, partner_node: String) -> Self {
        Self {
            key,
            partner_node,
            sent: 0,
            refused: 0,
            echoes: SequenceCheck::default(),
            echo_mids: RisingCheck::default(),
            deliveries: SequenceCheck::default(),
            delivery_mids: RisingCheck::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_survives_the_body() {
        let tag = Tag {
            number: 77,
            intended: Duration::from_micros(123_456),
        };
        let body = tag.body(100);
        assert_eq!(body.len(), 100);
        assert_eq!(Tag::read(&body), Some(tag));
    }

    #[test]
    fn tag_is_never_cut_off() {
        assert_eq!(
            Tag {
                number: 1,
                intended: Duration::ZERO
            }
            .body(0)
            .len(),
            TAG_BYTES
        );
    }

    #[test]
    fn foreign_bodies_have_no_tag() {
        assert_eq!(Tag::read("hello"), None);
        assert_eq!(Tag::read(&"ä".repeat(40)), None);
        assert_eq!(Tag::read(&"z".repeat(40)), None);
    }
}

//! `offline-drain`: messages wait for somebody who is offline; how long from the request of the
//! offline queue to its end marker, and does everything arrive once and in order?

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use tim_protocol::packet::{PacketType, ServerPacket, delivery_ack, offline_request};
use tim_protocol::wire::{TimMessage, TimMessageList};

use super::{Bench, parameters};
use crate::accounts::{self, Account, ENCODING, drive, positive_answer};
use crate::chat::{CHAT, MessageForm, Tag};
use crate::reactor::{Application, Event, Key, Outbox, Reactor};
use crate::report::{ScenarioReport, Trial};
use crate::sequence::{RisingCheck, SequenceCheck};
use crate::server_process::Passwords;

/// Parameters of `offline-drain`.
#[derive(Clone, Debug, Args)]
pub struct OfflineDrain {
    /// Messages that wait.
    #[arg(long, default_value_t = 10_000)]
    pub messages: u64,
    /// Messages without an echo while the queue is filled.
    #[arg(long, default_value_t = 512)]
    pub window: u64,
    /// Bytes of a message body, at least 32.
    #[arg(long, default_value_t = 100)]
    pub body: usize,
}

impl OfflineDrain {
    /// Runs all trials.
    pub fn run(&self, bench: &Bench) -> Result<ScenarioReport> {
        ensure!(self.window > 0, "--window must be at least 1");
        let parameters = parameters([
            ("messages", self.messages.to_string()),
            ("body bytes", self.body.to_string()),
        ]);
        bench.trials("offline-drain", parameters, |number| self.trial(bench, number))
    }

    fn trial(&self, bench: &Bench, number: usize) -> Result<Trial> {
        let (server, _folder) = bench.fresh_server(Passwords::Cheap)?;
        let mut reactor = Reactor::new(server.address)?;
        let accounts = accounts::register(&mut reactor, &bench.names("drain", number), 2, 2)?;
        let [sender, receiver] = &accounts[..] else {
            anyhow::bail!("two accounts were asked for")
        };
        let keys = accounts::log_in(&mut reactor, &accounts, 2)?;
        let [sender_key, receiver_key] = keys[..] else {
            anyhow::bail!("two logins were asked for")
        };
        accounts::befriend(&mut reactor, &[[(sender_key, sender), (receiver_key, receiver)]])?;
        accounts::log_out(&mut reactor, &[receiver_key])?;

        let mut trial = Trial::default();
        let seconds = self.fill(&mut reactor, sender_key, &receiver.node)?;
        trial.figure("queueing_messages_per_second", self.messages as f64 / seconds);
        let drained = Drain::complete(&mut reactor, receiver)?;
        drained.report(&mut trial, self.messages)?;
        let again = Drain::complete(&mut reactor, receiver)?;
        trial.violation(again.received, "messages still in the queue after it was drained");
        server.stop()?;
        Ok(trial)
    }

    /// Sends all messages, `window` at a time; the seconds it took.
    fn fill(&self, reactor: &mut Reactor, sender: Key, receiver: &str) -> Result<f64> {
        let form = MessageForm {
            body_bytes: self.body,
            client_ids: true,
        };
        let mut filling = Filling {
            form,
            receiver,
            total: self.messages,
            sent: 0,
            echoes: SequenceCheck::default(),
            failure: None,
        };
        let start = Instant::now();
        for _ in 0..self.window {
            reactor.with_outbox(sender, |out| filling.send(out));
        }
        let limit = Duration::from_secs(60 + self.messages / 100);
        drive(
            reactor,
            &mut filling,
            limit,
            "filling the offline queue",
            |filling, _| {
                filling.failure.take().map_or(Ok(()), Err)?;
                Ok(filling.echoes.received() == filling.total)
            },
        )?;
        ensure!(
            filling.echoes.verdict(self.messages).is_perfect(),
            "echoes while filling the queue are not in order"
        );
        Ok(start.elapsed().as_secs_f64())
    }
}

/// The sender's side while the queue is filled.
struct Filling<'a> {
    form: MessageForm,
    receiver: &'a str,
    total: u64,
    sent: u64,
    echoes: SequenceCheck,
    failure: Option<anyhow::Error>,
}

impl Filling<'_> {
    fn send(&mut self, out: &mut Outbox) {
        if self.sent < self.total {
            out.packet(&self.form.packet(
                self.receiver,
                Tag {
                    number: self.sent,
                    intended: Duration::ZERO,
                },
            ));
            self.sent += 1;
        }
    }

    fn packet(&mut self, bytes: &[u8], out: &mut Outbox) -> Result<()> {
        let packet = ServerPacket::parse(bytes).context("empty packet")?;
        if let Some(send_id) = packet.send_id {
            out.packet(&delivery_ack(send_id, ENCODING));
            return Ok(());
        }
        match packet.packet_type() {
            Some(PacketType::Ack) => positive_answer(bytes).map(drop),
            Some(PacketType::Message) => {
                let message: TimMessage = packet.decode(ENCODING).context("echo not understood")?;
                if let Some(tag) = message.data_string.as_deref().and_then(Tag::read) {
                    self.echoes.observe(tag.number);
                    self.send(out);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Application for Filling<'_> {
    fn on_event(&mut self, _: Key, event: Event<'_>, _: Instant, out: &mut Outbox) {
        let outcome = match event {
            Event::Packet(packet) => self.packet(packet, out),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
            Event::Open | Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("filling the offline queue"));
        }
    }
}

/// The receiver's side: log in, ask for the queue, acknowledge every batch, wait for the end.
struct Drain<'a> {
    account: &'a Account,
    key: Key,
    started: Instant,
    asked: Option<Instant>,
    ended: Option<Instant>,
    sequence: SequenceCheck,
    mids: RisingCheck,
    received: u64,
    batches: u64,
    unmarked: u64,
    failure: Option<anyhow::Error>,
}

impl<'a> Drain<'a> {
    /// Drains the queue of `account` and logs out.
    fn complete(reactor: &mut Reactor, account: &'a Account) -> Result<Self> {
        let started = Instant::now();
        let mut drain = Self {
            account,
            key: reactor.open_websocket(None)?,
            started,
            asked: None,
            ended: None,
            sequence: SequenceCheck::default(),
            mids: RisingCheck::default(),
            received: 0,
            batches: 0,
            unmarked: 0,
            failure: None,
        };
        drive(
            reactor,
            &mut drain,
            Duration::from_secs(120),
            "draining the offline queue",
            |drain, _| {
                drain.failure.take().map_or(Ok(()), Err)?;
                Ok(drain.ended.is_some())
            },
        )?;
        accounts::log_out(reactor, &[drain.key])?;
        Ok(drain)
    }

    fn report(&self, trial: &mut Trial, expected: u64) -> Result<()> {
        let (asked, ended) = self.asked.zip(self.ended).context("the queue was not drained")?;
        trial.figure("drain_ms", (ended - asked).as_secs_f64() * 1e3);
        trial.figure(
            "connect_to_drained_ms",
            (ended - self.started).as_secs_f64() * 1e3,
        );
        trial.figure("batches", self.batches as f64);
        trial.figure("messages_verified", self.sequence.received() as f64);
        let verdict = self.sequence.verdict(expected);
        trial.violation(verdict.missing, "messages missing");
        trial.violation(verdict.doubled, "messages doubled");
        trial.violation(verdict.reordered, "messages out of order");
        trial.violation(verdict.unexpected, "messages never sent");
        trial.violation(self.mids.violations(), "message numbers (mid) that did not rise");
        trial.violation(self.unmarked, "messages not marked as offline messages");
        Ok(())
    }

    fn packet(&mut self, bytes: &[u8], now: Instant, out: &mut Outbox) -> Result<()> {
        let packet = ServerPacket::parse(bytes).context("empty packet")?;
        if let Some(send_id) = packet.send_id {
            out.packet(&delivery_ack(send_id, ENCODING));
        }
        match packet.packet_type() {
            Some(PacketType::Ack) => {
                positive_answer(bytes)?;
                out.packet(&offline_request(ENCODING));
                self.asked = Some(now);
            }
            Some(PacketType::OfflineMsg) => {
                let list: TimMessageList = packet.decode(ENCODING).context("batch not understood")?;
                self.batches += 1;
                list.message_list
                    .unwrap_or_default()
                    .iter()
                    .for_each(|message| self.message(message));
            }
            Some(PacketType::OfflineMsgEnd) => self.ended = Some(now),
            // Whatever comes by another way than the queue counts as well.
            Some(PacketType::Message) => {
                self.message(&packet.decode(ENCODING).context("message not understood")?)
            }
            _ => {}
        }
        Ok(())
    }

    fn message(&mut self, message: &TimMessage) {
        if message.od_type != CHAT {
            return;
        }
        self.received += 1;
        self.unmarked += u64::from(message.is_offline != Some(true));
        self.mids.observe(message.mid.unwrap_or(0));
        if let Some(tag) = message.data_string.as_deref().and_then(Tag::read) {
            self.sequence.observe(tag.number);
        }
    }
}

impl Application for Drain<'_> {
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox) {
        if key != self.key {
            return;
        }
        let outcome = match event {
            Event::Open => {
                out.packet(&self.account.password_login());
                Ok(())
            }
            Event::Packet(packet) => self.packet(packet, now, out),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
            Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("draining the offline queue"));
        }
    }
}

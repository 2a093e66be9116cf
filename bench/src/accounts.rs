//! Getting to the point where people can chat: registering accounts over HTTP, logging in,
//! becoming friends. Set-up work; nothing here is measured except by the login storm, which
//! uses the packets built here.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tim_protocol::Encoding;
use tim_protocol::packet::{PacketType, ServerPacket, client_packet, delivery_ack, offline_request, ping};
use tim_protocol::wire::{TimAck, TimAuth, TimMessage, TimReq};

use crate::reactor::{Application, Event, Key, Outbox, Reactor};

/// Encoding of all packets of the generator.
pub const ENCODING: Encoding = Encoding::Compact;

const ADD_TO_ROSTER: i32 = 4;
const FRIENDSHIP_REQUESTED: i32 = 4;
const FRIENDSHIP_COMPLETE: i32 = 5;

/// An account of the generator.
#[derive(Clone, Debug)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// Password.
    pub password: String,
    /// Public address; empty before registration.
    pub node: String,
}

impl Account {
    /// Account `number` of the run called `run`.
    pub fn new(run: &str, number: usize) -> Self {
        Self {
            name: format!("{run}-{number}"),
            password: format!("secret of {run} {number}"),
            node: String::new(),
        }
    }

    fn credentials(&self) -> TimAuth {
        TimAuth {
            name: Some(self.name.clone()),
            pwd: Some(self.password.clone()),
            ..TimAuth::default()
        }
    }

    /// The body of a POST that registers the account.
    pub fn registration(&self) -> Vec<u8> {
        client_packet(PacketType::Register, ENCODING, &self.credentials())
    }

    /// The body of a POST that asks for a login token.
    pub fn token_request(&self) -> Vec<u8> {
        client_packet(PacketType::Token, ENCODING, &self.credentials())
    }

    /// The login packet with the password.
    pub fn password_login(&self) -> Vec<u8> {
        let auth = TimAuth {
            resource: Some("bench".to_owned()),
            termtyp: Some(1),
            ..self.credentials()
        };
        client_packet(PacketType::Auth, ENCODING, &auth)
    }

    /// The login packet with a token.
    pub fn token_login(&self, token: &str) -> Vec<u8> {
        let auth = TimAuth {
            name: Some(self.name.clone()),
            token: Some(token.to_owned()),
            resource: Some("bench".to_owned()),
            termtyp: Some(1),
            ..TimAuth::default()
        };
        client_packet(PacketType::Auth, ENCODING, &auth)
    }
}

/// Reads a general answer of the server; an error says what was refused.
pub fn positive_answer(packet: &[u8]) -> Result<TimAck> {
    let packet = ServerPacket::parse(packet).context("empty packet")?;
    ensure!(
        packet.packet_type() == Some(PacketType::Ack),
        "packet of type {} instead of an answer",
        packet.type_byte
    );
    let answer: TimAck = packet.decode(ENCODING).context("answer not understood")?;
    if !answer.ok {
        let error = answer.error.unwrap_or_default();
        bail!(
            "refused with error {} ({}), packet type {}",
            error.code.unwrap_or(0),
            error.info.unwrap_or_default(),
            answer.tim_type
        );
    }
    Ok(answer)
}

/// Polls `reactor` until `done` says so; an error after `limit`, naming `what` did not happen.
pub fn drive<A: Application>(
    reactor: &mut Reactor,
    application: &mut A,
    limit: Duration,
    what: &str,
    mut done: impl FnMut(&mut A, &mut Reactor) -> Result<bool>,
) -> Result<()> {
    let start = Instant::now();
    while !done(application, reactor)? {
        ensure!(
            start.elapsed() < limit,
            "{what} did not finish within {} s",
            limit.as_secs()
        );
        reactor.poll(Duration::from_millis(50), application)?;
    }
    Ok(())
}

/// Registers `count` accounts over `parallel` HTTP connections.
pub fn register(reactor: &mut Reactor, run: &str, count: usize, parallel: usize) -> Result<Vec<Account>> {
    let mut registration = Registration {
        accounts: (0..count).map(|number| Account::new(run, number)).collect(),
        next: 0,
        under_way: HashMap::new(),
        done: 0,
        failure: None,
    };
    for _ in 0..parallel.min(count) {
        let key = reactor.open_http()?;
        reactor.with_outbox(key, |out| registration.start(key, out));
    }
    let limit =
        Duration::from_secs(60) + Duration::from_millis(200) * u32::try_from(count).unwrap_or(u32::MAX);
    drive(
        reactor,
        &mut registration,
        limit,
        "registration",
        |registration, _| {
            registration.failure.take().map_or(Ok(()), Err)?;
            Ok(registration.done == count)
        },
    )?;
    registration.idle(reactor);
    Ok(registration.accounts)
}

struct Registration {
    accounts: Vec<Account>,
    next: usize,
    under_way: HashMap<Key, usize>,
    done: usize,
    failure: Option<anyhow::Error>,
}

impl Registration {
    fn start(&mut self, key: Key, out: &mut Outbox) {
        if let Some(account) = self.accounts.get(self.next) {
            out.post(&account.registration());
        }
        self.under_way.insert(key, self.next);
        self.next += 1;
    }

    fn idle(&self, reactor: &mut Reactor) {
        self.under_way.keys().for_each(|&key| reactor.abandon(key));
    }
}

impl Application for Registration {
    fn on_event(&mut self, key: Key, event: Event<'_>, _: Instant, out: &mut Outbox) {
        let outcome = match event {
            Event::Response { status: 200, body } => positive_answer(body).and_then(|answer| {
                answer
                    .n
                    .filter(|node| !node.is_empty())
                    .context("no node in the answer")
            }),
            Event::Response { status, .. } => Err(anyhow::anyhow!("HTTP status {status}")),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
            Event::Open | Event::Packet(_) => return,
        };
        let number = self.under_way.get(&key).copied().unwrap_or(usize::MAX);
        match (outcome, self.accounts.get_mut(number)) {
            (Ok(node), Some(account)) => {
                account.node = node;
                self.done += 1;
                self.start(key, out);
            }
            (Err(error), _) => self.failure = Some(error.context("registering an account")),
            (Ok(_), None) => {}
        }
    }
}

/// Logs in all `accounts` by password, at most `parallel` at a time, each up to the end marker
/// of its offline queue. The keys are in the order of the accounts. Connections are spread over
/// local addresses when one has too few ports.
pub fn log_in(reactor: &mut Reactor, accounts: &[Account], parallel: usize) -> Result<Vec<Key>> {
    let sources = source_addresses(accounts.len())?;
    let mut arrival = Arrival {
        accounts,
        by_key: HashMap::new(),
        done: 0,
        failure: None,
    };
    let mut keys = Vec::with_capacity(accounts.len());
    let count = accounts.len();
    let limit =
        Duration::from_secs(60) + Duration::from_millis(100) * u32::try_from(count).unwrap_or(u32::MAX);
    drive(reactor, &mut arrival, limit, "logging in", |arrival, reactor| {
        arrival.failure.take().map_or(Ok(()), Err)?;
        while keys.len() < count && keys.len() - arrival.done < parallel {
            let key = reactor.open_websocket(sources[keys.len() % sources.len()])?;
            arrival.by_key.insert(key, keys.len());
            keys.push(key);
        }
        Ok(arrival.done == count)
    })?;
    Ok(keys)
}

/// Local addresses to spread `connections` over: `None` alone when the default address has ports
/// enough.
pub fn source_addresses(connections: usize) -> Result<Vec<Option<IpAddr>>> {
    // A tenth stays free for other users of the machine.
    let per_address = crate::machine::ports_per_address()? * 9 / 10;
    let needed = connections.div_ceil(per_address.max(1)).max(1);
    if needed == 1 {
        return Ok(vec![None]);
    }
    ensure!(
        needed < 250,
        "{connections} connections need {needed} source addresses"
    );
    (0..needed)
        .map(|n| Ok(Some(IpAddr::from(Ipv4Addr::new(127, 0, 0, u8::try_from(n + 1)?)))))
        .collect()
}

struct Arrival<'a> {
    accounts: &'a [Account],
    by_key: HashMap<Key, usize>,
    done: usize,
    failure: Option<anyhow::Error>,
}

impl Arrival<'_> {
    fn packet(&mut self, bytes: &[u8], out: &mut Outbox) -> Result<()> {
        let packet = ServerPacket::parse(bytes).context("empty packet")?;
        if let Some(send_id) = packet.send_id {
            out.packet(&delivery_ack(send_id, ENCODING));
        }
        match packet.packet_type() {
            Some(PacketType::Ack) => {
                positive_answer(bytes)?;
                out.packet(&offline_request(ENCODING));
            }
            Some(PacketType::OfflineMsgEnd) => self.done += 1,
            _ => {}
        }
        Ok(())
    }
}

impl Application for Arrival<'_> {
    fn on_event(&mut self, key: Key, event: Event<'_>, _: Instant, out: &mut Outbox) {
        let Some(account) = self
            .by_key
            .get(&key)
            .and_then(|&number| self.accounts.get(number))
        else {
            return;
        };
        let outcome = match event {
            Event::Open => {
                out.packet(&account.password_login());
                Ok(())
            }
            Event::Packet(packet) => self.packet(packet, out),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
            Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("logging in"));
        }
    }
}

/// Makes friends of `pairs` of logged-in accounts: asked by the first, accepted by the second.
pub fn befriend(reactor: &mut Reactor, pairs: &[[(Key, &Account); 2]]) -> Result<()> {
    let mut befriending = Befriending {
        accepts: HashMap::new(),
        waits: HashMap::new(),
        failure: None,
    };
    for [(first, asker), (second, asked)] in pairs {
        befriending.accepts.insert(*second, add_to_roster(&asker.node));
        befriending.waits.insert(*first, ());
        reactor.with_outbox(*first, |out| out.packet(&add_to_roster(&asked.node)));
    }
    let limit = Duration::from_secs(60);
    drive(
        reactor,
        &mut befriending,
        limit,
        "becoming friends",
        |befriending, _| {
            befriending.failure.take().map_or(Ok(()), Err)?;
            Ok(befriending.waits.is_empty())
        },
    )
}

fn add_to_roster(node: &str) -> Vec<u8> {
    let request = TimReq {
        rtype: Some(ADD_TO_ROSTER),
        node: Some(node.to_owned()),
        req_str: Some("hello".to_owned()),
        ..TimReq::default()
    };
    client_packet(PacketType::Business, ENCODING, &request)
}

struct Befriending {
    /// What the asked ones send when the question reaches them.
    accepts: HashMap<Key, Vec<u8>>,
    /// Askers who do not know yet.
    waits: HashMap<Key, ()>,
    failure: Option<anyhow::Error>,
}

impl Befriending {
    fn packet(&mut self, key: Key, bytes: &[u8], out: &mut Outbox) -> Result<()> {
        let packet = ServerPacket::parse(bytes).context("empty packet")?;
        if let Some(send_id) = packet.send_id {
            out.packet(&delivery_ack(send_id, ENCODING));
        }
        match packet.packet_type() {
            Some(PacketType::Ack) => {
                positive_answer(bytes)?;
            }
            Some(PacketType::Message) => {
                let message: TimMessage = packet.decode(ENCODING).context("message not understood")?;
                match message.bn_type {
                    Some(FRIENDSHIP_REQUESTED) => {
                        if let Some(answer) = self.accepts.remove(&key) {
                            out.packet(&answer);
                        }
                    }
                    Some(FRIENDSHIP_COMPLETE) => {
                        self.waits.remove(&key);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Application for Befriending {
    fn on_event(&mut self, key: Key, event: Event<'_>, _: Instant, out: &mut Outbox) {
        let outcome = match event {
            Event::Packet(packet) => self.packet(key, packet, out),
            Event::Closed(reason) => Err(anyhow::anyhow!("connection lost: {reason}")),
            Event::Open | Event::Response { .. } => Ok(()),
        };
        if let Err(error) = outcome {
            self.failure = Some(error.context("becoming friends"));
        }
    }
}

/// Sends a keep-alive on each connection.
pub fn ping_all(reactor: &mut Reactor, keys: &[Key]) {
    let packet = ping(ENCODING);
    for &key in keys {
        reactor.with_outbox(key, |out| out.packet(&packet));
    }
}

/// Closes connections and waits until the server has closed them too.
pub fn log_out(reactor: &mut Reactor, keys: &[Key]) -> Result<()> {
    struct Leaving;
    impl Application for Leaving {
        fn on_event(&mut self, _: Key, _: Event<'_>, _: Instant, _: &mut Outbox) {}
    }
    let left = reactor.open_connections().saturating_sub(keys.len());
    for &key in keys {
        reactor.with_outbox(key, Outbox::close);
    }
    drive(
        reactor,
        &mut Leaving,
        Duration::from_secs(30),
        "logging out",
        |_, reactor| Ok(reactor.open_connections() <= left),
    )
}

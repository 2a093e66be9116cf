//! Sends every WebSocket message back over the sockets of the server: the same accept path, handshake, framing,
//! buffers and limits, with nothing of the engine behind them. For conformance tests of WebSocket; no program of the
//! product uses it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::Context;

use bytes::Bytes;
use tim_protocol::wire::{TimAck, TimAuth};
use tokio::time::Instant;

use crate::config::Config;
use crate::engine::accounts::NotServed;
use crate::gateway::session::SessionLimits;
use crate::gateway::{Backend, Gateway, Outgoing, PacketSession, bind};
use crate::server::socket_options;

/// A running echo server.
pub struct EchoServer {
    gateway: Gateway,
    address: SocketAddr,
    config: Config,
}

impl EchoServer {
    /// Listens on `listen.client` of the configuration, at `/tim` and `/`. Messages up to `limits.max_packet` are
    /// echoed, text as text and binary as binary.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(config: Config) -> io::Result<Self> {
        let listener = bind(config.listen.client, config.listen.backlog)?;
        let address = listener.local_addr()?;
        let gateway = Gateway::start(
            listener,
            None,
            Echo(config.session_limits()),
            socket_options(&config),
            axum::Router::new(),
        );
        Ok(Self {
            gateway,
            address,
            config,
        })
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections, within `process.shutdown_timeout`.
    pub async fn shutdown(self) {
        self.gateway.shutdown(self.config.process.shutdown_timeout).await;
    }
}

struct Echo(SessionLimits);

impl Backend for Echo {
    type Session = EchoSession;

    fn open(&self, _peer: IpAddr, now: Instant) -> EchoSession {
        EchoSession {
            limits: self.0.clone(),
            heard: now,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            closing: None,
        }
    }

    async fn register(&self, _peer: IpAddr, _auth: TimAuth) -> Result<TimAck, NotServed> {
        Err(NotServed::Disabled)
    }

    async fn token(&self, _peer: IpAddr, _auth: TimAuth) -> Result<TimAck, NotServed> {
        Err(NotServed::Disabled)
    }
}

struct EchoSession {
    limits: SessionLimits,
    heard: Instant,
    waiting: VecDeque<Outgoing>,
    waiting_bytes: usize,
    closing: Option<(u16, &'static str)>,
}

impl EchoSession {
    fn echo(&mut self, message: Outgoing, length: usize, now: Instant) {
        self.heard = now;
        self.waiting_bytes += length;
        self.waiting.push_back(message);
    }
}

impl PacketSession for EchoSession {
    fn receive(&mut self, packet: Bytes, now: Instant) {
        let length = packet.len();
        self.echo(Outgoing::Binary(packet), length, now);
    }

    fn receive_text(&mut self, packet: Bytes, now: Instant) {
        let length = packet.len();
        self.echo(Outgoing::Text(packet), length, now);
    }

    fn wants_input(&self) -> bool {
        self.closing.is_none() && self.waiting_bytes < self.limits.outgoing_bytes
    }

    fn poll(&mut self, _cx: &mut Context<'_>, now: Instant) {
        if now >= self.deadline() {
            self.closing.get_or_insert((1000, "nothing heard for too long"));
        }
    }

    fn next_packet(&mut self) -> Option<Bytes> {
        match self.next_message()? {
            Outgoing::Text(packet) | Outgoing::Binary(packet) => Some(packet),
        }
    }

    fn next_message(&mut self) -> Option<Outgoing> {
        let message = self.waiting.pop_front()?;
        let (Outgoing::Text(payload) | Outgoing::Binary(payload)) = &message;
        self.waiting_bytes -= payload.len();
        Some(message)
    }

    fn packet_limit(&self) -> usize {
        self.limits.packet_bytes
    }

    fn deadline(&self) -> Instant {
        self.heard + self.limits.silence_timeout
    }

    fn closing(&self) -> Option<(u16, String)> {
        self.closing.map(|(code, reason)| (code, reason.to_owned()))
    }

    fn begin_shutdown(&mut self) {
        self.closing.get_or_insert((1001, "server is going down"));
    }

    fn is_idle(&self) -> bool {
        true
    }

    fn authenticated(&self) -> bool {
        true
    }
}

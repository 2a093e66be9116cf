//! Joins the sockets to the engine: the product's [`Backend`].

use std::net::IpAddr;
use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{TimAck, TimAuth};
use tokio::time::Instant;

use super::backend::{Backend, PacketSession};
use super::session::{Session, SessionContext};
use crate::engine::accounts::NotServed;

/// The engine as the sockets see it.
#[derive(Debug)]
pub(crate) struct EngineBackend(pub(crate) Arc<SessionContext>);

impl Backend for EngineBackend {
    type Session = Session;

    fn open(&self, peer: IpAddr, now: Instant) -> Session {
        Session::new(&self.0, peer, now)
    }

    fn serves(&self, kind: PacketType) -> bool {
        !self.0.limits.disabled.contains(kind)
    }

    async fn register(&self, peer: IpAddr, auth: TimAuth) -> Result<TimAck, NotServed> {
        self.0.engine.register(peer, auth).await
    }

    async fn token(&self, peer: IpAddr, auth: TimAuth) -> Result<TimAck, NotServed> {
        self.0.engine.token(peer, auth).await
    }
}

impl PacketSession for Session {
    fn receive(&mut self, packet: Bytes, now: Instant) {
        Self::receive(self, packet, now);
    }

    fn reading(&mut self, bytes: usize) {
        Self::reading(self, bytes);
    }

    fn wants_input(&self) -> bool {
        Self::wants_input(self)
    }

    fn poll(&mut self, cx: &mut Context<'_>, now: Instant) {
        Self::poll(self, cx, now);
    }

    fn next_packet(&mut self) -> Option<Bytes> {
        Self::next_packet(self)
    }

    fn packet_limit(&self) -> usize {
        Self::packet_limit(self)
    }

    fn deadline(&self) -> Instant {
        Self::deadline(self)
    }

    fn closing(&self) -> Option<(u16, String)> {
        Self::closing(self).map(|reason| (reason.code(), reason.to_string()))
    }

    fn begin_shutdown(&mut self) {
        Self::begin_shutdown(self);
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }

    fn authenticated(&self) -> bool {
        Self::authenticated(self)
    }
}

//! What the sockets need from the rest of the server. The engine stands behind it in the product,
//! scripted sessions in the tests of the sockets.

use std::net::IpAddr;
use std::task::Context;

use bytes::Bytes;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{TimAck, TimAuth};
use tokio::time::Instant;

use crate::engine::accounts::NotServed;

/// Makes sessions and answers the requests of `/tim2`.
pub(crate) trait Backend: Send + Sync + 'static {
    /// State of one WebSocket connection.
    type Session: PacketSession;

    /// Begins a session for a client that connected from `peer`.
    fn open(&self, peer: IpAddr, now: Instant) -> Self::Session;

    /// Whether requests of that type are carried out (wire-protocol 6.7).
    fn serves(&self, kind: PacketType) -> bool {
        let _ = kind;
        true
    }

    /// Answers a registration (wire-protocol 7.1).
    fn register(&self, peer: IpAddr, auth: TimAuth)
    -> impl Future<Output = Result<TimAck, NotServed>> + Send;

    /// Answers a request for a token (wire-protocol 7.2).
    fn token(&self, peer: IpAddr, auth: TimAuth) -> impl Future<Output = Result<TimAck, NotServed>> + Send;
}

/// A message from a session.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// Text; has to be UTF-8.
    Text(Bytes),
    /// A packet.
    Binary(Bytes),
}

/// A session as the socket sees it: packets in, packets out. It does no I/O and is driven by
/// polling; dropping it means that the connection ended.
pub(crate) trait PacketSession: Send + Unpin + 'static {
    /// Takes one whole WebSocket message.
    fn receive(&mut self, packet: Bytes, now: Instant);

    /// Takes one whole text message, which is UTF-8. Packets may come as text (wire-protocol 2.2).
    fn receive_text(&mut self, packet: Bytes, now: Instant) {
        self.receive(packet, now);
    }

    /// So many bytes have arrived of a message that is not complete.
    fn reading(&mut self, bytes: usize) {
        let _ = bytes;
    }

    /// Whether another message should be read. May become true again in [`Self::poll`].
    fn wants_input(&self) -> bool;

    /// Goes on with everything that can go on and registers the waker for the rest.
    fn poll(&mut self, cx: &mut Context<'_>, now: Instant);

    /// The next packet to send as one binary message.
    fn next_packet(&mut self) -> Option<Bytes>;

    /// The next message to send. Only a session that sends text has to provide it.
    fn next_message(&mut self) -> Option<Outgoing> {
        self.next_packet().map(Outgoing::Binary)
    }

    /// Largest message accepted now, in bytes.
    fn packet_limit(&self) -> usize;

    /// When to poll again at the latest.
    fn deadline(&self) -> Instant;

    /// Close code and reason, once the session is over and all packets are taken.
    fn closing(&self) -> Option<(u16, String)>;

    /// The server stops: take no new requests, finish those that run.
    fn begin_shutdown(&mut self);

    /// Whether everything that was received is done, whatever the client has been told of it.
    fn is_idle(&self) -> bool;

    /// Whether the client has logged in.
    fn authenticated(&self) -> bool;
}

//! Sockets: accepting, TLS, HTTP, WebSocket framing, limits, shutdown; and the sessions above them.
//! Nothing else in the server knows sockets, and nothing here knows what a message means.

mod admission;
mod backend;
mod connection;
mod drain;
mod engine_backend;
mod handshake;
mod http;
mod listener;
mod scratch;
pub mod session;
mod tim2;
pub(crate) mod tls;
mod websocket;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Network, Origin};
use admission::Admission;
use drain::Drain;

pub(crate) use backend::{Backend, Outgoing, PacketSession};
pub(crate) use engine_backend::EngineBackend;
pub(crate) use handshake::{client_address, single};
pub(crate) use http::{Pace, Peer};
pub(crate) use listener::{Gateway, GatewayWatch, TlsSlot, bind};

/// What an operator can tune at the sockets.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Origins that may connect; empty for all.
    pub(crate) origins: Vec<Origin>,
    /// Proxies that tell the address of the client.
    pub(crate) trusted_proxies: Vec<Network>,
    /// Time for the TLS handshake, the head of a request and its body, each.
    pub(crate) handshake_timeout: Duration,
    /// A client that takes nothing off the socket for so long is disconnected.
    pub(crate) write_timeout: Duration,
    /// How fast a client has to send the body of a request and take an answer.
    pub(crate) pace: Pace,
    /// Largest body of a request to `/tim2`, in bytes.
    pub(crate) max_login_packet: usize,
    /// Sockets open at the same time.
    pub(crate) connections: usize,
    /// Sockets of one address that are not logged in.
    pub(crate) unauthenticated_per_address: usize,
    /// Connections of one address per second, and as many at once. 0: no limit.
    pub(crate) connections_per_second_per_address: u32,
}

/// What all sockets of a gateway share.
struct Shared<B> {
    backend: B,
    options: Options,
    admission: Arc<Admission>,
    drain: Arc<Drain>,
}

impl<B> Shared<B> {
    fn is_proxy(&self, peer: IpAddr) -> bool {
        self.options
            .trusted_proxies
            .iter()
            .any(|network| network.contains(peer))
    }
}

#[cfg(test)]
mod tests;

//! The named cases of WebSocket conformance: what RFC 6455 asks of the server's own framing, by the groups of the
//! Autobahn TestSuite, over real sockets against the echo server. `docs/websocket-conformance.md` is their index.
//! Every case runs with its bytes sent whole, in odd pieces and one by one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests"
)]

mod client;
mod close;
mod control;
mod fragments;
mod framing;
mod limits;
mod reserved;
mod utf8;

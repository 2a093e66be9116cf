//! The management API (docs/admin-api.md) over real sockets against the real server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions of tests: a failed expectation is a failed test"
)]

mod access;
mod accounts;
mod command;
mod conversations;
mod rights;
mod server;

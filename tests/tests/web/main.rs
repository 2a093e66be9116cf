//! HTTP for client applications (docs/web-api.md) over real sockets against the real server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions of tests: a failed expectation is a failed test"
)]

mod abuse;
mod delivered;
mod directory;
mod files;
mod origins;
mod pages;
mod sessions;

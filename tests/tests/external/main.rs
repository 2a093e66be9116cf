//! Accounts outside the server: a check before every login (wire-protocol 7.3), SQL statements on real databases
//! and HTTP calls (10.8), and the modes that trust somebody else. PostgreSQL and MariaDB are started here, on
//! loopback; where they are not installed their tests say so, which in continuous integration is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions of tests: a failed expectation is a failed test"
)]

mod api;
mod databases;
mod engines;
mod failures;
mod gate;
mod people;
mod service;
mod sessions;
mod trust;

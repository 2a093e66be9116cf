//! Behaviour of the protocol crate as its users see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helper functions of tests"
)]

mod bigdata;
mod corpus;
mod errors;
mod generate;
mod identifiers;
mod packets;
mod properties;
mod reading;
mod sample;
mod vectors;
mod writing;

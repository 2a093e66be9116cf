//! The statements that a user can see, driven by the SDK against the real server, in both encodings. What only
//! raw packets can show is in the suite `protocol`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions of tests: a failed expectation is a failed test"
)]

mod accounts;
mod contacts;
mod events;
mod live;
mod messages;
mod resume;
mod rooms;
mod session;

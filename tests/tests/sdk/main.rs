//! The statements that a user can see, driven by the SDK against the real server, in both encodings. What only
//! raw packets can show is in the suite `protocol`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions of tests: a failed expectation is a failed test"
)]

mod accounts;
mod big_data;
mod contacts;
mod events;
mod live;
mod memberships;
mod messages;
mod presence;
mod profiles;
mod resume;
mod rooms;
mod session;
mod streams;

//! The client protocol over real sockets against the real server, one test per statement, in both encodings.
//! Every module names the sections it covers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions of tests: a failed expectation is a failed test"
)]

mod accounts;
mod big_data;
mod contract;
mod delivery;
mod devices;
mod friends;
mod handshake;
mod history;
mod lifecycle;
mod limits;
mod messages;
mod notes;
mod offline;
mod presence;
mod profiles;
mod repeats;
mod retraction;
mod room_messages;
mod rooms;
mod suspension;
mod switches;
mod tokens;
mod vectors;
mod virtual_rooms;
mod volatile;

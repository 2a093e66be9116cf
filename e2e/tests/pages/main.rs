//! People with browsers before a real server: one test per thing that they do. All share one browser, and all but
//! those that kill it share one server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests are test code too"
)]

mod accounts;
mod chat;
mod driver;
mod files;
mod friends;
mod groups;
mod injection;
mod keyboard;
mod loading;
mod many;
mod outage;
mod recall;
mod screens;
mod sdk;
mod together;

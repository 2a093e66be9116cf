//! The testkit of the suites over sockets: starts the real server binary in a scratch directory, kills and
//! restarts it, and speaks to it in raw packets of both encodings.
//!
//! Build the binary first: `cargo build -p tim-server --bin tim-server`. The suites look for it in
//! `TIM_SERVER_BIN`, else beside their own program. `cargo xtask test` does both.
//!
//! Everything here panics when the server does not do what the test expects; the message says what happened.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the whole crate is test code: a failed expectation is a failed test"
)]

pub mod browser;
pub mod chat;
pub mod client;
pub mod console;
pub mod http;
pub mod log;
pub mod people;
pub mod process;
pub mod received;
pub mod rooms;
pub mod secrets;
pub mod server;

use std::time::Duration;

pub use client::Client;
pub use people::{Pair, Person, friends};
pub use received::Received;
pub use server::{Options, Server, shared};
pub use tim_protocol::Encoding;
pub use tim_protocol::error_code::ErrorCode;
pub use tim_protocol::packet::PacketType;

/// How long anything may take before a test gives up. Only a bound for failures: nothing waits for it to pass.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for a future, at most [`PATIENCE`].
///
/// # Panics
/// When it takes longer; `what` is what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// Makes one test per encoding of each function `async fn name(encoding: Encoding)`.
#[macro_export]
macro_rules! in_both_encodings {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn compact() {
                Box::pin(super::$name($crate::Encoding::Compact)).await;
            }
            #[tokio::test]
            async fn json() {
                Box::pin(super::$name($crate::Encoding::Json)).await;
            }
        }
    )+};
}

//! The testkit of the browser suite: finds and starts a real Chromium without a window, speaks to it over the
//! Chrome DevTools Protocol, and knows webtim as a person does: by what is on the screen.
//!
//! Nothing here waits for time to pass: every wait is for a condition on a page, with a limit that only bounds
//! failures. Every page fails its test when it logs an error, throws, or breaks its content security policy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the whole crate is test code: a failed expectation is a failed test"
)]

pub mod axe;
pub mod browser;
pub mod cable;
pub mod cdp;
pub mod complaints;
pub mod page;
pub mod script;
pub mod site;
pub mod webtim;

use std::sync::OnceLock;
use std::time::Duration;

pub use browser::{Browser, Screen};
pub use cable::Cable;
pub use page::Page;
pub use site::Site;
pub use tim_tests::within;
pub use webtim::{Device, Person};

/// How long anything may take before a test gives up. Only a bound for failures.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test. All tests of a program share one runtime, so that they can share the browser.
pub fn run(test: impl Future<Output = ()>) {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime")
        })
        .block_on(test);
}

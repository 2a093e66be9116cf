//! What the client protocol asks of a server, statement by statement: `statements.txt` lists them, tests here and in
//! the other suites name those that they show, and `docs/conformance.md` is the table of both. A statement without a
//! test fails this suite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions of tests: a failed expectation is a failed test"
)]

mod answers;
mod codes;
mod coverage;
mod encodings;
mod mix;
mod rooms;
mod sessions;
mod statements;
mod streams;
mod transport;
mod volatile;

//! Bad input, bad peers, bad disks, damaged data: a clear error, other users unaffected, nothing lost, no secret
//! in logs or in clear on disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "functions of tests: a failed expectation is a failed test"
)]

mod bystanders;
mod damage;
mod disk;
mod keys;
mod packets;
mod secrecy;
mod shutdown;
mod sockets;
mod startup;

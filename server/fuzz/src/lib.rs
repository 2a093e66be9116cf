//! Fuzzing of the whole session: scripts of several connections, made of raw packets, are mutated and played to a real
//! server with its store in memory, in this process. Whatever is sent, nothing may panic, hang, be answered with
//! something that is no packet, or touch a client that behaves.
//!
//! `cargo xtask fuzz session --time 30m` searches; the ordinary tests replay the corpus.

pub mod allocation;
pub mod coverage;
pub mod minimize;
pub mod mutation;
pub mod oracle;
pub mod script;
pub mod search;
pub mod seeds;
pub mod sightings;
pub mod stage;
pub mod websocket;

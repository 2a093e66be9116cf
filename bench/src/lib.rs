//! Load generator of tim: drives a real server over real sockets from one thread, measures
//! latencies from the moments at which messages were meant to be sent, and checks that every
//! message arrives once and in order. The codec benchmarks are in `benches/`.

pub mod accounts;
pub mod broadcast;
pub mod budget;
pub mod chat;
pub mod crowd;
pub mod delivery;
pub mod friendships;
pub mod latency;
pub mod machine;
pub mod presence;
pub mod reactor;
pub mod render;
pub mod report;
pub mod room;
pub mod scenario;
pub mod schedule;
pub mod sequence;
pub mod server_process;
pub mod soak;
pub mod websocket;

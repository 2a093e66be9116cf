//! Rooms (wire-protocol 7.10): what is known of them and of their members, from caches that every
//! change writes through, so that who was removed is a stranger from that instant on. Messages of
//! rooms are not here.

mod change;
pub mod decide;
pub mod known;
mod life;
pub mod members;

pub use known::{Rooms, Standing};

/// Longest title of a room, text of a request to join and reason of a refusal, in bytes of UTF-8.
pub const TEXT_BYTES: usize = 1_024;

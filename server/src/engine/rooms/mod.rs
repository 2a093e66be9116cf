//! Rooms (wire-protocol 7.10): what is known of them and of their members, from caches that every
//! change writes through, so that who was removed is a stranger from that instant on. Messages of
//! rooms are not here.

pub mod known;

pub use known::{Rooms, Standing};

//! Wire structs, codecs, packets, identifiers and error codes of the tim instant-messaging protocol.
//!
//! The crate is pure computation: no input or output, no clock, no randomness, no `async`. It builds for
//! `wasm32-unknown-unknown`. Everything that reads bytes from a peer returns an error or `None` on bad input,
//! never panics, and allocates at most a small multiple of the input ([`DECODE_FACTOR`], [`DECODE_BASE`]).
//!
//! | module | content |
//! |---|---|
//! | [`wire`] | the structs of `tim.thrift` |
//! | [`compact`], [`json`] | the two encodings, also reachable through [`WireStruct`] |
//! | [`packet`] | the first byte of every packet, send ids and delivery acknowledgements |
//! | [`bigdata`] | packets of type 95, 96 and 97: building, parsing, bounded reassembly |
//! | [`error_code`] | the error codes with their texts |
//! | [`node`] | public addresses of users and rooms: the wide form, and the original form for import |
//! | [`admin`] | the structs and message header of the back-end interfaces that share the encoding |
//!
//! # Example
//!
//! ```
//! use tim_protocol::packet::{self, ClientPacket, PacketType};
//! use tim_protocol::wire::{Tid, TimMessage};
//! use tim_protocol::{DecodeError, Encoding, WireStruct};
//!
//! # fn main() -> Result<(), DecodeError> {
//! let message = TimMessage {
//!     ms_type: 2,
//!     od_type: 1,
//!     to_tid: Some(Tid { node: "QdH6CCms5EU".into(), ..Tid::default() }),
//!     data_string: Some("hello".into()),
//!     ..TimMessage::default()
//! };
//!
//! // What a client puts on the wire ...
//! let bytes = packet::client_packet(PacketType::Message, Encoding::Compact, &message);
//!
//! // ... and what the server makes of it.
//! let received = ClientPacket::parse(&bytes).expect("not empty");
//! assert_eq!(received.packet_type(), Some(PacketType::Message));
//! assert_eq!(TimMessage::decode(received.payload, received.encoding)?, message);
//! # Ok(())
//! # }
//! ```

mod codec;
#[macro_use]
mod declare;

pub mod admin;
pub mod bigdata;
pub mod error_code;
pub mod node;
pub mod packet;
pub mod wire;

#[doc(hidden)]
pub mod fuzzing;

/// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use codec::{DECODE_BASE, DECODE_FACTOR, DecodeError, Encoding, MAX_NESTING, WireStruct, compact, json};
pub use error_code::ErrorCode;
pub use node::Node;

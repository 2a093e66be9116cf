//! Wire structs, codecs, packets, identifiers and error codes of the tim instant-messaging protocol.

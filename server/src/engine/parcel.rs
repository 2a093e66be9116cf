//! A packet payload for many receivers: built once, encoded at most once per encoding, shared.

use std::sync::OnceLock;

use bytes::Bytes;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::TimMessage;
use tim_protocol::{Encoding, WireStruct};

/// A message on its way to any number of sessions.
#[derive(Debug)]
pub struct Parcel {
    kind: PacketType,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Struct {
        message: Box<TimMessage>,
        compact: OnceLock<Bytes>,
        json: OnceLock<Bytes>,
    },
    Raw(Bytes),
}

impl Parcel {
    /// A message packet (type 90).
    #[must_use]
    pub fn message(message: TimMessage) -> Self {
        let content = Content::Struct {
            message: Box::new(message),
            compact: OnceLock::new(),
            json: OnceLock::new(),
        };
        Self {
            kind: PacketType::Message,
            content,
        }
    }

    /// A packet without a struct, the same in both encodings.
    #[must_use]
    pub fn raw(kind: PacketType, payload: Bytes) -> Self {
        Self {
            kind,
            content: Content::Raw(payload),
        }
    }

    /// Its packet type.
    #[must_use]
    pub fn kind(&self) -> PacketType {
        self.kind
    }

    /// The payload behind the type byte (and the send id).
    #[must_use]
    pub fn payload(&self, encoding: Encoding) -> Bytes {
        match &self.content {
            Content::Raw(payload) => payload.clone(),
            Content::Struct {
                message,
                compact,
                json,
            } => {
                let cell = match encoding {
                    Encoding::Compact => compact,
                    Encoding::Json => json,
                };
                cell.get_or_init(|| Bytes::from(message.encode(encoding))).clone()
            }
        }
    }
}

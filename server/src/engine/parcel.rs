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
    weight: usize,
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
        let weight = weight(&message);
        let content = Content::Struct {
            message: Box::new(message),
            compact: OnceLock::new(),
            json: OnceLock::new(),
        };
        Self {
            kind: PacketType::Message,
            weight,
            content,
        }
    }

    /// A packet without a struct, the same in both encodings.
    #[must_use]
    pub fn raw(kind: PacketType, payload: Bytes) -> Self {
        Self {
            kind,
            weight: payload.len(),
            content: Content::Raw(payload),
        }
    }

    /// Its packet type.
    #[must_use]
    pub fn kind(&self) -> PacketType {
        self.kind
    }

    /// About how many bytes it takes, without encoding it.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.weight
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

/// About how many bytes a message takes: what its sender can make large.
#[must_use]
pub fn weight(message: &TimMessage) -> usize {
    let text = message.data_string.as_ref().map_or(0, String::len);
    let bytes = message.data_binary.as_ref().map_or(0, Bytes::len);
    let extend = message
        .extend
        .iter()
        .flatten()
        .map(|(key, value)| key.len() + value.len());
    let extra = message
        .extra
        .iter()
        .flatten()
        .map(|(key, value)| key.len() + value.len());
    128 + text + bytes + extend.sum::<usize>() + extra.sum::<usize>()
}

//! A packet for many receivers: built once, encoded at most once per encoding, shared. The whole
//! plain packet is kept, so that passing it on copies nothing.

use std::sync::{Arc, OnceLock};

use bytes::{BufMut, Bytes, BytesMut};
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::{TimAck, TimMessage, TimStream};
use tim_protocol::{Encoding, WireStruct};

use super::announcement::Announcement;
use crate::store::AccountId;

/// A packet on its way to any number of sessions.
#[derive(Debug)]
pub struct Parcel {
    kind: PacketType,
    weight: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Struct {
        value: Struct,
        compact: OnceLock<Bytes>,
        json: OnceLock<Bytes>,
    },
    /// The whole packet, the same in both encodings.
    Raw(Bytes),
}

#[derive(Debug)]
enum Struct {
    Message(Box<TimMessage>),
    Ack(Box<TimAck>),
    Stream(Box<TimStream>),
    Presence(Arc<Announcement>, AccountId),
}

impl Parcel {
    /// A message packet (type 90).
    #[must_use]
    pub fn message(message: TimMessage) -> Self {
        let weight = weight(&message);
        Self::of(PacketType::Message, weight, Struct::Message(Box::new(message)))
    }

    /// A chunk of a stream (type 94).
    #[must_use]
    pub fn stream(chunk: TimStream) -> Self {
        let weight = 128 + chunk.body.as_ref().map_or(0, Bytes::len);
        Self::of(PacketType::Stream, weight, Struct::Stream(Box::new(chunk)))
    }

    /// A presence (type 91) for one addressee.
    #[must_use]
    pub fn presence(announcement: &Arc<Announcement>, to: AccountId) -> Self {
        let (shared, weight) = (Arc::clone(announcement), announcement.weight());
        Self::of(PacketType::Presence, weight, Struct::Presence(shared, to))
    }

    /// An answer that goes to several sessions (type 12).
    #[must_use]
    pub fn ack(ack: TimAck) -> Self {
        Self::of(PacketType::Ack, 128, Struct::Ack(Box::new(ack)))
    }

    /// A packet without a struct, the same in both encodings.
    #[must_use]
    pub fn raw(kind: PacketType, payload: Bytes) -> Self {
        let mut packet = BytesMut::with_capacity(1 + payload.len());
        packet.put_u8(kind.as_u8());
        packet.put_slice(&payload);
        Self::whole(kind, packet.freeze())
    }

    /// A packet without a struct, complete with its type byte.
    #[must_use]
    pub fn whole(kind: PacketType, packet: Bytes) -> Self {
        Self {
            kind,
            weight: packet.len().saturating_sub(1),
            content: Content::Raw(packet),
        }
    }

    fn of(kind: PacketType, weight: usize, value: Struct) -> Self {
        let content = Content::Struct {
            value,
            compact: OnceLock::new(),
            json: OnceLock::new(),
        };
        Self {
            kind,
            weight,
            content,
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

    /// The whole packet as it is sent when nobody has to acknowledge it.
    #[must_use]
    pub fn plain(&self, encoding: Encoding) -> Bytes {
        match &self.content {
            Content::Raw(packet) => packet.clone(),
            Content::Struct { value, compact, json } => {
                let cell = match encoding {
                    Encoding::Compact => compact,
                    Encoding::Json => json,
                };
                cell.get_or_init(|| value.packet(self.kind, self.weight, encoding))
                    .clone()
            }
        }
    }

    /// The payload behind the type byte (and the send id).
    #[must_use]
    pub fn payload(&self, encoding: Encoding) -> Bytes {
        self.plain(encoding).slice(1..)
    }
}

impl Struct {
    fn packet(&self, kind: PacketType, weight: usize, encoding: Encoding) -> Bytes {
        match self {
            Self::Message(message) => packet::server_packet(kind, encoding, &**message),
            Self::Ack(ack) => packet::server_packet(kind, encoding, &**ack),
            Self::Stream(chunk) => {
                let text = if encoding == Encoding::Json { weight / 2 } else { 0 };
                let mut packet = Vec::with_capacity(weight + text);
                packet.push(kind.as_u8());
                chunk.encode_into(encoding, &mut packet);
                packet.into()
            }
            Self::Presence(announcement, to) => announcement.packet(to, encoding),
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

//! The frame around every payload (`wire-protocol 3` and `4`): type byte, encoding flag of clients, send id of
//! synchronous server packets, the five-byte delivery acknowledgement. Payloads are not looked into.

use bytes::Bytes;

use crate::codec::{DecodeError, Encoding, WireStruct};

/// Bit 7 of the type byte: JSON from clients, synchronous from the server.
const FLAG: u8 = 0x80;

/// Length of the header of a synchronous packet, in bytes.
pub const SYNCHRONOUS_HEADER: usize = 5;

macro_rules! packet_types {
    ($( $(#[$meta:meta])* $name:ident = $value:literal ),+ $(,)?) => {
        /// Type of a packet: bits 0 to 6 of its first byte.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum PacketType { $( $(#[$meta])* $name = $value ),+ }

        impl PacketType {
            /// Every type, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The type with that number. Bit 7 must have been removed.
            pub fn from_u8(value: u8) -> Option<Self> {
                match value {
                    $( $value => Some(Self::$name), )+
                    _ => None,
                }
            }
        }
    };
}

packet_types! {
    /// From clients a delivery acknowledgement, from the server a [`TimAck`](crate::wire::TimAck).
    Ack = 12,
    /// Keep-alive, empty in both directions.
    Ping = 13,
    /// Registration, over HTTP.
    Register = 14,
    /// Request of a login token, over HTTP.
    Token = 15,
    /// Login.
    Auth = 16,
    /// Request of the offline queue, and a batch of it.
    OfflineMsg = 17,
    /// The offline queue is drained.
    OfflineMsgEnd = 18,
    /// Presence to all friends.
    BroadPresence = 19,
    /// Forced logout, only as `tim_type` of a [`TimAck`](crate::wire::TimAck).
    Logout = 20,
    /// History.
    PullMessage = 21,
    /// Virtual rooms.
    VRoom = 22,
    /// Friends, rooms and password.
    Business = 41,
    /// Lists and profiles.
    Nodes = 42,
    /// Message.
    Message = 90,
    /// Presence to somebody.
    Presence = 91,
    /// Recall of a message.
    RevokeMessage = 92,
    /// Burning of a message.
    BurnMessage = 93,
    /// Piece of a stream of a virtual room.
    Stream = 94,
    /// Big text, framed as in [`crate::bigdata`].
    BigString = 95,
    /// Big binary data, framed as in [`crate::bigdata`].
    BigBinary = 96,
    /// Binary data of a virtual room, framed as in [`crate::bigdata`].
    BigBinaryStream = 97,
}

impl PacketType {
    /// The number of the type.
    pub const fn as_u8(self) -> u8 {
        self as u8
    }

    /// The number of the type as it stands in `timType`.
    pub const fn as_i8(self) -> i8 {
        // Types use seven bits.
        (self as u8).cast_signed()
    }
}

impl From<PacketType> for i8 {
    fn from(packet_type: PacketType) -> Self {
        packet_type.as_i8()
    }
}

impl From<PacketType> for u8 {
    fn from(packet_type: PacketType) -> Self {
        packet_type.as_u8()
    }
}

impl Encoding {
    /// Bit 7 of the type byte of client packets in this encoding.
    pub const fn flag(self) -> u8 {
        match self {
            Self::Compact => 0,
            Self::Json => FLAG,
        }
    }
}

/// A packet from a client, split into its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientPacket<'a> {
    /// Packet type, bit 7 removed. Not necessarily a known one.
    pub type_byte: u8,
    /// Encoding of the payload, from bit 7.
    pub encoding: Encoding,
    /// Everything after the type byte.
    pub payload: &'a [u8],
}

impl<'a> ClientPacket<'a> {
    /// Splits a message. `None` when it is empty, which is to be ignored.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let (&first, payload) = message.split_first()?;
        let encoding = if first & FLAG == 0 {
            Encoding::Compact
        } else {
            Encoding::Json
        };
        Some(Self {
            type_byte: first & !FLAG,
            encoding,
            payload,
        })
    }

    /// The packet type, or `None` when it is unknown.
    pub fn packet_type(&self) -> Option<PacketType> {
        PacketType::from_u8(self.type_byte)
    }

    /// The type as it stands in `timType` of answers, also when it is unknown.
    pub fn tim_type(&self) -> i8 {
        // Bit 7 has been removed.
        self.type_byte.cast_signed()
    }

    /// Reads the payload in its encoding.
    ///
    /// # Errors
    /// See [`WireStruct::decode`].
    pub fn decode<T: WireStruct>(&self) -> Result<T, DecodeError> {
        T::decode(self.payload, self.encoding)
    }

    /// The send id of a delivery acknowledgement. `None` when the packet is none, or too short for one. Bytes
    /// after the send id are ignored.
    pub fn delivery_ack(&self) -> Option<i32> {
        if self.type_byte != PacketType::Ack.as_u8() {
            return None;
        }
        self.payload.first_chunk().map(|id| i32::from_be_bytes(*id))
    }
}

/// A packet from the server, split into its parts. The encoding of the payload is that of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPacket<'a> {
    /// Packet type, bit 7 removed. Not necessarily a known one.
    pub type_byte: u8,
    /// Present in synchronous packets. The client must answer with [`delivery_ack`].
    pub send_id: Option<i32>,
    /// Everything after the header.
    pub payload: &'a [u8],
}

impl<'a> ServerPacket<'a> {
    /// Splits a message. `None` when it is empty, or synchronous and too short for a send id.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let (&first, payload) = message.split_first()?;
        if first & FLAG == 0 {
            return Some(Self {
                type_byte: first,
                send_id: None,
                payload,
            });
        }
        let (id, payload) = payload.split_first_chunk()?;
        Some(Self {
            type_byte: first & !FLAG,
            send_id: Some(i32::from_be_bytes(*id)),
            payload,
        })
    }

    /// The packet type, or `None` when it is unknown.
    pub fn packet_type(&self) -> Option<PacketType> {
        PacketType::from_u8(self.type_byte)
    }

    /// Reads the payload in the encoding of the session.
    ///
    /// # Errors
    /// See [`WireStruct::decode`].
    pub fn decode<T: WireStruct>(&self, encoding: Encoding) -> Result<T, DecodeError> {
        T::decode(self.payload, encoding)
    }
}

/// A client packet with a struct as payload.
pub fn client_packet<T: WireStruct>(packet_type: PacketType, encoding: Encoding, value: &T) -> Vec<u8> {
    let mut packet = Vec::with_capacity(256);
    packet.push(packet_type.as_u8() | encoding.flag());
    value.encode_into(encoding, &mut packet);
    packet
}

/// A client packet without payload: a ping or the request of the offline queue.
pub fn empty_client_packet(packet_type: PacketType, encoding: Encoding) -> Vec<u8> {
    vec![packet_type.as_u8() | encoding.flag()]
}

/// The keep-alive packet of a client.
pub fn ping(encoding: Encoding) -> Vec<u8> {
    empty_client_packet(PacketType::Ping, encoding)
}

/// The request of the offline queue.
pub fn offline_request(encoding: Encoding) -> Vec<u8> {
    empty_client_packet(PacketType::OfflineMsg, encoding)
}

/// The answer of a client to a synchronous packet: five bytes.
pub fn delivery_ack(send_id: i32, encoding: Encoding) -> Vec<u8> {
    let [a, b, c, d] = send_id.to_be_bytes();
    vec![PacketType::Ack.as_u8() | encoding.flag(), a, b, c, d]
}

/// The send id of a delivery acknowledgement, from the whole message. `None` when it is not one.
pub fn parse_delivery_ack(message: &[u8]) -> Option<i32> {
    ClientPacket::parse(message)?.delivery_ack()
}

/// A server packet that needs no acknowledgement.
pub fn server_packet<T: WireStruct>(packet_type: PacketType, encoding: Encoding, value: &T) -> Bytes {
    let mut packet = Vec::with_capacity(256);
    packet.push(packet_type.as_u8());
    value.encode_into(encoding, &mut packet);
    packet.into()
}

/// The header of a synchronous server packet. The payload follows it directly, which lets many packets share
/// one encoded payload.
pub fn synchronous_header(packet_type: PacketType, send_id: i32) -> [u8; SYNCHRONOUS_HEADER] {
    let [a, b, c, d] = send_id.to_be_bytes();
    [packet_type.as_u8() | FLAG, a, b, c, d]
}

/// A synchronous server packet around an encoded payload.
pub fn synchronous_packet(packet_type: PacketType, send_id: i32, payload: &[u8]) -> Bytes {
    let mut packet = Vec::with_capacity(SYNCHRONOUS_HEADER + payload.len());
    packet.extend_from_slice(&synchronous_header(packet_type, send_id));
    packet.extend_from_slice(payload);
    packet.into()
}

/// The answer of the server to a ping, the same in both encodings.
pub fn pong() -> Bytes {
    const PONG: &[u8] = &[PacketType::Ping.as_u8()];
    Bytes::from_static(PONG)
}

/// The end marker of the offline queue, the same in both encodings.
pub fn offline_end() -> Bytes {
    const END: &[u8] = &[PacketType::OfflineMsgEnd.as_u8()];
    Bytes::from_static(END)
}

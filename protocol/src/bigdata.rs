//! Big data (`wire-protocol 7.9`): packets of type 95, 96 and 97, which carry a node and raw bytes instead of a
//! struct, and may come in several pieces. Holds no more memory than has arrived, and never more than its limit.

use bytes::Bytes;
use thiserror::Error;

use crate::error_code::ErrorCode;
use crate::node::Node;
use crate::packet::PacketType;

/// Bytes before the node in the canonical form of clients: type byte and length.
const HEADER: usize = 5;

/// A length field above this could be the first characters of a node, see [`Reassembler::new`].
pub const MAX_LIMIT: usize = 0x20FF_FFFF;

/// The three kinds of big data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BigKind {
    /// Type 95: text to a user.
    Text,
    /// Type 96: bytes to a user.
    Binary,
    /// Type 97: bytes to a virtual room.
    Stream,
}

impl BigKind {
    /// The kind of a packet type, `None` when it is not big data.
    pub fn from_packet_type(packet_type: PacketType) -> Option<Self> {
        match packet_type {
            PacketType::BigString => Some(Self::Text),
            PacketType::BigBinary => Some(Self::Binary),
            PacketType::BigBinaryStream => Some(Self::Stream),
            _ => None,
        }
    }

    /// The packet type of the kind.
    pub fn packet_type(self) -> PacketType {
        match self {
            Self::Text => PacketType::BigString,
            Self::Binary => PacketType::BigBinary,
            Self::Stream => PacketType::BigBinaryStream,
        }
    }

    fn from_first_byte(byte: u8) -> Option<Self> {
        PacketType::from_u8(byte & 0x7F).and_then(Self::from_packet_type)
    }

    fn separator(self) -> u8 {
        match self {
            Self::Text => b'|',
            Self::Binary | Self::Stream => 0x83,
        }
    }

    /// One client ends the node of a text with a zero byte (`wire-protocol 11.1`, note 4).
    fn ends_node(self, byte: u8) -> bool {
        byte == self.separator() || (self == Self::Text && byte == 0)
    }
}

/// Why big data was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BigDataError {
    /// The message is shorter than 6 bytes. To be ignored without an answer.
    #[error("big data shorter than its header")]
    TooShort,
    /// The first byte is not a type of big data.
    #[error("not a packet of big data")]
    Type,
    /// The length field is smaller than the message.
    #[error("the length field is smaller than the message")]
    Length,
    /// The pieces together are longer than the length field said. They have been dropped.
    #[error("more data arrived than announced")]
    Exceeded,
    /// The packet is, or announces to be, larger than the limit.
    #[error("big data larger than the limit")]
    TooLarge,
    /// No separator after the node.
    #[error("no separator after the node")]
    Separator,
    /// What stands before the separator is not a node.
    #[error("malformed node")]
    Node,
}

impl BigDataError {
    /// The code of the answer to the client, `None` when the packet is to be ignored.
    pub fn error_code(self) -> Option<ErrorCode> {
        match self {
            Self::TooShort | Self::Type => None,
            Self::Node => Some(ErrorCode::Account),
            Self::Length | Self::Exceeded | Self::TooLarge | Self::Separator => Some(ErrorCode::BigData),
        }
    }
}

/// A complete packet of big data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BigPacket {
    /// Text, bytes or stream.
    pub kind: BigKind,
    /// From clients the target; from the server the sender, or the virtual room for streams.
    pub node: Node,
    /// The data. Text is not always UTF-8 (`wire-protocol 5.4`).
    pub data: Bytes,
}

impl BigPacket {
    /// The form for the server: with the total length. This is what a client should send.
    ///
    /// # Errors
    /// [`BigDataError::TooLarge`] above [`MAX_LIMIT`] bytes.
    pub fn to_server(&self) -> Result<Vec<u8>, BigDataError> {
        let length = HEADER + self.body_length();
        if length > MAX_LIMIT {
            return Err(BigDataError::TooLarge);
        }
        let announced = u32::try_from(length).map_err(|_| BigDataError::TooLarge)?;
        let mut packet = Vec::with_capacity(length);
        packet.push(self.kind.packet_type().as_u8());
        packet.extend_from_slice(&announced.to_be_bytes());
        self.write_body(&mut packet);
        Ok(packet)
    }

    /// The form for clients: without length.
    pub fn to_client(&self) -> Bytes {
        let mut packet = Vec::with_capacity(1 + self.body_length());
        packet.push(self.kind.packet_type().as_u8());
        self.write_body(&mut packet);
        packet.into()
    }

    /// Reads the form for clients, as a client does. A client that gave a type-95 packet a wrong separator is
    /// understood too.
    ///
    /// # Errors
    /// [`BigDataError`] when the type, the separator or the node is wrong.
    pub fn parse_delivery(message: &[u8]) -> Result<Self, BigDataError> {
        let (&first, body) = message.split_first().ok_or(BigDataError::TooShort)?;
        let kind = BigKind::from_first_byte(first).ok_or(BigDataError::Type)?;
        Self::parse_body(kind, body)
    }

    fn body_length(&self) -> usize {
        self.node.as_str().len() + 1 + self.data.len()
    }

    fn write_body(&self, packet: &mut Vec<u8>) {
        packet.extend_from_slice(self.node.as_str().as_bytes());
        packet.push(self.kind.separator());
        packet.extend_from_slice(&self.data);
    }

    fn parse_body(kind: BigKind, body: &[u8]) -> Result<Self, BigDataError> {
        let end = body
            .iter()
            .position(|&byte| kind.ends_node(byte))
            .ok_or(BigDataError::Separator)?;
        let (node, rest) = body.split_at(end);
        let node = std::str::from_utf8(node).map_err(|_| BigDataError::Node)?;
        let node = Node::new(node).map_err(|_| BigDataError::Node)?;
        Ok(Self {
            kind,
            node,
            data: Bytes::copy_from_slice(rest.get(1..).unwrap_or_default()),
        })
    }
}

/// Puts the big data of one connection together. Feed it after login only.
///
/// While [`is_collecting`](Self::is_collecting) is true, *every* message of the connection belongs to the
/// unfinished packet, whatever its first byte.
#[derive(Debug)]
pub struct Reassembler {
    limit: usize,
    kind: BigKind,
    announced: usize,
    pieces: Vec<u8>,
}

impl Reassembler {
    /// Takes packets up to `limit` bytes in all, header included. At most [`MAX_LIMIT`]: a larger length could
    /// not be told from the first four characters of a node, and two clients send no length.
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.min(MAX_LIMIT),
            kind: BigKind::Binary,
            announced: 0,
            pieces: Vec::new(),
        }
    }

    /// Whether a packet is unfinished.
    pub fn is_collecting(&self) -> bool {
        self.announced != 0
    }

    /// Memory in use for an unfinished packet, in bytes. At most twice what has arrived.
    pub fn buffered(&self) -> usize {
        self.pieces.capacity()
    }

    /// Drops an unfinished packet.
    pub fn clear(&mut self) {
        self.announced = 0;
        self.pieces = Vec::new();
    }

    /// Takes one message: the start of a packet, or the next piece of the unfinished one. Gives the packet when
    /// it is complete and `None` when more must come.
    ///
    /// # Errors
    /// [`BigDataError`]; nothing is kept then. [`BigDataError::error_code`] says what to answer, and the
    /// `timType` of every such answer is 96.
    pub fn push(&mut self, message: &[u8]) -> Result<Option<BigPacket>, BigDataError> {
        if self.is_collecting() {
            self.append(message)
        } else {
            self.begin(message)
        }
    }

    fn begin(&mut self, message: &[u8]) -> Result<Option<BigPacket>, BigDataError> {
        let (&first, after_type) = message.split_first().ok_or(BigDataError::TooShort)?;
        let kind = BigKind::from_first_byte(first).ok_or(BigDataError::Type)?;
        let Some((length, body)) = after_type.split_first_chunk::<4>() else {
            return Err(BigDataError::TooShort);
        };
        if body.is_empty() {
            return Err(BigDataError::TooShort);
        }
        if message.len() > self.limit {
            return Err(BigDataError::TooLarge);
        }
        let announced = match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(announced) if announced <= self.limit => announced,
            // Either a client that omits the length, or a packet that is too large (`wire-protocol 11.1`, note 3).
            _ if length
                .iter()
                .all(|&byte| byte.is_ascii_graphic() || kind.ends_node(byte)) =>
            {
                return BigPacket::parse_body(kind, after_type).map(Some);
            }
            _ => return Err(BigDataError::TooLarge),
        };
        if announced < message.len() {
            return Err(BigDataError::Length);
        }
        if announced == message.len() {
            return BigPacket::parse_body(kind, body).map(Some);
        }
        self.kind = kind;
        self.announced = announced;
        self.pieces = message.to_vec();
        Ok(None)
    }

    fn append(&mut self, piece: &[u8]) -> Result<Option<BigPacket>, BigDataError> {
        let arrived = self.pieces.len() + piece.len();
        if arrived > self.announced {
            self.clear();
            return Err(BigDataError::Exceeded);
        }
        if arrived > self.pieces.capacity() {
            let room = (2 * self.pieces.len()).max(arrived).min(self.announced);
            self.pieces.reserve_exact(room - self.pieces.len());
        }
        self.pieces.extend_from_slice(piece);
        if arrived < self.announced {
            return Ok(None);
        }
        let packet = BigPacket::parse_body(self.kind, self.pieces.get(HEADER..).unwrap_or_default());
        self.clear();
        packet.map(Some)
    }
}

//! A packet from the server, taken apart.

use std::fmt;

use bytes::Bytes;
use tim_protocol::packet::{PacketType, ServerPacket};
use tim_protocol::wire::{TimAck, TimMessage, TimMessageList, TimNodes};
use tim_protocol::{Encoding, ErrorCode, WireStruct};

/// A packet from the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// Its type.
    pub kind: PacketType,
    /// The send id of a synchronous packet.
    pub send_id: Option<i32>,
    /// Everything after the header.
    pub payload: Bytes,
    /// The encoding of the session.
    pub encoding: Encoding,
}

impl Received {
    /// Takes a whole packet apart.
    ///
    /// # Panics
    /// When it is none.
    pub fn parse(packet: &Bytes, encoding: Encoding) -> Self {
        let parsed = ServerPacket::parse(packet).expect("a server packet");
        Self {
            kind: parsed.packet_type().expect("a known type of packet"),
            send_id: parsed.send_id,
            payload: packet.slice_ref(parsed.payload),
            encoding,
        }
    }

    /// The payload as a struct.
    ///
    /// # Panics
    /// When it is not such a struct in the encoding of the session.
    pub fn decode<T: WireStruct>(&self) -> T {
        T::decode(&self.payload, self.encoding)
            .unwrap_or_else(|error| panic!("{} expected, got {self:?}: {error}", T::NAME))
    }

    /// The message of a packet of type 90.
    ///
    /// # Panics
    /// When it has another type.
    pub fn message(&self) -> TimMessage {
        assert_eq!(self.kind, PacketType::Message, "a message was expected: {self:?}");
        self.decode()
    }

    /// The messages of an offline batch or a page of history.
    ///
    /// # Panics
    /// When it is neither.
    pub fn list(&self) -> Vec<TimMessage> {
        assert!(
            matches!(self.kind, PacketType::OfflineMsg | PacketType::PullMessage),
            "a list of messages was expected: {self:?}"
        );
        self.decode::<TimMessageList>().message_list.unwrap_or_default()
    }

    /// The list of a packet of type 42.
    ///
    /// # Panics
    /// When it has another type.
    pub fn nodes(&self) -> TimNodes {
        assert_eq!(self.kind, PacketType::Nodes, "a list was expected: {self:?}");
        self.decode()
    }

    /// The answer of a packet of type 12.
    ///
    /// # Panics
    /// When it has another type.
    pub fn ack(&self) -> TimAck {
        assert_eq!(self.kind, PacketType::Ack, "an answer was expected: {self:?}");
        self.decode()
    }

    /// The answer, which must be a success of that type.
    ///
    /// # Panics
    /// When it is anything else.
    pub fn success(&self, kind: PacketType) -> TimAck {
        let ack = self.ack();
        assert!(
            ack.ok && ack.tim_type == kind.as_i8(),
            "success expected: {ack:?}"
        );
        assert_eq!(ack.error, None);
        ack
    }

    /// The answer, which must be a refusal with that code and the text that belongs to it.
    ///
    /// # Panics
    /// When it is anything else.
    pub fn refusal(&self, kind: PacketType, code: ErrorCode) -> TimAck {
        let ack = self.ack();
        assert!(!ack.ok, "a refusal was expected: {ack:?}");
        assert_eq!(
            (ack.error_code(), ack.tim_type),
            (Some(code), kind.as_i8()),
            "{ack:?}"
        );
        let info = ack.error.as_ref().and_then(|error| error.info.clone());
        assert_eq!(info.as_deref(), Some(code.info()));
        ack
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decoded = match self.kind {
            PacketType::Ack => TimAck::decode(&self.payload, self.encoding).map(|it| format!("{it:?}")),
            PacketType::Nodes => TimNodes::decode(&self.payload, self.encoding).map(|it| format!("{it:?}")),
            PacketType::OfflineMsg | PacketType::PullMessage => {
                TimMessageList::decode(&self.payload, self.encoding).map(|it| format!("{it:?}"))
            }
            PacketType::Message => {
                TimMessage::decode(&self.payload, self.encoding).map(|it| format!("{it:?}"))
            }
            _ => Ok(format!("{:?}", self.payload)),
        };
        f.debug_struct("Received")
            .field("kind", &self.kind)
            .field("send_id", &self.send_id)
            .field("content", &decoded)
            .finish()
    }
}

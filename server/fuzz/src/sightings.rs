//! What a server was seen to do, as short texts: kinds of packets, error codes, close reasons. New ones, and new
//! successions of them, are what makes a script worth keeping.

use tim_protocol::bigdata::BigPacket;
use tim_protocol::packet::{PacketType, ServerPacket};
use tim_protocol::wire::{TimAck, TimMessage, TimMessageList, TimNodes, TimPresence, TimStream};
use tim_protocol::{Encoding, WireStruct};

/// In which encodings the answers on a connection may be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Encodings {
    /// Something was sent in compact form.
    pub compact: bool,
    /// Something was sent in JSON.
    pub json: bool,
}

impl Encodings {
    fn decode<T: WireStruct>(self, payload: &[u8]) -> Result<T, String> {
        let mut error = "nothing was sent on this connection".to_owned();
        for (may, encoding) in [(self.compact, Encoding::Compact), (self.json, Encoding::Json)] {
            if may {
                match T::decode(payload, encoding) {
                    Ok(value) => return Ok(value),
                    Err(reason) => error = format!("{} cannot be decoded: {reason}", T::NAME),
                }
            }
        }
        Err(error)
    }
}

/// What is to be known of a packet from the server.
#[derive(Debug)]
pub struct Seen {
    /// The sighting.
    pub sighting: String,
    /// To be acknowledged.
    pub send_id: Option<i32>,
    /// The answer to a ping.
    pub is_pong: bool,
    /// A room that was made.
    pub room: Option<String>,
    /// A virtual room that was made.
    pub virtual_room: Option<String>,
}

/// Takes a packet apart.
///
/// # Errors
/// Says why it is none that a client could understand.
pub fn look_at(packet: &[u8], encodings: Encodings) -> Result<Seen, String> {
    let parsed = ServerPacket::parse(packet).ok_or("an empty packet")?;
    let kind = parsed
        .packet_type()
        .ok_or_else(|| format!("unknown packet type {}", parsed.type_byte))?;
    let payload = parsed.payload;
    let mut seen = Seen {
        sighting: String::new(),
        send_id: parsed.send_id,
        is_pong: false,
        room: None,
        virtual_room: None,
    };
    let about = match kind {
        PacketType::Ack => {
            let ack: TimAck = encodings.decode(payload)?;
            if ack.ok == ack.error.is_some() {
                return Err(format!("an answer that is neither yes nor no: {ack:?}"));
            }
            let about = PacketType::from_u8(ack.tim_type.cast_unsigned());
            // In these the number tells the operation, in others it is an identifier.
            let has_operation = matches!(
                about,
                Some(PacketType::Business | PacketType::VRoom | PacketType::Nodes)
            );
            let operation = ack.t.filter(|_| has_operation);
            if ack.ok {
                match (about, operation) {
                    (Some(PacketType::Business), Some(8)) => seen.room = ack.n,
                    (Some(PacketType::VRoom), Some(1)) => seen.virtual_room = ack.n,
                    _ => {}
                }
            }
            let code = ack.error.map(|error| error.code);
            // All types that do not exist are the same to us.
            let about = about.map_or("unknown".to_owned(), |kind| format!("{kind:?}"));
            format!("{about} {operation:?} {code:?}")
        }
        PacketType::Ping => {
            seen.is_pong = true;
            nothing(payload)?
        }
        PacketType::OfflineMsgEnd => nothing(payload)?,
        PacketType::OfflineMsg | PacketType::PullMessage => {
            let list: TimMessageList = encodings.decode(payload)?;
            let messages = list.message_list.unwrap_or_default();
            if messages.is_empty() {
                return Err("an empty list of messages".to_owned());
            }
            let mut kinds: Vec<_> = messages.iter().map(about_message).collect();
            kinds.sort();
            kinds.dedup();
            kinds.join(", ")
        }
        PacketType::Message | PacketType::RevokeMessage | PacketType::BurnMessage => {
            about_message(&encodings.decode(payload)?)
        }
        PacketType::Presence | PacketType::BroadPresence => {
            let presence: TimPresence = encodings.decode(payload)?;
            if presence.from_tid.is_none() {
                return Err("presence of nobody".to_owned());
            }
            format!("offline {:?}", presence.offline)
        }
        PacketType::Nodes => {
            let nodes: TimNodes = encodings.decode(payload)?;
            format!("list {}", nodes.ntype)
        }
        PacketType::Stream => {
            let stream: TimStream = encodings.decode(payload)?;
            format!("dtype {}", stream.dtype.is_some())
        }
        PacketType::BigString | PacketType::BigBinary | PacketType::BigBinaryStream => {
            BigPacket::parse_delivery(packet).map_err(|error| error.to_string())?;
            String::new()
        }
        _ => return Err(format!("a packet of type {kind:?} from the server")),
    };
    let synchronous = if parsed.send_id.is_some() { "!" } else { "" };
    seen.sighting = format!("{kind:?}{synchronous} {about}");
    Ok(seen)
}

fn nothing(payload: &[u8]) -> Result<String, String> {
    if payload.is_empty() {
        Ok(String::new())
    } else {
        Err("a packet that should be empty is not".to_owned())
    }
}

fn about_message(message: &TimMessage) -> String {
    format!(
        "{} {} bn {:?} mid {} offline {:?}",
        message.ms_type,
        // Above 30 the application says what it is.
        message.od_type.min(31),
        message.bn_type.map(|kind| kind.min(20)),
        message.mid.is_some(),
        message.is_offline
    )
}

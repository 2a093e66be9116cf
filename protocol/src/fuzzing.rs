//! The properties that the fuzz targets check and that the tests check on the saved inputs. Not part of the
//! public interface.

use crate::bigdata::{BigPacket, Reassembler};
use crate::codec::{Encoding, WireStruct};
use crate::packet::{ClientPacket, ServerPacket, parse_delivery_ack};
use crate::{admin, node, wire};

/// What decodes must encode to something that decodes to the same again.
fn survives<T: WireStruct>(input: &[u8], encoding: Encoding) {
    if let Ok(value) = T::decode(input, encoding) {
        let again = T::decode(&value.encode(encoding), encoding);
        match encoding {
            Encoding::Compact => assert_eq!(again.as_ref(), Ok(&value)),
            // JSON leaves empty optional containers out, so the text is compared instead.
            Encoding::Json => {
                assert_eq!(
                    again.map(|value| value.encode(encoding)),
                    Ok(value.encode(encoding))
                );
            }
        }
        // Whatever came in one encoding can be passed on in the other.
        let other = match encoding {
            Encoding::Compact => Encoding::Json,
            Encoding::Json => Encoding::Compact,
        };
        assert!(T::decode(&value.encode(other), other).is_ok());
        let _debug = format!("{value:?}");
    }
}

fn all_structs(input: &[u8], encoding: Encoding) {
    survives::<wire::TimError>(input, encoding);
    survives::<wire::TimAck>(input, encoding);
    survives::<wire::TimReq>(input, encoding);
    survives::<wire::Tid>(input, encoding);
    survives::<wire::TimUserBean>(input, encoding);
    survives::<wire::TimRoomBean>(input, encoding);
    survives::<wire::TimAuth>(input, encoding);
    survives::<wire::TimPresence>(input, encoding);
    survives::<wire::TimMessage>(input, encoding);
    survives::<wire::TimStream>(input, encoding);
    survives::<wire::TimNodes>(input, encoding);
    survives::<wire::TimMessageList>(input, encoding);
    survives::<admin::AuthBean>(input, encoding);
    survives::<admin::AdmAck>(input, encoding);
    survives::<admin::AdmSubBean>(input, encoding);
    survives::<admin::AdmSubOnlineBean>(input, encoding);
}

/// Every struct in compact form.
pub fn compact(input: &[u8]) {
    all_structs(input, Encoding::Compact);
    if let Ok(message) = admin::RpcMessage::<admin::AuthArguments>::decode(input) {
        assert_eq!(admin::RpcMessage::decode(&message.encode()), Ok(message));
    }
}

/// Every struct in JSON form.
pub fn json(input: &[u8]) {
    all_structs(input, Encoding::Json);
}

/// Whole packets of both directions, with the struct that belongs to the type, and nodes.
pub fn packet(input: &[u8]) {
    if let Some(packet) = ClientPacket::parse(input) {
        assert_eq!(packet.delivery_ack(), parse_delivery_ack(input));
        all_structs(packet.payload, packet.encoding);
    }
    if let Some(packet) = ServerPacket::parse(input) {
        assert!(packet.payload.len() < input.len());
    }
    if let Ok(text) = std::str::from_utf8(input) {
        let _wide = node::is_well_formed_wide(text);
        let _original = node::original::Scheme::default().is_well_formed(text);
        if let Ok(node) = node::Node::new(text) {
            assert_eq!(node.as_str(), text);
        }
    }
}

/// A conversation of messages, each one length byte and that many bytes, fed into one reassembler.
pub fn bigdata(input: &[u8]) {
    const LIMIT: usize = 200;
    let _delivery = BigPacket::parse_delivery(input);
    let mut reassembler = Reassembler::new(LIMIT);
    let mut rest = input;
    while let Some((&length, after)) = rest.split_first() {
        let (message, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        match reassembler.push(message) {
            Ok(Some(packet)) => {
                let canonical = packet.to_server();
                if let Ok(canonical) = canonical {
                    assert_eq!(Reassembler::new(1024).push(&canonical), Ok(Some(packet.clone())));
                }
                assert_eq!(BigPacket::parse_delivery(&packet.to_client()), Ok(packet));
            }
            Ok(None) => assert!(reassembler.is_collecting()),
            Err(_) => assert!(!reassembler.is_collecting()),
        }
        assert!(reassembler.buffered() <= LIMIT);
        assert_eq!(reassembler.is_collecting(), reassembler.buffered() > 0);
    }
}

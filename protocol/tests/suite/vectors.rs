//! Every published packet, read and written byte for byte.

use std::fmt::Debug;

use bytes::Bytes;
use serde_json::Value;
use tim_protocol::admin::{
    AckResult, AdmAck, AdmSubBean, AdmSubOnlineBean, AuthArguments, AuthBean, RpcMessage,
};
use tim_protocol::bigdata::{BigKind, BigPacket, Reassembler};
use tim_protocol::packet::{self, ClientPacket, PacketType, ServerPacket};
use tim_protocol::wire::*;
use tim_protocol::{Encoding, Node, WireStruct};

/// One packet of the file.
pub(crate) struct Vector {
    pub(crate) name: String,
    from_client: bool,
    channel: String,
    type_number: i64,
    encoding: Encoding,
    send_id: Option<i32>,
    pub(crate) bytes: Vec<u8>,
    decoded: Value,
}

pub(crate) fn file() -> Value {
    serde_json::from_str(include_str!("../data/vectors.json")).expect("the vectors are JSON")
}

/// Bytes from hexadecimal digits; blanks are for the reader.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let text = text.replace(' ', "");
    assert_eq!(text.len() % 2, 0);
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(crate) fn load() -> Vec<Vector> {
    let vectors: Vec<_> = file()["packets"].as_array().unwrap().iter().map(vector).collect();
    assert_eq!(vectors.len(), 148);
    vectors
}

fn vector(entry: &Value) -> Vector {
    Vector {
        name: entry["name"].as_str().unwrap().to_owned(),
        from_client: entry["direction"] == "client",
        channel: entry["channel"].as_str().unwrap().to_owned(),
        type_number: entry["type"].as_i64().unwrap(),
        encoding: if entry["encoding"] == "json" {
            Encoding::Json
        } else {
            Encoding::Compact
        },
        send_id: entry["sendId"].as_i64().map(|id| id.try_into().unwrap()),
        bytes: unhex(entry["hex"].as_str().unwrap()),
        decoded: entry["decoded"].clone(),
    }
}

/// Expected content against the JSON form of what was decoded. Members that are null in the expectation, or
/// required and zero, may be missing on the other side; names match in any letter case.
fn same_content(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let find = |name: &str| {
                actual
                    .iter()
                    .find(|(other, _)| other.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value)
            };
            let wanted = expected.iter().filter(|(_, value)| !value.is_null());
            let names: Vec<_> = wanted.clone().map(|(name, _)| name.to_lowercase()).collect();
            let all_there = wanted
                .clone()
                .all(|(name, value)| find(name).is_some_and(|a| same_content(value, a)));
            let no_more = actual.iter().all(|(name, value)| {
                names.contains(&name.to_lowercase()) || *value == 0 || *value == "" || *value == false
            });
            all_there && no_more
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(e, a)| same_content(e, a))
        }
        _ => expected == actual,
    }
}

fn check_struct<T: WireStruct + Debug>(vector: &Vector, header: &[u8], payload: &[u8]) {
    let name = &vector.name;
    let value = T::decode(payload, vector.encoding).unwrap_or_else(|error| panic!("{name}: {error}"));

    // The content is what the file says, seen through both codecs.
    let shown: Value = serde_json::from_slice(&value.encode(Encoding::Json)).unwrap();
    assert!(same_content(&vector.decoded, &shown), "{name}: {shown}");
    let expected = T::decode(vector.decoded.to_string().as_bytes(), Encoding::Json).unwrap();
    assert_eq!(value, expected, "{name}");

    // Written again it is the same packet.
    let mut packet = header.to_vec();
    value.encode_into(vector.encoding, &mut packet);
    match vector.encoding {
        Encoding::Compact if name == "login-padded-atim" => {
            assert!(vector.bytes.starts_with(&packet));
            assert_eq!(vector.bytes.len() - packet.len(), 7);
        }
        Encoding::Compact => assert_eq!(packet, vector.bytes, "{name}"),
        Encoding::Json => {
            let ours: Value = serde_json::from_slice(&packet[header.len()..]).unwrap();
            let theirs: Value = serde_json::from_slice(payload).unwrap();
            assert!(same_content(&theirs, &ours), "{name}");
            assert_eq!(T::decode(&packet[header.len()..], Encoding::Json), Ok(value));
        }
    }
}

fn check_typed(vector: &Vector, header: &[u8], payload: &[u8]) {
    match PacketType::from_u8(header[0] & 0x7F).unwrap() {
        PacketType::Ack => check_struct::<TimAck>(vector, header, payload),
        PacketType::Register | PacketType::Token | PacketType::Auth => {
            check_struct::<TimAuth>(vector, header, payload);
        }
        PacketType::BroadPresence | PacketType::Presence => {
            check_struct::<TimPresence>(vector, header, payload)
        }
        PacketType::PullMessage | PacketType::OfflineMsg if !vector.from_client => {
            check_struct::<TimMessageList>(vector, header, payload);
        }
        PacketType::PullMessage | PacketType::VRoom | PacketType::Business => {
            check_struct::<TimReq>(vector, header, payload);
        }
        PacketType::Nodes => check_struct::<TimNodes>(vector, header, payload),
        PacketType::Message | PacketType::RevokeMessage | PacketType::BurnMessage => {
            check_struct::<TimMessage>(vector, header, payload);
        }
        PacketType::Stream => check_struct::<TimStream>(vector, header, payload),
        other => panic!("{}: no struct for {other:?}", vector.name),
    }
}

fn check_client(vector: &Vector) {
    let packet = ClientPacket::parse(&vector.bytes).unwrap();
    assert_eq!(i64::from(packet.type_byte), vector.type_number);
    match packet.packet_type().unwrap() {
        PacketType::Ping | PacketType::OfflineMsg => {
            assert!(packet.payload.is_empty());
            let written = packet::empty_client_packet(packet.packet_type().unwrap(), packet.encoding);
            assert_eq!(written, vector.bytes);
        }
        PacketType::Ack => {
            let send_id = packet.delivery_ack().unwrap();
            assert_eq!(Some(i64::from(send_id)), vector.decoded["sendId"].as_i64());
            assert_eq!(packet::delivery_ack(send_id, packet.encoding), vector.bytes);
        }
        kind @ (PacketType::BigString | PacketType::BigBinary | PacketType::BigBinaryStream) => {
            check_big_request(vector, BigKind::from_packet_type(kind).unwrap());
        }
        _ => {
            assert_eq!(packet.encoding, vector.encoding);
            check_typed(vector, &vector.bytes[..1], packet.payload);
        }
    }
}

fn check_server(vector: &Vector) {
    let packet = ServerPacket::parse(&vector.bytes).unwrap();
    assert_eq!(i64::from(packet.type_byte), vector.type_number);
    assert_eq!(packet.send_id, vector.send_id);
    let packet_type = packet.packet_type().unwrap();
    let header = &vector.bytes[..vector.bytes.len() - packet.payload.len()];
    if let Some(send_id) = packet.send_id {
        assert_eq!(
            packet::synchronous_packet(packet_type, send_id, packet.payload),
            vector.bytes
        );
    }
    match packet_type {
        PacketType::Ping => assert_eq!(packet::pong(), vector.bytes),
        PacketType::OfflineMsgEnd => assert_eq!(packet::offline_end(), vector.bytes),
        PacketType::BigString | PacketType::BigBinary | PacketType::BigBinaryStream => {
            let big = BigPacket::parse_delivery(&vector.bytes).unwrap();
            let node = vector
                .decoded
                .get("from")
                .or(vector.decoded.get("vnode"))
                .unwrap();
            assert_eq!(big, expected_big(vector, big.kind, node));
            assert_eq!(big.to_client(), vector.bytes);
        }
        _ => check_typed(vector, header, packet.payload),
    }
}

fn expected_big(vector: &Vector, kind: BigKind, node: &Value) -> BigPacket {
    let member = |name: &str| vector.decoded.get(name).and_then(Value::as_str);
    let data = match (member("data"), member("data_hex").or(member("body_hex"))) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(hex)) => unhex(hex),
        (None, None) => panic!("{}: no data", vector.name),
    };
    BigPacket {
        kind,
        node: Node::new(node.as_str().unwrap()).unwrap(),
        data: Bytes::from(data),
    }
}

fn check_big_request(vector: &Vector, kind: BigKind) {
    let big = Reassembler::new(1 << 20).push(&vector.bytes).unwrap().unwrap();
    assert_eq!(
        big,
        expected_big(vector, kind, &vector.decoded["node"]),
        "{}",
        vector.name
    );
    // What two clients get wrong is understood but never written.
    let written = match vector.name.as_str() {
        "bigstring-timgo" | "bigbinary-timgo" => big.to_client().to_vec(),
        _ => big.to_server().unwrap(),
    };
    let mut expected = vector.bytes.clone();
    expected[0] &= 0x7F;
    if vector.name == "bigstring-timjs" {
        let separator = expected.iter().skip(5).position(|&byte| byte == 0).unwrap() + 5;
        expected[separator] = b'|';
    }
    assert_eq!(written, expected, "{}", vector.name);
}

fn check_admin(vector: &Vector) {
    let (header, payload) = vector.bytes.split_at(1);
    assert_eq!(i64::from(header[0]), vector.type_number);
    match (vector.type_number, vector.from_client) {
        (12, true) => check_struct::<AuthBean>(vector, header, payload),
        (12, false) => check_struct::<AdmAck>(vector, header, payload),
        _ => {
            check_struct::<AdmSubBean>(vector, header, payload);
            if let Some(bytes) = AdmSubBean::decode(payload, Encoding::Compact).unwrap().bs {
                let event = AdmSubOnlineBean::decode(&bytes, Encoding::Compact).unwrap();
                assert_eq!(event.node.as_deref(), Some("UHuS8PoK2LX"));
                assert_eq!(event.status, Some(1));
            }
        }
    }
}

fn check_rpc(vector: &Vector) {
    let method = vector.decoded["method"].as_str().unwrap();
    let (sequence, name, shown, bytes) = if vector.from_client {
        let call = RpcMessage::<AuthArguments>::decode(&vector.bytes).unwrap();
        (
            call.sequence,
            call.method.clone(),
            call.body.encode(Encoding::Json),
            call.encode(),
        )
    } else {
        let reply = RpcMessage::<AckResult>::decode(&vector.bytes).unwrap();
        let success = reply.body.success.clone().unwrap();
        (
            reply.sequence,
            reply.method.clone(),
            success.encode(Encoding::Json),
            reply.encode(),
        )
    };
    assert_eq!((sequence, name.as_str()), (1, method));
    let expected = vector
        .decoded
        .get("args")
        .or(vector.decoded.get("success"))
        .unwrap();
    assert!(same_content(expected, &serde_json::from_slice(&shown).unwrap()));
    assert_eq!(bytes, vector.bytes);
}

#[test]
fn every_published_packet_is_read_and_written_alike() {
    for vector in load() {
        match (vector.channel.as_str(), vector.from_client) {
            ("session" | "http", true) => check_client(&vector),
            ("session" | "http", false) => check_server(&vector),
            ("admin", _) => check_admin(&vector),
            ("rpc", _) => check_rpc(&vector),
            (other, _) => panic!("unknown channel {other}"),
        }
    }
}

#[test]
fn a_published_message_has_the_fields_in_their_places() {
    let vectors = load();
    let vector = vectors
        .iter()
        .find(|vector| vector.name == "message-user-full")
        .unwrap();
    let packet = ClientPacket::parse(&vector.bytes).unwrap();
    let message: TimMessage = packet.decode().unwrap();
    assert_eq!((message.ms_type, message.od_type), (2, 1));
    assert_eq!(message.to_tid.unwrap().node, "QdH6CCms5EU");
    assert_eq!(message.data_string.as_deref(), Some("hi there"));
    assert_eq!((message.udtype, message.udshow), (Some(3), Some(4)));
    assert_eq!(message.extend.unwrap().get("x").map(String::as_str), Some("y"));
    assert_eq!(
        message.extra.unwrap().get("b").map(|b| b.to_vec()),
        Some(vec![0, 1, 255])
    );
    assert_eq!(message.is_offline, None);
}

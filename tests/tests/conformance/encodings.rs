//! The two encodings, byte by byte and member by member (wire-protocol 5).

use bytes::Bytes;
use serde_json::{Value, json};
use tim_protocol::packet;
use tim_protocol::wire::{TimMessage, TimReq};
use tim_tests::chat::{message, tid, words};
use tim_tests::people::befriend;
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Pair, Person, Received, Server, friends, in_both_encodings,
    secrets, shared,
};

/// Friends with a session each in an encoding of their own.
async fn mixed_friends(server: &Server, one: Encoding, other: Encoding) -> (Pair, Client, Client) {
    let pair = Pair {
        a: Person::register(server).await,
        b: Person::register(server).await,
    };
    let mut a = pair.a.login(server, one).await;
    let mut b = pair.b.login(server, other).await;
    befriend(&mut a, &mut b).await;
    (pair, a, b)
}

/// Covers: 5.1-4
#[tokio::test]
async fn friends_with_different_encodings_see_the_same() {
    let server = shared();
    let (pair, mut a, mut b) = mixed_friends(&server, Encoding::Compact, Encoding::Json).await;
    let mut web = pair.b.login_on(&server, Encoding::Compact, "web").await;
    web.offline().await;
    let full = TimMessage {
        data_binary: Some(Bytes::from_static(&[0, 1, 127, 128, 255])),
        udtype: Some(-3),
        udshow: Some(0),
        extend: Some([("ключ".to_owned(), "值 <&>\u{2028}".to_owned())].into()),
        extra: Some([("k".to_owned(), Bytes::from_static(&[255, 0]))].into()),
        ..message(&pair.b.node, "in two encodings \u{1F600}")
    };
    a.send_message(&full).await;
    let echo = a.echo().await;
    assert_eq!(b.delivery().await, echo);
    assert_eq!(web.delivery().await, echo);
    assert_eq!(
        a.history(&pair.b.node, 0, 5).await,
        b.history(&pair.a.node, 0, 5).await
    );
}

/// A compact packet with more fields before its end.
fn with_fields(message: &TimMessage, fields: &[u8]) -> Vec<u8> {
    let mut packet = packet::client_packet(PacketType::Message, Encoding::Compact, message);
    assert_eq!(packet.pop(), Some(0), "the end of the struct");
    packet.extend_from_slice(fields);
    packet.push(0);
    packet
}

/// Covers: 5.2-1
#[tokio::test]
async fn unknown_compact_fields_of_every_type_are_skipped() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    // Field 100 in the long form of a header: type, then the number as a zigzag varint.
    let fields: [&[u8]; 13] = [
        &[1, 0xc8, 1],
        &[2, 0xc8, 1],
        &[3, 0xc8, 1, 0x7f],
        &[4, 0xc8, 1, 2],
        &[5, 0xc8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[6, 0xc8, 1, 2],
        &[7, 0xc8, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        &[8, 0xc8, 1, 3, b'a', b'b', b'c'],
        &[9, 0xc8, 1, 0x25, 2, 4],
        &[10, 0xc8, 1, 0x18, 1, b'x'],
        &[11, 0xc8, 1, 1, 0x88, 1, b'k', 1, b'v'],
        &[11, 0xc8, 1, 0],
        &[12, 0xc8, 1, 0x15, 2, 0x1c, 0x18, 1, b'y', 0, 0],
    ];
    for (number, field) in fields.into_iter().enumerate() {
        let text = format!("number {number}");
        a.send_raw(with_fields(&message(&pair.b.node, &text), field))
            .await;
        assert_eq!(words(&a.echo().await), text);
        assert_eq!(words(&b.delivery().await), text);
    }
}

/// Covers: 5.2-2
#[tokio::test]
async fn a_known_compact_field_of_another_type_is_skipped() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    // Field 13, `udtype`, as a string; field 15, `extend`, as a number; field 17, `ToList`, as a map.
    for field in [&[8, 26, 1, b'7'][..], &[5, 30, 2], &[11, 34, 0]] {
        a.send_raw(with_fields(&message(&pair.b.node, "another type"), field))
            .await;
        a.echo().await;
        let delivered = b.delivery().await;
        assert_eq!(
            (delivered.udtype, delivered.extend, delivered.to_list),
            (None, None, None)
        );
    }
}

/// Covers: 5.2-3, 11.1-1
#[tokio::test]
async fn bytes_after_the_compact_struct_are_ignored() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    for padding in [&[0; 1][..], &[0; 300], &[0xff; 40]] {
        let mut packet = packet::client_packet(
            PacketType::Message,
            Encoding::Compact,
            &message(&pair.b.node, "padded"),
        );
        packet.extend_from_slice(padding);
        a.send_raw(packet).await;
        assert_eq!(words(&a.echo().await), "padded");
        b.delivery().await;
    }
}

/// Covers: 5.2-4
#[tokio::test]
async fn a_missing_required_compact_field_is_zero() {
    let server = shared();
    let (pair, mut a, _b) = friends(&server, Encoding::Compact).await;
    // `msType` 2, then `toTid`, without `odType`, whose zero is no kind of text.
    let node = pair.b.node.as_bytes();
    let length = u8::try_from(node.len()).unwrap();
    let without_kind = [&[90, 0x13, 2, 0x6c, 0x18, length], node, &[0, 0x38, 1, b'x', 0]].concat();
    a.send_raw(without_kind).await;
    a.expect(PacketType::Ack)
        .await
        .refusal(PacketType::Message, ErrorCode::Params);
    // A `toTid` without its node has the empty node.
    a.send_raw(vec![90, 0x13, 2, 0x13, 1, 0x5c, 0, 0]).await;
    a.expect(PacketType::Ack)
        .await
        .refusal(PacketType::Message, ErrorCode::Account);
}

/// Covers: 5.2-5
#[tokio::test]
async fn required_compact_fields_are_written_when_they_are_zero() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, Encoding::Compact).await;
    client.send_raw(vec![0, 1]).await;
    let refusal = client.expect(PacketType::Ack).await;
    // `ok` false in its header, then `timType` 0 as a byte, then the error.
    assert_eq!(refusal.payload[..4], [0x12, 0x13, 0, 0x1c]);
}

/// Covers: 5.2-7
#[tokio::test]
async fn a_compact_packet_that_ends_early_is_refused() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    let whole = packet::client_packet(
        PacketType::Message,
        Encoding::Compact,
        &message(&pair.b.node, "whole"),
    );
    for length in 1..whole.len() {
        a.send_raw(whole[..length].to_vec()).await;
        let answer = a.expect(PacketType::Ack).await;
        answer.refusal(PacketType::Message, ErrorCode::Format);
    }
    b.expect_silence().await;
}

fn json_packet(kind: PacketType, value: &Value) -> Vec<u8> {
    let mut packet = vec![kind.as_u8() | 0x80];
    packet.extend_from_slice(value.to_string().as_bytes());
    packet
}

fn as_json(received: &Received) -> Value {
    serde_json::from_slice(&received.payload).unwrap()
}

/// Covers: 5.3-1
#[tokio::test]
async fn json_has_whole_numbers_and_base64() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Json).await;
    let sent = json!({
        "msType": 2, "odType": 1, "id": i64::MIN, "toTid": {"node": pair.b.node},
        "dataBinary": "AP8=", "extra": {"k": "AQID"}, "udtype": -32768
    });
    a.send_raw(json_packet(PacketType::Message, &sent)).await;
    a.echo().await;
    let got = as_json(&b.expect(PacketType::Message).await);
    assert_eq!(got["id"], json!(i64::MIN), "a number without fraction");
    assert!(
        got["timestamp"]
            .as_i64()
            .is_some_and(|time| time > 1_700_000_000_000_000_000)
    );
    assert_eq!((&got["mid"], &got["udtype"]), (&json!(1), &json!(-32768)));
    assert_eq!(
        (&got["dataBinary"], &got["extra"]["k"]),
        (&json!("AP8="), &json!("AQID"))
    );
}

/// Covers: 5.3-2
#[tokio::test]
async fn json_leaves_out_what_is_not_set() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Json).await;
    let sent = json!({
        "msType": 2, "odType": 1, "toTid": {"node": pair.b.node}, "dataString": "x", "extend": {}, "extra": {}
    });
    a.send_raw(json_packet(PacketType::Message, &sent)).await;
    a.echo().await;
    let got = as_json(&b.expect(PacketType::Message).await);
    let members: Vec<&str> = got.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "dataString",
        "fromTid",
        "id",
        "mid",
        "msType",
        "odType",
        "timestamp",
        "toTid",
    ];
    let mut sorted = members.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    a.send_raw(vec![0x80, b'{', b'}']).await;
    let refusal = as_json(&a.expect(PacketType::Ack).await);
    assert_eq!(
        (&refusal["ok"], &refusal["timType"]),
        (&json!(false), &json!(0)),
        "required members"
    );
}

/// Covers: 5.3-3, 11.1-2
#[tokio::test]
async fn json_null_is_absent_or_zero() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Json).await;
    let mut sent = json!({
        "msType": 2, "odType": 1, "id": null, "mid": null, "bnType": null, "fromTid": null,
        "toTid": {"node": pair.b.node, "domain": null, "resource": null, "termtyp": null, "extend": null},
        "roomTid": null, "dataString": "x", "dataBinary": null, "isOffline": null, "timestamp": null,
        "udtype": null, "udshow": null, "extend": null, "extra": null, "ToList": null
    });
    a.send_raw(json_packet(PacketType::Message, &sent)).await;
    a.echo().await;
    let delivered = b.delivery().await;
    assert_eq!(
        (delivered.udtype, delivered.extend, delivered.bn_type),
        (None, None, None)
    );
    sent["odType"] = Value::Null;
    a.send_raw(json_packet(PacketType::Message, &sent)).await;
    a.expect(PacketType::Ack)
        .await
        .refusal(PacketType::Message, ErrorCode::Params);
}

/// Covers: 5.3-4
#[tokio::test]
async fn json_members_may_be_missing_or_unknown() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Json).await;
    let sent = json!({
        "future": {"deep": [1, 2.5, {"null": null}, "text", true]}, "": 1,
        "msType": 2, "odType": 1, "toTid": {"node": pair.b.node, "planet": "earth"}, "dataString": "x"
    });
    a.send_raw(json_packet(PacketType::Message, &sent)).await;
    a.echo().await;
    assert_eq!(b.delivery().await.data_string.as_deref(), Some("x"));
    a.send_raw(json_packet(PacketType::Message, &json!({}))).await;
    assert!(!a.expect(PacketType::Ack).await.ack().ok);
}

/// Covers: 5.3-5
#[tokio::test]
async fn json_members_are_known_in_any_case() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Json).await;
    let sent = json!({
        "MSTYPE": 2, "odtype": 1, "ToTID": {"NODE": pair.b.node}, "datastring": "x", "UdType": 9
    });
    a.send_raw(json_packet(PacketType::Message, &sent)).await;
    a.echo().await;
    let delivered = b.delivery().await;
    assert_eq!(
        (delivered.data_string.as_deref(), delivered.udtype),
        (Some("x"), Some(9))
    );
}

/// Covers: 5.3-6
#[tokio::test]
async fn json_of_the_wrong_type_is_malformed() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Json).await;
    let good = json!({"msType": 2, "odType": 1, "toTid": {"node": pair.b.node}, "dataString": "x"});
    for (member, wrong) in [
        ("msType", json!("2")),
        ("odType", json!(1.5)),
        ("odType", json!(1000)),
        ("dataString", json!(5)),
        ("toTid", json!("node")),
        ("dataBinary", json!("***")),
        ("dataBinary", json!("AP8")),
        ("extend", json!([1])),
        ("extra", json!({"k": "not base64"})),
        ("isOffline", json!("true")),
        ("id", json!(1e30)),
    ] {
        let mut sent = good.clone();
        sent[member] = wrong.clone();
        a.send_raw(json_packet(PacketType::Message, &sent)).await;
        let answer = a.expect(PacketType::Ack).await.ack();
        assert_eq!(answer.error_code(), Some(ErrorCode::Format), "{member} {wrong}");
    }
    for request in [json!({"rtype": "1"}), json!({"rtype": 4, "node": 5}), json!([1])] {
        a.send_raw(json_packet(PacketType::Business, &request)).await;
        a.expect(PacketType::Ack)
            .await
            .refusal(PacketType::Business, ErrorCode::Params);
    }
    b.expect_silence().await;
}

async fn malformed(encoding: Encoding, kinds: &[PacketType], code: ErrorCode) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, encoding).await;
    for &kind in kinds {
        for body in [&b"{"[..], &[0xff, 0xff], b"[1"] {
            client
                .send_raw([&[kind.as_u8() | encoding.flag()], body].concat())
                .await;
            client.expect(PacketType::Ack).await.refusal(kind, code);
        }
    }
    client.expect_silence().await;
}

/// Covers: 5.4-1, 7.5-8
async fn malformed_messages_and_presences_are_refused_with_4113(encoding: Encoding) {
    use PacketType::{BroadPresence, BurnMessage, Message, Presence, RevokeMessage};
    let kinds = [Message, RevokeMessage, BurnMessage, Presence, BroadPresence];
    malformed(encoding, &kinds, ErrorCode::Format).await;
}

/// Covers: 5.4-2
async fn malformed_requests_are_refused_with_4104(encoding: Encoding) {
    use PacketType::{Business, Nodes, PullMessage, VRoom};
    malformed(
        encoding,
        &[PullMessage, VRoom, Business, Nodes],
        ErrorCode::Params,
    )
    .await;
}

/// Covers: 5.4-4
async fn every_node_is_short_ascii_without_separators(encoding: Encoding) {
    let server = shared();
    let person = Person::register_in(&server, Some("домен")).await;
    let mut client = person.login(&server, encoding).await;
    let room = TimReq {
        rtype: Some(8),
        node: Some(secrets::text("a room")),
        req_int: Some(2),
        ..TimReq::default()
    };
    client.send(PacketType::Business, &room).await;
    let room = client
        .expect(PacketType::Ack)
        .await
        .success(PacketType::Business)
        .n
        .unwrap();
    for node in [&person.node, &room] {
        assert!((1..=64).contains(&node.len()) && node.is_ascii(), "{node:?}");
        assert!(!node.contains(['|', '\0']), "{node:?}");
        let strange = TimMessage {
            to_tid: Some(tid(&format!("{node}|"))),
            ..message("", "x")
        };
        client.refused_message(&strange, ErrorCode::Account).await;
    }
}

in_both_encodings!(
    malformed_messages_and_presences_are_refused_with_4113,
    malformed_requests_are_refused_with_4104,
    every_node_is_short_ascii_without_separators,
);

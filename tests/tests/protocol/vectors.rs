//! The byte forms of the published clients (wire-protocol 5, 11.1, 13), sent as they were recorded. Only node
//! names are replaced, because they belong to the installation that was recorded.

use serde_json::Value;
use tim_protocol::packet;
use tim_protocol::wire::TimAck;
use tim_tests::chat::tid;
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Person, Received, Server, friends, http, shared};

const RECORDED: &str = include_str!("../../../protocol/tests/data/vectors.json");
/// The user that the recorded messages are for.
const RECORDED_PEER: &str = "QdH6CCms5EU";

struct Vector {
    name: String,
    bytes: Vec<u8>,
}

fn client_vectors() -> Vec<Vector> {
    let all: Value = serde_json::from_str(RECORDED).unwrap();
    let packets = all["packets"].as_array().unwrap();
    let from_client = packets.iter().filter(|vector| vector["direction"] == "client");
    from_client
        .filter(|vector| vector["channel"] == "session" || vector["channel"] == "http")
        .map(to_vector)
        .collect()
}

fn vector(name: &str) -> Vec<u8> {
    let all: Value = serde_json::from_str(RECORDED).unwrap();
    let packets = all["packets"].as_array().unwrap();
    let found = packets.iter().find(|vector| vector["name"] == name);
    to_vector(found.unwrap_or_else(|| panic!("no vector {name}"))).bytes
}

fn to_vector(vector: &Value) -> Vector {
    let hex = vector["hex"].as_str().unwrap();
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    Vector {
        name: vector["name"].as_str().unwrap().to_owned(),
        bytes: (0..hex.len()).step_by(2).map(digit).collect(),
    }
}

/// Replaces the recorded peer. In compact packets the length byte before the node changes with it.
fn addressed_to(packet: &[u8], node: &str) -> Vec<u8> {
    let is_json = packet[0] & 0x80 != 0;
    let at = packet
        .windows(RECORDED_PEER.len())
        .position(|window| window == RECORDED_PEER.as_bytes())
        .expect("a recorded peer");
    let mut out = packet[..at].to_vec();
    if !is_json {
        *out.last_mut().unwrap() = u8::try_from(node.len()).unwrap();
    }
    out.extend_from_slice(node.as_bytes());
    out.extend_from_slice(&packet[at + RECORDED_PEER.len()..]);
    out
}

fn encoding_of(packet: &[u8]) -> Encoding {
    packet::ClientPacket::parse(packet).unwrap().encoding
}

async fn post(server: &Server, name: &str) -> Vec<u8> {
    let response = http::post(server.address(), "/tim2", &vector(name)).await;
    assert_eq!(response.status, 200);
    response.body
}

/// Covers: 11.1-1
#[tokio::test]
async fn registration_and_every_recorded_password_login_are_accepted() {
    let server = Server::start();
    let registered = Received::parse(&post(&server, "register-request").await.into(), Encoding::Compact);
    let node = registered.success(PacketType::Register).n.unwrap();
    assert_eq!(
        post(&server, "register-request").await,
        vector("register-exists"),
        "byte for byte the answer of the original"
    );
    assert_eq!(
        post(&server, "register-request.json").await,
        vector("register-exists.json")
    );
    for name in [
        "login-password",
        "login-password.json",
        "login-password-timjs",
        "login-padded-atim",
    ] {
        let packet = vector(name);
        let mut client = Client::connect(server.address(), encoding_of(&packet)).await;
        client.send_raw(packet).await;
        let answer = client.expect(PacketType::Ack).await.success(PacketType::Auth);
        assert_eq!(answer.n.as_deref(), Some(node.as_str()), "{name}");
        client.close().await;
    }
    let token = Received::parse(&post(&server, "token-request").await.into(), Encoding::Compact);
    let token = token.success(PacketType::Token).n.unwrap();
    server.keep_secret(&token);
    let json = post(&server, "token-request.json").await;
    let json = Received::parse(&json.into(), Encoding::Json);
    server.keep_secret(&json.success(PacketType::Token).n.unwrap());
}

#[tokio::test]
async fn a_refused_login_is_byte_for_byte_the_recorded_answer() {
    for name in ["login-password", "login-password.json"] {
        let packet = vector(name);
        let encoding = encoding_of(&packet);
        let mut client = Client::connect(shared().address(), encoding).await;
        client.send_raw(packet).await;
        let answer = client.next().await;
        let expected: TimAck = TimAck::refusal(PacketType::Auth, ErrorCode::PermDenied);
        assert_eq!(answer.ack(), expected);
        if encoding == Encoding::Compact {
            assert_eq!(answer.payload, vector("login-denied")[1..]);
        }
    }
}

/// Covers in both encodings: 3-6, 3-7
#[tokio::test]
async fn pings_and_offline_requests_of_both_encodings_get_their_recorded_answers() {
    let server = shared();
    let person = Person::register(&server).await;
    for encoding in [Encoding::Compact, Encoding::Json] {
        let mut client = person.login(&server, encoding).await;
        for name in ["ping-thrift", "ping-json"] {
            client.send_raw(vector(name)).await;
            let pong = client.expect(PacketType::Ping).await;
            assert!(pong.send_id.is_none() && pong.payload.is_empty(), "{name}");
        }
        for name in ["offline-request-thrift", "offline-request-json"] {
            client.send_raw(vector(name)).await;
            let end = client.expect(PacketType::OfflineMsgEnd).await;
            assert!(end.send_id.is_none() && end.payload.is_empty(), "{name}");
        }
    }
}

/// Covers in both encodings: 7.6-14
#[tokio::test]
async fn recorded_messages_arrive_with_everything_the_application_put_in() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    for name in [
        "message-user",
        "message-user.json",
        "message-user-timjs",
        "message-user-full",
        "message-user-full.json",
    ] {
        a.send_raw(addressed_to(&vector(name), &pair.b.node)).await;
        let echo = a.echo().await;
        let delivered = b.delivery().await;
        let expected = if name.contains("full") {
            "hi there"
        } else {
            "hello"
        };
        assert_eq!(delivered.data_string.as_deref(), Some(expected), "{name}");
        assert_eq!(delivered, echo, "{name}");
        if name.contains("full") {
            assert_eq!((delivered.udtype, delivered.udshow), (Some(3), Some(4)), "{name}");
            assert_eq!(delivered.extend.unwrap()["x"], "y", "{name}");
            assert_eq!(delivered.extra.unwrap()["b"][..], [0, 1, 255], "{name}");
        }
    }
}

/// Covers: 2.2-8, 2.2-9
#[tokio::test]
async fn text_messages_and_fragmented_messages_are_packets_like_any_other() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Json).await;
    let packet = addressed_to(&vector("message-user-timjs"), &pair.b.node);
    // A JSON packet begins with a byte above 0x7F, which text cannot; a compact one can be text.
    let compact = addressed_to(&vector("message-user"), &pair.b.node);
    a.send_text(&compact).await;
    a.echo().await;
    assert_eq!(b.delivery().await.data_string.as_deref(), Some("hello"));
    for pieces in [2, 3, 20] {
        a.send_in_fragments(&packet, pieces).await;
        a.echo().await;
        assert_eq!(b.delivery().await.data_string.as_deref(), Some("hello"));
    }
}

/// Covers in both encodings: 4-3, 11.1-15
#[tokio::test]
async fn acknowledgements_of_both_recorded_forms_count() {
    let server = shared();
    for form in ["delivery-ack-thrift", "delivery-ack-json"] {
        let (pair, mut a, b) = friends(&server, Encoding::Json).await;
        b.close().await;
        a.chat(&pair.b.node, "one").await;
        let mut b = pair.b.login_mute(&server, Encoding::Json, "phone").await;
        b.send_empty(PacketType::OfflineMsg).await;
        let batch = b.expect(PacketType::OfflineMsg).await;
        let mut ack = vector(form);
        ack[1..].copy_from_slice(&batch.send_id.unwrap().to_be_bytes());
        b.send_raw(ack).await;
        // The end marker comes only after the acknowledgement.
        b.expect(PacketType::OfflineMsgEnd).await;
    }
}

#[tokio::test]
async fn recorded_recalls_burns_and_streams_are_understood() {
    let server = shared();
    for suffix in ["", ".json"] {
        let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
        for words in ["mid one", "mid two"] {
            a.chat(&pair.b.node, words).await;
            b.delivery().await;
        }
        // The recorded recall names mid 1, the recorded burn mid 2.
        a.send_raw(addressed_to(
            &vector(&format!("recall-user{suffix}")),
            &pair.b.node,
        ))
        .await;
        for client in [&mut a, &mut b] {
            let recall = client.delivery().await;
            assert_eq!((recall.od_type, recall.mid), (2, Some(1)));
        }
        b.send_raw(addressed_to(&vector(&format!("burn-user{suffix}")), &pair.a.node))
            .await;
        for client in [&mut a, &mut b] {
            let burn = client.delivery().await;
            assert_eq!((burn.od_type, burn.mid), (3, Some(2)));
        }
        a.send_raw(addressed_to(
            &vector(&format!("stream-user{suffix}")),
            &pair.b.node,
        ))
        .await;
        let stream = b.expect(PacketType::Message).await;
        assert_eq!(stream.send_id, None);
        assert_eq!(stream.message().data_binary.as_deref(), Some(&[1_u8, 2][..]));
    }
}

#[tokio::test]
async fn recorded_friend_requests_and_history_requests_are_understood() {
    let server = shared();
    for suffix in ["", ".json"] {
        let named = |name: &str| vector(&format!("{name}{suffix}"));
        let pair = [Person::register(&server).await, Person::register(&server).await];
        let mut a = pair[0].login(&server, Encoding::Compact).await;
        let mut b = pair[1].login(&server, Encoding::Compact).await;
        a.send_raw(addressed_to(&named("addroster"), &pair[1].node)).await;
        let request = b.delivery().await;
        assert_eq!(
            (request.bn_type, request.data_string.as_deref()),
            (Some(4), Some("hello"))
        );
        b.send_raw(addressed_to(&named("addroster"), &pair[0].node)).await;
        b.expect(PacketType::Ack).await.success(PacketType::Business);
        assert_eq!(a.delivery().await.bn_type, Some(5));
        a.send_raw(named("roster-request")).await;
        let list = a.expect(PacketType::Nodes).await.nodes();
        assert_eq!((list.ntype, list.nodelist), (1, Some(vec![pair[1].node.clone()])));
        a.chat(&pair[1].node, "for the history").await;
        a.send_raw(addressed_to(&named("pull-user-history"), &pair[1].node))
            .await;
        assert_eq!(a.expect(PacketType::PullMessage).await.list().len(), 1);
        a.send_raw(addressed_to(&named("rmroster"), &pair[1].node)).await;
        let removed = a.expect(PacketType::Ack).await;
        removed.success(PacketType::Business);
        let mut expected = vector("rmroster-ok");
        expected = addressed_to(&expected, &pair[1].node);
        assert_eq!(
            removed.payload,
            expected[1..],
            "byte for byte the recorded answer"
        );
    }
}

#[tokio::test]
async fn whatever_a_published_client_can_send_leaves_its_session_usable() {
    let server = shared();
    let person = Person::register(&server).await;
    for encoding in [Encoding::Compact, Encoding::Json] {
        let mut client = person.login(&server, encoding).await;
        // Pings would be taken for those that end `drain`.
        for vector in client_vectors()
            .into_iter()
            .filter(|vector| vector.bytes.len() > 1)
        {
            client.send_raw(vector.bytes.clone()).await;
            for answer in client.drain().await {
                assert!(
                    matches!(answer.kind, PacketType::Ack | PacketType::OfflineMsgEnd),
                    "{}: {answer:?}",
                    vector.name
                );
                if answer.kind == PacketType::Ack {
                    let kind = match i8::try_from(vector.bytes[0] & 0x7F).unwrap() {
                        // Refused like a chunk in a struct (wire-protocol 7.12).
                        97 => 94,
                        kind => kind,
                    };
                    assert_eq!(answer.ack().tim_type, kind, "{}", vector.name);
                }
            }
        }
        client.close().await;
    }
}

#[tokio::test]
async fn a_delivery_has_the_recorded_shape() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    a.chat(&pair.b.node, "shape").await;
    let delivered = b.delivery().await;
    assert_eq!(
        (delivered.ms_type, delivered.od_type, delivered.mid),
        (2, 1, Some(1))
    );
    let from = delivered.from_tid.unwrap();
    assert_eq!(
        (from.node.as_str(), from.resource.as_deref()),
        (pair.a.node.as_str(), Some("phone"))
    );
    assert_eq!(delivered.to_tid, Some(tid(&pair.b.node)));
    assert!(delivered.is_offline.is_none() && delivered.to_list.is_none() && delivered.room_tid.is_none());
    assert!(delivered.id.is_some_and(|id| id != 0 && id < 1 << 53));
    assert!(
        delivered.timestamp.unwrap() > 1_700_000_000_000_000_000,
        "nanoseconds"
    );
}

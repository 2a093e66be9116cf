//! Kinds that are not chat: streams, big strings and binaries, application kinds, client-made notices
//! (wire-protocol 7.6, 11.1 note 6, 11.3).

use bytes::Bytes;
use tim_protocol::wire::TimMessage;
use tim_tests::chat::message;
use tim_tests::{
    Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, secrets, shared,
};

fn of_kind(od_type: i8, to: &str) -> TimMessage {
    TimMessage {
        od_type,
        data_binary: Some(Bytes::from_static(&[0x83, b'|', 0, 1])),
        ..message(to, "volatile")
    }
}

/// Covers: 7.6-19
async fn a_stream_reaches_every_online_session_and_is_not_synchronous(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut web = pair.b.login_on(&server, encoding, "web").await;
    web.offline().await;
    a.send_message(&of_kind(5, &pair.b.node)).await;
    for client in [&mut b, &mut web] {
        let received = client.expect(PacketType::Message).await;
        assert_eq!(received.send_id, None);
        let stream = received.message();
        assert_eq!((stream.od_type, stream.mid), (5, None));
        assert_eq!(stream.from_tid.unwrap().node, pair.a.node);
        assert_eq!(stream.data_binary.as_deref(), Some(&[0x83, b'|', 0, 1][..]));
    }
    a.expect_silence().await;
}

/// Covers: 7.6-20
async fn big_strings_and_binaries_arrive_as_their_own_packets(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let text = secrets::text("volatile");
    for (od_type, kind, separator, data) in [
        (6, PacketType::BigString, b'|', text.as_bytes()),
        (7, PacketType::BigBinary, 0x83, &[0x83, b'|', 0, 1][..]),
    ] {
        a.send_message(&of_kind(od_type, &pair.b.node)).await;
        let received = b.expect(kind).await;
        assert_eq!(received.send_id, None);
        let expected = [pair.a.node.as_bytes(), &[separator], data].concat();
        assert_eq!(received.payload, expected);
    }
    a.expect_silence().await;
}

/// Covers: 7.6-19, 7.6-20
async fn nothing_volatile_waits_for_those_who_are_offline(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    for od_type in [5, 6, 7] {
        a.send_message(&of_kind(od_type, &pair.b.node)).await;
    }
    a.expect_silence().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(b.offline().await.concat(), []);
    assert_eq!(b.history(&pair.a.node, 0, 10).await, []);
}

async fn volatile_kinds_need_the_same_permission_as_messages(encoding: Encoding) {
    let server = shared();
    let stranger = Person::register(&server).await;
    let mut victim = stranger.login(&server, encoding).await;
    let (_pair, mut a, _b) = friends(&server, encoding).await;
    for od_type in [5, 6, 7, 31, 127] {
        let refused = of_kind(od_type, &stranger.node);
        a.refused_message(&refused, ErrorCode::PermDenied).await;
    }
    victim.expect_silence().await;
}

/// Covers: 7.6-18
async fn application_kinds_are_delivered_offline_too_but_not_stored(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for od_type in [31, 127] {
        a.send_message(&of_kind(od_type, &pair.b.node)).await;
        let received = b.expect(PacketType::Message).await;
        assert!(received.send_id.is_some(), "synchronous");
        let delivered = received.message();
        assert_eq!((delivered.od_type, delivered.mid), (od_type, None));
    }
    a.expect_silence().await;
    b.close().await;
    let named = TimMessage {
        id: Some(77),
        mid: Some(123),
        ..of_kind(50, &pair.b.node)
    };
    a.send_message(&named).await;
    // Not answered itself, but stored before what is sent after it.
    assert_eq!(a.chat(&pair.b.node, "first").await.mid, Some(1));
    let mut b = pair.b.login(&server, encoding).await;
    let waiting = b.offline().await.concat();
    assert_eq!(waiting.len(), 2);
    let kept = &waiting[0];
    assert_eq!(
        (kept.od_type, kept.id, kept.mid),
        (50, Some(77), Some(123)),
        "mid passes through"
    );
    assert_eq!(kept.is_offline, Some(true));
    assert_eq!(
        b.history(&pair.a.node, 0, 10).await.len(),
        1,
        "only the chat message"
    );
}

/// Covers: 11.3-6
async fn notices_of_the_server_cannot_be_made_by_clients(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let notice = |bn_type| TimMessage {
        bn_type,
        ..of_kind(4, &pair.b.node)
    };
    for bn_type in 1..=30 {
        a.refused_message(&notice(Some(bn_type)), ErrorCode::Params).await;
    }
    b.expect_silence().await;
    a.send_message(&notice(Some(31))).await;
    assert_eq!(b.delivery().await.bn_type, Some(31));
}

/// Covers: 11.3-6
async fn a_switch_lets_clients_make_notices(encoding: Encoding) {
    let server = Server::options()
        .set("messages.allow_client_notices", "true")
        .start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let notice = TimMessage {
        bn_type: Some(9),
        ..of_kind(4, &pair.b.node)
    };
    a.send_message(&notice).await;
    let delivered = b.delivery().await;
    assert_eq!((delivered.bn_type, delivered.od_type), (Some(9), 4));
    a.expect_silence().await;
}

/// atim leaves `odType` and `msType` at 0 in streams.
/// Covers: 11.1-6
async fn a_stream_without_its_kind_is_understood(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let incomplete = TimMessage {
        ms_type: 0,
        od_type: 0,
        data_string: None,
        ..of_kind(0, &pair.b.node)
    };
    a.send_message(&incomplete).await;
    let stream = b.expect(PacketType::Message).await;
    assert_eq!(stream.send_id, None);
    assert_eq!((stream.message().ms_type, stream.message().od_type), (2, 5));
}

async fn a_relayed_packet_survives_kill_9(encoding: Encoding) {
    let server = Server::start();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    a.send_message(&of_kind(40, &pair.b.node)).await;
    // A chat message is made durable after what was sent before it.
    a.chat(&pair.b.node, "after it").await;
    server.kill();
    server.run();
    let mut b = pair.b.login(&server, encoding).await;
    let kinds: Vec<_> = b.offline().await.concat().iter().map(|it| it.od_type).collect();
    assert!(kinds.ends_with(&[40, 1]), "{kinds:?}");
}

in_both_encodings!(
    a_stream_reaches_every_online_session_and_is_not_synchronous,
    big_strings_and_binaries_arrive_as_their_own_packets,
    nothing_volatile_waits_for_those_who_are_offline,
    volatile_kinds_need_the_same_permission_as_messages,
    application_kinds_are_delivered_offline_too_but_not_stored,
    notices_of_the_server_cannot_be_made_by_clients,
    a_switch_lets_clients_make_notices,
    a_stream_without_its_kind_is_understood,
    a_relayed_packet_survives_kill_9,
);

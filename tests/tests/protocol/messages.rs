//! Chat messages between two users: checks and their order, echo, fields that belong to the server,
//! repeats (wire-protocol 7.6, 11.3).

use bytes::Bytes;
use tim_protocol::wire::{Tid, TimMessage};
use tim_tests::chat::{message, tid, words};
use tim_tests::people::operation;
use tim_tests::{
    Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, secrets, shared,
};

fn unknown_node() -> String {
    tim_protocol::node::wide_node_from_random([9; 15])
        .as_str()
        .to_owned()
}

/// Covers: 7.6-15, 7.6-17
async fn a_message_is_echoed_and_delivered(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let echo = a.chat(&pair.b.node, "hello").await;
    assert_eq!(
        (words(&echo), echo.mid, echo.ms_type, echo.od_type),
        ("hello", Some(1), 2, 1)
    );
    assert!(echo.id.is_some_and(|id| id != 0) && echo.timestamp.is_some());
    let received = b.expect(PacketType::Message).await;
    assert!(received.send_id.is_some(), "synchronous");
    assert_eq!(
        received.message(),
        echo,
        "the recipient gets what the sender was told"
    );
    // There is no other sign of success.
    a.expect_silence().await;
    b.expect_silence().await;
}

/// Covers: 7.6-29, W-30
async fn both_directions_share_one_dense_numbering(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for mid in [1, 3, 5] {
        assert_eq!(a.chat(&pair.b.node, "ping").await.mid, Some(mid));
        assert_eq!(b.delivery().await.mid, Some(mid));
        assert_eq!(b.chat(&pair.a.node, "pong").await.mid, Some(mid + 1));
        assert_eq!(a.delivery().await.mid, Some(mid + 1));
    }
    // Refused messages use no number.
    a.refused_message(&message(&unknown_node(), "nobody"), ErrorCode::Account)
        .await;
    assert_eq!(a.chat(&pair.b.node, "next").await.mid, Some(7));
}

/// Covers: 7.6-2, 7.6-3, 7.6-4, 7.6-5, 7.6-10, 7.6-11, 7.6-21
async fn the_checks_are_made_in_their_order(encoding: Encoding) {
    let server = shared();
    let stranger = Person::register(&server).await;
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let friend = pair.b.node.as_str();
    let room = unknown_node();
    let with = |ms_type: i8, to: Option<&str>, room: Option<&str>, od_type: i8| TimMessage {
        ms_type,
        od_type,
        to_tid: to.map(tid),
        room_tid: room.map(tid),
        data_string: Some(secrets::text("checked")),
        ..TimMessage::default()
    };
    for (what, message, code) in [
        (
            "a system message, before its target",
            with(1, Some("no|node"), None, 1),
            ErrorCode::Params,
        ),
        (
            "a system message to a friend",
            with(1, Some(friend), None, 1),
            ErrorCode::Params,
        ),
        (
            "a malformed user",
            with(2, Some("no|node"), None, 1),
            ErrorCode::Account,
        ),
        ("an empty user", with(2, Some(""), None, 1), ErrorCode::Account),
        (
            "a malformed room beside a good user",
            with(2, Some(friend), Some("no|room"), 1),
            ErrorCode::Account,
        ),
        (
            "an unknown user",
            with(2, Some(&room), None, 1),
            ErrorCode::Account,
        ),
        (
            "an unknown user, before the kind",
            with(2, Some(&room), None, 9),
            ErrorCode::Account,
        ),
        ("nobody at all", with(2, None, None, 1), ErrorCode::Account),
        (
            "nobody at all, to a room",
            with(3, None, None, 1),
            ErrorCode::Account,
        ),
        (
            "an unknown room",
            with(3, None, Some(&room), 1),
            ErrorCode::Account,
        ),
        (
            "a stranger",
            with(2, Some(&stranger.node), None, 1),
            ErrorCode::PermDenied,
        ),
        (
            "a stranger, before the kind",
            with(2, Some(&stranger.node), None, 9),
            ErrorCode::PermDenied,
        ),
        (
            "a private message in no common room",
            with(2, Some(friend), Some(&room), 1),
            ErrorCode::PermDenied,
        ),
        (
            "no such addressing",
            with(4, Some(friend), None, 1),
            ErrorCode::Params,
        ),
        (
            "no such addressing",
            with(-1, Some(friend), None, 1),
            ErrorCode::Params,
        ),
        (
            "a reserved kind",
            with(2, Some(friend), None, 8),
            ErrorCode::Params,
        ),
        (
            "a reserved kind",
            with(2, Some(friend), None, 30),
            ErrorCode::Params,
        ),
        ("kind 0", with(2, Some(friend), None, 0), ErrorCode::Params),
        (
            "a negative kind",
            with(2, Some(friend), None, -1),
            ErrorCode::Params,
        ),
        (
            "a negative kind",
            with(2, Some(friend), None, i8::MIN),
            ErrorCode::Params,
        ),
    ] {
        a.send_message(&message).await;
        let answer = a.expect(PacketType::Ack).await.ack();
        assert_eq!(answer.error_code(), Some(code), "{what}: {answer:?}");
        assert_eq!(answer.tim_type, PacketType::Message.as_i8(), "{what}");
    }
    b.expect_silence().await;
}

/// Covers: 7.6-1, 7.6-22
async fn the_answer_carries_the_type_of_the_packet(encoding: Encoding) {
    let server = shared();
    let (_pair, mut a, _b) = friends(&server, encoding).await;
    for kind in [
        PacketType::Message,
        PacketType::RevokeMessage,
        PacketType::BurnMessage,
    ] {
        a.send(kind, &message(&unknown_node(), "nobody")).await;
        a.expect(PacketType::Ack).await.refusal(kind, ErrorCode::Account);
        // A broken packet too, although nothing of it could be read.
        a.send_raw(vec![kind.as_u8() | encoding.flag(), b'{', 0xff]).await;
        a.expect(PacketType::Ack).await.refusal(kind, ErrorCode::Format);
    }
}

/// Covers: 7.6-22
async fn the_packet_type_does_not_have_to_match_the_kind(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    a.send(PacketType::BurnMessage, &message(&pair.b.node, "a chat message"))
        .await;
    assert_eq!(a.echo().await.mid, Some(1));
    assert_eq!(b.delivery().await.od_type, 1);
}

/// Covers: 7.6-12, 7.6-13, 11.3-6
async fn what_belongs_to_the_server_cannot_be_forged(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let forged = TimMessage {
        from_tid: Some(Tid {
            resource: Some("forged".into()),
            ..tid(&pair.b.node)
        }),
        timestamp: Some(12),
        mid: Some(4_000),
        is_offline: Some(true),
        to_list: Some(vec![pair.a.node.clone()]),
        to_tid: Some(Tid {
            domain: Some("forged".into()),
            ..tid(&pair.b.node)
        }),
        ..message(&pair.b.node, "who am I")
    };
    a.send_message(&forged).await;
    let echo = a.echo().await;
    let delivered = b.delivery().await;
    assert_eq!(echo, delivered);
    let from = delivered.from_tid.unwrap();
    assert_eq!(
        (from.node, from.resource.as_deref()),
        (pair.a.node, Some("phone"))
    );
    assert!(delivered.timestamp.unwrap() > 1_700_000_000_000_000_000);
    assert_eq!(delivered.mid, Some(1));
    assert_eq!((delivered.is_offline, delivered.to_list), (None, None));
    assert_eq!(delivered.to_tid.unwrap().domain, None);
}

/// The original delivers to a client's list without asking anybody (wire-protocol 11.3).
/// Covers: 7.6-13, 11.3-1
async fn a_list_of_receivers_from_a_client_reaches_nobody(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let (_others, mut c, mut d) = friends(&server, encoding).await;
    let spam = TimMessage {
        to_list: Some(vec![c.node.clone(), d.node.clone()]),
        ..message(&pair.b.node, "only for b")
    };
    a.send_message(&spam).await;
    a.echo().await;
    b.delivery().await;
    c.expect_silence().await;
    d.expect_silence().await;
    let only_list = TimMessage { to_tid: None, ..spam };
    a.refused_message(&only_list, ErrorCode::Account).await;
    c.expect_silence().await;
}

/// Covers: 7.6-14, 5.2-6
async fn application_fields_pass_unchanged(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let sent = TimMessage {
        data_binary: Some(Bytes::from_static(&[0, 255, 1, 128])),
        udtype: Some(0),
        udshow: Some(-7),
        extend: Some(
            [
                ("k".to_owned(), String::new()),
                ("ключ".to_owned(), "值".to_owned()),
            ]
            .into(),
        ),
        extra: Some([("raw".to_owned(), Bytes::from_static(&[0, 1, 2]))].into()),
        bn_type: Some(77),
        ..message(&pair.b.node, "with \"quotes\", <angles>, 换行\n and \u{1F600}")
    };
    a.send_message(&sent).await;
    a.echo().await;
    let got = b.delivery().await;
    for (what, matches) in [
        ("text", got.data_string == sent.data_string),
        ("bytes", got.data_binary == sent.data_binary),
        ("udtype", got.udtype == Some(0)),
        ("udshow", got.udshow == Some(-7)),
        ("extend", got.extend == sent.extend),
        ("extra", got.extra == sent.extra),
        ("bnType", got.bn_type == Some(77)),
    ] {
        assert!(matches, "{what}: {got:?}");
    }
    let stored = &b.history(&pair.a.node, 0, 1).await[0];
    assert_eq!((&stored.extend, &stored.extra), (&got.extend, &got.extra));
}

/// Covers: 7.6-16
async fn the_echo_goes_to_all_sessions_of_the_sender(encoding: Encoding) {
    let server = shared();
    let (pair, mut phone, mut b) = friends(&server, encoding).await;
    let mut web = pair.a.login_on(&server, encoding, "web").await;
    web.offline().await;
    let echo = phone.chat(&pair.b.node, "from the phone").await;
    assert_eq!(web.delivery().await, echo, "to be acknowledged like any delivery");
    let echo = web.chat(&pair.b.node, "from the web").await;
    assert_eq!(phone.delivery().await, echo);
    assert_eq!(words(&b.delivery().await), "from the phone");
    assert_eq!(words(&b.delivery().await), "from the web");
    phone.expect_silence().await;
    web.expect_silence().await;
}

async fn answers_come_in_the_order_of_the_sends_and_name_the_refused_one(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for number in 1..=30_i64 {
        let to = if number % 3 == 0 {
            unknown_node()
        } else {
            pair.b.node.clone()
        };
        let numbered = TimMessage {
            id: Some(number),
            ..message(&to, "numbered")
        };
        a.send_message(&numbered).await;
    }
    for number in 1..=30_i64 {
        let answer = a.next().await;
        if number % 3 == 0 {
            let refusal = answer.refusal(PacketType::Message, ErrorCode::Account);
            assert_eq!(refusal.t, Some(number));
        } else {
            assert_eq!(answer.message().id, Some(number));
        }
    }
    for number in (1..=30_i64).filter(|number| number % 3 != 0) {
        assert_eq!(b.delivery().await.id, Some(number));
    }
}

/// Covers: 5.4-3
async fn the_id_of_the_client_is_kept_and_a_missing_one_made_up(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for id in [None, Some(0)] {
        let anonymous = TimMessage {
            id,
            ..message(&pair.b.node, "anonymous")
        };
        a.send_message(&anonymous).await;
        let made_up = a.echo().await.id.unwrap();
        assert!(made_up > 0 && made_up < 1 << 53, "{made_up}");
        assert_eq!(b.delivery().await.id, Some(made_up));
    }
    for id in [1, -1, i64::MAX, i64::MIN] {
        let named = TimMessage {
            id: Some(id),
            ..message(&pair.b.node, "named")
        };
        a.send_message(&named).await;
        assert_eq!((a.echo().await.id, b.delivery().await.id), (Some(id), Some(id)));
    }
}

/// Covers: 7.6-34
async fn without_the_friendship_requirement_only_blocks_count(encoding: Encoding) {
    let server = Server::options()
        .set("messages.require_friendship", "false")
        .start();
    let mut a = Person::register(&server).await.login(&server, encoding).await;
    let mut b = Person::register(&server).await.login(&server, encoding).await;
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.chat(&b_node, "hello stranger").await;
    b.delivery().await;
    b.manage(operation::BLOCK, &a_node).await;
    assert_eq!(a.delivery().await.bn_type, Some(7));
    a.refused_message(&message(&b_node, "still there?"), ErrorCode::PermDenied)
        .await;
    b.refused_message(&message(&a_node, "no"), ErrorCode::PermDenied)
        .await;
}

async fn a_message_as_large_as_a_packet_may_be_arrives(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let large = TimMessage {
        data_string: Some("x".repeat((1 << 20) - 400)),
        ..message(&pair.b.node, "")
    };
    a.send_message(&large).await;
    assert_eq!(a.echo().await.data_string, large.data_string);
    assert_eq!(b.delivery().await.data_string, large.data_string);
    b.close().await;
    a.send_message(&large).await;
    a.echo().await;
    let mut b = pair.b.login(&server, encoding).await;
    let batches = b.offline().await;
    assert_eq!(
        batches.concat()[0].data_string,
        large.data_string,
        "at least one message fits"
    );
    assert_eq!(
        b.history(&pair.a.node, 0, 1).await[0].data_string,
        large.data_string
    );
}

in_both_encodings!(
    a_message_is_echoed_and_delivered,
    both_directions_share_one_dense_numbering,
    the_checks_are_made_in_their_order,
    the_answer_carries_the_type_of_the_packet,
    the_packet_type_does_not_have_to_match_the_kind,
    what_belongs_to_the_server_cannot_be_forged,
    a_list_of_receivers_from_a_client_reaches_nobody,
    application_fields_pass_unchanged,
    the_echo_goes_to_all_sessions_of_the_sender,
    answers_come_in_the_order_of_the_sends_and_name_the_refused_one,
    the_id_of_the_client_is_kept_and_a_missing_one_made_up,
    without_the_friendship_requirement_only_blocks_count,
    a_message_as_large_as_a_packet_may_be_arrives,
);

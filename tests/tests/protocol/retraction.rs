//! Recall and burn (wire-protocol 7.7; behaviour 10).

use tim_protocol::wire::TimMessage;
use tim_tests::chat::{all_words, message, retraction};
use tim_tests::people::operation;
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Server, friends, in_both_encodings, shared};

const RECALL: i8 = 2;
const BURN: i8 = 3;

async fn refuse(client: &mut Client, kind: PacketType, message: &TimMessage, code: ErrorCode) {
    client.send(kind, message).await;
    client.expect(PacketType::Ack).await.refusal(kind, code);
}

/// Covers: 7.7-3, 7.7-4
async fn a_recall_reaches_both_sides_and_deletes_the_message(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for words in ["one", "two", "three"] {
        a.chat(&pair.b.node, words).await;
        b.delivery().await;
    }
    a.send(PacketType::RevokeMessage, &retraction(RECALL, &pair.b.node, 2))
        .await;
    for client in [&mut a, &mut b] {
        let received = client.expect(PacketType::Message).await;
        assert!(received.send_id.is_some(), "synchronous, to the sender too");
        let recall = received.message();
        assert_eq!((recall.od_type, recall.mid, recall.ms_type), (RECALL, Some(2), 2));
        assert_eq!(recall.from_tid.unwrap().node, pair.a.node);
        assert!(recall.id.is_some() && recall.timestamp.is_some());
        client.expect_silence().await;
    }
    for (client, peer) in [(&mut a, &pair.b.node), (&mut b, &pair.a.node)] {
        assert_eq!(all_words(&client.history(peer, 0, 10).await), ["three", "one"]);
    }
    // The number is not given again.
    assert_eq!(a.chat(&pair.b.node, "four").await.mid, Some(4));
}

/// Covers: 7.7-4
async fn a_recall_reaches_all_sessions_of_both_sides(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut a_web = pair.a.login_on(&server, encoding, "web").await;
    let mut b_web = pair.b.login_on(&server, encoding, "web").await;
    a_web.offline().await;
    b_web.offline().await;
    a.chat(&pair.b.node, "one").await;
    a_web.delivery().await;
    b.delivery().await;
    b_web.delivery().await;
    a_web
        .send(PacketType::RevokeMessage, &retraction(RECALL, &pair.b.node, 1))
        .await;
    for client in [&mut a, &mut a_web, &mut b, &mut b_web] {
        assert_eq!(client.delivery().await.od_type, RECALL);
        client.expect_silence().await;
    }
}

/// Covers: 7.7-1, W-15
async fn only_the_author_may_recall(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    a.chat(&pair.b.node, "mine").await;
    b.delivery().await;
    let recall = retraction(RECALL, &pair.a.node, 1);
    refuse(&mut b, PacketType::RevokeMessage, &recall, ErrorCode::PermDenied).await;
    a.expect_silence().await;
    assert_eq!(all_words(&b.history(&pair.a.node, 0, 10).await), ["mine"]);
}

/// Covers: 7.7-5
async fn only_the_recipient_may_burn(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    a.chat(&pair.b.node, "for your eyes").await;
    b.delivery().await;
    let burn = retraction(BURN, &pair.b.node, 1);
    refuse(&mut a, PacketType::BurnMessage, &burn, ErrorCode::PermDenied).await;
    b.expect_silence().await;
    b.send(PacketType::BurnMessage, &retraction(BURN, &pair.a.node, 1))
        .await;
    for client in [&mut a, &mut b] {
        let received = client.expect(PacketType::Message).await;
        assert!(received.send_id.is_some());
        let burn = received.message();
        assert_eq!((burn.od_type, burn.mid), (BURN, Some(1)));
        assert_eq!(burn.from_tid.unwrap().node, pair.b.node);
    }
    assert_eq!(a.history(&pair.b.node, 0, 10).await, []);
}

/// Covers: 7.7-2
async fn a_missing_or_unknown_number_is_refused_with_4104(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    a.chat(&pair.b.node, "one").await;
    b.delivery().await;
    for (kind, od_type) in [
        (PacketType::RevokeMessage, RECALL),
        (PacketType::BurnMessage, BURN),
    ] {
        for mid in [Some(0), Some(2), Some(-1), Some(i64::MAX), Some(i64::MIN), None] {
            let wrong = TimMessage {
                mid,
                ..retraction(od_type, &pair.b.node, 0)
            };
            refuse(&mut a, kind, &wrong, ErrorCode::Params).await;
        }
    }
    b.expect_silence().await;
}

/// Covers: 7.7-6
async fn a_message_can_be_recalled_once(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    a.chat(&pair.b.node, "one").await;
    b.delivery().await;
    let recall = retraction(RECALL, &pair.b.node, 1);
    a.send(PacketType::RevokeMessage, &recall).await;
    a.delivery().await;
    b.delivery().await;
    refuse(&mut a, PacketType::RevokeMessage, &recall, ErrorCode::Params).await;
    let burn = retraction(BURN, &pair.a.node, 1);
    refuse(&mut b, PacketType::BurnMessage, &burn, ErrorCode::Params).await;
}

/// Covers: 7.7-7
async fn strangers_and_former_friends_can_neither_recall_nor_burn(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let (_others, mut c, _d) = friends(&server, encoding).await;
    a.chat(&pair.b.node, "ours").await;
    b.delivery().await;
    for node in [&pair.a.node, &pair.b.node] {
        let recall = retraction(RECALL, node, 1);
        refuse(&mut c, PacketType::RevokeMessage, &recall, ErrorCode::PermDenied).await;
        let burn = retraction(BURN, node, 1);
        refuse(&mut c, PacketType::BurnMessage, &burn, ErrorCode::PermDenied).await;
    }
    a.manage(operation::REMOVE, &pair.b.node).await;
    b.delivery().await;
    let recall = retraction(RECALL, &pair.b.node, 1);
    refuse(&mut a, PacketType::RevokeMessage, &recall, ErrorCode::PermDenied).await;
    assert_eq!(all_words(&b.history(&pair.a.node, 0, 10).await), ["ours"]);
}

async fn a_recall_in_a_room_is_refused(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = friends(&server, encoding).await;
    a.chat(&pair.b.node, "one").await;
    let burn_in_room = TimMessage {
        ms_type: 3,
        ..retraction(BURN, &pair.b.node, 1)
    };
    a.send(PacketType::BurnMessage, &burn_in_room).await;
    assert!(!a.expect(PacketType::Ack).await.ack().ok);
}

/// W-19: recalled messages do not block the queue either.
/// Covers: 7.7-3, 7.7-4, 7.14-9, W-19
async fn recalled_messages_leave_the_offline_queue_and_the_recall_waits(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    for number in 1..=25 {
        a.chat(&pair.b.node, &format!("number {number}")).await;
    }
    for mid in 1..=24 {
        a.send(PacketType::RevokeMessage, &retraction(RECALL, &pair.b.node, mid))
            .await;
        assert_eq!(a.delivery().await.mid, Some(mid));
    }
    let mut b = pair.b.login(&server, encoding).await;
    let waiting = b.offline().await.concat();
    let chat: Vec<_> = waiting.iter().filter(|it| it.od_type == 1).collect();
    assert_eq!(chat.len(), 1);
    assert_eq!(chat[0].mid, Some(25));
    let recalled: Vec<_> = waiting
        .iter()
        .filter(|it| it.od_type == RECALL)
        .map(|it| it.mid)
        .collect();
    assert_eq!(recalled, (1..=24).map(Some).collect::<Vec<_>>());
    assert!(waiting.iter().all(|it| it.is_offline == Some(true)));
}

async fn a_repeat_of_a_recalled_message_does_not_bring_it_back(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let once = TimMessage {
        id: Some(5),
        ..message(&pair.b.node, "regretted")
    };
    a.send_message(&once).await;
    a.echo().await;
    b.delivery().await;
    a.send(PacketType::RevokeMessage, &retraction(RECALL, &pair.b.node, 1))
        .await;
    a.delivery().await;
    b.delivery().await;
    // There is nothing left to echo.
    a.refused_message(&once, ErrorCode::Params).await;
    b.expect_silence().await;
    assert_eq!(b.history(&pair.a.node, 0, 10).await, []);
}

async fn a_recall_survives_kill_9(encoding: Encoding) {
    let server = Server::start();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    a.chat(&pair.b.node, "gone").await;
    a.chat(&pair.b.node, "kept").await;
    a.send(PacketType::RevokeMessage, &retraction(RECALL, &pair.b.node, 1))
        .await;
    a.delivery().await;
    server.kill();
    server.run();
    let mut b = pair.b.login(&server, encoding).await;
    let waiting: Vec<_> = b.offline().await.concat();
    let kinds: Vec<_> = waiting
        .iter()
        .map(|it| (it.od_type, it.mid))
        .filter(|it| it.0 != 4)
        .collect();
    assert_eq!(kinds, [(1, Some(2)), (RECALL, Some(1))]);
    assert_eq!(all_words(&b.history(&pair.a.node, 0, 10).await), ["kept"]);
}

in_both_encodings!(
    a_recall_reaches_both_sides_and_deletes_the_message,
    a_recall_reaches_all_sessions_of_both_sides,
    only_the_author_may_recall,
    only_the_recipient_may_burn,
    a_missing_or_unknown_number_is_refused_with_4104,
    a_message_can_be_recalled_once,
    strangers_and_former_friends_can_neither_recall_nor_burn,
    a_recall_in_a_room_is_refused,
    recalled_messages_leave_the_offline_queue_and_the_recall_waits,
    a_repeat_of_a_recalled_message_does_not_bring_it_back,
    a_recall_survives_kill_9,
);

//! Recall in rooms (wire-protocol 7.7).

use tim_protocol::wire::TimMessage;
use tim_tests::chat::all_words;
use tim_tests::rooms::{people, room_message, room_operation};
use tim_tests::{Client, ErrorCode, PacketType, shared};

use super::open_room;
use crate::mix::{Mix, in_every_mix};

fn recall(room: &str, mid: Option<i64>) -> TimMessage {
    TimMessage {
        od_type: 2,
        mid,
        data_string: None,
        ..room_message(room, "")
    }
}

async fn refuse(client: &mut Client, recall: &TimMessage, code: ErrorCode) {
    client.send(PacketType::RevokeMessage, recall).await;
    let answer = client.take(PacketType::Ack).await;
    answer.refusal(PacketType::RevokeMessage, code);
}

/// Covers: 7.7-8, 7.7-9, 7.7-11
async fn a_recall_in_a_room_is_confirmed_and_told_to_all(mix: Mix) {
    let server = shared();
    let (people_in, [mut a, mut b, absent], room) = open_room(&server, mix).await;
    absent.close().await;
    let mut web = people_in[0].login_on(&server, mix.of(1), "web").await;
    web.offline().await;
    for text in ["one", "two", "three"] {
        a.say_in_room(&room, text).await;
        b.heard(&room).await;
    }
    a.send(PacketType::RevokeMessage, &recall(&room, Some(2))).await;
    for client in [&mut a, &mut web] {
        let answer = client
            .take(PacketType::Ack)
            .await
            .success(PacketType::RevokeMessage);
        assert_eq!(
            (answer.n.as_ref(), answer.t, answer.t2),
            (Some(&room), Some(3), Some(2))
        );
    }
    for client in [&mut a, &mut b] {
        let received = client.take(PacketType::Message).await;
        assert!(received.send_id.is_some(), "synchronous, to the sender too");
        let told = received.message();
        assert_eq!((told.ms_type, told.od_type, told.mid), (3, 2, Some(2)));
        assert_eq!(told.room_tid.unwrap().node, room);
        assert_eq!(told.from_tid.unwrap().node, people_in[0].node);
        assert_eq!(
            all_words(&client.room_history(&room, 0, 10).await),
            ["three", "one"]
        );
        client.expect_silence().await;
    }
    let mut absent = people_in[2].login(&server, mix.of(2)).await;
    let waiting: Vec<_> = absent.offline().await.concat();
    let kinds: Vec<_> = waiting.iter().map(|it| (it.od_type, it.mid)).collect();
    assert_eq!(kinds, [(1, Some(1)), (1, Some(3)), (2, Some(2))]);
    assert_eq!(
        a.say_in_room(&room, "four").await.mid,
        Some(4),
        "the number is not given again"
    );
}

/// Covers: 7.7-10, W-15
async fn only_the_author_recalls_and_only_as_a_member(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut author, mut other], room) = open_room(&server, mix).await;
    let (_people, [mut outsider]) = people(&server, |index| mix.of(index)).await;
    author.say_in_room(&room, "mine").await;
    founder.heard(&room).await;
    other.heard(&room).await;
    for client in [&mut founder, &mut other, &mut outsider] {
        refuse(client, &recall(&room, Some(1)), ErrorCode::PermDenied).await;
    }
    author.in_room(room_operation::LEAVE, &room, None).await;
    refuse(&mut author, &recall(&room, Some(1)), ErrorCode::PermDenied).await;
    for client in [&mut founder, &mut other] {
        client.expect_silence().await;
        assert_eq!(all_words(&client.room_history(&room, 0, 10).await), ["mine"]);
    }
    author.join_room(&room).await;
    author
        .send(PacketType::RevokeMessage, &recall(&room, Some(1)))
        .await;
    author
        .take(PacketType::Ack)
        .await
        .success(PacketType::RevokeMessage);
}

/// Covers: 7.7-12
async fn nothing_in_a_room_is_burnt(mix: Mix) {
    let server = shared();
    let (_people, [mut a, mut b], room) = open_room(&server, mix).await;
    a.say_in_room(&room, "for all").await;
    b.heard(&room).await;
    let burn = TimMessage {
        od_type: 3,
        ..recall(&room, Some(1))
    };
    for client in [&mut a, &mut b] {
        client.send(PacketType::BurnMessage, &burn).await;
        let answer = client.expect(PacketType::Ack).await;
        answer.refusal(PacketType::BurnMessage, ErrorCode::Params);
        assert_eq!(client.room_history(&room, 0, 10).await.len(), 1);
    }
}

/// Covers: 7.7-13
async fn numbers_that_are_not_there_are_refused(mix: Mix) {
    let server = shared();
    let (_people, [mut a, mut b], room) = open_room(&server, mix).await;
    a.say_in_room(&room, "one").await;
    b.heard(&room).await;
    for mid in [None, Some(0), Some(2), Some(-1), Some(i64::MAX)] {
        refuse(&mut a, &recall(&room, mid), ErrorCode::Params).await;
    }
    b.expect_silence().await;
    a.send(PacketType::RevokeMessage, &recall(&room, Some(1))).await;
    a.take(PacketType::Ack).await.success(PacketType::RevokeMessage);
    a.take(PacketType::Message).await;
    refuse(&mut a, &recall(&room, Some(1)), ErrorCode::Params).await;
}

in_every_mix!(
    a_recall_in_a_room_is_confirmed_and_told_to_all,
    only_the_author_recalls_and_only_as_a_member,
    nothing_in_a_room_is_burnt,
    numbers_that_are_not_there_are_refused,
);

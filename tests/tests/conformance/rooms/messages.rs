//! Messages to rooms and within them (wire-protocol 7.6, 7.13).

use bytes::Bytes;
use tim_protocol::wire::{TimMessage, TimReq};
use tim_tests::chat::{all_words, history_request, message, tid, words};
use tim_tests::rooms::{people, room_message, room_operation, unknown_node};
use tim_tests::{ErrorCode, PacketType, Server, secrets, shared};

use super::{open_room, private_room};
use crate::mix::{Mix, in_every_mix};

/// Covers: 7.6-23, 7.6-24, 5.1-5
async fn a_room_message_reaches_every_member_and_its_sender(mix: Mix) {
    let server = shared();
    let (people_in, [mut a, mut b, mut c], room) = open_room(&server, mix).await;
    let mut tablet = people_in[1].login_on(&server, mix.of(0), "tablet").await;
    tablet.offline().await;
    a.send_message(&room_message(&room, "hello all")).await;
    let mut seen = Vec::new();
    for client in [&mut a, &mut b, &mut c, &mut tablet] {
        let received = client.take(PacketType::Message).await;
        if client.node != people_in[0].node {
            assert!(received.send_id.is_some(), "synchronous: {received:?}");
        }
        let message = received.message();
        assert_eq!((message.ms_type, message.od_type, message.mid), (3, 1, Some(1)));
        assert_eq!(words(&message), "hello all");
        assert_eq!((&message.to_tid, &message.to_list), (&None, &None));
        assert_eq!(
            message.room_tid.as_ref().map(|it| it.node.as_str()),
            Some(room.as_str())
        );
        assert_eq!(
            message.from_tid.as_ref().map(|it| it.node.as_str()),
            Some(a_node(&people_in))
        );
        seen.push(message);
    }
    assert!(seen.iter().all(|it| *it == seen[0]), "all see the same: {seen:?}");
    for client in [&mut a, &mut b, &mut c, &mut tablet] {
        client.expect_silence().await;
        let history = client.room_history(&room, 0, 10).await;
        assert_eq!(history.len(), 1, "stored once");
    }
}

fn a_node<const N: usize>(people: &[tim_tests::Person; N]) -> &str {
    &people[0].node
}

/// Covers: 7.6-9, 7.10-join-3
async fn only_members_write_to_a_room(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut former], room) = open_room(&server, mix).await;
    let (_people, [mut outsider]) = people(&server, |index| mix.of(index)).await;
    former.say_in_room(&room, "as a member").await;
    founder.heard(&room).await;
    former.in_room(room_operation::LEAVE, &room, None).await;
    for client in [&mut former, &mut outsider] {
        client
            .refused_message(&room_message(&room, "no"), ErrorCode::PermDenied)
            .await;
    }
    founder.expect_silence().await;
    outsider
        .refused_message(&room_message(&unknown_node(), "no"), ErrorCode::Account)
        .await;
}

/// Covers: 7.6-6, 7.6-35
async fn members_write_to_each_other_in_their_room(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut a, mut b], room) = open_room(&server, mix).await;
    let private = TimMessage {
        room_tid: Some(tid(&room)),
        ..message(&b.node, "between us")
    };
    a.send_message(&private).await;
    let echo = a.echo().await;
    let delivered = b.delivery().await;
    assert_eq!(echo, delivered);
    assert_eq!((delivered.ms_type, delivered.mid), (2, Some(1)));
    assert_eq!(
        delivered.room_tid.as_ref().map(|it| it.node.as_str()),
        Some(room.as_str())
    );
    assert_eq!(
        delivered.to_tid.as_ref().map(|it| it.node.as_str()),
        Some(b.node.as_str())
    );
    founder.expect_silence().await;
    assert_eq!(founder.room_history(&room, 0, 10).await, []);
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    assert_eq!(all_words(&a.history(&b_node, 0, 10).await), ["between us"]);
    assert_eq!(all_words(&b.history(&a_node, 0, 10).await), ["between us"]);
    // Without the room they are strangers.
    a.refused_message(&message(&b_node, "outside"), ErrorCode::PermDenied)
        .await;
    b.expect_silence().await;
}

/// Covers: 7.6-7
async fn a_private_message_needs_both_in_the_room(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = private_room(&server, mix).await;
    let (_people, [mut outsider]) = people(&server, |index| mix.of(index)).await;
    let private = |to: &str| TimMessage {
        room_tid: Some(tid(&room)),
        ..message(to, "psst")
    };
    member
        .refused_message(&private(&outsider.node), ErrorCode::PermDenied)
        .await;
    outsider
        .refused_message(&private(&member.node), ErrorCode::PermDenied)
        .await;
    let member_node = member.node.clone();
    founder.send_message(&private(&member_node)).await;
    founder.echo().await;
    member.delivery().await;
    member.in_room(room_operation::LEAVE, &room, None).await;
    founder
        .refused_message(&private(&member_node), ErrorCode::PermDenied)
        .await;
    member.expect_silence().await;
    outsider.expect_silence().await;
}

/// Covers: 7.6-8
async fn the_address_must_fit_the_kind_of_message(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = open_room(&server, mix).await;
    let user_kind_to_room = TimMessage {
        ms_type: 2,
        ..room_message(&room, "to whom?")
    };
    founder
        .refused_message(&user_kind_to_room, ErrorCode::PermDenied)
        .await;
    let room_kind_to_user = TimMessage {
        ms_type: 3,
        ..message(&member.node, "where?")
    };
    founder
        .refused_message(&room_kind_to_user, ErrorCode::PermDenied)
        .await;
    member.expect_silence().await;
}

/// Covers: 7.6-27
async fn kinds_that_rooms_do_not_know_are_refused(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = open_room(&server, mix).await;
    for od_type in [3, 4, 8, 30, 0, -1, i8::MIN] {
        let strange = TimMessage {
            od_type,
            mid: Some(1),
            ..room_message(&room, "strange")
        };
        founder.refused_message(&strange, ErrorCode::Params).await;
    }
    member.expect_silence().await;
    founder.expect_silence().await;
}

/// Covers: 7.6-26
async fn streams_and_big_data_in_a_room_are_for_those_online(mix: Mix) {
    let server = shared();
    let (people_in, [mut a, mut b, absent], room) = open_room(&server, mix).await;
    absent.close().await;
    let data = Bytes::from_static(&[1, 0x83, 0, b'|']);
    for (od_type, kind) in [
        (5, PacketType::Message),
        (6, PacketType::BigString),
        (7, PacketType::BigBinary),
    ] {
        let live = TimMessage {
            od_type,
            data_binary: Some(data.clone()),
            ..room_message(&room, "live")
        };
        a.send_message(&live).await;
        for client in [&mut a, &mut b] {
            let received = client.expect(kind).await;
            assert_eq!(received.send_id, None, "not synchronous");
            if od_type == 5 {
                let stream = received.message();
                assert_eq!((stream.ms_type, stream.od_type, stream.mid), (3, 5, None));
                assert_eq!(stream.data_binary.as_ref(), Some(&data));
                assert_eq!(stream.room_tid.unwrap().node, room);
            } else {
                let separator = if od_type == 6 { b'|' } else { 0x83 };
                let text = secrets::text("live");
                let content = if od_type == 6 { text.as_bytes() } else { &data[..] };
                let expected = [people_in[0].node.as_bytes(), &[separator], content].concat();
                assert_eq!(received.payload, expected);
            }
            client.expect_silence().await;
        }
    }
    let mut absent = people_in[2].login(&server, mix.of(2)).await;
    assert_eq!(absent.offline().await.concat(), []);
    assert_eq!(a.room_history(&room, 0, 10).await, []);
}

/// Covers: 7.6-39
async fn application_kinds_reach_members_online_and_offline(mix: Mix) {
    let server = shared();
    let (people_in, [mut a, mut b, absent], room) = open_room(&server, mix).await;
    absent.close().await;
    for od_type in [31, 127] {
        let custom = TimMessage {
            od_type,
            ..room_message(&room, "custom")
        };
        a.send_message(&custom).await;
        for client in [&mut a, &mut b] {
            let delivered = client.take(PacketType::Message).await.message();
            assert_eq!(
                (delivered.ms_type, delivered.od_type, delivered.mid),
                (3, od_type, None)
            );
        }
    }
    let mut absent = people_in[2].login(&server, mix.of(2)).await;
    let kinds: Vec<i8> = absent
        .offline()
        .await
        .concat()
        .iter()
        .map(|it| it.od_type)
        .collect();
    assert_eq!(kinds, [31, 127]);
    assert_eq!(a.room_history(&room, 0, 10).await, []);
}

/// Covers: 7.6-36, W-18
async fn a_repeated_room_message_is_one_message(mix: Mix) {
    let server = shared();
    let (_people, [mut a, mut b], room) = open_room(&server, mix).await;
    let once = TimMessage {
        id: Some(42),
        ..room_message(&room, "once")
    };
    a.send_message(&once).await;
    let first = a.heard(&room).await;
    b.heard(&room).await;
    for _ in 0..2 {
        a.send_message(&once).await;
        let again = a.heard(&room).await;
        assert_eq!(
            (again.mid, again.id, again.timestamp),
            (first.mid, first.id, first.timestamp)
        );
    }
    b.expect_silence().await;
    b.send_message(&once).await;
    assert_eq!(b.heard(&room).await.mid, Some(2), "another sender's number");
    assert_eq!(a.heard(&room).await.mid, Some(2));
    assert_eq!(a.room_history(&room, 0, 10).await.len(), 2);
}

/// Covers: 7.6-37, W-16
async fn everybody_sees_a_room_in_the_same_order(mix: Mix) {
    let server = shared();
    let (_people, mut clients, room) = open_room::<4>(&server, mix).await;
    for number in 0..25 {
        for (index, client) in clients.iter_mut().enumerate() {
            client
                .send_message(&room_message(&room, &format!("{index} {number}")))
                .await;
        }
    }
    let mut views = Vec::new();
    for client in &mut clients {
        let mut seen = Vec::new();
        for _ in 0..100 {
            seen.push(client.heard(&room).await);
        }
        client.expect_silence().await;
        let (others, own): (Vec<_>, Vec<_>) = seen
            .iter()
            .partition(|it| it.from_tid.as_ref().unwrap().node != client.node);
        for part in [&others, &own] {
            assert!(
                part.is_sorted_by_key(|it| it.mid),
                "in the order of their numbers"
            );
        }
        let mut all: Vec<_> = seen.iter().map(|it| (it.mid, words(it).to_owned())).collect();
        all.sort();
        views.push(all);
    }
    let numbers: Vec<_> = views[0].iter().map(|(mid, _)| mid.unwrap()).collect();
    assert_eq!(numbers, (1..=100).collect::<Vec<i64>>(), "dense");
    assert!(
        views.iter().all(|view| *view == views[0]),
        "the same under the same number"
    );
    for index in 0..4 {
        let own: Vec<_> = views[0]
            .iter()
            .filter(|(_, text)| text.starts_with(&format!("{index} ")))
            .collect();
        let expected: Vec<String> = (0..25).map(|number| format!("{index} {number}")).collect();
        let texts: Vec<_> = own.iter().map(|(_, text)| text.clone()).collect();
        assert_eq!(texts, expected, "one sender's order");
    }
}

/// Covers: 7.6-38
async fn what_the_application_puts_in_reaches_members(mix: Mix) {
    let server = shared();
    let (_people, [mut a, mut b], room) = open_room(&server, mix).await;
    let full = TimMessage {
        data_binary: Some(Bytes::from_static(&[0, 255])),
        udtype: Some(0),
        udshow: Some(-7),
        extend: Some([("k".to_owned(), "値".to_owned())].into()),
        extra: Some([("raw".to_owned(), Bytes::from_static(&[0, 1, 2]))].into()),
        is_offline: Some(true),
        to_list: Some(vec![b.node.clone()]),
        from_tid: Some(tid(&b.node)),
        timestamp: Some(1),
        mid: Some(99),
        ..room_message(&room, "full")
    };
    a.send_message(&full).await;
    a.heard(&room).await;
    let got = b.heard(&room).await;
    assert_eq!((got.udtype, got.udshow), (Some(0), Some(-7)));
    assert_eq!(
        (&got.data_string, &got.data_binary),
        (&full.data_string, &full.data_binary)
    );
    assert_eq!((&got.extend, &got.extra), (&full.extend, &full.extra));
    let from = got.from_tid.unwrap();
    assert_eq!(
        (from.node.as_str(), from.resource.as_deref()),
        (a.node.as_str(), Some("phone"))
    );
    assert!(got.timestamp.unwrap() > 1_700_000_000_000_000_000);
    assert_eq!(
        (got.mid, got.is_offline, got.to_list),
        (Some(1), None, None),
        "not the client's"
    );
}

/// Covers: 7.13-9, 7.13-10
async fn members_page_through_the_history_of_their_room(mix: Mix) {
    let server = shared();
    let (_people, [mut a, mut b], room) = open_room(&server, mix).await;
    for number in 1..=6 {
        a.say_in_room(&room, &format!("number {number}")).await;
        b.heard(&room).await;
    }
    let (_people, [mut late]) = people(&server, |index| mix.of(index)).await;
    let request = TimReq {
        rtype: Some(2),
        ..history_request(&room, 0, 10)
    };
    late.ask_history(&request).await;
    late.expect(PacketType::Ack)
        .await
        .refusal(PacketType::PullMessage, ErrorCode::PermDenied);
    for client in [&mut a, &mut b] {
        let page = client.room_history(&room, 0, 4).await;
        assert_eq!(all_words(&page), ["number 6", "number 5", "number 4", "number 3"]);
        let rest = client.room_history(&room, 2, 4).await;
        assert_eq!(all_words(&rest), ["number 2", "number 1"]);
        for message in &page {
            assert_eq!(
                message.from_tid,
                Some(tid(&a_node_of(&page))),
                "reduced to the node"
            );
            assert_eq!(
                (message.id, message.is_offline, &message.to_tid),
                (None, None, &None)
            );
            assert_eq!(
                message.room_tid.as_ref().map(|it| it.node.as_str()),
                Some(room.as_str())
            );
        }
    }
    late.join_room(&room).await;
    assert_eq!(late.room_history(&room, 0, 10).await.len(), 6);
    let request = TimReq {
        rtype: Some(2),
        ..history_request(&unknown_node(), 0, 10)
    };
    late.ask_history(&request).await;
    late.expect(PacketType::Ack)
        .await
        .refusal(PacketType::PullMessage, ErrorCode::PermDenied);
}

fn a_node_of(page: &[TimMessage]) -> String {
    page[0].from_tid.as_ref().unwrap().node.clone()
}

/// Covers: W-39
async fn a_mute_member_delays_no_other(mix: Mix) {
    let server = Server::options()
        .set("delivery.window", "4")
        .set("delivery.ack_timeout", "\"10m\"")
        .start();
    let (_people, [mut a, mut b, mut mute], room) = open_room(&server, mix).await;
    mute.acknowledges = false;
    for number in 0..40 {
        let text = format!("number {number}");
        a.say_in_room(&room, &text).await;
        assert_eq!(words(&b.heard(&room).await), text);
    }
    let in_flight = mute.drain().await;
    assert_eq!(in_flight.len(), 4, "its window: {in_flight:?}");
}

in_every_mix!(
    a_room_message_reaches_every_member_and_its_sender,
    only_members_write_to_a_room,
    members_write_to_each_other_in_their_room,
    a_private_message_needs_both_in_the_room,
    the_address_must_fit_the_kind_of_message,
    kinds_that_rooms_do_not_know_are_refused,
    streams_and_big_data_in_a_room_are_for_those_online,
    application_kinds_reach_members_online_and_offline,
    a_repeated_room_message_is_one_message,
    everybody_sees_a_room_in_the_same_order,
    what_the_application_puts_in_reaches_members,
    members_page_through_the_history_of_their_room,
    a_mute_member_delays_no_other,
);

//! Messages in rooms: delivery to members online and offline, permission, recall, history, private
//! messages (wire-protocol 7.6, 7.7, 7.10, 7.13, 7.14).

use tim_protocol::ErrorCode;
use tim_protocol::wire::{TimMessage, TimReq};
use tim_tests::chat::{all_words, message, tid, words};
use tim_tests::rooms::{room_message, room_operation};
use tim_tests::{Client, Encoding, PacketType, Person, Server, in_both_encodings, shared};

/// An open room with a founder and two members, all logged in on the device `phone`.
struct Circle {
    people: Vec<Person>,
    room: String,
}

async fn circle(server: &Server, encoding: Encoding) -> (Circle, [Client; 3]) {
    let other = match encoding {
        Encoding::Compact => Encoding::Json,
        Encoding::Json => Encoding::Compact,
    };
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(Person::register(server).await);
    }
    let mut founder = people[0].login(server, encoding).await;
    // Sessions of both encodings share a room.
    let mut second = people[1].login(server, other).await;
    let mut third = people[2].login(server, encoding).await;
    let room = founder.create_room(true).await;
    second.join_room(&room).await;
    third.join_room(&room).await;
    (Circle { people, room }, [founder, second, third])
}

fn room_history(room: &str, upper: i64, count: i64) -> TimReq {
    TimReq {
        rtype: Some(2),
        node: Some(room.to_owned()),
        req_int: Some(upper),
        req_int2: Some(count),
        ..TimReq::default()
    }
}

fn recall(room: &str, mid: i64) -> TimMessage {
    TimMessage {
        ms_type: 3,
        od_type: 2,
        mid: Some(mid),
        room_tid: Some(tid(room)),
        ..TimMessage::default()
    }
}

async fn every_member_gets_a_message_synchronously_the_sender_too(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, mut c]) = circle(&server, encoding).await;
    let sent = TimMessage {
        id: Some(77),
        to_tid: Some(tid("ignored")),
        to_list: Some(vec![circle.people[1].node.clone()]),
        is_offline: Some(true),
        ..room_message(&circle.room, "to all")
    };
    // A target that is no node is refused, so the forged one must be well formed.
    let sent = TimMessage {
        to_tid: Some(tid(&circle.people[2].node)),
        ..sent
    };
    a.send_message(&sent).await;
    for client in [&mut a, &mut b, &mut c] {
        let got = client.delivery().await;
        assert_eq!(words(&got), "to all");
        assert_eq!((got.id, got.mid), (Some(77), Some(1)));
        assert!(got.timestamp.is_some());
        assert_eq!(got.from_tid.as_ref().unwrap().node, circle.people[0].node);
        assert_eq!(got.from_tid.unwrap().resource.as_deref(), Some("phone"));
        assert_eq!(got.room_tid.unwrap().node, circle.room);
        assert_eq!((got.to_tid, got.to_list, got.is_offline), (None, None, None));
    }
    for client in [&mut a, &mut b, &mut c] {
        client.expect_silence().await;
    }
}

async fn messages_of_several_senders_arrive_in_one_order(encoding: Encoding) {
    let server = shared();
    let (circle, mut clients) = circle(&server, encoding).await;
    for round in 0..20 {
        for client in &mut clients {
            client
                .send_message(&room_message(&circle.room, &format!("round {round}")))
                .await;
        }
    }
    for client in &mut clients {
        for mid in 1..=60 {
            assert_eq!(client.delivery().await.mid, Some(mid));
        }
    }
}

async fn a_member_that_was_offline_gets_everything_in_order(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, c]) = circle(&server, encoding).await;
    c.close().await;
    for number in 0..25 {
        a.say_in_room(&circle.room, &format!("number {number}")).await;
        b.delivery().await;
    }
    let mut c = circle.people[2].login(&server, encoding).await;
    let waiting = c.offline().await.concat();
    let expected: Vec<String> = (0..25).map(|number| format!("number {number}")).collect();
    assert_eq!(all_words(&waiting), expected);
    assert!(waiting.iter().all(|message| message.is_offline == Some(true)));
    assert_eq!(
        waiting
            .iter()
            .map(|message| message.mid.unwrap())
            .collect::<Vec<_>>(),
        (1..=25).collect::<Vec<_>>()
    );
    assert_eq!(c.offline().await.concat(), [], "it comes once");
    a.say_in_room(&circle.room, "afterwards").await;
    assert_eq!(words(&c.delivery().await), "afterwards");
}

async fn what_a_member_did_not_acknowledge_comes_again(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, _b, c]) = circle(&server, encoding).await;
    c.close().await;
    let mut c = circle.people[2].login_mute(&server, encoding, "phone").await;
    a.say_in_room(&circle.room, "lost on the way").await;
    c.delivery().await;
    c.close().await;
    let mut c = circle.people[2].login(&server, encoding).await;
    assert_eq!(all_words(&c.offline().await.concat()), ["lost on the way"]);
}

/// Covers: 7.6-25, W-17
async fn every_device_of_a_member_gets_every_message(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, _b, mut c]) = circle(&server, encoding).await;
    a.say_in_room(&circle.room, "before").await;
    c.delivery().await;
    let mut tablet = circle.people[2].login_on(&server, encoding, "tablet").await;
    assert_eq!(
        tablet.offline().await.concat(),
        [],
        "a new device starts where the others are"
    );
    a.say_in_room(&circle.room, "to both").await;
    assert_eq!(words(&c.delivery().await), "to both");
    assert_eq!(words(&tablet.delivery().await), "to both");
    tablet.close().await;
    a.say_in_room(&circle.room, "to the phone first").await;
    c.delivery().await;
    let mut tablet = circle.people[2].login_on(&server, encoding, "tablet").await;
    assert_eq!(
        all_words(&tablet.offline().await.concat()),
        ["to the phone first"]
    );
}

async fn a_new_member_gets_what_comes_after_it_joined(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, _b, _c]) = circle(&server, encoding).await;
    a.say_in_room(&circle.room, "before").await;
    let late = Person::register(&server).await;
    let mut late = late.login(&server, encoding).await;
    late.join_room(&circle.room).await;
    a.say_in_room(&circle.room, "after").await;
    assert_eq!(words(&late.delivery().await), "after");
    assert_eq!(late.offline().await.concat(), []);
    late.ask_history(&room_history(&circle.room, 0, 10)).await;
    let page = late.take(PacketType::PullMessage).await.list();
    assert_eq!(
        all_words(&page),
        ["after", "before"],
        "members may read all of the history"
    );
}

async fn a_kicked_member_gets_nothing_more_and_may_say_nothing(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, mut c]) = circle(&server, encoding).await;
    a.say_in_room(&circle.room, "one").await;
    c.delivery().await;
    let node = circle.people[2].node.clone();
    a.in_room(room_operation::KICK, &circle.room, Some(&node)).await;
    assert_eq!(c.delivery().await.bn_type, Some(13));
    a.say_in_room(&circle.room, "two").await;
    for expected in ["one", "two"] {
        assert_eq!(words(&b.delivery().await), expected);
    }
    c.expect_silence().await;
    c.refused_message(&room_message(&circle.room, "let me in"), ErrorCode::PermDenied)
        .await;
    c.ask_history(&room_history(&circle.room, 0, 10)).await;
    c.take(PacketType::Ack)
        .await
        .refusal(PacketType::PullMessage, ErrorCode::PermDenied);
    c.close().await;
    let mut c = circle.people[2].login(&server, encoding).await;
    assert_eq!(c.offline().await.concat(), []);
}

async fn a_kicked_member_does_not_get_what_waited_for_it(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, _b, c]) = circle(&server, encoding).await;
    c.close().await;
    a.say_in_room(&circle.room, "too late").await;
    let node = circle.people[2].node.clone();
    a.in_room(room_operation::KICK, &circle.room, Some(&node)).await;
    let mut c = circle.people[2].login(&server, encoding).await;
    let waiting = c.offline().await.concat();
    let notices: Vec<Option<i32>> = waiting.iter().map(|message| message.bn_type).collect();
    assert_eq!(notices, [Some(13)]);
}

async fn a_member_that_comes_back_gets_only_what_follows(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, _b, mut c]) = circle(&server, encoding).await;
    c.in_room(room_operation::LEAVE, &circle.room, None).await;
    a.say_in_room(&circle.room, "missed").await;
    c.join_room(&circle.room).await;
    a.say_in_room(&circle.room, "heard").await;
    assert_eq!(words(&c.delivery().await), "heard");
    c.close().await;
    let mut c = circle.people[2].login(&server, encoding).await;
    assert_eq!(c.offline().await.concat(), []);
}

/// Covers: 7.6-9
async fn strangers_may_neither_speak_nor_read(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, mut c]) = circle(&server, encoding).await;
    let stranger = Person::register(&server).await;
    let mut stranger = stranger.login(&server, encoding).await;
    for od_type in [1, 2, 5, 6, 7, 40] {
        let message = TimMessage {
            od_type,
            mid: Some(1),
            ..room_message(&circle.room, "hello")
        };
        stranger.refused_message(&message, ErrorCode::PermDenied).await;
    }
    stranger.ask_history(&room_history(&circle.room, 0, 10)).await;
    stranger
        .take(PacketType::Ack)
        .await
        .refusal(PacketType::PullMessage, ErrorCode::PermDenied);
    let private = TimMessage {
        room_tid: Some(tid(&circle.room)),
        ..message(&circle.people[0].node, "psst")
    };
    stranger.refused_message(&private, ErrorCode::PermDenied).await;
    for client in [&mut a, &mut b, &mut c] {
        client.expect_silence().await;
    }
}

async fn rooms_that_do_not_exist_are_refused(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, ..]) = circle(&server, encoding).await;
    a.refused_message(&room_message("no room", "hello"), ErrorCode::Account)
        .await;
    // A well-formed node that is no room.
    let user = &circle.people[1].node;
    a.refused_message(&room_message(user, "hello"), ErrorCode::Account)
        .await;
    let nowhere = TimMessage {
        room_tid: None,
        ..room_message(&circle.room, "hello")
    };
    a.refused_message(&nowhere, ErrorCode::Account).await;
    let to_friendless_user = TimMessage {
        room_tid: None,
        to_tid: Some(tid(user)),
        ..room_message(&circle.room, "hello")
    };
    a.refused_message(&to_friendless_user, ErrorCode::PermDenied)
        .await;
    let to_nobody = TimMessage {
        ms_type: 2,
        ..room_message(&circle.room, "hello")
    };
    a.refused_message(&to_nobody, ErrorCode::PermDenied).await;
}

/// Covers: 7.10-cancel-4
async fn a_dissolved_room_takes_no_messages(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, mut c]) = circle(&server, encoding).await;
    a.say_in_room(&circle.room, "the last words").await;
    for client in [&mut b, &mut c] {
        client.delivery().await;
        client.in_room(room_operation::LEAVE, &circle.room, None).await;
    }
    a.in_room(room_operation::DISSOLVE, &circle.room, None).await;
    a.refused_message(&room_message(&circle.room, "more"), ErrorCode::Cancel)
        .await;
    a.ask_history(&room_history(&circle.room, 0, 10)).await;
    a.take(PacketType::Ack)
        .await
        .refusal(PacketType::PullMessage, ErrorCode::Cancel);
}

async fn members_may_write_to_each_other_in_private(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, mut c]) = circle(&server, encoding).await;
    let private = TimMessage {
        room_tid: Some(tid(&circle.room)),
        ..message(&circle.people[1].node, "between us")
    };
    a.send_message(&private).await;
    assert_eq!(words(&a.echo().await), "between us");
    let got = b.delivery().await;
    assert_eq!(words(&got), "between us");
    assert_eq!(got.room_tid.unwrap().node, circle.room);
    assert_eq!(got.to_tid.unwrap().node, circle.people[1].node);
    c.expect_silence().await;
    // It is not part of the room's history.
    c.ask_history(&room_history(&circle.room, 0, 10)).await;
    c.expect_silence().await;
    // Who blocks somebody is left alone in rooms as well.
    let blocked = circle.people[0].node.clone();
    b.manage(7, &blocked).await;
    assert_eq!(a.delivery().await.bn_type, Some(7));
    a.refused_message(&private, ErrorCode::PermDenied).await;
    // Outside of the room friendship is needed.
    c.refused_message(&message(&circle.people[1].node, "hi"), ErrorCode::PermDenied)
        .await;
}

async fn an_author_recalls_a_message_for_everybody(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, c]) = circle(&server, encoding).await;
    c.close().await;
    let mid = a.say_in_room(&circle.room, "a mistake").await.mid.unwrap();
    a.say_in_room(&circle.room, "to be kept").await;
    b.delivery().await;
    b.delivery().await;
    b.refused_message(&recall(&circle.room, mid), ErrorCode::PermDenied)
        .await;
    a.refused_message(&recall(&circle.room, 99), ErrorCode::Params)
        .await;
    a.refused_message(&recall(&circle.room, 0), ErrorCode::Params)
        .await;
    a.send(PacketType::RevokeMessage, &recall(&circle.room, mid))
        .await;
    let ack = a.take(PacketType::Ack).await.success(PacketType::RevokeMessage);
    assert_eq!(
        (ack.n.as_deref(), ack.t, ack.t2),
        (Some(circle.room.as_str()), Some(3), Some(mid))
    );
    for client in [&mut a, &mut b] {
        let notice = client.delivery().await;
        assert_eq!((notice.od_type, notice.mid), (2, Some(mid)));
        assert_eq!(notice.room_tid.unwrap().node, circle.room);
        client.expect_silence().await;
    }
    // Gone from what waits and from the history; the notice waits in its place.
    let mut c = circle.people[2].login(&server, encoding).await;
    let waiting = c.offline().await.concat();
    assert_eq!(words(&waiting[0]), "to be kept");
    assert_eq!((waiting[1].od_type, waiting[1].mid), (2, Some(mid)));
    assert_eq!(waiting.len(), 2);
    c.ask_history(&room_history(&circle.room, 0, 10)).await;
    let page = c.take(PacketType::PullMessage).await.list();
    assert_eq!(all_words(&page), ["to be kept"]);
    // The next message follows the numbers given out, not the notices.
    assert_eq!(a.say_in_room(&circle.room, "next").await.mid, Some(mid + 2));
    a.refused_message(&recall(&circle.room, mid), ErrorCode::Params)
        .await;
}

async fn a_repeated_message_is_stored_once_and_confirmed_again(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, _c]) = circle(&server, encoding).await;
    let sent = TimMessage {
        id: Some(4_711),
        ..room_message(&circle.room, "once")
    };
    a.send_message(&sent).await;
    let first = a.delivery().await;
    b.delivery().await;
    a.send_message(&sent).await;
    let again = a.take(PacketType::Message).await.message();
    assert_eq!((again.id, again.mid), (Some(4_711), first.mid));
    b.expect_silence().await;
}

async fn live_kinds_reach_members_online_and_are_not_kept(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, c]) = circle(&server, encoding).await;
    c.close().await;
    let of_kind = |od_type: i8| TimMessage {
        od_type,
        data_string: Some("text".to_owned()),
        data_binary: Some(vec![1, 2, 3].into()),
        ..room_message(&circle.room, "")
    };
    a.send_message(&of_kind(5)).await;
    for client in [&mut a, &mut b] {
        let got = client.take(PacketType::Message).await;
        assert_eq!(got.send_id, None);
        assert_eq!(got.message().od_type, 5);
    }
    a.send_message(&of_kind(6)).await;
    a.send_message(&of_kind(7)).await;
    let prefix = circle.people[0].node.as_bytes();
    for client in [&mut a, &mut b] {
        let text = client.take(PacketType::BigString).await;
        assert_eq!(text.payload, [prefix, b"|text"].concat());
        let binary = client.take(PacketType::BigBinary).await;
        assert_eq!(binary.payload, [prefix, &[131, 1, 2, 3]].concat());
    }
    for refused in [3, 4, 8, 30, 0] {
        a.refused_message(
            &TimMessage {
                data_binary: None,
                mid: Some(1),
                ..of_kind(refused)
            },
            ErrorCode::Params,
        )
        .await;
    }
    let mut c = circle.people[2].login(&server, encoding).await;
    assert_eq!(c.offline().await.concat(), []);
}

async fn application_kinds_reach_everybody_but_not_the_history(encoding: Encoding) {
    let server = shared();
    let (circle, [mut a, mut b, c]) = circle(&server, encoding).await;
    c.close().await;
    let custom = TimMessage {
        od_type: 31,
        ..room_message(&circle.room, "custom")
    };
    a.send_message(&custom).await;
    assert_eq!(a.delivery().await.od_type, 31);
    assert_eq!(b.delivery().await.od_type, 31);
    assert_eq!(a.say_in_room(&circle.room, "chat").await.mid, Some(1));
    let mut c = circle.people[2].login(&server, encoding).await;
    let waiting = c.offline().await.concat();
    assert_eq!(all_words(&waiting), ["custom", "chat"]);
    c.ask_history(&room_history(&circle.room, 0, 10)).await;
    let page = c.take(PacketType::PullMessage).await.list();
    assert_eq!(all_words(&page), ["chat"]);
}

/// Covers: 4-10, W-39
async fn a_mute_member_gets_its_window_and_delays_nobody(encoding: Encoding) {
    let server = Server::options().set("delivery.window", "8").start();
    let (circle, [mut a, mut b, c]) = circle(&server, encoding).await;
    c.close().await;
    let mut c = circle.people[2].login_mute(&server, encoding, "phone").await;
    for number in 0..50 {
        a.say_in_room(&circle.room, &format!("number {number}")).await;
        assert_eq!(words(&b.delivery().await), format!("number {number}"));
    }
    let mut ids = Vec::new();
    for number in 0..8 {
        let received = c.expect(PacketType::Message).await;
        assert_eq!(words(&received.message()), format!("number {number}"));
        ids.push(received.send_id.unwrap());
    }
    c.expect_silence().await;
    c.acknowledges = true;
    for id in ids {
        c.acknowledge(id).await;
    }
    for number in 8..50 {
        assert_eq!(words(&c.delivery().await), format!("number {number}"));
    }
}

async fn a_member_that_reads_nothing_loses_nothing(encoding: Encoding) {
    let server = Server::options()
        .set("delivery.outlet_packets", "8")
        .set("limits.outgoing_bytes", "\"4KiB\"")
        .start();
    let (circle, [mut a, _b, mut c]) = circle(&server, encoding).await;
    for number in 0..300 {
        a.send_message(&room_message(&circle.room, &format!("number {number}")))
            .await;
    }
    for client in [&mut a, &mut c] {
        let mut mids: Vec<i64> = Vec::new();
        while mids.len() < 300 {
            // Who takes nothing has its own messages confirmed by plain echoes beyond its window.
            mids.push(client.take(PacketType::Message).await.message().mid.unwrap());
        }
        mids.dedup();
        mids.sort_unstable();
        assert_eq!(mids, (1..=300).collect::<Vec<_>>());
        client.expect_silence().await;
    }
}

async fn a_restart_forgets_neither_rooms_nor_positions(encoding: Encoding) {
    let server = Server::start();
    let (circle, [mut a, mut b, mut c]) = circle(&server, encoding).await;
    a.say_in_room(&circle.room, "taken").await;
    c.delivery().await;
    c.close().await;
    a.say_in_room(&circle.room, "waiting").await;
    b.delivery().await;
    a.close().await;
    b.close().await;
    server.stop();
    server.run();
    let mut c = circle.people[2].login(&server, encoding).await;
    assert_eq!(all_words(&c.offline().await.concat()), ["waiting"]);
    let mut a = circle.people[0].login(&server, encoding).await;
    a.offline().await;
    assert_eq!(a.say_in_room(&circle.room, "again").await.mid, Some(3));
    assert_eq!(words(&c.delivery().await), "again");
}

in_both_encodings!(
    every_member_gets_a_message_synchronously_the_sender_too,
    messages_of_several_senders_arrive_in_one_order,
    a_member_that_was_offline_gets_everything_in_order,
    what_a_member_did_not_acknowledge_comes_again,
    every_device_of_a_member_gets_every_message,
    a_new_member_gets_what_comes_after_it_joined,
    a_kicked_member_gets_nothing_more_and_may_say_nothing,
    a_kicked_member_does_not_get_what_waited_for_it,
    a_member_that_comes_back_gets_only_what_follows,
    strangers_may_neither_speak_nor_read,
    rooms_that_do_not_exist_are_refused,
    a_dissolved_room_takes_no_messages,
    members_may_write_to_each_other_in_private,
    an_author_recalls_a_message_for_everybody,
    a_repeated_message_is_stored_once_and_confirmed_again,
    live_kinds_reach_members_online_and_are_not_kept,
    application_kinds_reach_everybody_but_not_the_history,
    a_mute_member_gets_its_window_and_delays_nobody,
    a_member_that_reads_nothing_loses_nothing,
    a_restart_forgets_neither_rooms_nor_positions,
);

//! Rooms beyond the rows of the table: domains, personal blocks, limits, long lists, lost connections
//! (wire-protocol 7.10).

use std::time::Duration;

use tim_protocol::wire::TimReq;
use tim_tests::people::operation;
use tim_tests::rooms::{notice, people, room_operation as room, unknown_node};
use tim_tests::{Encoding, ErrorCode, PacketType, Person, Server, in_both_encodings, secrets, shared};

/// Nobody waits for the last request of a connection that is gone, but a change is made or not made.
async fn a_room_of_a_lost_connection_is_whole(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    for delay in 0..6 {
        let mut founder = person.login(&server, encoding).await;
        let request = TimReq {
            rtype: Some(room::NEW),
            node: Some(secrets::text("a room")),
            req_int: Some(2),
            ..TimReq::default()
        };
        founder.send(PacketType::Business, &request).await;
        // The moment of the end varies; nothing is waited for.
        tokio::time::sleep(Duration::from_micros(300 * delay)).await;
        let lost = founder.into_stream();
        lost.set_zero_linger().unwrap();
        drop(lost);
    }
    let mut founder = person.login(&server, encoding).await;
    for mine in founder.my_rooms().await {
        assert_eq!(founder.members(&mine).await, std::slice::from_ref(&person.node));
        founder.in_room(room::DISSOLVE, &mine, None).await;
    }
    assert_eq!(founder.my_rooms().await, Vec::<String>::new());
}

async fn rooms_and_accounts_of_another_domain_do_not_exist(encoding: Encoding) {
    let server = shared();
    let (_, [mut founder]) = people(&server, |_| encoding).await;
    let open = founder.create_room(true).await;
    let elsewhere = Person::register_in(&server, Some("elsewhere")).await;
    let mut stranger = elsewhere.login(&server, encoding).await;
    for (rtype, code) in [
        (room::JOIN, ErrorCode::Params),
        (room::BLOCK_ROOM, ErrorCode::NoExist),
        (room::MEMBERS, ErrorCode::Account),
    ] {
        let here = stranger
            .room_refused(rtype, Some(&open), None, Some(""), code)
            .await;
        let nowhere = unknown_node();
        let unknown = stranger
            .room_refused(rtype, Some(&nowhere), None, Some(""), code)
            .await;
        assert_eq!((here.t, here.error), (unknown.t, unknown.error));
    }
    for rtype in [room::PULL, room::BLOCK_MEMBER] {
        founder
            .room_refused(
                rtype,
                Some(&open),
                Some(&elsewhere.node),
                None,
                ErrorCode::NoExist,
            )
            .await;
    }
    assert_eq!(stranger.room_profile(&open).await, None);
    stranger.expect_silence().await;
}

/// Who blocks somebody is not added to rooms by them, but a request of their own may be approved.
async fn nobody_is_added_by_whom_they_block(encoding: Encoding) {
    let server = shared();
    let ([founder_is, other_is], [mut founder, mut other]) = people(&server, |_| encoding).await;
    let (private, open) = (founder.create_room(false).await, founder.create_room(true).await);
    other.manage(operation::BLOCK, &founder_is.node).await;
    founder.take(PacketType::Message).await;
    for refused in [&private, &open] {
        founder
            .room_refused(
                room::PULL,
                Some(refused),
                Some(&other_is.node),
                None,
                ErrorCode::Block,
            )
            .await;
    }
    other.expect_silence().await;
    other
        .room_request(room::JOIN, &private, None, Some("all the same"))
        .await;
    founder.room_notice(notice::REQUEST, &private).await;
    founder.in_room(room::PULL, &private, Some(&other_is.node)).await;
    other.room_notice(notice::PASSED, &private).await;
    assert_eq!(other.my_rooms().await, [private]);
}

async fn texts_are_at_most_one_kibibyte(encoding: Encoding) {
    let server = shared();
    let (_, [mut founder, mut other]) = people(&server, |_| encoding).await;
    let private = founder.create_room(false).await;
    let (longest, too_long) = ("x".repeat(1_024), "x".repeat(1_025));
    let refused = other
        .room_refused(
            room::JOIN,
            Some(&private),
            None,
            Some(&too_long),
            ErrorCode::Params,
        )
        .await;
    assert_eq!(refused.t, None, "a mistake in the parameters has the plain form");
    founder.expect_silence().await;
    other
        .room_request(room::JOIN, &private, None, Some(&longest))
        .await;
    let asked = founder.room_notice(notice::REQUEST, &private).await;
    assert_eq!(asked.data_string, Some(longest.clone()));
    let applicant = other.node.clone();
    founder
        .room_refused(
            room::REJECT,
            Some(&private),
            Some(&applicant),
            Some(&too_long),
            ErrorCode::Params,
        )
        .await;
    founder
        .room_request(room::REJECT, &private, Some(&applicant), Some(&longest))
        .await;
    let rejected = other.room_notice(notice::REJECTED, &private).await;
    assert_eq!(rejected.data_string, Some(longest));
    let title = TimReq {
        rtype: Some(room::NEW),
        node: Some(too_long),
        req_int: Some(2),
        ..TimReq::default()
    };
    other.send(PacketType::Business, &title).await;
    let refused = other.take(PacketType::Ack).await;
    refused.refusal(PacketType::Business, ErrorCode::Params);
}

async fn an_account_is_in_so_many_rooms_and_no_more(encoding: Encoding) {
    let server = Server::options().set("rooms.per_account", "2").start();
    let ([founder_is, _], [mut founder, mut other]) = people(&server, |_| encoding).await;
    let rooms = [founder.create_room(true).await, founder.create_room(true).await];
    let one_too_many = TimReq {
        rtype: Some(room::NEW),
        node: Some(secrets::text("a room")),
        req_int: Some(2),
        ..TimReq::default()
    };
    founder.send(PacketType::Business, &one_too_many).await;
    let refused = founder.take(PacketType::Ack).await;
    refused.refusal(PacketType::Business, ErrorCode::OverHz);
    let third = other.create_room(true).await;
    founder
        .room_refused(room::JOIN, Some(&third), None, Some(""), ErrorCode::OverHz)
        .await;
    other
        .room_refused(
            room::PULL,
            Some(&third),
            Some(&founder_is.node),
            None,
            ErrorCode::OverHz,
        )
        .await;
    founder.in_room(room::DISSOLVE, &rooms[0], None).await;
    founder.join_room(&third).await;
}

async fn requests_take_places_and_others_fill_only_half_of_them(encoding: Encoding) {
    let server = Server::options().set("rooms.per_account", "2").start();
    let ([_, other_is], [mut founder, mut other]) = people(&server, |_| encoding).await;
    let other_is = Some(other_is.node.as_str());
    let closed = founder.create_room(false).await;
    let open = founder.create_room(true).await;
    founder.in_room(room::PULL, &open, other_is).await;
    assert_eq!(other.delivery().await.bn_type, Some(notice::PULLED));
    founder
        .room_refused(room::PULL, Some(&closed), other_is, None, ErrorCode::OverHz)
        .await;
    // Its own wish may take the other half, and takes it from when it asks.
    other.room_request(room::JOIN, &closed, None, Some("hello")).await;
    assert_eq!(founder.delivery().await.bn_type, Some(notice::REQUEST));
    let one_too_many = TimReq {
        rtype: Some(room::NEW),
        node: Some(secrets::text("a room")),
        req_int: Some(2),
        ..TimReq::default()
    };
    other.send(PacketType::Business, &one_too_many).await;
    let refused = other.take(PacketType::Ack).await;
    refused.refusal(PacketType::Business, ErrorCode::OverHz);
    founder.in_room(room::PULL, &closed, other_is).await;
    assert_eq!(other.my_rooms().await.len(), 2);
}

/// What one account makes another read is limited.
async fn notices_of_one_account_to_another_are_limited(encoding: Encoding) {
    let server = shared();
    let ([_, other_is], [mut founder, mut other]) = people(&server, |_| encoding).await;
    let open = founder.create_room(true).await;
    let mut allowed = 0;
    let refused = loop {
        let rtype = if allowed % 2 == 0 { room::PULL } else { room::KICK };
        founder
            .room_request(rtype, &open, Some(&other_is.node), None)
            .await;
        let ack = founder.take(PacketType::Ack).await.ack();
        if !ack.ok {
            break ack;
        }
        allowed += 1;
        assert!(allowed < 400, "nothing limits notices");
        other.take(PacketType::Message).await;
    };
    assert_eq!(refused.error_code(), Some(ErrorCode::OverHz));
    assert!(allowed >= 200, "only {allowed}");
    other.expect_silence().await;
}

/// Covers: 7.10-many-1
async fn a_list_of_thousands_arrives_whole(encoding: Encoding) {
    const MEMBERS: usize = 2_100;
    let server = Server::options()
        .set("rooms.list_bytes", "\"16KiB\"")
        .set("limits.registrations_per_address", "0")
        .start();
    let (_, [mut founder]) = people(&server, |_| encoding).await;
    let open = founder.create_room(true).await;
    let mut everybody = vec![founder.node.clone()];
    for _ in 0..MEMBERS {
        let member = Person::register(&server).await;
        founder
            .room_request(room::PULL, &open, Some(&member.node), None)
            .await;
        founder.take(PacketType::Ack).await.success(PacketType::Business);
        everybody.push(member.node);
    }
    everybody.sort_unstable();
    assert_eq!(founder.members(&open).await, everybody);
    let last = everybody
        .iter()
        .find(|node| **node != founder.node)
        .unwrap()
        .clone();
    founder.in_room(room::KICK, &open, Some(&last)).await;
    everybody.retain(|node| *node != last);
    assert_eq!(founder.members(&open).await, everybody);
}

in_both_encodings!(
    a_room_of_a_lost_connection_is_whole,
    rooms_and_accounts_of_another_domain_do_not_exist,
    nobody_is_added_by_whom_they_block,
    texts_are_at_most_one_kibibyte,
    an_account_is_in_so_many_rooms_and_no_more,
    requests_take_places_and_others_fill_only_half_of_them,
    notices_of_one_account_to_another_are_limited,
    a_list_of_thousands_arrives_whole,
);

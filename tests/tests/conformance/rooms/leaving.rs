//! Leaving, dissolving, blocking a room (wire-protocol 7.10: 14, 16, 17, 19).

use tim_tests::chat::words;
use tim_tests::rooms::{notice, people, room_message, room_operation, unknown_node};
use tim_tests::{Client, ErrorCode, PacketType, shared};

use super::{apply, open_room, private_room, sorted};
use crate::mix::{Mix, in_every_mix};

async fn blocked_rooms(client: &mut Client) -> Vec<String> {
    client.room_list(room_operation::BLOCKED_ROOMS, None, 9).await
}

/// Covers: 7.10-leave-1
async fn leaving_ends_the_membership_quietly(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = private_room(&server, mix).await;
    member.in_room(room_operation::LEAVE, &room, None).await;
    founder.expect_silence().await;
    assert_eq!(founder.members(&room).await, [founder.node.clone()]);
    founder.say_in_room(&room, "alone again").await;
    member.expect_silence().await;
    member
        .refused_message(&room_message(&room, "no"), ErrorCode::PermDenied)
        .await;
    assert_eq!(member.my_rooms().await, Vec::<String>::new());
    // A private room has to be asked again.
    apply(&mut member, &room).await;
    founder.room_notice(notice::REQUEST, &room).await;
}

/// Covers: 7.10-leave-2
async fn the_founder_cannot_leave(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = open_room(&server, mix).await;
    founder
        .room_refused(
            room_operation::LEAVE,
            Some(&room),
            None,
            None,
            ErrorCode::PermDenied,
        )
        .await;
    founder.say_in_room(&room, "still here").await;
    member.heard(&room).await;
}

/// Covers: 7.10-leave-4
async fn who_comes_back_is_not_sent_what_was_said_meanwhile(mix: Mix) {
    let server = shared();
    let (people_in, [mut founder, mut member], room) = open_room(&server, mix).await;
    founder.say_in_room(&room, "one").await;
    member.heard(&room).await;
    member.in_room(room_operation::LEAVE, &room, None).await;
    founder.say_in_room(&room, "two").await;
    member.join_room(&room).await;
    founder.say_in_room(&room, "three").await;
    assert_eq!(words(&member.heard(&room).await), "three");
    member.expect_silence().await;
    member.close().await;
    let mut member = people_in[1].login(&server, mix.of(1)).await;
    assert_eq!(member.offline().await.concat(), []);
}

/// Covers: 7.10-cancel-1, 7.10-cancel-4
async fn a_dissolved_room_is_gone(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut other, mut third]) = people(&server, |index| mix.of(index)).await;
    for is_open in [true, false] {
        let room = founder.create_room(is_open).await;
        founder.say_in_room(&room, "the last words").await;
        founder.in_room(room_operation::DISSOLVE, &room, None).await;
        assert_eq!(founder.my_rooms().await, Vec::<String>::new());
        assert_eq!(founder.room_profile(&room).await, None);
        for client in [&mut founder, &mut other] {
            client.send_message(&room_message(&room, "hello?")).await;
            let answer = client.expect(PacketType::Ack).await.ack();
            assert!(!answer.ok, "{answer:?}");
        }
        other
            .room_refused(
                room_operation::JOIN,
                Some(&room),
                None,
                Some(""),
                ErrorCode::Cancel,
            )
            .await;
        founder
            .room_refused(
                room_operation::PULL,
                Some(&room),
                Some(&third.node),
                None,
                ErrorCode::Cancel,
            )
            .await;
        for client in [&mut founder, &mut other, &mut third] {
            client.expect_silence().await;
        }
    }
}

/// Covers: 7.10-cancel-2
async fn only_the_founder_alone_dissolves(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut manager, mut member], room) = open_room(&server, mix).await;
    let (_people, [mut outsider]) = people(&server, |index| mix.of(index)).await;
    founder.appoint(&room, &[&manager.node]).await;
    for client in [&mut founder, &mut manager, &mut member, &mut outsider] {
        client
            .room_refused(
                room_operation::DISSOLVE,
                Some(&room),
                None,
                None,
                ErrorCode::PermDenied,
            )
            .await;
    }
    manager.in_room(room_operation::LEAVE, &room, None).await;
    member.in_room(room_operation::LEAVE, &room, None).await;
    founder.in_room(room_operation::DISSOLVE, &room, None).await;
}

/// Covers: 7.10-block-1, 7.10-block-4, 7.10-lists-4, 7.10-pull-7, 7.10-join-9, W-37
async fn who_blocks_a_room_is_out_until_the_block_is_lifted(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = open_room(&server, mix).await;
    assert_eq!(blocked_rooms(&mut member).await, Vec::<String>::new());
    for lifts_by in [room_operation::LEAVE, room_operation::JOIN] {
        member.in_room(room_operation::BLOCK_ROOM, &room, None).await;
        founder.expect_silence().await;
        assert_eq!(founder.members(&room).await, [founder.node.clone()]);
        founder.say_in_room(&room, "without them").await;
        member.expect_silence().await;
        assert_eq!(blocked_rooms(&mut member).await, sorted([&room]));
        founder
            .room_refused(
                room_operation::PULL,
                Some(&room),
                Some(&member.node),
                None,
                ErrorCode::Block,
            )
            .await;
        member.expect_silence().await;
        if lifts_by == room_operation::LEAVE {
            member.in_room(room_operation::LEAVE, &room, None).await;
            assert_eq!(blocked_rooms(&mut member).await, Vec::<String>::new());
            founder
                .in_room(room_operation::PULL, &room, Some(&member.node))
                .await;
            member.room_notice(notice::PULLED, &room).await;
        } else {
            member.join_room(&room).await;
            assert_eq!(blocked_rooms(&mut member).await, Vec::<String>::new());
        }
    }
}

/// Covers: 7.10-block-3, W-14
async fn the_founder_cannot_block_the_own_room(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = open_room(&server, mix).await;
    founder
        .room_refused(
            room_operation::BLOCK_ROOM,
            Some(&room),
            None,
            None,
            ErrorCode::PermDenied,
        )
        .await;
    assert_eq!(blocked_rooms(&mut founder).await, Vec::<String>::new());
    founder.say_in_room(&room, "still mine").await;
    member.heard(&room).await;
}

/// Covers: 7.10-cancel-3, 7.10-leave-3, 7.10-block-2
async fn leaving_dissolving_and_blocking_are_checked(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut other]) = people(&server, |index| mix.of(index)).await;
    let room = founder.create_room(true).await;
    let gone = founder.create_room(true).await;
    founder.in_room(room_operation::DISSOLVE, &gone, None).await;
    let unknown = unknown_node();
    for rtype in [
        room_operation::LEAVE,
        room_operation::DISSOLVE,
        room_operation::BLOCK_ROOM,
    ] {
        other
            .room_refused(rtype, None, None, None, ErrorCode::Params)
            .await;
        other
            .room_refused(rtype, Some("no|node"), None, None, ErrorCode::Params)
            .await;
        other
            .room_refused(rtype, Some(""), None, None, ErrorCode::Params)
            .await;
    }
    for rtype in [room_operation::LEAVE, room_operation::DISSOLVE] {
        founder
            .room_refused(rtype, Some(&unknown), None, None, ErrorCode::NoExist)
            .await;
        founder
            .room_refused(rtype, Some(&gone), None, None, ErrorCode::Cancel)
            .await;
    }
    other
        .room_refused(room_operation::LEAVE, Some(&room), None, None, ErrorCode::NoExist)
        .await;
}

in_every_mix!(
    leaving_ends_the_membership_quietly,
    the_founder_cannot_leave,
    who_comes_back_is_not_sent_what_was_said_meanwhile,
    a_dissolved_room_is_gone,
    only_the_founder_alone_dissolves,
    who_blocks_a_room_is_out_until_the_block_is_lifted,
    the_founder_cannot_block_the_own_room,
    leaving_dissolving_and_blocking_are_checked,
);

//! Kicking, blocking members, managers (wire-protocol 7.10: 13, 15, 20; 7.15).

use tim_protocol::wire::{TimReq, TimRoomBean};
use tim_tests::chat::history_request;
use tim_tests::rooms::{notice, people, room_message, room_operation};
use tim_tests::{Client, ErrorCode, PacketType, Server, secrets, shared};

use super::{apply, open_room, private_room, sorted};
use crate::mix::{Mix, in_every_mix};

async fn blocked_members(client: &mut Client, room: &str) -> Vec<String> {
    client
        .room_list(room_operation::BLOCKED_MEMBERS, Some(room), 10)
        .await
}

/// A room has nothing more to say to this session, and takes nothing from it.
async fn is_out(client: &mut Client, room: &str) {
    client
        .refused_message(&room_message(room, "me too"), ErrorCode::PermDenied)
        .await;
    let request = TimReq {
        rtype: Some(2),
        ..history_request(room, 0, 10)
    };
    client.ask_history(&request).await;
    client
        .expect(PacketType::Ack)
        .await
        .refusal(PacketType::PullMessage, ErrorCode::PermDenied);
    client
        .room_refused(room_operation::MEMBERS, Some(room), None, None, ErrorCode::Params)
        .await;
    client.expect_silence().await;
}

/// Covers: 7.10-kick-1, 7.10-kick-2, 11.3-13, W-31
async fn a_kicked_member_gets_nothing_more(mix: Mix) {
    let server = shared();
    let (people_in, [mut founder, mut member, mut witness], room) = open_room(&server, mix).await;
    let mut tablet = people_in[1].login_on(&server, mix.of(0), "tablet").await;
    tablet.offline().await;
    founder.say_in_room(&room, "before").await;
    for client in [&mut member, &mut tablet, &mut witness] {
        client.heard(&room).await;
    }
    founder
        .in_room(room_operation::KICK, &room, Some(&member.node))
        .await;
    // What is said from the answer on is not for the one who was kicked.
    founder.say_in_room(&room, "after").await;
    witness.heard(&room).await;
    for client in [&mut member, &mut tablet] {
        let told = client.room_notice(notice::KICKED, &room).await;
        assert_eq!(told.from_tid.unwrap().node, founder.node);
        is_out(client, &room).await;
    }
    member.close().await;
    founder.say_in_room(&room, "later").await;
    let mut member = people_in[1].login(&server, mix.of(1)).await;
    assert!(member.offline().await.concat().iter().all(|it| it.ms_type != 3));
    assert_eq!(member.my_rooms().await, Vec::<String>::new());
    assert_eq!(
        founder.members(&room).await,
        sorted([&founder.node, &witness.node])
    );
}

/// What was said before the kick, while the member was offline, is not delivered after it either.
/// Covers: 7.10-kick-2
async fn who_is_kicked_while_offline_gets_only_the_notice(mix: Mix) {
    let server = shared();
    let (people_in, [mut founder, member], room) = open_room(&server, mix).await;
    member.close().await;
    founder.say_in_room(&room, "unread").await;
    founder
        .in_room(room_operation::KICK, &room, Some(&people_in[1].node))
        .await;
    let mut member = people_in[1].login(&server, mix.of(1)).await;
    let waiting = member.offline().await.concat();
    let notices: Vec<_> = waiting.iter().map(|it| (it.ms_type, it.bn_type)).collect();
    assert_eq!(notices, [(2, Some(notice::KICKED))]);
}

/// Covers: 7.10-kick-3, 11.3-8, W-14
async fn the_founder_is_protected_and_managers_from_each_other(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut one, mut two, mut member], room) = open_room(&server, mix).await;
    founder.appoint(&room, &[&one.node, &two.node]).await;
    let (founder_node, one_node, two_node) = (founder.node.clone(), one.node.clone(), two.node.clone());
    let member_node = member.node.clone();
    for rtype in [room_operation::KICK, room_operation::BLOCK_MEMBER] {
        for target in [&founder_node, &two_node, &one_node] {
            one.room_refused(rtype, Some(&room), Some(target), None, ErrorCode::PermDenied)
                .await;
        }
        for target in [&founder_node, &two_node, &member_node] {
            member
                .room_refused(rtype, Some(&room), Some(target), None, ErrorCode::PermDenied)
                .await;
        }
        founder
            .room_refused(
                rtype,
                Some(&room),
                Some(&founder_node),
                None,
                ErrorCode::PermDenied,
            )
            .await;
    }
    for client in [&mut founder, &mut one, &mut two, &mut member] {
        client.expect_silence().await;
    }
    assert_eq!(founder.members(&room).await.len(), 4);
    two.in_room(room_operation::KICK, &room, Some(&member_node)).await;
    founder
        .in_room(room_operation::KICK, &room, Some(&two_node))
        .await;
    assert_eq!(founder.members(&room).await, sorted([&founder_node, &one_node]));
}

/// Covers: 7.10-kick-4, 7.10-leave-1
async fn a_manager_who_is_out_is_no_manager_any_more(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut one, mut two], room) = open_room(&server, mix).await;
    founder.appoint(&room, &[&one.node, &two.node]).await;
    founder
        .in_room(room_operation::KICK, &room, Some(&one.node))
        .await;
    one.room_notice(notice::KICKED, &room).await;
    two.in_room(room_operation::LEAVE, &room, None).await;
    one.join_room(&room).await;
    two.join_room(&room).await;
    let managers = founder
        .room_profile(&room)
        .await
        .unwrap()
        .managers
        .unwrap_or_default();
    assert_eq!(managers, Vec::<String>::new());
    one.room_refused(
        room_operation::KICK,
        Some(&room),
        Some(&two.node),
        None,
        ErrorCode::PermDenied,
    )
    .await;
}

/// Covers: 7.10-kick-5
async fn kicking_deletes_a_request_and_lifts_a_block(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut applicant, mut enemy]) = people(&server, |index| mix.of(index)).await;
    let room = founder.create_room(false).await;
    apply(&mut applicant, &room).await;
    founder.room_notice(notice::REQUEST, &room).await;
    founder
        .in_room(room_operation::KICK, &room, Some(&applicant.node))
        .await;
    applicant.drain().await;
    founder
        .room_refused(
            room_operation::REJECT,
            Some(&room),
            Some(&applicant.node),
            None,
            ErrorCode::NoExist,
        )
        .await;
    founder
        .in_room(room_operation::BLOCK_MEMBER, &room, Some(&enemy.node))
        .await;
    enemy.drain().await;
    enemy
        .room_refused(
            room_operation::JOIN,
            Some(&room),
            None,
            Some(""),
            ErrorCode::Block,
        )
        .await;
    founder
        .in_room(room_operation::KICK, &room, Some(&enemy.node))
        .await;
    enemy.drain().await;
    assert_eq!(blocked_members(&mut founder, &room).await, Vec::<String>::new());
    apply(&mut enemy, &room).await;
    founder.room_notice(notice::REQUEST, &room).await;
}

/// Covers: 7.10-blockmember-1, 7.10-lists-5, W-37
async fn a_blocked_member_is_out_and_cannot_come_back(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut manager, mut member], room) = open_room(&server, mix).await;
    founder.appoint(&room, &[&manager.node]).await;
    manager
        .in_room(room_operation::BLOCK_MEMBER, &room, Some(&member.node))
        .await;
    founder.say_in_room(&room, "without them").await;
    manager.heard(&room).await;
    let told = member.drain().await;
    assert!(
        told.iter().all(|it| it.message().ms_type == 2),
        "nothing of the room: {told:?}"
    );
    is_out(&mut member, &room).await;
    member
        .room_refused(
            room_operation::JOIN,
            Some(&room),
            None,
            Some(""),
            ErrorCode::Block,
        )
        .await;
    for staff in [&mut founder, &mut manager] {
        assert_eq!(blocked_members(staff, &room).await, [member.node.clone()]);
    }
    assert_eq!(
        blocked_members(&mut member, &room).await,
        Vec::<String>::new(),
        "not for others"
    );
}

/// Covers: 7.10-lists-5
async fn the_list_of_blocked_members_is_for_staff_only(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member, enemy], room) = open_room(&server, mix).await;
    assert_eq!(blocked_members(&mut founder, &room).await, Vec::<String>::new());
    founder
        .in_room(room_operation::BLOCK_MEMBER, &room, Some(&enemy.node))
        .await;
    member
        .room_request(room_operation::BLOCKED_MEMBERS, &room, None, None)
        .await;
    member.expect_silence().await;
    founder
        .room_request(room_operation::BLOCKED_MEMBERS, &room, None, None)
        .await;
    let list = founder.expect(PacketType::Nodes).await.nodes();
    assert_eq!((list.ntype, list.node), (10, None));
    assert_eq!(list.nodelist, Some(vec![enemy.node.clone()]));
}

/// Covers: 7.10-blockmember-4
async fn who_never_was_a_member_can_be_blocked_too(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut stranger]) = people(&server, |index| mix.of(index)).await;
    for is_open in [true, false] {
        let room = founder.create_room(is_open).await;
        founder
            .in_room(room_operation::BLOCK_MEMBER, &room, Some(&stranger.node))
            .await;
        stranger.drain().await;
        stranger
            .room_refused(
                room_operation::JOIN,
                Some(&room),
                None,
                Some(""),
                ErrorCode::Block,
            )
            .await;
        founder.expect_silence().await;
    }
}

/// Covers: 7.10-pull-9
async fn plain_members_do_not_bring_blocked_users_back(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member, mut enemy], room) = open_room(&server, mix).await;
    founder
        .in_room(room_operation::BLOCK_MEMBER, &room, Some(&enemy.node))
        .await;
    enemy.drain().await;
    member
        .room_request(room_operation::PULL, &room, Some(&enemy.node), None)
        .await;
    assert!(!member.take(PacketType::Ack).await.ack().ok);
    enemy.expect_silence().await;
    assert_eq!(
        founder.members(&room).await,
        sorted([&founder.node, &member.node])
    );
}

async fn managers(client: &mut Client, room: &str) -> Vec<String> {
    let mut managers = client
        .room_profile(room)
        .await
        .unwrap()
        .managers
        .unwrap_or_default();
    managers.sort_unstable();
    managers
}

/// Covers: 7.10-managers-1, 7.15-modify-5
async fn only_the_founder_appoints_managers(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut one, mut two], room) = open_room(&server, mix).await;
    founder.appoint(&room, &[&one.node]).await;
    assert_eq!(managers(&mut two, &room).await, [one.node.clone()]);
    let claim = TimRoomBean {
        managers: Some(vec![one.node.clone(), two.node.clone()]),
        label: Some(secrets::text("label")),
        ..TimRoomBean::default()
    };
    one.change_room(&room, claim.clone()).await;
    assert!(!two.change_room(&room, claim).await.ok, "no staff");
    assert_eq!(
        managers(&mut founder, &room).await,
        [one.node.clone()],
        "the list is the founder's"
    );
    founder.appoint(&room, &[&two.node]).await;
    assert_eq!(
        managers(&mut founder, &room).await,
        [two.node.clone()],
        "the whole list"
    );
    one.room_refused(
        room_operation::KICK,
        Some(&room),
        Some(&two.node),
        None,
        ErrorCode::PermDenied,
    )
    .await;
    founder.appoint(&room, &[]).await;
    two.room_refused(
        room_operation::KICK,
        Some(&room),
        Some(&one.node),
        None,
        ErrorCode::PermDenied,
    )
    .await;
}

/// Covers: 7.10-managers-2
async fn managers_do_what_staff_does(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut manager, mut one, two], room) = private_room(&server, mix).await;
    founder.appoint(&room, &[&manager.node]).await;
    manager
        .in_room(room_operation::KICK, &room, Some(&one.node))
        .await;
    one.room_notice(notice::KICKED, &room).await;
    manager
        .in_room(room_operation::BLOCK_MEMBER, &room, Some(&two.node))
        .await;
    apply(&mut one, &room).await;
    manager.room_notice(notice::REQUEST, &room).await;
    manager
        .in_room(room_operation::REJECT, &room, Some(&one.node))
        .await;
    one.room_notice(notice::REJECTED, &room).await;
    manager
        .in_room(room_operation::PULL, &room, Some(&one.node))
        .await;
    one.room_notice(notice::PULLED, &room).await;
    let topic = TimRoomBean {
        topic: Some(secrets::text("topic")),
        ..TimRoomBean::default()
    };
    assert!(manager.change_room(&room, topic.clone()).await.ok);
    assert_eq!(one.room_profile(&room).await.unwrap().topic, topic.topic);
    manager
        .room_refused(
            room_operation::DISSOLVE,
            Some(&room),
            None,
            None,
            ErrorCode::PermDenied,
        )
        .await;
}

/// Covers: 7.10-durable-1, 7.15-durable-1
async fn rooms_survive_kill_9(mix: Mix) {
    let server = Server::start();
    let (people_in, [mut founder, mut manager, mut member, mut enemy], room) =
        private_room(&server, mix).await;
    let (outside, [mut applicant, mut hermit]) = people(&server, |index| mix.of(index)).await;
    founder.appoint(&room, &[&manager.node]).await;
    founder
        .in_room(room_operation::BLOCK_MEMBER, &room, Some(&enemy.node))
        .await;
    enemy.drain().await;
    apply(&mut applicant, &room).await;
    founder.room_notice(notice::REQUEST, &room).await;
    manager.room_notice(notice::REQUEST, &room).await;
    hermit.in_room(room_operation::BLOCK_ROOM, &room, None).await;
    let said = founder.say_in_room(&room, "before the fall").await;
    member.heard(&room).await;
    server.kill();
    server.run();
    let mut founder = people_in[0].login(&server, mix.of(0)).await;
    founder.offline().await;
    let [expected_founder, expected_manager, expected_member] =
        [0, 1, 2].map(|index| people_in[index].node.as_str());
    let expected = sorted([expected_founder, expected_manager, expected_member]);
    assert_eq!(founder.members(&room).await, expected);
    assert_eq!(managers(&mut founder, &room).await, [expected_manager]);
    assert_eq!(
        blocked_members(&mut founder, &room).await,
        [people_in[3].node.clone()]
    );
    let history = founder.room_history(&room, 0, 10).await;
    assert_eq!((history.len(), history[0].mid), (1, said.mid));
    founder
        .room_refused(
            room_operation::PULL,
            Some(&room),
            Some(&outside[1].node),
            None,
            ErrorCode::Block,
        )
        .await;
    founder
        .in_room(room_operation::PULL, &room, Some(&outside[0].node))
        .await;
    let mut applicant = outside[0].login(&server, mix.of(0)).await;
    let waiting = applicant.offline().await.concat();
    assert_eq!(
        waiting.last().unwrap().bn_type,
        Some(notice::PASSED),
        "the request was still known"
    );
    assert_eq!(founder.say_in_room(&room, "after the fall").await.mid, Some(2));
}

/// Covers: 7.10-blocks-1, W-46
async fn a_room_and_a_user_block_each_other_independently(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut other], room) = open_room(&server, mix).await;
    other.in_room(room_operation::BLOCK_ROOM, &room, None).await;
    founder
        .in_room(room_operation::BLOCK_MEMBER, &room, Some(&other.node))
        .await;
    other.drain().await;
    let my_blocks =
        async |client: &mut Client| client.room_list(room_operation::BLOCKED_ROOMS, None, 9).await;
    assert_eq!(my_blocks(&mut other).await, sorted([&room]));
    assert_eq!(blocked_members(&mut founder, &room).await, [other.node.clone()]);
    other.in_room(room_operation::LEAVE, &room, None).await;
    assert_eq!(my_blocks(&mut other).await, Vec::<String>::new());
    assert_eq!(
        blocked_members(&mut founder, &room).await,
        [other.node.clone()],
        "only the own block"
    );
    other
        .room_refused(
            room_operation::JOIN,
            Some(&room),
            None,
            Some(""),
            ErrorCode::Block,
        )
        .await;
    other.in_room(room_operation::BLOCK_ROOM, &room, None).await;
    founder
        .in_room(room_operation::KICK, &room, Some(&other.node))
        .await;
    other.drain().await;
    assert_eq!(blocked_members(&mut founder, &room).await, Vec::<String>::new());
    assert_eq!(
        my_blocks(&mut other).await,
        sorted([&room]),
        "only the room's block"
    );
    founder
        .room_refused(
            room_operation::PULL,
            Some(&room),
            Some(&other.node),
            None,
            ErrorCode::Block,
        )
        .await;
}

in_every_mix!(
    a_kicked_member_gets_nothing_more,
    who_is_kicked_while_offline_gets_only_the_notice,
    the_founder_is_protected_and_managers_from_each_other,
    a_manager_who_is_out_is_no_manager_any_more,
    kicking_deletes_a_request_and_lifts_a_block,
    a_blocked_member_is_out_and_cannot_come_back,
    the_list_of_blocked_members_is_for_staff_only,
    who_never_was_a_member_can_be_blocked_too,
    plain_members_do_not_bring_blocked_users_back,
    only_the_founder_appoints_managers,
    managers_do_what_staff_does,
    rooms_survive_kill_9,
    a_room_and_a_user_block_each_other_independently,
);

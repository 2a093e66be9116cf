//! What is refused, with which code and in which form (wire-protocol 7.10, the columns "checks" and "errors").

use tim_protocol::wire::TimReq;
use tim_tests::rooms::{notice, people, room_operation, unknown_node};
use tim_tests::{Client, ErrorCode, PacketType, shared};

use super::{apply, open_room, private_room};
use crate::mix::{Mix, in_every_mix};

/// Covers: 7.10-lists-3
async fn lists_of_members_are_for_members(mix: Mix) {
    let server = shared();
    let (_people, [_founder, mut member], room) = open_room(&server, mix).await;
    let (_people, [mut outsider]) = people(&server, |index| mix.of(index)).await;
    for wrong in ["no|node", "", &unknown_node()] {
        member
            .room_refused(
                room_operation::MEMBERS,
                Some(wrong),
                None,
                None,
                ErrorCode::Account,
            )
            .await;
    }
    outsider
        .room_refused(
            room_operation::MEMBERS,
            Some(&room),
            None,
            None,
            ErrorCode::Params,
        )
        .await;
    outsider.expect_silence().await;
}

/// Covers: 7.10-lists-6
async fn the_list_of_blocked_members_needs_a_room(mix: Mix) {
    let server = shared();
    let (_people, [mut client]) = people(&server, |index| mix.of(index)).await;
    for wrong in [None, Some("no|node"), Some("")] {
        client
            .room_refused(
                room_operation::BLOCKED_MEMBERS,
                wrong,
                None,
                None,
                ErrorCode::Params,
            )
            .await;
    }
}

/// Covers: 7.10-join-4, 7.10-join-5, 7.10-join-6, 9-4108
async fn joining_is_checked(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut other], room) = open_room(&server, mix).await;
    let gone = other.create_room(true).await;
    other.in_room(room_operation::DISSOLVE, &gone, None).await;
    let unknown = unknown_node();
    for (room, text) in [
        (None, Some("")),
        (Some(room.as_str()), None),
        (Some("no|node"), Some("")),
        (Some(""), Some("")),
        (Some(unknown.as_str()), Some("")),
    ] {
        founder
            .room_refused(room_operation::JOIN, room, None, text, ErrorCode::Params)
            .await;
    }
    let refusal = founder
        .room_refused(
            room_operation::JOIN,
            Some(&gone),
            None,
            Some(""),
            ErrorCode::Cancel,
        )
        .await;
    let error = refusal.error.unwrap();
    assert_eq!(
        (error.code, error.info.as_deref()),
        (Some(4108), Some("must not be a cancle object"))
    );
    founder
        .in_room(room_operation::BLOCK_MEMBER, &room, Some(&other.node))
        .await;
    other.drain().await;
    other
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

/// Operations of staff on a user: missing and malformed fields, myself.
async fn fields_are_checked(staff: &mut Client, room: &str, rtype: i32, on_myself: Option<ErrorCode>) {
    let (me, other) = (staff.node.clone(), unknown_node());
    for (room, user) in [
        (None, Some(other.as_str())),
        (Some(room), None),
        (Some("no|node"), Some(other.as_str())),
        (Some(room), Some("no|node")),
        (Some(room), Some("")),
    ] {
        staff
            .room_refused(rtype, room, user, None, ErrorCode::Params)
            .await;
    }
    if let Some(code) = on_myself {
        staff.room_refused(rtype, Some(room), Some(&me), None, code).await;
    }
}

/// Covers: 7.10-pull-5, 7.10-pull-6, 9-4109
async fn adding_is_checked(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, other], room) = open_room(&server, mix).await;
    fields_are_checked(
        &mut founder,
        &room,
        room_operation::PULL,
        Some(ErrorCode::PermDenied),
    )
    .await;
    let gone = founder.create_room(false).await;
    founder.in_room(room_operation::DISSOLVE, &gone, None).await;
    let user = Some(other.node.as_str());
    let unknown = unknown_node();
    let refusal = founder
        .room_refused(
            room_operation::PULL,
            Some(&unknown),
            user,
            None,
            ErrorCode::NoExist,
        )
        .await;
    let error = refusal.error.unwrap();
    assert_eq!(
        (error.code, error.info.as_deref()),
        (Some(4109), Some("must not be a no exist object"))
    );
    founder
        .room_refused(room_operation::PULL, Some(&gone), user, None, ErrorCode::Cancel)
        .await;
}

/// Covers: 7.10-reject-4
async fn rejecting_is_checked(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, other]) = people(&server, |index| mix.of(index)).await;
    let room = founder.create_room(false).await;
    fields_are_checked(&mut founder, &room, room_operation::REJECT, None).await;
    let gone = founder.create_room(false).await;
    founder.in_room(room_operation::DISSOLVE, &gone, None).await;
    let user = Some(other.node.as_str());
    let unknown = unknown_node();
    founder
        .room_refused(
            room_operation::REJECT,
            Some(&unknown),
            user,
            None,
            ErrorCode::NoExist,
        )
        .await;
    founder
        .room_refused(
            room_operation::REJECT,
            Some(&room),
            user,
            None,
            ErrorCode::NoExist,
        )
        .await;
    founder
        .room_refused(room_operation::REJECT, Some(&gone), user, None, ErrorCode::Cancel)
        .await;
}

/// Covers: 7.10-kick-6
async fn kicking_is_checked(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, other]) = people(&server, |index| mix.of(index)).await;
    let room = founder.create_room(true).await;
    fields_are_checked(
        &mut founder,
        &room,
        room_operation::KICK,
        Some(ErrorCode::PermDenied),
    )
    .await;
    let gone = founder.create_room(true).await;
    founder.in_room(room_operation::DISSOLVE, &gone, None).await;
    let user = Some(other.node.as_str());
    founder
        .room_refused(room_operation::KICK, Some(&room), user, None, ErrorCode::NoExist)
        .await;
    founder
        .room_refused(room_operation::KICK, Some(&gone), user, None, ErrorCode::Cancel)
        .await;
}

/// Covers: 7.10-blockmember-2, 7.10-blockmember-3
async fn blocking_members_is_checked(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member, victim], room) = open_room(&server, mix).await;
    fields_are_checked(
        &mut founder,
        &room,
        room_operation::BLOCK_MEMBER,
        Some(ErrorCode::PermDenied),
    )
    .await;
    let gone = founder.create_room(true).await;
    founder.in_room(room_operation::DISSOLVE, &gone, None).await;
    let user = Some(victim.node.as_str());
    let unknown = unknown_node();
    founder
        .room_refused(
            room_operation::BLOCK_MEMBER,
            Some(&unknown),
            user,
            None,
            ErrorCode::NoExist,
        )
        .await;
    founder
        .room_refused(
            room_operation::BLOCK_MEMBER,
            Some(&gone),
            user,
            None,
            ErrorCode::Cancel,
        )
        .await;
    member
        .room_refused(
            room_operation::BLOCK_MEMBER,
            Some(&room),
            user,
            None,
            ErrorCode::PermDenied,
        )
        .await;
    assert_eq!(founder.members(&room).await.len(), 3);
}

/// Covers: 7.10-errors-1, 7.10-errors-2
async fn a_refusal_is_one_answer_that_names_its_operation(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = private_room(&server, mix).await;
    let (_people, [mut outsider, mut applicant]) = people(&server, |index| mix.of(index)).await;
    apply(&mut applicant, &room).await;
    founder.room_notice(notice::REQUEST, &room).await;
    let (member_node, applicant_node) = (member.node.clone(), applicant.node.clone());
    let user = Some(member_node.as_str());
    for (rtype, user) in [
        (room_operation::PULL, Some(applicant_node.as_str())),
        (room_operation::REJECT, Some(applicant_node.as_str())),
        (room_operation::KICK, user),
        (room_operation::BLOCK_MEMBER, user),
        (room_operation::LEAVE, None),
        (room_operation::DISSOLVE, None),
    ] {
        let request = TimReq {
            rtype: Some(rtype),
            node: Some(room.clone()),
            node2: user.map(str::to_owned),
            ..TimReq::default()
        };
        outsider.send(PacketType::Business, &request).await;
        let answers = outsider.drain().await;
        let [answer] = &answers[..] else {
            panic!("one answer: {answers:?}")
        };
        let ack = answer.ack();
        assert!(!ack.ok && ack.error_code().is_some());
        assert_eq!(
            (ack.t, ack.n.as_ref()),
            (Some(i64::from(rtype)), Some(&room)),
            "{ack:?}"
        );
        assert_eq!(ack.n2.as_deref(), user, "{ack:?}");
    }
    let refusal = member
        .room_refused(
            room_operation::JOIN,
            Some(&room),
            None,
            Some(""),
            ErrorCode::HasExist,
        )
        .await;
    assert_eq!((refusal.t, refusal.n.as_ref()), (Some(9), Some(&room)));
    member.expect_silence().await;
}

in_every_mix!(
    lists_of_members_are_for_members,
    the_list_of_blocked_members_needs_a_room,
    joining_is_checked,
    adding_is_checked,
    rejecting_is_checked,
    kicking_is_checked,
    blocking_members_is_checked,
    a_refusal_is_one_answer_that_names_its_operation,
);

//! Making rooms, lists, joining, asking, approving, rejecting (wire-protocol 7.10: 2, 3, 8, 9, 11, 12).

use tim_protocol::wire::TimReq;
use tim_tests::chat::tid;
use tim_tests::rooms::{notice, people, room_message, room_operation};
use tim_tests::{ErrorCode, PacketType, secrets, shared};

use super::{apply, open_room, private_room, sorted};
use crate::mix::{Mix, in_every_mix};

/// Covers: 7.10-new-1, 7.10-lists-1, 7.10-lists-2
async fn a_new_room_has_its_founder_as_its_only_member(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut other]) = people(&server, |index| mix.of(index)).await;
    assert_eq!(founder.my_rooms().await, Vec::<String>::new());
    let room = founder.create_room(false).await;
    assert_eq!(founder.my_rooms().await, sorted([&room]));
    assert_eq!(founder.members(&room).await, [founder.node.clone()]);
    let profile = founder.room_profile(&room).await.unwrap();
    assert_eq!(profile.founder.as_deref(), Some(founder.node.as_str()));
    assert_eq!(founder.say_in_room(&room, "to myself").await.mid, Some(1));
    assert_eq!(other.my_rooms().await, Vec::<String>::new());
    founder.expect_silence().await;
}

/// Covers: 7.10-lists-1
async fn my_rooms_are_those_i_am_a_member_of(mix: Mix) {
    let server = shared();
    let (_people, [mut a, mut b], first) = open_room(&server, mix).await;
    let second = b.create_room(true).await;
    let asked = b.create_room(false).await;
    a.join_room(&second).await;
    apply(&mut a, &asked).await;
    b.room_notice(notice::REQUEST, &asked).await;
    assert_eq!(a.my_rooms().await, sorted([&first, &second]));
    assert_eq!(b.my_rooms().await, sorted([&first, &second, &asked]));
    a.in_room(room_operation::LEAVE, &second, None).await;
    assert_eq!(a.my_rooms().await, [first]);
}

/// Covers: 7.10-new-2
async fn only_kind_1_is_private(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut other]) = people(&server, |index| mix.of(index)).await;
    for kind in [2, 0, 3, -1, i64::MAX] {
        let request = TimReq {
            rtype: Some(room_operation::NEW),
            node: Some("title".to_owned()),
            req_int: Some(kind),
            ..TimReq::default()
        };
        founder.send(PacketType::Business, &request).await;
        let room = founder
            .take(PacketType::Ack)
            .await
            .success(PacketType::Business)
            .n
            .unwrap();
        other.join_room(&room).await;
        assert_eq!(other.room_profile(&room).await.unwrap().gtype, Some(2), "{kind}");
    }
    let private = founder.create_room(false).await;
    apply(&mut other, &private).await;
    founder.room_notice(notice::REQUEST, &private).await;
    assert_eq!(other.room_profile(&private).await.unwrap().gtype, Some(1));
}

/// Covers: 7.10-new-3
async fn a_room_needs_a_title_and_a_kind(mix: Mix) {
    let server = shared();
    let (_people, [mut founder]) = people(&server, |index| mix.of(index)).await;
    let good = TimReq {
        rtype: Some(room_operation::NEW),
        node: Some("title".to_owned()),
        req_int: Some(1),
        ..TimReq::default()
    };
    let without_title = TimReq {
        node: None,
        ..good.clone()
    };
    let without_kind = TimReq {
        req_int: None,
        ..good
    };
    for request in [without_title, without_kind] {
        founder.send(PacketType::Business, &request).await;
        let answer = founder.expect(PacketType::Ack).await;
        answer.refusal(PacketType::Business, ErrorCode::Params);
    }
    assert_eq!(founder.my_rooms().await, Vec::<String>::new());
}

/// Covers: 7.10-join-1
async fn joining_an_open_room_is_told_by_a_notice(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member]) = people(&server, |index| mix.of(index)).await;
    let room = founder.create_room(true).await;
    member
        .room_request(room_operation::JOIN, &room, None, Some("hello"))
        .await;
    let told = member.room_notice(notice::PASSED, &room).await;
    assert_eq!((told.from_tid, told.to_tid, told.mid), (None, None, None));
    member.expect_silence().await;
    founder.expect_silence().await;
    let both = sorted([&founder.node, &member.node]);
    assert_eq!(member.members(&room).await, both);
    assert_eq!(founder.members(&room).await, both);
}

/// Covers: 7.10-join-2, 7.10-push-1
async fn asking_to_join_a_private_room_is_told_to_its_staff(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut manager, mut member], room) = private_room(&server, mix).await;
    founder.appoint(&room, &[&manager.node]).await;
    let (_people, [mut applicant]) = people(&server, |index| mix.of(index + 1)).await;
    let text = secrets::text("please let me in");
    applicant
        .room_request(room_operation::JOIN, &room, None, Some(&text))
        .await;
    for staff in [&mut founder, &mut manager] {
        let request = staff.room_notice(notice::REQUEST, &room).await;
        assert_eq!(request.data_string.as_deref(), Some(text.as_str()));
        let from = request.from_tid.unwrap();
        assert_eq!(
            (from.node.as_str(), from.resource.as_deref()),
            (applicant.node.as_str(), Some("phone"))
        );
        assert!(request.id.is_some_and(|id| id != 0) && request.timestamp.is_some());
        staff.expect_silence().await;
    }
    member.expect_silence().await;
    applicant.expect_silence().await;
}

/// Covers: 7.10-join-3
async fn a_pending_request_is_no_membership(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut applicant]) = people(&server, |index| mix.of(index)).await;
    let room = founder.create_room(false).await;
    apply(&mut applicant, &room).await;
    founder.room_notice(notice::REQUEST, &room).await;
    assert_eq!(applicant.my_rooms().await, Vec::<String>::new());
    assert_eq!(founder.members(&room).await, [founder.node.clone()]);
    applicant
        .refused_message(&room_message(&room, "too early"), ErrorCode::PermDenied)
        .await;
    applicant
        .room_refused(
            room_operation::MEMBERS,
            Some(&room),
            None,
            None,
            ErrorCode::Params,
        )
        .await;
    founder.say_in_room(&room, "among ourselves").await;
    applicant.expect_silence().await;
}

/// Covers: 7.10-join-7
async fn a_member_cannot_join_again(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = open_room(&server, mix).await;
    for client in [&mut founder, &mut member] {
        client
            .room_refused(
                room_operation::JOIN,
                Some(&room),
                None,
                Some(""),
                ErrorCode::HasExist,
            )
            .await;
        client.expect_silence().await;
    }
    let (_people, [mut founder, mut member], room) = private_room(&server, mix).await;
    member
        .room_refused(
            room_operation::JOIN,
            Some(&room),
            None,
            Some(""),
            ErrorCode::HasExist,
        )
        .await;
    founder.expect_silence().await;
}

/// Covers: 7.10-join-8
async fn asking_again_is_told_again_within_a_limit(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut applicant]) = people(&server, |index| mix.of(index)).await;
    let room = founder.create_room(false).await;
    for _ in 0..2 {
        apply(&mut applicant, &room).await;
        founder.room_notice(notice::REQUEST, &room).await;
    }
    // A flood of requests does not become a flood of notices.
    for _ in 0..100 {
        apply(&mut applicant, &room).await;
    }
    let answers = applicant.drain().await;
    assert!(!answers.is_empty(), "some were refused");
    for answer in &answers {
        answer.refusal(PacketType::Business, ErrorCode::OverHz);
    }
    let told = founder.drain().await;
    assert!(told.len() < 60, "{} notices", told.len());
    founder
        .in_room(room_operation::PULL, &room, Some(&applicant.node))
        .await;
    assert_eq!(
        founder.members(&room).await,
        sorted([&founder.node, &applicant.node])
    );
}

/// Covers: 7.10-pull-1
async fn approving_a_request_makes_a_member(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut manager], room) = private_room(&server, mix).await;
    founder.appoint(&room, &[&manager.node]).await;
    let (_people, [mut one, mut two]) = people(&server, |index| mix.of(index)).await;
    for (is_manager, applicant) in [(false, &mut one), (true, &mut two)] {
        apply(applicant, &room).await;
        founder.room_notice(notice::REQUEST, &room).await;
        manager.room_notice(notice::REQUEST, &room).await;
        let staff = if is_manager { &mut manager } else { &mut founder };
        staff
            .in_room(room_operation::PULL, &room, Some(&applicant.node))
            .await;
        let told = applicant.room_notice(notice::PASSED, &room).await;
        assert_eq!(told.from_tid.unwrap().node, staff.node);
        assert_eq!(told.to_tid, Some(tid(&applicant.node)));
        applicant.say_in_room(&room, "thank you").await;
        founder.heard(&room).await;
        manager.heard(&room).await;
    }
}

/// Covers: 7.10-pull-2, 7.10-pull-3
async fn staff_adds_anybody_to_a_private_room_and_members_nobody(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut manager, mut member], room) = private_room(&server, mix).await;
    founder.appoint(&room, &[&manager.node]).await;
    let (_people, [mut guest, mut other, mut outsider]) = people(&server, |index| mix.of(index)).await;
    for refused in [&mut member, &mut outsider] {
        refused
            .room_refused(
                room_operation::PULL,
                Some(&room),
                Some(&guest.node),
                None,
                ErrorCode::PermDenied,
            )
            .await;
    }
    guest.expect_silence().await;
    for (staff, guest) in [(&mut founder, &mut guest), (&mut manager, &mut other)] {
        staff
            .in_room(room_operation::PULL, &room, Some(&guest.node))
            .await;
        let told = guest.room_notice(notice::PULLED, &room).await;
        assert_eq!(told.from_tid.unwrap().node, staff.node);
        assert_eq!(guest.my_rooms().await, sorted([&room]));
        guest.expect_silence().await;
    }
}

/// Covers: 7.10-pull-4, 11.3-8, W-14
async fn only_members_add_people_to_an_open_room(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = open_room(&server, mix).await;
    let (_people, [mut outsider, mut guest]) = people(&server, |index| mix.of(index)).await;
    outsider
        .room_refused(
            room_operation::PULL,
            Some(&room),
            Some(&guest.node),
            None,
            ErrorCode::PermDenied,
        )
        .await;
    guest.expect_silence().await;
    member
        .in_room(room_operation::PULL, &room, Some(&guest.node))
        .await;
    guest.room_notice(notice::PULLED, &room).await;
    assert_eq!(
        founder.members(&room).await,
        sorted([&founder.node, &member.node, &guest.node])
    );
}

/// Covers: 7.10-pull-8
async fn a_member_cannot_be_added_again(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = open_room(&server, mix).await;
    founder
        .room_refused(
            room_operation::PULL,
            Some(&room),
            Some(&member.node),
            None,
            ErrorCode::HasExist,
        )
        .await;
    member
        .room_refused(
            room_operation::PULL,
            Some(&room),
            Some(&founder.node),
            None,
            ErrorCode::HasExist,
        )
        .await;
    member.expect_silence().await;
    founder.expect_silence().await;
}

/// Covers: 7.10-reject-1, 7.10-reject-5, W-37
async fn a_rejected_request_is_gone_and_its_reason_told(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut manager], room) = private_room(&server, mix).await;
    founder.appoint(&room, &[&manager.node]).await;
    let (_people, [mut applicant]) = people(&server, |index| mix.of(index)).await;
    for round in 0..2 {
        apply(&mut applicant, &room).await;
        founder.room_notice(notice::REQUEST, &room).await;
        manager.room_notice(notice::REQUEST, &room).await;
        let staff = if round == 0 { &mut founder } else { &mut manager };
        let reason = secrets::text("we are complete");
        staff
            .room_request(
                room_operation::REJECT,
                &room,
                Some(&applicant.node),
                Some(&reason),
            )
            .await;
        let answer = staff.take(PacketType::Ack).await.success(PacketType::Business);
        assert_eq!(answer.t, Some(i64::from(room_operation::REJECT)));
        assert_eq!(
            (answer.n.as_ref(), answer.n2.as_ref()),
            (Some(&room), Some(&applicant.node))
        );
        let told = applicant.room_notice(notice::REJECTED, &room).await;
        assert_eq!(told.data_string, Some(reason));
        assert_eq!(told.from_tid.unwrap().node, staff.node);
        assert_eq!(applicant.my_rooms().await, Vec::<String>::new());
    }
}

/// Covers: 7.10-reject-2, 9-4103
async fn what_is_no_longer_pending_cannot_be_rejected(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = private_room(&server, mix).await;
    founder
        .room_refused(
            room_operation::REJECT,
            Some(&room),
            Some(&member.node),
            None,
            ErrorCode::ExpireOp,
        )
        .await;

    member.expect_silence().await;
    assert_eq!(founder.members(&room).await.len(), 2);
}

/// Covers: 7.10-reject-3
async fn only_staff_rejects(mix: Mix) {
    let server = shared();
    let (_people, [mut founder, mut member], room) = private_room(&server, mix).await;
    let (_people, [mut applicant, mut outsider]) = people(&server, |index| mix.of(index)).await;
    apply(&mut applicant, &room).await;
    founder.room_notice(notice::REQUEST, &room).await;
    for client in [&mut member, &mut outsider] {
        client
            .room_refused(
                room_operation::REJECT,
                Some(&room),
                Some(&applicant.node),
                None,
                ErrorCode::PermDenied,
            )
            .await;
    }
    applicant.expect_silence().await;
    founder
        .in_room(room_operation::PULL, &room, Some(&applicant.node))
        .await;
    applicant.room_notice(notice::PASSED, &room).await;
}

in_every_mix!(
    a_new_room_has_its_founder_as_its_only_member,
    my_rooms_are_those_i_am_a_member_of,
    only_kind_1_is_private,
    a_room_needs_a_title_and_a_kind,
    joining_an_open_room_is_told_by_a_notice,
    asking_to_join_a_private_room_is_told_to_its_staff,
    a_pending_request_is_no_membership,
    a_member_cannot_join_again,
    asking_again_is_told_again_within_a_limit,
    approving_a_request_makes_a_member,
    staff_adds_anybody_to_a_private_room_and_members_nobody,
    only_members_add_people_to_an_open_room,
    a_member_cannot_be_added_again,
    a_rejected_request_is_gone_and_its_reason_told,
    what_is_no_longer_pending_cannot_be_rejected,
    only_staff_rejects,
);

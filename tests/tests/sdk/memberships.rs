//! Who is in a room, who may do what there, and what a server that was away does to its messages.

use tim_client::{
    Conversation, ErrorCode, Event, HistoryStart, Mid, Node, NoticeKind, Outgoing, RequestError, Room,
    RoomId, RoomKind, SendError,
};
use tim_tests::{Encoding, Server, in_both_encodings, secrets, shared, within};

use crate::session::{Session, words};

fn refused<T: std::fmt::Debug>(result: Result<T, RequestError>, code: ErrorCode) {
    let error = result.unwrap_err();
    assert!(
        matches!(&error, RequestError::Refused(refusal) if refusal.is(code)),
        "{error}"
    );
}

async fn create(founder: &Session, kind: RoomKind) -> Room {
    let id = founder
        .client
        .create_room(kind, secrets::text("topic"))
        .await
        .unwrap();
    founder.client.room(&id)
}

async fn say(room: &Room, words: &str) -> tim_client::Sent {
    let send = room.send_text(secrets::text(words));
    within("a confirmation", send).await.unwrap()
}

/// The next event, which is news about that room.
async fn news(session: &Session, room: &RoomId) -> (NoticeKind, Option<Node>, Option<String>) {
    match session.event().await {
        Event::Notice(notice) => {
            assert_eq!(notice.room.as_ref(), Some(room));
            (notice.kind, notice.from, notice.text)
        }
        other => panic!("a notice was expected: {other:?}"),
    }
}

/// A private room of the first of three members.
async fn choir(server: &Server, encoding: Encoding) -> (Session, Session, Session, RoomId) {
    let a = Session::register(server, encoding).await;
    let b = Session::register(server, encoding).await;
    let c = Session::register(server, encoding).await;
    let room = create(&a, RoomKind::Private).await;
    for session in [&b, &c] {
        room.invite(session.node()).await.unwrap();
        assert_eq!(news(session, room.id()).await.0, NoticeKind::RoomAdded);
    }
    let id = room.id().clone();
    (a, b, c, id)
}

async fn joining_a_private_room_takes_an_approval(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let theirs = create(&a, RoomKind::Private).await;
    let room = b.client.room(theirs.id());
    let text = secrets::text("I sing");
    room.join(text.clone()).await.unwrap();
    let asked = (NoticeKind::JoinRequest, Some(b.node().clone()), Some(text));
    assert_eq!(news(&a, theirs.id()).await, asked);
    assert!(b.client.rooms().await.unwrap().is_empty());
    let reason = secrets::text("full");
    theirs.reject(b.node(), reason.clone()).await.unwrap();
    let (kind, _, why) = news(&b, theirs.id()).await;
    assert_eq!((kind, why), (NoticeKind::JoinRefused, Some(reason)));
    refused(theirs.reject(b.node(), "").await, ErrorCode::NoExist);

    room.join("").await.unwrap();
    assert_eq!(news(&a, theirs.id()).await.0, NoticeKind::JoinRequest);
    theirs.approve(b.node()).await.unwrap();
    assert_eq!(news(&b, theirs.id()).await.0, NoticeKind::RoomJoined);
    assert_eq!(b.client.rooms().await.unwrap(), [theirs.id().clone()]);
    let mut members = room.members().await.unwrap();
    members.sort();
    let mut expected = vec![a.node().clone(), b.node().clone()];
    expected.sort();
    assert_eq!(members, expected);
    refused(room.join("").await, ErrorCode::HasExist);
}

async fn many_room_messages_under_way_are_confirmed_and_arrive_in_order(encoding: Encoding) {
    let server = shared();
    let (a, b, c, id) = choir(&server, encoding).await;
    let mut under_way = Vec::new();
    for number in 0..200 {
        for session in [&a, &b] {
            let text = Outgoing::text(secrets::text(&format!("{} {number}", session.node())));
            under_way.push(session.client.room(&id).submit(text).await.unwrap());
        }
    }
    for confirmation in under_way {
        within("a confirmation", confirmation).await.unwrap();
    }
    let mut next = [0, 0];
    for mid in 1..=400 {
        let got = c.message().await;
        assert_eq!(got.mid, Mid::new(mid));
        let who = usize::from(got.from.as_ref() == Some(b.node()));
        let sender = [a.node(), b.node()][who];
        assert_eq!(words(&got), format!("{sender} {}", next[who]));
        next[who] += 1;
    }
    c.expect_silence().await;
}

async fn a_private_message_inside_a_room_reaches_one_member_who_need_not_be_a_friend(encoding: Encoding) {
    let server = shared();
    let (a, b, c, id) = choir(&server, encoding).await;
    let room = a.client.room(&id);
    let psst = Outgoing::text(secrets::text("psst"));
    let sent = room.send_private(b.node(), psst.clone()).await.unwrap();
    let got = b.message().await;
    assert_eq!((words(&got).as_str(), got.mid), ("psst", sent.mid));
    assert_eq!(got.conversation, Conversation::Peer(a.node().clone()));
    assert_eq!(got.inside.as_ref(), Some(&id));
    c.expect_silence().await;
    let stranger = Session::register(&server, encoding).await;
    let not_in = room
        .send_private(stranger.node(), psst.clone())
        .await
        .unwrap_err();
    assert!(matches!(not_in, SendError::Refused(refusal) if refusal.is(ErrorCode::PermDenied)));
    let outside = a.client.send(b.node(), psst).await.unwrap_err();
    assert!(matches!(outside, SendError::Refused(refusal) if refusal.is(ErrorCode::PermDenied)));
}

async fn the_history_of_a_room_is_paged_and_for_members_only(encoding: Encoding) {
    let server = shared();
    let (a, b, _c, id) = choir(&server, encoding).await;
    let room = a.client.room(&id);
    for number in 1..=12 {
        say(&room, &format!("number {number}")).await;
    }
    let mut pager = b.client.room(&id).history_pager(HistoryStart::Newest, 5);
    let mut numbers = Vec::new();
    loop {
        let page = pager.next_page().await.unwrap();
        if page.is_empty() {
            break;
        }
        numbers.extend(page.iter().filter_map(|message| message.mid.map(Mid::get)));
    }
    assert_eq!(numbers, (1..=12).rev().collect::<Vec<_>>());
    let stranger = Session::register(&server, encoding).await;
    let page = stranger.client.room(&id).history(HistoryStart::Newest, 5).await;
    refused(page, ErrorCode::PermDenied);
}

async fn whoever_left_or_was_removed_gets_and_sends_nothing_more(encoding: Encoding) {
    let server = shared();
    let (a, b, c, id) = choir(&server, encoding).await;
    let room = a.client.room(&id);
    room.kick(b.node()).await.unwrap();
    assert_eq!(news(&b, &id).await.0, NoticeKind::RoomRemoved);
    c.client.room(&id).leave().await.unwrap();
    say(&room, "alone").await;
    for session in [&b, &c] {
        let theirs = session.client.room(&id);
        let error = theirs.send_text("no").await.unwrap_err();
        assert!(matches!(error, SendError::Refused(refusal) if refusal.is(ErrorCode::PermDenied)));
        refused(theirs.members().await, ErrorCode::Params);
        session.expect_silence().await;
    }
    room.dissolve().await.unwrap();
    refused(b.client.room(&id).join("").await, ErrorCode::Cancel);
    assert!(a.client.rooms().await.unwrap().is_empty());
}

async fn blocks_hold_in_both_directions_until_they_are_lifted(encoding: Encoding) {
    let server = shared();
    let (a, b, c, id) = choir(&server, encoding).await;
    let room = a.client.room(&id);
    room.block_member(b.node()).await.unwrap();
    assert_eq!(room.blocked_members().await.unwrap(), [b.node().clone()]);
    refused(b.client.room(&id).join("").await, ErrorCode::Block);
    room.unblock_member(b.node()).await.unwrap();
    assert!(room.blocked_members().await.unwrap().is_empty());

    let theirs = c.client.room(&id);
    theirs.block().await.unwrap();
    assert_eq!(c.client.blocked_rooms().await.unwrap(), std::slice::from_ref(&id));
    refused(room.invite(c.node()).await, ErrorCode::Block);
    theirs.unblock().await.unwrap();
    assert!(c.client.blocked_rooms().await.unwrap().is_empty());
    room.invite(c.node()).await.unwrap();
}

async fn the_founder_appoints_managers_and_cannot_be_removed_by_them(encoding: Encoding) {
    let server = shared();
    let (a, b, c, id) = choir(&server, encoding).await;
    let theirs = b.client.room(&id);
    refused(theirs.kick(c.node()).await, ErrorCode::PermDenied);
    a.client
        .room(&id)
        .set_managers(&[b.node().clone()])
        .await
        .unwrap();
    refused(theirs.kick(a.node()).await, ErrorCode::PermDenied);
    refused(
        theirs.set_managers(&[c.node().clone()]).await,
        ErrorCode::PermDenied,
    );
    theirs.kick(c.node()).await.unwrap();
    let profile = theirs.profile().await.unwrap().unwrap();
    assert_eq!(profile.founder.as_ref(), Some(a.node()));
    assert_eq!(profile.managers, Some(vec![b.node().clone()]));
    assert_eq!(profile.kind, Some(RoomKind::Private));
}

async fn a_room_message_sent_while_the_server_is_away_is_stored_once(encoding: Encoding) {
    let server = Server::start();
    let (a, b, _c, id) = choir(&server, encoding).await;
    server.kill();
    let room = a.client.room(&id);
    let mut under_way = Vec::new();
    for number in 1..=20 {
        let text = Outgoing::text(secrets::text(&format!("number {number}")));
        under_way.push(room.submit(text).await.unwrap());
    }
    server.run();
    for (number, confirmation) in (1..).zip(under_way) {
        let sent = within("a confirmation", confirmation).await.unwrap();
        assert_eq!(sent.mid, Mid::new(number));
    }
    for number in 1..=20 {
        assert_eq!(b.words().await, format!("number {number}"));
    }
    a.expect_silence().await;
    b.expect_silence().await;
    assert_eq!(room.history(HistoryStart::Newest, 100).await.unwrap().len(), 20);
}

in_both_encodings!(
    joining_a_private_room_takes_an_approval,
    many_room_messages_under_way_are_confirmed_and_arrive_in_order,
    a_private_message_inside_a_room_reaches_one_member_who_need_not_be_a_friend,
    the_history_of_a_room_is_paged_and_for_members_only,
    whoever_left_or_was_removed_gets_and_sends_nothing_more,
    blocks_hold_in_both_directions_until_they_are_lifted,
    the_founder_appoints_managers_and_cannot_be_removed_by_them,
    a_room_message_sent_while_the_server_is_away_is_stored_once,
);

//! Rooms with the SDK: joining, speaking, recalling, staff, offline.

use tim_client::{
    Conversation, ErrorCode, Event, HistoryStart, NoticeKind, Outgoing, RequestError, Room, RoomId, RoomKind,
    RoomProfile, SendError,
};
use tim_tests::{Encoding, Server, in_both_encodings, secrets, shared};

use crate::session::{Session, words};

/// An open room with two members.
async fn circle(server: &Server, encoding: Encoding) -> (Session, Session, RoomId) {
    let other = match encoding {
        Encoding::Compact => Encoding::Json,
        Encoding::Json => Encoding::Compact,
    };
    let a = Session::register(server, encoding).await;
    let b = Session::register(server, other).await;
    let room = a
        .client
        .create_room(RoomKind::Open, secrets::text("a circle"))
        .await
        .unwrap();
    b.client.room(&room).join("").await.unwrap();
    assert_eq!(room_notice(&b).await, (NoticeKind::RoomJoined, room.clone()));
    (a, b, room)
}

async fn room_notice(session: &Session) -> (NoticeKind, RoomId) {
    match session.event().await {
        Event::Notice(notice) => (notice.kind, notice.room.expect("a room")),
        other => panic!("a notice was expected: {other:?}"),
    }
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, RequestError>, code: ErrorCode) {
    match result {
        Err(RequestError::Refused(refusal)) if refusal.is(code) => {}
        other => panic!("{code:?} was expected: {other:?}"),
    }
}

fn text(words: &str) -> Outgoing {
    Outgoing::text(secrets::text(words))
}

async fn a_message_is_confirmed_once_and_reaches_the_others(encoding: Encoding) {
    let server = shared();
    let (a, b, room) = circle(&server, encoding).await;
    let sent = a.client.room(&room).send(text("hello")).await.unwrap();
    let got = b.message().await;
    assert_eq!(
        (words(&got).as_str(), got.mid, got.id),
        ("hello", sent.mid, sent.id)
    );
    assert_eq!(got.conversation, Conversation::Room(room.clone()));
    assert_eq!(got.from.as_ref(), Some(a.node()));
    // The own copy confirms the message and is not shown as another one.
    a.expect_silence().await;
    b.expect_silence().await;
    // On another device it is shown.
    let tablet = Session::open(&server, encoding, &a.person, "tablet").await;
    let sent = a.client.room(&room).send(text("from the phone")).await.unwrap();
    let copy = tablet.message().await;
    assert!(copy.outgoing);
    assert_eq!(copy.mid, sent.mid);
}

async fn many_messages_keep_their_order(encoding: Encoding) {
    let server = shared();
    let (a, b, room) = circle(&server, encoding).await;
    let mut under_way = Vec::new();
    for number in 0..300 {
        let message = text(&format!("number {number}"));
        under_way.push(a.client.submit(room.clone(), message).await.unwrap());
    }
    for (number, confirmation) in (1..).zip(under_way) {
        assert_eq!(confirmation.await.unwrap().mid.unwrap().get(), number);
    }
    for number in 0..300 {
        assert_eq!(b.words().await, format!("number {number}"));
    }
}

async fn who_was_away_gets_everything_once(encoding: Encoding) {
    let server = shared();
    let (a, b, room) = circle(&server, encoding).await;
    b.client.close().await;
    for number in 0..30 {
        let message = text(&format!("number {number}"));
        a.client.room(&room).send(message).await.unwrap();
    }
    let (b, waiting) = Session::open_with_backlog(&server, encoding, &b.person, "phone").await;
    let words: Vec<String> = waiting
        .iter()
        .map(|event| match event {
            Event::Message(message) => words(message),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected: Vec<String> = (0..30).map(|number| format!("number {number}")).collect();
    assert_eq!(words, expected);
    b.expect_silence().await;
}

async fn messages_are_recalled_for_everybody(encoding: Encoding) {
    let server = shared();
    let (a, b, room) = circle(&server, encoding).await;
    let mid = a
        .client
        .room(&room)
        .send(text("a mistake"))
        .await
        .unwrap()
        .mid
        .unwrap();
    b.message().await;
    is_refused(b.client.room(&room).recall(mid).await, ErrorCode::PermDenied);
    a.client.room(&room).recall(mid).await.unwrap();
    match b.event().await {
        Event::Recalled(removal) => {
            assert_eq!((removal.mid, &removal.by), (mid, a.node()));
            assert_eq!(removal.conversation, Conversation::Room(room.clone()));
        }
        other => panic!("a recall was expected: {other:?}"),
    }
    let history = b
        .client
        .room(&room)
        .history(HistoryStart::Newest, 10)
        .await
        .unwrap();
    assert_eq!(history, []);
}

async fn staff_lets_in_and_removes(encoding: Encoding) {
    let server = shared();
    let founder = Session::register(&server, encoding).await;
    let guest = Session::register(&server, encoding).await;
    let id = founder
        .client
        .create_room(RoomKind::Private, "private")
        .await
        .unwrap();
    let (staff, own): (Room, Room) = (founder.client.room(&id), guest.client.room(&id));
    own.join(secrets::text("please")).await.unwrap();
    let (kind, from, says) = founder.notice().await;
    assert_eq!((kind, &from), (NoticeKind::JoinRequest, guest.node()));
    assert!(says.unwrap().starts_with("please"));
    staff.reject(guest.node(), "not today").await.unwrap();
    match guest.event().await {
        Event::Notice(notice) => {
            assert_eq!(notice.kind, NoticeKind::JoinRefused);
            assert_eq!(notice.text.as_deref(), Some("not today"));
        }
        other => panic!("{other:?}"),
    }
    own.join("").await.unwrap();
    founder.notice().await;
    staff.approve(guest.node()).await.unwrap();
    assert_eq!(room_notice(&guest).await, (NoticeKind::RoomJoined, id.clone()));
    let mut members = staff.members().await.unwrap();
    members.sort();
    let mut expected = vec![founder.node().clone(), guest.node().clone()];
    expected.sort();
    assert_eq!(members, expected);
    staff.set_managers(&[guest.node().clone()]).await.unwrap();
    own.set_profile(RoomProfile::new().with_topic("by a manager"))
        .await
        .unwrap();
    let profile = staff.profile().await.unwrap().unwrap();
    assert_eq!(profile.topic.as_deref(), Some("by a manager"));
    assert_eq!(profile.founder.as_ref(), Some(founder.node()));
    assert_eq!(profile.managers, Some(vec![guest.node().clone()]));
    is_refused(own.kick(founder.node()).await, ErrorCode::PermDenied);
    staff.kick(guest.node()).await.unwrap();
    assert_eq!(room_notice(&guest).await, (NoticeKind::RoomRemoved, id.clone()));
    assert_eq!(guest.client.rooms().await.unwrap(), []);
    match own.send(text("let me speak")).await {
        Err(SendError::Refused(refusal)) if refusal.is(ErrorCode::PermDenied) => {}
        other => panic!("{other:?}"),
    }
    staff.block_member(guest.node()).await.unwrap();
    assert_eq!(staff.blocked_members().await.unwrap(), [guest.node().clone()]);
    is_refused(own.join("").await, ErrorCode::Block);
    staff.unblock_member(guest.node()).await.unwrap();
    staff.dissolve().await.unwrap();
    assert_eq!(founder.client.rooms().await.unwrap(), []);
}

async fn a_member_can_be_written_to_in_private(encoding: Encoding) {
    let server = shared();
    let (a, b, room) = circle(&server, encoding).await;
    let private = a.client.room(&room).send_private(b.node(), text("psst")).await;
    let got = b.message().await;
    assert_eq!(got.mid, private.unwrap().mid);
    assert_eq!(got.conversation, Conversation::Peer(a.node().clone()));
    assert_eq!(got.inside, Some(room));
}

async fn a_restart_of_the_server_loses_and_doubles_nothing(encoding: Encoding) {
    let server = Server::start();
    let (a, b, room) = circle(&server, encoding).await;
    a.client.room(&room).send(text("before")).await.unwrap();
    assert_eq!(b.words().await, "before");
    server.kill();
    let under_way = a.client.submit(room.clone(), text("meanwhile")).await.unwrap();
    server.run();
    assert_eq!(under_way.await.unwrap().mid.unwrap().get(), 2);
    assert_eq!(b.words().await, "meanwhile");
    a.expect_silence().await;
    b.expect_silence().await;
}

in_both_encodings!(
    a_message_is_confirmed_once_and_reaches_the_others,
    many_messages_keep_their_order,
    who_was_away_gets_everything_once,
    messages_are_recalled_for_everybody,
    staff_lets_in_and_removes,
    a_member_can_be_written_to_in_private,
    a_restart_of_the_server_loses_and_doubles_nothing,
);

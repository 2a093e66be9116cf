//! Virtual rooms: publishing, subscribing, grants, restrictions, and the live data of messages.

use tim_client::{
    ErrorCode, Event, MessageKind, Outgoing, Publication, RequestError, RoomKind, SubscribeOptions,
    Subscription, VirtualRoom, VirtualRoomAccess,
};
use tim_tests::{Encoding, Server, in_both_encodings, shared, within};

use crate::session::Session;

fn refused<T: std::fmt::Debug>(result: Result<T, RequestError>, code: ErrorCode) {
    let error = result.unwrap_err();
    assert!(
        matches!(&error, RequestError::Refused(refusal) if refusal.is(code)),
        "{error}"
    );
}

async fn open(publisher: &Session, access: VirtualRoomAccess) -> VirtualRoom {
    let id = publisher.client.create_virtual_room(access).await.unwrap();
    publisher.client.virtual_room(&id)
}

async fn body(frames: &mut Subscription) -> Vec<u8> {
    let frame = within("a frame", frames.next_frame()).await;
    frame.expect("a frame").body.to_vec()
}

async fn frames_reach_subscribers_of_both_kinds(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let c = Session::register(&server, encoding).await;
    let stage = open(&a, VirtualRoomAccess::open()).await;
    let seat = |session: &Session| session.client.virtual_room(stage.id());
    let mut structured = seat(&b).subscribe(SubscribeOptions::new()).await.unwrap();
    let mut binary = seat(&c)
        .subscribe(SubscribeOptions::new().binary())
        .await
        .unwrap();
    stage
        .publish(Publication::new(&b"one"[..]).with_kind(3))
        .await
        .unwrap();
    stage.publish(Publication::binary(&b"\x83two"[..])).await.unwrap();
    let first = within("a frame", structured.next_frame()).await.unwrap();
    assert_eq!((first.from.as_ref(), first.kind), (Some(a.node()), Some(3)));
    assert_eq!(&first.body[..], b"one");
    assert_eq!(body(&mut structured).await, b"\x83two");
    assert_eq!(body(&mut binary).await, b"one");
    assert_eq!(body(&mut binary).await, b"\x83two");
    drop(structured);
    stage.publish(Publication::new(&b"three"[..])).await.unwrap();
    assert_eq!(body(&mut binary).await, b"three");
    for session in [&a, &b, &c] {
        session.expect_silence().await;
    }
}

async fn only_owner_and_granted_users_publish(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let stage = open(&a, VirtualRoomAccess::open()).await;
    let mut frames = stage.subscribe(SubscribeOptions::new()).await.unwrap();
    let guest = b.client.virtual_room(stage.id());
    guest.publish(Publication::new(&b"no"[..])).await.unwrap();
    match b.event().await {
        Event::ServerError {
            packet_type: 94,
            about,
            refusal,
            ..
        } => {
            assert_eq!(about.as_ref(), Some(stage.id().as_node()));
            assert!(refusal.is(ErrorCode::PermDenied));
        }
        other => panic!("a refusal was expected: {other:?}"),
    }
    refused(guest.grant(b.node()).await, ErrorCode::PermDenied);
    stage.grant(b.node()).await.unwrap();
    guest.publish(Publication::new(&b"yes"[..])).await.unwrap();
    assert_eq!(body(&mut frames).await, b"yes");
    stage.revoke(b.node()).await.unwrap();
    guest.publish(Publication::new(&b"no more"[..])).await.unwrap();
    assert!(matches!(b.event().await, Event::ServerError { .. }));
}

async fn a_restricted_virtual_room_asks_for_password_or_membership(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let secret = open(&a, VirtualRoomAccess::open().with_password("open sesame")).await;
    let seat = b.client.virtual_room(secret.id());
    refused(
        seat.subscribe(SubscribeOptions::new()).await,
        ErrorCode::PermDenied,
    );
    let right = SubscribeOptions::new().with_password("open sesame");
    let mut frames = seat.subscribe(right.clone()).await.unwrap();
    assert!(matches!(
        seat.subscribe(right).await,
        Err(RequestError::Invalid(_))
    ));
    secret.publish(Publication::new(&b"in"[..])).await.unwrap();
    assert_eq!(body(&mut frames).await, b"in");

    let room = a.client.create_room(RoomKind::Private, "members").await.unwrap();
    let members = open(&a, VirtualRoomAccess::open().with_members_of(&room)).await;
    let seat = b.client.virtual_room(members.id());
    refused(
        seat.subscribe(SubscribeOptions::new()).await,
        ErrorCode::PermDenied,
    );
    a.client.room(&room).invite(b.node()).await.unwrap();
    seat.subscribe(SubscribeOptions::new()).await.unwrap();
}

async fn a_subscription_ends_when_its_virtual_room_did_not_survive_a_restart(encoding: Encoding) {
    let server = Server::start();
    let a = Session::register(&server, encoding).await;
    let stage = open(&a, VirtualRoomAccess::open()).await;
    let mut frames = stage.subscribe(SubscribeOptions::new()).await.unwrap();
    server.kill();
    server.run();
    assert_eq!(within("the end", frames.next_frame()).await, None);
    assert!(matches!(
        frames.end_reason(),
        Some(RequestError::Refused(refusal)) if refusal.is(ErrorCode::Undefined)
    ));
}

async fn a_removed_virtual_room_takes_nothing(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let stage = open(&a, VirtualRoomAccess::open()).await;
    stage.remove().await.unwrap();
    stage.publish(Publication::new(&b"x"[..])).await.unwrap();
    assert!(matches!(
        a.event().await,
        Event::ServerError { packet_type: 94, .. }
    ));
    refused(
        stage.subscribe(SubscribeOptions::new()).await,
        ErrorCode::Undefined,
    );
}

async fn a_subscriber_that_does_not_look_loses_frames_and_nothing_else(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let stage = open(&a, VirtualRoomAccess::open()).await;
    let seat = b.client.virtual_room(stage.id());
    let few = SubscribeOptions::new().with_buffer(4, 1 << 20);
    let mut frames = seat.subscribe(few).await.unwrap();
    for number in 0..50_u8 {
        stage.publish(Publication::new(vec![number])).await.unwrap();
    }
    // What is asked after the last frame is answered after it, unless the server dropped it for the same reason.
    a.client
        .send_presence(std::slice::from_ref(b.node()), tim_client::Presence::new())
        .await
        .unwrap();
    assert!(matches!(b.event().await, Event::PresenceChanged(_)));
    let mut taken = Vec::new();
    while taken.last() != Some(&49) {
        taken.extend(body(&mut frames).await);
    }
    assert!(
        taken.is_sorted() && frames.dropped() + taken.len() as u64 <= 50,
        "{taken:?}"
    );
}

async fn a_stream_for_a_room_reaches_the_members_who_are_online(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let room = a.client.create_room(RoomKind::Private, "live").await.unwrap();
    a.client.room(&room).invite(b.node()).await.unwrap();
    assert!(matches!(b.event().await, Event::Notice(_)));
    a.client
        .send(&room, Outgoing::stream(&b"\x01"[..]))
        .await
        .unwrap();
    let got = b.message().await;
    assert_eq!(
        (got.kind, got.conversation),
        (MessageKind::Stream, (&room).into())
    );
    a.expect_silence().await;
}

in_both_encodings!(
    frames_reach_subscribers_of_both_kinds,
    only_owner_and_granted_users_publish,
    a_restricted_virtual_room_asks_for_password_or_membership,
    a_subscription_ends_when_its_virtual_room_did_not_survive_a_restart,
    a_removed_virtual_room_takes_nothing,
    a_subscriber_that_does_not_look_loses_frames_and_nothing_else,
    a_stream_for_a_room_reaches_the_members_who_are_online,
);

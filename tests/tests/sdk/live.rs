//! What is not stored: presence, streams, big data; and profiles.

use bytes::Bytes;
use tim_client::{
    Event, MessageKind, Outgoing, Presence, PresenceChange, Publication, SubscribeOptions, UserProfile,
    VirtualRoomAccess,
};
use tim_tests::{Encoding, Server, in_both_encodings, shared, within};

use crate::session::{Session, friends};

async fn presence(session: &Session) -> PresenceChange {
    match session.event().await {
        Event::PresenceChanged(change) => *change,
        other => panic!("a presence was expected: {other:?}"),
    }
}

async fn friends_hear_presence_and_who_has_left(encoding: Encoding) {
    let server = Server::options().unset("presence.offline_notices").start();
    let (a, b) = friends(&server, encoding).await;
    let here = Presence::new()
        .with_show(0)
        .with_status("reading")
        .with_field("k", "v");
    a.client.set_presence(here).await.unwrap();
    let change = presence(&b).await;
    assert_eq!((&change.from, change.offline), (a.node(), false));
    assert_eq!(
        (change.show, change.status.as_deref()),
        (Some(0), Some("reading"))
    );
    assert_eq!(change.extend["k"], "v");
    b.client
        .send_presence(&[a.node().clone()], Presence::new().with_status("hello"))
        .await
        .unwrap();
    assert_eq!(presence(&a).await.status.as_deref(), Some("hello"));
    a.client.close().await;
    let change = presence(&b).await;
    assert!(change.offline && change.from == *a.node());
}

async fn frames_of_a_virtual_room_reach_its_subscribers(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let access = VirtualRoomAccess::open().with_password("open sesame");
    let id = a.client.create_virtual_room(access).await.unwrap();
    let closed = b
        .client
        .virtual_room(&id)
        .subscribe(SubscribeOptions::new())
        .await;
    assert!(closed.is_err(), "without the password nobody is let in");
    let options = SubscribeOptions::new().with_password("open sesame");
    let mut frames = b.client.virtual_room(&id).subscribe(options).await.unwrap();
    let room = a.client.virtual_room(&id);
    for number in 0..50_u8 {
        room.publish(Publication::new(vec![number; 1_000]).with_kind(7))
            .await
            .unwrap();
    }
    for number in 0..50_u8 {
        let frame = within("a frame", frames.next_frame()).await.unwrap();
        assert_eq!(frame.body, Bytes::from(vec![number; 1_000]));
        assert_eq!((frame.kind, frame.from.as_ref()), (Some(7), Some(a.node())));
    }
    assert_eq!(frames.dropped(), 0);
    room.grant(b.node()).await.unwrap();
    b.client
        .virtual_room(&id)
        .publish(Publication::binary(&b"by a guest"[..]))
        .await
        .unwrap();
    let frame = within("a frame", frames.next_frame()).await.unwrap();
    assert_eq!(&frame.body[..], b"by a guest");
    room.remove().await.unwrap();
}

async fn big_texts_and_binaries_arrive(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let text = "长".repeat(500_000);
    a.client
        .send(b.node(), Outgoing::big_text(text.clone()))
        .await
        .unwrap();
    let got = b.message().await;
    assert_eq!(got.kind, MessageKind::BigText);
    assert_eq!(got.from.as_ref(), Some(a.node()));
    assert!(got.text == Some(text));
    let binary = Bytes::from(vec![131; 2_000_000]);
    a.client
        .send(b.node(), Outgoing::big_binary(binary.clone()))
        .await
        .unwrap();
    let got = b.message().await;
    assert!(got.kind == MessageKind::BigBinary && got.binary == Some(binary));
}

async fn profiles_are_changed_and_read(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let mut change = UserProfile::new();
    change.nickname = Some("小明".to_owned());
    a.client.set_profile(change).await.unwrap();
    let profile = b.client.profile(a.node()).await.unwrap().unwrap();
    assert_eq!(profile.nickname.as_deref(), Some("小明"));
    assert!(profile.created.is_some());
    let both = [a.node().clone(), b.node().clone()];
    assert_eq!(b.client.profiles(&both).await.unwrap().len(), 2);
}

in_both_encodings!(
    friends_hear_presence_and_who_has_left,
    frames_of_a_virtual_room_reach_its_subscribers,
    big_texts_and_binaries_arrive,
    profiles_are_changed_and_read,
);

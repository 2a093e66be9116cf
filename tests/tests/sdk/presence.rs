//! Presence: to friends, to some, asked for, and when somebody leaves.

use tim_client::{ErrorCode, Event, Presence, PresenceChange, RequestError, SubStatus};
use tim_tests::{Encoding, Server, in_both_encodings, shared, within};

use crate::session::{Session, builder, credentials, friends};

async fn change(session: &Session) -> PresenceChange {
    match session.event().await {
        Event::PresenceChanged(change) => *change,
        other => panic!("a presence was expected: {other:?}"),
    }
}

async fn friends_see_what_is_told_and_strangers_do_not(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    let stranger = Session::register(&server, encoding).await;
    let presence = Presence::new()
        .with_show(0)
        .with_status("lunch")
        .with_field("mood", "hungry");
    a.client.set_presence(presence).await.unwrap();
    let got = change(&b).await;
    assert_eq!((&got.from, got.offline), (a.node(), false));
    assert_eq!((got.show, got.status.as_deref()), (Some(0), Some("lunch")));
    assert_eq!(got.extend["mood"], "hungry");
    assert_eq!(got.device.unwrap().resource.as_deref(), Some("phone"));
    stranger.expect_silence().await;
}

async fn a_presence_for_some_reaches_exactly_those(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let c = Session::register(&server, encoding).await;
    let to = [b.node().clone(), c.node().clone()];
    let presence = Presence::new().with_show(5);
    a.client.send_presence(&to, presence.clone()).await.unwrap();
    for session in [&b, &c] {
        assert_eq!(change(session).await.show, Some(5));
    }
    a.client.send_presence(&to[..1], presence.clone()).await.unwrap();
    assert_eq!(change(&b).await.from, *a.node());
    c.expect_silence().await;
    let nobody = tim_protocol::node::wide_node_from_random([5; 15]);
    let error = a.client.send_presence(&[nobody], presence).await.unwrap_err();
    assert!(matches!(error, RequestError::Refused(refusal) if refusal.is(ErrorCode::Account)));
}

async fn friends_are_told_when_the_last_device_has_left(encoding: Encoding) {
    let server = Server::options().unset("presence.offline_notices").start();
    let (a, b) = friends(&server, encoding).await;
    let web = Session::open(&server, encoding, &a.person, "web").await;
    a.client.close().await;
    b.expect_silence().await;
    web.client.close().await;
    let gone = change(&b).await;
    assert!(gone.offline && gone.from == *web.client.node());
}

/// The texts of all presences up to one with the text `end`.
async fn statuses(session: &Session, end: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let status = change(session).await.status.unwrap();
        if status == end {
            return seen;
        }
        seen.push(status);
    }
}

async fn a_presence_is_told_again_after_a_reconnect(encoding: Encoding) {
    let server = Server::start();
    let (a, b) = friends(&server, encoding).await;
    a.client
        .set_presence(Presence::new().with_status("here"))
        .await
        .unwrap();
    assert_eq!(change(&b).await.status.as_deref(), Some("here"));
    let to = [b.node().clone()];
    // Who is back first is a matter of chance, and only who is there is told.
    for round in 0.. {
        assert!(round < 20, "it was never told again");
        server.kill();
        server.run();
        loop {
            match within("the connection", b.client.next_event()).await.unwrap() {
                Event::Connected { .. } => break,
                _ => continue,
            }
        }
        let end = format!("end of round {round}");
        let last = a
            .client
            .send_presence(&to, Presence::new().with_status(end.clone()));
        within("the end of a round", last).await.unwrap();
        if statuses(&b, &end).await.contains(&"here".to_owned()) {
            break;
        }
    }
}

async fn who_asks_is_answered_when_that_is_wanted(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    a.client.close().await;
    let client = builder(&server, encoding, "phone")
        .answer_presence(true)
        .connect(credentials(&a.person))
        .await
        .unwrap();
    let here = Presence::new().with_show(1).with_status("here");
    client.set_presence(here).await.unwrap();
    assert_eq!(change(&b).await.sub_status, None);
    let to = [client.node().clone()];
    b.client
        .send_presence(&to, Presence::new().asking())
        .await
        .unwrap();
    let answer = change(&b).await;
    assert_eq!(answer.sub_status, Some(SubStatus::Answer));
    assert_eq!((answer.show, answer.status.as_deref()), (Some(1), Some("here")));
    // The question itself is an event too.
    loop {
        if let Some(Event::PresenceChanged(change)) = within("the question", client.next_event()).await {
            assert_eq!(change.sub_status, Some(SubStatus::Subscribe));
            break;
        }
    }
}

in_both_encodings!(
    friends_see_what_is_told_and_strangers_do_not,
    a_presence_for_some_reaches_exactly_those,
    friends_are_told_when_the_last_device_has_left,
    a_presence_is_told_again_after_a_reconnect,
    who_asks_is_answered_when_that_is_wanted,
);

//! Friends and blocks.

use tim_client::{Added, ErrorCode, Event, NoticeKind, RequestError, SendError};
use tim_tests::{Encoding, Person, in_both_encodings, secrets, shared};

use crate::session::{Session, befriend, friends};

fn refused(error: &RequestError, code: ErrorCode) -> bool {
    matches!(error, RequestError::Refused(refusal) if refusal.is(code))
}

async fn friendship_takes_both_sides(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let greeting = secrets::text("it is me");
    let added = a.client.add_friend(b.node(), greeting.clone()).await.unwrap();
    assert_eq!(added, Added::Requested);
    assert_eq!(
        b.notice().await,
        (NoticeKind::FriendRequest, a.node().clone(), Some(greeting))
    );
    assert!(a.client.friends().await.unwrap().is_empty());
    assert_eq!(b.client.accept_friend(a.node()).await.unwrap(), Added::FriendsNow);
    assert_eq!(a.notice().await, (NoticeKind::FriendsNow, b.node().clone(), None));
    assert_eq!(a.client.friends().await.unwrap(), [b.node().clone()]);
    assert_eq!(b.client.friends().await.unwrap(), [a.node().clone()]);
    let again = a.client.add_friend(b.node(), "").await.unwrap_err();
    assert!(refused(&again, ErrorCode::Repeat), "{again}");
}

async fn removing_and_blocking_take_effect_at_once(encoding: Encoding) {
    let server = shared();
    let (a, b) = friends(&server, encoding).await;
    a.client.remove_friend(b.node()).await.unwrap();
    assert_eq!(b.notice().await.0, NoticeKind::FriendRemoved);
    let refused_send = b.client.send_text(a.node(), "no").await.unwrap_err();
    assert!(matches!(refused_send, SendError::Refused(refusal) if refusal.is(ErrorCode::PermDenied)));
    befriend(&a, &b).await;
    a.client.block(b.node()).await.unwrap();
    assert_eq!(b.notice().await.0, NoticeKind::Blocked);
    assert_eq!(a.client.blocked().await.unwrap(), [b.node().clone()]);
    assert_eq!(
        (
            a.client.friends().await.unwrap(),
            b.client.friends().await.unwrap()
        ),
        (vec![], vec![])
    );
    let blocked = b.client.add_friend(a.node(), "").await.unwrap_err();
    assert!(refused(&blocked, ErrorCode::Block), "{blocked}");
    a.client.unblock(b.node()).await.unwrap();
    assert_eq!(b.notice().await.0, NoticeKind::FriendRemoved);
    assert!(a.client.blocked().await.unwrap().is_empty());
    befriend(&b, &a).await;
}

async fn impossible_requests_are_refused_with_their_codes(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let stranger = Session::register(&server, encoding).await;
    let nobody = tim_protocol::node::wide_node_from_random([5; 15]);
    for (error, code) in [
        (
            a.client.add_friend(a.node(), "").await.unwrap_err(),
            ErrorCode::PermDenied,
        ),
        (
            a.client.add_friend(&nobody, "").await.unwrap_err(),
            ErrorCode::Account,
        ),
        (a.client.block(a.node()).await.unwrap_err(), ErrorCode::PermDenied),
        (
            a.client.remove_friend(stranger.node()).await.unwrap_err(),
            ErrorCode::Params,
        ),
    ] {
        assert!(refused(&error, code), "{error}");
    }
}

async fn notices_wait_for_devices_that_are_away(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Person::register(&server).await;
    a.client.add_friend(&b.node.parse().unwrap(), "").await.unwrap();
    let (b, waiting) = Session::open_with_backlog(&server, encoding, &b, "phone").await;
    let [Event::Notice(request)] = &waiting[..] else {
        panic!("one notice was expected: {waiting:?}");
    };
    assert!(request.offline && request.kind == NoticeKind::FriendRequest);
    assert_eq!(request.from.as_ref(), Some(a.node()));
    assert_eq!(b.client.accept_friend(a.node()).await.unwrap(), Added::FriendsNow);
    assert_eq!(a.notice().await.0, NoticeKind::FriendsNow);
}

in_both_encodings!(
    friendship_takes_both_sides,
    removing_and_blocking_take_effect_at_once,
    impossible_requests_are_refused_with_their_codes,
    notices_wait_for_devices_that_are_away,
);

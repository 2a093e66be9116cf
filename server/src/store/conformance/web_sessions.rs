//! Statements on the sessions of browsers.

use super::{Subject, account_id, reopen};
use crate::store::MAX_WEB_SESSIONS;
use crate::store::ids::{SessionHash, Timestamp};
use crate::store::record::WebSession;

fn session(number: u8, account: &str, used: i64) -> WebSession {
    WebSession {
        hash: SessionHash([number; 32]),
        account: account_id(account),
        remembered: number.is_multiple_of(2),
        created: Timestamp(5),
        used: Timestamp(used),
    }
}

pub async fn a_session_reads_back_and_ends_once(subject: &dyn Subject) {
    let store = subject.open();
    let (one, two) = (session(1, "a", 10), session(2, "b", 20));
    store.put_session(one.clone()).await.unwrap();
    store.put_session(two.clone()).await.unwrap();
    let store = reopen(subject, store).await;
    assert_eq!(store.session(&one.hash).await.unwrap(), Some(one.clone()));
    assert_eq!(store.session(&two.hash).await.unwrap(), Some(two.clone()));
    assert_eq!(store.session(&SessionHash([3; 32])).await.unwrap(), None);
    assert!(store.end_session(&one.hash).await.unwrap());
    assert!(!store.end_session(&one.hash).await.unwrap());
    assert_eq!(store.session(&one.hash).await.unwrap(), None);
    assert_eq!(store.session(&two.hash).await.unwrap(), Some(two));
}

pub async fn the_last_use_of_a_session_only_moves_forward(subject: &dyn Subject) {
    let store = subject.open();
    let one = session(1, "a", 10);
    store.put_session(one.clone()).await.unwrap();
    for (used, expected) in [(30, 30), (20, 30)] {
        assert!(store.use_session(&one.hash, Timestamp(used)).await.unwrap());
        let stored = store.session(&one.hash).await.unwrap().unwrap();
        assert_eq!((stored.used, stored.created), (Timestamp(expected), Timestamp(5)));
    }
    let unknown = SessionHash([9; 32]);
    assert!(!store.use_session(&unknown, Timestamp(1)).await.unwrap());
    assert_eq!(store.session(&unknown).await.unwrap(), None);
}

pub async fn the_sessions_of_an_account_end_except_some(subject: &dyn Subject) {
    let store = subject.open();
    for number in 1..=3 {
        store.put_session(session(number, "a", 10)).await.unwrap();
    }
    let other = session(4, "b", 10);
    store.put_session(other.clone()).await.unwrap();
    let kept = SessionHash([2; 32]);
    let mut ended = store.end_sessions(&account_id("a"), &[kept]).await.unwrap();
    ended.sort_by_key(|hash| hash.0);
    assert_eq!(ended, [SessionHash([1; 32]), SessionHash([3; 32])]);
    let none = store.end_sessions(&account_id("a"), &[kept]).await.unwrap();
    assert!(none.is_empty(), "{none:?}");
    assert!(store.session(&kept).await.unwrap().is_some());
    assert!(store.session(&other.hash).await.unwrap().is_some());
    assert_eq!(store.end_sessions(&account_id("a"), &[]).await.unwrap(), [kept]);
}

pub async fn the_session_unused_for_longest_makes_room_for_a_new_one(subject: &dyn Subject) {
    let store = subject.open();
    store.put_session(session(250, "b", 1)).await.unwrap();
    let all = u8::try_from(MAX_WEB_SESSIONS).unwrap();
    for number in 1..=all {
        store.put_session(session(number, "a", 100)).await.unwrap();
    }
    store
        .use_session(&SessionHash([1; 32]), Timestamp(200))
        .await
        .unwrap();
    store.put_session(session(3, "a", 50)).await.unwrap();
    assert!(
        store.session(&SessionHash([7; 32])).await.unwrap().is_some(),
        "the same session again takes no other place"
    );
    store.put_session(session(200, "a", 150)).await.unwrap();
    assert_eq!(store.session(&SessionHash([3; 32])).await.unwrap(), None);
    for kept in [1, 2, 4, all, 200, 250] {
        assert!(
            store.session(&SessionHash([kept; 32])).await.unwrap().is_some(),
            "{kept}"
        );
    }
}

pub async fn sessions_long_unused_are_forgotten(subject: &dyn Subject) {
    let store = subject.open();
    for (number, used) in [(1, 10), (2, 20), (3, 30)] {
        store.put_session(session(number, "a", used)).await.unwrap();
    }
    assert_eq!(store.forget_sessions(Timestamp(20)).await.unwrap(), 1);
    assert_eq!(store.session(&SessionHash([1; 32])).await.unwrap(), None);
    assert!(store.session(&SessionHash([2; 32])).await.unwrap().is_some());
    assert_eq!(store.forget_sessions(Timestamp(1000)).await.unwrap(), 2);
    assert_eq!(store.forget_sessions(Timestamp(1000)).await.unwrap(), 0);
}

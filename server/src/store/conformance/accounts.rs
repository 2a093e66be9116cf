//! Statements on accounts and login tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Subject, account_id, new_account, reopen};
use crate::store::CreateAccountError;
use crate::store::ids::{SessionHash, Timestamp};
use crate::store::record::LoginToken;

pub async fn an_account_reads_back_as_created(subject: &dyn Subject) {
    let store = subject.open();
    store.create_account(new_account("a")).await.unwrap();
    let store = reopen(subject, store).await;
    let account = store.account(&account_id("a")).await.unwrap().unwrap();
    assert_eq!(account.id, account_id("a"));
    assert_eq!(account.domain, "example");
    assert_eq!(account.password_hash, "$argon2id$v=19$of-a");
    assert_eq!(account.created, Timestamp(1_000));
    assert_eq!(account.suspended_until, None);
}

pub async fn an_account_is_created_once(subject: &dyn Subject) {
    let store = subject.open();
    store.create_account(new_account("a")).await.unwrap();
    let mut again = new_account("a");
    again.password_hash = "other".to_owned();
    assert!(matches!(
        store.create_account(again).await,
        Err(CreateAccountError::Exists)
    ));
    let account = store.account(&account_id("a")).await.unwrap().unwrap();
    assert_eq!(account.password_hash, "$argon2id$v=19$of-a");
}

pub async fn two_concurrent_registrations_make_one_account(subject: &dyn Subject) {
    let store = subject.open();
    for round in 0..20 {
        let register = |password: &'static str| {
            let store = Arc::clone(&store);
            let mut account = new_account(&format!("racer {round}"));
            account.password_hash = password.to_owned();
            tokio::spawn(async move { store.create_account(account).await })
        };
        let (one, two) = (register("one"), register("two"));
        let (one, two) = (one.await.unwrap(), two.await.unwrap());
        assert!(
            one.is_ok() != two.is_ok(),
            "exactly one succeeds: {one:?}, {two:?}"
        );
        let account = store
            .account(&account_id(&format!("racer {round}")))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(account.password_hash, if one.is_ok() { "one" } else { "two" });
    }
}

pub async fn an_unknown_account_is_none(subject: &dyn Subject) {
    assert!(
        subject
            .open()
            .account(&account_id("nobody"))
            .await
            .unwrap()
            .is_none()
    );
}

pub async fn a_password_can_be_replaced(subject: &dyn Subject) {
    let store = subject.open();
    store.create_account(new_account("a")).await.unwrap();
    store.create_account(new_account("b")).await.unwrap();
    assert!(
        store
            .set_password(&account_id("a"), "new".to_owned())
            .await
            .unwrap()
    );
    let store = reopen(subject, store).await;
    assert_eq!(
        store
            .account(&account_id("a"))
            .await
            .unwrap()
            .unwrap()
            .password_hash,
        "new"
    );
    assert_eq!(
        store
            .account(&account_id("b"))
            .await
            .unwrap()
            .unwrap()
            .password_hash,
        "$argon2id$v=19$of-b"
    );
}

pub async fn a_suspension_is_stored_and_lifted(subject: &dyn Subject) {
    let store = subject.open();
    store.create_account(new_account("a")).await.unwrap();
    assert!(
        store
            .set_suspension(&account_id("a"), Some(Timestamp(77)))
            .await
            .unwrap()
    );
    let store = reopen(subject, store).await;
    let account = store.account(&account_id("a")).await.unwrap().unwrap();
    assert_eq!(account.suspended_until, Some(Timestamp(77)));
    assert!(store.set_suspension(&account_id("a"), None).await.unwrap());
    assert_eq!(
        store
            .account(&account_id("a"))
            .await
            .unwrap()
            .unwrap()
            .suspended_until,
        None
    );
}

pub async fn changes_of_unknown_accounts_are_refused(subject: &dyn Subject) {
    let store = subject.open();
    assert!(
        !store
            .set_password(&account_id("nobody"), "x".to_owned())
            .await
            .unwrap()
    );
    assert!(
        !store
            .set_suspension(&account_id("nobody"), Some(Timestamp(1)))
            .await
            .unwrap()
    );
    assert!(store.account(&account_id("nobody")).await.unwrap().is_none());
}

fn token(number: u8, expires: i64) -> LoginToken {
    LoginToken {
        hash: [number; 32],
        account: account_id("a"),
        extend: Some(BTreeMap::from([("role".to_owned(), "guest".to_owned())])),
        session: None,
        expires: Timestamp(expires),
    }
}

pub async fn a_token_is_taken_once(subject: &dyn Subject) {
    let store = subject.open();
    store.put_token(token(1, 100)).await.unwrap();
    store
        .put_token(LoginToken {
            extend: None,
            session: Some(SessionHash([9; 32])),
            ..token(2, 100)
        })
        .await
        .unwrap();
    let store = reopen(subject, store).await;
    assert_eq!(
        store.take_token(&[1; 32], Timestamp(50)).await.unwrap(),
        Some(token(1, 100))
    );
    assert_eq!(store.take_token(&[1; 32], Timestamp(50)).await.unwrap(), None);
    let second = store.take_token(&[2; 32], Timestamp(50)).await.unwrap().unwrap();
    assert_eq!(
        (second.extend, second.session),
        (None, Some(SessionHash([9; 32])))
    );
    assert_eq!(store.take_token(&[3; 32], Timestamp(50)).await.unwrap(), None);
}

pub async fn two_concurrent_logins_with_a_token_let_one_in(subject: &dyn Subject) {
    let store = subject.open();
    for number in 0..20 {
        store.put_token(token(number, 100)).await.unwrap();
        let take = || {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.take_token(&[number; 32], Timestamp(1)).await.unwrap() })
        };
        let (one, two) = (take(), take());
        let (one, two) = (one.await.unwrap(), two.await.unwrap());
        assert!(
            one.is_some() != two.is_some(),
            "exactly one gets it: {one:?}, {two:?}"
        );
    }
}

pub async fn an_expired_token_is_not_returned_and_is_gone(subject: &dyn Subject) {
    let store = subject.open();
    store.put_token(token(1, 100)).await.unwrap();
    assert_eq!(store.take_token(&[1; 32], Timestamp(100)).await.unwrap(), None);
    assert_eq!(
        store.take_token(&[1; 32], Timestamp(99)).await.unwrap(),
        None,
        "it was removed"
    );
}

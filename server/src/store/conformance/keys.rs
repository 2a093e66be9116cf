//! Statements on keys, closing and durability.

use super::{Subject, account_id, advance, conversation, message, new_account, packet, reopen};
use crate::store::ids::{Seq, Timestamp};
use crate::store::record::{Append, LoginToken, UpperBound};
use crate::store::{Store, StoreError};

/// One record of each kind, made with a name.
async fn put_everything(store: &dyn Store, name: &str) {
    store.create_account(new_account(name)).await.unwrap();
    let mut hash = [0; 32];
    hash[..name.len()].copy_from_slice(name.as_bytes());
    let extend = Some([("k".to_owned(), name.to_owned())].into());
    let token = LoginToken {
        hash,
        account: account_id(name),
        extend,
        session: None,
        expires: Timestamp(100),
    };
    store.put_token(token).await.unwrap();
    let append = Append {
        inboxes: vec![account_id(name)],
        ..message(1, None, name)
    };
    store.append(vec![append]).await.unwrap();
    store.append_inbox(vec![packet(name, name)]).await.unwrap();
    store.advance(vec![advance(name, name, 0, 1)]).await.unwrap();
}

async fn check_everything(store: &dyn Store, names: &[&str]) {
    let history = store
        .history(&conversation(1), UpperBound::Newest, 100, usize::MAX)
        .await
        .unwrap();
    let bodies: Vec<_> = history.iter().rev().map(|message| message.body.clone()).collect();
    assert_eq!(bodies, names);
    for name in names {
        let account = store.account(&account_id(name)).await.unwrap().unwrap();
        assert!(account.password_hash.ends_with(name));
        let inbox = store
            .read_inbox(&account_id(name), Seq(0), 10, 1000)
            .await
            .unwrap();
        assert_eq!(inbox.len(), 2);
        assert!(
            inbox.iter().all(|entry| entry.body.as_ref().unwrap() == name),
            "{inbox:?}"
        );
        let state = store.inbox_state(&account_id(name)).await.unwrap();
        assert_eq!(state.devices[0].0.0, *name);
    }
}

pub async fn key_rotation_keeps_everything_readable(subject: &dyn Subject) {
    let store = subject.open();
    put_everything(&*store, "one").await;
    let second = store.rotate_key().await.unwrap();
    put_everything(&*store, "two").await;
    let store = reopen(subject, store).await;
    assert_eq!(store.rotate_key().await.unwrap(), second + 1);
    put_everything(&*store, "three").await;
    check_everything(&*store, &["one", "two", "three"]).await;
}

pub async fn reencryption_ends_and_keeps_everything_readable(subject: &dyn Subject) {
    let store = subject.open();
    let names: Vec<String> = (0..12).map(|number| format!("name {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for name in &names {
        put_everything(&*store, name).await;
    }
    store.rotate_key().await.unwrap();
    let mut rounds = 0;
    loop {
        let done = store.reencrypt(7).await.unwrap();
        assert!(done <= 7);
        rounds += 1;
        assert!(rounds < 100, "it ends");
        if done == 0 {
            break;
        }
    }
    let store = reopen(subject, store).await;
    check_everything(&*store, &names).await;
    for name in names {
        let mut hash = [0; 32];
        hash[..name.len()].copy_from_slice(name.as_bytes());
        let token = store.take_token(&hash, Timestamp(1)).await.unwrap().unwrap();
        assert_eq!(token.extend.unwrap()["k"], name);
    }
}

pub async fn a_closed_store_is_unavailable(subject: &dyn Subject) {
    let store = subject.open();
    store.create_account(new_account("a")).await.unwrap();
    store.close().await;
    assert!(matches!(
        store.account(&account_id("a")).await,
        Err(StoreError::Unavailable(_))
    ));
    let refused = store.append(vec![message(1, None, "x")]).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    store.close().await;
}

pub async fn what_was_answered_is_there_after_reopening(subject: &dyn Subject) {
    let mut store = subject.open();
    let mut names = Vec::new();
    for number in 0..5 {
        names.push(format!("name {number}"));
        put_everything(&*store, names.last().unwrap()).await;
        store = reopen(subject, store).await;
        check_everything(&*store, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

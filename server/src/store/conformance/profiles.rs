//! Statements on profiles of users.

use super::{Subject, account_id, new_account, reopen};
use crate::store::ids::Timestamp;
use crate::store::record::UserProfile;

pub async fn a_profile_reads_back_as_set(subject: &dyn Subject) {
    let store = subject.open();
    store.create_account(new_account("a")).await.unwrap();
    let id = account_id("a");
    let profile = |profile: Option<&'static str>| UserProfile {
        domain: "example".to_owned(),
        created: Timestamp(1_000),
        profile: profile.map(Into::into),
    };
    let read = store.user_profiles(std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(read, [Some(profile(None))], "never set");
    for text in ["first", "", "second"] {
        assert!(store.set_user_profile(&id, text.into()).await.unwrap());
        let read = store.user_profiles(std::slice::from_ref(&id)).await.unwrap();
        assert_eq!(read, [Some(profile(Some(text)))]);
    }
    let store = reopen(subject, store).await;
    let read = store.user_profiles(&[id]).await.unwrap();
    assert_eq!(read, [Some(profile(Some("second")))]);
}

pub async fn profiles_come_in_the_order_asked_for(subject: &dyn Subject) {
    let store = subject.open();
    for name in ["a", "b"] {
        store.create_account(new_account(name)).await.unwrap();
        store
            .set_user_profile(&account_id(name), name.to_owned().into())
            .await
            .unwrap();
    }
    let ids = ["b", "nobody", "a", "b"].map(account_id);
    let read = store.user_profiles(&ids).await.unwrap();
    let texts: Vec<_> = read
        .into_iter()
        .map(|profile| profile.map(|profile| profile.profile.unwrap()))
        .collect();
    assert_eq!(
        texts,
        [Some("b".into()), None, Some("a".into()), Some("b".into())]
    );
    assert_eq!(store.user_profiles(&[]).await.unwrap(), []);
}

pub async fn an_account_that_does_not_exist_gets_no_profile(subject: &dyn Subject) {
    let store = subject.open();
    let id = account_id("a");
    assert!(!store.set_user_profile(&id, "text".into()).await.unwrap());
    store.create_account(new_account("a")).await.unwrap();
    let read = store.user_profiles(&[id]).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().profile, None);
}

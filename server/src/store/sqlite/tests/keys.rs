//! Keys: what a wrong one does, and what can be seen without one.

use super::Scratch;
use crate::store::conformance::{account_id, conversation, room_id};
use crate::store::keys::MasterKey;
use crate::store::{
    Append, Mid, NewAccount, NewRoom, Retract, RoomKind, Seq, SqliteStore, Store, Timestamp, UpperBound,
};

fn message(text: &str) -> Append {
    Append {
        conversation: conversation(1),
        sender: account_id("ann"),
        client_id: None,
        timestamp: Timestamp(1),
        body: text.to_owned().into(),
        inboxes: vec![account_id("ben")],
        file: None,
    }
}

/// A room, a packet in its log, and a profile.
async fn fill_room(store: &SqliteStore, text: &'static str) {
    let room = NewRoom {
        id: room_id(1),
        conversation: conversation(2),
        domain: String::new(),
        kind: RoomKind::Open,
        founder: account_id("ann"),
        created: Timestamp(1),
        profile: text.into(),
    };
    store.create_room(room).await.unwrap();
    let message = Append {
        conversation: conversation(2),
        ..message("recalled soon")
    };
    store.append(vec![message]).await.unwrap();
    let retract = Retract {
        conversation: conversation(2),
        mid: Mid(1),
        author: account_id("ann"),
        notices: Vec::new(),
        log: Some(text.into()),
    };
    store.retract(retract).await.unwrap();
    let account = NewAccount {
        id: account_id("ann"),
        domain: String::new(),
        password_hash: "hash".to_owned(),
        created: Timestamp(1),
    };
    store.create_account(account).await.unwrap();
    store
        .set_user_profile(&account_id("ann"), text.into())
        .await
        .unwrap();
}

/// The topic of the room, the packet in its log, the profile.
async fn read_room(store: &SqliteStore) -> [bytes::Bytes; 3] {
    let room = store.room(&room_id(1)).await.unwrap().unwrap();
    let log = store
        .read_log(&conversation(2), Seq(1), 10, usize::MAX)
        .await
        .unwrap();
    let profiles = store.user_profiles(&[account_id("ann")]).await.unwrap();
    let profile = profiles[0].as_ref().unwrap().profile.clone().unwrap();
    [room.profile, log[0].body.clone().unwrap(), profile]
}

#[tokio::test]
async fn another_master_key_opens_nothing_and_changes_nothing() {
    let scratch = Scratch::new();
    let store = scratch.open_store();
    store.append(vec![message("kept")]).await.unwrap();
    store.close().await;
    drop(store);
    let key_file = scratch.folder.path().join("master.key");
    let right = std::fs::read(&key_file).unwrap();
    let before = scratch.bytes();
    std::fs::write(&key_file, MasterKey::generate().unwrap().to_text().as_bytes()).unwrap();
    assert!(SqliteStore::open(&scratch.options(), &scratch.source()).is_err());
    assert_eq!(scratch.bytes(), before);
    std::fs::write(&key_file, right).unwrap();
    let store = scratch.open_store();
    let page = store
        .history(&conversation(1), UpperBound::Newest, 10, usize::MAX)
        .await
        .unwrap();
    assert_eq!(page[0].body.as_ref(), b"kept");
}

#[tokio::test]
async fn files_contain_neither_message_text_nor_device_names() {
    let scratch = Scratch::new();
    let store = scratch.open_store();
    store
        .append(vec![message("a secret that nobody else may read")])
        .await
        .unwrap();
    let phone = crate::store::DeviceKey("r:Annabels telephone".into());
    let advance = crate::store::Advance {
        owner: account_id("ben"),
        device: phone,
        position: crate::store::Seq(0),
        seen: Timestamp(1),
    };
    store.advance(vec![advance]).await.unwrap();
    fill_room(&store, "nothing that others should see").await;
    for closed in [false, true] {
        if closed {
            store.close().await;
        }
        let bytes = scratch.bytes();
        for text in ["a secret that", "Annabels", "nothing that others"] {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{text:?} can be read");
        }
    }
}

#[tokio::test]
async fn records_of_an_old_key_stay_readable_while_they_are_encrypted_anew() {
    let scratch = Scratch::new();
    let store = scratch.open_store();
    for number in 0..20 {
        store
            .append(vec![message(&format!("message {number}"))])
            .await
            .unwrap();
    }
    fill_room(&store, "sealed").await;
    let key = store.rotate_key().await.unwrap();
    store.append(vec![message("message 20")]).await.unwrap();
    while store.reencrypt(7).await.unwrap() > 0 {
        let page = store
            .history(&conversation(1), UpperBound::Newest, 100, usize::MAX)
            .await
            .unwrap();
        assert_eq!(page.len(), 21);
        assert_eq!(read_room(&store).await, ["sealed"; 3]);
    }
    assert_eq!(store.data_keys(), [key], "the old key is gone");
    store.close().await;
    drop(store);
    let store = scratch.open_store();
    let page = store
        .history(&conversation(1), UpperBound::Newest, 100, usize::MAX)
        .await;
    assert_eq!(page.unwrap().len(), 21);
    assert_eq!(read_room(&store).await, ["sealed"; 3]);
}

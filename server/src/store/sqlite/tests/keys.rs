//! Keys: what a wrong one does, and what can be seen without one.

use super::Scratch;
use crate::store::conformance::{account_id, conversation};
use crate::store::keys::MasterKey;
use crate::store::{Append, SqliteStore, Store, Timestamp, UpperBound};

fn message(text: &str) -> Append {
    Append {
        conversation: conversation(1),
        sender: account_id("ann"),
        client_id: None,
        timestamp: Timestamp(1),
        body: text.to_owned().into(),
        inboxes: vec![account_id("ben")],
    }
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
    for closed in [false, true] {
        if closed {
            store.close().await;
        }
        let bytes = scratch.bytes();
        for text in ["a secret that", "Annabels"] {
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
    let key = store.rotate_key().await.unwrap();
    store.append(vec![message("message 20")]).await.unwrap();
    while store.reencrypt(7).await.unwrap() > 0 {
        let page = store
            .history(&conversation(1), UpperBound::Newest, 100, usize::MAX)
            .await
            .unwrap();
        assert_eq!(page.len(), 21);
    }
    assert_eq!(store.data_keys(), [key], "the old key is gone");
    store.close().await;
    drop(store);
    let page = scratch
        .open_store()
        .history(&conversation(1), UpperBound::Newest, 100, usize::MAX)
        .await;
    assert_eq!(page.unwrap().len(), 21);
}

//! Statements on files and pictures.

use super::{Subject, account_id, conversation, message, packet, reopen, room_id, stored};
use crate::store::files::{FileContent, FileId, FilePlace, FileState, NewFile};
use crate::store::ids::{Mid, Timestamp};
use crate::store::keys::Secret;
use crate::store::record::{Append, Appended, Retract, Retracted};
use crate::store::{Store, UpperBound};

fn new_file(uploader: &str, conversation_number: u8, size: u64) -> NewFile {
    NewFile {
        conversation: conversation(conversation_number),
        uploader: account_id(uploader),
        domain: "example".to_owned(),
        place: FilePlace::User(account_id("b")),
        size,
        created: Timestamp(100),
        key: Secret::from_bytes([3; 32]),
        quota: 1_000,
    }
}

fn content() -> FileContent {
    FileContent {
        sha256: [5; 32],
        content_type: "image/png".to_owned(),
    }
}

/// A file that has arrived.
async fn arrived(store: &dyn Store, file: NewFile) -> FileId {
    let id = store.begin_file(file).await.unwrap().unwrap();
    assert!(store.finish_file(&id, content()).await.unwrap());
    id
}

fn naming(file: FileId, client_id: Option<i64>) -> Append {
    Append {
        file: Some(file),
        ..message(1, client_id, "a file")
    }
}

async fn append_one(store: &dyn Store, append: Append) -> Appended {
    store.append(vec![append]).await.unwrap().remove(0)
}

async fn state(store: &dyn Store, id: &FileId) -> Option<FileState> {
    store.file(id).await.unwrap().map(|file| file.state)
}

pub async fn a_file_reads_back_once_it_has_arrived(subject: &dyn Subject) {
    let store = subject.open();
    let file = NewFile {
        place: FilePlace::Room(room_id(1)),
        ..new_file("a", 1, 7)
    };
    let id = store.begin_file(file).await.unwrap().unwrap();
    assert!(store.file(&id).await.unwrap().is_none(), "it is still arriving");
    assert!(store.finish_file(&id, content()).await.unwrap());
    assert!(!store.finish_file(&id, content()).await.unwrap(), "only once");
    let store = reopen(subject, store).await;
    let read = store.file(&id).await.unwrap().unwrap();
    assert_eq!((read.id, read.conversation), (id, conversation(1)));
    assert_eq!((read.uploader, &*read.domain), (account_id("a"), "example"));
    assert_eq!(read.place, FilePlace::Room(room_id(1)));
    assert_eq!((read.state, read.size), (FileState::Waiting, 7));
    assert_eq!(read.key.as_bytes(), &[3; 32]);
    assert_eq!(read.content, content());
    let other = FileId::new(id.slot(), [1; 18]);
    assert!(store.file(&other).await.unwrap().is_none());
}

pub async fn a_file_is_named_by_one_message_of_its_uploader_in_its_conversation(subject: &dyn Subject) {
    let store = subject.open();
    let id = arrived(&*store, new_file("a", 1, 7)).await;
    let elsewhere = Append {
        conversation: conversation(2),
        ..naming(id, None)
    };
    let by_another = Append {
        sender: account_id("b"),
        ..naming(id, None)
    };
    for refused in [elsewhere, by_another] {
        let outcome = append_one(&*store, refused).await;
        assert!(matches!(outcome, Appended::FileRefused), "{outcome:?}");
        assert_eq!(state(&*store, &id).await, Some(FileState::Waiting));
    }
    let (mid, _) = stored(&append_one(&*store, naming(id, None)).await);
    let store = reopen(subject, store).await;
    assert_eq!(state(&*store, &id).await, Some(FileState::Linked(mid)));
    let again = append_one(&*store, naming(id, None)).await;
    assert!(matches!(again, Appended::FileRefused), "{again:?}");
}

pub async fn a_message_that_may_not_name_its_file_is_not_stored(subject: &dyn Subject) {
    let store = subject.open();
    let arriving = store.begin_file(new_file("a", 1, 7)).await.unwrap().unwrap();
    let unknown = FileId::new(arriving.slot(), [1; 18]);
    let batch = vec![
        message(1, Some(1), "first"),
        Append {
            inboxes: vec![account_id("b")],
            ..naming(arriving, Some(2))
        },
        naming(unknown, Some(3)),
        message(1, Some(4), "second"),
    ];
    let outcomes = store.append(batch).await.unwrap();
    assert_eq!(stored(&outcomes[0]).0, Mid(1));
    assert!(matches!(outcomes[1], Appended::FileRefused));
    assert!(matches!(outcomes[2], Appended::FileRefused));
    assert_eq!(stored(&outcomes[3]).0, Mid(2), "it took no number");
    let page = store
        .history(&conversation(1), UpperBound::Newest, 10, 1_000)
        .await
        .unwrap();
    assert_eq!(page.len(), 2);
    assert_eq!(store.inbox_state(&account_id("b")).await.unwrap().head.0, 0);
    // Its client number is free for a message that is permitted.
    let permitted = append_one(&*store, message(1, Some(2), "third")).await;
    assert_eq!(stored(&permitted).0, Mid(3));
}

pub async fn a_repeat_of_a_message_with_a_file_is_a_repeat(subject: &dyn Subject) {
    let store = subject.open();
    let id = arrived(&*store, new_file("a", 1, 7)).await;
    stored(&append_one(&*store, naming(id, Some(9))).await);
    let again = append_one(&*store, naming(id, Some(9))).await;
    assert!(
        matches!(&again, Appended::Duplicate(original) if original.mid == Mid(1)),
        "{again:?}"
    );
    assert_eq!(state(&*store, &id).await, Some(FileState::Linked(Mid(1))));
    let in_one_batch = arrived(&*store, new_file("a", 1, 7)).await;
    let batch = vec![naming(in_one_batch, Some(10)), naming(in_one_batch, Some(10))];
    let outcomes = store.append(batch).await.unwrap();
    assert_eq!(stored(&outcomes[0]).0, Mid(2));
    assert!(matches!(&outcomes[1], Appended::Duplicate(original) if original.mid == Mid(2)));
}

pub async fn a_file_goes_with_its_message(subject: &dyn Subject) {
    let store = subject.open();
    let (one, two) = (
        arrived(&*store, new_file("a", 1, 7)).await,
        arrived(&*store, new_file("a", 1, 7)).await,
    );
    for id in [one, two] {
        stored(&append_one(&*store, naming(id, None)).await);
    }
    let retract = |author: &str| Retract {
        conversation: conversation(1),
        mid: Mid(1),
        author: account_id(author),
        notices: vec![packet("b", "recalled")],
        log: None,
    };
    let refused = store.retract(retract("b")).await.unwrap();
    assert_eq!(refused, Retracted::OtherAuthor);
    assert_eq!(state(&*store, &one).await, Some(FileState::Linked(Mid(1))));
    let done = store.retract(retract("a")).await.unwrap();
    assert!(matches!(done, Retracted::Done { .. }));
    let store = reopen(subject, store).await;
    assert_eq!(state(&*store, &one).await, None);
    assert_eq!(state(&*store, &two).await, Some(FileState::Linked(Mid(2))));
    assert_eq!(store.deleted_files(10).await.unwrap(), [one]);
}

pub async fn a_file_nobody_names_can_be_deleted_by_its_uploader(subject: &dyn Subject) {
    let store = subject.open();
    let waiting = arrived(&*store, new_file("a", 1, 7)).await;
    let arriving = store.begin_file(new_file("a", 1, 7)).await.unwrap().unwrap();
    let linked = arrived(&*store, new_file("a", 1, 7)).await;
    stored(&append_one(&*store, naming(linked, None)).await);
    for id in [waiting, arriving] {
        assert!(!store.delete_file(&id, &account_id("b")).await.unwrap());
        assert!(store.delete_file(&id, &account_id("a")).await.unwrap());
        assert!(!store.delete_file(&id, &account_id("a")).await.unwrap());
        assert_eq!(state(&*store, &id).await, None);
    }
    assert!(!store.finish_file(&arriving, content()).await.unwrap());
    assert!(!store.delete_file(&linked, &account_id("a")).await.unwrap());
    assert_eq!(state(&*store, &linked).await, Some(FileState::Linked(Mid(1))));
}

pub async fn old_files_that_nobody_names_expire(subject: &dyn Subject) {
    let store = subject.open();
    let at = |created| NewFile {
        created: Timestamp(created),
        ..new_file("a", 1, 7)
    };
    let linked = arrived(&*store, at(10)).await;
    stored(&append_one(&*store, naming(linked, None)).await);
    let arriving = store.begin_file(at(10)).await.unwrap().unwrap();
    let old = [arrived(&*store, at(11)).await, arrived(&*store, at(12)).await];
    let young = arrived(&*store, at(13)).await;
    assert_eq!(store.expire_files(Timestamp(13), 1).await.unwrap(), 1);
    assert_eq!(store.expire_files(Timestamp(13), 10).await.unwrap(), 1);
    assert_eq!(store.expire_files(Timestamp(13), 10).await.unwrap(), 0);
    for id in old {
        assert_eq!(state(&*store, &id).await, None);
    }
    assert_eq!(state(&*store, &young).await, Some(FileState::Waiting));
    assert_eq!(state(&*store, &linked).await, Some(FileState::Linked(Mid(1))));
    assert!(store.finish_file(&arriving, content()).await.unwrap());
}

pub async fn a_deleted_file_is_remembered_until_its_bytes_are_gone(subject: &dyn Subject) {
    let store = subject.open();
    let kept = arrived(&*store, new_file("a", 1, 7)).await;
    let mut gone = [
        arrived(&*store, new_file("a", 1, 7)).await,
        arrived(&*store, new_file("a", 2, 7)).await,
    ];
    gone.sort_unstable();
    for id in gone {
        assert!(store.delete_file(&id, &account_id("a")).await.unwrap());
    }
    let store = reopen(subject, store).await;
    assert_eq!(store.deleted_files(1).await.unwrap().len(), 1);
    let mut deleted = store.deleted_files(10).await.unwrap();
    deleted.sort_unstable();
    assert_eq!(deleted, gone);
    let never = FileId::new(kept.slot(), [1; 18]);
    let unknown = store.unknown_files(vec![kept, gone[0], gone[1], never]).await;
    assert_eq!(unknown.unwrap(), [never]);
    store.forget_files(vec![kept, gone[0], never]).await.unwrap();
    assert_eq!(store.deleted_files(10).await.unwrap(), [gone[1]]);
    assert_eq!(
        state(&*store, &kept).await,
        Some(FileState::Waiting),
        "only deleted ones are forgotten"
    );
    let unknown = store.unknown_files(vec![gone[0], gone[1]]).await;
    assert_eq!(unknown.unwrap(), [gone[0]]);
    store.forget_files(Vec::new()).await.unwrap();
}

pub async fn files_that_were_arriving_are_abandoned(subject: &dyn Subject) {
    let store = subject.open();
    let arriving = store.begin_file(new_file("a", 1, 7)).await.unwrap().unwrap();
    let waiting = arrived(&*store, new_file("a", 1, 7)).await;
    let store = reopen(subject, store).await;
    assert_eq!(store.abandon_files().await.unwrap(), 1);
    assert_eq!(store.abandon_files().await.unwrap(), 0);
    assert_eq!(store.deleted_files(10).await.unwrap(), [arriving]);
    assert_eq!(state(&*store, &waiting).await, Some(FileState::Waiting));
}

pub async fn an_uploader_has_no_more_than_its_quota(subject: &dyn Subject) {
    let store = subject.open();
    let first = arrived(&*store, new_file("a", 1, 600)).await;
    assert!(store.begin_file(new_file("a", 2, 401)).await.unwrap().is_none());
    assert!(store.begin_file(new_file("a", 2, 400)).await.unwrap().is_some());
    assert!(store.begin_file(new_file("a", 1, 1)).await.unwrap().is_none());
    assert!(store.begin_file(new_file("a", 1, 0)).await.unwrap().is_some());
    assert!(
        store.begin_file(new_file("b", 1, 1_000)).await.unwrap().is_some(),
        "everybody has an own one"
    );
    assert!(
        store
            .begin_file(new_file("c", 1, u64::MAX))
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.delete_file(&first, &account_id("a")).await.unwrap());
    assert!(store.begin_file(new_file("a", 1, 600)).await.unwrap().is_some());
}

fn picture(uploader: &str) -> NewFile {
    NewFile {
        place: FilePlace::RoomProfile(room_id(1)),
        ..new_file(uploader, 1, 7)
    }
}

pub async fn a_new_picture_replaces_the_one_before(subject: &dyn Subject) {
    let store = subject.open();
    let (one, two) = (
        arrived(&*store, picture("a")).await,
        arrived(&*store, picture("b")).await,
    );
    let elsewhere = NewFile {
        conversation: conversation(2),
        ..picture("a")
    };
    let elsewhere = arrived(&*store, elsewhere).await;
    let waiting = arrived(&*store, picture("a")).await;
    for id in [one, two, elsewhere] {
        assert!(store.use_picture(&id).await.unwrap());
        assert!(!store.use_picture(&id).await.unwrap());
        assert_eq!(state(&*store, &id).await, Some(FileState::Picture));
    }
    assert_eq!(store.expire_files(Timestamp(1_000), 0).await.unwrap(), 0);
    store.retire_pictures(&two).await.unwrap();
    let store = reopen(subject, store).await;
    assert_eq!(state(&*store, &one).await, None);
    for id in [two, elsewhere] {
        assert_eq!(state(&*store, &id).await, Some(FileState::Picture));
    }
    assert_eq!(state(&*store, &waiting).await, Some(FileState::Waiting));
    assert_eq!(store.deleted_files(10).await.unwrap(), [one]);
    assert!(!store.delete_file(&two, &account_id("a")).await.unwrap());
    assert!(store.delete_file(&two, &account_id("b")).await.unwrap());
    assert_eq!(state(&*store, &two).await, None);
}

pub async fn a_message_names_no_picture(subject: &dyn Subject) {
    let store = subject.open();
    let id = arrived(&*store, picture("a")).await;
    let refused = append_one(&*store, naming(id, None)).await;
    assert!(matches!(refused, Appended::FileRefused), "{refused:?}");
    let file = arrived(&*store, new_file("a", 1, 7)).await;
    assert!(
        !store.use_picture(&file).await.unwrap(),
        "nor is a file a picture"
    );
}

pub async fn a_file_stays_readable_under_a_new_key(subject: &dyn Subject) {
    let store = subject.open();
    let linked = arrived(&*store, new_file("a", 1, 7)).await;
    stored(&append_one(&*store, naming(linked, None)).await);
    let arriving = store.begin_file(new_file("a", 1, 7)).await.unwrap().unwrap();
    let deleted = arrived(&*store, new_file("a", 1, 7)).await;
    assert!(store.delete_file(&deleted, &account_id("a")).await.unwrap());
    store.rotate_key().await.unwrap();
    let mut rounds = 0;
    while store.reencrypt(1).await.unwrap() > 0 {
        rounds += 1;
        assert!(rounds < 100, "it ends");
    }
    let store = reopen(subject, store).await;
    let read = store.file(&linked).await.unwrap().unwrap();
    assert_eq!(
        (read.state, read.key.as_bytes()),
        (FileState::Linked(Mid(1)), &[3; 32])
    );
    assert_eq!(read.content, content());
    assert!(store.finish_file(&arriving, content()).await.unwrap());
}

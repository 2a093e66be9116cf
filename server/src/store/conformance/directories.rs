//! Statements on lists of a domain, and on what waits in an inbox.

use super::{Subject, account_id, advance, conversation, message, new_account, packet, room_id};
use crate::store::ids::{Mid, RoomId, Seq, Timestamp};
use crate::store::record::{Append, FirstWaiting, NewAccount, NewRoom, RoomKind};

pub async fn accounts_of_a_domain_are_listed_in_pages(subject: &dyn Subject) {
    let store = subject.open();
    let mut expected = Vec::new();
    for number in 0..7 {
        let account = new_account(&format!("account {number}"));
        expected.push(account.id.clone());
        store.create_account(account).await.unwrap();
    }
    expected.sort();
    let elsewhere = NewAccount {
        domain: "another".to_owned(),
        ..new_account("elsewhere")
    };
    store.create_account(elsewhere).await.unwrap();
    let list = async |after, limit| {
        store
            .accounts_of("example", Timestamp(50), after, limit)
            .await
            .unwrap()
    };
    assert_eq!(list(None, 100).await, expected);
    assert_eq!(list(None, 3).await, expected[..3]);
    assert_eq!(list(Some(&expected[2]), 3).await, expected[3..6]);
    assert!(list(Some(&expected[6]), 3).await.is_empty());
    store
        .set_suspension(&expected[0], Some(Timestamp(51)))
        .await
        .unwrap();
    store
        .set_suspension(&expected[1], Some(Timestamp(50)))
        .await
        .unwrap();
    assert_eq!(list(None, 100).await, expected[1..]);
    let other = store
        .accounts_of("another", Timestamp(50), None, 9)
        .await
        .unwrap();
    assert_eq!(other, [account_id("elsewhere")]);
    let none = store.accounts_of("", Timestamp(50), None, 9).await.unwrap();
    assert!(none.is_empty());
}

pub async fn rooms_of_a_domain_are_listed_in_pages(subject: &dyn Subject) {
    let store = subject.open();
    let room = |number: u8, domain: &str| NewRoom {
        id: room_id(number),
        conversation: conversation(number),
        domain: domain.to_owned(),
        kind: RoomKind::Open,
        founder: account_id("founder"),
        created: Timestamp(1),
        profile: "topic".into(),
    };
    store.create_account(new_account("founder")).await.unwrap();
    for number in 1..=6 {
        assert!(store.create_room(room(number, "example")).await.unwrap());
    }
    assert!(store.create_room(room(7, "another")).await.unwrap());
    store.dissolve_room(&room_id(2)).await.unwrap();
    let mut expected: Vec<RoomId> = [1, 3, 4, 5, 6].map(room_id).into();
    expected.sort();
    let list = async |after, limit| store.rooms_of("example", after, limit).await.unwrap();
    assert_eq!(list(None, 100).await, expected);
    assert_eq!(list(None, 2).await, expected[..2]);
    assert_eq!(list(Some(&expected[1]), 2).await, expected[2..4]);
    assert!(list(Some(&expected[4]), 2).await.is_empty());
}

pub async fn the_first_message_that_waits_is_found(subject: &dyn Subject) {
    let store = subject.open();
    let to_b = |number: u8, text: &str| Append {
        inboxes: vec![account_id("b")],
        ..message(number, None, text)
    };
    store.append_inbox(vec![packet("b", "a packet")]).await.unwrap();
    let batch = vec![to_b(1, "one"), to_b(2, "other"), to_b(1, "two"), to_b(1, "three")];
    store.append(batch).await.unwrap();
    let find = async |after, limit| {
        store
            .first_waiting(&account_id("b"), Seq(after), &conversation(1), limit)
            .await
            .unwrap()
    };
    assert_eq!(find(0, 100).await, FirstWaiting::Found(Mid(1)));
    assert_eq!(find(2, 100).await, FirstWaiting::Found(Mid(2)));
    assert_eq!(find(2, 1).await, FirstWaiting::NotUpTo(Seq(3)));
    assert_eq!(find(4, 1).await, FirstWaiting::Found(Mid(3)));
    assert_eq!(find(5, 1).await, FirstWaiting::Nothing);
    store.advance(vec![advance("b", "phone", 4, 1)]).await.unwrap();
    assert_eq!(find(4, 100).await, FirstWaiting::Found(Mid(3)));
    let nobody = store
        .first_waiting(&account_id("nobody"), Seq(0), &conversation(1), 9)
        .await;
    assert_eq!(nobody.unwrap(), FirstWaiting::Nothing);
}

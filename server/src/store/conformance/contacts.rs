//! Statements on relations of accounts.

use std::sync::Arc;

use super::{Subject, account_id, packet, reopen};
use crate::store::Store;
use crate::store::ids::Seq;
use crate::store::record::{ContactChange, ContactState, Contacts, InboxItem};

const NOTHING: Contacts = Contacts {
    own: ContactState::None,
    peer: ContactState::None,
};
const ASKED: Contacts = Contacts {
    own: ContactState::Wants,
    peer: ContactState::None,
};
const WAS_ASKED: Contacts = Contacts {
    own: ContactState::None,
    peer: ContactState::Wants,
};
const FRIENDS: Contacts = Contacts {
    own: ContactState::Wants,
    peer: ContactState::Wants,
};

async fn change(
    store: &dyn Store,
    (owner, peer): (&str, &str),
    expected: Contacts,
    becomes: Contacts,
    notices: Vec<InboxItem>,
) -> Option<Vec<Seq>> {
    let (owner, peer) = (account_id(owner), account_id(peer));
    store
        .change_contacts(ContactChange {
            owner,
            peer,
            expected,
            becomes,
            notices,
        })
        .await
        .unwrap()
}

async fn relation(store: &dyn Store, owner: &str, peer: &str) -> Contacts {
    store
        .contacts(&account_id(owner), &account_id(peer))
        .await
        .unwrap()
}

pub async fn strangers_have_no_relation(subject: &dyn Subject) {
    assert_eq!(relation(&*subject.open(), "a", "b").await, NOTHING);
}

pub async fn a_relation_is_seen_from_both_sides(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(
        change(&*store, ("a", "b"), NOTHING, ASKED, vec![]).await,
        Some(vec![])
    );
    let store = reopen(subject, store).await;
    assert_eq!(relation(&*store, "a", "b").await, ASKED);
    assert_eq!(relation(&*store, "b", "a").await, WAS_ASKED);
    assert_eq!(relation(&*store, "a", "c").await, NOTHING);
    assert!(
        change(&*store, ("b", "a"), WAS_ASKED, FRIENDS, vec![])
            .await
            .is_some()
    );
    assert_eq!(relation(&*store, "a", "b").await, FRIENDS);
}

pub async fn a_relation_that_changed_meanwhile_is_not_overwritten(subject: &dyn Subject) {
    let store = subject.open();
    change(&*store, ("a", "b"), NOTHING, ASKED, vec![]).await.unwrap();
    assert_eq!(
        change(&*store, ("a", "b"), NOTHING, FRIENDS, vec![packet("b", "x")]).await,
        None
    );
    assert_eq!(relation(&*store, "a", "b").await, ASKED);
    assert_eq!(
        store.inbox_state(&account_id("b")).await.unwrap().head,
        Seq(0),
        "no notice was left"
    );
}

pub async fn two_concurrent_changes_of_a_relation_let_one_through(subject: &dyn Subject) {
    let store = subject.open();
    for round in 0..20 {
        let peer = format!("peer {round}");
        let ask = |owner: AccountName, peer: AccountName| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                change(&*store, (&owner, &peer), NOTHING, ASKED, vec![])
                    .await
                    .is_some()
            })
        };
        let (one, two) = (
            ask("a".to_owned(), peer.clone()),
            ask(peer.clone(), "a".to_owned()),
        );
        let (one, two) = (one.await.unwrap(), two.await.unwrap());
        assert!(one != two, "exactly one goes through");
        let expected = if one { ASKED } else { WAS_ASKED };
        assert_eq!(relation(&*store, "a", &peer).await, expected);
        assert_eq!(relation(&*store, &peer, "a").await, expected.reversed());
    }
}

type AccountName = String;

pub async fn a_relation_can_be_deleted(subject: &dyn Subject) {
    let store = subject.open();
    change(&*store, ("a", "b"), NOTHING, FRIENDS, vec![])
        .await
        .unwrap();
    change(&*store, ("b", "a"), FRIENDS, NOTHING, vec![])
        .await
        .unwrap();
    assert_eq!(relation(&*store, "a", "b").await, NOTHING);
    assert_eq!(relation(&*store, "b", "a").await, NOTHING);
    assert!(
        store
            .contact_lists(&account_id("a"))
            .await
            .unwrap()
            .friends
            .is_empty()
    );
}

pub async fn both_sides_can_block_each_other_independently(subject: &dyn Subject) {
    let store = subject.open();
    let blocks = Contacts {
        own: ContactState::Blocks,
        peer: ContactState::None,
    };
    let both = Contacts {
        own: ContactState::Blocks,
        peer: ContactState::Blocks,
    };
    change(&*store, ("a", "b"), NOTHING, blocks, vec![])
        .await
        .unwrap();
    change(&*store, ("b", "a"), blocks.reversed(), both, vec![])
        .await
        .unwrap();
    for (owner, peer) in [("a", "b"), ("b", "a")] {
        let lists = store.contact_lists(&account_id(owner)).await.unwrap();
        assert_eq!(lists.blocked, [account_id(peer)]);
    }
    change(&*store, ("a", "b"), both, blocks.reversed(), vec![])
        .await
        .unwrap();
    assert!(
        store
            .contact_lists(&account_id("a"))
            .await
            .unwrap()
            .blocked
            .is_empty()
    );
    assert_eq!(
        store.contact_lists(&account_id("b")).await.unwrap().blocked,
        [account_id("a")]
    );
}

pub async fn a_change_of_a_relation_puts_notices_into_inboxes(subject: &dyn Subject) {
    let store = subject.open();
    store.append_inbox(vec![packet("b", "before")]).await.unwrap();
    let notices = vec![packet("b", "asks"), packet("a", "asked"), packet("b", "again")];
    let numbers = change(&*store, ("a", "b"), NOTHING, ASKED, notices)
        .await
        .unwrap();
    assert_eq!(numbers, [Seq(2), Seq(1), Seq(3)]);
    let store = reopen(subject, store).await;
    let inbox = store
        .read_inbox(&account_id("b"), Seq(1), 10, 1000)
        .await
        .unwrap();
    let bodies: Vec<_> = inbox.iter().map(|entry| entry.body.clone().unwrap()).collect();
    assert_eq!(bodies, ["asks", "again"]);
}

pub async fn contact_lists_are_sorted_and_apart(subject: &dyn Subject) {
    let store = subject.open();
    let blocks = Contacts {
        own: ContactState::Blocks,
        peer: ContactState::Wants,
    };
    let mut friends = Vec::new();
    for number in 0..9 {
        let peer = format!("friend {number}");
        change(&*store, ("a", &peer), NOTHING, FRIENDS, vec![])
            .await
            .unwrap();
        friends.push(account_id(&peer));
    }
    change(&*store, ("a", "asked"), NOTHING, ASKED, vec![])
        .await
        .unwrap();
    change(&*store, ("a", "blocked"), NOTHING, blocks, vec![])
        .await
        .unwrap();
    change(&*store, ("c", "d"), NOTHING, FRIENDS, vec![])
        .await
        .unwrap();
    friends.sort();
    let lists = store.contact_lists(&account_id("a")).await.unwrap();
    assert_eq!(lists.friends, friends);
    assert_eq!(lists.blocked, [account_id("blocked")]);
    let lists = store.contact_lists(&account_id("blocked")).await.unwrap();
    assert!(
        lists.friends.is_empty() && lists.blocked.is_empty(),
        "being blocked is not told"
    );
}

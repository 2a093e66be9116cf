//! Statements on rooms and who belongs to them.

use std::sync::Arc;

use super::{Subject, account_id, advance, conversation, device, message, packet, reopen, room_id};
use crate::store::Store;
use crate::store::ids::{AccountId, Seq, Timestamp};
use crate::store::record::{
    ContactState, Dissolved, Membership, MembershipChange, MembershipChanged, NewRoom, Room, RoomAdvance,
    RoomKind, RoomUpdate,
};

pub(super) const NOTHING: Membership = Membership {
    room: ContactState::None,
    account: ContactState::None,
};
pub(super) const ASKED: Membership = Membership {
    room: ContactState::None,
    account: ContactState::Wants,
};
const INVITED: Membership = Membership {
    room: ContactState::Wants,
    account: ContactState::None,
};
const BLOCKED: Membership = Membership {
    room: ContactState::Blocks,
    account: ContactState::None,
};
const BLOCKS: Membership = Membership {
    room: ContactState::None,
    account: ContactState::Blocks,
};

/// A room founded by `founder`; its conversation has the number of the room.
pub(super) fn new_room(number: u8) -> NewRoom {
    NewRoom {
        id: room_id(number),
        conversation: conversation(number),
        domain: "example".to_owned(),
        kind: RoomKind::Private,
        founder: account_id("founder"),
        created: Timestamp(1_000),
        profile: "topic".into(),
    }
}

pub(super) fn membership_change(
    number: u8,
    account: &str,
    expected: Membership,
    becomes: Membership,
) -> MembershipChange {
    MembershipChange {
        room: room_id(number),
        conversation: conversation(number),
        account: account_id(account),
        expected,
        becomes,
        notices: Vec::new(),
    }
}

/// Changes a membership without notices; answers where the log was.
pub(super) async fn change(
    store: &dyn Store,
    number: u8,
    account: &str,
    expected: Membership,
    becomes: Membership,
) -> Seq {
    let change = membership_change(number, account, expected, becomes);
    match store.change_membership(change).await.unwrap() {
        MembershipChanged::Done { since, .. } => since,
        other => panic!("{other:?}"),
    }
}

async fn membership(store: &dyn Store, number: u8, account: &str) -> Membership {
    store
        .membership(&room_id(number), &account_id(account))
        .await
        .unwrap()
}

async fn members(store: &dyn Store, number: u8) -> Vec<AccountId> {
    store
        .room_members(&room_id(number), None, usize::MAX)
        .await
        .unwrap()
}

async fn room(store: &dyn Store, number: u8) -> Room {
    store.room(&room_id(number)).await.unwrap().unwrap()
}

fn sorted<const N: usize>(names: [&str; N]) -> Vec<AccountId> {
    let mut ids = names.map(account_id).to_vec();
    ids.sort();
    ids
}

fn update(number: u8, expected_version: i64) -> RoomUpdate {
    RoomUpdate {
        id: room_id(number),
        expected_version,
        profile: None,
        managers: None,
    }
}

pub async fn a_room_reads_back_as_created(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(store.room(&room_id(1)).await.unwrap(), None);
    assert!(store.create_room(new_room(1)).await.unwrap());
    let open = NewRoom {
        kind: RoomKind::Open,
        profile: "".into(),
        ..new_room(2)
    };
    assert!(store.create_room(open).await.unwrap());
    let store = reopen(subject, store).await;
    let expected = Room {
        id: room_id(1),
        conversation: conversation(1),
        domain: "example".to_owned(),
        kind: RoomKind::Private,
        founder: account_id("founder"),
        managers: Vec::new(),
        created: Timestamp(1_000),
        dissolved: false,
        profile: "topic".into(),
        version: room(&*store, 1).await.version,
    };
    assert_eq!(room(&*store, 1).await, expected);
    assert_eq!(room(&*store, 2).await.kind, RoomKind::Open);
    assert_eq!(room(&*store, 2).await.profile, "");
}

pub async fn a_room_id_is_used_once(subject: &dyn Subject) {
    let store = subject.open();
    assert!(store.create_room(new_room(1)).await.unwrap());
    let another = NewRoom {
        founder: account_id("thief"),
        profile: "another".into(),
        ..new_room(1)
    };
    assert!(!store.create_room(another.clone()).await.unwrap());
    assert_eq!(room(&*store, 1).await.profile, "topic");
    assert_eq!(membership(&*store, 1, "thief").await, NOTHING);
    assert_eq!(store.dissolve_room(&room_id(1)).await.unwrap(), Dissolved::Done);
    assert!(
        !store.create_room(another).await.unwrap(),
        "not after the end either"
    );
}

pub async fn a_founder_is_the_first_member(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    let store = reopen(subject, store).await;
    assert_eq!(members(&*store, 1).await, [account_id("founder")]);
    assert!(membership(&*store, 1, "founder").await.is_member());
    let lists = store.room_lists(&account_id("founder")).await.unwrap();
    assert_eq!(lists.joined, [room_id(1)]);
}

pub async fn a_room_changes_only_from_the_version_that_was_seen(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    let seen = room(&*store, 1).await.version;
    let renamed = RoomUpdate {
        profile: Some("another topic".into()),
        ..update(1, seen)
    };
    let changed = store.update_room(renamed.clone()).await.unwrap().unwrap();
    assert_eq!(changed.profile, "another topic");
    assert!(changed.version > seen);
    let store = reopen(subject, store).await;
    assert_eq!(room(&*store, 1).await, changed);
    assert_eq!(
        store.update_room(renamed).await.unwrap(),
        None,
        "seen too long ago"
    );
    assert_eq!(
        store.update_room(update(9, 1)).await.unwrap(),
        None,
        "no such room"
    );
    assert_eq!(room(&*store, 1).await, changed);
}

pub async fn of_two_concurrent_changes_of_a_room_one_goes_through(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    for _ in 0..10 {
        let seen = room(&*store, 1).await.version;
        let changes = ["one", "two"].map(|text| {
            let store = Arc::clone(&store);
            let update = RoomUpdate {
                profile: Some(text.into()),
                ..update(1, seen)
            };
            tokio::spawn(async move { store.update_room(update).await.unwrap() })
        });
        let mut done = Vec::new();
        for change in changes {
            done.extend(change.await.unwrap());
        }
        assert_eq!(done.len(), 1);
        assert_eq!(room(&*store, 1).await, done[0]);
    }
}

pub async fn managers_are_members_and_not_the_founder(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    for name in ["a", "b", "c"] {
        change(&*store, 1, name, NOTHING, Membership::MEMBER).await;
    }
    change(&*store, 1, "asked", NOTHING, ASKED).await;
    let names = ["b", "stranger", "a", "founder", "asked", "a"];
    let appoint = RoomUpdate {
        managers: Some(names.map(account_id).to_vec()),
        ..update(1, room(&*store, 1).await.version)
    };
    let changed = store.update_room(appoint).await.unwrap().unwrap();
    assert_eq!(changed.managers, sorted(["a", "b"]));
    assert_eq!(changed.profile, "topic", "what does not change stays");
    let renamed = RoomUpdate {
        profile: Some("x".into()),
        ..update(1, changed.version)
    };
    let changed = store.update_room(renamed).await.unwrap().unwrap();
    assert_eq!(changed.managers, sorted(["a", "b"]));
    let store = reopen(subject, store).await;
    assert_eq!(room(&*store, 1).await, changed);
    let replace = RoomUpdate {
        managers: Some(sorted(["b", "c"])),
        ..update(1, changed.version)
    };
    let changed = store.update_room(replace).await.unwrap().unwrap();
    assert_eq!(changed.managers, sorted(["b", "c"]));
    assert_eq!(room(&*store, 1).await, changed);
}

pub async fn a_manager_who_leaves_is_none_any_more(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    change(&*store, 1, "a", NOTHING, Membership::MEMBER).await;
    let appoint = RoomUpdate {
        managers: Some(vec![account_id("a")]),
        ..update(1, room(&*store, 1).await.version)
    };
    let before = store.update_room(appoint).await.unwrap().unwrap();
    change(&*store, 1, "a", Membership::MEMBER, BLOCKED).await;
    let after = room(&*store, 1).await;
    assert!(after.managers.is_empty());
    assert!(after.version > before.version);
    change(&*store, 1, "a", BLOCKED, Membership::MEMBER).await;
    assert!(
        room(&*store, 1).await.managers.is_empty(),
        "rights do not come back with the membership"
    );
    change(&*store, 1, "b", NOTHING, Membership::MEMBER).await;
    change(&*store, 1, "b", Membership::MEMBER, NOTHING).await;
    assert_eq!(
        room(&*store, 1).await.version,
        after.version,
        "members who come and go do not change the record"
    );
}

pub async fn a_relation_to_a_room_is_stored_and_deleted(subject: &dyn Subject) {
    let mut store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    assert_eq!(membership(&*store, 1, "a").await, NOTHING);
    assert_eq!(membership(&*store, 9, "a").await, NOTHING);
    let mut present = NOTHING;
    for next in [
        ASKED,
        INVITED,
        Membership::MEMBER,
        BLOCKED,
        BLOCKS,
        Membership {
            room: ContactState::Blocks,
            account: ContactState::Blocks,
        },
        Membership::MEMBER,
        Membership::MEMBER,
        NOTHING,
        NOTHING,
    ] {
        change(&*store, 1, "a", present, next).await;
        store = reopen(subject, store).await;
        assert_eq!(membership(&*store, 1, "a").await, next);
        let is_listed = members(&*store, 1).await.contains(&account_id("a"));
        assert_eq!(is_listed, next.is_member());
        let blocks = store.room_blocks(&room_id(1), None, 10).await.unwrap();
        assert_eq!(!blocks.is_empty(), next.room == ContactState::Blocks);
        let lists = store.room_lists(&account_id("a")).await.unwrap();
        assert_eq!(!lists.joined.is_empty(), next.is_member());
        assert_eq!(!lists.blocked.is_empty(), next.account == ContactState::Blocks);
        assert_eq!(!lists.requested.is_empty(), next.is_pending());
        present = next;
    }
}

pub async fn a_membership_that_changed_meanwhile_is_not_overwritten(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    change(&*store, 1, "a", NOTHING, ASKED).await;
    let late = MembershipChange {
        notices: vec![packet("a", "notice")],
        ..membership_change(1, "a", NOTHING, Membership::MEMBER)
    };
    assert_eq!(
        store.change_membership(late).await.unwrap(),
        MembershipChanged::Stale
    );
    assert_eq!(membership(&*store, 1, "a").await, ASKED);
    let inbox = store.inbox_state(&account_id("a")).await.unwrap();
    assert_eq!(inbox.head, Seq(0), "no notice was left");
}

pub async fn of_two_concurrent_changes_of_a_membership_one_goes_through(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    for round in 0..20 {
        let name = format!("member {round}");
        let changes = [Membership::MEMBER, BLOCKED].map(|becomes| {
            let store = Arc::clone(&store);
            let change = membership_change(1, &name, NOTHING, becomes);
            tokio::spawn(async move { (becomes, store.change_membership(change).await.unwrap()) })
        });
        let mut done = Vec::new();
        for change in changes {
            let (becomes, outcome) = change.await.unwrap();
            if outcome != MembershipChanged::Stale {
                done.push(becomes);
            }
        }
        assert_eq!(done.len(), 1);
        assert_eq!(membership(&*store, 1, &name).await, done[0]);
    }
}

pub async fn a_room_that_is_not_there_has_no_members(subject: &dyn Subject) {
    let store = subject.open();
    let join = |number| MembershipChange {
        notices: vec![packet("a", "notice")],
        ..membership_change(number, "a", NOTHING, Membership::MEMBER)
    };
    assert_eq!(
        store.change_membership(join(1)).await.unwrap(),
        MembershipChanged::NoRoom
    );
    assert_eq!(membership(&*store, 1, "a").await, NOTHING);
    assert_eq!(members(&*store, 1).await, []);
    store.create_room(new_room(1)).await.unwrap();
    store.dissolve_room(&room_id(1)).await.unwrap();
    assert_eq!(
        store.change_membership(join(1)).await.unwrap(),
        MembershipChanged::NoRoom
    );
    let inbox = store.inbox_state(&account_id("a")).await.unwrap();
    assert_eq!(inbox.head, Seq(0), "no notice was left");
}

pub async fn a_change_of_a_membership_puts_notices_into_inboxes(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    store.append_inbox(vec![packet("a", "before")]).await.unwrap();
    let change = MembershipChange {
        notices: vec![packet("founder", "asks"), packet("a", "asked")],
        ..membership_change(1, "a", NOTHING, ASKED)
    };
    let MembershipChanged::Done { seqs, .. } = store.change_membership(change).await.unwrap() else {
        panic!("it is changed")
    };
    assert_eq!(seqs, [Seq(1), Seq(2)]);
    let store = reopen(subject, store).await;
    let inbox = store
        .read_inbox(&account_id("founder"), Seq(0), 10, 1000)
        .await
        .unwrap();
    assert_eq!(inbox[0].body.as_ref().unwrap(), "asks");
}

pub async fn a_new_member_is_told_where_the_log_is(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    assert_eq!(change(&*store, 1, "a", NOTHING, Membership::MEMBER).await, Seq(0));
    let batch = vec![message(1, None, "one"), message(1, None, "two")];
    store.append(batch).await.unwrap();
    assert_eq!(change(&*store, 1, "b", NOTHING, Membership::MEMBER).await, Seq(2));
    assert_eq!(
        change(&*store, 1, "a", Membership::MEMBER, Membership::MEMBER).await,
        Seq(0),
        "an old member stays where it was"
    );
    assert_eq!(change(&*store, 1, "c", NOTHING, ASKED).await, Seq(0), "no member");
    change(&*store, 1, "a", Membership::MEMBER, NOTHING).await;
    let store = reopen(subject, store).await;
    assert_eq!(
        change(&*store, 1, "a", NOTHING, Membership::MEMBER).await,
        Seq(2),
        "whoever comes back is new"
    );
}

pub async fn members_are_listed_in_pages_sorted_by_id(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    store.create_room(new_room(2)).await.unwrap();
    let mut expected = vec![account_id("founder")];
    for number in 0..25 {
        let name = format!("member {number}");
        change(&*store, 1, &name, NOTHING, Membership::MEMBER).await;
        expected.push(account_id(&name));
    }
    for (number, becomes) in [ASKED, INVITED, BLOCKED, BLOCKS].into_iter().enumerate() {
        change(&*store, 1, &format!("other {number}"), NOTHING, becomes).await;
    }
    change(&*store, 2, "elsewhere", NOTHING, Membership::MEMBER).await;
    expected.sort();
    let store = reopen(subject, store).await;
    assert_eq!(members(&*store, 1).await, expected);
    let mut listed: Vec<AccountId> = Vec::new();
    loop {
        let page = store.room_members(&room_id(1), listed.last(), 10).await.unwrap();
        assert!(page.len() <= 10);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, expected);
    assert_eq!(store.room_members(&room_id(1), None, 0).await.unwrap(), []);
}

pub async fn blocks_of_a_room_are_listed_in_pages_sorted_by_id(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    for name in ["a", "b", "c"] {
        change(&*store, 1, name, NOTHING, BLOCKED).await;
    }
    change(&*store, 1, "member", NOTHING, Membership::MEMBER).await;
    change(&*store, 1, "blocks", NOTHING, BLOCKS).await;
    let expected = sorted(["a", "b", "c"]);
    let first = store.room_blocks(&room_id(1), None, 2).await.unwrap();
    assert_eq!(first, expected[..2]);
    let second = store.room_blocks(&room_id(1), first.last(), 2).await.unwrap();
    assert_eq!(second, expected[2..]);
}

pub async fn rooms_of_an_account_are_sorted_and_apart(subject: &dyn Subject) {
    let store = subject.open();
    let mut joined = Vec::new();
    for number in 1..=9 {
        store.create_room(new_room(number)).await.unwrap();
        let becomes = match number {
            1 => ASKED,
            2 => BLOCKED,
            3 => BLOCKS,
            _ => Membership::MEMBER,
        };
        change(&*store, number, "a", NOTHING, becomes).await;
        if becomes.is_member() {
            joined.push(room_id(number));
        }
    }
    joined.sort();
    let lists = store.room_lists(&account_id("a")).await.unwrap();
    assert_eq!(lists.joined, joined);
    assert_eq!(lists.blocked, [room_id(3)]);
    let lists = store.room_lists(&account_id("nobody")).await.unwrap();
    assert_eq!(lists, crate::store::RoomLists::default());
}

pub async fn a_room_with_other_members_is_not_dissolved(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(
        store.dissolve_room(&room_id(1)).await.unwrap(),
        Dissolved::NotFound
    );
    store.create_room(new_room(1)).await.unwrap();
    change(&*store, 1, "a", NOTHING, Membership::MEMBER).await;
    assert_eq!(
        store.dissolve_room(&room_id(1)).await.unwrap(),
        Dissolved::OthersLeft
    );
    assert!(!room(&*store, 1).await.dissolved);
    assert_eq!(members(&*store, 1).await.len(), 2);
    change(&*store, 1, "a", Membership::MEMBER, NOTHING).await;
    assert_eq!(store.dissolve_room(&room_id(1)).await.unwrap(), Dissolved::Done);
}

pub async fn a_dissolved_room_stays_readable_and_unchangeable(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    store.append(vec![message(1, None, "kept")]).await.unwrap();
    let before = room(&*store, 1).await;
    assert_eq!(store.dissolve_room(&room_id(1)).await.unwrap(), Dissolved::Done);
    let store = reopen(subject, store).await;
    let after = room(&*store, 1).await;
    assert!(after.dissolved && after.version > before.version);
    assert_eq!(after.profile, before.profile);
    assert_eq!(store.update_room(update(1, after.version)).await.unwrap(), None);
    assert_eq!(
        store.dissolve_room(&room_id(1)).await.unwrap(),
        Dissolved::NotFound
    );
}

pub async fn a_dissolved_room_has_relations_to_nobody(subject: &dyn Subject) {
    let store = subject.open();
    store.create_room(new_room(1)).await.unwrap();
    store.append(vec![message(1, None, "text")]).await.unwrap();
    store
        .advance(vec![advance("founder", "phone", 0, 1)])
        .await
        .unwrap();
    let read = RoomAdvance {
        owner: account_id("founder"),
        device: device("phone"),
        room: room_id(1),
        position: Seq(1),
    };
    store.advance_rooms(vec![read]).await.unwrap();
    for (name, becomes) in [("asked", ASKED), ("blocked", BLOCKED), ("blocks", BLOCKS)] {
        change(&*store, 1, name, NOTHING, becomes).await;
    }
    store.dissolve_room(&room_id(1)).await.unwrap();
    let store = reopen(subject, store).await;
    for name in ["founder", "asked", "blocked", "blocks"] {
        assert_eq!(membership(&*store, 1, name).await, NOTHING, "{name}");
        let lists = store.room_lists(&account_id(name)).await.unwrap();
        assert_eq!(lists, crate::store::RoomLists::default(), "{name}");
    }
    assert_eq!(members(&*store, 1).await, []);
    assert_eq!(store.room_blocks(&room_id(1), None, 10).await.unwrap(), []);
    let positions = store
        .room_positions(&account_id("founder"), &device("phone"))
        .await
        .unwrap();
    assert_eq!(positions, []);
}

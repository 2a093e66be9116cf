//! Statements on inboxes and the positions of devices.

use super::{Subject, account_id, advance, conversation, device, message, packet, reopen, stored};
use crate::store::Store;
use crate::store::ids::{Mid, Seq, Timestamp};
use crate::store::record::{Append, InboxCopy, InboxItem, InboxState, Retract};

async fn fill(store: &dyn Store, owner: &str, entries: usize) {
    let items = (0..entries).map(|number| packet(owner, &format!("entry {number}")));
    store.append_inbox(items.collect()).await.unwrap();
}

async fn state(store: &dyn Store, owner: &str) -> InboxState {
    let mut state = store.inbox_state(&account_id(owner)).await.unwrap();
    state.devices.sort();
    state
}

async fn read(store: &dyn Store, owner: &str, after: i64) -> Vec<InboxCopy> {
    store
        .read_inbox(&account_id(owner), Seq(after), 1000, usize::MAX)
        .await
        .unwrap()
}

async fn seqs(store: &dyn Store, owner: &str, after: i64) -> Vec<i64> {
    read(store, owner, after)
        .await
        .iter()
        .map(|entry| entry.seq.0)
        .collect()
}

pub async fn inboxes_are_numbered_densely_and_independently(subject: &dyn Subject) {
    let store = subject.open();
    let items = vec![
        packet("a", "1"),
        packet("b", "1"),
        packet("a", "2"),
        packet("a", "3"),
    ];
    assert_eq!(
        store.append_inbox(items).await.unwrap(),
        [Seq(1), Seq(1), Seq(2), Seq(3)]
    );
    let store = reopen(subject, store).await;
    assert_eq!(
        store
            .append_inbox(vec![packet("a", "4"), packet("b", "2")])
            .await
            .unwrap(),
        [Seq(4), Seq(2)]
    );
    assert_eq!(state(&*store, "a").await.head, Seq(4));
}

pub async fn packets_and_references_read_back_in_order(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "b", 1).await;
    let append = Append {
        inboxes: vec![account_id("b")],
        ..message(1, None, "text")
    };
    assert_eq!(stored(&store.append(vec![append]).await.unwrap()[0]).1, [Seq(2)]);
    store.append(vec![message(1, None, "later")]).await.unwrap();
    let reference = InboxItem::Reference {
        owner: account_id("b"),
        conversation: conversation(1),
        mid: Mid(2),
    };
    store
        .append_inbox(vec![reference, packet("b", "")])
        .await
        .unwrap();
    let store = reopen(subject, store).await;
    let copy = |seq, mid: Option<i64>, body: &'static str| InboxCopy {
        seq: Seq(seq),
        mid: mid.map(Mid),
        client_id: None,
        body: Some(body.into()),
    };
    let expected = [
        copy(1, None, "entry 0"),
        copy(2, Some(1), "text"),
        copy(3, Some(2), "later"),
        copy(4, None, ""),
    ];
    assert_eq!(read(&*store, "b", 0).await, expected);
    assert_eq!(read(&*store, "b", 2).await, expected[2..]);
    assert_eq!(read(&*store, "b", 4).await, []);
    assert_eq!(read(&*store, "b", i64::MAX).await, []);
    assert_eq!(read(&*store, "b", i64::MIN).await, expected);
}

pub async fn a_reference_tells_the_number_its_author_gave(subject: &dyn Subject) {
    let store = subject.open();
    let append = |client_id| Append {
        inboxes: vec![account_id("b")],
        ..message(1, client_id, "text")
    };
    let batch = [Some(-7), None, Some(0), Some(i64::MAX), Some(8)].map(append);
    store.append(batch.to_vec()).await.unwrap();
    let retract = Retract {
        conversation: conversation(1),
        mid: Mid(5),
        author: account_id("a"),
        notices: vec![],
        log: None,
    };
    store.retract(retract).await.unwrap();
    store.append_inbox(vec![packet("b", "packet")]).await.unwrap();
    let store = reopen(subject, store).await;
    let numbers: Vec<_> = read(&*store, "b", 0)
        .await
        .iter()
        .map(|copy| copy.client_id)
        .collect();
    assert_eq!(numbers, [Some(-7), None, None, Some(i64::MAX), None, None]);
}

pub async fn a_reference_to_a_recalled_message_has_no_body(subject: &dyn Subject) {
    let store = subject.open();
    let append = |text| Append {
        inboxes: vec![account_id("b")],
        ..message(1, None, text)
    };
    store.append(vec![append("one"), append("two")]).await.unwrap();
    let retract = Retract {
        conversation: conversation(1),
        mid: Mid(1),
        author: account_id("a"),
        notices: vec![],
        log: None,
    };
    store.retract(retract).await.unwrap();
    let inbox = read(&*store, "b", 0).await;
    assert_eq!((inbox[0].mid, inbox[0].body.clone()), (Some(Mid(1)), None));
    assert_eq!(
        inbox[1].body.as_ref().unwrap(),
        "two",
        "it blocks nothing behind it"
    );
}

pub async fn a_reference_to_nothing_has_no_body(subject: &dyn Subject) {
    let store = subject.open();
    let reference = InboxItem::Reference {
        owner: account_id("b"),
        conversation: conversation(9),
        mid: Mid(5),
    };
    store.append_inbox(vec![reference]).await.unwrap();
    assert_eq!(
        read(&*store, "b", 0).await,
        [InboxCopy {
            seq: Seq(1),
            mid: Some(Mid(5)),
            client_id: None,
            body: None
        }]
    );
}

pub async fn reading_is_limited_by_number(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 10).await;
    let owner = account_id("a");
    let page = store.read_inbox(&owner, Seq(2), 3, usize::MAX).await.unwrap();
    assert_eq!(
        page.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(),
        [3, 4, 5]
    );
    assert!(
        store
            .read_inbox(&owner, Seq(0), 0, usize::MAX)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn reading_is_limited_by_bytes_after_the_first(subject: &dyn Subject) {
    let store = subject.open();
    let append = |length: usize| Append {
        inboxes: vec![account_id("b")],
        body: vec![b'x'; length].into(),
        ..message(1, None, "")
    };
    store
        .append(vec![append(50), append(30), append(21), append(40)])
        .await
        .unwrap();
    let owner = account_id("b");
    for (after, bytes, expected) in [
        (0, 100, 2),
        (0, 101, 3),
        (0, 79, 1),
        (0, 80, 2),
        (0, 0, 1),
        (0, 141, 4),
        (1, 51, 2),
        (3, 1, 1),
    ] {
        let page = store.read_inbox(&owner, Seq(after), 10, bytes).await.unwrap();
        assert_eq!(page.len(), expected, "after {after}, at most {bytes} bytes");
    }
}

pub async fn an_unused_inbox_is_empty(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(state(&*store, "a").await, InboxState::default());
    assert!(read(&*store, "a", 0).await.is_empty());
}

pub async fn a_new_device_starts_where_no_other_has_acknowledged(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 5).await;
    assert_eq!(state(&*store, "a").await.floor, Seq(0));
    store
        .advance(vec![advance("a", "phone", 2, 1), advance("a", "desk", 4, 1)])
        .await
        .unwrap();
    store.advance(vec![advance("a", "phone", 3, 1)]).await.unwrap();
    let store = reopen(subject, store).await;
    let expected = InboxState {
        head: Seq(5),
        floor: Seq(4),
        devices: vec![(device("desk"), Seq(4)), (device("phone"), Seq(3))],
    };
    assert_eq!(state(&*store, "a").await, expected);
}

pub async fn positions_only_move_forward(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 5).await;
    store
        .advance(vec![advance("a", "phone", 3, 9), advance("a", "phone", 1, 5)])
        .await
        .unwrap();
    let store = reopen(subject, store).await;
    store
        .advance(vec![advance("a", "phone", i64::MIN, 5)])
        .await
        .unwrap();
    assert_eq!(state(&*store, "a").await.devices, [(device("phone"), Seq(3))]);
    assert_eq!(
        store.forget_devices(Timestamp(9)).await.unwrap(),
        0,
        "nor does the time of last sight"
    );
}

pub async fn a_position_beyond_the_end_is_the_end(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 3).await;
    store
        .advance(vec![
            advance("a", "phone", i64::MAX, 1),
            advance("b", "desk", 4, 1),
        ])
        .await
        .unwrap();
    assert_eq!(state(&*store, "a").await.devices, [(device("phone"), Seq(3))]);
    assert_eq!(state(&*store, "b").await.devices, [(device("desk"), Seq(0))]);
    fill(&*store, "a", 1).await;
    assert_eq!(seqs(&*store, "a", 0).await, [4], "what comes later is not lost");
}

pub async fn entries_passed_by_all_devices_are_gone(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 5).await;
    store.advance(vec![advance("a", "phone", 3, 1)]).await.unwrap();
    assert_eq!(seqs(&*store, "a", 0).await, [4, 5]);
    let store = reopen(subject, store).await;
    assert_eq!(seqs(&*store, "a", 0).await, [4, 5]);
    store.advance(vec![advance("a", "phone", 5, 1)]).await.unwrap();
    assert!(seqs(&*store, "a", 0).await.is_empty());
}

pub async fn entries_wait_for_the_slowest_device(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 5).await;
    store
        .advance(vec![advance("a", "phone", 1, 1), advance("a", "desk", 4, 1)])
        .await
        .unwrap();
    assert_eq!(seqs(&*store, "a", 0).await, [2, 3, 4, 5]);
    store.advance(vec![advance("a", "phone", 4, 1)]).await.unwrap();
    assert_eq!(seqs(&*store, "a", 0).await, [5]);
}

pub async fn an_emptied_inbox_goes_on_counting(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 3).await;
    store.advance(vec![advance("a", "phone", 3, 1)]).await.unwrap();
    let store = reopen(subject, store).await;
    assert_eq!(state(&*store, "a").await.head, Seq(3));
    assert_eq!(store.forget_devices(Timestamp(2)).await.unwrap(), 1);
    let store = reopen(subject, store).await;
    assert_eq!(
        store.append_inbox(vec![packet("a", "next")]).await.unwrap(),
        [Seq(4)]
    );
    assert_eq!(seqs(&*store, "a", 0).await, [4]);
}

pub async fn a_forgotten_device_no_longer_holds_entries(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 5).await;
    store
        .advance(vec![advance("a", "old", 1, 10), advance("a", "phone", 4, 20)])
        .await
        .unwrap();
    assert_eq!(store.forget_devices(Timestamp(20)).await.unwrap(), 1);
    let store = reopen(subject, store).await;
    assert_eq!(seqs(&*store, "a", 0).await, [5]);
    assert_eq!(state(&*store, "a").await.devices, [(device("phone"), Seq(4))]);
}

pub async fn forgetting_devices_keeps_the_start_of_new_ones(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 5).await;
    store
        .advance(vec![advance("a", "slow", 2, 20), advance("a", "fast", 4, 10)])
        .await
        .unwrap();
    assert_eq!(store.forget_devices(Timestamp(15)).await.unwrap(), 1);
    let state_now = state(&*store, "a").await;
    assert_eq!((state_now.floor, state_now.devices.len()), (Seq(4), 1));
    assert_eq!(seqs(&*store, "a", 0).await, [3, 4, 5]);
    assert_eq!(store.forget_devices(Timestamp(25)).await.unwrap(), 1);
    let store = reopen(subject, store).await;
    let state_now = state(&*store, "a").await;
    assert_eq!((state_now.floor, state_now.head), (Seq(4), Seq(5)));
    assert_eq!(
        seqs(&*store, "a", 0).await,
        [5],
        "no device will ever read the others"
    );
}

pub async fn a_seen_device_is_not_forgotten(subject: &dyn Subject) {
    let store = subject.open();
    store.advance(vec![advance("a", "phone", 0, 10)]).await.unwrap();
    store.advance(vec![advance("a", "phone", 0, 30)]).await.unwrap();
    assert_eq!(store.forget_devices(Timestamp(30)).await.unwrap(), 0);
    assert_eq!(store.forget_devices(Timestamp(31)).await.unwrap(), 1);
    assert_eq!(store.forget_devices(Timestamp(31)).await.unwrap(), 0);
}

pub async fn a_forgotten_device_can_come_back(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 2).await;
    store.advance(vec![advance("a", "phone", 1, 10)]).await.unwrap();
    store.forget_devices(Timestamp(20)).await.unwrap();
    store.advance(vec![advance("a", "phone", 1, 30)]).await.unwrap();
    assert_eq!(state(&*store, "a").await.devices, [(device("phone"), Seq(1))]);
    assert_eq!(seqs(&*store, "a", 0).await, [2]);
}

pub async fn devices_of_two_accounts_are_independent(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 3).await;
    fill(&*store, "b", 3).await;
    store
        .advance(vec![advance("a", "phone", 3, 1), advance("b", "phone", 1, 1)])
        .await
        .unwrap();
    assert_eq!(state(&*store, "a").await.devices, [(device("phone"), Seq(3))]);
    assert_eq!(state(&*store, "b").await.devices, [(device("phone"), Seq(1))]);
    assert_eq!(seqs(&*store, "b", 0).await, [2, 3]);
}

pub async fn device_names_are_told_apart_exactly(subject: &dyn Subject) {
    let store = subject.open();
    let names = ["", "phone", "Phone", "phone ", "téléphone", "手机", "a\0b"];
    let advances = names.iter().map(|name| advance("a", name, 0, 1));
    store.advance(advances.collect()).await.unwrap();
    let store = reopen(subject, store).await;
    let mut expected: Vec<_> = names.iter().map(|name| (device(name), Seq(0))).collect();
    expected.sort();
    assert_eq!(state(&*store, "a").await.devices, expected);
}

pub async fn the_device_unseen_for_longest_makes_room_for_a_new_one(subject: &dyn Subject) {
    let store = subject.open();
    fill(&*store, "a", 2).await;
    let most = i64::try_from(crate::store::MAX_DEVICES).unwrap();
    for number in 0..=most {
        let advance = advance(
            "a",
            &format!("device {number}"),
            i64::from(number == 0),
            100 + number,
        );
        store.advance(vec![advance]).await.unwrap();
    }
    let known = state(&*store, "a").await;
    assert_eq!(known.devices.len(), crate::store::MAX_DEVICES);
    assert!(!known.devices.iter().any(|(name, _)| *name == device("device 0")));
    assert_eq!(known.floor, Seq(1), "what it had acknowledged stays acknowledged");
}

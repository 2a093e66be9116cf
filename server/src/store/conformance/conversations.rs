//! Statements on messages, history and recall.

use std::sync::Arc;

use bytes::Bytes;

use super::{Subject, account_id, conversation, message, packet, reopen, stored};
use crate::store::Store;
use crate::store::ids::{Mid, Seq, Timestamp};
use crate::store::record::{Append, Appended, Retract, Retracted, UpperBound};

async fn append_one(store: &dyn Store, append: Append) -> Appended {
    let mut outcomes = store.append(vec![append]).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

fn mids(outcomes: &[Appended]) -> Vec<i64> {
    outcomes.iter().map(|outcome| stored(outcome).0.0).collect()
}

async fn history(store: &dyn Store, upper: UpperBound, limit: usize) -> Vec<i64> {
    let page = store
        .history(&conversation(1), upper, limit, usize::MAX)
        .await
        .unwrap();
    page.iter().map(|message| message.mid.0).collect()
}

/// A retraction that logged nothing.
fn retracted(seqs: Vec<Seq>) -> Retracted {
    Retracted::Done { seqs, position: None }
}

fn recall(mid: i64, author: &str) -> Retract {
    Retract {
        conversation: conversation(1),
        mid: Mid(mid),
        author: account_id(author),
        notices: vec![],
        log: None,
    }
}

pub async fn messages_get_dense_numbers_in_batch_order(subject: &dyn Subject) {
    let store = subject.open();
    let batch = |texts: [&str; 3]| texts.map(|text| message(1, None, text)).to_vec();
    assert_eq!(
        mids(&store.append(batch(["a", "b", "c"])).await.unwrap()),
        [1, 2, 3]
    );
    let store = reopen(subject, store).await;
    assert_eq!(
        mids(&store.append(batch(["d", "e", "f"])).await.unwrap()),
        [4, 5, 6]
    );
    let page = store
        .history(&conversation(1), UpperBound::Newest, 10, usize::MAX)
        .await
        .unwrap();
    let bodies: Vec<_> = page.iter().rev().map(|message| message.body.clone()).collect();
    assert_eq!(bodies, ["a", "b", "c", "d", "e", "f"]);
}

pub async fn conversations_are_numbered_independently(subject: &dyn Subject) {
    let store = subject.open();
    let batch = vec![
        message(1, None, "a"),
        message(2, None, "b"),
        message(1, None, "c"),
        message(2, None, "d"),
    ];
    assert_eq!(mids(&store.append(batch).await.unwrap()), [1, 1, 2, 2]);
}

pub async fn a_repeated_message_is_stored_once(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(
        stored(&append_one(&*store, message(1, Some(7), "first")).await).0,
        Mid(1)
    );
    let store = reopen(subject, store).await;
    append_one(&*store, message(1, Some(8), "between")).await;
    let again = Append {
        timestamp: Timestamp(999),
        ..message(1, Some(7), "changed")
    };
    let Appended::Duplicate(original) = append_one(&*store, again).await else {
        panic!("stored twice")
    };
    assert_eq!(original.mid, Mid(1));
    assert_eq!(original.timestamp, Timestamp(100));
    assert_eq!(original.body.unwrap(), "first");
    assert_eq!(history(&*store, UpperBound::Newest, 10).await, [2, 1]);
    assert_eq!(
        stored(&append_one(&*store, message(1, None, "next")).await).0,
        Mid(3),
        "no number is lost"
    );
}

pub async fn a_repeat_inside_one_batch_is_recognised(subject: &dyn Subject) {
    let store = subject.open();
    let batch = vec![
        message(1, Some(7), "a"),
        message(1, Some(7), "a"),
        message(1, Some(8), "b"),
    ];
    let outcomes = store.append(batch).await.unwrap();
    assert_eq!(stored(&outcomes[0]).0, Mid(1));
    assert!(matches!(&outcomes[1], Appended::Duplicate(original) if original.mid == Mid(1)));
    assert_eq!(stored(&outcomes[2]).0, Mid(2));
}

pub async fn the_same_client_number_of_two_authors_is_no_repeat(subject: &dyn Subject) {
    let store = subject.open();
    let from_b = Append {
        sender: account_id("b"),
        ..message(1, Some(7), "b")
    };
    let outcomes = store
        .append(vec![message(1, Some(7), "a"), from_b])
        .await
        .unwrap();
    assert_eq!(mids(&outcomes), [1, 2]);
}

pub async fn the_same_client_number_in_two_conversations_is_no_repeat(subject: &dyn Subject) {
    let store = subject.open();
    let outcomes = store
        .append(vec![message(1, Some(7), "a"), message(2, Some(7), "a")])
        .await
        .unwrap();
    assert_eq!(mids(&outcomes), [1, 1]);
}

pub async fn messages_without_client_number_are_never_repeats(subject: &dyn Subject) {
    let store = subject.open();
    let batch = vec![
        message(1, None, "a"),
        message(1, None, "a"),
        message(1, Some(i64::MIN), "a"),
    ];
    assert_eq!(mids(&store.append(batch).await.unwrap()), [1, 2, 3]);
}

pub async fn a_repeat_of_a_recalled_message_has_no_body(subject: &dyn Subject) {
    let store = subject.open();
    append_one(&*store, message(1, Some(7), "a")).await;
    assert_eq!(store.retract(recall(1, "a")).await.unwrap(), retracted(vec![]));
    let Appended::Duplicate(original) = append_one(&*store, message(1, Some(7), "a")).await else {
        panic!("a recalled message came back")
    };
    assert_eq!((original.mid, original.body), (Mid(1), None));
}

pub async fn a_repeat_puts_nothing_into_inboxes(subject: &dyn Subject) {
    let store = subject.open();
    let append = Append {
        inboxes: vec![account_id("b")],
        ..message(1, Some(7), "a")
    };
    store.append(vec![append.clone(), append.clone()]).await.unwrap();
    append_one(&*store, append).await;
    assert_eq!(store.inbox_state(&account_id("b")).await.unwrap().head, Seq(1));
}

pub async fn one_message_can_go_to_many_inboxes(subject: &dyn Subject) {
    let store = subject.open();
    store.append_inbox(vec![packet("b", "before")]).await.unwrap();
    let owners: Vec<_> = ["a", "b", "c"].map(account_id).to_vec();
    let outcome = append_one(
        &*store,
        Append {
            inboxes: owners.clone(),
            ..message(1, None, "text")
        },
    )
    .await;
    assert_eq!(stored(&outcome), (Mid(1), vec![Seq(1), Seq(2), Seq(1)]));
    for owner in &owners {
        let inbox = store.read_inbox(owner, Seq(0), 10, 1000).await.unwrap();
        let entry = inbox.last().unwrap();
        assert_eq!(
            (entry.mid, entry.body.clone().unwrap()),
            (Some(Mid(1)), Bytes::from_static(b"text"))
        );
    }
}

pub async fn concurrent_batches_leave_no_gap(subject: &dyn Subject) {
    let store = subject.open();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut numbers = Vec::new();
                for _ in 0..25 {
                    let append = Append {
                        inboxes: vec![account_id("b")],
                        ..message(1, None, "x")
                    };
                    let (mid, seqs) = stored(&append_one(&*store, append).await);
                    assert_eq!(mid.0, seqs[0].0, "one inbox, one conversation: the same numbers");
                    numbers.push(mid.0);
                }
                assert!(numbers.is_sorted());
                numbers
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for writer in writers {
        numbers.extend(writer.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}

pub async fn an_empty_batch_is_fine(subject: &dyn Subject) {
    let store = subject.open();
    assert!(store.append(vec![]).await.unwrap().is_empty());
    assert!(store.append_inbox(vec![]).await.unwrap().is_empty());
    store.advance(vec![]).await.unwrap();
}

pub async fn large_bodies_survive(subject: &dyn Subject) {
    let store = subject.open();
    let body: Bytes = (0..3_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let append = Append {
        body: body.clone(),
        inboxes: vec![account_id("b")],
        ..message(1, None, "")
    };
    let empty = Append {
        body: Bytes::new(),
        ..append.clone()
    };
    store.append(vec![append, empty]).await.unwrap();
    let store = reopen(subject, store).await;
    let page = store
        .history(&conversation(1), UpperBound::Newest, 10, usize::MAX)
        .await
        .unwrap();
    assert_eq!((page[0].body.len(), page[1].body == body), (0, true));
    let inbox = store.read_inbox(&account_id("b"), Seq(0), 10, 100).await.unwrap();
    assert_eq!(inbox.len(), 1, "the first entry comes whatever its size");
    assert_eq!(inbox[0].body.as_ref().unwrap().len(), body.len());
}

async fn ten_messages(store: &dyn Store) {
    let batch = (1..=10).map(|i| Append {
        timestamp: Timestamp(i * 10),
        ..message(1, None, "x")
    });
    store.append(batch.collect()).await.unwrap();
}

pub async fn history_is_newest_first_and_limited(subject: &dyn Subject) {
    let store = subject.open();
    ten_messages(&*store).await;
    assert_eq!(history(&*store, UpperBound::Newest, 3).await, [10, 9, 8]);
    assert_eq!(history(&*store, UpperBound::Newest, 100).await.len(), 10);
    assert_eq!(history(&*store, UpperBound::Newest, 0).await, [0_i64; 0]);
}

pub async fn history_starts_at_a_number_inclusive(subject: &dyn Subject) {
    let store = subject.open();
    ten_messages(&*store).await;
    assert_eq!(history(&*store, UpperBound::Mid(Mid(4)), 2).await, [4, 3]);
    assert_eq!(history(&*store, UpperBound::Mid(Mid(99)), 2).await, [10, 9]);
    for below in [0, -1, i64::MIN] {
        assert_eq!(history(&*store, UpperBound::Mid(Mid(below)), 2).await, [0_i64; 0]);
    }
}

pub async fn history_starts_at_a_time_inclusive(subject: &dyn Subject) {
    let store = subject.open();
    ten_messages(&*store).await;
    for (time, newest) in [
        (10, Some(1)),
        (45, Some(4)),
        (50, Some(5)),
        (99, Some(9)),
        (100, Some(10)),
        (9, None),
    ] {
        let page = history(&*store, UpperBound::Time(Timestamp(time)), 1).await;
        assert_eq!(page.first().copied(), newest, "at {time}");
    }
    assert_eq!(
        history(&*store, UpperBound::Time(Timestamp(i64::MAX)), 1).await,
        [10]
    );
    assert_eq!(
        history(&*store, UpperBound::Time(Timestamp(i64::MIN)), 1).await,
        [0_i64; 0]
    );
    for mid in 4..=6 {
        store.retract(recall(mid, "a")).await.unwrap();
    }
    assert_eq!(history(&*store, UpperBound::Time(Timestamp(55)), 2).await, [3, 2]);
}

pub async fn history_by_time_works_when_the_clock_went_backwards(subject: &dyn Subject) {
    let store = subject.open();
    for time in [100, 200, 50, 150, 300] {
        append_one(
            &*store,
            Append {
                timestamp: Timestamp(time),
                ..message(1, Some(time), "x")
            },
        )
        .await;
    }
    let store = reopen(subject, store).await;
    // What arrived after 200 counts as not earlier than 200.
    assert_eq!(history(&*store, UpperBound::Time(Timestamp(160)), 10).await, [1]);
    assert_eq!(
        history(&*store, UpperBound::Time(Timestamp(200)), 10).await,
        [4, 3, 2, 1]
    );
    let page = store
        .history(&conversation(1), UpperBound::Newest, 10, usize::MAX)
        .await
        .unwrap();
    let times: Vec<_> = page.iter().map(|message| message.timestamp.0).collect();
    assert_eq!(
        times,
        [300, 150, 50, 200, 100],
        "the time of arrival itself is kept"
    );
    let Appended::Duplicate(original) = append_one(&*store, message(1, Some(50), "x")).await else {
        panic!("stored twice")
    };
    assert_eq!(original.timestamp, Timestamp(50));
}

pub async fn history_of_an_unknown_conversation_is_empty(subject: &dyn Subject) {
    let store = subject.open();
    for upper in [
        UpperBound::Newest,
        UpperBound::Mid(Mid(5)),
        UpperBound::Time(Timestamp(5)),
    ] {
        assert!(history(&*store, upper, 10).await.is_empty());
    }
}

pub async fn history_leaves_recalled_messages_out(subject: &dyn Subject) {
    let store = subject.open();
    ten_messages(&*store).await;
    for mid in [10, 8, 3] {
        store.retract(recall(mid, "a")).await.unwrap();
    }
    let store = reopen(subject, store).await;
    assert_eq!(history(&*store, UpperBound::Newest, 4).await, [9, 7, 6, 5]);
    assert_eq!(history(&*store, UpperBound::Mid(Mid(3)), 4).await, [2, 1]);
}

pub async fn only_the_author_can_recall(subject: &dyn Subject) {
    let store = subject.open();
    append_one(&*store, message(1, Some(1), "a")).await;
    append_one(&*store, message(1, None, "a")).await;
    for mid in [1, 2] {
        let mut attempt = recall(mid, "b");
        attempt.notices = vec![packet("c", "x")];
        assert_eq!(store.retract(attempt).await.unwrap(), Retracted::OtherAuthor);
    }
    assert_eq!(history(&*store, UpperBound::Newest, 4).await, [2, 1]);
    assert_eq!(store.inbox_state(&account_id("c")).await.unwrap().head, Seq(0));
}

pub async fn a_recall_happens_once(subject: &dyn Subject) {
    let store = subject.open();
    append_one(&*store, message(1, None, "a")).await;
    assert_eq!(store.retract(recall(1, "a")).await.unwrap(), retracted(vec![]));
    let store = reopen(subject, store).await;
    for mid in [1, 2, 0, -1, i64::MAX, i64::MIN] {
        assert_eq!(
            store.retract(recall(mid, "a")).await.unwrap(),
            Retracted::NotFound,
            "mid {mid}"
        );
    }
    let elsewhere = Retract {
        conversation: conversation(2),
        ..recall(1, "a")
    };
    assert_eq!(store.retract(elsewhere).await.unwrap(), Retracted::NotFound);
}

pub async fn a_recall_puts_notices_into_inboxes(subject: &dyn Subject) {
    let store = subject.open();
    append_one(
        &*store,
        Append {
            inboxes: vec![account_id("b")],
            ..message(1, None, "a")
        },
    )
    .await;
    let mut retract = recall(1, "a");
    retract.notices = vec![packet("b", "recalled"), packet("a", "done")];
    assert_eq!(
        store.retract(retract).await.unwrap(),
        retracted(vec![Seq(2), Seq(1)])
    );
    let inbox = store.read_inbox(&account_id("b"), Seq(0), 10, 100).await.unwrap();
    assert_eq!(inbox.len(), 2);
    assert_eq!(inbox[0].body, None);
    assert_eq!(inbox[1].body.as_ref().unwrap(), "recalled");
}

pub async fn a_recalled_number_is_not_used_again(subject: &dyn Subject) {
    let store = subject.open();
    append_one(&*store, message(1, None, "a")).await;
    append_one(&*store, message(1, None, "b")).await;
    store.retract(recall(2, "a")).await.unwrap();
    let store = reopen(subject, store).await;
    assert_eq!(
        stored(&append_one(&*store, message(1, None, "c")).await).0,
        Mid(3)
    );
}

pub async fn a_page_of_history_is_bounded_by_bytes_but_never_empty(subject: &dyn Subject) {
    let store = subject.open();
    let batch = (0..5).map(|_| message(1, None, &"x".repeat(1_000))).collect();
    store.append(batch).await.unwrap();
    let page = |max_bytes| {
        let store = &store;
        async move {
            store
                .history(&conversation(1), UpperBound::Newest, 10, max_bytes)
                .await
                .unwrap()
                .len()
        }
    };
    assert_eq!(page(1).await, 1);
    assert_eq!(page(2_500).await, 2);
    assert_eq!(page(usize::MAX).await, 5);
}

//! Random sequences of operations, run on two stores that must answer the same.

use std::fmt::Debug;

use proptest::prelude::*;

use super::room_model::{RoomOperation, room_operation};
use super::{account_id, advance, conversation, packet};
use crate::store::Store;
use crate::store::ids::{Mid, Seq, Timestamp};
use crate::store::record::{
    Append, ContactChange, ContactState, Contacts, InboxItem, NewAccount, Retract, UpperBound,
};

/// One operation, on few accounts and conversations, so that operations meet.
#[derive(Clone, Debug)]
pub enum Operation {
    Create {
        account: u8,
    },
    Append(Vec<AppendSeed>),
    History {
        conversation: u8,
        upper: UpperBound,
        limit: usize,
    },
    Retract {
        conversation: u8,
        mid: i64,
        author: u8,
        notices: u8,
        log: Option<usize>,
    },
    Room(RoomOperation),
    Put(Vec<(u8, Option<(u8, i64)>)>),
    State {
        owner: u8,
    },
    Read {
        owner: u8,
        after: i64,
        limit: usize,
        bytes: usize,
    },
    Advance(Vec<(u8, u8, i64, i64)>),
    Forget {
        before: i64,
    },
    Relate {
        owner: u8,
        peer: u8,
        expected: Option<(u8, u8)>,
        becomes: (u8, u8),
    },
    Lists {
        owner: u8,
    },
    Rotate,
    Reencrypt {
        limit: usize,
    },
    /// Close and open again, when the store is durable.
    Reopen,
}

/// What a message is made of.
#[derive(Clone, Debug)]
pub struct AppendSeed {
    conversation: u8,
    sender: u8,
    client_id: Option<i64>,
    timestamp: i64,
    length: usize,
    inboxes: Vec<u8>,
}

/// A strategy for sequences of operations.
pub fn operations(length: usize) -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), 1..length)
}

fn operation() -> impl Strategy<Value = Operation> {
    let who = || 0..4_u8;
    let seed = (
        0..3_u8,
        who(),
        prop::option::of(0..6_i64),
        0..50_i64,
        0..60_usize,
        prop::collection::vec(who(), 0..3),
    )
        .prop_map(
            |(conversation, sender, client_id, timestamp, length, inboxes)| AppendSeed {
                conversation,
                sender,
                client_id,
                timestamp,
                length,
                inboxes,
            },
        );
    let upper = prop_oneof![
        Just(UpperBound::Newest),
        (-1..20_i64).prop_map(|mid| UpperBound::Mid(Mid(mid))),
        (-1..60_i64).prop_map(|time| UpperBound::Time(Timestamp(time))),
    ];
    let nibbles = || (0..3_u8, 0..3_u8);
    prop_oneof![
        2 => who().prop_map(|account| Operation::Create { account }),
        8 => prop::collection::vec(seed, 0..12).prop_map(Operation::Append),
        4 => (0..3_u8, upper, 0..8_usize)
            .prop_map(|(conversation, upper, limit)| Operation::History { conversation, upper, limit }),
        4 => (0..3_u8, 0..12_i64, who(), 0..3_u8, prop::option::of(0..40_usize))
            .prop_map(|(conversation, mid, author, notices, log)| {
                Operation::Retract { conversation, mid, author, notices, log }
            }),
        25 => room_operation().prop_map(Operation::Room),
        3 => prop::collection::vec((who(), prop::option::of((0..3_u8, 0..9_i64))), 0..5)
            .prop_map(Operation::Put),
        4 => who().prop_map(|owner| Operation::State { owner }),
        5 => (who(), -1..20_i64, 0..9_usize, 0..150_usize)
            .prop_map(|(owner, after, limit, bytes)| Operation::Read { owner, after, limit, bytes }),
        6 => prop::collection::vec((who(), 0..3_u8, -1..40_i64, 0..50_i64), 0..12)
            .prop_map(Operation::Advance),
        1 => (0..50_i64).prop_map(|before| Operation::Forget { before }),
        3 => (who(), who(), prop::option::of(nibbles()), nibbles())
            .prop_map(|(owner, peer, expected, becomes)| Operation::Relate { owner, peer, expected, becomes }),
        2 => who().prop_map(|owner| Operation::Lists { owner }),
        1 => Just(Operation::Rotate),
        1 => (1..20_usize).prop_map(|limit| Operation::Reencrypt { limit }),
        1 => Just(Operation::Reopen),
    ]
}

pub(super) fn name(number: u8) -> String {
    format!("account {number}")
}

fn contacts((own, peer): (u8, u8)) -> Contacts {
    let state = |number| match number {
        1 => ContactState::Wants,
        2 => ContactState::Blocks,
        _ => ContactState::None,
    };
    Contacts {
        own: state(own),
        peer: state(peer),
    }
}

/// Runs an operation on both stores and compares what they answer.
pub async fn compare(operation: &Operation, one: &dyn Store, two: &dyn Store) {
    let (answer_one, answer_two) = (answer(operation, one).await, answer(operation, two).await);
    assert_eq!(answer_one, answer_two, "answers to {operation:?}");
}

pub(super) fn text(answer: impl Debug) -> String {
    format!("{answer:?}")
}

async fn answer(operation: &Operation, store: &dyn Store) -> String {
    match operation.clone() {
        Operation::Create { account } => text(
            store
                .create_account(NewAccount {
                    id: account_id(&name(account)),
                    domain: String::new(),
                    password_hash: "hash".to_owned(),
                    created: Timestamp(0),
                })
                .await,
        ),
        Operation::Append(seeds) => {
            let batch = seeds.into_iter().map(|seed| Append {
                conversation: conversation(seed.conversation),
                sender: account_id(&name(seed.sender)),
                client_id: seed.client_id,
                timestamp: Timestamp(seed.timestamp),
                body: vec![b'x'; seed.length].into(),
                inboxes: seed
                    .inboxes
                    .into_iter()
                    .map(|owner| account_id(&name(owner)))
                    .collect(),
                file: None,
            });
            text(store.append(batch.collect()).await)
        }
        Operation::History {
            conversation: number,
            upper,
            limit,
        } => text(
            store
                .history(&conversation(number), upper, limit, usize::MAX)
                .await,
        ),
        Operation::Retract {
            conversation: number,
            mid,
            author,
            notices,
            log,
        } => {
            let notices = (0..notices).map(|owner| packet(&name(owner), "notice"));
            let retract = Retract {
                conversation: conversation(number),
                mid: Mid(mid),
                author: account_id(&name(author)),
                notices: notices.collect(),
                log: log.map(|length| vec![b'l'; length].into()),
            };
            text(store.retract(retract).await)
        }
        Operation::Put(entries) => {
            let items = entries.into_iter().map(|(owner, reference)| match reference {
                None => packet(&name(owner), "packet"),
                Some((number, mid)) => InboxItem::Reference {
                    owner: account_id(&name(owner)),
                    conversation: conversation(number),
                    mid: Mid(mid),
                },
            });
            text(store.append_inbox(items.collect()).await)
        }
        Operation::State { owner } => text(store.inbox_state(&account_id(&name(owner))).await),
        Operation::Read {
            owner,
            after,
            limit,
            bytes,
        } => text(
            store
                .read_inbox(&account_id(&name(owner)), Seq(after), limit, bytes)
                .await,
        ),
        Operation::Advance(moves) => {
            let advances = moves.into_iter().map(|(owner, device, position, seen)| {
                advance(&name(owner), &format!("{device}"), position, seen)
            });
            text(store.advance(advances.collect()).await)
        }
        Operation::Forget { before } => text(store.forget_devices(Timestamp(before)).await),
        Operation::Relate {
            owner,
            peer,
            expected,
            becomes,
        } => {
            let (owner, peer) = (account_id(&name(owner)), account_id(&name(peer)));
            let expected = match expected {
                Some(expected) => contacts(expected),
                None => store.contacts(&owner, &peer).await.unwrap(),
            };
            let change = ContactChange {
                owner: owner.clone(),
                peer: peer.clone(),
                expected,
                becomes: contacts(becomes),
                notices: vec![InboxItem::Packet {
                    owner: peer.clone(),
                    body: "notice".into(),
                }],
            };
            let changed = store.change_contacts(change).await;
            text((
                changed,
                store.contacts(&owner, &peer).await,
                store.contacts(&peer, &owner).await,
            ))
        }
        Operation::Lists { owner } => text(store.contact_lists(&account_id(&name(owner))).await),
        Operation::Room(operation) => super::room_model::answer(operation, store).await,
        Operation::Rotate => text(store.rotate_key().await),
        Operation::Reencrypt { limit } => {
            let done = store.reencrypt(limit).await.unwrap();
            assert!(done <= limit as u64);
            String::new()
        }
        Operation::Reopen => String::new(),
    }
}

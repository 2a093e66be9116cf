//! The part of the random operations that concerns rooms, logs and profiles.

use proptest::prelude::*;

use super::model::text;
use super::{account_id, conversation, device, packet, room_id};
use crate::store::Store;
use crate::store::ids::{AccountId, Seq, Timestamp};
use crate::store::record::{
    ContactState, Membership, MembershipChange, NewRoom, RoomAdvance, RoomKind, RoomUpdate,
};

/// One operation, on few rooms, whose conversations other operations use as well.
#[derive(Clone, Debug)]
pub enum RoomOperation {
    SetProfile {
        account: u8,
        length: usize,
    },
    Profiles(Vec<u8>),
    Create {
        room: u8,
        founder: u8,
    },
    Update {
        room: u8,
        stale: bool,
        profile: Option<usize>,
        managers: Option<Vec<u8>>,
    },
    Dissolve {
        room: u8,
    },
    Change {
        room: u8,
        account: u8,
        /// As it is, when not given.
        expected: Option<(u8, u8)>,
        becomes: (u8, u8),
        notices: u8,
    },
    Members {
        room: u8,
        after: Option<u8>,
        limit: usize,
    },
    Lists {
        account: u8,
    },
    ReadLog {
        conversation: u8,
        after: i64,
        limit: usize,
        bytes: usize,
    },
    Positions {
        owner: u8,
        device: u8,
    },
    Advance(Vec<(u8, u8, u8, i64)>),
}

pub(super) fn room_operation() -> impl Strategy<Value = RoomOperation> {
    let who = || 0..4_u8;
    let room = || 0..3_u8;
    // Mostly members, so that there is something to see.
    let becomes = prop_oneof![3 => Just((1, 1)), 3 => (0..3_u8, 0..3_u8)];
    prop_oneof![
        1 => (who(), 0..40_usize)
            .prop_map(|(account, length)| RoomOperation::SetProfile { account, length }),
        1 => prop::collection::vec(who(), 0..5).prop_map(RoomOperation::Profiles),
        4 => (room(), who()).prop_map(|(room, founder)| RoomOperation::Create { room, founder }),
        3 => (room(), any::<bool>(), prop::option::of(0..40_usize),
              prop::option::of(prop::collection::vec(who(), 0..4)))
            .prop_map(|(room, stale, profile, managers)| RoomOperation::Update { room, stale, profile, managers }),
        1 => room().prop_map(|room| RoomOperation::Dissolve { room }),
        8 => (room(), who(), prop::option::weighted(0.2, (0..3_u8, 0..3_u8)), becomes, 0..2_u8)
            .prop_map(|(room, account, expected, becomes, notices)| {
                RoomOperation::Change { room, account, expected, becomes, notices }
            }),
        3 => (room(), prop::option::of(who()), 0..5_usize)
            .prop_map(|(room, after, limit)| RoomOperation::Members { room, after, limit }),
        2 => who().prop_map(|account| RoomOperation::Lists { account }),
        6 => (room(), -1..30_i64, 0..9_usize, 0..150_usize)
            .prop_map(|(conversation, after, limit, bytes)| {
                RoomOperation::ReadLog { conversation, after, limit, bytes }
            }),
        6 => (who(), 0..4_u8).prop_map(|(owner, device)| RoomOperation::Positions { owner, device }),
        6 => prop::collection::vec((who(), 0..3_u8, room(), -1..40_i64), 0..12)
            .prop_map(RoomOperation::Advance),
    ]
}

fn account(number: u8) -> AccountId {
    account_id(&super::model::name(number))
}

fn membership((room, account): (u8, u8)) -> Membership {
    let state = |number| match number {
        1 => ContactState::Wants,
        2 => ContactState::Blocks,
        _ => ContactState::None,
    };
    Membership {
        room: state(room),
        account: state(account),
    }
}

pub(super) async fn answer(operation: RoomOperation, store: &dyn Store) -> String {
    match operation {
        RoomOperation::SetProfile {
            account: number,
            length,
        } => text(
            store
                .set_user_profile(&account(number), vec![b'p'; length].into())
                .await,
        ),
        RoomOperation::Profiles(accounts) => {
            let ids: Vec<_> = accounts.into_iter().map(account).collect();
            text(store.user_profiles(&ids).await)
        }
        RoomOperation::Create { room, founder } => {
            let new = NewRoom {
                id: room_id(room),
                conversation: conversation(room),
                domain: String::new(),
                kind: RoomKind::Open,
                founder: account(founder),
                created: Timestamp(1),
                profile: "topic".into(),
            };
            let created = store.create_room(new).await;
            text((created, store.room(&room_id(room)).await))
        }
        RoomOperation::Update {
            room,
            stale,
            profile,
            managers,
        } => {
            let id = room_id(room);
            let seen = store.room(&id).await.unwrap().map_or(0, |room| room.version);
            let update = RoomUpdate {
                id: id.clone(),
                expected_version: seen - i64::from(stale),
                profile: profile.map(|length| vec![b'r'; length].into()),
                managers: managers.map(|managers| managers.into_iter().map(account).collect()),
            };
            let updated = store.update_room(update).await;
            text((updated, store.room(&id).await))
        }
        RoomOperation::Dissolve { room } => {
            let id = room_id(room);
            text((store.dissolve_room(&id).await, store.room(&id).await))
        }
        RoomOperation::Change {
            room,
            account: number,
            expected,
            becomes,
            notices,
        } => {
            let (id, account) = (room_id(room), account(number));
            let expected = match expected {
                Some(expected) => membership(expected),
                None => store.membership(&id, &account).await.unwrap(),
            };
            let notices = (0..notices).map(|owner| packet(&super::model::name(owner), "notice"));
            let change = MembershipChange {
                room: id.clone(),
                conversation: conversation(room),
                account: account.clone(),
                expected,
                becomes: membership(becomes),
                notices: notices.collect(),
            };
            let changed = store.change_membership(change).await;
            text((
                changed,
                store.membership(&id, &account).await,
                store.room(&id).await,
            ))
        }
        RoomOperation::Members { room, after, limit } => {
            let after = after.map(account);
            text((
                store.room_members(&room_id(room), after.as_ref(), limit).await,
                store.room_blocks(&room_id(room), after.as_ref(), limit).await,
            ))
        }
        RoomOperation::Lists { account: number } => text(store.room_lists(&account(number)).await),
        RoomOperation::ReadLog {
            conversation: number,
            after,
            limit,
            bytes,
        } => text(
            store
                .read_log(&conversation(number), Seq(after), limit, bytes)
                .await,
        ),
        RoomOperation::Positions {
            owner,
            device: number,
        } => text(
            store
                .room_positions(&account(owner), &device(&format!("{number}")))
                .await,
        ),
        RoomOperation::Advance(moves) => {
            let advances = moves
                .into_iter()
                .map(|(owner, number, room, position)| RoomAdvance {
                    owner: account(owner),
                    device: device(&format!("{number}")),
                    room: room_id(room),
                    position: Seq(position),
                });
            text(store.advance_rooms(advances.collect()).await)
        }
    }
}

//! Lists: rooms of an account, members of a room. The list of members of a large room is what
//! everybody asks for after a change, so it is read once for all who ask at the same time.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tim_protocol::error_code::ErrorCode;
use tokio::sync::Mutex;

use super::decide::Role;
use crate::engine::accounts::Login;
use crate::engine::write_through::WriteThrough;
use crate::engine::{Engine, store_failure};
use crate::store::{AccountId, RoomId, RoomLists, Store, StoreError};

/// Accounts read from the store at once.
const PAGE: usize = 2_048;
/// Bytes of lists that are kept.
const KEPT_BYTES: u64 = 32 << 20;
/// Lists that are read at the same time.
const READERS: usize = 16;

/// A list that was read, and when.
struct Reading {
    room: RoomId,
    began: u64,
    members: Arc<Vec<AccountId>>,
}

/// Lists of members by room.
pub struct MemberLists {
    known: WriteThrough<RoomId, Arc<Vec<AccountId>>>,
    readers: Box<[Mutex<Option<Reading>>]>,
    hasher: RandomState,
    clock: AtomicU64,
}

impl Default for MemberLists {
    fn default() -> Self {
        Self {
            known: WriteThrough::new(64, KEPT_BYTES, |members| {
                (64 + members.len() * size_of::<AccountId>()) as u64
            }),
            readers: (0..READERS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            clock: AtomicU64::new(0),
        }
    }
}

impl MemberLists {
    /// The members of a room have changed.
    pub fn forget(&self, room: &RoomId) {
        self.known.forget(room);
    }

    /// The members of a room, as they were at some time during this call. Sorted by id.
    ///
    /// # Errors
    /// The store failed.
    pub async fn read(&self, store: &dyn Store, room: &RoomId) -> Result<Arc<Vec<AccountId>>, StoreError> {
        if let Some(members) = self.known.get(room) {
            return Ok(members);
        }
        let arrived = self.clock.fetch_add(1, Ordering::Relaxed);
        #[allow(clippy::cast_possible_truncation, reason = "reduced to the number of readers")]
        let at = self.hasher.hash_one(room) as usize % READERS;
        let mut last = self.readers[at].lock().await;
        if let Some(members) = self.known.get(room) {
            return Ok(members);
        }
        // What somebody began to read after this call began is as new as it has to be.
        if let Some(reading) = last
            .as_ref()
            .filter(|last| last.room == *room && last.began > arrived)
        {
            return Ok(Arc::clone(&reading.members));
        }
        let began = self.clock.fetch_add(1, Ordering::Relaxed);
        let change = self.known.begin(room);
        let members = Arc::new(read_all(store, room).await?);
        self.known.read(room, change, Arc::clone(&members));
        *last = Some(Reading {
            room: room.clone(),
            began,
            members: Arc::clone(&members),
        });
        Ok(members)
    }
}

/// Reads a list page by page.
async fn read_all(store: &dyn Store, room: &RoomId) -> Result<Vec<AccountId>, StoreError> {
    let mut all: Vec<AccountId> = Vec::new();
    loop {
        let page = store.room_members(room, all.last(), PAGE).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

impl Engine {
    /// The rooms an account is a member of and those it blocks.
    ///
    /// # Errors
    /// The store failed.
    pub async fn room_lists(&self, login: &Login) -> Result<RoomLists, ErrorCode> {
        self.mirror_rooms(&login.account().id).await?;
        let lists = self.store.room_lists(&login.account().id).await;
        lists.map_err(|error| store_failure(&error))
    }

    /// The members of a room, sorted by id.
    ///
    /// # Errors
    /// `Account` for unknown rooms, `Params` for who is not a member.
    pub async fn room_members(&self, login: &Login, room: &RoomId) -> Result<Arc<Vec<AccountId>>, ErrorCode> {
        let standing = self.standing(login, room).await?;
        if standing.is_dissolved || !standing.membership.is_member() {
            return Err(ErrorCode::Params);
        }
        self.members_of(room).await
    }

    /// The members of a room, sorted by id, whoever asks.
    ///
    /// # Errors
    /// The store failed.
    pub async fn members_of(&self, room: &RoomId) -> Result<Arc<Vec<AccountId>>, ErrorCode> {
        if let Some(members) = self.members_elsewhere(room).await? {
            return Ok(members);
        }
        let members = self.rooms.members.read(&*self.store, room).await;
        members.map_err(|error| store_failure(&error))
    }

    /// The accounts a room blocks, sorted by id; nothing for who is not of its staff.
    ///
    /// # Errors
    /// The store failed.
    pub async fn room_blocks(&self, login: &Login, room: &RoomId) -> Result<Vec<AccountId>, ErrorCode> {
        let me = login.account();
        let Some(record) = self.room_record(&me.domain, room).await? else {
            return Ok(Vec::new());
        };
        let membership = self.membership(room, &me.id).await?;
        if record.dissolved || !Role::of(&record, &me.id, membership).is_staff() {
            return Ok(Vec::new());
        }
        let mut all: Vec<AccountId> = Vec::new();
        loop {
            let page = self.store.room_blocks(room, all.last(), PAGE).await;
            let page = page.map_err(|error| store_failure(&error))?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tim_protocol::node::wide_node_from_random;

    use super::*;
    use crate::store::{
        ConversationId, Membership, MembershipChange, MembershipChanged, MemoryStore, NewAccount, NewRoom,
        RoomKind, Timestamp,
    };

    fn account(number: u32) -> AccountId {
        let mut id = [0; 15];
        id[..4].copy_from_slice(&number.to_be_bytes());
        AccountId::new(wide_node_from_random(id))
    }

    async fn change(
        store: &dyn Store,
        room: &RoomId,
        number: u32,
        expected: Membership,
        becomes: Membership,
    ) {
        let change = MembershipChange {
            room: room.clone(),
            conversation: ConversationId([1; 16]),
            account: account(number),
            expected,
            becomes,
            notices: Vec::new(),
        };
        let changed = store.change_membership(change).await.unwrap();
        assert!(matches!(changed, MembershipChanged::Done { .. }), "{changed:?}");
    }

    /// A room with `members` members.
    async fn crowded(store: &dyn Store, members: u32) -> RoomId {
        let id = RoomId::new(wide_node_from_random([200; 15]));
        for number in 0..members {
            let account = NewAccount {
                id: account(number),
                domain: String::new(),
                password_hash: "*".to_owned(),
                created: Timestamp(1),
            };
            store.create_account(account).await.unwrap();
        }
        let room = NewRoom {
            id: id.clone(),
            conversation: ConversationId([1; 16]),
            domain: String::new(),
            kind: RoomKind::Open,
            founder: account(0),
            created: Timestamp(1),
            profile: bytes::Bytes::new(),
        };
        assert!(store.create_room(room).await.unwrap());
        for number in 1..members {
            change(store, &id, number, Membership::default(), Membership::MEMBER).await;
        }
        id
    }

    #[tokio::test]
    async fn a_list_is_whole_kept_and_forgotten() {
        #[allow(clippy::cast_possible_truncation, reason = "a small number")]
        let members = 2 * PAGE as u32;
        let store = MemoryStore::new().unwrap();
        let room = crowded(&store, members).await;
        let lists = MemberLists::default();
        let first = lists.read(&store, &room).await.unwrap();
        let mut expected: Vec<AccountId> = (0..members).map(account).collect();
        expected.sort_unstable();
        assert_eq!(*first, expected);
        let again = lists.read(&store, &room).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again), "it is kept");
        change(&store, &room, 7, Membership::MEMBER, Membership::default()).await;
        lists.forget(&room);
        expected.retain(|member| *member != account(7));
        assert_eq!(*lists.read(&store, &room).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_list_that_was_read_before_a_call_began_is_not_answered_after_a_change() {
        let store = MemoryStore::new().unwrap();
        let room = crowded(&store, 3).await;
        let lists = MemberLists::default();
        for round in 0..10 {
            assert_eq!(lists.read(&store, &room).await.unwrap().len(), 3);
            change(&store, &room, 2, Membership::MEMBER, Membership::default()).await;
            lists.forget(&room);
            assert_eq!(lists.read(&store, &room).await.unwrap().len(), 2, "round {round}");
            change(&store, &room, 2, Membership::default(), Membership::MEMBER).await;
            lists.forget(&room);
        }
    }
}

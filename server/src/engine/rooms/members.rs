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

//! The caches of room records and memberships, and the membership lock of an account.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tim_protocol::error_code::ErrorCode;
use tokio::sync::{Mutex, MutexGuard};

use super::members::MemberLists;
use crate::cluster::Event;
use crate::engine::accounts::Login;
use crate::engine::attempts::Attempts;
use crate::engine::files::Person;
use crate::engine::roster::REQUESTS_PER_PAIR;
use crate::engine::settings::{AttemptLimit, RoomSettings};
use crate::engine::write_through::WriteThrough;
use crate::engine::{Engine, store_failure};
use crate::store::{AccountId, ConversationId, Membership, Room, RoomId, RoomUpdate};

const LOCKS: usize = 1_024;
/// Bytes of room records that are kept, about.
const RECORD_BYTES: u64 = 32 << 20;
/// Memberships that are kept.
const MEMBERSHIPS: usize = 262_144;

/// Notices that one account causes another by adding, removing and refusing it: each is stored.
const NOTICES_PER_PAIR: AttemptLimit = AttemptLimit {
    burst: 200,
    refill: Duration::from_secs(5),
};

/// What permission needs to know of a room and an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The room's conversation.
    pub conversation: ConversationId,
    /// What the two think of each other.
    pub membership: Membership,
    /// Whether the founder dissolved the room.
    pub is_dissolved: bool,
}

/// What is known of rooms.
pub struct Rooms {
    pub(in crate::engine) records: WriteThrough<RoomId, Arc<Room>>,
    pub(in crate::engine) memberships: WriteThrough<(RoomId, AccountId), Membership>,
    pub(super) members: MemberLists,
    pub(super) requests: Attempts<(AccountId, RoomId)>,
    pub(super) notices: Attempts<(AccountId, AccountId)>,
    pub(super) creations: Attempts<AccountId>,
    locks: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Rooms {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(settings: &RoomSettings) -> Self {
        Self {
            records: WriteThrough::new(16_384, RECORD_BYTES, |room| {
                (256 + room.profile.len() + 24 * room.managers.len()) as u64
            }),
            memberships: WriteThrough::new(MEMBERSHIPS, MEMBERSHIPS as u64, |_| 1),
            members: MemberLists::default(),
            requests: Attempts::new(REQUESTS_PER_PAIR),
            notices: Attempts::new(NOTICES_PER_PAIR),
            creations: Attempts::new(settings.creations),
            locks: (0..LOCKS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// What a room and an account are to each other, if it is known without asking the store.
    #[must_use]
    pub fn known(&self, room: &RoomId, account: &AccountId) -> Option<Standing> {
        let membership = self.memberships.get(&(room.clone(), account.clone()))?;
        let record = self.records.get(room)?;
        Some(standing(&record, membership))
    }

    /// The membership lock of an account: whoever changes a membership of it holds this until the
    /// change has taken effect, and so does a login while it reads the rooms of the account.
    /// Never taken for two accounts at once.
    pub async fn lock_account(&self, account: &AccountId) -> MutexGuard<'_, ()> {
        #[allow(clippy::cast_possible_truncation, reason = "reduced to the number of locks")]
        let at = self.hasher.hash_one(account) as usize % LOCKS;
        self.locks[at].lock().await
    }

    /// Another node changed a membership.
    pub(in crate::engine) fn membership_changed_elsewhere(&self, room: &RoomId, account: &AccountId) {
        self.memberships.forget(&(room.clone(), account.clone()));
        self.members.forget(room);
        // It may have been a manager.
        self.records.forget(room);
    }

    /// Another node changed a room's record.
    pub(in crate::engine) fn room_changed_elsewhere(&self, room: &RoomId) {
        self.records.forget(room);
    }
}

impl Engine {
    /// The room that a text from the wire names, whether it exists or not.
    #[must_use]
    pub fn named_room(&self, node: &str) -> Option<RoomId> {
        self.parse_room(node)
    }

    /// The account that a text from the wire names, whether it exists or not.
    #[must_use]
    pub fn named_account(&self, node: &str) -> Option<AccountId> {
        self.parse_account(node)
    }

    /// What a room and the account of a session are to each other. The room may be dissolved.
    ///
    /// # Errors
    /// `Account` when there is no such room in the account's domain; the store's failures.
    pub async fn standing(&self, login: &Login, room: &RoomId) -> Result<Standing, ErrorCode> {
        self.standing_of(login.person(), room).await
    }

    /// The same for an account that need not be online.
    pub(in crate::engine) async fn standing_of(
        &self,
        me: Person<'_>,
        room: &RoomId,
    ) -> Result<Standing, ErrorCode> {
        if let Some(standing) = self.standing_elsewhere(me.account, room).await? {
            return Ok(standing);
        }
        let record = self.room_record(me.domain, room).await?;
        let record = record.ok_or(ErrorCode::Account)?;
        let membership = self.membership(room, me.account).await?;
        Ok(standing(&record, membership))
    }

    /// The record of a room of a domain, also of a dissolved one.
    pub(in crate::engine) async fn room_record(
        &self,
        domain: &str,
        room: &RoomId,
    ) -> Result<Option<Arc<Room>>, ErrorCode> {
        let found = match self.rooms.records.get(room) {
            Some(record) => Some(record),
            None => {
                let began = self.rooms.records.begin(room);
                let stored = self.store.room(room).await;
                let stored = stored.map_err(|error| store_failure(&error))?.map(Arc::new);
                if let Some(record) = &stored {
                    self.rooms.records.read(room, began, Arc::clone(record));
                }
                stored
            }
        };
        Ok(found.filter(|record| record.domain == domain))
    }

    /// Changes a room's record. `false`: it is not what the caller saw any more, or the room is
    /// dissolved.
    pub(in crate::engine) async fn update_room(&self, update: RoomUpdate) -> Result<bool, ErrorCode> {
        let room = update.id.clone();
        let began = self.rooms.records.begin(&room);
        match self.store.update_room(update).await {
            Ok(Some(record)) => {
                self.rooms.records.changed(&room, began, Arc::new(record));
                self.tell_other_nodes(&Event::RoomChanged { room });
                Ok(true)
            }
            Ok(None) => {
                self.rooms.records.forget(&room);
                Ok(false)
            }
            Err(error) => {
                self.rooms.records.forget(&room);
                Err(store_failure(&error))
            }
        }
    }

    /// What a room that exists and an account are to each other.
    pub(in crate::engine) async fn membership(
        &self,
        room: &RoomId,
        account: &AccountId,
    ) -> Result<Membership, ErrorCode> {
        let key = (room.clone(), account.clone());
        if let Some(membership) = self.rooms.memberships.get(&key) {
            return Ok(membership);
        }
        let began = self.rooms.memberships.begin(&key);
        let stored = self.store.membership(room, account).await;
        let membership = stored.map_err(|error| store_failure(&error))?;
        self.rooms.memberships.read(&key, began, membership);
        Ok(membership)
    }
}

fn standing(record: &Room, membership: Membership) -> Standing {
    Standing {
        conversation: record.conversation,
        membership,
        is_dissolved: record.dissolved,
    }
}

//! Which sessions of this node listen to the log of which room. A room message is handed to the
//! listeners of its room, whoever the members are: membership decides who may listen, not who is
//! written to.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::Engine;
use super::online::{Member, SessionId};
use super::parcel::Parcel;
use crate::store::{AccountId, ConversationId, RoomId, RoomPosition, Seq};

const SHARDS: usize = 64;

#[derive(Debug, Default)]
struct Audience {
    sessions: HashMap<SessionId, Arc<Member>>,
    /// Newest number handed to them.
    head: Seq,
}

type Shard = Mutex<HashMap<RoomId, Arc<Mutex<Audience>>>>;

/// What [`Listeners::add`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Newest number that was handed to the listeners.
    pub head: Seq,
    /// Nobody listened before: what was stored a moment ago may have been handed to nobody.
    pub is_first: bool,
}

/// The listeners of all rooms with at least one.
#[derive(Debug)]
pub struct Listeners {
    shards: Box<[Shard]>,
    hasher: RandomState,
}

impl Default for Listeners {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Listeners {
    /// Adds a session. Adding twice is harmless.
    pub fn add(&self, room: &RoomId, member: &Arc<Member>) -> Joined {
        let mut shard = self.shard(room).lock();
        let mut is_first = false;
        let audience = shard.entry(room.clone()).or_insert_with(|| {
            is_first = true;
            Arc::default()
        });
        let mut audience = audience.lock();
        if audience.sessions.insert(member.id, Arc::clone(member)).is_none() {
            member.rooms.lock().push(room.clone());
        }
        Joined {
            head: audience.head,
            is_first,
        }
    }

    /// Removes a session from one room.
    pub fn remove(&self, room: &RoomId, member: &Member) {
        let mut shard = self.shard(room).lock();
        let Some(audience) = shard.get(room).cloned() else {
            return;
        };
        let mut audience = audience.lock();
        if audience.sessions.remove(&member.id).is_some() {
            member.rooms.lock().retain(|listened| listened != room);
        }
        if audience.sessions.is_empty() {
            shard.remove(room);
        }
    }

    /// Removes a session that has ended from all its rooms.
    pub fn remove_session(&self, member: &Member) {
        let rooms = std::mem::take(&mut *member.rooms.lock());
        for room in rooms {
            self.remove(&room, member);
        }
    }

    /// Hands a new entry of a room's log to its listeners, except the session that sent it.
    pub fn entry(&self, room: &RoomId, seq: Seq, parcel: &Arc<Parcel>, except: Option<SessionId>) {
        let Some(audience) = self.shard(room).lock().get(room).cloned() else {
            return;
        };
        let mut audience = audience.lock();
        audience.head = audience.head.max(seq);
        wake_in_order(audience.sessions.len(), || {
            for (id, member) in &audience.sessions {
                if Some(*id) != except {
                    member.outlet.room_entry(room, seq, Arc::clone(parcel));
                }
            }
        });
    }

    /// How many sessions listen to a room here.
    #[must_use]
    pub fn count(&self, room: &RoomId) -> usize {
        let audience = self.shard(room).lock().get(room).cloned();
        audience.map_or(0, |audience| audience.lock().sessions.len())
    }

    /// Hands a packet that is delivered now or never to the listeners of a room; answers how many
    /// had no room for it.
    pub fn volatile(&self, room: &RoomId, parcel: &Arc<Parcel>) -> u64 {
        let Some(audience) = self.shard(room).lock().get(room).cloned() else {
            return 0;
        };
        let audience = audience.lock();
        let dropped = |member: &&Arc<Member>| !member.outlet.room_volatile(room, Arc::clone(parcel));
        wake_in_order(audience.sessions.len(), || {
            audience.sessions.values().filter(dropped).count() as u64
        })
    }

    fn shard(&self, room: &RoomId) -> &Shard {
        #[allow(clippy::cast_possible_truncation, reason = "reduced to the number of shards")]
        &self.shards[self.hasher.hash_one(room) as usize % SHARDS]
    }
}

/// Wakes sessions so that those of a large room run in the order in which they were woken, and before the acks
/// that the first of them cause. A worker of the runtime keeps what it wakes in a short queue of its own (256
/// tasks), shares the rest, and would come back to its own after everything else; a thread that is no worker
/// wakes all of them through the shared queue, which workers serve first (see `command::run`).
fn wake_in_order<T>(sessions: usize, wake: impl FnOnce() -> T) -> T {
    const OWN_QUEUE: usize = 256;
    let is_worker =
        || Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if sessions > OWN_QUEUE && is_worker() {
        tokio::task::block_in_place(wake)
    } else {
        wake()
    }
}

impl Engine {
    /// An account has become a member of a room: its sessions listen from now on. Entries of the
    /// room's log above `since` are delivered to it. The caller holds the account's membership lock.
    pub(super) async fn room_joined(
        &self,
        account: &AccountId,
        room: &RoomId,
        conversation: ConversationId,
        since: Seq,
    ) {
        let Some(online) = self.online.get(account) else {
            return;
        };
        let mut joined = None;
        let mut sessions = Vec::new();
        online.join(room, since, |member| {
            let add = self.listeners.add(room, member);
            joined.get_or_insert(add);
            sessions.push(Arc::clone(member));
        });
        let (Some(joined), Some(first)) = (joined, sessions.first()) else {
            return;
        };
        let mut newest = joined.head.max(since);
        if joined.is_first {
            // What was stored after the change and before the session listened reached nobody.
            match self.store.room_positions(account, &first.device).await {
                Ok(positions) => {
                    let of_room = positions.iter().find(|position| position.room == *room);
                    newest = of_room.map_or(newest, |position| newest.max(position.head));
                }
                Err(error) => tracing::warn!(%error, "the log of a joined room could not be looked at"),
            }
        }
        for member in sessions {
            let position = RoomPosition {
                room: room.clone(),
                conversation,
                position: since,
                head: newest,
            };
            member.outlet.joined(position);
        }
    }

    /// An account has ceased to be a member of a room: nothing of it reaches its sessions from now
    /// on. The caller holds the account's membership lock.
    pub(super) fn room_left(&self, account: &AccountId, room: &RoomId) {
        let dropped = self.virtual_rooms.member_left(account, room);
        self.counters
            .stream_frames_dropped
            .fetch_add(dropped, Ordering::Relaxed);
        self.positions.left(account, room);
        if let Some(online) = self.online.get(account) {
            online.leave(room, |member| {
                self.listeners.remove(room, member);
                member.outlet.left(room);
            });
        }
    }
}

//! Which virtual rooms there are, who owns them and who listens. Locks are taken in one order: the
//! table, then the state of a room.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::node::Node;

use super::{Form, Password};
use crate::engine::online::SessionId;
use crate::engine::outlet::Outlet;
use crate::engine::pace::Pace;
use crate::store::{AccountId, RoomId, Timestamp};

/// Virtual rooms of one server.
const ROOMS: usize = 262_144;

/// A virtual room.
pub(super) struct VirtualRoom {
    pub(super) id: Node,
    pub(super) owner: AccountId,
    pub(super) password: Option<Password>,
    /// Only members of this room may subscribe.
    pub(super) members_of: Option<RoomId>,
    pub(super) state: Mutex<State>,
}

/// What changes about a virtual room.
pub(super) struct State {
    pub(super) granted: HashSet<AccountId>,
    /// Sorted by session.
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) last_data: Timestamp,
    pub(super) pace: Pace,
    pub(super) is_closed: bool,
}

impl State {
    pub(super) fn new(now: Timestamp, pace: Pace) -> Self {
        Self {
            granted: HashSet::new(),
            subscribers: Vec::new(),
            last_data: now,
            pace,
            is_closed: false,
        }
    }

    fn find(&self, session: SessionId) -> Result<usize, usize> {
        self.subscribers
            .binary_search_by_key(&session.0, |subscriber| subscriber.session.0)
    }
}

/// A session that listens.
pub(super) struct Subscriber {
    pub(super) session: SessionId,
    pub(super) account: AccountId,
    pub(super) outlet: Arc<Outlet>,
    pub(super) form: Form,
}

#[derive(Default)]
struct Table {
    rooms: HashMap<Node, Arc<VirtualRoom>>,
    /// Rooms per owner.
    owned: HashMap<AccountId, usize>,
    /// Virtual rooms for members of a room.
    guarded: HashMap<RoomId, Vec<Node>>,
    subscriptions: HashMap<SessionId, Vec<Node>>,
}

/// All virtual rooms.
#[derive(Default)]
pub struct VirtualRooms {
    table: RwLock<Table>,
}

impl VirtualRooms {
    pub(super) fn get(&self, id: &Node) -> Option<Arc<VirtualRoom>> {
        self.table.read().rooms.get(id).cloned()
    }

    /// Takes in a room whose owner has fewer than `limit`.
    pub(super) fn open(&self, room: VirtualRoom, limit: usize) -> Result<(), ErrorCode> {
        let mut table = self.table.write();
        if table.rooms.len() >= ROOMS {
            return Err(ErrorCode::Overload);
        }
        if table.owned.get(&room.owner).is_some_and(|count| *count >= limit) || limit == 0 {
            return Err(ErrorCode::OverHz);
        }
        *table.owned.entry(room.owner.clone()).or_default() += 1;
        if let Some(members_of) = &room.members_of {
            let guarded = table.guarded.entry(members_of.clone()).or_default();
            guarded.push(room.id.clone());
        }
        table.rooms.insert(room.id.clone(), Arc::new(room));
        Ok(())
    }

    pub(super) fn close(&self, room: &VirtualRoom) {
        self.table.write().close(room);
    }

    /// Ends all rooms without data since `before`.
    pub(super) fn expire(&self, before: Timestamp) {
        let is_over = |room: &&Arc<VirtualRoom>| room.state.lock().last_data <= before;
        let over: Vec<_> = self
            .table
            .read()
            .rooms
            .values()
            .filter(is_over)
            .cloned()
            .collect();
        for room in over {
            let mut table = self.table.write();
            if is_over(&&room) {
                table.close(&room);
                tracing::debug!(room = %room.id, "a virtual room has expired");
            }
        }
    }

    /// Adds a subscription to a session that has fewer than `limit`, or changes its form.
    pub(super) fn subscribe(
        &self,
        room: &VirtualRoom,
        subscriber: Subscriber,
        limit: usize,
    ) -> Result<(), ErrorCode> {
        let mut table = self.table.write();
        let mut state = room.state.lock();
        if state.is_closed {
            return Err(ErrorCode::Undefined);
        }
        match state.find(subscriber.session) {
            Ok(at) => state.subscribers[at].form = subscriber.form,
            Err(at) => {
                let list = table.subscriptions.entry(subscriber.session).or_default();
                if list.len() >= limit {
                    return Err(ErrorCode::OverHz);
                }
                list.push(room.id.clone());
                state.subscribers.insert(at, subscriber);
            }
        }
        Ok(())
    }

    pub(super) fn unsubscribe(&self, session: SessionId, id: &Node) {
        let mut table = self.table.write();
        table.forget(session, id);
        if let Some(room) = table.rooms.get(id) {
            let mut state = room.state.lock();
            if let Ok(at) = state.find(session) {
                state.subscribers.remove(at);
            }
        }
    }

    /// A session has ended, and with it its subscriptions.
    pub fn session_ended(&self, session: SessionId) {
        if !self.table.read().subscriptions.contains_key(&session) {
            return;
        }
        let mut table = self.table.write();
        for id in table.subscriptions.remove(&session).into_iter().flatten() {
            if let Some(room) = table.rooms.get(&id) {
                let mut state = room.state.lock();
                if let Ok(at) = state.find(session) {
                    state.subscribers.remove(at);
                }
            }
        }
    }

    /// An account is no member of a room any more: its sessions get nothing more of the virtual rooms
    /// that are for members, what waits for them included, and it may not publish there. Answers how
    /// many chunks were thrown away.
    pub fn member_left(&self, account: &AccountId, room: &RoomId) -> u64 {
        let mut dropped = 0;
        if !self.table.read().guarded.contains_key(room) {
            return dropped;
        }
        let mut table = self.table.write();
        for id in table.guarded.get(room).cloned().unwrap_or_default() {
            let Some(room) = table.rooms.get(&id).cloned() else {
                continue;
            };
            let mut sessions = Vec::new();
            let mut state = room.state.lock();
            state.granted.remove(account);
            state.subscribers.retain(|subscriber| {
                let leaves = subscriber.account == *account;
                if leaves {
                    sessions.push(subscriber.session);
                    dropped += subscriber.outlet.drop_frames();
                }
                !leaves
            });
            drop(state);
            for session in sessions {
                table.forget(session, &id);
            }
        }
        dropped
    }
}

impl Table {
    fn close(&mut self, room: &VirtualRoom) {
        if self.rooms.remove(&room.id).is_none() {
            return;
        }
        if let Entry::Occupied(mut owned) = self.owned.entry(room.owner.clone()) {
            *owned.get_mut() -= 1;
            if *owned.get() == 0 {
                owned.remove();
            }
        }
        if let Some(members_of) = &room.members_of
            && let Some(guarded) = self.guarded.get_mut(members_of)
        {
            guarded.retain(|id| *id != room.id);
            if guarded.is_empty() {
                self.guarded.remove(members_of);
            }
        }
        let subscribers = {
            let mut state = room.state.lock();
            state.is_closed = true;
            std::mem::take(&mut state.subscribers)
        };
        for subscriber in subscribers {
            self.forget(subscriber.session, &room.id);
        }
    }

    /// Takes a room off the list of a session.
    fn forget(&mut self, session: SessionId, id: &Node) {
        if let Some(list) = self.subscriptions.get_mut(&session) {
            list.retain(|other| other != id);
            if list.is_empty() {
                self.subscriptions.remove(&session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::engine::clock::ThreadEntropy;
    use crate::engine::identity::{Identity, random_node};

    fn account(name: &str) -> AccountId {
        Identity::new([1; 32]).account("", name)
    }

    fn open(rooms: &VirtualRooms, owner: &str, at: i64, limit: usize) -> Result<Node, ErrorCode> {
        let id = random_node(&ThreadEntropy);
        let pace = Pace::new(1, Duration::ZERO, Instant::now());
        let room = VirtualRoom {
            id: id.clone(),
            owner: account(owner),
            password: None,
            members_of: None,
            state: Mutex::new(State::new(Timestamp(at), pace)),
        };
        rooms.open(room, limit).map(|()| id)
    }

    fn subscribe(rooms: &VirtualRooms, id: &Node, session: u64, limit: usize) -> Result<(), ErrorCode> {
        let subscriber = Subscriber {
            session: SessionId(session),
            account: account("listener"),
            outlet: Arc::new(Outlet::new(1, 1)),
            form: Form::Structured,
        };
        rooms.subscribe(&rooms.get(id).unwrap(), subscriber, limit)
    }

    fn is_empty(rooms: &VirtualRooms) -> bool {
        let table = rooms.table.read();
        table.rooms.is_empty() && table.owned.is_empty() && table.subscriptions.is_empty()
    }

    #[test]
    fn the_rooms_of_an_owner_are_limited_and_closing_makes_place() {
        let rooms = VirtualRooms::default();
        let first = open(&rooms, "a", 0, 2).unwrap();
        open(&rooms, "a", 0, 2).unwrap();
        assert_eq!(open(&rooms, "a", 0, 2), Err(ErrorCode::OverHz));
        open(&rooms, "b", 0, 2).unwrap();
        rooms.close(&rooms.get(&first).unwrap());
        open(&rooms, "a", 0, 2).unwrap();
    }

    #[test]
    fn nothing_is_left_of_rooms_and_sessions_that_ended() {
        let rooms = VirtualRooms::default();
        let old = open(&rooms, "a", 10, 9).unwrap();
        let fresh = open(&rooms, "a", 20, 9).unwrap();
        for session in [3, 1, 2] {
            subscribe(&rooms, &old, session, 2).unwrap();
            subscribe(&rooms, &fresh, session, 2).unwrap();
        }
        rooms.expire(Timestamp(10));
        assert!(rooms.get(&old).is_none());
        rooms.session_ended(SessionId(2));
        rooms.unsubscribe(SessionId(1), &fresh);
        let left = rooms.get(&fresh).unwrap();
        let sessions: Vec<u64> = left
            .state
            .lock()
            .subscribers
            .iter()
            .map(|it| it.session.0)
            .collect();
        assert_eq!(sessions, [3]);
        rooms.expire(Timestamp(20));
        assert!(is_empty(&rooms));
    }

    #[test]
    fn the_subscriptions_of_a_session_are_limited() {
        let rooms = VirtualRooms::default();
        let (first, second) = (open(&rooms, "a", 0, 9).unwrap(), open(&rooms, "a", 0, 9).unwrap());
        subscribe(&rooms, &first, 1, 1).unwrap();
        assert_eq!(subscribe(&rooms, &second, 1, 1), Err(ErrorCode::OverHz));
        subscribe(&rooms, &first, 1, 1).unwrap();
        rooms.unsubscribe(SessionId(1), &first);
        subscribe(&rooms, &second, 1, 1).unwrap();
    }
}

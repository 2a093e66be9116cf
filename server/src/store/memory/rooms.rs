//! Rooms in memory: their records, who stands how to them, and where devices are in their logs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use crate::store::ids::{AccountId, DeviceKey, RoomId, Seq};
use crate::store::record::{
    ContactState, Dissolved, Membership, MembershipChange, NewRoom, Room, RoomLists, RoomPosition, RoomUpdate,
};

#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: BTreeMap<RoomId, RoomEntry>,
    /// Rooms that an account has a relation with.
    of_account: HashMap<AccountId, BTreeSet<RoomId>>,
}

#[derive(Debug)]
struct RoomEntry {
    room: Room,
    relations: BTreeMap<AccountId, Relation>,
}

#[derive(Clone, Debug, Default)]
struct Relation {
    membership: Membership,
    /// Newest number of the log when the account joined.
    since: i64,
    /// Furthest position of the devices forgotten since.
    floor: i64,
    positions: BTreeMap<DeviceKey, i64>,
}

impl Relation {
    /// Where a device that is seen for the first time starts.
    fn start(&self) -> i64 {
        self.positions
            .values()
            .copied()
            .fold(self.since.max(self.floor), i64::max)
    }
}

/// How a change of a membership went.
pub(super) enum Change {
    Done { since: Seq },
    Stale,
    NoRoom,
}

impl Rooms {
    /// Rooms of a domain with an id above `after` that are not dissolved.
    pub(super) fn of_domain(&self, domain: &str, after: Option<&RoomId>, limit: usize) -> Vec<RoomId> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let entries = self.rooms.range((start, Bound::Unbounded));
        let listed = entries.filter(|(_, entry)| entry.room.domain == domain && !entry.room.dissolved);
        listed.map(|(id, _)| id.clone()).take(limit).collect()
    }

    /// Rooms that are not dissolved.
    pub(super) fn live(&self) -> usize {
        self.rooms.values().filter(|entry| !entry.room.dissolved).count()
    }

    pub(super) fn create(&mut self, room: NewRoom, head: Seq) -> bool {
        let NewRoom {
            id,
            conversation,
            domain,
            kind,
            founder,
            created,
            profile,
        } = room;
        if self.rooms.contains_key(&id) {
            return false;
        }
        let relation = Relation {
            membership: Membership::MEMBER,
            since: head.0,
            ..Relation::default()
        };
        self.of_account
            .entry(founder.clone())
            .or_default()
            .insert(id.clone());
        let entry = RoomEntry {
            relations: BTreeMap::from([(founder.clone(), relation)]),
            room: Room {
                id: id.clone(),
                conversation,
                domain,
                kind,
                founder,
                managers: Vec::new(),
                created,
                dissolved: false,
                profile,
                version: 1,
            },
        };
        self.rooms.insert(id, entry);
        true
    }

    pub(super) fn room(&self, id: &RoomId) -> Option<&Room> {
        self.rooms.get(id).map(|entry| &entry.room)
    }

    pub(super) fn update(&mut self, update: RoomUpdate) -> Option<Room> {
        let RoomEntry { room, relations } = self.rooms.get_mut(&update.id)?;
        if room.dissolved || room.version != update.expected_version {
            return None;
        }
        if let Some(profile) = update.profile {
            room.profile = profile;
        }
        if let Some(mut managers) = update.managers {
            managers.retain(|manager| {
                *manager != room.founder
                    && relations
                        .get(manager)
                        .is_some_and(|relation| relation.membership.is_member())
            });
            managers.sort();
            managers.dedup();
            room.managers = managers;
        }
        room.version += 1;
        Some(room.clone())
    }

    pub(super) fn dissolve(&mut self, id: &RoomId) -> Dissolved {
        let Some(RoomEntry { room, relations }) =
            self.rooms.get_mut(id).filter(|entry| !entry.room.dissolved)
        else {
            return Dissolved::NotFound;
        };
        let others = relations
            .iter()
            .any(|(account, relation)| relation.membership.is_member() && *account != room.founder);
        if others {
            return Dissolved::OthersLeft;
        }
        room.dissolved = true;
        room.version += 1;
        for account in std::mem::take(relations).into_keys() {
            if let Some(rooms) = self.of_account.get_mut(&account) {
                rooms.remove(id);
            }
        }
        Dissolved::Done
    }

    fn relation(&self, room: &RoomId, account: &AccountId) -> Option<&Relation> {
        self.rooms.get(room)?.relations.get(account)
    }

    pub(super) fn membership(&self, room: &RoomId, account: &AccountId) -> Membership {
        self.relation(room, account)
            .map(|relation| relation.membership)
            .unwrap_or_default()
    }

    pub(super) fn change(&mut self, change: &MembershipChange, head: Seq) -> Change {
        let MembershipChange {
            room: id,
            account,
            expected,
            becomes,
            ..
        } = change;
        let Some(RoomEntry { room, relations }) =
            self.rooms.get_mut(id).filter(|entry| !entry.room.dissolved)
        else {
            return Change::NoRoom;
        };
        let mut relation = relations.get(account).cloned().unwrap_or_default();
        if relation.membership != *expected {
            return Change::Stale;
        }
        if expected.is_member() != becomes.is_member() {
            relation = Relation::default();
        }
        if becomes.is_member() && !expected.is_member() {
            relation.since = head.0;
        }
        if expected.is_member()
            && !becomes.is_member()
            && let Ok(manager) = room.managers.binary_search(account)
        {
            room.managers.remove(manager);
            room.version += 1;
        }
        relation.membership = *becomes;
        let since = Seq(relation.since);
        let rooms = self.of_account.entry(account.clone()).or_default();
        if *becomes == Membership::default() {
            relations.remove(account);
            rooms.remove(id);
        } else {
            relations.insert(account.clone(), relation);
            rooms.insert(id.clone());
        }
        Change::Done { since }
    }

    /// Accounts of a room whose relation is as wanted, with an id above `after`.
    pub(super) fn accounts(
        &self,
        room: &RoomId,
        after: Option<&AccountId>,
        limit: usize,
        wanted: impl Fn(Membership) -> bool,
    ) -> Vec<AccountId> {
        self.rooms
            .get(room)
            .into_iter()
            .flat_map(|entry| &entry.relations)
            .filter(|(account, relation)| {
                after.is_none_or(|after| *account > after) && wanted(relation.membership)
            })
            .map(|(account, _)| account.clone())
            .take(limit)
            .collect()
    }

    fn relations_of<'r>(
        &'r self,
        account: &'r AccountId,
    ) -> impl Iterator<Item = (&'r RoomId, &'r RoomEntry, &'r Relation)> {
        self.of_account
            .get(account)
            .into_iter()
            .flatten()
            .filter_map(move |room| {
                let entry = self.rooms.get(room)?;
                Some((room, entry, entry.relations.get(account)?))
            })
    }

    pub(super) fn lists(&self, account: &AccountId) -> RoomLists {
        let mut lists = RoomLists::default();
        for (room, _, relation) in self.relations_of(account) {
            if relation.membership.is_member() {
                lists.joined.push(room.clone());
            } else if relation.membership.account == ContactState::Blocks {
                lists.blocked.push(room.clone());
            } else if relation.membership.is_pending() {
                lists.requested.push(room.clone());
            }
        }
        lists
    }

    /// Positions of a device; those of a device that is not `known` are where it would start.
    pub(super) fn positions(
        &self,
        owner: &AccountId,
        device: &DeviceKey,
        known: bool,
        head: impl Fn(&Room) -> Seq,
    ) -> Vec<RoomPosition> {
        self.relations_of(owner)
            .filter(|(_, _, relation)| relation.membership.is_member())
            .map(|(room, entry, relation)| {
                let own = relation.positions.get(device).copied();
                let position = match known {
                    true => own.unwrap_or(relation.since),
                    false => relation.start(),
                };
                RoomPosition {
                    room: room.clone(),
                    conversation: entry.room.conversation,
                    position: Seq(position),
                    head: head(&entry.room),
                }
            })
            .collect()
    }

    /// Moves the position of a known device forward.
    pub(super) fn advance(&mut self, room: &RoomId, owner: &AccountId, device: DeviceKey, position: i64) {
        let relation = self
            .rooms
            .get_mut(room)
            .and_then(|entry| entry.relations.get_mut(owner))
            .filter(|relation| relation.membership.is_member());
        if let Some(relation) = relation {
            let position = position.max(relation.since);
            let stored = relation.positions.entry(device).or_insert(position);
            *stored = position.max(*stored);
        }
    }

    fn relations_of_mut(&mut self, account: &AccountId, mut change: impl FnMut(&mut Relation)) {
        for room in self.of_account.get(account).into_iter().flatten() {
            let entry = self.rooms.get_mut(room);
            if let Some(relation) = entry.and_then(|entry| entry.relations.get_mut(account)) {
                change(relation);
            }
        }
    }

    /// A device becomes known: it keeps the positions it started at.
    pub(super) fn device_added(&mut self, owner: &AccountId, device: &DeviceKey) {
        self.relations_of_mut(owner, |relation| {
            let start = relation.start();
            if relation.membership.is_member() && start > relation.since {
                relation.positions.insert(device.clone(), start);
            }
        });
    }

    /// A device is forgotten; how far it was stays the start of new devices.
    pub(super) fn device_forgotten(&mut self, owner: &AccountId, device: &DeviceKey) {
        self.relations_of_mut(owner, |relation| {
            if let Some(position) = relation.positions.remove(device) {
                relation.floor = relation.floor.max(position);
            }
        });
    }
}

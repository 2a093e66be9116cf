//! Writes device positions behind: acknowledgements are collected and stored in batches. Losing
//! the last moments in a crash repeats deliveries and loses nothing.

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::store::{AccountId, Advance, DeviceKey, RoomAdvance, RoomId, Seq, Store, StoreError, Timestamp};

type Key = (AccountId, DeviceKey);
type RoomKey = (DeviceKey, RoomId);
type Rooms = HashMap<AccountId, HashMap<RoomKey, Seq>>;

#[derive(Default)]
struct Behind {
    waiting: HashMap<Key, (Seq, Timestamp)>,
    writing: HashMap<Key, (Seq, Timestamp)>,
    rooms_waiting: Rooms,
    rooms_writing: Rooms,
}

/// Positions that are not stored yet.
#[derive(Default)]
pub struct Positions {
    behind: Mutex<Behind>,
}

impl std::fmt::Debug for Positions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Positions").finish_non_exhaustive()
    }
}

impl Positions {
    /// A device has moved. A smaller position than one waiting changes only the time.
    pub fn moved(&self, owner: &AccountId, device: &DeviceKey, position: Seq, seen: Timestamp) {
        let mut behind = self.behind.lock();
        let entry = behind
            .waiting
            .entry((owner.clone(), device.clone()))
            .or_insert((position, seen));
        *entry = (entry.0.max(position), entry.1.max(seen));
    }

    /// The newest position that is not stored yet.
    pub fn unsaved(&self, owner: &AccountId, device: &DeviceKey) -> Option<Seq> {
        let key = (owner.clone(), device.clone());
        let behind = self.behind.lock();
        let of = |map: &HashMap<Key, (Seq, Timestamp)>| map.get(&key).map(|(seq, _)| *seq);
        of(&behind.waiting).max(of(&behind.writing))
    }

    /// A device has moved in the log of a room.
    pub fn moved_in_room(&self, owner: &AccountId, device: &DeviceKey, room: &RoomId, position: Seq) {
        let mut behind = self.behind.lock();
        let rooms = behind.rooms_waiting.entry(owner.clone()).or_default();
        let entry = rooms.entry((device.clone(), room.clone())).or_default();
        *entry = (*entry).max(position);
    }

    /// An account has left a room: its positions there mean nothing any more.
    pub fn left(&self, owner: &AccountId, room: &RoomId) {
        let mut behind = self.behind.lock();
        if let Some(rooms) = behind.rooms_waiting.get_mut(owner) {
            rooms.retain(|(_, of), _| of != room);
        }
    }

    /// Positions of an account's devices in rooms that are not stored yet.
    pub fn unsaved_rooms(&self, owner: &AccountId) -> Vec<(DeviceKey, RoomId, Seq)> {
        let behind = self.behind.lock();
        [&behind.rooms_waiting, &behind.rooms_writing]
            .into_iter()
            .filter_map(|rooms| rooms.get(owner))
            .flatten()
            .map(|((device, room), seq)| (device.clone(), room.clone(), *seq))
            .collect()
    }

    /// Stores all positions in rooms that wait. What could not be stored waits on.
    pub async fn flush_rooms(&self, store: &dyn Store) {
        let advances: Vec<RoomAdvance> = {
            let mut behind = self.behind.lock();
            if behind.rooms_waiting.is_empty() || !behind.rooms_writing.is_empty() {
                return;
            }
            behind.rooms_writing = std::mem::take(&mut behind.rooms_waiting);
            let of_owner = |(owner, rooms): (&AccountId, &HashMap<RoomKey, Seq>)| {
                let advance = |((device, room), position): (&RoomKey, &Seq)| RoomAdvance {
                    owner: owner.clone(),
                    device: device.clone(),
                    room: room.clone(),
                    position: *position,
                };
                rooms.iter().map(advance).collect::<Vec<_>>()
            };
            behind.rooms_writing.iter().flat_map(of_owner).collect()
        };
        let failed = store_in_parts(advances, |part| store.advance_rooms(part)).await;
        self.behind.lock().rooms_writing.clear();
        for RoomAdvance {
            owner,
            device,
            room,
            position,
        } in failed
        {
            self.moved_in_room(&owner, &device, &room, position);
        }
    }

    /// Stores everything that waits. What could not be stored waits on.
    pub async fn flush(&self, store: &dyn Store) {
        let advances: Vec<Advance> = {
            let mut behind = self.behind.lock();
            if behind.waiting.is_empty() || !behind.writing.is_empty() {
                return;
            }
            behind.writing = std::mem::take(&mut behind.waiting);
            let advance = |((owner, device), (position, seen)): (&Key, &(Seq, Timestamp))| Advance {
                owner: owner.clone(),
                device: device.clone(),
                position: *position,
                seen: *seen,
            };
            behind.writing.iter().map(advance).collect()
        };
        let failed = store_in_parts(advances, |part| store.advance(part)).await;
        let written = std::mem::take(&mut self.behind.lock().writing);
        for advance in failed {
            let key = (advance.owner, advance.device);
            if let Some((position, seen)) = written.get(&key) {
                self.moved(&key.0, &key.1, *position, *seen);
            }
        }
    }

    /// Flushes at every interval until told to stop, and once more then.
    pub async fn run(&self, store: &dyn Store, interval: Duration, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !*stop.borrow() {
            tokio::select! {
                _ = ticks.tick() => self.flush(store).await,
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        self.flush(store).await;
    }
}

type Storing<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// Stores positions and answers those that wait on. A damaged record keeps only the positions of
/// its own account from being stored; those are given up, and their entries come again.
async fn store_in_parts<'a, T: Clone>(advances: Vec<T>, store: impl Fn(Vec<T>) -> Storing<'a>) -> Vec<T> {
    let mut failed = Vec::new();
    let mut parts = vec![advances];
    while let Some(mut part) = parts.pop() {
        match store(part.clone()).await {
            Ok(()) => {}
            Err(error @ StoreError::Damaged { .. }) if part.len() == 1 => {
                tracing::error!(%error, "a device position cannot be stored");
            }
            Err(StoreError::Damaged { .. }) => {
                let second = part.split_off(part.len() / 2);
                parts.extend([second, part]);
            }
            Err(error) => {
                tracing::warn!(%error, "device positions could not be stored; they wait");
                failed.append(&mut part);
            }
        }
    }
    failed
}

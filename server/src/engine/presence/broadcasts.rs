//! What waits to be told to all friends, and the lists of friends. Both are bounded: one waiting
//! broadcast per account, and a cache that forgets the lists used least.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Notify;

use crate::engine::announcement::Announcement;
use crate::store::{AccountId, Result, Store};

/// Bytes of broadcasts that may wait.
const WAITING_BYTES: usize = 64 << 20;
/// Lists of friends that are expected to be kept.
const LISTS: usize = 16_384;
/// Friends in all lists together that are kept, each about 24 bytes.
const FRIENDS: u64 = 1 << 19;

/// Something to be told to all friends of an account.
#[derive(Debug)]
pub struct Broadcast {
    /// Whose friends.
    pub account: AccountId,
    /// What they are told.
    pub announcement: Arc<Announcement>,
}

/// What became of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It waits for its turn.
    Queued,
    /// It took the place of an older one of the same account, which nobody will see.
    Replaced,
    /// Too much waits already; nobody will see it.
    Full,
}

#[derive(Default)]
struct Waiting {
    order: VecDeque<AccountId>,
    latest: HashMap<AccountId, Announcement>,
    bytes: usize,
}

#[derive(Clone)]
struct CountFriends;

impl Weighter<AccountId, Arc<[AccountId]>> for CountFriends {
    fn weight(&self, _owner: &AccountId, friends: &Arc<[AccountId]>) -> u64 {
        friends.len() as u64 + 4
    }
}

/// The queue in front of the broadcasting task.
pub struct Broadcasts {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    friends: Cache<AccountId, Arc<[AccountId]>, CountFriends>,
}

impl Default for Broadcasts {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            friends: Cache::with_weighter(LISTS, FRIENDS, CountFriends),
        }
    }
}

impl Broadcasts {
    /// Queues a broadcast behind those of at most `limit` accounts. Never waits.
    pub fn put(&self, account: &AccountId, announcement: Announcement, limit: usize) -> Put {
        let mut waiting = self.waiting.lock();
        let Waiting { order, latest, bytes } = &mut *waiting;
        let count = latest.len();
        let outcome = match latest.entry(account.clone()) {
            Entry::Occupied(mut entry) => {
                *bytes = *bytes + announcement.weight() - entry.get().weight();
                entry.insert(announcement);
                Put::Replaced
            }
            Entry::Vacant(_) if count >= limit || *bytes + announcement.weight() > WAITING_BYTES => Put::Full,
            Entry::Vacant(entry) => {
                *bytes += announcement.weight();
                entry.insert(announcement);
                order.push_back(account.clone());
                Put::Queued
            }
        };
        drop(waiting);
        self.arrived.notify_one();
        outcome
    }

    /// The next broadcast. Cancel-safe.
    pub async fn next(&self) -> Broadcast {
        loop {
            let arrived = self.arrived.notified();
            if let Some(broadcast) = self.take() {
                return broadcast;
            }
            arrived.await;
        }
    }

    fn take(&self) -> Option<Broadcast> {
        let mut waiting = self.waiting.lock();
        let account = waiting.order.pop_front()?;
        let announcement = waiting.latest.remove(&account)?;
        waiting.bytes -= announcement.weight();
        if waiting.order.is_empty() {
            // A storm must not leave its memory behind.
            *waiting = Waiting::default();
        }
        Some(Broadcast {
            account,
            announcement: Arc::new(announcement),
        })
    }

    /// The friends of an account, read from the store when they are not known.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn friends(&self, account: &AccountId, store: &dyn Store) -> Result<Arc<[AccountId]>> {
        let place = match self.friends.get_value_or_guard_async(account).await {
            Ok(friends) => return Ok(friends),
            Err(place) => place,
        };
        let friends: Arc<[AccountId]> = store.contact_lists(account).await?.friends.into();
        if place.insert(Arc::clone(&friends)).is_err() {
            tracing::trace!(%account, "friends changed while they were read");
        }
        Ok(friends)
    }

    /// Friends of these accounts have changed: lists read before are not used any more.
    pub fn friends_changed(&self, accounts: [&AccountId; 2]) {
        for account in accounts {
            self.friends.remove(account);
        }
    }
}

#[cfg(test)]
mod tests {
    use tim_protocol::wire::TimPresence;

    use super::*;
    use crate::engine::identity::Identity;

    fn account(number: usize) -> AccountId {
        Identity::new([1; 32]).account("", &number.to_string())
    }

    fn presence(bytes: usize) -> Announcement {
        Announcement::new(TimPresence {
            status: Some("x".repeat(bytes)),
            ..TimPresence::default()
        })
    }

    #[test]
    fn a_newer_broadcast_replaces_the_waiting_one_and_keeps_its_turn() {
        let queue = Broadcasts::default();
        assert_eq!(queue.put(&account(1), presence(10), 2), Put::Queued);
        assert_eq!(queue.put(&account(2), presence(10), 2), Put::Queued);
        assert_eq!(queue.put(&account(1), presence(20), 2), Put::Replaced);
        assert_eq!(queue.put(&account(3), presence(10), 2), Put::Full);
        let first = queue.take().unwrap();
        assert_eq!((first.account, first.announcement.weight()), (account(1), 148));
        assert_eq!(queue.take().unwrap().account, account(2));
        assert!(queue.take().is_none());
        assert_eq!(queue.waiting.lock().bytes, 0);
    }

    #[test]
    fn large_broadcasts_are_bounded_by_their_bytes() {
        let queue = Broadcasts::default();
        let size = WAITING_BYTES / 4;
        let fits = (0..10).filter(|at| queue.put(&account(*at), presence(size), 100) == Put::Queued);
        assert_eq!(fits.count(), 3);
    }
}

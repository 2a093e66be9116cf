//! Cache of the relations of pairs of accounts, with their conversation. Loads and changes of one
//! pair hold the same lock and a change writes the new value, so the cache is never behind.

use std::hash::{BuildHasher, RandomState};

use quick_cache::sync::Cache;
use tokio::sync::{Mutex, MutexGuard};

use super::identity::Identity;
use crate::store::{AccountId, Contacts, ConversationId, Result, Store};

const LOCKS: usize = 256;
const CAPACITY: usize = 131_072;

/// What permission and storing need to know of two accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Their conversation.
    pub conversation: ConversationId,
    /// The relation, seen from the one who asks.
    pub contacts: Contacts,
}

/// The cache.
pub struct Relations {
    known: Cache<(AccountId, AccountId), Relation>,
    locks: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for Relations {
    fn default() -> Self {
        Self {
            known: Cache::new(CAPACITY),
            locks: (0..LOCKS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Relations {
    /// The relation if it is known, seen from `owner`.
    pub fn known(&self, owner: &AccountId, peer: &AccountId) -> Option<Relation> {
        let relation = self.known.get(&ordered(owner, peer))?;
        Some(seen_from(owner, peer, relation))
    }

    /// The relation, read from the store when it is not known.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn load(
        &self,
        store: &dyn Store,
        identity: &Identity,
        owner: &AccountId,
        peer: &AccountId,
    ) -> Result<Relation> {
        let _guard = self.lock(owner, peer).await;
        if let Some(relation) = self.known(owner, peer) {
            return Ok(relation);
        }
        let contacts = store.contacts(owner, peer).await?;
        let relation = Relation {
            conversation: identity.conversation(owner, peer),
            contacts,
        };
        self.known
            .insert(ordered(owner, peer), seen_from(owner, peer, relation));
        Ok(relation)
    }

    /// Takes over a changed relation. The caller holds the lock of the pair, or the change was
    /// made on another node.
    pub fn replace(&self, owner: &AccountId, peer: &AccountId, contacts: Contacts) {
        let key = ordered(owner, peer);
        if let Some(mut relation) = self.known.get(&key) {
            relation.contacts = seen_from(owner, peer, Relation { contacts, ..relation }).contacts;
            self.known.insert(key, relation);
        }
    }

    /// Serialises loads and changes of one pair on this node.
    pub async fn lock(&self, owner: &AccountId, peer: &AccountId) -> MutexGuard<'_, ()> {
        #[allow(clippy::cast_possible_truncation, reason = "reduced to the number of locks")]
        let at = self.hasher.hash_one(ordered(owner, peer)) as usize % LOCKS;
        self.locks[at].lock().await
    }
}

fn ordered(a: &AccountId, b: &AccountId) -> (AccountId, AccountId) {
    if a <= b {
        (a.clone(), b.clone())
    } else {
        (b.clone(), a.clone())
    }
}

/// Cached relations are seen from the smaller id; turning one around is its own inverse.
fn seen_from(owner: &AccountId, peer: &AccountId, relation: Relation) -> Relation {
    let Contacts { own, peer: other } = relation.contacts;
    let contacts = if owner <= peer {
        relation.contacts
    } else {
        Contacts {
            own: other,
            peer: own,
        }
    };
    Relation { contacts, ..relation }
}

//! A bounded cache of stored records that is never behind the store. A reader says when it began
//! to read, a writer when it began to write; whatever was overtaken by a change is not kept. It never
//! waits and holds no lock while the store works.

use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};

/// Keys share this many counters of changes. A change of one key may keep reads of others out of
/// the cache, so there are more than can change at the same moment.
const STRIPES: usize = 1_024;

/// How much of the cache's capacity an entry takes.
type Weigh<V> = fn(&V) -> u64;

struct Weights<V>(Weigh<V>);

impl<V> Clone for Weights<V> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<K, V> Weighter<K, V> for Weights<V> {
    fn weight(&self, _key: &K, value: &V) -> u64 {
        (self.0)(value).max(1)
    }
}

/// The moment a read or a change of one key began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Began(u64);

/// The cache.
pub struct WriteThrough<K, V> {
    known: Cache<K, V, Weights<V>>,
    changes: Box<[Mutex<u64>]>,
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone, V: Clone> WriteThrough<K, V> {
    /// A cache of entries that weigh `capacity` together at most. `expected` is about how many
    /// entries that will be; with few, a single one may take most of the capacity.
    #[must_use]
    pub fn new(expected: usize, capacity: u64, weigh: Weigh<V>) -> Self {
        let mut options = OptionsBuilder::new();
        options
            .estimated_items_capacity(expected)
            .weight_capacity(capacity);
        if expected <= 64 {
            options.shards(1);
        }
        // Both capacities are given, which is all that building can ask for.
        let known = match options.build() {
            Ok(options) => {
                Cache::with_options(options, Weights(weigh), Default::default(), Default::default())
            }
            Err(_) => Cache::with_weighter(expected, capacity, Weights(weigh)),
        };
        Self {
            known,
            changes: (0..STRIPES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The value if it is known.
    pub fn get(&self, key: &K) -> Option<V> {
        self.known.get(key)
    }

    /// Call this before the store is asked to read or to change what `key` names.
    pub fn begin(&self, key: &K) -> Began {
        Began(*self.stripe(key).lock())
    }

    /// Takes over what was read, unless something changed since the read began.
    pub fn read(&self, key: &K, began: Began, value: V) {
        let changes = self.stripe(key).lock();
        if *changes == began.0 {
            self.known.insert(key.clone(), value);
        }
    }

    /// Takes over what was written. When another change came in between, nobody can tell which of
    /// the two is the later one, and the next reader asks the store.
    pub fn changed(&self, key: &K, began: Began, value: V) {
        let mut changes = self.stripe(key).lock();
        let is_alone = *changes == began.0;
        *changes += 1;
        if is_alone {
            self.known.insert(key.clone(), value);
        } else {
            self.known.remove(key);
        }
    }

    /// Something changed and the new value is not at hand.
    pub fn forget(&self, key: &K) {
        self.forget_if(key, |_| true);
    }

    /// Something changed that concerns the value only if `concerns` says so; reads that are under
    /// way are not kept in any case.
    pub fn forget_if(&self, key: &K, concerns: impl FnOnce(&V) -> bool) {
        let mut changes = self.stripe(key).lock();
        *changes += 1;
        self.known.remove_if(key, concerns);
    }

    fn stripe(&self, key: &K) -> &Mutex<u64> {
        #[allow(clippy::cast_possible_truncation, reason = "reduced to the number of stripes")]
        &self.changes[self.hasher.hash_one(key) as usize % STRIPES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> WriteThrough<&'static str, u32> {
        WriteThrough::new(100, 100, |_| 1)
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let cache = cache();
        let reading = cache.begin(&"a");
        let writing = cache.begin(&"a");
        cache.changed(&"a", writing, 2);
        cache.read(&"a", reading, 1);
        assert_eq!(cache.get(&"a"), Some(2));
        let reading = cache.begin(&"a");
        cache.forget(&"a");
        cache.read(&"a", reading, 2);
        assert_eq!(cache.get(&"a"), None);
    }

    #[test]
    fn of_two_changes_at_the_same_time_none_is_believed() {
        let cache = cache();
        let (first, second) = (cache.begin(&"a"), cache.begin(&"a"));
        cache.changed(&"a", second, 2);
        cache.changed(&"a", first, 1);
        assert_eq!(cache.get(&"a"), None);
    }

    #[test]
    fn a_change_that_does_not_concern_the_value_keeps_it_but_not_reads_under_way() {
        let cache = cache();
        let began = cache.begin(&"a");
        cache.read(&"a", began, 1);
        let late = cache.begin(&"a");
        cache.forget_if(&"a", |_| false);
        assert_eq!(cache.get(&"a"), Some(1));
        cache.read(&"a", late, 7);
        assert_eq!(cache.get(&"a"), Some(1));
        cache.forget_if(&"a", |_| true);
        assert_eq!(cache.get(&"a"), None);
    }

    #[test]
    fn the_capacity_is_kept() {
        let cache: WriteThrough<u32, Vec<u8>> = WriteThrough::new(8, 1_000, |value| value.len() as u64);
        for key in 0..100 {
            let began = cache.begin(&key);
            cache.read(&key, began, vec![0; 300]);
        }
        assert!(cache.known.weight() <= 1_000);
        let began = cache.begin(&1_000);
        cache.read(&1_000, began, vec![0; 5_000]);
        assert_eq!(
            cache.get(&1_000),
            None,
            "more than everything together is not kept"
        );
    }
}

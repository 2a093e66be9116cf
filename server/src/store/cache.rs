//! A bounded cache that always keeps what was used last, so that it can hold the counters that
//! the operation under way relies on.

use std::hash::Hash;

use hashlink::LruCache;
use hashlink::linked_hash_map::RawEntryMut;

/// At most `capacity` entries, of which the least recently used gives way.
pub(crate) struct RecentlyUsed<K, V>(LruCache<K, V>);

impl<K: Hash + Eq + Clone, V> RecentlyUsed<K, V> {
    /// Memory is only taken for entries that exist.
    pub(crate) fn new(capacity: usize) -> Self {
        Self(LruCache::new(capacity.max(1)))
    }

    /// The entry of a key, loaded when it is not there.
    pub(crate) fn get_or_load<E>(
        &mut self,
        key: &K,
        load: impl FnOnce() -> Result<V, E>,
    ) -> Result<&mut V, E> {
        match self.0.raw_entry_mut().from_key(key) {
            RawEntryMut::Occupied(mut entry) => {
                entry.to_back();
                Ok(entry.into_mut())
            }
            RawEntryMut::Vacant(place) => Ok(place.insert(key.clone(), load()?).1),
        }
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn the_least_recently_used_entry_gives_way() {
        let mut cache = RecentlyUsed::new(2);
        let mut loads = 0;
        for key in [1, 2, 1, 3, 1, 2] {
            let value = cache.get_or_load(&key, || {
                loads += 1;
                Ok::<_, Infallible>(key * 10)
            });
            assert_eq!(*value.unwrap(), key * 10);
        }
        // The capacity is exceeded by the entry in use at most.
        assert!(cache.len() <= 3);
        assert!((3..=4).contains(&loads), "{loads}");
    }

    #[test]
    fn a_failed_load_leaves_nothing() {
        let mut cache: RecentlyUsed<u8, u8> = RecentlyUsed::new(2);
        assert_eq!(cache.get_or_load(&1, || Err("no")).unwrap_err(), "no");
        assert!(cache.get_mut(&1).is_none());
        assert_eq!(cache.len(), 0);
    }
}

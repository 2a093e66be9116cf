//! The data keys of a database. Records name the key they are sealed with; new records use the
//! current one. Keys are immutable: a rotation replaces the whole ring.

use std::collections::BTreeMap;

use hkdf::Hkdf;
use sha2::Sha256;

use super::Secret;

/// Number of a data key, ascending from 1.
pub type KeyId = u32;

/// All data keys that stored records may use.
#[derive(Clone, Debug)]
pub struct KeyRing {
    current: KeyId,
    keys: BTreeMap<KeyId, Secret>,
}

impl KeyRing {
    /// A ring of one key.
    #[must_use]
    pub fn new(id: KeyId, key: Secret) -> Self {
        Self {
            current: id,
            keys: BTreeMap::from([(id, key)]),
        }
    }

    /// A ring of several keys; `None` when the current one is not among them.
    #[must_use]
    pub fn from_keys(keys: BTreeMap<KeyId, Secret>, current: KeyId) -> Option<Self> {
        keys.contains_key(&current).then_some(Self { current, keys })
    }

    /// The key that new records use.
    #[must_use]
    pub fn current(&self) -> KeyId {
        self.current
    }

    /// Numbers of all keys, ascending.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.keys.keys().copied()
    }

    /// The ring after a rotation: one key more, which is the current one.
    #[must_use]
    pub fn with_current(&self, id: KeyId, key: Secret) -> Self {
        let mut keys = self.keys.clone();
        keys.insert(id, key);
        Self { current: id, keys }
    }

    /// The ring without keys that no record uses any more. The current key always stays.
    #[must_use]
    pub fn without(&self, unused: &[KeyId]) -> Self {
        let mut keys = self.keys.clone();
        keys.retain(|id, _| *id == self.current || !unused.contains(id));
        Self {
            current: self.current,
            keys,
        }
    }

    /// The subkey of one data key for one purpose; `None` when the ring has no such key.
    #[must_use]
    pub fn derive(&self, id: KeyId, purpose: &[&[u8]]) -> Option<Secret> {
        let key = self.keys.get(&id)?;
        let mut derived = Secret([0; 32]);
        // The data key is uniformly random: HKDF's extraction step would add nothing.
        let expanded = Hkdf::<Sha256>::from_prk(key.as_bytes())
            .ok()?
            .expand_multi_info(purpose, &mut derived.0);
        expanded.ok().map(|()| derived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_keeps_old_keys_until_they_are_dropped() {
        let ring = KeyRing::new(1, Secret([1; 32]));
        let rotated = ring.with_current(2, Secret([2; 32]));
        assert_eq!((ring.current(), rotated.current()), (1, 2));
        let old = ring.derive(1, &[b"x"]).unwrap();
        assert_eq!(rotated.derive(1, &[b"x"]).unwrap().as_bytes(), old.as_bytes());
        assert_ne!(rotated.derive(2, &[b"x"]).unwrap().as_bytes(), old.as_bytes());
        let dropped = rotated.without(&[1, 2]);
        assert!(dropped.derive(1, &[b"x"]).is_none());
        assert!(dropped.derive(2, &[b"x"]).is_some(), "the current key stays");
        assert!(KeyRing::from_keys(BTreeMap::from([(1, Secret([1; 32]))]), 2).is_none());
    }
}

//! Secrets of an installation: the master key that the operator holds, the data keys it wraps,
//! and the installation key that identifiers are derived with. Secrets are wiped from memory when
//! dropped and never printed.

mod master;
mod ring;

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use master::{KeyError, MasterKey, MasterKeySource, PendingMasterKey};
pub use ring::{KeyId, KeyRing};

use super::ids::{AccountId, ConversationId};

/// 32 secret bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes over secret bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// New random bytes from the operating system.
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = Self([0; 32]);
        SysRng
            .try_fill_bytes(&mut secret.0)
            .map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(secret)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// An independent secret for one purpose (HKDF-SHA-256).
    #[must_use]
    pub fn derive(&self, purpose: &[&[u8]]) -> Self {
        let mut derived = Self([0; 32]);
        let expanded = Hkdf::<Sha256>::new(None, &self.0).expand_multi_info(purpose, &mut derived.0);
        debug_assert!(expanded.is_ok(), "32 bytes are a valid length for HKDF-SHA-256");
        derived
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The key that account ids, conversation ids and slots are derived with. It is made at the first
/// start, stored wrapped by the master key, and never changes: all identifiers depend on it.
#[derive(Clone, Debug)]
pub struct InstallationKey(Secret);

impl InstallationKey {
    /// Takes over an existing key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret(bytes))
    }

    /// Makes a new key.
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self(Secret::generate()?))
    }

    /// The bytes, for `tim_protocol::node::wide_account_node`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// A keyed hash for one purpose, independent of the hashes for other purposes.
    pub(crate) fn keyed_hash(&self, purpose: &str) -> Hmac<Sha256> {
        let key = self.0.derive(&[b"tim installation ", purpose.as_bytes()]);
        keyed_hash(&key)
    }
}

/// HMAC-SHA-256 with a key of its full width.
pub(crate) fn keyed_hash(key: &Secret) -> Hmac<Sha256> {
    // HMAC pads a shorter key with zeros to the block size of its hash.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key.as_bytes());
    Hmac::<Sha256>::new((&*block).into())
}

impl ConversationId {
    /// The conversation of two accounts; the order of the two does not matter.
    #[must_use]
    pub fn between(key: &InstallationKey, a: &AccountId, b: &AccountId) -> Self {
        let (first, second) = if a <= b { (a, b) } else { (b, a) };
        Self::derive(key, b"pair", &[first.as_str(), second.as_str()])
    }

    /// The conversation of a group.
    #[must_use]
    pub fn of_group(key: &InstallationKey, group: &str) -> Self {
        Self::derive(key, b"group", &[group])
    }

    fn derive(key: &InstallationKey, kind: &[u8], parts: &[&str]) -> Self {
        let mut mac = key.keyed_hash("conversation");
        mac.update(kind);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let tag = mac.finalize().into_bytes();
        let mut id = [0; 16];
        id.copy_from_slice(&tag[..16]);
        Self(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::account_id;

    #[test]
    fn the_conversation_of_two_is_the_same_from_both_sides_and_for_nobody_else() {
        let key = InstallationKey::from_bytes([3; 32]);
        let (a, b, c) = (account_id("a"), account_id("b"), account_id("c"));
        assert_eq!(
            ConversationId::between(&key, &a, &b),
            ConversationId::between(&key, &b, &a)
        );
        assert_ne!(
            ConversationId::between(&key, &a, &b),
            ConversationId::between(&key, &a, &c)
        );
        assert_ne!(
            ConversationId::between(&key, &a, &b),
            ConversationId::between(&InstallationKey::from_bytes([4; 32]), &a, &b)
        );
        assert_ne!(
            ConversationId::between(&key, &account_id("ab"), &c),
            ConversationId::between(&key, &a, &account_id("bc"))
        );
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?}", InstallationKey::from_bytes([0xab; 32]));
        assert!(!printed.contains("171") && !printed.contains("ab"), "{printed}");
    }

    #[test]
    fn two_generated_secrets_differ() {
        assert_ne!(
            Secret::generate().unwrap().as_bytes(),
            Secret::generate().unwrap().as_bytes()
        );
    }
}

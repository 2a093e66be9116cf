//! Secrets of an installation: the master key that the operator holds, the data keys it wraps,
//! and the installation key that identifiers are derived with. Secrets are wiped from memory when
//! dropped and never printed.

mod master;
mod ring;

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use master::{KeyError, MasterKey, MasterKeySource, PendingMasterKey};
pub use ring::{KeyId, KeyRing};

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

#[cfg(test)]
mod tests {
    use super::*;

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

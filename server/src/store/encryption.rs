//! Encryption of single records: AES-256-GCM with a random 96-bit nonce, under a subkey for each
//! table and owner or conversation. The associated data names the table, all key columns and the
//! key, so that a record which was moved, swapped or renumbered does not decrypt.

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use parking_lot::RwLock;
use rand::Rng;

use super::cache::RecentlyUsed;
use super::ids::{AccountId, ConversationId};
use super::keys::{KeyId, KeyRing};

const NONCE: usize = 12;
const TAG: usize = 16;
/// What a sealed record is longer than its content, in bytes.
pub const OVERHEAD: usize = NONCE + TAG;

/// A table with sealed records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// Accounts: the password hash.
    Account = 1,
    /// Login tokens: the application fields.
    Token = 2,
    /// Messages: author and body.
    Message = 3,
    /// Inboxes: packets and references.
    Inbox = 4,
    /// Devices: their names.
    Device = 5,
    /// Rooms: their profiles.
    Room = 6,
    /// Logs of conversations: the packets between the messages.
    LogNotice = 7,
    /// Profiles of users.
    Profile = 8,
    /// Files: what they are and the keys of their bytes.
    File = 10,
}

impl Table {
    /// Name in errors, and of the table in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Token => "token",
            Self::Message => "message",
            Self::Inbox => "inbox",
            Self::Device => "device",
            Self::Room => "room",
            Self::LogNotice => "log_notice",
            Self::Profile => "profile",
            Self::File => "file",
        }
    }
}

/// Whose records share a subkey.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The records of one account.
    Account(AccountId),
    /// The log of one conversation and, if it is that of a room, the room's record.
    Conversation(ConversationId),
}

/// A record was not sealed with this key for this place, or was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenRecordError {
    /// The authentication tag does not fit.
    #[error("its content does not fit its place")]
    Changed,
    /// The key ring does not have the key.
    #[error("its key {0} is unknown")]
    UnknownKey(KeyId),
}

/// Key columns of a record, encoded so that no two records have the same encoding.
#[derive(Debug)]
pub struct Place {
    bytes: Vec<u8>,
}

impl Place {
    /// Begins the place of a record in a table, sealed with a key.
    #[must_use]
    pub fn new(table: Table, key: KeyId) -> Self {
        let mut place = Self {
            bytes: Vec::with_capacity(96),
        };
        place.reset(table, key);
        place
    }

    /// A place in a table whose key is used for nothing else.
    #[must_use]
    pub fn of(table: &[u8]) -> Self {
        let mut place = Self {
            bytes: Vec::with_capacity(96),
        };
        place.bytes(table);
        place
    }

    /// Begins another place in the same memory.
    pub fn reset(&mut self, table: Table, key: KeyId) {
        self.bytes.clear();
        self.bytes.push(table as u8);
        self.bytes.extend_from_slice(&key.to_be_bytes());
    }

    /// Adds a column of bytes.
    pub fn bytes(&mut self, column: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(&(column.len() as u64).to_be_bytes());
        self.bytes.extend_from_slice(column);
        self
    }

    /// Adds a numeric column.
    pub fn number(&mut self, column: i64) -> &mut Self {
        self.bytes.extend_from_slice(&column.to_be_bytes());
        self
    }
}

/// Seals and opens the records of one table and scope with one data key.
#[derive(Clone)]
pub struct RecordCipher(Aes256Gcm);

impl fmt::Debug for RecordCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordCipher(..)")
    }
}

impl RecordCipher {
    /// A cipher with a key of its own.
    #[must_use]
    pub fn with_key(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Encrypts the concatenated parts into `sealed`, replacing what is in it.
    pub fn seal(&self, place: &Place, parts: &[&[u8]], sealed: &mut Vec<u8>) {
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        sealed.clear();
        sealed.reserve(OVERHEAD + parts.iter().map(|part| part.len()).sum::<usize>());
        sealed.extend_from_slice(&nonce);
        parts.iter().for_each(|part| sealed.extend_from_slice(part));
        let plain = &mut sealed[NONCE..];
        match self
            .0
            .encrypt_inout_detached(&Nonce::from(nonce), &place.bytes, plain.into())
        {
            Ok(tag) => sealed.extend_from_slice(&tag),
            // Only content above 64 GiB is refused. Without a tag the record never opens.
            Err(_) => sealed.clear(),
        }
    }

    /// Decrypts a sealed record.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Vec<u8>, OpenRecordError> {
        let (nonce, rest) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(OpenRecordError::Changed)?;
        let (content, tag) = rest.split_last_chunk::<TAG>().ok_or(OpenRecordError::Changed)?;
        let mut plain = content.to_vec();
        self.0
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                &place.bytes,
                plain.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .map_err(|_| OpenRecordError::Changed)?;
        Ok(plain)
    }
}

/// The key ring in use, shared by the threads of a database; a rotation replaces it.
#[derive(Debug)]
pub struct SharedKeyRing(RwLock<Arc<KeyRing>>);

impl SharedKeyRing {
    /// Starts with a ring.
    #[must_use]
    pub fn new(ring: KeyRing) -> Self {
        Self(RwLock::new(Arc::new(ring)))
    }

    /// The present ring.
    #[must_use]
    pub fn get(&self) -> Arc<KeyRing> {
        Arc::clone(&self.0.read())
    }

    /// Replaces the ring.
    pub fn replace(&self, ring: Arc<KeyRing>) {
        *self.0.write() = ring;
    }
}

/// Record ciphers of one thread, derived when first needed and kept in bounded number.
pub struct Ciphers {
    shared: Arc<SharedKeyRing>,
    /// The ring when the present operation began: it has every key of the records that the
    /// operation can see, also when a key is dropped meanwhile.
    ring: Arc<KeyRing>,
    derived: RecentlyUsed<(Table, KeyId, Scope), RecordCipher>,
}

impl fmt::Debug for Ciphers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ciphers")
            .field("derived", &self.derived.len())
            .finish_non_exhaustive()
    }
}

impl Ciphers {
    /// Keeps at most about `capacity` derived ciphers of about 700 bytes.
    #[must_use]
    pub fn new(shared: Arc<SharedKeyRing>, capacity: usize) -> Self {
        let ring = shared.get();
        Self {
            shared,
            ring,
            derived: RecentlyUsed::new(capacity),
        }
    }

    /// Looks at the present key ring. To be called at the start of each operation, before it
    /// sees any record.
    pub fn refresh(&mut self) {
        let present = self.shared.get();
        if !Arc::ptr_eq(&present, &self.ring) {
            self.ring = present;
            self.derived.clear();
        }
    }

    /// The key that new records use.
    #[must_use]
    pub fn current(&self) -> KeyId {
        self.ring.current()
    }

    /// The cipher of a table and scope under one key.
    pub fn get(&mut self, table: Table, key: KeyId, scope: &Scope) -> Result<&RecordCipher, OpenRecordError> {
        let Self {
            shared,
            ring,
            derived,
        } = self;
        let cipher = derived.get_or_load(&(table, key, scope.clone()), || {
            // A key that was made after the operation began is only in the present ring.
            derive(ring, table, key, scope)
                .or_else(|| derive(&shared.get(), table, key, scope))
                .ok_or(OpenRecordError::UnknownKey(key))
        })?;
        Ok(cipher)
    }
}

fn derive(ring: &KeyRing, table: Table, key: KeyId, scope: &Scope) -> Option<RecordCipher> {
    let (kind, scope): (&[u8], &[u8]) = match scope {
        Scope::Account(id) => (b"a", id.as_str().as_bytes()),
        Scope::Conversation(id) => (b"c", &id.0),
    };
    let subkey = ring.derive(key, &[b"tim record ", &[table as u8], kind, scope])?;
    Some(RecordCipher(Aes256Gcm::new(subkey.as_bytes().into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keys::Secret;

    fn ciphers() -> Ciphers {
        let ring = KeyRing::new(1, Secret::from_bytes([5; 32])).with_current(2, Secret::from_bytes([6; 32]));
        Ciphers::new(Arc::new(SharedKeyRing::new(ring)), 16)
    }

    fn place(key: KeyId, conversation: u8, mid: i64) -> Place {
        let mut place = Place::new(Table::Message, key);
        place.bytes(&[conversation; 16]).number(mid);
        place
    }

    fn scope(conversation: u8) -> Scope {
        Scope::Conversation(ConversationId([conversation; 16]))
    }

    fn seal(ciphers: &mut Ciphers, place: &Place, content: &[u8]) -> Vec<u8> {
        let mut sealed = vec![];
        ciphers
            .get(Table::Message, 2, &scope(1))
            .unwrap()
            .seal(place, &[content], &mut sealed);
        sealed
    }

    #[test]
    fn a_record_opens_at_its_place_only() {
        let mut ciphers = ciphers();
        let sealed = seal(&mut ciphers, &place(2, 1, 10), b"hello");
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        let cipher = ciphers.get(Table::Message, 2, &scope(1)).unwrap().clone();
        assert_eq!(cipher.open(&place(2, 1, 10), &sealed).unwrap(), b"hello");
        for other in [place(2, 1, 11), place(2, 2, 10), place(1, 1, 10)] {
            assert_eq!(cipher.open(&other, &sealed), Err(OpenRecordError::Changed));
        }
        let other = ciphers.get(Table::Message, 2, &scope(2)).unwrap();
        assert_eq!(
            other.open(&place(2, 1, 10), &sealed),
            Err(OpenRecordError::Changed)
        );
        let other = ciphers.get(Table::Inbox, 2, &scope(1)).unwrap();
        assert_eq!(
            other.open(&place(2, 1, 10), &sealed),
            Err(OpenRecordError::Changed)
        );
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let mut ciphers = ciphers();
        let sealed = seal(&mut ciphers, &place(2, 1, 10), b"hello");
        let cipher = ciphers.get(Table::Message, 2, &scope(1)).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(cipher.open(&place(2, 1, 10), &changed).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(
                cipher.open(&place(2, 1, 10), &sealed[..length]).is_err(),
                "length {length}"
            );
        }
    }

    #[test]
    fn the_same_content_is_never_sealed_the_same_way() {
        let mut ciphers = ciphers();
        let one = seal(&mut ciphers, &place(2, 1, 10), b"hello");
        assert_ne!(one, seal(&mut ciphers, &place(2, 1, 10), b"hello"));
    }

    #[test]
    fn columns_of_different_lengths_are_told_apart() {
        let mut one = Place::new(Table::Inbox, 1);
        one.bytes(b"ab").bytes(b"c");
        let mut two = Place::new(Table::Inbox, 1);
        two.bytes(b"a").bytes(b"bc");
        assert_ne!(one.bytes, two.bytes);
    }

    #[test]
    fn unknown_keys_are_named_and_new_ones_are_found_at_once() {
        let mut ciphers = ciphers();
        assert_eq!(
            ciphers.get(Table::Message, 3, &scope(1)).unwrap_err(),
            OpenRecordError::UnknownKey(3)
        );
        let rotated = ciphers.shared.get().with_current(3, Secret::from_bytes([9; 32]));
        ciphers.shared.replace(Arc::new(rotated));
        assert!(ciphers.get(Table::Message, 3, &scope(1)).is_ok());
        assert_eq!(ciphers.current(), 2);
        ciphers.refresh();
        assert_eq!(ciphers.current(), 3);
    }
}

//! Records of files and pictures. Their bytes are kept elsewhere, encrypted with the key that is here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ids::{AccountId, ConversationId, Mid, RoomId, Slot, Timestamp};
use super::keys::Secret;

/// Bytes of an id that tell the slot of its record.
const SLOT_BYTES: usize = 3;
/// Bytes of an id: the slot, then random ones.
const ID_BYTES: usize = SLOT_BYTES + 18;

/// Name of a file: the slot of its record and 144 random bits. Nobody guesses it, and still it gives no right
/// to the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId([u8; ID_BYTES]);

impl FileId {
    /// Length of the text form.
    pub const TEXT: usize = 28;

    /// A name for a file in a slot.
    #[must_use]
    pub fn new(slot: Slot, random: [u8; ID_BYTES - SLOT_BYTES]) -> Self {
        let mut bytes = [0; ID_BYTES];
        bytes[..SLOT_BYTES].copy_from_slice(&slot.get().to_be_bytes()[1..]);
        bytes[SLOT_BYTES..].copy_from_slice(&random);
        Self(bytes)
    }

    /// A new random name for a file in a slot.
    pub(crate) fn random(slot: Slot) -> Self {
        let mut random = [0; ID_BYTES - SLOT_BYTES];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut random);
        Self::new(slot, random)
    }

    /// Reads the text form; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT {
            return None;
        }
        Self::from_bytes(&URL_SAFE_NO_PAD.decode(text).ok()?)
    }

    /// Reads the bytes; `None` when they are no name of a file.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let id = Self(bytes.try_into().ok()?);
        (id.slot_number() < Slot::COUNT).then_some(id)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The slot of its record.
    #[must_use]
    pub fn slot(&self) -> Slot {
        Slot::from_hash(u64::from(self.slot_number()))
    }

    fn slot_number(&self) -> u32 {
        u32::from_be_bytes([0, self.0[0], self.0[1], self.0[2]])
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a file is for, which decides who may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilePlace {
    /// A message between its uploader and this account.
    User(AccountId),
    /// A message to this room.
    Room(RoomId),
    /// The profile of its uploader.
    Profile,
    /// The profile of this room.
    RoomProfile(RoomId),
}

/// A file that is about to arrive.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// The conversation it is for. For the picture of an account: its conversation with itself.
    pub conversation: ConversationId,
    /// Who brings it.
    pub uploader: AccountId,
    /// The uploader's tenant.
    pub domain: String,
    /// What it is for.
    pub place: FilePlace,
    /// Bytes of its content.
    pub size: u64,
    /// When it began to arrive.
    pub created: Timestamp,
    /// What its bytes are encrypted with.
    pub key: Secret,
    /// Most bytes of files, this one included, that the uploader may have. Deleted ones do not count.
    pub quota: u64,
}

/// What is known of a file once all of it has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Verified content type; empty for one of no verified type.
    pub content_type: String,
}

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// It has arrived; no message names it yet.
    Waiting,
    /// This message names it.
    Linked(Mid),
    /// It is the picture of a profile, or was until a moment ago.
    Picture,
}

/// A file that has arrived.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// Its name.
    pub id: FileId,
    /// The conversation it is for.
    pub conversation: ConversationId,
    /// Who brought it.
    pub uploader: AccountId,
    /// The uploader's tenant.
    pub domain: String,
    /// What it is for.
    pub place: FilePlace,
    /// How far it is.
    pub state: FileState,
    /// Bytes of its content.
    pub size: u64,
    /// What its bytes are encrypted with.
    pub key: Secret,
    /// What was found out when it arrived.
    pub content: FileContent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_tells_its_slot() {
        let slot = Slot::from_hash(0xf_fff1);
        let id = FileId::new(slot, [9; 18]);
        assert_eq!(id.to_string().len(), FileId::TEXT);
        assert_eq!(FileId::parse(&id.to_string()), Some(id));
        assert_eq!(id.slot(), slot);
        assert_ne!(FileId::random(slot), FileId::random(slot));
    }

    #[test]
    fn other_texts_are_no_ids() {
        let id = FileId::new(Slot::from_hash(5), [0xff; 18]).to_string();
        let cut = &id[..27];
        let other_alphabet = id.replace('_', "/");
        // A slot above the last.
        let outside = format!("____{}", &id[4..]);
        for text in [
            "",
            cut,
            &format!("{id}A"),
            &other_alphabet,
            &outside,
            &"é".repeat(14),
        ] {
            assert_eq!(FileId::parse(text), None, "{text}");
        }
    }
}

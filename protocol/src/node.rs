//! Public addresses of users, rooms and virtual rooms. Clients treat them as opaque; this module only
//! guarantees what the wire needs of them, and makes the wide form that new accounts and rooms get.

pub mod original;

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crc::{CRC_8_ROHC, Crc};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use smol_str::SmolStr;
use thiserror::Error;

/// Longest node, in bytes.
pub const MAX_LENGTH: usize = 64;

/// Bytes of a wide identifier without its check byte.
pub const WIDE_LENGTH: usize = 15;

/// Separates this use of the installation key from every other one.
const ACCOUNT_LABEL: &[u8] = b"tim account node v1";

/// A check byte that depends on leading zero bytes too (the register does not start at zero).
const CHECK: Crc<u8> = Crc::<u8>::new(&CRC_8_ROHC);

/// The address of a user, a room or a virtual room: 1 to 64 visible ASCII characters without `|`, which ends
/// nodes in big data, and without `"` and `\`, so that a node means itself in JSON too.
///
/// Cheap to clone: up to 23 bytes, which covers the wide and the original form, are stored in place.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node(SmolStr);

/// Why a text is not a [`Node`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NodeError {
    /// The text is empty.
    #[error("a node must not be empty")]
    Empty,
    /// The text has more than [`MAX_LENGTH`] bytes.
    #[error("a node has at most {MAX_LENGTH} bytes")]
    TooLong,
    /// The text contains white space, a control character, `|`, `"`, `\` or a character outside ASCII.
    #[error("a node consists of visible ASCII characters without '|', '\"' and '\\'")]
    Character,
}

impl Node {
    /// Checks and takes a text.
    ///
    /// # Errors
    /// [`NodeError`] says which rule the text breaks.
    pub fn new(text: &str) -> Result<Self, NodeError> {
        if text.is_empty() {
            Err(NodeError::Empty)
        } else if text.len() > MAX_LENGTH {
            Err(NodeError::TooLong)
        } else if !text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'|' | b'"' | b'\\'))
        {
            Err(NodeError::Character)
        } else {
            Ok(Self(SmolStr::new(text)))
        }
    }

    /// The text of the node.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A node of base58 characters. The caller vouches for 1 to 64 of them.
    fn from_base58(text: String) -> Self {
        Self(SmolStr::from(text))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Node").field(&self.as_str()).finish()
    }
}

impl AsRef<str> for Node {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Node {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Node {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Node {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl FromStr for Node {
    type Err = NodeError;

    fn from_str(text: &str) -> Result<Self, NodeError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Node {
    type Error = NodeError;

    fn try_from(text: &str) -> Result<Self, NodeError> {
        Self::new(text)
    }
}

impl TryFrom<&String> for Node {
    type Error = NodeError;

    fn try_from(text: &String) -> Result<Self, NodeError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Node {
    type Error = NodeError;

    fn try_from(text: String) -> Result<Self, NodeError> {
        Self::new(&text)
    }
}

impl From<Node> for String {
    fn from(node: Node) -> Self {
        node.0.into()
    }
}

impl From<&Node> for String {
    fn from(node: &Node) -> Self {
        node.as_str().to_owned()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// The node of an account: keyed with the secret of the installation, so that nobody else can test whether a
/// login name belongs to a node. An absent domain is the empty one.
///
/// The same key, domain and name always give the same node. Domain and name are length-prefixed: moving
/// characters from one to the other gives another node.
pub fn wide_account_node(key: &[u8; 32], domain: &str, name: &str) -> Node {
    // HMAC pads short keys with zeros to the block length of the hash; doing it here cannot fail.
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    for part in [ACCOUNT_LABEL, domain.as_bytes(), name.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    let tag = mac.finalize().into_bytes();
    let mut id = [0_u8; WIDE_LENGTH];
    id.copy_from_slice(&tag[..WIDE_LENGTH]);
    wide_node_from_random(id)
}

/// The node of a room or virtual room from 15 random bytes, which the caller takes from a secure source.
///
/// The text is the base58 form (Bitcoin alphabet) of the 15 bytes and a check byte, where every leading zero
/// byte is one `1`: 16 bytes have exactly one text, of 16 to 22 characters, and a text stands for 16 bytes or
/// is not well formed.
pub fn wide_node_from_random(id: [u8; WIDE_LENGTH]) -> Node {
    let mut bytes = [0_u8; WIDE_LENGTH + 1];
    bytes[..WIDE_LENGTH].copy_from_slice(&id);
    bytes[WIDE_LENGTH] = CHECK.checksum(&id);
    Node::from_base58(bs58::encode(bytes).into_string())
}

/// Whether a text is a wide node with a correct check byte. Catches typing errors before anything is looked
/// up; one of 256 wrong texts of the right length passes.
pub fn is_well_formed_wide(text: &str) -> bool {
    // 22 characters are the longest form of 16 bytes.
    if text.len() > 22 {
        return false;
    }
    let mut bytes = [0_u8; WIDE_LENGTH + 2];
    match bs58::decode(text).onto(&mut bytes) {
        Ok(length) if length == WIDE_LENGTH + 1 => {
            CHECK.checksum(&bytes[..WIDE_LENGTH]) == bytes[WIDE_LENGTH]
        }
        _ => false,
    }
}

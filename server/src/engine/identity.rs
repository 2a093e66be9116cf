//! Derives ids of accounts and conversations with the installation key, so that they can neither
//! be computed nor enumerated without it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use smol_str::{SmolStr, ToSmolStr};
use tim_protocol::node::{self, Node};
use zeroize::Zeroizing;

use super::clock::Entropy;
use crate::store::{AccountId, ConversationId, DeviceKey, RoomId};

/// Longest device name that is kept as it is.
const DEVICE_KEY_BYTES: usize = 64;

/// The derivations of one installation.
pub struct Identity {
    key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Identity {
    /// With the installation key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            key: Zeroizing::new(key),
        }
    }

    /// Id of the account with this login name. The name itself is stored nowhere.
    #[must_use]
    pub fn account(&self, domain: &str, name: &str) -> AccountId {
        AccountId::new(node::wide_account_node(&self.key, domain, name))
    }

    /// The conversation of two accounts, whoever is named first.
    #[must_use]
    pub fn conversation(&self, a: &AccountId, b: &AccountId) -> ConversationId {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        let mut mac = self.mac();
        mac.update(b"tim conversation of two\0");
        // Ids contain no zero byte.
        mac.update(low.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(high.as_str().as_bytes());
        conversation_id(mac)
    }

    /// The conversation of a room.
    #[must_use]
    pub fn room_conversation(&self, room: &RoomId) -> ConversationId {
        let mut mac = self.mac();
        mac.update(b"tim conversation of a room\0");
        mac.update(room.as_str().as_bytes());
        conversation_id(mac)
    }

    fn mac(&self) -> Hmac<Sha256> {
        // The key has exactly the size the hash wants, so this cannot be refused.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&*self.key) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac
    }
}

/// Takes a well-formed id of this server from the wire.
#[must_use]
pub fn parse_account(text: &str) -> Option<AccountId> {
    parse_account_of(text, false)
}

/// Takes a well-formed room id of this server from the wire.
#[must_use]
pub fn parse_room(text: &str) -> Option<RoomId> {
    parse_room_of(text, false)
}

/// Takes an id from the wire. With `foreign_ids` it may be any node, because ids come from elsewhere.
#[must_use]
pub fn parse_account_of(text: &str, foreign_ids: bool) -> Option<AccountId> {
    parse_node(text, foreign_ids).map(AccountId::new)
}

/// Takes a room id from the wire. With `foreign_ids` it may be any node.
#[must_use]
pub fn parse_room_of(text: &str, foreign_ids: bool) -> Option<RoomId> {
    parse_node(text, foreign_ids).map(RoomId::new)
}

fn parse_node(text: &str, foreign_ids: bool) -> Option<Node> {
    (foreign_ids || node::is_well_formed_wide(text))
        .then(|| Node::new(text).ok())
        .flatten()
}

/// A new random id for a room or a virtual room.
#[must_use]
pub fn random_node(entropy: &dyn Entropy) -> Node {
    let mut id = [0; node::WIDE_LENGTH];
    entropy.fill(&mut id);
    node::wide_node_from_random(id)
}

fn conversation_id(mac: Hmac<Sha256>) -> ConversationId {
    let digest = mac.finalize().into_bytes();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    ConversationId(id)
}

/// Tells devices apart: by `resource`, else by `termtyp`.
#[must_use]
pub fn device_key(resource: Option<&str>, device_type: Option<i8>) -> DeviceKey {
    match resource {
        Some(resource) if !resource.is_empty() && resource.len() <= DEVICE_KEY_BYTES - 2 => {
            DeviceKey(SmolStr::new(format!("r:{resource}")))
        }
        Some(resource) if !resource.is_empty() => {
            let digest = Sha256::digest(resource.as_bytes());
            let mut text = String::from("h:");
            for byte in &digest[..16] {
                text.push_str(&format!("{byte:02x}"));
            }
            DeviceKey(SmolStr::new(text))
        }
        _ => DeviceKey(format_args!("t:{}", device_type.unwrap_or(0)).to_smolstr()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_name_domain_and_installation() {
        let identity = Identity::new([7; 32]);
        let tim = identity.account("", "tim");
        assert_eq!(tim, identity.account("", "tim"));
        assert_ne!(tim, identity.account("a", "tim"));
        assert_ne!(identity.account("ab", "c"), identity.account("a", "bc"));
        assert_ne!(tim, Identity::new([8; 32]).account("", "tim"));
        assert_eq!(parse_account(tim.as_str()), Some(tim));
        assert_eq!(parse_account("nobody"), None);
    }

    #[test]
    fn a_conversation_is_the_same_from_both_sides() {
        let identity = Identity::new([7; 32]);
        let (a, b, c) = (
            identity.account("", "a"),
            identity.account("", "b"),
            identity.account("", "c"),
        );
        assert_eq!(identity.conversation(&a, &b), identity.conversation(&b, &a));
        assert_ne!(identity.conversation(&a, &b), identity.conversation(&a, &c));
    }

    #[test]
    fn devices_are_told_apart_by_resource_then_by_type() {
        assert_ne!(device_key(Some("phone"), None), device_key(Some("web"), None));
        assert_eq!(
            device_key(Some("phone"), Some(1)),
            device_key(Some("phone"), Some(2))
        );
        assert_ne!(device_key(None, Some(1)), device_key(Some(""), Some(2)));
        let long = "x".repeat(5000);
        assert!(device_key(Some(&long), None).0.len() <= DEVICE_KEY_BYTES);
        assert_ne!(device_key(Some(&long), None), device_key(Some(&long[1..]), None));
    }
}

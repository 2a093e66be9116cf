//! What the sealed columns hold and to which place each is bound. Reader and writer share it.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tim_protocol::node::Node;

use crate::store::encryption::{Place, Table};
use crate::store::files::FileId;
use crate::store::ids::{AccountId, ConversationId, DeviceKey, Mid, RoomId, SessionHash, Slot, Timestamp};
use crate::store::keys::{InstallationKey, KeyId};
use crate::store::shard::{DatabaseIndex, SlotHasher, SlotMap};
use crate::store::{Result, StoreError};

/// Keyed hashes that place and name records.
#[derive(Clone)]
pub(super) struct Placement {
    pub(super) slots: SlotHasher,
    map: SlotMap,
    database: DatabaseIndex,
    devices: Hmac<Sha256>,
    authors: Hmac<Sha256>,
    uploaders: Hmac<Sha256>,
}

impl Placement {
    pub(super) fn new(key: &InstallationKey, map: SlotMap, database: DatabaseIndex) -> Self {
        Self {
            slots: SlotHasher::new(key),
            map,
            database,
            devices: key.keyed_hash("device"),
            authors: key.keyed_hash("author"),
            uploaders: key.keyed_hash("uploader"),
        }
    }

    /// The slot as a column, when this database holds it.
    pub(super) fn column(&self, slot: Slot) -> Result<i64> {
        if self.map.database(slot) == self.database {
            Ok(i64::from(slot.get()))
        } else {
            Err(StoreError::Unavailable(
                "records of two databases in one operation".to_owned(),
            ))
        }
    }

    pub(super) fn account(&self, id: &AccountId) -> Result<i64> {
        self.column(self.slots.of_account(id))
    }

    pub(super) fn conversation(&self, id: &ConversationId) -> Result<i64> {
        self.column(self.slots.of_conversation(id))
    }

    pub(super) fn room(&self, id: &RoomId) -> Result<i64> {
        self.column(self.slots.of_room(id))
    }

    pub(super) fn token(&self, hash: &[u8; 32]) -> Result<i64> {
        self.column(self.slots.of_token(hash))
    }

    pub(super) fn file(&self, id: &FileId) -> Result<i64> {
        self.column(id.slot())
    }

    /// The column that tells whose a file is without naming the account.
    pub(super) fn uploader(&self, account: &AccountId) -> [u8; 16] {
        let mut mac = self.uploaders.clone();
        mac.update(account.as_str().as_bytes());
        let tag = mac.finalize().into_bytes();
        let mut column = [0; 16];
        column.copy_from_slice(&tag[..16]);
        column
    }

    /// The column that names a device without telling its name.
    pub(super) fn device(&self, owner: &AccountId, device: &DeviceKey) -> [u8; 16] {
        let mut mac = self.devices.clone();
        mac.update(&(owner.as_str().len() as u64).to_be_bytes());
        mac.update(owner.as_str().as_bytes());
        mac.update(device.0.as_bytes());
        let tag = mac.finalize().into_bytes();
        let mut column = [0; 16];
        column.copy_from_slice(&tag[..16]);
        column
    }

    /// The column by which a repeated message is recognised.
    pub(super) fn origin(&self, author: &AccountId, client_id: i64) -> [u8; 16] {
        let mut mac = self.authors.clone();
        mac.update(author.as_str().as_bytes());
        let tag = mac.finalize().into_bytes();
        let mut column = [0; 16];
        column[..8].copy_from_slice(&tag[..8]);
        column[8..].copy_from_slice(&client_id.to_be_bytes());
        column
    }
}

/// The author's own number in an origin column.
pub(super) fn client_id_of(origin: &[u8; 16]) -> i64 {
    let mut number = [0; 8];
    number.copy_from_slice(&origin[8..]);
    i64::from_be_bytes(number)
}

pub(super) fn account_place(place: &mut Place, key: KeyId, id: &str, domain: &str, created: i64) {
    place.reset(Table::Account, key);
    place
        .bytes(id.as_bytes())
        .bytes(domain.as_bytes())
        .number(created);
}

pub(super) fn token_place(place: &mut Place, key: KeyId, hash: &[u8], account: &str, expires: i64) {
    place.reset(Table::Token, key);
    place.bytes(hash).bytes(account.as_bytes()).number(expires);
}

pub(super) fn message_place(
    place: &mut Place,
    key: KeyId,
    conversation: &[u8],
    mid: i64,
    timestamp: i64,
    origin: Option<&[u8]>,
) {
    place.reset(Table::Message, key);
    place
        .bytes(conversation)
        .number(mid)
        .number(timestamp)
        .bytes(origin.unwrap_or_default());
}

pub(super) fn inbox_place(place: &mut Place, key: KeyId, owner: &str, seq: i64) {
    place.reset(Table::Inbox, key);
    place.bytes(owner.as_bytes()).number(seq);
}

pub(super) fn device_place(place: &mut Place, key: KeyId, owner: &str, device: &[u8]) {
    place.reset(Table::Device, key);
    place.bytes(owner.as_bytes()).bytes(device);
}

pub(super) fn profile_place(place: &mut Place, key: KeyId, owner: &str) {
    place.reset(Table::Profile, key);
    place.bytes(owner.as_bytes());
}

pub(super) fn log_notice_place(
    place: &mut Place,
    key: KeyId,
    conversation: &[u8],
    position: i64,
    number: i64,
) {
    place.reset(Table::LogNotice, key);
    place.bytes(conversation).number(position).number(number);
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

pub(super) fn damaged(table: Table, reason: impl Into<String>) -> StoreError {
    StoreError::Damaged {
        table: table.name(),
        reason: reason.into(),
    }
}

/// The account an id column names.
pub(super) fn parse_account(table: Table, id: &str) -> Result<AccountId> {
    Node::new(id)
        .map(AccountId::new)
        .map_err(|_| damaged(table, "it names no account"))
}

/// The room an id column names.
pub(super) fn parse_room(table: &'static str, id: &str) -> Result<RoomId> {
    Node::new(id).map(RoomId::new).map_err(|_| StoreError::Damaged {
        table,
        reason: "it names no room".to_owned(),
    })
}

/// Says that a token has application fields.
const HAS_FIELDS: u8 = 1;
/// Says that a token belongs to a web session, whose hash comes next.
const HAS_SESSION: u8 = 2;

/// Application fields and web session of a token.
type TokenContent = (Option<BTreeMap<String, String>>, Option<SessionHash>);

/// Content of the sealed column of a token.
pub(super) fn encode_token(
    fields: Option<&BTreeMap<String, String>>,
    session: Option<&SessionHash>,
) -> Vec<u8> {
    let has_fields = fields.map_or(0, |_| HAS_FIELDS);
    let mut content = vec![has_fields | session.map_or(0, |_| HAS_SESSION)];
    content.extend(session.into_iter().flat_map(|session| session.0));
    for text in fields
        .into_iter()
        .flatten()
        .flat_map(|(name, value)| [name, value])
    {
        content.extend_from_slice(&(text.len() as u64).to_be_bytes());
        content.extend_from_slice(text.as_bytes());
    }
    content
}

/// Reads what [`encode_token`] wrote; `None` when it is not that.
pub(super) fn decode_token(content: &[u8]) -> Option<TokenContent> {
    let (flags, mut rest) = content.split_first()?;
    let mut session = None;
    if flags & HAS_SESSION != 0 {
        let (hash, after) = rest.split_first_chunk::<32>()?;
        (session, rest) = (Some(SessionHash(*hash)), after);
    }
    if flags & HAS_FIELDS == 0 {
        return rest.is_empty().then_some((None, session));
    }
    let mut fields = BTreeMap::new();
    let take = |rest: &mut &[u8]| -> Option<String> {
        let (length, after) = rest.split_first_chunk::<8>()?;
        let (text, after) = after.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        *rest = after;
        String::from_utf8(text.to_vec()).ok()
    };
    while !rest.is_empty() {
        let name = take(&mut rest)?;
        fields.insert(name, take(&mut rest)?);
    }
    Some((Some(fields), session))
}

/// Content of a message column: author, exact time, body.
#[derive(Debug)]
pub(super) struct MessageContent {
    pub(super) author: Vec<u8>,
    /// Time of arrival when the column holds a later one.
    pub(super) exact: Option<Timestamp>,
    pub(super) body: Bytes,
}

/// First part of the content of a message column; the body follows it.
pub(super) struct MessageHead {
    bytes: [u8; 2 + 255 + 8],
    length: usize,
}

impl MessageHead {
    pub(super) fn new(author: &AccountId, exact: Option<Timestamp>) -> Result<Self> {
        let author = author.as_str().as_bytes();
        let Ok(author_length) = u8::try_from(author.len()) else {
            return Err(StoreError::Unavailable(
                "account id of more than 255 bytes".to_owned(),
            ));
        };
        let mut head = Self {
            bytes: [0; 2 + 255 + 8],
            length: 2,
        };
        head.bytes[0] = u8::from(exact.is_some());
        head.bytes[1] = author_length;
        head.push(author);
        if let Some(exact) = exact {
            head.push(&exact.0.to_be_bytes());
        }
        Ok(head)
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes[self.length..self.length + part.len()].copy_from_slice(part);
        self.length += part.len();
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl MessageContent {
    /// Reads the content of an opened column.
    pub(super) fn parse(content: Vec<u8>) -> Option<Self> {
        let content = Bytes::from(content);
        let (&[has_exact, author_length], rest) = content.split_first_chunk::<2>()?;
        let (author, rest) = rest.split_at_checked(usize::from(author_length))?;
        let (exact, rest) = match has_exact {
            0 => (None, rest),
            _ => {
                let (exact, rest) = rest.split_first_chunk::<8>()?;
                (Some(Timestamp(i64::from_be_bytes(*exact))), rest)
            }
        };
        let author = author.to_vec();
        let start = content.len() - rest.len();
        Some(Self {
            author,
            exact,
            body: content.slice(start..),
        })
    }
}

/// Content of an inbox column.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InboxContent {
    Packet(Bytes),
    Reference(ConversationId, Mid),
}

pub(super) const PACKET: u8 = 0;
pub(super) const REFERENCE: u8 = 1;

impl InboxContent {
    /// Content of a column that refers to a message.
    pub(super) fn reference(conversation: &ConversationId, mid: Mid) -> [u8; 25] {
        let mut content = [REFERENCE; 25];
        content[1..17].copy_from_slice(&conversation.0);
        content[17..].copy_from_slice(&mid.0.to_be_bytes());
        content
    }

    /// Reads the content of an opened column.
    pub(super) fn parse(content: Vec<u8>) -> Option<Self> {
        match *content.first()? {
            PACKET => Some(Self::Packet(Bytes::from(content).slice(1..))),
            REFERENCE => {
                let (conversation, mid) = content[1..].split_first_chunk::<16>()?;
                let mid = i64::from_be_bytes(mid.try_into().ok()?);
                Some(Self::Reference(ConversationId(*conversation), Mid(mid)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::account_id;

    #[test]
    fn message_content_reads_back() {
        let author = account_id("author");
        for exact in [None, Some(Timestamp(-5))] {
            let head = MessageHead::new(&author, exact).unwrap();
            let content = MessageContent::parse([head.as_slice(), b"body"].concat()).unwrap();
            assert_eq!(content.author, author.as_str().as_bytes());
            assert_eq!(content.exact, exact);
            assert_eq!(&content.body[..], b"body");
        }
        for broken in [&[][..], &[0], &[0, 5, 1, 2], &[1, 1, 65, 0, 0]] {
            assert!(MessageContent::parse(broken.to_vec()).is_none(), "{broken:?}");
        }
    }

    #[test]
    fn inbox_content_reads_back() {
        let conversation = ConversationId([7; 16]);
        let reference = InboxContent::reference(&conversation, Mid(1 << 40));
        assert_eq!(
            InboxContent::parse(reference.to_vec()).unwrap(),
            InboxContent::Reference(conversation, Mid(1 << 40))
        );
        assert_eq!(
            InboxContent::parse(vec![PACKET, 1, 2]).unwrap(),
            InboxContent::Packet(Bytes::from_static(&[1, 2]))
        );
        for broken in [&[][..], &[2, 1], &reference[..24], &[REFERENCE]] {
            assert!(InboxContent::parse(broken.to_vec()).is_none(), "{broken:?}");
        }
    }

    #[test]
    fn token_content_reads_back() {
        let fields = BTreeMap::from([("a".to_owned(), "1".to_owned()), (String::new(), "é".to_owned())]);
        for fields in [None, Some(BTreeMap::new()), Some(fields)] {
            for session in [None, Some(SessionHash([7; 32]))] {
                let content = encode_token(fields.as_ref(), session.as_ref());
                assert_eq!(decode_token(&content).unwrap(), (fields.clone(), session));
            }
        }
        for broken in [
            &[][..],
            &[1, 1],
            &[1, 0, 0, 0, 0, 0, 0, 0, 1, 65],
            &[1, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0, 1],
            &[2, 1, 2, 3],
        ] {
            assert!(decode_token(broken).is_none(), "{broken:?}");
        }
    }

    #[test]
    fn origins_differ_by_author_and_number_and_devices_by_owner() {
        let placement = Placement::new(
            &InstallationKey::from_bytes([1; 32]),
            SlotMap::single(),
            DatabaseIndex(0),
        );
        let (a, b) = (account_id("a"), account_id("b"));
        assert_ne!(placement.origin(&a, 1), placement.origin(&b, 1));
        assert_ne!(placement.origin(&a, 1), placement.origin(&a, 2));
        let phone = DeviceKey("phone".into());
        assert_ne!(placement.device(&a, &phone), placement.device(&b, &phone));
    }
}

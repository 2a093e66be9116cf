//! The rows of files, as reader and writer both see them.

use rusqlite::{Connection, OptionalExtension, params};
use tim_protocol::node::Node;
use zeroize::Zeroizing;

use super::sealed::{damaged, parse_account, parse_room};
use crate::store::encryption::{Ciphers, Place, Scope, Table};
use crate::store::files::{FileContent, FileId, FilePlace, FileState, NewFile, StoredFile};
use crate::store::ids::{ConversationId, Mid};
use crate::store::keys::{KeyId, Secret};
use crate::store::{Result, StoreError};

/// Values of the column `state`.
pub(super) const ARRIVING: i64 = 0;
pub(super) const WAITING: i64 = 1;
pub(super) const LINKED: i64 = 2;
pub(super) const PICTURE: i64 = 3;
pub(super) const DELETED: i64 = 4;

/// A row of the table of files.
#[derive(Debug)]
pub(super) struct FileRow {
    id: Vec<u8>,
    pub(super) conversation: ConversationId,
    owner: [u8; 16],
    pub(super) state: i64,
    mid: Option<i64>,
    size: i64,
    created: i64,
    pub(super) key: KeyId,
    pub(super) sealed: Option<Vec<u8>>,
}

impl FileRow {
    pub(super) fn select(connection: &Connection, slot: i64, id: &[u8]) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(
                "SELECT conversation, owner, state, mid, size, created, key_id, body FROM file
                 WHERE slot = ?1 AND id = ?2",
            )?
            .query_row(params![slot, id], |row| {
                Ok(Self {
                    id: id.to_vec(),
                    conversation: ConversationId(row.get(0)?),
                    owner: row.get(1)?,
                    state: row.get(2)?,
                    mid: row.get(3)?,
                    size: row.get(4)?,
                    created: row.get(5)?,
                    key: row.get(6)?,
                    sealed: row.get(7)?,
                })
            })
            .optional()
    }

    /// The row of a file that is about to arrive, its body not yet sealed. `None` for a size beyond all reason.
    pub(super) fn arriving(id: &FileId, owner: [u8; 16], file: &NewFile) -> Option<Self> {
        Some(Self {
            id: id.as_bytes().to_vec(),
            conversation: file.conversation,
            owner,
            state: ARRIVING,
            mid: None,
            size: i64::try_from(file.size).ok()?,
            created: file.created.0,
            key: 0,
            sealed: None,
        })
    }

    /// Names the place of the sealed body under a key: all columns that never change.
    pub(super) fn place(&self, place: &mut Place, key: KeyId) {
        place.reset(Table::File, key);
        place
            .bytes(&self.id)
            .bytes(&self.conversation.0)
            .bytes(&self.owner)
            .number(self.size)
            .number(self.created);
    }

    pub(super) fn insert(
        &self,
        connection: &Connection,
        slot: i64,
        key: KeyId,
        sealed: &[u8],
    ) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO file (slot, id, conversation, owner, state, mid, size, created, key_id, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                slot,
                self.id,
                self.conversation.0,
                self.owner,
                self.state,
                self.size,
                self.created,
                key,
                sealed
            ])
            .map(drop)
    }

    /// What the body says; `None` when the file is deleted.
    pub(super) fn open(&self, ciphers: &mut Ciphers, place: &mut Place) -> Result<Option<Body>> {
        let Some(sealed) = &self.sealed else {
            return Ok(None);
        };
        self.place(place, self.key);
        let opened = ciphers
            .get(Table::File, self.key, &Scope::Conversation(self.conversation))
            .and_then(|cipher| cipher.open(place, sealed))
            .map_err(|error| damaged(Table::File, error.to_string()))?;
        Body::parse(&Zeroizing::new(opened)).map(Some)
    }

    /// The record of a file that has arrived and is not deleted.
    pub(super) fn record(self, body: Body) -> Result<Option<StoredFile>> {
        let state = match (self.state, self.mid) {
            (WAITING, _) => FileState::Waiting,
            (LINKED, Some(mid)) => FileState::Linked(Mid(mid)),
            (PICTURE, _) => FileState::Picture,
            _ => return Ok(None),
        };
        let id = FileId::from_bytes(&self.id).ok_or_else(|| not("a name of a file"))?;
        let Body {
            uploader,
            domain,
            place,
            key,
            content,
        } = body;
        Ok(Some(StoredFile {
            id,
            conversation: self.conversation,
            uploader: parse_account(Table::File, &uploader)?,
            domain,
            place,
            state,
            size: u64::try_from(self.size).map_err(|_| not("a size"))?,
            key,
            content,
        }))
    }
}

fn not(what: &str) -> StoreError {
    damaged(Table::File, format!("not {what}"))
}

/// Content of the column `body`.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) uploader: String,
    pub(super) domain: String,
    pub(super) place: FilePlace,
    pub(super) key: Secret,
    pub(super) content: FileContent,
}

impl Body {
    pub(super) fn arriving(file: &NewFile) -> Self {
        Self {
            uploader: file.uploader.as_str().to_owned(),
            domain: file.domain.clone(),
            place: file.place.clone(),
            key: file.key.clone(),
            content: FileContent {
                sha256: [0; 32],
                content_type: String::new(),
            },
        }
    }

    pub(super) fn is_for_message(&self) -> bool {
        matches!(self.place, FilePlace::User(_) | FilePlace::Room(_))
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let (kind, node) = match &self.place {
            FilePlace::User(peer) => (1, peer.as_str()),
            FilePlace::Room(room) => (2, room.as_str()),
            FilePlace::Profile => (3, ""),
            FilePlace::RoomProfile(room) => (4, room.as_str()),
        };
        let mut bytes = Zeroizing::new(vec![kind]);
        bytes.extend_from_slice(self.key.as_bytes());
        bytes.extend_from_slice(&self.content.sha256);
        for text in [&*self.uploader, &*self.domain, node, &*self.content.content_type] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let (kind, rest) = bytes.split_first().ok_or_else(|| not("a file"))?;
        let (key, rest) = rest.split_first_chunk::<32>().ok_or_else(|| not("a file"))?;
        let (sha256, mut rest) = rest.split_first_chunk::<32>().ok_or_else(|| not("a file"))?;
        let mut text = || -> Option<&str> {
            let (length, after) = rest.split_first_chunk::<8>()?;
            let (text, after) = after.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
            rest = after;
            std::str::from_utf8(text).ok()
        };
        let (Some(uploader), Some(domain), Some(node), Some(content_type)) = (text(), text(), text(), text())
        else {
            return Err(not("a file"));
        };
        let place = match kind {
            1 => FilePlace::User(parse_account(Table::File, node)?),
            2 => FilePlace::Room(parse_room("file", node)?),
            3 => FilePlace::Profile,
            4 => FilePlace::RoomProfile(parse_room("file", node)?),
            _ => return Err(not("a file")),
        };
        Node::new(uploader).map_err(|_| not("a file of an account"))?;
        Ok(Self {
            uploader: uploader.to_owned(),
            domain: domain.to_owned(),
            place,
            key: Secret::from_bytes(*key),
            content: FileContent {
                sha256: *sha256,
                content_type: content_type.to_owned(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::{account_id, room_id};

    #[test]
    fn a_body_reads_back_and_a_cut_one_does_not() {
        for place in [
            FilePlace::User(account_id("b")),
            FilePlace::Room(room_id(1)),
            FilePlace::Profile,
            FilePlace::RoomProfile(room_id(2)),
        ] {
            let body = Body {
                uploader: account_id("a").as_str().to_owned(),
                domain: "example".to_owned(),
                place: place.clone(),
                key: Secret::from_bytes([7; 32]),
                content: FileContent {
                    sha256: [8; 32],
                    content_type: "image/png".to_owned(),
                },
            };
            let bytes = body.encode();
            let read = Body::parse(&bytes).unwrap();
            assert_eq!(
                (&read.uploader, &read.domain, &read.place, &read.content),
                (&body.uploader, &body.domain, &place, &body.content)
            );
            assert_eq!(read.key.as_bytes(), &[7; 32]);
            for length in 0..bytes.len() {
                assert!(Body::parse(&bytes[..length]).is_err(), "{length} bytes of it");
            }
        }
    }
}

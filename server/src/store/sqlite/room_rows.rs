//! The rows of rooms and memberships, as reader and writer both see them.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::reader::contact_state;
use super::sealed::{damaged, parse_account};
use crate::store::Result;
use crate::store::encryption::{Ciphers, Place, Scope, Table};
use crate::store::ids::{AccountId, ConversationId, RoomId, Timestamp};
use crate::store::keys::KeyId;
use crate::store::record::{ContactState, Membership, NewRoom, Room, RoomKind};

/// Which list of a room an account is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RoomList {
    Others = 0,
    Members = 1,
    Blocked = 2,
}

impl RoomList {
    /// The list of an account with this relation; `None` when there is no relation.
    pub(super) fn of(membership: Membership) -> Option<Self> {
        if membership == Membership::default() {
            None
        } else if membership.is_member() {
            Some(Self::Members)
        } else if membership.room == ContactState::Blocks {
            Some(Self::Blocked)
        } else {
            Some(Self::Others)
        }
    }
}

/// A row of the table of rooms.
#[derive(Debug)]
pub(super) struct RoomRow {
    id: String,
    pub(super) conversation: ConversationId,
    domain: String,
    kind: i64,
    pub(super) founder: String,
    created: i64,
    pub(super) dissolved: bool,
    pub(super) version: i64,
    pub(super) key: KeyId,
    pub(super) sealed: Vec<u8>,
}

impl RoomRow {
    pub(super) fn select(connection: &Connection, slot: i64, id: &str) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(
                "SELECT conversation, domain, kind, founder, created, dissolved, version, key_id, profile
                 FROM room WHERE slot = ?1 AND id = ?2",
            )?
            .query_row(params![slot, id], |row| {
                Ok(Self {
                    id: id.to_owned(),
                    conversation: ConversationId(row.get(0)?),
                    domain: row.get(1)?,
                    kind: row.get(2)?,
                    founder: row.get(3)?,
                    created: row.get(4)?,
                    dissolved: row.get(5)?,
                    version: row.get(6)?,
                    key: row.get(7)?,
                    sealed: row.get(8)?,
                })
            })
            .optional()
    }

    /// Names the place of the sealed profile under a key.
    pub(super) fn place(&self, place: &mut Place, key: KeyId) {
        place.reset(Table::Room, key);
        place
            .bytes(self.id.as_bytes())
            .bytes(&self.conversation.0)
            .bytes(self.domain.as_bytes())
            .number(self.kind)
            .bytes(self.founder.as_bytes())
            .number(self.created);
    }

    /// The row of a new room, its profile not yet sealed.
    pub(super) fn unsealed(room: &NewRoom) -> Self {
        Self {
            id: room.id.as_str().to_owned(),
            conversation: room.conversation,
            domain: room.domain.clone(),
            kind: match room.kind {
                RoomKind::Private => 1,
                RoomKind::Open => 2,
            },
            founder: room.founder.as_str().to_owned(),
            created: room.created.0,
            dissolved: false,
            version: 1,
            key: 0,
            sealed: Vec::new(),
        }
    }

    pub(super) fn insert(
        &self,
        connection: &Connection,
        slot: i64,
        key: KeyId,
        sealed: &[u8],
    ) -> rusqlite::Result<bool> {
        let inserted = connection
            .prepare_cached(
                "INSERT INTO room (slot, id, conversation, domain, kind, founder, created, dissolved, version,
                     key_id, profile)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10) ON CONFLICT (slot, id) DO NOTHING",
            )?
            .execute(params![
                slot,
                self.id,
                self.conversation.0,
                self.domain,
                self.kind,
                self.founder,
                self.created,
                self.version,
                key,
                sealed
            ])?;
        Ok(inserted == 1)
    }

    /// Opens the profile.
    pub(super) fn open(&self, ciphers: &mut Ciphers, place: &mut Place) -> Result<Bytes> {
        self.place(place, self.key);
        ciphers
            .get(Table::Room, self.key, &Scope::Conversation(self.conversation))
            .and_then(|cipher| cipher.open(place, &self.sealed))
            .map(Bytes::from)
            .map_err(|error| damaged(Table::Room, error.to_string()))
    }

    pub(super) fn into_room(self, id: RoomId, managers: Vec<AccountId>, profile: Bytes) -> Result<Room> {
        Ok(Room {
            id,
            conversation: self.conversation,
            domain: self.domain,
            kind: match self.kind {
                1 => RoomKind::Private,
                _ => RoomKind::Open,
            },
            founder: parse_account(Table::Room, &self.founder)?,
            managers,
            created: Timestamp(self.created),
            dissolved: self.dissolved,
            profile,
            version: self.version,
        })
    }
}

pub(super) fn select_managers(connection: &Connection, slot: i64, room: &RoomId) -> Result<Vec<AccountId>> {
    connection
        .prepare_cached(
            "SELECT account FROM room_member INDEXED BY room_manager
             WHERE slot = ?1 AND room = ?2 AND manager = 1 ORDER BY account",
        )?
        .query_and_then(params![slot, room.as_str()], |row| {
            parse_account(Table::Account, &row.get::<_, String>(0)?)
        })?
        .collect()
}

/// What the account's side of a membership holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MembershipRow {
    pub(super) membership: Membership,
    pub(super) since: i64,
    pub(super) floor: i64,
}

impl MembershipRow {
    pub(super) fn select(
        connection: &Connection,
        slot: i64,
        account: &AccountId,
        room: &RoomId,
    ) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(
                "SELECT room_state, account_state, since, floor FROM membership
                 WHERE slot = ?1 AND account = ?2 AND room = ?3",
            )?
            .query_row(params![slot, account.as_str(), room.as_str()], |row| {
                Ok(Self {
                    membership: Membership {
                        room: contact_state(row.get(0)?),
                        account: contact_state(row.get(1)?),
                    },
                    since: row.get(2)?,
                    floor: row.get(3)?,
                })
            })
            .optional()
    }
}

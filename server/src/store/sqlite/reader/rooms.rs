//! Reading rooms, memberships, positions in logs of rooms, and profiles.

use bytes::Bytes;
use rusqlite::{CachedStatement, Connection, OptionalExtension, ToSql, params};

use super::{LAST_NOTICE, Reader, contact_state};
use crate::store::encryption::{Scope, Table};
use crate::store::ids::{AccountId, ConversationId, DeviceKey, RoomId, Seq, Timestamp};
use crate::store::keys::KeyId;
use crate::store::record::{ContactState, Membership, Room, RoomLists, RoomPosition, UserProfile};
use crate::store::sqlite::room_rows::{MembershipRow, RoomList, RoomRow, select_managers};
use crate::store::sqlite::sealed::{damaged, parse_account, parse_room, profile_place};
use crate::store::{Result, StoreError};

impl Reader {
    pub(in crate::store::sqlite) fn room(&mut self, id: &RoomId) -> Result<Option<Room>> {
        let slot = self.placement.room(id)?;
        let Some(row) = RoomRow::select(&self.connection, slot, id.as_str())? else {
            return Ok(None);
        };
        let profile = row.open(&mut self.ciphers, &mut self.place)?;
        let managers = select_managers(&self.connection, slot, id)?;
        row.into_room(id.clone(), managers, profile).map(Some)
    }

    pub(in crate::store::sqlite) fn membership(
        &mut self,
        room: &RoomId,
        account: &AccountId,
    ) -> Result<Membership> {
        let slot = self.placement.account(account)?;
        let row = MembershipRow::select(&self.connection, slot, account, room)?;
        Ok(row.map(|row| row.membership).unwrap_or_default())
    }

    pub(in crate::store::sqlite) fn room_list(
        &mut self,
        room: &RoomId,
        list: RoomList,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        let slot = self.placement.room(room)?;
        let mut select = self.connection.prepare_cached(
            "SELECT account FROM room_member WHERE slot = ?1 AND room = ?2 AND list = ?3 AND account > ?4
             ORDER BY account LIMIT ?5",
        )?;
        let after = after.map_or("", AccountId::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = select.query(params![slot, room.as_str(), list as i64, after, limit])?;
        let mut accounts = Vec::new();
        let mut unreadable = Vec::new();
        while let Some(row) = rows.next()? {
            match parse_account(Table::Account, row.get_ref(0)?.as_str().unwrap_or_default()) {
                Ok(account) => accounts.push(account),
                Err(error) => unreadable.push(error),
            }
        }
        drop(rows);
        drop(select);
        unreadable.iter().for_each(|error| self.count_damaged(error));
        Ok(accounts)
    }

    pub(in crate::store::sqlite) fn room_lists(&mut self, account: &AccountId) -> Result<RoomLists> {
        let slot = self.placement.account(account)?;
        let mut select = self.connection.prepare_cached(
            "SELECT room, room_state, account_state FROM membership WHERE slot = ?1 AND account = ?2
             ORDER BY room",
        )?;
        let mut rows = select.query(params![slot, account.as_str()])?;
        let mut lists = RoomLists::default();
        let mut unreadable = Vec::new();
        while let Some(row) = rows.next()? {
            let membership = Membership {
                room: contact_state(row.get(1)?),
                account: contact_state(row.get(2)?),
            };
            let list = if membership.is_member() {
                &mut lists.joined
            } else if membership.account == ContactState::Blocks {
                &mut lists.blocked
            } else if membership.is_pending() {
                &mut lists.requested
            } else {
                continue;
            };
            match parse_room("membership", row.get_ref(0)?.as_str().unwrap_or_default()) {
                Ok(room) => list.push(room),
                Err(error) => unreadable.push(error),
            }
        }
        drop(rows);
        drop(select);
        unreadable.iter().for_each(|error| self.count_damaged(error));
        Ok(lists)
    }

    pub(in crate::store::sqlite) fn room_positions(
        &mut self,
        owner: &AccountId,
        device: &DeviceKey,
    ) -> Result<Vec<RoomPosition>> {
        let slot = self.placement.account(owner)?;
        let column = self.placement.device(owner, device);
        let known = self
            .connection
            .prepare_cached("SELECT 1 FROM device WHERE slot = ?1 AND owner = ?2 AND device = ?3")?
            .exists(params![slot, owner.as_str(), column])?;
        // For a known device its own position, otherwise that of the furthest one.
        let mut select = self.connection.prepare_cached(if known {
            "SELECT room, conversation, since, 0,
                 (SELECT position FROM room_position AS p
                  WHERE p.slot = ?1 AND p.owner = ?2 AND p.room = m.room AND p.device = ?3)
             FROM membership AS m
             WHERE slot = ?1 AND account = ?2 AND room_state = 1 AND account_state = 1 ORDER BY room"
        } else {
            "SELECT room, conversation, since, floor,
                 (SELECT max(position) FROM room_position AS p
                  WHERE p.slot = ?1 AND p.owner = ?2 AND p.room = m.room)
             FROM membership AS m
             WHERE slot = ?1 AND account = ?2 AND room_state = 1 AND account_state = 1 ORDER BY room"
        })?;
        let (one, two): (&[&dyn ToSql], &[&dyn ToSql]) = (
            params![slot, owner.as_str(), column],
            params![slot, owner.as_str()],
        );
        let mut rows = select.query(if known { one } else { two })?;
        let mut heads = LogHeads::prepare(&self.connection)?;
        let mut positions = Vec::new();
        let mut unreadable = Vec::new();
        while let Some(row) = rows.next()? {
            let room = match parse_room("membership", row.get_ref(0)?.as_str().unwrap_or_default()) {
                Ok(room) => room,
                Err(error) => {
                    unreadable.push(error);
                    continue;
                }
            };
            let conversation = ConversationId(row.get(1)?);
            let (since, floor, stored): (i64, i64, Option<i64>) = (row.get(2)?, row.get(3)?, row.get(4)?);
            positions.push(RoomPosition {
                room,
                conversation,
                position: Seq(since.max(floor).max(stored.unwrap_or(0))),
                head: Seq(heads.get(self.placement.conversation(&conversation)?, &conversation)?),
            });
        }
        drop(heads);
        drop(rows);
        drop(select);
        unreadable.iter().for_each(|error| self.count_damaged(error));
        Ok(positions)
    }

    pub(in crate::store::sqlite) fn user_profiles(
        &mut self,
        ids: &[AccountId],
    ) -> Result<Vec<Option<UserProfile>>> {
        ids.iter().map(|id| self.user_profile(id)).collect()
    }

    fn user_profile(&mut self, id: &AccountId) -> Result<Option<UserProfile>> {
        let slot = self.placement.account(id)?;
        type Row = (String, i64, Option<KeyId>, Option<Vec<u8>>);
        let row: Option<Row> = self
            .connection
            .prepare_cached(
                "SELECT domain, created, profile.key_id, profile.body FROM account
                 LEFT JOIN profile ON profile.slot = account.slot AND profile.owner = account.id
                 WHERE account.slot = ?1 AND account.id = ?2",
            )?
            .query_row(params![slot, id.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((domain, created, key, sealed)) = row else {
            return Ok(None);
        };
        let profile = key.zip(sealed).and_then(|(key, sealed)| {
            profile_place(&mut self.place, key, id.as_str());
            self.ciphers
                .get(Table::Profile, key, &Scope::Account(id.clone()))
                .and_then(|cipher| cipher.open(&self.place, &sealed))
                .map_err(|error| self.count_damaged(&damaged(Table::Profile, error.to_string())))
                .ok()
        });
        Ok(Some(UserProfile {
            domain,
            created: Timestamp(created),
            profile: profile.map(Bytes::from),
        }))
    }
}

/// Finds the newest numbers of logs.
struct LogHeads<'c> {
    message: CachedStatement<'c>,
    notice: CachedStatement<'c>,
}

impl<'c> LogHeads<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            message: connection.prepare_cached(
                "SELECT mid FROM message WHERE slot = ?1 AND conversation = ?2 ORDER BY mid DESC LIMIT 1",
            )?,
            notice: connection.prepare_cached(LAST_NOTICE)?,
        })
    }

    fn get(&mut self, slot: i64, conversation: &ConversationId) -> Result<i64, StoreError> {
        let key = params![slot, conversation.0];
        let mid: Option<i64> = self.message.query_row(key, |row| row.get(0)).optional()?;
        let key = params![slot, conversation.0, i64::MAX];
        let notices: Option<i64> = self.notice.query_row(key, |row| row.get(0)).optional()?;
        Ok(mid.unwrap_or(0) + notices.unwrap_or(0))
    }
}

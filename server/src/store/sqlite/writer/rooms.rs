//! Rooms and who belongs to them: the account's row and the room's row of a relation change
//! together.

use rusqlite::params;

use super::{TaskResult, Writer};
use crate::store::Result;
use crate::store::encryption::{Scope, Table};
use crate::store::ids::{AccountId, ConversationId, RoomId, Seq};
use crate::store::keys::KeyId;
use crate::store::record::{
    Dissolved, Membership, MembershipChange, MembershipChanged, NewRoom, Room, RoomUpdate,
};
use crate::store::sqlite::room_rows::{MembershipRow, RoomList, RoomRow, select_managers};
use crate::store::sqlite::writer::contacts::column;

/// What the writer remembers of a room.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoomState {
    pub(super) slot: i64,
    pub(super) conversation: ConversationId,
    pub(super) dissolved: bool,
}

impl Writer<'_> {
    /// What is known of a room; `None` when there is none.
    pub(super) fn room_state(&mut self, id: &RoomId) -> TaskResult<Option<RoomState>> {
        if let Some(state) = self.rooms.get_mut(id) {
            return Ok(Some(*state));
        }
        let slot = self.placement.room(id)?;
        let Some(row) = RoomRow::select(self.connection, slot, id.as_str())? else {
            return Ok(None);
        };
        let state = RoomState {
            slot,
            conversation: row.conversation,
            dissolved: row.dissolved,
        };
        let cached: TaskResult<_> = self.rooms.get_or_load(id, || Ok(state)).copied();
        cached.map(Some)
    }

    /// `false` when the id is taken.
    pub(in crate::store::sqlite) fn create_room(&mut self, room: &NewRoom) -> TaskResult<bool> {
        let slot = self.placement.room(&room.id)?;
        let row = RoomRow::unsealed(room);
        let key = self.seal_room(&row, &room.profile)?;
        if !row.insert(self.connection, slot, key, &self.sealed)? {
            return Ok(false);
        }
        let since = self.log_head(&room.conversation)?;
        let member = MembershipRow {
            membership: Membership::MEMBER,
            since,
            floor: 0,
        };
        self.put_membership(&room.id, &room.conversation, &room.founder, member)?;
        self.list_account(slot, &room.id, RoomList::Members, &room.founder)?;
        Ok(true)
    }

    pub(in crate::store::sqlite) fn update_room(&mut self, update: &RoomUpdate) -> TaskResult<Option<Room>> {
        let RoomUpdate {
            id,
            expected_version,
            profile,
            managers,
        } = update;
        let slot = self.placement.room(id)?;
        let Some(mut row) = RoomRow::select(self.connection, slot, id.as_str())? else {
            return Ok(None);
        };
        if row.dissolved || row.version != *expected_version {
            return Ok(None);
        }
        row.version += 1;
        let content = match profile {
            Some(profile) => {
                row.key = self.seal_room(&row, profile)?;
                row.sealed.clone_from(&self.sealed);
                profile.clone()
            }
            None => row.open(&mut self.ciphers, &mut self.place)?,
        };
        self.statement(
            "UPDATE room SET version = ?3, key_id = ?4, profile = ?5 WHERE slot = ?1 AND id = ?2",
        )?
        .execute(params![slot, id.as_str(), row.version, row.key, row.sealed])?;
        if let Some(managers) = managers {
            self.replace_managers(slot, id, &row.founder, managers)?;
        }
        let managers = select_managers(self.connection, slot, id)?;
        Ok(Some(row.into_room(id.clone(), managers, content)?))
    }

    /// Makes exactly those managers that are members; the founder is none.
    fn replace_managers(
        &mut self,
        slot: i64,
        room: &RoomId,
        founder: &str,
        managers: &[AccountId],
    ) -> TaskResult<()> {
        self.statement(
            "UPDATE room_member INDEXED BY room_manager SET manager = 0
             WHERE slot = ?1 AND room = ?2 AND manager = 1",
        )?
        .execute(params![slot, room.as_str()])?;
        let mut appoint = self.statement(
            "UPDATE room_member SET manager = 1
             WHERE slot = ?1 AND room = ?2 AND list = ?3 AND account = ?4 AND account <> ?5",
        )?;
        for manager in managers {
            appoint.execute(params![
                slot,
                room.as_str(),
                RoomList::Members as i64,
                manager.as_str(),
                founder
            ])?;
        }
        Ok(())
    }

    pub(in crate::store::sqlite) fn dissolve_room(&mut self, id: &RoomId) -> TaskResult<Dissolved> {
        let slot = self.placement.room(id)?;
        let Some(row) = RoomRow::select(self.connection, slot, id.as_str())?.filter(|row| !row.dissolved)
        else {
            return Ok(Dissolved::NotFound);
        };
        let others = self
            .statement(
                "SELECT 1 FROM room_member
                 WHERE slot = ?1 AND room = ?2 AND list = ?3 AND account <> ?4 LIMIT 1",
            )?
            .exists(params![slot, id.as_str(), RoomList::Members as i64, row.founder])?;
        if others {
            return Ok(Dissolved::OthersLeft);
        }
        self.statement("UPDATE room SET dissolved = 1, version = version + 1 WHERE slot = ?1 AND id = ?2")?
            .execute(params![slot, id.as_str()])?;
        let related = self
            .statement("DELETE FROM room_member WHERE slot = ?1 AND room = ?2 RETURNING account")?
            .query_and_then(params![slot, id.as_str()], |row| -> Result<AccountId> {
                super::parse_account(Table::Account, &row.get::<_, String>(0)?)
            })?
            .collect::<Vec<_>>();
        for account in related {
            match account {
                Ok(account) => self.delete_membership(id, &account)?,
                Err(error) => tracing::warn!(%error, "a relation of a dissolved room is left out"),
            }
        }
        self.rooms.remove(id);
        Ok(Dissolved::Done)
    }

    pub(in crate::store::sqlite) fn change_membership(
        &mut self,
        change: &MembershipChange,
    ) -> TaskResult<MembershipChanged> {
        let MembershipChange {
            room: id,
            account,
            expected,
            becomes,
            notices,
            conversation: _,
        } = change;
        let Some(room) = self.room_state(id)?.filter(|room| !room.dissolved) else {
            return Ok(MembershipChanged::NoRoom);
        };
        let slot = self.placement.account(account)?;
        let present = MembershipRow::select(self.connection, slot, account, id)?.unwrap_or_default();
        if present.membership != *expected {
            return Ok(MembershipChanged::Stale);
        }
        let (was_member, is_member) = (expected.is_member(), becomes.is_member());
        let row = match (was_member, is_member) {
            (false, true) => MembershipRow {
                membership: *becomes,
                since: self.log_head(&room.conversation)?,
                floor: 0,
            },
            (true, true) => present,
            (_, false) => MembershipRow {
                membership: *becomes,
                since: 0,
                floor: 0,
            },
        };
        if *becomes == Membership::default() || (was_member && !is_member) {
            self.delete_membership(id, account)?;
        }
        if *becomes != Membership::default() && becomes != expected {
            self.put_membership(id, &room.conversation, account, row)?;
        }
        let (old, new) = (RoomList::of(*expected), RoomList::of(*becomes));
        if old != new {
            if let Some(old) = old {
                self.unlist_account(room.slot, id, old, account)?;
            }
            if let Some(new) = new {
                self.list_account(room.slot, id, new, account)?;
            }
        }
        Ok(MembershipChanged::Done {
            seqs: self.put_items(notices)?,
            since: Seq(row.since),
        })
    }

    /// Writes the account's row.
    fn put_membership(
        &mut self,
        room: &RoomId,
        conversation: &ConversationId,
        account: &AccountId,
        row: MembershipRow,
    ) -> TaskResult<()> {
        let slot = self.placement.account(account)?;
        self.statement(
            "INSERT OR REPLACE INTO membership
                 (slot, account, room, room_state, account_state, conversation, since, floor)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            slot,
            account.as_str(),
            room.as_str(),
            column(row.membership.room),
            column(row.membership.account),
            conversation.0,
            row.since,
            row.floor
        ])?;
        Ok(())
    }

    /// Deletes the account's row and the positions of its devices.
    fn delete_membership(&mut self, room: &RoomId, account: &AccountId) -> TaskResult<()> {
        let slot = self.placement.account(account)?;
        let key = params![slot, account.as_str(), room.as_str()];
        self.statement("DELETE FROM membership WHERE slot = ?1 AND account = ?2 AND room = ?3")?
            .execute(key)?;
        self.statement("DELETE FROM room_position WHERE slot = ?1 AND owner = ?2 AND room = ?3")?
            .execute(key)?;
        Ok(())
    }

    fn list_account(
        &mut self,
        slot: i64,
        room: &RoomId,
        list: RoomList,
        account: &AccountId,
    ) -> TaskResult<()> {
        self.statement(
            "INSERT OR REPLACE INTO room_member (slot, room, list, account, manager)
             VALUES (?1, ?2, ?3, ?4, 0)",
        )?
        .execute(params![slot, room.as_str(), list as i64, account.as_str()])?;
        Ok(())
    }

    /// Takes an account from a list of a room. The record of a room that loses a manager changes.
    fn unlist_account(
        &mut self,
        slot: i64,
        room: &RoomId,
        list: RoomList,
        account: &AccountId,
    ) -> TaskResult<()> {
        let managed = self
            .statement(
                "DELETE FROM room_member
                 WHERE slot = ?1 AND room = ?2 AND list = ?3 AND account = ?4 AND manager = 1",
            )?
            .execute(params![slot, room.as_str(), list as i64, account.as_str()])?;
        if managed == 1 {
            self.statement("UPDATE room SET version = version + 1 WHERE slot = ?1 AND id = ?2")?
                .execute(params![slot, room.as_str()])?;
            return Ok(());
        }
        self.statement(
            "DELETE FROM room_member WHERE slot = ?1 AND room = ?2 AND list = ?3 AND account = ?4",
        )?
        .execute(params![slot, room.as_str(), list as i64, account.as_str()])?;
        Ok(())
    }

    /// Seals the profile of a room into `self.sealed`.
    fn seal_room(&mut self, row: &RoomRow, profile: &[u8]) -> TaskResult<KeyId> {
        let key = self.ciphers.current();
        row.place(&mut self.place, key);
        self.seal(
            Table::Room,
            key,
            &Scope::Conversation(row.conversation),
            &[profile],
        )?;
        Ok(key)
    }
}

//! Where devices stand in the logs of rooms. A row exists only while its device is known and its
//! owner a member, so that moving it needs no look at either.

use rusqlite::params;

use super::{TaskResult, Writer};
use crate::store::ids::AccountId;
use crate::store::record::RoomAdvance;

impl Writer<'_> {
    pub(in crate::store::sqlite) fn advance_rooms(&mut self, advances: &[RoomAdvance]) -> TaskResult<()> {
        let mut advance = self.statement(
            "UPDATE room_position SET position = ?5
             WHERE slot = ?1 AND owner = ?2 AND room = ?3 AND device = ?4 AND position < ?5",
        )?;
        let mut begin = self.statement(
            "INSERT INTO room_position (slot, owner, room, device, position)
             SELECT ?1, ?2, ?3, ?4, max(?5, m.since) FROM membership AS m
             WHERE m.slot = ?1 AND m.account = ?2 AND m.room = ?3 AND m.room_state = 1 AND m.account_state = 1
               AND EXISTS (SELECT 1 FROM device AS d WHERE d.slot = ?1 AND d.owner = ?2 AND d.device = ?4)
             ON CONFLICT (slot, owner, room, device) DO NOTHING",
        )?;
        for RoomAdvance {
            owner,
            device,
            room: id,
            position,
        } in advances
        {
            let Some(room) = self.room_state(id)? else {
                continue;
            };
            let position = position.0.clamp(0, self.log_head(&room.conversation)?);
            let slot = self.placement.account(owner)?;
            let column = self.placement.device(owner, device);
            let row = params![slot, owner.as_str(), id.as_str(), column, position];
            if advance.execute(row)? == 0 {
                begin.execute(row)?;
            }
        }
        Ok(())
    }

    /// A device becomes known: in every room it keeps the place at which it started.
    pub(super) fn device_added(&mut self, slot: i64, owner: &AccountId, device: &[u8]) -> TaskResult<()> {
        self.statement(
            "INSERT INTO room_position (slot, owner, room, device, position)
             SELECT ?1, ?2, room, ?3, start FROM
                 (SELECT m.room, m.since, max(m.floor, coalesce(
                      (SELECT max(p.position) FROM room_position AS p
                       WHERE p.slot = ?1 AND p.owner = ?2 AND p.room = m.room), 0)) AS start
                  FROM membership AS m
                  WHERE m.slot = ?1 AND m.account = ?2 AND m.room_state = 1 AND m.account_state = 1)
             WHERE start > since",
        )?
        .execute(params![slot, owner.as_str(), device])?;
        Ok(())
    }

    /// A device was forgotten; how far it was stays the start of new devices.
    pub(super) fn device_forgotten(&mut self, slot: i64, owner: &AccountId, device: &[u8]) -> TaskResult<()> {
        let key = params![slot, owner.as_str(), device];
        self.statement(
            "UPDATE membership SET floor = p.position FROM room_position AS p
             WHERE membership.slot = ?1 AND membership.account = ?2 AND p.slot = ?1 AND p.owner = ?2
               AND p.room = membership.room AND p.device = ?3 AND p.position > membership.floor",
        )?
        .execute(key)?;
        self.statement(
            "DELETE FROM room_position WHERE slot = ?1 AND owner = ?2 AND device = ?3
               AND room IN (SELECT room FROM membership WHERE slot = ?1 AND account = ?2)",
        )?
        .execute(key)?;
        Ok(())
    }
}

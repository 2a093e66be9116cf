//! Reading inboxes and the positions of devices.

use bytes::Bytes;
use rusqlite::{OptionalExtension, params};

use super::{Reader, blob, open_message, select_message};
use crate::store::Result;
use crate::store::encryption::{Scope, Table};
use crate::store::ids::{AccountId, ConversationId, DeviceKey, Seq};
use crate::store::keys::KeyId;
use crate::store::record::{FirstWaiting, InboxCopy, InboxState};
use crate::store::sqlite::sealed::{InboxContent, damaged, device_place, inbox_place};

impl Reader {
    pub(in crate::store::sqlite) fn inbox_state(&mut self, owner: &AccountId) -> Result<InboxState> {
        let slot = self.placement.account(owner)?;
        let key = params![slot, owner.as_str()];
        let newest: Option<i64> = self
            .connection
            .prepare_cached("SELECT seq FROM inbox WHERE slot = ?1 AND owner = ?2 ORDER BY seq DESC LIMIT 1")?
            .query_row(key, |row| row.get(0))
            .optional()?;
        let mut floor = self.forgotten(slot, owner)?;
        let Self {
            connection,
            ciphers,
            place,
            ..
        } = self;
        let mut select = connection.prepare_cached(
            "SELECT device, position, key_id, name FROM device WHERE slot = ?1 AND owner = ?2",
        )?;
        let mut rows = select.query(key)?;
        let mut devices = Vec::new();
        let mut unreadable = Vec::new();
        while let Some(row) = rows.next()? {
            let (column, position, key): (Vec<u8>, i64, KeyId) = (row.get(0)?, row.get(1)?, row.get(2)?);
            floor = floor.max(position);
            device_place(place, key, owner.as_str(), &column);
            let name = ciphers
                .get(Table::Device, key, &Scope::Account(owner.clone()))
                .and_then(|cipher| cipher.open(place, blob(row, 3).unwrap_or_default()))
                .map_err(|error| damaged(Table::Device, error.to_string()))
                .and_then(|name| String::from_utf8(name).map_err(|_| damaged(Table::Device, "not a text")));
            match name {
                Ok(name) => devices.push((DeviceKey(name.into()), Seq(position))),
                Err(error) => unreadable.push(error),
            }
        }
        drop(rows);
        drop(select);
        unreadable.iter().for_each(|error| self.count_damaged(error));
        devices.sort();
        Ok(InboxState {
            head: Seq(newest.unwrap_or(0).max(floor)),
            floor: Seq(floor),
            devices,
        })
    }

    pub(in crate::store::sqlite) fn first_waiting(
        &mut self,
        owner: &AccountId,
        after: Seq,
        wanted: &ConversationId,
        limit: usize,
    ) -> Result<FirstWaiting> {
        let slot = self.placement.account(owner)?;
        let Self {
            connection,
            ciphers,
            place,
            ..
        } = self;
        let mut select = connection.prepare_cached(
            "SELECT seq, key_id, body FROM inbox WHERE slot = ?1 AND owner = ?2 AND seq > ?3 ORDER BY seq",
        )?;
        let mut rows = select.query(params![slot, owner.as_str(), after.0])?;
        let scope = Scope::Account(owner.clone());
        let mut last = after;
        for _ in 0..limit {
            let Some(row) = rows.next()? else {
                return Ok(FirstWaiting::Nothing);
            };
            let (seq, key): (i64, KeyId) = (row.get(0)?, row.get(1)?);
            inbox_place(place, key, owner.as_str(), seq);
            // Damaged entries reach nobody, so nobody waits for them; reading the inbox counts them.
            let content = ciphers
                .get(Table::Inbox, key, &scope)
                .and_then(|cipher| cipher.open(place, blob(row, 2).unwrap_or_default()));
            if let Some(InboxContent::Reference(conversation, mid)) =
                content.ok().and_then(InboxContent::parse)
                && conversation == *wanted
            {
                return Ok(FirstWaiting::Found(mid));
            }
            last = Seq(seq);
        }
        Ok(FirstWaiting::NotUpTo(last))
    }

    /// Furthest position of the devices of an account that were forgotten.
    fn forgotten(&self, slot: i64, owner: &AccountId) -> Result<i64> {
        let floor = self
            .connection
            .prepare_cached("SELECT floor FROM inbox_base WHERE slot = ?1 AND owner = ?2")?
            .query_row(params![slot, owner.as_str()], |row| row.get(0))
            .optional()?;
        Ok(floor.unwrap_or(0))
    }

    /// Up to where all devices have read; entries up to there count as deleted.
    fn passed(&self, slot: i64, owner: &AccountId) -> Result<i64> {
        let last: Option<i64> = self
            .connection
            .prepare_cached("SELECT min(position) FROM device WHERE slot = ?1 AND owner = ?2")?
            .query_row(params![slot, owner.as_str()], |row| row.get(0))?;
        last.map_or_else(|| self.forgotten(slot, owner), Ok)
    }

    pub(in crate::store::sqlite) fn read_inbox(
        &mut self,
        owner: &AccountId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<InboxCopy>> {
        let slot = self.placement.account(owner)?;
        let after = self.passed(slot, owner)?.max(after.0);
        let Self {
            connection,
            placement,
            ciphers,
            place,
            ..
        } = self;
        let mut select = connection.prepare_cached(
            "SELECT seq, key_id, body FROM inbox WHERE slot = ?1 AND owner = ?2 AND seq > ?3 ORDER BY seq",
        )?;
        let mut rows = select.query(params![slot, owner.as_str(), after])?;
        let scope = Scope::Account(owner.clone());
        let mut copies: Vec<InboxCopy> = Vec::new();
        let mut unreadable = Vec::new();
        let mut bytes = 0;
        while copies.len() < limit {
            let Some(row) = rows.next()? else { break };
            let (seq, key): (i64, KeyId) = (row.get(0)?, row.get(1)?);
            inbox_place(place, key, owner.as_str(), seq);
            let content = ciphers
                .get(Table::Inbox, key, &scope)
                .and_then(|cipher| cipher.open(place, blob(row, 2).unwrap_or_default()))
                .map_err(|error| damaged(Table::Inbox, error.to_string()))
                .and_then(|content| {
                    InboxContent::parse(content).ok_or_else(|| damaged(Table::Inbox, "unreadable content"))
                });
            let (mid, client_id, body) = match content {
                Ok(InboxContent::Packet(body)) => (None, None, Some(body)),
                Ok(InboxContent::Reference(conversation, mid)) => {
                    let slot = placement.conversation(&conversation)?;
                    let row = select_message(connection, slot, &conversation, mid)?;
                    let message = row
                        .as_ref()
                        .map_or(Ok(None), |row| open_message(ciphers, place, &conversation, row));
                    let body = message.unwrap_or_else(|error| {
                        unreadable.push(error);
                        None
                    });
                    let client_id = row.filter(|_| body.is_some()).and_then(|row| row.client_id());
                    (Some(mid), client_id, body.map(|content| content.body))
                }
                Err(error) => {
                    unreadable.push(error);
                    (None, None, None)
                }
            };
            bytes += body.as_ref().map_or(0, Bytes::len);
            if bytes > max_bytes && !copies.is_empty() {
                break;
            }
            copies.push(InboxCopy {
                seq: Seq(seq),
                mid,
                client_id,
                body,
            });
        }
        drop(rows);
        drop(select);
        unreadable.iter().for_each(|error| self.count_damaged(error));
        Ok(copies)
    }
}

//! Inboxes and the positions of devices. An entry that all devices of its owner have passed is
//! invisible at once and deleted a little later, together with others.

use rusqlite::{Connection, OptionalExtension, params};

use super::{TaskResult, Writer};
use crate::store::MAX_DEVICES;
use crate::store::encryption::{Scope, Table};
use crate::store::ids::{AccountId, Seq, Timestamp};
use crate::store::record::{Advance, InboxItem};
use crate::store::sqlite::sealed::{
    InboxContent, PACKET, Placement, damaged, device_place, inbox_place, parse_account,
};

/// What the writer remembers of the inbox of an account.
#[derive(Clone, Debug)]
pub(super) struct OwnerState {
    slot: i64,
    /// Newest number ever given.
    head: i64,
    /// Every entry that exists has a larger number.
    deleted: i64,
    /// Furthest position of the devices forgotten so far.
    forgotten: i64,
    devices: Vec<DeviceState>,
    /// Whether the owner is in the list of inboxes to be trimmed.
    listed: bool,
}

#[derive(Clone, Debug)]
struct DeviceState {
    column: [u8; 16],
    position: i64,
    seen: i64,
}

/// Entries that may wait to be deleted while the writer is busy.
const UNTRIMMED_ENTRIES: i64 = 64;
/// Inboxes that may wait to be trimmed.
const UNTRIMMED_INBOXES: usize = 8192;
/// Inboxes that one group trims on the way.
const TRIM_STEP: usize = 128;

impl OwnerState {
    fn load(connection: &Connection, placement: &Placement, owner: &AccountId) -> TaskResult<Self> {
        let slot = placement.account(owner)?;
        let key = params![slot, owner.as_str()];
        let end = |sql: &str| -> rusqlite::Result<Option<i64>> {
            connection
                .prepare_cached(sql)?
                .query_row(key, |row| row.get(0))
                .optional()
        };
        let newest = end("SELECT seq FROM inbox WHERE slot = ?1 AND owner = ?2 ORDER BY seq DESC LIMIT 1")?;
        let oldest = end("SELECT seq FROM inbox WHERE slot = ?1 AND owner = ?2 ORDER BY seq LIMIT 1")?;
        let forgotten = end("SELECT floor FROM inbox_base WHERE slot = ?1 AND owner = ?2")?.unwrap_or(0);
        let devices = connection
            .prepare_cached("SELECT device, position, seen FROM device WHERE slot = ?1 AND owner = ?2")?
            .query_map(key, |row| {
                Ok(DeviceState {
                    column: row.get(0)?,
                    position: row.get(1)?,
                    seen: row.get(2)?,
                })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let mut state = Self {
            slot,
            head: 0,
            deleted: 0,
            forgotten,
            devices,
            listed: false,
        };
        state.head = newest.unwrap_or(0).max(state.floor());
        state.deleted = oldest.map_or(state.head, |oldest| oldest - 1);
        Ok(state)
    }

    /// Where a new device starts.
    fn floor(&self) -> i64 {
        self.devices
            .iter()
            .map(|device| device.position)
            .fold(self.forgotten, i64::max)
    }

    /// What nobody will read any more.
    fn passed(&self) -> i64 {
        self.devices
            .iter()
            .map(|device| device.position)
            .min()
            .unwrap_or(self.forgotten)
    }
}

impl Writer<'_> {
    pub(in crate::store::sqlite) fn append_inbox(&mut self, entries: &[InboxItem]) -> TaskResult<Vec<Seq>> {
        self.put_items(entries)
    }

    pub(super) fn put_items(&mut self, items: &[InboxItem]) -> TaskResult<Vec<Seq>> {
        items
            .iter()
            .map(|item| match item {
                InboxItem::Packet { owner, body } => self.put(owner, &[&[PACKET], body]),
                InboxItem::Reference {
                    owner,
                    conversation,
                    mid,
                } => self.put(owner, &[&InboxContent::reference(conversation, *mid)]),
            })
            .collect()
    }

    /// Appends an entry with this content to an inbox.
    pub(super) fn put(&mut self, owner: &AccountId, content: &[&[u8]]) -> TaskResult<Seq> {
        let Self {
            connection,
            placement,
            owners,
            ciphers,
            place,
            sealed,
            statements,
            ..
        } = self;
        let state = owners.get_or_load(owner, || OwnerState::load(connection, placement, owner))?;
        let seq = state.head + 1;
        let key = ciphers.current();
        inbox_place(place, key, owner.as_str(), seq);
        ciphers
            .get(Table::Inbox, key, &Scope::Account(owner.clone()))
            .map_err(|error| damaged(Table::Inbox, error.to_string()))?
            .seal(place, content, sealed);
        statements
            .insert_inbox
            .execute(params![state.slot, owner.as_str(), seq, key, &**sealed])?;
        state.head = seq;
        Ok(Seq(seq))
    }

    pub(in crate::store::sqlite) fn advance(&mut self, advances: &[Advance]) -> TaskResult<()> {
        advances.iter().try_for_each(|advance| self.advance_one(advance))
    }

    fn advance_one(&mut self, advance: &Advance) -> TaskResult<()> {
        let Advance {
            owner,
            device,
            position,
            seen,
        } = advance;
        let Self {
            connection,
            placement,
            owners,
            statements,
            ..
        } = self;
        let column = placement.device(owner, device);
        let state = owners.get_or_load(owner, || OwnerState::load(connection, placement, owner))?;
        let slot = state.slot;
        let position = position.0.clamp(0, state.head);
        if let Some(known) = state.devices.iter_mut().find(|known| known.column == column) {
            let (position, seen) = (known.position.max(position), known.seen.max(seen.0));
            if (position, seen) != (known.position, known.seen) {
                statements
                    .move_device
                    .execute(params![slot, owner.as_str(), column, position, seen])?;
                (known.position, known.seen) = (position, seen);
            }
        } else {
            self.device_added(slot, owner, &column)?;
            let key = self.ciphers.current();
            device_place(&mut self.place, key, owner.as_str(), &column);
            self.seal(
                Table::Device,
                key,
                &Scope::Account(owner.clone()),
                &[device.0.as_bytes()],
            )?;
            self.statement(
                "INSERT INTO device (slot, owner, device, position, seen, key_id, name)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                slot,
                owner.as_str(),
                column,
                position,
                seen.0,
                key,
                self.sealed
            ])?;
            if let Some(state) = self.owners.get_mut(owner) {
                state.devices.push(DeviceState {
                    column,
                    position,
                    seen: seen.0,
                });
            }
            self.forget_surplus(owner)?;
        }
        self.trim_when_due(owner)
    }

    /// Deletes passed entries, or notes that there are some.
    fn trim_when_due(&mut self, owner: &AccountId) -> TaskResult<()> {
        let Some(state) = self.owners.get_mut(owner) else {
            return Ok(());
        };
        let waiting = state.passed() - state.deleted;
        if waiting <= 0 {
            return Ok(());
        }
        let put_off = self.busy
            && waiting < UNTRIMMED_ENTRIES
            && (state.listed || self.untrimmed.len() < UNTRIMMED_INBOXES);
        if !put_off {
            return self.trim(owner);
        }
        if !state.listed {
            state.listed = true;
            self.untrimmed.push(owner.clone());
        }
        Ok(())
    }

    fn trim(&mut self, owner: &AccountId) -> TaskResult<()> {
        let Self {
            connection,
            placement,
            owners,
            statements,
            ..
        } = self;
        let state = owners.get_or_load(owner, || OwnerState::load(connection, placement, owner))?;
        let passed = state.passed();
        if passed > state.deleted {
            statements
                .trim_inbox
                .execute(params![state.slot, owner.as_str(), passed])?;
            state.deleted = passed;
        }
        Ok(())
    }

    /// Trims some of the inboxes that were put off.
    pub(super) fn trim_some(&mut self) -> TaskResult<()> {
        for _ in 0..TRIM_STEP {
            let Some(owner) = self.untrimmed.pop() else { break };
            self.trim(&owner)?;
            if let Some(state) = self.owners.get_mut(&owner) {
                state.listed = false;
            }
        }
        Ok(())
    }

    /// Forgets those of the devices that are still unseen since `before`; answers how many.
    pub(in crate::store::sqlite) fn forget_devices(
        &mut self,
        stale: &[(String, [u8; 16])],
        before: Timestamp,
    ) -> TaskResult<u64> {
        let mut forgotten = 0;
        for (owner, column) in stale {
            let owner = parse_account(Table::Device, owner)?;
            let slot = self.placement.account(&owner)?;
            if self.forget_device(slot, &owner, column, before.0)? {
                forgotten += 1;
                self.trim(&owner)?;
            }
        }
        self.purge_tokens(before)?;
        Ok(forgotten)
    }

    /// Forgets a device not seen since `before`; what it had acknowledged stays the start of new
    /// devices.
    fn forget_device(
        &mut self,
        slot: i64,
        owner: &AccountId,
        column: &[u8],
        before: i64,
    ) -> TaskResult<bool> {
        let position: Option<i64> = self
            .statement(
                "DELETE FROM device WHERE slot = ?1 AND owner = ?2 AND device = ?3 AND seen < ?4
                 RETURNING position",
            )?
            .query_row(params![slot, owner.as_str(), column, before], |row| row.get(0))
            .optional()?;
        let Some(position) = position else {
            return Ok(false);
        };
        self.statement(
            "INSERT INTO inbox_base (slot, owner, floor) VALUES (?1, ?2, ?3)
             ON CONFLICT (slot, owner) DO UPDATE SET floor = max(floor, excluded.floor)",
        )?
        .execute(params![slot, owner.as_str(), position])?;
        self.device_forgotten(slot, owner, column)?;
        // Counted anew: what remains may have passed more.
        self.owners.remove(owner);
        Ok(true)
    }

    /// Makes room for a new device.
    fn forget_surplus(&mut self, owner: &AccountId) -> TaskResult<()> {
        let oldest = self.owners.get_mut(owner).and_then(|state| {
            let device = state.devices.iter().min_by_key(|device| device.seen)?;
            (state.devices.len() > MAX_DEVICES).then_some((state.slot, device.column))
        });
        if let Some((slot, column)) = oldest {
            self.forget_device(slot, owner, &column, i64::MAX)?;
        }
        Ok(())
    }
}

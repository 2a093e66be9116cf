//! Threads that read. Each has its own connection and sees what was committed when its operation
//! began, so that reading never waits for writing and the other way round.

mod administration;
mod conversations;
mod directories;
mod files;
mod inboxes;
mod rooms;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::scan::{ScanPosition, ScanStep, scan_step};
use super::sealed::{Placement, account_place, damaged, parse_account};
use crate::store::encryption::{Ciphers, Place, Scope, SharedKeyRing, Table};
use crate::store::ids::{AccountId, SessionHash, Timestamp};
use crate::store::keys::KeyId;
use crate::store::record::{Account, ContactLists, ContactState, Contacts, WebSession};
use crate::store::{Result, StoreError};

pub(super) use conversations::{LAST_NOTICE, MessageRow, open_message, select_message};

/// An operation that waits for a reader.
pub(super) type ReadJob = Box<dyn FnOnce(&mut Reader) + Send>;

/// The reading side of a database.
pub(super) struct Reader {
    connection: Connection,
    placement: Placement,
    ciphers: Ciphers,
    place: Place,
    damaged: Arc<AtomicU64>,
}

impl Reader {
    pub(super) fn new(
        connection: Connection,
        placement: Placement,
        keys: Arc<SharedKeyRing>,
        cached_ciphers: usize,
        damaged: Arc<AtomicU64>,
    ) -> Self {
        let ciphers = Ciphers::new(keys, cached_ciphers);
        let place = Place::new(Table::Message, ciphers.current());
        Self {
            connection,
            placement,
            ciphers,
            place,
            damaged,
        }
    }

    /// Runs an operation on one consistent state of the database.
    pub(super) fn snapshot<T>(&mut self, operation: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.ciphers.refresh();
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        let answer = operation(self);
        let ended = self
            .connection
            .prepare_cached("COMMIT")
            .and_then(|mut commit| commit.execute([]));
        if ended.is_err() && !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        answer
    }

    fn count_damaged(&self, error: &StoreError) {
        self.damaged.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, "a record was left out");
    }

    pub(super) fn account(&mut self, id: &AccountId) -> Result<Option<Account>> {
        let slot = self.placement.account(id)?;
        type Row = (String, i64, Option<i64>, KeyId, Vec<u8>);
        let row: Option<Row> = self
            .connection
            .prepare_cached(
                "SELECT domain, created, suspended_until, key_id, secret FROM account
                 WHERE slot = ?1 AND id = ?2",
            )?
            .query_row(params![slot, id.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .optional()?;
        let Some((domain, created, suspended_until, key, sealed)) = row else {
            return Ok(None);
        };
        account_place(&mut self.place, key, id.as_str(), &domain, created);
        let password_hash = self
            .ciphers
            .get(Table::Account, key, &Scope::Account(id.clone()))
            .and_then(|cipher| cipher.open(&self.place, &sealed))
            .map_err(|error| damaged(Table::Account, error.to_string()))?;
        let password_hash =
            String::from_utf8(password_hash).map_err(|_| damaged(Table::Account, "not a text"))?;
        Ok(Some(Account {
            id: id.clone(),
            domain,
            password_hash,
            created: Timestamp(created),
            suspended_until: suspended_until.map(Timestamp),
        }))
    }

    pub(super) fn session(&mut self, hash: &SessionHash) -> Result<Option<WebSession>> {
        let slot = self.placement.token(&hash.0)?;
        type Row = (String, bool, i64, i64);
        let row: Option<Row> = self
            .connection
            .prepare_cached(
                "SELECT account, remembered, created, used FROM web_session WHERE slot = ?1 AND hash = ?2",
            )?
            .query_row(params![slot, hash.0], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((account, remembered, created, used)) = row else {
            return Ok(None);
        };
        let account = parse_account(Table::Account, &account).map_err(|_| StoreError::Damaged {
            table: "web_session",
            reason: "it names no account".to_owned(),
        })?;
        Ok(Some(WebSession {
            hash: *hash,
            account,
            remembered,
            created: Timestamp(created),
            used: Timestamp(used),
        }))
    }

    pub(super) fn contacts(&mut self, owner: &AccountId, peer: &AccountId) -> Result<Contacts> {
        let slot = self.placement.account(owner)?;
        Ok(select_contacts(&self.connection, slot, owner, peer)?)
    }

    pub(super) fn contact_lists(&mut self, owner: &AccountId) -> Result<ContactLists> {
        let slot = self.placement.account(owner)?;
        let mut select = self.connection.prepare_cached(
            "SELECT peer, own, peer_state FROM contact WHERE slot = ?1 AND owner = ?2 ORDER BY peer",
        )?;
        let mut rows = select.query(params![slot, owner.as_str()])?;
        let mut lists = ContactLists::default();
        while let Some(row) = rows.next()? {
            let contacts = Contacts {
                own: contact_state(row.get(1)?),
                peer: contact_state(row.get(2)?),
            };
            let list = if contacts.are_friends() {
                &mut lists.friends
            } else if contacts.own == ContactState::Blocks {
                &mut lists.blocked
            } else {
                continue;
            };
            let peer: String = row.get(0)?;
            let peer = parse_account(Table::Account, &peer).map_err(|_| StoreError::Damaged {
                table: "contact",
                reason: "it names no account".to_owned(),
            })?;
            list.push(peer);
        }
        Ok(lists)
    }

    /// Some of the devices not seen since `before`, from a position on.
    pub(super) fn stale_devices(
        &mut self,
        before: Timestamp,
        from: &ScanPosition,
    ) -> Result<ScanStep<(String, [u8; 16])>> {
        super::scan::stale_devices(&self.connection, before, from)
    }

    /// Some of the records with an older key than `current`, from a position on.
    pub(super) fn old_records(
        &mut self,
        table: Table,
        current: KeyId,
        from: &ScanPosition,
        limit: usize,
    ) -> Result<ScanStep<super::writer::SealedRecord>> {
        scan_step(&self.connection, table, current, from, limit)
    }
}

pub(super) fn select_contacts(
    connection: &Connection,
    slot: i64,
    owner: &AccountId,
    peer: &AccountId,
) -> rusqlite::Result<Contacts> {
    let row = connection
        .prepare_cached("SELECT own, peer_state FROM contact WHERE slot = ?1 AND owner = ?2 AND peer = ?3")?
        .query_row(params![slot, owner.as_str(), peer.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(row.map_or_else(Contacts::default, |(own, peer)| Contacts {
        own: contact_state(own),
        peer: contact_state(peer),
    }))
}

pub(super) fn contact_state(column: i64) -> ContactState {
    match column {
        1 => ContactState::Wants,
        2 => ContactState::Blocks,
        _ => ContactState::None,
    }
}

fn blob<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(row.get_ref(column)?.as_blob()?)
}

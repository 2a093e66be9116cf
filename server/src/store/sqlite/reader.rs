//! Threads that read. Each has its own connection and sees what was committed when its operation
//! began, so that reading never waits for writing and the other way round.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::scan::{ScanPosition, ScanStep, scan_step};
use super::sealed::{
    InboxContent, MessageContent, Placement, account_place, client_id_of, damaged, device_place, inbox_place,
    message_place, parse_account,
};
use crate::store::encryption::{Ciphers, Place, Scope, SharedKeyRing, Table};
use crate::store::ids::{AccountId, ConversationId, DeviceKey, Mid, Seq, Timestamp};
use crate::store::keys::KeyId;
use crate::store::record::{
    Account, ContactLists, ContactState, Contacts, InboxCopy, InboxState, StoredMessage, UpperBound,
};
use crate::store::{Result, StoreError};

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

    pub(super) fn history(
        &mut self,
        conversation: &ConversationId,
        upper: UpperBound,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredMessage>> {
        let slot = self.placement.conversation(conversation)?;
        let upper = match upper {
            UpperBound::Newest => i64::MAX,
            UpperBound::Mid(mid) => mid.0,
            UpperBound::Time(time) => self.last_mid_at(slot, conversation, time)?,
        };
        let Self {
            connection,
            ciphers,
            place,
            ..
        } = self;
        let mut select = connection.prepare_cached(
            "SELECT mid, timestamp, origin, key_id, body FROM message
             WHERE slot = ?1 AND conversation = ?2 AND mid <= ?3 AND body IS NOT NULL
             ORDER BY mid DESC",
        )?;
        let mut rows = select.query(params![slot, conversation.0, upper])?;
        let mut messages: Vec<StoredMessage> = Vec::new();
        let mut unreadable = Vec::new();
        let mut bytes = 0;
        while messages.len() < limit && (messages.is_empty() || bytes < max_bytes) {
            let Some(row) = rows.next()? else { break };
            let row = MessageRow::read(row)?;
            match open_message(ciphers, place, conversation, &row) {
                Ok(Some(content)) => {
                    bytes += content.body.len();
                    if bytes > max_bytes && !messages.is_empty() {
                        break;
                    }
                    messages.push(StoredMessage {
                        mid: Mid(row.mid),
                        timestamp: content.exact.unwrap_or(Timestamp(row.timestamp)),
                        body: content.body,
                    });
                }
                Ok(None) => {}
                Err(error) => unreadable.push(error),
            }
        }
        drop(rows);
        drop(select);
        unreadable.iter().for_each(|error| self.count_damaged(error));
        Ok(messages)
    }

    /// The newest message stored at or before a time: a binary search over the numbers, because
    /// times never fall with rising numbers.
    fn last_mid_at(&self, slot: i64, conversation: &ConversationId, time: Timestamp) -> Result<i64> {
        // The last existing number up to `mid`, and its time.
        let mut select = self.connection.prepare_cached(
            "SELECT mid, timestamp FROM message WHERE slot = ?1 AND conversation = ?2 AND mid <= ?3
             ORDER BY mid DESC LIMIT 1",
        )?;
        let mut at = |mid: i64| -> Result<Option<(i64, i64)>> {
            let row = select
                .query_row(params![slot, conversation.0, mid], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            Ok(row)
        };
        // Everything up to `early` is not later than the time, everything from `late` on is.
        let mut early = 0;
        let Some((newest, newest_time)) = at(i64::MAX)? else {
            return Ok(0);
        };
        if newest_time <= time.0 {
            return Ok(newest);
        }
        let mut late = newest;
        while early + 1 < late {
            let middle = early + (late - early) / 2;
            match at(middle)? {
                Some((mid, stored)) if stored > time.0 => late = mid.max(early + 1),
                _ => early = middle,
            }
        }
        Ok(early)
    }

    pub(super) fn inbox_state(&mut self, owner: &AccountId) -> Result<InboxState> {
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

    pub(super) fn read_inbox(
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

/// A row of the table of messages.
pub(super) struct MessageRow {
    pub(super) mid: i64,
    pub(super) timestamp: i64,
    origin: Option<[u8; 16]>,
    key: KeyId,
    sealed: Option<Vec<u8>>,
}

impl MessageRow {
    /// Reads the columns `mid, timestamp, origin, key_id, body`.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            mid: row.get(0)?,
            timestamp: row.get(1)?,
            origin: row.get(2)?,
            key: row.get(3)?,
            sealed: row.get(4)?,
        })
    }

    /// The author's own number. To be trusted only when the message opens: it is bound to it.
    pub(super) fn client_id(&self) -> Option<i64> {
        self.origin.as_ref().map(client_id_of)
    }
}

pub(super) fn select_message(
    connection: &Connection,
    slot: i64,
    conversation: &ConversationId,
    mid: Mid,
) -> rusqlite::Result<Option<MessageRow>> {
    connection
        .prepare_cached(
            "SELECT mid, timestamp, origin, key_id, body FROM message
             WHERE slot = ?1 AND conversation = ?2 AND mid = ?3",
        )?
        .query_row(params![slot, conversation.0, mid.0], MessageRow::read)
        .optional()
}

/// Opens a message; `None` when it was recalled.
pub(super) fn open_message(
    ciphers: &mut Ciphers,
    place: &mut Place,
    conversation: &ConversationId,
    row: &MessageRow,
) -> Result<Option<MessageContent>> {
    let Some(sealed) = &row.sealed else {
        return Ok(None);
    };
    let origin = row.origin.as_ref().map(<[u8; 16]>::as_slice);
    message_place(place, row.key, &conversation.0, row.mid, row.timestamp, origin);
    let content = ciphers
        .get(Table::Message, row.key, &Scope::Conversation(*conversation))
        .and_then(|cipher| cipher.open(place, sealed))
        .map_err(|error| damaged(Table::Message, error.to_string()))?;
    MessageContent::parse(content)
        .map(Some)
        .ok_or_else(|| damaged(Table::Message, "unreadable content"))
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

fn contact_state(column: i64) -> ContactState {
    match column {
        1 => ContactState::Wants,
        2 => ContactState::Blocks,
        _ => ContactState::None,
    }
}

fn blob<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(row.get_ref(column)?.as_blob()?)
}

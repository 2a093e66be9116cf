//! Rotation of the data key and re-encryption of old records under the current one.

use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::{OptionalExtension, params};

use super::{TaskError, TaskResult, Writer};
use crate::store::StoreError;
use crate::store::encryption::{Scope, Table};
use crate::store::ids::{AccountId, ConversationId, Timestamp};
use crate::store::keys::{KeyId, MasterKey, Secret};
use crate::store::sqlite::file_rows::FileRow;
use crate::store::sqlite::room_rows::RoomRow;
use crate::store::sqlite::schema::{DATA_KEY_PURPOSE, key_failure};
use crate::store::sqlite::sealed::{
    account_place, damaged, device_place, inbox_place, log_notice_place, message_place, parse_account,
    profile_place, token_place,
};

/// Names a record that is sealed with an old key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::sqlite) enum SealedRecord {
    Account {
        slot: i64,
        id: String,
    },
    Token {
        slot: i64,
        hash: Vec<u8>,
    },
    Message {
        slot: i64,
        conversation: [u8; 16],
        mid: i64,
    },
    Inbox {
        slot: i64,
        owner: String,
        seq: i64,
    },
    Device {
        slot: i64,
        owner: String,
        device: Vec<u8>,
    },
    Room {
        slot: i64,
        id: String,
    },
    LogNotice {
        slot: i64,
        conversation: [u8; 16],
        position: i64,
    },
    Profile {
        slot: i64,
        owner: String,
    },
    File {
        slot: i64,
        id: Vec<u8>,
    },
}

impl Writer<'_> {
    /// Stores a new data key and makes it the current one at the commit.
    pub(in crate::store::sqlite) fn rotate_key(&mut self, master: &MasterKey) -> TaskResult<KeyId> {
        let last: KeyId = self
            .statement("SELECT coalesce(max(id), 0) FROM data_key")?
            .query_row([], |row| row.get(0))?;
        let id = last
            .checked_add(1)
            .ok_or_else(|| StoreError::Unavailable("no numbers are left for data keys".to_owned()))?;
        let key = Secret::generate().map_err(|error| key_failure(&error))?;
        let wrapped = master
            .wrap(&format!("{DATA_KEY_PURPOSE}{id}"), &key)
            .map_err(|error| key_failure(&error))?;
        self.execute("UPDATE data_key SET current = 0 WHERE current = 1")?;
        self.statement("INSERT INTO data_key (id, wrapped, created, current) VALUES (?1, ?2, ?3, 1)")?
            .execute(params![id, wrapped, Timestamp::from_system(SystemTime::now()).0])?;
        let ring = self.next_ring.clone().unwrap_or_else(|| self.keys.get());
        self.next_ring = Some(Arc::new(ring.with_current(id, key)));
        Ok(id)
    }

    /// Removes keys that no record uses any more.
    pub(in crate::store::sqlite) fn drop_keys(&mut self, unused: &[KeyId]) -> TaskResult<()> {
        let ring = self.next_ring.clone().unwrap_or_else(|| self.keys.get());
        for id in unused {
            self.statement("DELETE FROM data_key WHERE id = ?1 AND current = 0")?
                .execute(params![id])?;
        }
        self.next_ring = Some(Arc::new(ring.without(unused)));
        Ok(())
    }

    /// Seals records with the current key. Answers how many, and the keys of those that cannot
    /// be opened and therefore stay as they are.
    pub(in crate::store::sqlite) fn reseal(
        &mut self,
        records: &[SealedRecord],
    ) -> TaskResult<(u64, Vec<KeyId>)> {
        let mut resealed = 0;
        let mut unreadable = Vec::new();
        for record in records {
            match self.reseal_one(record) {
                Ok(true) => resealed += 1,
                Ok(false) => {}
                Err(TaskError::Own(error @ StoreError::Damaged { .. })) => {
                    tracing::warn!(%error, "a record keeps its old key");
                    unreadable.extend(self.key_of(record)?);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((resealed, unreadable))
    }

    /// `false` when the record is gone or has the current key already.
    fn reseal_one(&mut self, record: &SealedRecord) -> TaskResult<bool> {
        match record {
            SealedRecord::Account { slot, id } => self.reseal_account(*slot, id),
            SealedRecord::Token { slot, hash } => self.reseal_token(*slot, hash),
            SealedRecord::Message {
                slot,
                conversation,
                mid,
            } => self.reseal_message(*slot, ConversationId(*conversation), *mid),
            SealedRecord::Inbox { slot, owner, seq } => self.reseal_inbox(*slot, owner, *seq),
            SealedRecord::Device { slot, owner, device } => self.reseal_device(*slot, owner, device),
            SealedRecord::Room { slot, id } => self.reseal_room(*slot, id),
            SealedRecord::LogNotice {
                slot,
                conversation,
                position,
            } => self.reseal_log_notice(*slot, ConversationId(*conversation), *position),
            SealedRecord::Profile { slot, owner } => self.reseal_profile(*slot, owner),
            SealedRecord::File { slot, id } => self.reseal_file(*slot, id),
        }
    }

    fn reseal_account(&mut self, slot: i64, id: &str) -> TaskResult<bool> {
        let row: Option<(String, i64, KeyId, Vec<u8>)> = self
            .statement("SELECT domain, created, key_id, secret FROM account WHERE slot = ?1 AND id = ?2")?
            .query_row(params![slot, id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((domain, created, old, sealed)) = row else {
            return Ok(false);
        };
        let scope = Scope::Account(account(Table::Account, id)?);
        account_place(&mut self.place, old, id, &domain, created);
        let Some((new, content)) = self.open_old(Table::Account, old, &scope, &sealed)? else {
            return Ok(false);
        };
        account_place(&mut self.place, new, id, &domain, created);
        self.seal(Table::Account, new, &scope, &[&content])?;
        self.statement("UPDATE account SET key_id = ?3, secret = ?4 WHERE slot = ?1 AND id = ?2")?
            .execute(params![slot, id, new, self.sealed])?;
        Ok(true)
    }

    fn reseal_token(&mut self, slot: i64, hash: &[u8]) -> TaskResult<bool> {
        let row: Option<(String, i64, KeyId, Vec<u8>)> = self
            .statement("SELECT account, expires, key_id, extend FROM token WHERE slot = ?1 AND hash = ?2")?
            .query_row(params![slot, hash], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((id, expires, old, sealed)) = row else {
            return Ok(false);
        };
        let scope = Scope::Account(account(Table::Token, &id)?);
        token_place(&mut self.place, old, hash, &id, expires);
        let Some((new, content)) = self.open_old(Table::Token, old, &scope, &sealed)? else {
            return Ok(false);
        };
        token_place(&mut self.place, new, hash, &id, expires);
        self.seal(Table::Token, new, &scope, &[&content])?;
        self.statement("UPDATE token SET key_id = ?3, extend = ?4 WHERE slot = ?1 AND hash = ?2")?
            .execute(params![slot, hash, new, self.sealed])?;
        Ok(true)
    }

    fn reseal_message(&mut self, slot: i64, conversation: ConversationId, mid: i64) -> TaskResult<bool> {
        type Row = (i64, Option<Vec<u8>>, KeyId, Option<Vec<u8>>);
        let row: Option<Row> = self
            .statement(
                "SELECT timestamp, origin, key_id, body FROM message
                 WHERE slot = ?1 AND conversation = ?2 AND mid = ?3",
            )?
            .query_row(params![slot, conversation.0, mid], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((time, origin, old, Some(sealed))) = row else {
            return Ok(false);
        };
        let scope = Scope::Conversation(conversation);
        message_place(
            &mut self.place,
            old,
            &conversation.0,
            mid,
            time,
            origin.as_deref(),
        );
        let Some((new, content)) = self.open_old(Table::Message, old, &scope, &sealed)? else {
            return Ok(false);
        };
        message_place(
            &mut self.place,
            new,
            &conversation.0,
            mid,
            time,
            origin.as_deref(),
        );
        self.seal(Table::Message, new, &scope, &[&content])?;
        self.statement(
            "UPDATE message SET key_id = ?4, body = ?5 WHERE slot = ?1 AND conversation = ?2 AND mid = ?3",
        )?
        .execute(params![slot, conversation.0, mid, new, self.sealed])?;
        Ok(true)
    }

    fn reseal_inbox(&mut self, slot: i64, owner: &str, seq: i64) -> TaskResult<bool> {
        let row: Option<(KeyId, Vec<u8>)> = self
            .statement("SELECT key_id, body FROM inbox WHERE slot = ?1 AND owner = ?2 AND seq = ?3")?
            .query_row(params![slot, owner, seq], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((old, sealed)) = row else {
            return Ok(false);
        };
        let scope = Scope::Account(account(Table::Inbox, owner)?);
        inbox_place(&mut self.place, old, owner, seq);
        let Some((new, content)) = self.open_old(Table::Inbox, old, &scope, &sealed)? else {
            return Ok(false);
        };
        inbox_place(&mut self.place, new, owner, seq);
        self.seal(Table::Inbox, new, &scope, &[&content])?;
        self.statement(
            "UPDATE inbox SET key_id = ?4, body = ?5 WHERE slot = ?1 AND owner = ?2 AND seq = ?3",
        )?
        .execute(params![slot, owner, seq, new, self.sealed])?;
        Ok(true)
    }

    fn reseal_device(&mut self, slot: i64, owner: &str, device: &[u8]) -> TaskResult<bool> {
        let row: Option<(KeyId, Vec<u8>)> = self
            .statement("SELECT key_id, name FROM device WHERE slot = ?1 AND owner = ?2 AND device = ?3")?
            .query_row(params![slot, owner, device], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((old, sealed)) = row else {
            return Ok(false);
        };
        let scope = Scope::Account(account(Table::Device, owner)?);
        device_place(&mut self.place, old, owner, device);
        let Some((new, content)) = self.open_old(Table::Device, old, &scope, &sealed)? else {
            return Ok(false);
        };
        device_place(&mut self.place, new, owner, device);
        self.seal(Table::Device, new, &scope, &[&content])?;
        self.statement(
            "UPDATE device SET key_id = ?4, name = ?5 WHERE slot = ?1 AND owner = ?2 AND device = ?3",
        )?
        .execute(params![slot, owner, device, new, self.sealed])?;
        Ok(true)
    }

    fn reseal_room(&mut self, slot: i64, id: &str) -> TaskResult<bool> {
        let Some(row) = RoomRow::select(self.connection, slot, id)? else {
            return Ok(false);
        };
        let scope = Scope::Conversation(row.conversation);
        row.place(&mut self.place, row.key);
        let Some((new, content)) = self.open_old(Table::Room, row.key, &scope, &row.sealed)? else {
            return Ok(false);
        };
        row.place(&mut self.place, new);
        self.seal(Table::Room, new, &scope, &[&content])?;
        self.statement("UPDATE room SET key_id = ?3, profile = ?4 WHERE slot = ?1 AND id = ?2")?
            .execute(params![slot, id, new, self.sealed])?;
        Ok(true)
    }

    fn reseal_log_notice(
        &mut self,
        slot: i64,
        conversation: ConversationId,
        position: i64,
    ) -> TaskResult<bool> {
        let row: Option<(i64, KeyId, Vec<u8>)> = self
            .statement(
                "SELECT number, key_id, body FROM log_notice
                 WHERE slot = ?1 AND conversation = ?2 AND position = ?3",
            )?
            .query_row(params![slot, conversation.0, position], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((number, old, sealed)) = row else {
            return Ok(false);
        };
        let scope = Scope::Conversation(conversation);
        log_notice_place(&mut self.place, old, &conversation.0, position, number);
        let Some((new, content)) = self.open_old(Table::LogNotice, old, &scope, &sealed)? else {
            return Ok(false);
        };
        log_notice_place(&mut self.place, new, &conversation.0, position, number);
        self.seal(Table::LogNotice, new, &scope, &[&content])?;
        self.statement(
            "UPDATE log_notice SET key_id = ?4, body = ?5
             WHERE slot = ?1 AND conversation = ?2 AND position = ?3",
        )?
        .execute(params![slot, conversation.0, position, new, self.sealed])?;
        Ok(true)
    }

    fn reseal_profile(&mut self, slot: i64, owner: &str) -> TaskResult<bool> {
        let row: Option<(KeyId, Vec<u8>)> = self
            .statement("SELECT key_id, body FROM profile WHERE slot = ?1 AND owner = ?2")?
            .query_row(params![slot, owner], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((old, sealed)) = row else {
            return Ok(false);
        };
        let scope = Scope::Account(account(Table::Profile, owner)?);
        profile_place(&mut self.place, old, owner);
        let Some((new, content)) = self.open_old(Table::Profile, old, &scope, &sealed)? else {
            return Ok(false);
        };
        profile_place(&mut self.place, new, owner);
        self.seal(Table::Profile, new, &scope, &[&content])?;
        self.statement("UPDATE profile SET key_id = ?3, body = ?4 WHERE slot = ?1 AND owner = ?2")?
            .execute(params![slot, owner, new, self.sealed])?;
        Ok(true)
    }

    fn reseal_file(&mut self, slot: i64, id: &[u8]) -> TaskResult<bool> {
        let Some(row) = FileRow::select(self.connection, slot, id)? else {
            return Ok(false);
        };
        let Some(sealed) = &row.sealed else {
            return Ok(false);
        };
        let scope = Scope::Conversation(row.conversation);
        row.place(&mut self.place, row.key);
        let Some((new, content)) = self.open_old(Table::File, row.key, &scope, sealed)? else {
            return Ok(false);
        };
        row.place(&mut self.place, new);
        self.seal(Table::File, new, &scope, &[&content])?;
        self.statement("UPDATE file SET key_id = ?3, body = ?4 WHERE slot = ?1 AND id = ?2")?
            .execute(params![slot, id, new, self.sealed])?;
        Ok(true)
    }

    /// Opens what an old key sealed at `self.place`; `None` when it is the current key.
    fn open_old(
        &mut self,
        table: Table,
        old: KeyId,
        scope: &Scope,
        sealed: &[u8],
    ) -> TaskResult<Option<(KeyId, Vec<u8>)>> {
        let current = self.ciphers.current();
        if old == current {
            return Ok(None);
        }
        let content = self
            .ciphers
            .get(table, old, scope)
            .and_then(|cipher| cipher.open(&self.place, sealed))
            .map_err(|error| damaged(table, error.to_string()))?;
        Ok(Some((current, content)))
    }

    fn key_of(&mut self, record: &SealedRecord) -> TaskResult<Option<KeyId>> {
        let key = |row: &rusqlite::Row<'_>| row.get(0);
        let found = match record {
            SealedRecord::Account { slot, id } => self
                .statement("SELECT key_id FROM account WHERE slot = ?1 AND id = ?2")?
                .query_row(params![slot, id], key),
            SealedRecord::Token { slot, hash } => self
                .statement("SELECT key_id FROM token WHERE slot = ?1 AND hash = ?2")?
                .query_row(params![slot, hash], key),
            SealedRecord::Message {
                slot,
                conversation,
                mid,
            } => self
                .statement("SELECT key_id FROM message WHERE slot = ?1 AND conversation = ?2 AND mid = ?3")?
                .query_row(params![slot, conversation, mid], key),
            SealedRecord::Inbox { slot, owner, seq } => self
                .statement("SELECT key_id FROM inbox WHERE slot = ?1 AND owner = ?2 AND seq = ?3")?
                .query_row(params![slot, owner, seq], key),
            SealedRecord::Device { slot, owner, device } => self
                .statement("SELECT key_id FROM device WHERE slot = ?1 AND owner = ?2 AND device = ?3")?
                .query_row(params![slot, owner, device], key),
            SealedRecord::Room { slot, id } => self
                .statement("SELECT key_id FROM room WHERE slot = ?1 AND id = ?2")?
                .query_row(params![slot, id], key),
            SealedRecord::LogNotice {
                slot,
                conversation,
                position,
            } => self
                .statement(
                    "SELECT key_id FROM log_notice WHERE slot = ?1 AND conversation = ?2 AND position = ?3",
                )?
                .query_row(params![slot, conversation, position], key),
            SealedRecord::Profile { slot, owner } => self
                .statement("SELECT key_id FROM profile WHERE slot = ?1 AND owner = ?2")?
                .query_row(params![slot, owner], key),
            SealedRecord::File { slot, id } => self
                .statement("SELECT key_id FROM file WHERE slot = ?1 AND id = ?2")?
                .query_row(params![slot, id], key),
        };
        Ok(found.optional()?)
    }
}

fn account(table: Table, id: &str) -> TaskResult<AccountId> {
    Ok(parse_account(table, id)?)
}

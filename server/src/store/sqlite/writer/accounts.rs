//! Accounts and login tokens.

use rusqlite::{OptionalExtension, params};

use super::{TaskResult, Writer};
use crate::store::StoreError;
use crate::store::encryption::{Scope, Table};
use crate::store::ids::{AccountId, Timestamp};
use crate::store::keys::KeyId;
use crate::store::record::{LoginToken, NewAccount};
use crate::store::sqlite::sealed::{
    account_place, damaged, decode_token, encode_token, parse_account, token_place,
};

/// Most expired tokens that one operation deletes on the way.
const PURGE: i64 = 100;

impl Writer<'_> {
    /// `false` when the account exists.
    pub(in crate::store::sqlite) fn create_account(&mut self, account: &NewAccount) -> TaskResult<bool> {
        let slot = self.placement.account(&account.id)?;
        let key = self.seal_password(
            &account.id,
            &account.domain,
            account.created,
            &account.password_hash,
        )?;
        let inserted = self
            .statement(
                "INSERT INTO account (slot, id, domain, created, suspended_until, key_id, secret)
                 VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6) ON CONFLICT (slot, id) DO NOTHING",
            )?
            .execute(params![
                slot,
                account.id.as_str(),
                account.domain,
                account.created.0,
                key,
                self.sealed
            ])?;
        Ok(inserted == 1)
    }

    pub(in crate::store::sqlite) fn set_password(&mut self, id: &AccountId, hash: &str) -> TaskResult<bool> {
        let slot = self.placement.account(id)?;
        let row: Option<(String, i64)> = self
            .statement("SELECT domain, created FROM account WHERE slot = ?1 AND id = ?2")?
            .query_row(params![slot, id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((domain, created)) = row else {
            return Ok(false);
        };
        let key = self.seal_password(id, &domain, Timestamp(created), hash)?;
        let updated = self
            .statement("UPDATE account SET key_id = ?3, secret = ?4 WHERE slot = ?1 AND id = ?2")?
            .execute(params![slot, id.as_str(), key, self.sealed])?;
        Ok(updated == 1)
    }

    pub(in crate::store::sqlite) fn set_suspension(
        &mut self,
        id: &AccountId,
        until: Option<Timestamp>,
    ) -> TaskResult<bool> {
        let slot = self.placement.account(id)?;
        let updated = self
            .statement("UPDATE account SET suspended_until = ?3 WHERE slot = ?1 AND id = ?2")?
            .execute(params![slot, id.as_str(), until.map(|until| until.0)])?;
        Ok(updated == 1)
    }

    pub(in crate::store::sqlite) fn put_token(&mut self, token: &LoginToken) -> TaskResult<()> {
        let slot = self.placement.token(&token.hash)?;
        let key = self.ciphers.current();
        let content = encode_token(token.extend.as_ref(), token.session.as_ref());
        token_place(
            &mut self.place,
            key,
            &token.hash,
            token.account.as_str(),
            token.expires.0,
        );
        self.seal(
            Table::Token,
            key,
            &Scope::Account(token.account.clone()),
            &[&content],
        )?;
        self.statement(
            "INSERT OR REPLACE INTO token (slot, hash, account, expires, key_id, extend)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            slot,
            token.hash,
            token.account.as_str(),
            token.expires.0,
            key,
            self.sealed
        ])?;
        Ok(())
    }

    pub(in crate::store::sqlite) fn take_token(
        &mut self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> TaskResult<Option<LoginToken>> {
        let slot = self.placement.token(hash)?;
        let row = self
            .statement(
                "DELETE FROM token WHERE slot = ?1 AND hash = ?2 RETURNING account, expires, key_id, extend",
            )?
            .query_row(params![slot, hash], |row| {
                Ok(TokenRow {
                    account: row.get(0)?,
                    expires: row.get(1)?,
                    key: row.get(2)?,
                    sealed: row.get(3)?,
                })
            })
            .optional()?;
        self.purge_tokens(now)?;
        match row {
            Some(row) if row.expires > now.0 => Ok(Some(self.open_token(hash, &row)?)),
            _ => Ok(None),
        }
    }

    fn open_token(&mut self, hash: &[u8; 32], row: &TokenRow) -> Result<LoginToken, StoreError> {
        let account = parse_account(Table::Token, &row.account)?;
        token_place(&mut self.place, row.key, hash, &row.account, row.expires);
        let content = self
            .ciphers
            .get(Table::Token, row.key, &Scope::Account(account.clone()))
            .and_then(|cipher| cipher.open(&self.place, &row.sealed))
            .map_err(|error| damaged(Table::Token, error.to_string()))?;
        let (extend, session) =
            decode_token(&content).ok_or_else(|| damaged(Table::Token, "unreadable fields"))?;
        Ok(LoginToken {
            hash: *hash,
            account,
            extend,
            session,
            expires: Timestamp(row.expires),
        })
    }

    fn seal_password(
        &mut self,
        id: &AccountId,
        domain: &str,
        created: Timestamp,
        hash: &str,
    ) -> Result<KeyId, StoreError> {
        let key = self.ciphers.current();
        account_place(&mut self.place, key, id.as_str(), domain, created.0);
        self.seal(
            Table::Account,
            key,
            &Scope::Account(id.clone()),
            &[hash.as_bytes()],
        )?;
        Ok(key)
    }

    /// Deletes some of the tokens that expired.
    pub(super) fn purge_tokens(&mut self, now: Timestamp) -> TaskResult<()> {
        self.statement(
            "DELETE FROM token WHERE (slot, hash) IN
             (SELECT slot, hash FROM token WHERE expires <= ?1 LIMIT ?2)",
        )?
        .execute(params![now.0, PURGE])?;
        Ok(())
    }
}

struct TokenRow {
    account: String,
    expires: i64,
    key: KeyId,
    sealed: Vec<u8>,
}

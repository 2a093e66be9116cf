//! Who and what belongs to a domain.

use rusqlite::{Params, params};

use super::{Reader, parse_account};
use crate::store::Result;
use crate::store::encryption::Table;
use crate::store::ids::{AccountId, RoomId, Timestamp};
use crate::store::sqlite::sealed::parse_room;

impl Reader {
    pub(in crate::store::sqlite) fn accounts_of(
        &mut self,
        domain: &str,
        now: Timestamp,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        let after = after.map_or("", AccountId::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let ids = self.ids(
            "SELECT id FROM account WHERE domain = ?1 AND id > ?2
             AND (suspended_until IS NULL OR suspended_until <= ?3) ORDER BY id LIMIT ?4",
            params![domain, after, now.0, limit],
        )?;
        Ok(self.readable(ids, |id| parse_account(Table::Account, id)))
    }

    pub(in crate::store::sqlite) fn rooms_of(
        &mut self,
        domain: &str,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomId>> {
        let after = after.map_or("", RoomId::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let ids = self.ids(
            "SELECT id FROM room WHERE domain = ?1 AND id > ?2 AND dissolved = 0 ORDER BY id LIMIT ?3",
            params![domain, after, limit],
        )?;
        Ok(self.readable(ids, |id| parse_room("room", id)))
    }

    fn ids(&self, sql: &str, parameters: impl Params) -> Result<Vec<String>> {
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map(parameters, |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn readable<T>(&self, ids: Vec<String>, parse: impl Fn(&str) -> Result<T>) -> Vec<T> {
        let parsed = ids.iter().map(|id| parse(id));
        let readable = parsed.filter_map(|parsed| parsed.map_err(|error| self.count_damaged(&error)).ok());
        readable.collect()
    }
}

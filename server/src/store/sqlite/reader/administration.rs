//! Records of the management API, its audit log, and pages of accounts.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params, params_from_iter};

use super::Reader;
use crate::store::encryption::Table;
use crate::store::ids::Timestamp;
use crate::store::sqlite::sealed::parse_account;
use crate::store::{AccountEntry, AccountOrder, AccountQuery, RecordKind, Result, Totals};

impl Reader {
    pub(in crate::store::sqlite) fn admin_record(
        &mut self,
        kind: RecordKind,
        name: &str,
    ) -> Result<Option<Vec<u8>>> {
        let mut select = self
            .connection
            .prepare_cached("SELECT body FROM admin_record WHERE kind = ?1 AND name = ?2")?;
        let row = select.query_row(params![kind as i64, name], |row| row.get(0));
        Ok(row.optional()?)
    }

    pub(in crate::store::sqlite) fn admin_records(
        &mut self,
        kind: RecordKind,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let mut select = self
            .connection
            .prepare_cached("SELECT name, body FROM admin_record WHERE kind = ?1 ORDER BY name")?;
        let rows = select.query_map(params![kind as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub(in crate::store::sqlite) fn audit(
        &mut self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, i64, Vec<u8>)>> {
        let mut select = self.connection.prepare_cached(
            "SELECT number, at, body FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![before.unwrap_or(i64::MAX), limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub(in crate::store::sqlite) fn list_accounts(
        &mut self,
        query: &AccountQuery,
    ) -> Result<Vec<AccountEntry>> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            conditions.push(condition.replace('?', &format!("?{}", values.len())));
        };
        if let Some(domain) = &query.domain {
            add("domain = ?", domain.clone().into());
        }
        if let Some(prefix) = &query.prefix {
            add("id >= ?", prefix.clone().into());
            // Addresses are letters and digits, so this comes behind all that begin with the prefix.
            add("id < ?", format!("{prefix}\u{7f}").into());
        }
        if let Some((wanted, now)) = query.suspended {
            let condition = if wanted {
                "suspended_until > ?"
            } else {
                "(suspended_until IS NULL OR suspended_until <= ?)"
            };
            add(condition, now.0.into());
        }
        if let Some(from) = query.created_from {
            add("created >= ?", from.0.into());
        }
        if let Some(before) = query.created_before {
            add("created < ?", before.0.into());
        }
        let order = match query.order {
            AccountOrder::Node => "id",
            AccountOrder::Created => "created, id",
            AccountOrder::Newest => "created DESC, id DESC",
        };
        if let Some((created, id)) = &query.after {
            match query.order {
                AccountOrder::Node => add("id > ?", id.clone().into()),
                AccountOrder::Created | AccountOrder::Newest => {
                    let sign = if query.order == AccountOrder::Created {
                        '>'
                    } else {
                        '<'
                    };
                    values.push(created.0.into());
                    values.push(id.clone().into());
                    let last = values.len();
                    conditions.push(format!("(created, id) {sign} (?{}, ?{last})", last - 1));
                }
            }
        }
        let condition = if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", conditions.join(" AND "))
        };
        values.push(i64::try_from(query.limit).unwrap_or(i64::MAX).into());
        let sql = format!(
            "SELECT id, domain, created, suspended_until FROM account {condition} ORDER BY {order} LIMIT ?{}",
            values.len()
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut rows = select.query(params_from_iter(values))?;
        let mut accounts = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            accounts.push(AccountEntry {
                id: parse_account(Table::Account, &id)?,
                domain: row.get(1)?,
                created: Timestamp(row.get(2)?),
                suspended_until: row.get::<_, Option<i64>>(3)?.map(Timestamp),
            });
        }
        Ok(accounts)
    }

    pub(in crate::store::sqlite) fn totals(&mut self) -> Result<Totals> {
        let count = |sql: &str| -> rusqlite::Result<i64> {
            self.connection
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))
        };
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(Totals {
            accounts: number(count("SELECT count(*) FROM account")?),
            rooms: number(count("SELECT count(*) FROM room WHERE dissolved = 0")?),
            bytes: number(
                count("SELECT page_count FROM pragma_page_count()")?
                    .saturating_mul(count("SELECT page_size FROM pragma_page_size()")?),
            ),
        })
    }
}

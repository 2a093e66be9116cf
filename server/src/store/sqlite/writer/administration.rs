//! Records of the management API and its audit log. Bodies arrive sealed.

use rusqlite::{OptionalExtension, params};

use super::{TaskResult, Writer};
use crate::store::RecordKind;
use crate::store::ids::Timestamp;

impl Writer<'_> {
    pub(in crate::store::sqlite) fn insert_record(
        &mut self,
        kind: RecordKind,
        name: &str,
        sealed: &[u8],
    ) -> TaskResult<bool> {
        let written = self
            .statement("INSERT OR IGNORE INTO admin_record (kind, name, body) VALUES (?1, ?2, ?3)")?
            .execute(params![kind as i64, name, sealed])?;
        Ok(written == 1)
    }

    /// `expected` tells whether the stored body is the one the caller saw.
    pub(in crate::store::sqlite) fn replace_record(
        &mut self,
        kind: RecordKind,
        name: &str,
        expected: &dyn Fn(&[u8]) -> bool,
        sealed: &[u8],
    ) -> TaskResult<bool> {
        let stored: Option<Vec<u8>> = self
            .statement("SELECT body FROM admin_record WHERE kind = ?1 AND name = ?2")?
            .query_row(params![kind as i64, name], |row| row.get(0))
            .optional()?;
        if !stored.is_some_and(|stored| expected(&stored)) {
            return Ok(false);
        }
        let written = self
            .statement("UPDATE admin_record SET body = ?3 WHERE kind = ?1 AND name = ?2")?
            .execute(params![kind as i64, name, sealed])?;
        Ok(written == 1)
    }

    pub(in crate::store::sqlite) fn remove_record(
        &mut self,
        kind: RecordKind,
        name: &str,
    ) -> TaskResult<bool> {
        let deleted = self
            .statement("DELETE FROM admin_record WHERE kind = ?1 AND name = ?2")?
            .execute(params![kind as i64, name])?;
        Ok(deleted == 1)
    }

    /// `seal` makes the body for a number.
    pub(in crate::store::sqlite) fn append_audit(
        &mut self,
        at: Timestamp,
        seal: &dyn Fn(i64) -> Vec<u8>,
    ) -> TaskResult<i64> {
        let number = self
            .statement("SELECT coalesce(max(number), 0) + 1 FROM audit")?
            .query_row([], |row| row.get(0))?;
        self.statement("INSERT INTO audit (number, at, body) VALUES (?1, ?2, ?3)")?
            .execute(params![number, at.0, seal(number)])?;
        Ok(number)
    }
}

//! Reading files.

use rusqlite::params;

use super::Reader;
use crate::store::encryption::Table;
use crate::store::files::{FileId, StoredFile};
use crate::store::sqlite::file_rows::{DELETED, FileRow};
use crate::store::sqlite::sealed::damaged;
use crate::store::{Result, StoreError};

impl Reader {
    pub(in crate::store::sqlite) fn file(&mut self, id: &FileId) -> Result<Option<StoredFile>> {
        let slot = self.placement.file(id)?;
        let Some(row) = FileRow::select(&self.connection, slot, id.as_bytes())? else {
            return Ok(None);
        };
        let opened = row.open(&mut self.ciphers, &mut self.place);
        if let Err(error @ StoreError::Damaged { .. }) = &opened {
            self.count_damaged(error);
        }
        match opened? {
            Some(body) => row.record(body),
            None => Ok(None),
        }
    }

    pub(in crate::store::sqlite) fn deleted_files(&mut self, limit: usize) -> Result<Vec<FileId>> {
        let mut select = self
            .connection
            .prepare_cached("SELECT id FROM file WHERE state = ?1 ORDER BY created LIMIT ?2")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = select.query(params![DELETED, limit])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let id: Vec<u8> = row.get(0)?;
            found.push(
                FileId::from_bytes(&id).ok_or_else(|| damaged(Table::File, "it has no name of a file"))?,
            );
        }
        Ok(found)
    }

    pub(in crate::store::sqlite) fn unknown_files(&mut self, ids: Vec<FileId>) -> Result<Vec<FileId>> {
        let mut select = self
            .connection
            .prepare_cached("SELECT 1 FROM file WHERE slot = ?1 AND id = ?2")?;
        let mut unknown = Vec::new();
        for id in ids {
            if !select.exists(params![self.placement.file(&id)?, id.as_bytes()])? {
                unknown.push(id);
            }
        }
        Ok(unknown)
    }
}

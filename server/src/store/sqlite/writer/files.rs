//! Files: arriving, being named by messages, being deleted.

use rusqlite::params;

use super::{TaskResult, Writer};
use crate::store::encryption::{Scope, Table};
use crate::store::files::{FileContent, FileId, NewFile};
use crate::store::ids::{AccountId, ConversationId, Mid, Slot, Timestamp};
use crate::store::sqlite::file_rows::{ARRIVING, Body, DELETED, FileRow, LINKED, PICTURE, WAITING};

impl Writer<'_> {
    /// `None` when the uploader may not have so much.
    pub(in crate::store::sqlite) fn begin_file(
        &mut self,
        slot: Slot,
        file: &NewFile,
    ) -> TaskResult<Option<FileId>> {
        let owner = self.placement.uploader(&file.uploader);
        let used: i64 = self
            .statement("SELECT coalesce(sum(size), 0) FROM file WHERE owner = ?1 AND state <> 4")?
            .query_row(params![owner], |row| row.get(0))?;
        let used = u64::try_from(used).unwrap_or(u64::MAX);
        let id = FileId::random(slot);
        let row = FileRow::arriving(&id, owner, file);
        let Some(row) = row.filter(|_| used.saturating_add(file.size) <= file.quota) else {
            return Ok(None);
        };
        let slot = self.placement.column(slot)?;
        let key = self.ciphers.current();
        row.place(&mut self.place, key);
        let body = Body::arriving(file).encode();
        self.seal(
            Table::File,
            key,
            &Scope::Conversation(file.conversation),
            &[&body],
        )?;
        row.insert(self.connection, slot, key, &self.sealed)?;
        Ok(Some(id))
    }

    pub(in crate::store::sqlite) fn finish_file(
        &mut self,
        id: &FileId,
        content: &FileContent,
    ) -> TaskResult<bool> {
        let slot = self.placement.file(id)?;
        let Some((row, mut body)) = self.live_file(slot, id, ARRIVING)? else {
            return Ok(false);
        };
        body.content = content.clone();
        let key = self.ciphers.current();
        row.place(&mut self.place, key);
        let body = body.encode();
        self.seal(Table::File, key, &Scope::Conversation(row.conversation), &[&body])?;
        self.statement("UPDATE file SET state = ?3, key_id = ?4, body = ?5 WHERE slot = ?1 AND id = ?2")?
            .execute(params![slot, id.as_bytes(), WAITING, key, self.sealed])?;
        Ok(true)
    }

    /// The row and the body of a file in this state.
    fn live_file(&mut self, slot: i64, id: &FileId, state: i64) -> TaskResult<Option<(FileRow, Body)>> {
        let row = FileRow::select(self.connection, slot, id.as_bytes())?;
        let Some(row) = row.filter(|row| row.state == state) else {
            return Ok(None);
        };
        let body = row.open(&mut self.ciphers, &mut self.place)?;
        Ok(body.map(|body| (row, body)))
    }

    /// Whether a message of this author in this conversation may name a file.
    pub(super) fn may_link(
        &mut self,
        id: &FileId,
        conversation: &ConversationId,
        author: &AccountId,
    ) -> TaskResult<bool> {
        let slot = self.placement.conversation(conversation)?;
        let found = self.live_file(slot, id, WAITING)?;
        Ok(found.is_some_and(|(row, body)| {
            row.conversation == *conversation && body.uploader == author.as_str() && body.is_for_message()
        }))
    }

    /// Notes that a message names a file which it may name.
    pub(super) fn link(&mut self, id: &FileId, mid: Mid) -> TaskResult<()> {
        let slot = self.placement.file(id)?;
        self.statement("UPDATE file SET state = ?3, mid = ?4 WHERE slot = ?1 AND id = ?2")?
            .execute(params![slot, id.as_bytes(), LINKED, mid.0])?;
        Ok(())
    }

    /// Deletes the file that a message names.
    pub(super) fn delete_linked(
        &mut self,
        slot: i64,
        conversation: &ConversationId,
        mid: Mid,
    ) -> TaskResult<()> {
        self.statement(
            "UPDATE file SET state = ?4, mid = NULL, body = NULL
             WHERE slot = ?1 AND conversation = ?2 AND mid = ?3",
        )?
        .execute(params![slot, conversation.0, mid.0, DELETED])?;
        Ok(())
    }

    pub(in crate::store::sqlite) fn delete_file(
        &mut self,
        id: &FileId,
        uploader: &AccountId,
    ) -> TaskResult<bool> {
        let slot = self.placement.file(id)?;
        let owner = self.placement.uploader(uploader);
        let deleted = self
            .statement(
                "UPDATE file SET state = ?4, body = NULL
                 WHERE slot = ?1 AND id = ?2 AND owner = ?3 AND state IN (0, 1, 3)",
            )?
            .execute(params![slot, id.as_bytes(), owner, DELETED])?;
        Ok(deleted == 1)
    }

    pub(in crate::store::sqlite) fn use_picture(&mut self, id: &FileId) -> TaskResult<bool> {
        let slot = self.placement.file(id)?;
        let found = self.live_file(slot, id, WAITING)?;
        let is_for_profile = found.is_some_and(|(_, body)| !body.is_for_message());
        if is_for_profile {
            self.statement("UPDATE file SET state = ?3 WHERE slot = ?1 AND id = ?2")?
                .execute(params![slot, id.as_bytes(), PICTURE])?;
        }
        Ok(is_for_profile)
    }

    pub(in crate::store::sqlite) fn retire_pictures(&mut self, keep: &FileId) -> TaskResult<()> {
        let slot = self.placement.file(keep)?;
        let Some(row) = FileRow::select(self.connection, slot, keep.as_bytes())? else {
            return Ok(());
        };
        self.statement(
            "UPDATE file SET state = ?4, body = NULL
             WHERE slot = ?1 AND conversation = ?2 AND state = 3 AND id <> ?3",
        )?
        .execute(params![slot, row.conversation.0, keep.as_bytes(), DELETED])?;
        Ok(())
    }

    pub(in crate::store::sqlite) fn expire_files(
        &mut self,
        before: Timestamp,
        limit: usize,
    ) -> TaskResult<u64> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let expired = self
            .statement(
                "UPDATE file SET state = ?1, body = NULL WHERE (slot, id) IN
                 (SELECT slot, id FROM file WHERE state = 1 AND created < ?2 ORDER BY created LIMIT ?3)",
            )?
            .execute(params![DELETED, before.0, limit])?;
        Ok(expired as u64)
    }

    pub(in crate::store::sqlite) fn abandon_files(&mut self) -> TaskResult<u64> {
        let abandoned = self
            .statement("UPDATE file SET state = ?1, body = NULL WHERE state = 0")?
            .execute(params![DELETED])?;
        Ok(abandoned as u64)
    }

    pub(in crate::store::sqlite) fn forget_files(&mut self, ids: &[FileId]) -> TaskResult<()> {
        for id in ids {
            let slot = self.placement.file(id)?;
            self.statement("DELETE FROM file WHERE slot = ?1 AND id = ?2 AND state = ?3")?
                .execute(params![slot, id.as_bytes(), DELETED])?;
        }
        Ok(())
    }
}

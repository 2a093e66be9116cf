//! Who may have a file: who may read the message that names it; before there is one, its uploader. Everybody else
//! is told the same as of a file that does not exist.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tim_protocol::error_code::ErrorCode;

use super::{FileError, Person};
use crate::blobs::BlobReader;
use crate::engine::Engine;
use crate::store::{AccountId, FileId, FilePlace, FileState, RoomId, StoredFile};

/// Bytes that are given out before it is looked again whether the account may still have them.
const LOOK_AGAIN: u64 = 8 << 20;

impl Engine {
    /// A file of a message, if the account may have it.
    ///
    /// # Errors
    /// `NotFound` for all it may not have.
    pub async fn file(&self, who: Person<'_>, id: &FileId) -> Result<StoredFile, FileError> {
        self.blobs()?;
        let file = self.store.file(id).await?.ok_or(FileError::NotFound)?;
        let may_have = match (&file.state, &file.place) {
            (FileState::Waiting, FilePlace::User(_) | FilePlace::Room(_)) => file.uploader == *who.account,
            (FileState::Linked(_), FilePlace::User(peer)) => {
                file.uploader == *who.account || *peer == *who.account
            }
            (FileState::Linked(_), FilePlace::Room(room)) => self.may_read_room(who, room).await?,
            _ => false,
        };
        if may_have {
            Ok(file)
        } else {
            Err(FileError::NotFound)
        }
    }

    /// The picture of a profile of the account's domain.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn picture(&self, who: Person<'_>, id: &FileId) -> Result<StoredFile, FileError> {
        self.blobs()?;
        let file = self.store.file(id).await?;
        file.filter(|file| file.state == FileState::Picture && file.domain == who.domain)
            .ok_or(FileError::NotFound)
    }

    /// Whether the account may read the messages of a room.
    async fn may_read_room(&self, who: Person<'_>, room: &RoomId) -> Result<bool, FileError> {
        match self.standing_of(who, room).await {
            Ok(standing) => Ok(standing.membership.is_member() && !standing.is_dissolved),
            Err(code @ (ErrorCode::Database | ErrorCode::Overload)) => Err(code.into()),
            Err(_) => Ok(false),
        }
    }

    /// Begins to read a part of a file that the account may have.
    ///
    /// # Errors
    /// The bytes cannot be had.
    pub async fn read_file(
        self: &Arc<Self>,
        who: Person<'_>,
        file: StoredFile,
        part: Range<u64>,
    ) -> Result<FileReader, FileError> {
        let reader = self.blobs()?.read(&file.id, &file.key, file.size, part).await?;
        Ok(FileReader {
            engine: Arc::clone(self),
            account: who.account.clone(),
            domain: who.domain.to_owned(),
            file,
            reader,
            unlooked: 0,
        })
    }

    /// Deletes a file of the account that no message names.
    ///
    /// # Errors
    /// `NotFound`, also for files of others; `InUse`.
    pub async fn delete_file(&self, who: Person<'_>, id: &FileId) -> Result<(), FileError> {
        let file = self.file(who, id).await?;
        if file.uploader != *who.account {
            return Err(FileError::NotFound);
        }
        if !self.store.delete_file(id, who.account).await? {
            return Err(FileError::InUse);
        }
        self.files.something_deleted();
        Ok(())
    }
}

/// A part of a file on its way out.
#[derive(Debug)]
pub struct FileReader {
    engine: Arc<Engine>,
    account: AccountId,
    domain: String,
    file: StoredFile,
    reader: BlobReader,
    unlooked: u64,
}

impl FileReader {
    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// The bytes cannot be had, or the account may not have them any more.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FileError> {
        if self.unlooked >= LOOK_AGAIN {
            self.unlooked = 0;
            let who = Person {
                account: &self.account,
                domain: &self.domain,
            };
            match self.file.state {
                FileState::Picture => self.engine.picture(who, &self.file.id).await?,
                FileState::Waiting | FileState::Linked(_) => self.engine.file(who, &self.file.id).await?,
            };
        }
        let bytes = self.reader.next().await?;
        self.unlooked += bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Ok(bytes)
    }
}

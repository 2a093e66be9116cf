//! A file on its way in.

use std::sync::Arc;

use tim_protocol::error_code::ErrorCode;

use super::content_type::{HEAD, verified};
use super::places::Place;
use super::{FileError, Person};
use crate::blobs::BlobWriter;
use crate::engine::Engine;
use crate::engine::draft::{Draft, Purpose, Target};
use crate::engine::permission::{Route, route};
use crate::store::keys::Secret;
use crate::store::{AccountId, ConversationId, FileContent, FileId, FilePlace, NewFile};

/// A file of which not all bytes have come. [`Arrival::abandon`] it when they do not come.
#[derive(Debug)]
pub struct Arrival {
    engine: Arc<Engine>,
    id: FileId,
    uploader: AccountId,
    size: u64,
    writer: BlobWriter,
    head: Vec<u8>,
    /// Held until the file has come or is given up.
    _place: Place,
}

/// A file that has arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Its name.
    pub id: FileId,
    /// Its bytes.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

impl Engine {
    /// Begins to take a file for a message to a user, to a room, or to a user in a room they share.
    ///
    /// # Errors
    /// The account may not write there, or beyond its limits; see [`FileError`].
    pub async fn begin_file(
        self: &Arc<Self>,
        who: Person<'_>,
        peer: Option<&str>,
        room: Option<&str>,
        size: u64,
    ) -> Result<Arrival, FileError> {
        self.blobs()?;
        let to = peer
            .map(|node| self.parse_account(node).ok_or(ErrorCode::Account))
            .transpose()?;
        let room = room
            .map(|node| self.parse_room(node).ok_or(ErrorCode::Account))
            .transpose()?;
        let draft = Draft {
            target: if to.is_some() { Target::User } else { Target::Room },
            to,
            room,
            purpose: Purpose::Chat,
        };
        let facts = self.read_facts(who, &draft).await?;
        let (place, conversation) = match route(&draft, &facts, self.settings.messages.require_friendship)? {
            Route::User(peer, conversation) => (FilePlace::User(peer), conversation),
            Route::Room(room, conversation) => (FilePlace::Room(room), conversation),
        };
        self.take_file(who, place, conversation, size).await
    }

    /// Begins to take a file for a place where the account may put one.
    pub(super) async fn take_file(
        self: &Arc<Self>,
        who: Person<'_>,
        place: FilePlace,
        conversation: ConversationId,
        size: u64,
    ) -> Result<Arrival, FileError> {
        let settings = &self.settings.files;
        if size > settings.max_bytes {
            return Err(FileError::TooLarge(settings.max_bytes));
        }
        let held = self.files.places.take(who.account)?;
        let mut key = [0; 32];
        self.entropy.fill(&mut key);
        let key = Secret::from_bytes(key);
        let file = NewFile {
            conversation,
            uploader: who.account.clone(),
            domain: who.domain.to_owned(),
            place,
            size,
            created: self.clock.now(),
            key: key.clone(),
            quota: settings.bytes_per_account,
        };
        let id = self.store.begin_file(file).await?;
        let id = id.ok_or(FileError::Quota(settings.bytes_per_account))?;
        Ok(Arrival {
            id,
            uploader: who.account.clone(),
            size,
            writer: self.blobs()?.write(&id, &key, size),
            head: Vec::new(),
            _place: held,
            engine: Arc::clone(self),
        })
    }
}

impl Arrival {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// They cannot be kept, or are too many. The file is to be abandoned then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let missing = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..missing]);
        Ok(self.writer.write(bytes).await?)
    }

    /// All bytes have come. On an error nothing is left.
    ///
    /// # Errors
    /// They are too few, or cannot be kept.
    pub async fn finish(self, announced_type: &str) -> Result<Arrived, FileError> {
        let Self {
            engine,
            id,
            uploader,
            size,
            writer,
            head,
            _place: place,
        } = self;
        let kept = async {
            let sha256 = writer.finish().await?;
            let content = FileContent {
                sha256,
                content_type: verified(&head, announced_type).to_owned(),
            };
            if engine.store.finish_file(&id, content).await? {
                return Ok(sha256);
            }
            // It was deleted meanwhile and perhaps forgotten, before its bytes were there.
            engine.blobs()?.delete(&id).await?;
            Err(FileError::NotFound)
        };
        match kept.await {
            Ok(sha256) => Ok(Arrived { id, size, sha256 }),
            Err(error) => {
                engine.forget_arrival(&id, &uploader).await;
                drop(place);
                Err(error)
            }
        }
    }

    /// The rest does not come: removes everything.
    pub async fn abandon(self) {
        self.writer.abort().await;
        self.engine.forget_arrival(&self.id, &self.uploader).await;
    }
}

impl Engine {
    async fn forget_arrival(&self, id: &FileId, uploader: &AccountId) {
        match self.store.delete_file(id, uploader).await {
            Ok(_) => self.files.something_deleted(),
            // The next start finds it.
            Err(error) => tracing::warn!(%error, "a file that did not arrive is still noted"),
        }
    }
}

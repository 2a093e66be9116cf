//! Writing a blob: content in, encrypted chunks out, in parts of bounded size, few of them on their way at a time.

use std::mem;

use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use super::cipher::{CHUNK, ChunkCipher, SEALED_CHUNK, chunks};
use super::{BlobError, Blobs};
use crate::store::FileId;
use crate::store::keys::Secret;

/// Parts on their way to the store at a time.
const PARTS_UNDER_WAY: usize = 2;
/// Parts that a service takes for one blob.
const PARTS: u64 = 9_000;

/// A blob that is being written. Dropped without [`BlobWriter::finish`] it was never there, but a service may keep
/// its parts; [`BlobWriter::abort`] removes them too.
pub struct BlobWriter {
    blobs: Blobs,
    path: Path,
    cipher: ChunkCipher,
    size: u64,
    written: u64,
    hash: Sha256,
    /// Content of the chunk that is not complete.
    chunk: Vec<u8>,
    number: u64,
    /// Sealed chunks that are not on their way yet.
    sealed: Vec<u8>,
    part: usize,
    upload: Option<Box<dyn MultipartUpload>>,
    under_way: JoinSet<object_store::Result<()>>,
}

impl std::fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobWriter")
            .field("size", &self.size)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl Blobs {
    /// Begins the blob of a file with `size` bytes of content.
    #[must_use]
    pub fn write(&self, id: &FileId, key: &Secret, size: u64) -> BlobWriter {
        let least = usize::try_from(size / PARTS).unwrap_or(usize::MAX);
        BlobWriter {
            path: self.path(id),
            cipher: ChunkCipher::new(key, id, size),
            size,
            written: 0,
            hash: Sha256::new(),
            chunk: Vec::new(),
            number: 0,
            sealed: Vec::new(),
            part: self.part.max(least),
            upload: None,
            under_way: JoinSet::new(),
            blobs: self.clone(),
        }
    }
}

impl BlobWriter {
    /// Takes the next bytes of the content.
    ///
    /// # Errors
    /// The folder or service failed; `Size`: these are more than announced. The blob is to be aborted then.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        if bytes.len() as u64 > self.size - self.written {
            return Err(BlobError::Size);
        }
        self.written += bytes.len() as u64;
        self.hash.update(bytes);
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
            if self.chunk.len() == CHUNK {
                self.seal_chunk();
                if self.sealed.len() + SEALED_CHUNK > self.part {
                    self.send_part().await?;
                }
            }
        }
        Ok(())
    }

    fn seal_chunk(&mut self) {
        self.cipher.seal(self.number, &mut self.chunk);
        self.number += 1;
        self.sealed.extend_from_slice(&self.chunk);
        self.chunk.clear();
    }

    async fn send_part(&mut self) -> Result<(), BlobError> {
        while self.under_way.len() >= PARTS_UNDER_WAY {
            self.next_sent().await?;
        }
        let part = PutPayload::from(mem::take(&mut self.sealed));
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(self.blobs.store.put_multipart(&self.path).await?),
        };
        self.under_way.spawn(upload.put_part(part));
        Ok(())
    }

    async fn next_sent(&mut self) -> Result<(), BlobError> {
        match self.under_way.join_next().await {
            Some(Ok(sent)) => Ok(sent?),
            Some(Err(error)) => Err(BlobError::Unavailable(error.to_string())),
            None => Ok(()),
        }
    }

    /// Completes the blob: it is durable when this returns. Answers the SHA-256 of the content. On an error nothing
    /// is left.
    ///
    /// # Errors
    /// The folder or service failed; `Size`: fewer bytes came than announced.
    pub async fn finish(mut self) -> Result<[u8; 32], BlobError> {
        match self.complete().await {
            Ok(()) => Ok(self.hash.finalize().into()),
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn complete(&mut self) -> Result<(), BlobError> {
        if self.written != self.size {
            return Err(BlobError::Size);
        }
        if self.number < chunks(self.size) {
            self.seal_chunk();
        }
        if self.upload.is_none() {
            let whole = PutPayload::from(mem::take(&mut self.sealed));
            self.blobs.store.put(&self.path, whole).await?;
            return Ok(());
        }
        if !self.sealed.is_empty() {
            self.send_part().await?;
        }
        while !self.under_way.is_empty() {
            self.next_sent().await?;
        }
        if let Some(upload) = &mut self.upload {
            upload.complete().await?;
        }
        Ok(())
    }

    /// Removes what was written so far.
    pub async fn abort(mut self) {
        self.under_way.shutdown().await;
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%error, "parts of an upload that broke off may be left in the store of files");
        }
    }
}

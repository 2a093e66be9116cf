//! Reading a part of a blob: encrypted chunks in, content out, one block at a time.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore as _};

use super::cipher::{ChunkCipher, SEALED_CHUNK, Span, span};
use super::{BlobError, Blobs};
use crate::store::FileId;
use crate::store::keys::Secret;

/// Chunks that are read from a disk at once.
const BLOCK: usize = 4;
/// A service that sends nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

enum Source {
    File(Option<File>),
    Stream(BoxStream<'static, object_store::Result<Bytes>>),
}

/// A part of a blob that is being read.
pub struct BlobReader {
    source: Source,
    cipher: ChunkCipher,
    number: u64,
    /// Bytes of the blob still to come.
    sealed: u64,
    skip: usize,
    /// Bytes of content still to give out.
    left: u64,
    /// What came beyond the last block.
    pending: Bytes,
}

impl std::fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobReader")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Blobs {
    /// Begins to read a part of the blob of a file with `size` bytes of content.
    ///
    /// # Errors
    /// The folder or service failed; `Missing`; `Changed`: the blob has not the size it had.
    pub async fn read(
        &self,
        id: &FileId,
        key: &Secret,
        size: u64,
        part: Range<u64>,
    ) -> Result<BlobReader, BlobError> {
        let Span { first, sealed, skip } = span(size, &part);
        let options = GetOptions {
            range: Some(GetRange::Bounded(sealed.clone())),
            ..GetOptions::default()
        };
        let found = self.store.get_opts(&self.path(id), options).await?;
        if found.range != sealed || found.meta.size != super::cipher::sealed_size(size) {
            return Err(BlobError::Changed);
        }
        let source = match found.payload {
            GetResultPayload::File(mut file, _) => {
                file.seek(SeekFrom::Start(sealed.start))
                    .map_err(|error| BlobError::from_io(&error))?;
                Source::File(Some(file))
            }
            GetResultPayload::Stream(stream) => Source::Stream(stream),
        };
        Ok(BlobReader {
            source,
            cipher: ChunkCipher::new(key, id, size),
            number: first,
            sealed: sealed.end - sealed.start,
            skip,
            left: part.end - part.start,
            pending: Bytes::new(),
        })
    }
}

impl BlobReader {
    /// The next bytes of the content; `None` after the last.
    ///
    /// # Errors
    /// See [`Blobs::read`]. Nothing of a changed chunk is given out.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut block = self.next_block().await?;
        let mut content = Vec::with_capacity(block.len());
        while !block.is_empty() {
            let later = block.split_off(block.len().min(SEALED_CHUNK));
            self.cipher.open(self.number, &mut block).map_err(|error| {
                tracing::error!(%error, "a file cannot be given out");
                BlobError::Changed
            })?;
            self.number += 1;
            content.extend_from_slice(&block);
            block = later;
        }
        let mut content = Bytes::from(content);
        let skipped = content.split_to(self.skip.min(content.len()));
        self.skip -= skipped.len();
        content.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= content.len() as u64;
        Ok(Some(content))
    }

    /// The next whole chunks.
    async fn next_block(&mut self) -> Result<Vec<u8>, BlobError> {
        let wanted = usize::try_from(self.sealed)
            .unwrap_or(usize::MAX)
            .min(BLOCK * SEALED_CHUNK);
        if wanted == 0 {
            return Err(BlobError::Changed);
        }
        let block = match &mut self.source {
            Source::File(place) => {
                let mut file = place.take().ok_or(BlobError::Changed)?;
                let reading = tokio::task::spawn_blocking(move || {
                    let mut block = vec![0; wanted];
                    file.read_exact(&mut block).map(|()| (file, block))
                });
                let (file, block) = reading
                    .await
                    .map_err(|error| BlobError::Unavailable(error.to_string()))?
                    .map_err(|error| BlobError::from_io(&error))?;
                *place = Some(file);
                block
            }
            Source::Stream(stream) => {
                let mut block = Vec::with_capacity(wanted);
                while block.len() < wanted {
                    if self.pending.is_empty() {
                        self.pending = tokio::time::timeout(PATIENCE, stream.next())
                            .await
                            .map_err(|_| BlobError::Unavailable("nothing comes any more".to_owned()))?
                            .ok_or(BlobError::Changed)??;
                    }
                    let now = self.pending.len().min(wanted - block.len());
                    block.extend_from_slice(&self.pending.split_to(now));
                }
                block
            }
        };
        self.sealed -= block.len() as u64;
        Ok(block)
    }
}

//! Encryption of blobs: chunks of 64 KiB under a key of the file's own, AES-256-GCM each. The nonce holds the
//! number of the chunk and whether it is the last one, the associated data the name of the file: chunks that were
//! changed, swapped, repeated or left out do not open. A key encrypts one content only, so no nonce comes twice.

use std::fmt;
use std::ops::Range;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};

use crate::store::FileId;
use crate::store::keys::Secret;

/// Bytes of content in every chunk but the last.
pub const CHUNK: usize = 64 * 1024;
/// Bytes that sealing adds to a chunk.
pub const TAG: usize = 16;
/// Bytes of a full sealed chunk.
pub const SEALED_CHUNK: usize = CHUNK + TAG;

const CHUNK_64: u64 = CHUNK as u64;
const SEALED_CHUNK_64: u64 = SEALED_CHUNK as u64;
const TAG_64: u64 = TAG as u64;

/// What the chunks of all files have in their associated data, so that another format can never be taken for this.
const FORMAT: &[u8] = b"tim file 1 ";

/// A chunk is not what was sealed as this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("chunk {0} of a file was changed")]
pub struct Changed(pub u64);

/// Chunks of a content; an empty one has an empty chunk.
#[must_use]
pub fn chunks(size: u64) -> u64 {
    size.div_ceil(CHUNK_64).max(1)
}

/// Bytes of the blob of a content.
#[must_use]
pub fn sealed_size(size: u64) -> u64 {
    size.saturating_add(chunks(size).saturating_mul(TAG_64))
}

/// Which bytes of a blob are needed for a part of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Number of the first chunk.
    pub first: u64,
    /// Bytes of the blob: whole chunks.
    pub sealed: Range<u64>,
    /// Bytes at the start of the first chunk that are not asked for.
    pub skip: usize,
}

/// Finds the chunks that hold a part of a content of `size` bytes.
#[must_use]
pub fn span(size: u64, part: &Range<u64>) -> Span {
    let first = (part.start / CHUNK_64).min(chunks(size) - 1);
    let behind = chunks(part.end).clamp(first + 1, chunks(size));
    Span {
        first,
        sealed: first * SEALED_CHUNK_64..sealed_size(size).min(behind * SEALED_CHUNK_64),
        #[allow(clippy::cast_possible_truncation, reason = "a remainder of a chunk")]
        skip: (part.start - first * CHUNK_64).min(CHUNK_64) as usize,
    }
}

/// Seals and opens the chunks of one file.
pub struct ChunkCipher {
    cipher: Aes256Gcm,
    associated: Vec<u8>,
    last: u64,
}

impl fmt::Debug for ChunkCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChunkCipher(..)")
    }
}

impl ChunkCipher {
    /// For a file of `size` bytes of content.
    #[must_use]
    pub fn new(key: &Secret, id: &FileId, size: u64) -> Self {
        Self {
            cipher: Aes256Gcm::new(key.as_bytes().into()),
            associated: [FORMAT, id.as_bytes()].concat(),
            last: chunks(size) - 1,
        }
    }

    fn nonce(&self, number: u64) -> Nonce<aes_gcm::aead::array::typenum::U12> {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        nonce[8] = u8::from(number == self.last);
        Nonce::from(nonce)
    }

    /// Encrypts a chunk where it is and puts its tag behind it.
    pub fn seal(&self, number: u64, chunk: &mut Vec<u8>) {
        match self.cipher.encrypt_inout_detached(
            &self.nonce(number),
            &self.associated,
            chunk.as_mut_slice().into(),
        ) {
            Ok(tag) => chunk.extend_from_slice(&tag),
            // Only content above 64 GiB is refused. Without a tag the chunk never opens.
            Err(_) => chunk.clear(),
        }
    }

    /// Decrypts a sealed chunk where it is and takes its tag away.
    ///
    /// # Errors
    /// It is not the chunk of that number.
    pub fn open(&self, number: u64, sealed: &mut Vec<u8>) -> Result<(), Changed> {
        let content = sealed.len().checked_sub(TAG).ok_or(Changed(number))?;
        let (plain, tag) = sealed.split_at_mut(content);
        let tag = <[u8; TAG]>::try_from(&*tag).map_err(|_| Changed(number))?;
        self.cipher
            .decrypt_inout_detached(
                &self.nonce(number),
                &self.associated,
                plain.into(),
                &Tag::from(tag),
            )
            .map_err(|_| Changed(number))?;
        sealed.truncate(content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::Slot;

    fn id(number: u8) -> FileId {
        FileId::new(Slot::from_hash(5), [number; 18])
    }

    fn key() -> Secret {
        Secret::from_bytes([7; 32])
    }

    fn content(size: usize) -> Vec<u8> {
        (0..=250).cycle().take(size).collect()
    }

    /// The chunks of a blob.
    fn seal(content: &[u8]) -> Vec<Vec<u8>> {
        let cipher = ChunkCipher::new(&key(), &id(1), content.len() as u64);
        let mut chunks: Vec<Vec<u8>> = content.chunks(CHUNK).map(<[u8]>::to_vec).collect();
        if chunks.is_empty() {
            chunks.push(Vec::new());
        }
        for (number, chunk) in chunks.iter_mut().enumerate() {
            cipher.seal(number as u64, chunk);
        }
        chunks
    }

    fn open(size: u64, chunks: &[Vec<u8>]) -> Result<Vec<u8>, Changed> {
        let cipher = ChunkCipher::new(&key(), &id(1), size);
        let mut content = Vec::new();
        for (number, chunk) in chunks.iter().enumerate() {
            let mut chunk = chunk.clone();
            cipher.open(number as u64, &mut chunk)?;
            content.extend(chunk);
        }
        Ok(content)
    }

    #[test]
    fn content_of_every_kind_of_size_reads_back() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5] {
            let content = content(size);
            let sealed = seal(&content);
            assert_eq!(sealed.len() as u64, chunks(size as u64));
            assert_eq!(sealed.concat().len() as u64, sealed_size(size as u64));
            assert_eq!(open(size as u64, &sealed).unwrap(), content);
        }
    }

    #[test]
    fn a_blob_of_another_file_or_key_does_not_open() {
        let sealed = seal(b"content").remove(0);
        for cipher in [
            ChunkCipher::new(&key(), &id(2), 7),
            ChunkCipher::new(&Secret::from_bytes([8; 32]), &id(1), 7),
        ] {
            assert_eq!(cipher.open(0, &mut sealed.clone()), Err(Changed(0)));
        }
    }

    #[test]
    fn a_blob_cut_at_a_chunk_does_not_open_as_a_shorter_one() {
        let content = content(2 * CHUNK);
        let mut sealed = seal(&content);
        sealed.pop();
        assert_eq!(open(CHUNK as u64, &sealed), Err(Changed(0)));
    }

    #[test]
    fn chunks_that_were_swapped_or_repeated_do_not_open() {
        let content = content(3 * CHUNK);
        let sealed = seal(&content);
        for order in [[1, 0, 2], [0, 0, 2], [0, 2, 1], [2, 1, 0]] {
            let moved: Vec<_> = order.iter().map(|at| sealed[*at].clone()).collect();
            assert!(open(3 * CHUNK as u64, &moved).is_err(), "{order:?}");
        }
    }

    #[test]
    fn equal_content_is_never_stored_equally() {
        let sealed = seal(&vec![0; 2 * CHUNK]);
        assert_ne!(sealed[0][..64], sealed[1][..64], "two chunks of one file");
    }

    proptest! {
        #[test]
        fn every_changed_bit_and_every_cut_is_noticed(
            size in prop_oneof![0..300_usize, CHUNK - 3..CHUNK + 300],
            at in any::<prop::sample::Index>(),
            bit in 0..8,
            cut in any::<prop::sample::Index>(),
        ) {
            let content = content(size);
            let sealed = seal(&content);
            let mut changed = sealed.clone();
            let (chunk, byte) = (at.index(sealed.len()), at.index(sealed[at.index(sealed.len())].len()));
            changed[chunk][byte] ^= 1_u8 << bit;
            prop_assert!(open(size as u64, &changed).is_err());
            let mut shorter = sealed.clone();
            let left = cut.index(sealed[chunk].len());
            shorter[chunk].truncate(left);
            prop_assert!(open(size as u64, &shorter).is_err());
        }

        #[test]
        fn the_span_of_a_part_holds_exactly_the_chunks_of_it(
            size in 1..5 * CHUNK as u64,
            one in any::<prop::sample::Index>(),
            two in any::<prop::sample::Index>(),
        ) {
            let bytes = usize::try_from(size).unwrap();
            let (one, two) = (one.index(bytes) as u64, two.index(bytes) as u64);
            let part = one.min(two)..one.max(two) + 1;
            let span = span(size, &part);
            prop_assert_eq!(span.first, part.start / CHUNK_64);
            prop_assert_eq!(span.first * CHUNK_64 + span.skip as u64, part.start);
            prop_assert_eq!(span.sealed.start, span.first * SEALED_CHUNK_64);
            let last = (part.end - 1) / CHUNK_64;
            let end = sealed_size(size).min((last + 1) * SEALED_CHUNK_64);
            prop_assert_eq!(span.sealed.end, end);
        }
    }
}

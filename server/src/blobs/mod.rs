//! The bytes of files, in a folder or in a service that speaks S3. Everything is encrypted before it gets there:
//! who holds the folder or the service sees sizes and random names. Memory is bounded in both
//! directions, whatever the size of a file.
//!
//! A blob exists completely or not at all: what breaks off leaves nothing that could be read.

pub mod cipher;
mod directory;
mod reader;
mod s3;
mod writer;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use hmac::Mac;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::store::{FileId, InstallationKey};

pub use reader::BlobReader;
pub use s3::S3Settings;
pub use writer::BlobWriter;

/// Bytes that are sent to a store at once. Services that speak S3 want at least so many.
const REMOTE_PART: usize = 5 << 20;
const LOCAL_PART: usize = 1 << 20;

/// Why bytes could not be kept or had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is no space left.
    #[error("no space left for files")]
    NoSpace,
    /// There is no such blob.
    #[error("the bytes of a file are missing")]
    Missing,
    /// The blob is not what was written.
    #[error("the bytes of a file were changed")]
    Changed,
    /// More or fewer bytes were written than announced.
    #[error("a file of another size than announced")]
    Size,
    /// The folder or service failed.
    #[error("files cannot be kept or read: {0}")]
    Unavailable(String),
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::Missing;
        }
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if let Some(io) = inner.downcast_ref::<io::Error>() {
                return Self::from_io(io);
            }
            cause = inner.source();
        }
        let text = crate::outgoing::with_causes(&error);
        // What services answer when their disks or the customer's quota are full.
        if text.contains("507 Insufficient Storage")
            || text.contains("StorageFull")
            || text.contains("QuotaExceeded")
        {
            return Self::NoSpace;
        }
        Self::Unavailable(text)
    }
}

impl BlobError {
    fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace
            }
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Where the bytes of files are.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// Everything of this installation is below it, so that several can share one place and none
    /// takes the files of another for left-overs.
    root: Path,
    part: usize,
    folder: Option<PathBuf>,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blobs")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Blobs {
    /// In a folder, which is made when it does not exist.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn in_directory(folder: PathBuf, key: &InstallationKey) -> io::Result<Self> {
        let store = directory::open(&folder)?;
        Ok(Self {
            folder: Some(folder),
            ..Self::new(Arc::new(store), "", LOCAL_PART, key)
        })
    }

    /// In a service that speaks S3. It is not asked for anything yet.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub fn in_s3(settings: &S3Settings, key: &InstallationKey) -> Result<Self, String> {
        let store = s3::open(settings)?;
        Ok(Self::new(Arc::new(store), &settings.prefix, REMOTE_PART, key))
    }

    /// In the memory of the process.
    #[must_use]
    pub fn in_memory(key: &InstallationKey) -> Self {
        Self::new(Arc::new(InMemory::new()), "", LOCAL_PART, key)
    }

    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: &str, part: usize, key: &InstallationKey) -> Self {
        let mut mac = key.keyed_hash("files");
        mac.update(b"folder");
        let tag: String = mac.finalize().into_bytes()[..8].iter().map(hex).collect();
        Self {
            store,
            root: Path::from(prefix).join(tag),
            part,
            folder: None,
        }
    }

    fn path(&self, id: &FileId) -> Path {
        let name: String = id.as_bytes().iter().map(hex).collect();
        // Spread by random digits, so that no folder gets too long.
        self.root.clone().join(&name[name.len() - 2..]).join(&*name)
    }

    /// Deletes a blob. One that is not there is deleted.
    ///
    /// # Errors
    /// The folder or service failed.
    pub async fn delete(&self, id: &FileId) -> Result<(), BlobError> {
        match self.store.delete(&self.path(id)).await.map_err(BlobError::from) {
            Ok(()) | Err(BlobError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The names of all blobs of this installation. Anything else that lies there is passed over.
    #[must_use]
    pub fn list(&self) -> BoxStream<'static, Result<FileId, BlobError>> {
        let objects = self.store.list(Some(&self.root)).map_err(BlobError::from);
        objects
            .try_filter_map(|object| async move { Ok(object.location.filename().and_then(parse)) })
            .boxed()
    }

    /// Removes what uploads left behind that the end of the process broke off. To be called while there is none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn tidy(&self) -> Result<u64, BlobError> {
        let Some(folder) = self.folder.clone() else {
            return Ok(0);
        };
        let root = folder.join(self.root.as_ref());
        tokio::task::spawn_blocking(move || directory::remove_unfinished(&root))
            .await
            .map_err(|error| BlobError::Unavailable(error.to_string()))?
            .map_err(|error| BlobError::from_io(&error))
    }
}

fn hex(byte: &u8) -> String {
    format!("{byte:02x}")
}

fn parse(name: &str) -> Option<FileId> {
    let digits = name.as_bytes().as_chunks::<2>();
    if !digits.1.is_empty() {
        return None;
    }
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Vec<u8> = digits.0.iter().map(byte).collect::<Option<_>>()?;
    FileId::from_bytes(&bytes)
}

#[cfg(test)]
mod tests;

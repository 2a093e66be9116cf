//! Files and pictures: who may bring one, who may have one, and when it goes. Their bytes pass through `blobs`;
//! what is known of them is in the store.
//!
//! A file is noted before its first byte is kept and forgotten after its last byte is deleted, so nothing that a
//! crash leaves behind is ever lost sight of.

mod access;
mod arrival;
mod content_type;
mod named;
mod pictures;
mod places;
mod sweep;

use tim_protocol::error_code::ErrorCode;
use tokio::sync::{Mutex, Notify};

use crate::blobs::{BlobError, Blobs};
use crate::store::{AccountId, StoreError};

pub use access::FileReader;
pub use arrival::{Arrival, Arrived};
pub use content_type::shown_inside;
pub use named::named_file;
pub use pictures::{PICTURE_BYTES, PictureOf};
pub use sweep::recover;
pub(super) use sweep::run;

use super::settings::FileSettings;
use super::{Engine, store_failure};
use places::Places;

const PICTURE_LOCKS: usize = 64;

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// Its tenant.
    pub domain: &'a str,
}

/// Why a request about files is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// This server keeps no files.
    #[error("this server keeps no files")]
    Off,
    /// There is no such file, or none that this account may have.
    #[error("there is no such file")]
    NotFound,
    /// The account may not do this.
    #[error("not permitted: {0}")]
    Refused(ErrorCode),
    /// A message names the file.
    #[error("a message names this file; recall the message")]
    InUse,
    /// It is larger than files may be.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// The account has too many bytes of files.
    #[error("all files of the account together would be larger than {0} bytes")]
    Quota(u64),
    /// The account brings too many files at the same time.
    #[error("too many files at the same time")]
    TooMany,
    /// The whole server takes too many files at the same time.
    #[error("the server takes too many files at the moment")]
    Busy,
    /// It is no picture of a permitted format and size.
    #[error(
        "not a PNG, JPEG, GIF or WebP picture of at most {PICTURE_BYTES} bytes and {} x {} pixels",
        pictures::PIXELS,
        pictures::PIXELS
    )]
    NoPicture,
    /// Other bytes came than announced.
    #[error("the file is shorter or longer than announced")]
    Size,
    /// There is no space.
    #[error("the server has no space left for files")]
    NoSpace,
    /// The store or the place of the bytes failed.
    #[error("the server cannot keep or read files at the moment")]
    Failed,
}

impl From<StoreError> for FileError {
    fn from(error: StoreError) -> Self {
        match store_failure(&error) {
            ErrorCode::Overload => Self::Busy,
            _ => Self::Failed,
        }
    }
}

impl From<BlobError> for FileError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::NoSpace => Self::NoSpace,
            BlobError::Size => Self::Size,
            BlobError::Missing | BlobError::Changed | BlobError::Unavailable(_) => {
                tracing::error!(%error, "files");
                Self::Failed
            }
        }
    }
}

impl From<ErrorCode> for FileError {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Overload => Self::Busy,
            ErrorCode::Database => Self::Failed,
            code => Self::Refused(code),
        }
    }
}

/// What the engine holds for files.
#[derive(Debug)]
pub(super) struct Files {
    blobs: Option<Blobs>,
    places: Places,
    /// Something was deleted.
    deleted: Notify,
    /// Held while the picture of a profile is exchanged.
    pictures: Box<[Mutex<()>]>,
}

impl Files {
    pub(super) fn new(blobs: Option<Blobs>, settings: &FileSettings) -> Self {
        Self {
            blobs,
            places: Places::new(settings),
            deleted: Notify::new(),
            pictures: (0..PICTURE_LOCKS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Bytes may be deleted now.
    pub(super) fn something_deleted(&self) {
        self.deleted.notify_one();
    }
}

impl Engine {
    fn blobs(&self) -> Result<&Blobs, FileError> {
        self.files.blobs.as_ref().ok_or(FileError::Off)
    }
}

//! Files on their way: from this tab to the server, and from the server to the disk. The bytes themselves are the business of the
//! service.

use std::collections::BTreeMap;

use super::{ChatId, Trouble};
use crate::fields::Shown;

/// Names an upload.
pub type UploadId = u64;

/// A file on its way to the server, or a message waiting for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    /// Names it.
    pub id: UploadId,
    /// The conversation it goes to.
    pub chat: ChatId,
    /// What it is called.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// How it will be shown.
    pub shown: Shown,
    /// Address of a picture of it inside this page.
    pub preview: Option<String>,
    /// How far it is.
    pub progress: Progress,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Others come first.
    Waiting,
    /// So many bytes have left.
    Running(u64),
    /// All bytes have left; the server and this tab compare what they counted.
    Checking,
    /// What arrived at the server is not what was sent. It waits to be tried again or dropped.
    Damaged,
    /// It did not work, and waits to be tried again or dropped.
    Failed(Trouble),
}

/// How far the download of a file is.
#[derive(Clone, Debug, PartialEq)]
pub enum Download {
    /// So many bytes have arrived.
    Running(u64),
    /// It was saved, and is what the sender sent.
    Saved,
    /// What arrived is not what the sender sent. It was not saved.
    Damaged,
    /// It did not work.
    Failed(Trouble),
}

/// Files on their way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transfers {
    next: UploadId,
    uploads: Vec<Upload>,
    downloads: BTreeMap<String, Download>,
}

impl Transfers {
    /// Uploads of a conversation, in the order in which they will become messages.
    #[must_use]
    pub fn uploads(&self, chat: &ChatId) -> Vec<Upload> {
        self.uploads
            .iter()
            .filter(|upload| upload.chat == *chat)
            .cloned()
            .collect()
    }

    /// Whether bytes would be lost if the page went away now.
    #[must_use]
    pub fn is_uploading(&self) -> bool {
        !self.uploads.is_empty()
    }

    /// One upload.
    #[must_use]
    pub fn upload(&self, id: UploadId) -> Option<&Upload> {
        self.uploads.iter().find(|upload| upload.id == id)
    }

    /// Adds an upload behind all others and names it.
    pub fn add_upload(&mut self, upload: Upload) -> UploadId {
        let id = self.next;
        self.next += 1;
        self.uploads.push(Upload {
            id,
            progress: Progress::Waiting,
            ..upload
        });
        id
    }

    /// The upload to be worked on next: the first that waits, unless one is under way.
    #[must_use]
    pub fn next_upload(&self) -> Option<UploadId> {
        let busy = |upload: &Upload| matches!(upload.progress, Progress::Running(_) | Progress::Checking);
        if self.uploads.iter().any(busy) {
            return None;
        }
        self.uploads
            .iter()
            .find(|upload| upload.progress == Progress::Waiting)
            .map(|upload| upload.id)
    }

    /// Says how far an upload is. Nothing happens if it was dropped meanwhile.
    pub fn set_progress(&mut self, id: UploadId, progress: Progress) {
        if let Some(upload) = self.uploads.iter_mut().find(|upload| upload.id == id) {
            upload.progress = progress;
        }
    }

    /// Takes an upload away: it has become a message, or nobody wants it any more.
    pub fn remove_upload(&mut self, id: UploadId) -> Option<Upload> {
        let at = self.uploads.iter().position(|upload| upload.id == id)?;
        Some(self.uploads.remove(at))
    }

    /// How far the download of a file is, if it was started.
    #[must_use]
    pub fn download(&self, file: &str) -> Option<&Download> {
        self.downloads.get(file)
    }

    /// Says how far a download is.
    pub fn set_download(&mut self, file: &str, download: Download) {
        self.downloads.insert(file.to_owned(), download);
    }

    /// Forgets a download.
    pub fn remove_download(&mut self, file: &str) {
        self.downloads.remove(file);
    }
}

impl Progress {
    /// Percent of `size`, for those under way.
    #[must_use]
    pub fn percent(&self, size: u64) -> Option<u8> {
        match self {
            Self::Running(done) => Some(percent(*done, size)),
            Self::Checking => Some(100),
            Self::Waiting | Self::Damaged | Self::Failed(_) => None,
        }
    }
}

/// Whole percent, at most 100.
#[must_use]
pub fn percent(done: u64, size: u64) -> u8 {
    if size == 0 {
        return 100;
    }
    let percent = u128::from(done.min(size)) * 100 / u128::from(size);
    u8::try_from(percent).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(name: &str) -> Upload {
        Upload {
            id: 0,
            chat: ChatId::parse("u:abc").unwrap(),
            name: name.to_owned(),
            size: 10,
            shown: Shown::Card,
            preview: None,
            progress: Progress::Waiting,
        }
    }

    #[test]
    fn uploads_go_one_after_the_other_past_those_that_failed() {
        let mut transfers = Transfers::default();
        let a = transfers.add_upload(upload("a"));
        let b = transfers.add_upload(upload("b"));
        assert_eq!(transfers.next_upload(), Some(a));
        transfers.set_progress(a, Progress::Running(3));
        assert_eq!(transfers.next_upload(), None);
        transfers.set_progress(a, Progress::Failed(Trouble::Offline));
        assert_eq!(transfers.next_upload(), Some(b));
        transfers.set_progress(a, Progress::Waiting);
        assert_eq!(transfers.next_upload(), Some(a));
        transfers.remove_upload(a);
        transfers.set_progress(a, Progress::Running(1));
        assert_eq!(transfers.uploads(&ChatId::parse("u:abc").unwrap()).len(), 1);
    }

    #[test]
    fn percent_never_leaves_its_bounds() {
        assert_eq!(
            [
                percent(0, 3),
                percent(1, 3),
                percent(3, 3),
                percent(9, 3),
                percent(0, 0)
            ],
            [0, 33, 100, 100, 100]
        );
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
    }
}

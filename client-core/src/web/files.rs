//! Files and pictures.

use std::fmt;

use serde::Deserialize;
use web_sys::Blob;

use super::exchange::Body;
use super::{Progress, Upload, WebApi, WebError, answers, encoded};
use crate::message::Conversation;
use crate::room::RoomId;

/// Names a file that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(String);

impl FileId {
    /// From its text form, as a message carries it. `None`: no file is named like this.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_name = !text.is_empty() && text.len() <= 128 && text.bytes().all(is_plain);
        is_name.then(|| Self(text.to_owned()))
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file that the server has stored. Until a message names it ([`FileId`]) nobody else may fetch it, and it is deleted
/// after some time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// Its name.
    pub file: FileId,
    /// Bytes that the server received.
    pub size: u64,
    /// SHA-256 of what the server received, hexadecimal.
    pub sha256: String,
}

impl Uploaded {
    pub(super) fn read(text: &str) -> Result<Self, WebError> {
        #[derive(Deserialize)]
        struct Answer {
            file: String,
            size: u64,
            sha256: String,
        }
        let answer: Answer = answers::read(text)?;
        Ok(Self {
            file: FileId::new(&answer.file).ok_or(WebError::Protocol("a malformed file name"))?,
            size: answer.size,
            sha256: answer.sha256,
        })
    }
}

#[derive(Deserialize)]
struct PictureAnswer {
    picture: String,
}

impl WebApi {
    /// Uploads a file for a conversation, and tells again and again how far it is. Starts at once; dropping what is
    /// returned aborts it, and nothing is left on the server.
    ///
    /// # Errors
    /// Refusals: 403 not a friend or member, 413 too large, 429 too many at the same time, 507 no space. See
    /// [`WebError`].
    pub fn upload(
        &self,
        content: &Blob,
        conversation: &Conversation,
        progress: impl FnMut(Progress) + 'static,
    ) -> Upload {
        match conversation {
            Conversation::Peer(peer) => {
                let path = format!("/client/v1/files?peer={}", encoded(peer.as_str()));
                Upload::start(self, &path, content, progress)
            }
            Conversation::Room(room) => {
                let path = format!("/client/v1/files?room={}", encoded(room.as_str()));
                Upload::start(self, &path, content, progress)
            }
            Conversation::System => {
                Upload::failed(WebError::Invalid("nothing can be sent to the administration"))
            }
        }
    }

    /// Where a file can be fetched or shown. With a name it is saved under that name.
    #[must_use]
    pub fn file_url(&self, file: &FileId, name: Option<&str>) -> String {
        match name {
            Some(name) => self.url(&format!("/client/v1/files/{file}?name={}", encoded(name))),
            None => self.url(&format!("/client/v1/files/{file}")),
        }
    }

    /// Fetches a whole file.
    ///
    /// # Errors
    /// Refusals: 404 there is none that the user may fetch. See [`WebError`].
    pub async fn download(&self, file: &FileId) -> Result<Blob, WebError> {
        self.fetch_blob(&format!("/client/v1/files/{file}")).await
    }

    /// Deletes an own file that no message names.
    ///
    /// # Errors
    /// Refusals: 404 there is none, 409 a message names it. See [`WebError`].
    pub async fn delete_file(&self, file: &FileId) -> Result<(), WebError> {
        self.call("DELETE", &format!("/client/v1/files/{file}"), Body::None)
            .await
            .map(drop)
    }

    /// Stores the own picture, replacing the one before: PNG, JPEG, GIF or WebP of at most 1 MiB. Answers its path for
    /// the profile ([`UserProfile::picture`](crate::UserProfile::picture)).
    ///
    /// # Errors
    /// Refusals: 400 not a picture, 413 too large. See [`WebError`].
    pub async fn set_picture(&self, picture: &Blob) -> Result<String, WebError> {
        self.put_picture("/client/v1/picture", picture).await
    }

    /// Stores the picture of a room, see [`WebApi::set_picture`]. For the founder and managers. Answers its path for the
    /// profile of the room.
    ///
    /// # Errors
    /// Refusals: 403 not a manager. See [`WebApi::set_picture`].
    pub async fn set_room_picture(&self, room: &RoomId, picture: &Blob) -> Result<String, WebError> {
        self.put_picture(
            &format!("/client/v1/rooms/{}/picture", encoded(room.as_str())),
            picture,
        )
        .await
    }

    async fn put_picture(&self, path: &str, picture: &Blob) -> Result<String, WebError> {
        let text = self.call("PUT", path, Body::Content(picture)).await?;
        Ok(answers::read::<PictureAnswer>(&text)?.picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_nothing_that_could_be_another_path() {
        assert!(FileId::new("aZ09-_").is_some());
        for text in ["", "..", "a/b", "a?b", "a%2f", "ä"] {
            assert_eq!(FileId::new(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_beyond_32_bits_are_exact() {
        let text = r#"{"file": "f1", "size": 9007199254740993, "sha256": "00"}"#;
        assert_eq!(Uploaded::read(text).unwrap().size, 9_007_199_254_740_993);
    }
}

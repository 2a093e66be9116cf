//! Pictures of profiles and rooms.

use std::sync::Arc;

use imagesize::ImageType;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::{TimRoomBean, TimUserBean};

use super::{FileError, PICTURE_LOCKS, Person};
use crate::engine::Engine;
use crate::engine::rooms::decide::Role;
use crate::store::{ConversationId, FileId, FilePlace, RoomId};

/// Largest picture, in bytes.
pub const PICTURE_BYTES: usize = 1 << 20;
/// Largest width and height of a picture.
pub(super) const PIXELS: usize = 4_096;
/// Where pictures are fetched from.
const ADDRESS: &str = "/client/v1/pictures/";

/// Whose picture it is.
#[derive(Clone, Debug)]
pub enum PictureOf<'a> {
    /// The account's own.
    Myself,
    /// That of a room.
    Room(&'a str),
}

impl Engine {
    /// Replaces a picture. Answers the address of the new one.
    ///
    /// # Errors
    /// See [`FileError`]; the old picture stays.
    pub async fn set_picture(
        self: &Arc<Self>,
        who: Person<'_>,
        of: PictureOf<'_>,
        bytes: &[u8],
    ) -> Result<String, FileError> {
        self.blobs()?;
        self.managed_here()?;
        let content_type = picture_type(bytes).ok_or(FileError::NoPicture)?;
        let (place, conversation) = match of {
            PictureOf::Myself => (
                FilePlace::Profile,
                self.identity.conversation(who.account, who.account),
            ),
            PictureOf::Room(node) => {
                let room = self.parse_room(node).ok_or(ErrorCode::NoExist)?;
                let conversation = self.room_to_decorate(who, &room).await?;
                (FilePlace::RoomProfile(room), conversation)
            }
        };
        // Nobody sees a picture before the profile names it, and the old one goes after that: whatever happens in
        // between, a profile names a picture that is there.
        let _guard = self.files.pictures[usize::from(conversation.0[0]) % PICTURE_LOCKS]
            .lock()
            .await;
        let mut arrival = self
            .take_file(who, place.clone(), conversation, bytes.len() as u64)
            .await?;
        if let Err(error) = arrival.write(bytes).await {
            arrival.abandon().await;
            return Err(error);
        }
        let id = arrival.finish(content_type).await?.id;
        let address = format!("{ADDRESS}{id}");
        if let Err(error) = self.show_picture(who, &place, &id, &address).await {
            // Nobody names it.
            self.store.delete_file(&id, who.account).await?;
            self.files.something_deleted();
            return Err(error);
        }
        self.store.retire_pictures(&id).await?;
        self.files.something_deleted();
        Ok(address)
    }

    async fn show_picture(
        &self,
        who: Person<'_>,
        place: &FilePlace,
        id: &FileId,
        address: &str,
    ) -> Result<(), FileError> {
        if !self.store.use_picture(id).await? {
            return Err(FileError::NotFound);
        }
        let cover = Some(address.to_owned());
        match place {
            FilePlace::RoomProfile(room) => {
                let change = TimRoomBean {
                    cover,
                    ..TimRoomBean::default()
                };
                self.change_room_profile(who, room, change).await?;
            }
            _ => {
                let change = TimUserBean {
                    cover,
                    ..TimUserBean::default()
                };
                self.change_user_profile(who.account, change).await?;
            }
        }
        Ok(())
    }

    /// The conversation of a room whose picture the account may change.
    async fn room_to_decorate(&self, who: Person<'_>, room: &RoomId) -> Result<ConversationId, FileError> {
        let record = self.live_room(who.domain, room).await?;
        let membership = self.membership(room, who.account).await?;
        if Role::of(&record, who.account, membership).is_staff() {
            Ok(record.conversation)
        } else {
            Err(ErrorCode::PermDenied.into())
        }
    }
}

/// The type of a picture that may be shown; `None` for everything else.
fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.len() > PICTURE_BYTES {
        return None;
    }
    let name = match imagesize::image_type(bytes).ok()? {
        ImageType::Png => "image/png",
        ImageType::Jpeg => "image/jpeg",
        ImageType::Gif => "image/gif",
        ImageType::Webp => "image/webp",
        _ => return None,
    };
    let size = imagesize::blob_size(bytes).ok()?;
    let is_sane = |pixels| (1..=PIXELS).contains(&pixels);
    (is_sane(size.width) && is_sane(size.height)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a PNG picture.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn pictures_are_told_by_their_bytes() {
        assert_eq!(picture_type(&png(400, 400)), Some("image/png"));
        let gif = b"GIF89a\x10\0\x20\0\x80\0\0\xff\xff\xff\0\0\0;";
        assert_eq!(picture_type(gif), Some("image/gif"));
        let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08\0\x10\0\x20\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
        assert_eq!(picture_type(jpeg), Some("image/jpeg"));
    }

    #[test]
    fn everything_else_and_pictures_of_no_sane_size_are_refused() {
        for (width, height) in [(0, 10), (10, 0), (4_097, 10), (10, u32::MAX)] {
            assert_eq!(picture_type(&png(width, height)), None, "{width} x {height}");
        }
        assert!(picture_type(&png(4_096, 4_096)).is_some());
        let mut large = png(10, 10);
        large.resize(PICTURE_BYTES + 1, 0);
        assert_eq!(picture_type(&large), None);
        let cut = png(10, 10);
        for other in [
            &b""[..],
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"BM\0\0",
            &cut[..10],
        ] {
            assert_eq!(picture_type(other), None);
        }
    }
}

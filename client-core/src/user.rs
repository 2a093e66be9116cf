//! Profiles of users (`wire-protocol 7.15`).

use std::collections::BTreeMap;

use bytes::Bytes;
use tim_protocol::wire::TimUserBean;

use crate::message::Timestamp;

/// What a user tells about themselves. Everybody may read it, unless the server's policy says otherwise.
///
/// For a change set what is to be replaced and leave the rest empty: `None` keeps the present value. Lists and
/// maps are replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserProfile {
    /// Name.
    pub name: Option<String>,
    /// Nickname.
    pub nickname: Option<String>,
    /// Birthday, free text.
    pub birthday: Option<String>,
    /// Gender, defined by the application.
    pub gender: Option<i8>,
    /// Address of the picture (`cover`).
    pub picture: Option<String>,
    /// Where they live, free text.
    pub area: Option<String>,
    /// When the account was created. Ignored in changes.
    pub created: Option<Timestamp>,
    /// Addresses of photos (`photoTidAlbum`).
    pub photos: Option<Vec<String>>,
    /// Text fields of the application.
    pub extend: Option<BTreeMap<String, String>>,
    /// Binary fields of the application.
    pub extra: Option<BTreeMap<String, Bytes>>,
}

impl UserProfile {
    /// An empty profile, to be filled in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the nickname.
    #[must_use]
    pub fn with_nickname(mut self, nickname: impl Into<String>) -> Self {
        self.nickname = Some(nickname.into());
        self
    }

    /// Sets the birthday.
    #[must_use]
    pub fn with_birthday(mut self, birthday: impl Into<String>) -> Self {
        self.birthday = Some(birthday.into());
        self
    }

    /// Sets the gender.
    #[must_use]
    pub fn with_gender(mut self, gender: i8) -> Self {
        self.gender = Some(gender);
        self
    }

    /// Sets the address of the picture.
    #[must_use]
    pub fn with_picture(mut self, picture: impl Into<String>) -> Self {
        self.picture = Some(picture.into());
        self
    }

    /// Sets where they live.
    #[must_use]
    pub fn with_area(mut self, area: impl Into<String>) -> Self {
        self.area = Some(area.into());
        self
    }

    /// Sets the addresses of photos.
    #[must_use]
    pub fn with_photos(mut self, photos: impl IntoIterator<Item = String>) -> Self {
        self.photos = Some(photos.into_iter().collect());
        self
    }

    /// Adds a text field of the application. All fields that are to stay must be in the change.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extend
            .get_or_insert_default()
            .insert(name.into(), value.into());
        self
    }

    pub(crate) fn from_wire(bean: TimUserBean) -> Self {
        Self {
            name: bean.name,
            nickname: bean.nick_name,
            birthday: bean.brithday,
            gender: bean.gender,
            picture: bean.cover,
            area: bean.area,
            created: bean.createtime.map(Timestamp::from_nanos),
            photos: bean.photo_tid_album,
            extend: bean.extend,
            extra: bean.extra,
        }
    }

    /// What a change may contain.
    pub(crate) fn change(&self) -> TimUserBean {
        TimUserBean {
            name: self.name.clone(),
            nick_name: self.nickname.clone(),
            brithday: self.birthday.clone(),
            gender: self.gender,
            cover: self.picture.clone(),
            area: self.area.clone(),
            createtime: None,
            photo_tid_album: self.photos.clone(),
            extend: self.extend.clone(),
            extra: self.extra.clone(),
        }
    }
}

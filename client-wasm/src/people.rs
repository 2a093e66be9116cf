//! Profiles and presence.

use js_sys::Promise;
use tim_client::{Presence, SubStatus, UserProfile};
use wasm_bindgen::prelude::*;

use crate::client::RawClient;
use crate::failure::Failure;
use crate::fields::{self, Fields};
use crate::promise;
use crate::record::{self, Record};

#[wasm_bindgen]
impl RawClient {
    /// Pairs of node and profile.
    pub fn profiles(&self, nodes: JsValue) -> Promise {
        let client = self.client.clone();
        promise(async move {
            let profiles = client.profiles(&fields::nodes(&nodes)?).await?;
            Ok(record::list(profiles, |(node, profile)| {
                record::list([node.as_str().into(), user_profile(profile)], |part| part)
            }))
        })
    }

    /// Changes the own profile.
    pub fn set_profile(&self, change: JsValue) -> Promise {
        self.done(move |client| async move {
            let change = read_user_profile(&Fields(&change))?;
            client.set_profile(change).await.map_err(Failure::from)
        })
    }

    /// Tells all friends.
    pub fn set_presence(&self, presence: JsValue) -> Promise {
        self.done(move |client| async move {
            let presence = read_presence(&Fields(&presence))?;
            client.set_presence(presence).await.map_err(Failure::from)
        })
    }

    /// Tells some users.
    pub fn send_presence(&self, to: JsValue, presence: JsValue) -> Promise {
        self.done(move |client| async move {
            let presence = read_presence(&Fields(&presence))?;
            client
                .send_presence(&fields::nodes(&to)?, presence)
                .await
                .map_err(Failure::from)
        })
    }
}

fn user_profile(profile: UserProfile) -> JsValue {
    Record::new()
        .maybe("name", profile.name)
        .maybe("nickname", profile.nickname)
        .maybe("birthday", profile.birthday)
        .maybe("gender", profile.gender)
        .maybe("picture", profile.picture)
        .maybe("area", profile.area)
        .maybe("created", profile.created.map(record::time))
        .maybe("photos", profile.photos.map(record::names))
        .maybe("extend", profile.extend.map(record::texts))
        .maybe("extra", profile.extra.map(record::binaries))
        .into()
}

fn read_user_profile(fields: &Fields<'_>) -> Result<UserProfile, Failure> {
    let mut profile = UserProfile::new();
    profile.name = fields.text("name")?;
    profile.nickname = fields.text("nickname")?;
    profile.birthday = fields.text("birthday")?;
    profile.gender = fields.number("gender")?;
    profile.picture = fields.text("picture")?;
    profile.area = fields.text("area")?;
    profile.photos = fields.strings("photos")?;
    profile.extend = fields.texts("extend")?;
    profile.extra = fields.binaries("extra")?;
    Ok(profile)
}

fn read_presence(fields: &Fields<'_>) -> Result<Presence, Failure> {
    let mut presence = Presence::new();
    presence.show = fields.number("show")?;
    presence.status = fields.text("status")?;
    presence.sub_status = match fields.get("subStatus") {
        None => None,
        Some(status) => Some(match status.as_string().as_deref() {
            Some("subscribe") => SubStatus::Subscribe,
            Some("answer") => SubStatus::Answer,
            Some(_) => {
                return Err(Failure::invalid(
                    "subStatus must be subscribe, answer or a number",
                ));
            }
            None => SubStatus::Other(fields.number("subStatus")?.unwrap_or_default()),
        }),
    };
    presence.extend = fields.texts("extend")?.unwrap_or_default();
    presence.extra = fields.binaries("extra")?.unwrap_or_default();
    Ok(presence)
}

//! Rooms.

use std::future::Future;

use js_sys::Promise;
use tim_client::{RequestError, Room, RoomKind, RoomProfile};
use wasm_bindgen::prelude::*;

use crate::client::RawClient;
use crate::failure::Failure;
use crate::fields::{self, Fields};
use crate::promise;
use crate::record::{self, Record};

#[wasm_bindgen]
impl RawClient {
    /// Creates a room and answers its address.
    pub fn create_room(&self, kind: String, topic: String) -> Promise {
        let client = self.client.clone();
        promise(async move {
            let kind = match kind.as_str() {
                "open" => RoomKind::Open,
                "private" => RoomKind::Private,
                _ => return Err(Failure::invalid("a room is open or private")),
            };
            Ok(client.create_room(kind, topic).await?.to_string())
        })
    }

    /// The rooms of which this user is a member.
    pub fn rooms(&self) -> Promise {
        let client = self.client.clone();
        promise(async move { Ok(record::names(client.rooms().await?)) })
    }

    /// The rooms that this user blocks.
    pub fn blocked_rooms(&self) -> Promise {
        let client = self.client.clone();
        promise(async move { Ok(record::names(client.blocked_rooms().await?)) })
    }

    /// Pairs of room and profile.
    pub fn room_profiles(&self, rooms: JsValue) -> Promise {
        let client = self.client.clone();
        promise(async move {
            let profiles = client.room_profiles(&fields::rooms(&rooms)?).await?;
            Ok(record::list(profiles, |(room, profile)| {
                record::list([room.as_str().into(), room_profile(profile)], |part| part)
            }))
        })
    }

    /// A handle for a room.
    pub fn room(&self, id: String) -> Result<RawRoom, JsValue> {
        Ok(RawRoom {
            room: self.client.room(&fields::room(&id)?),
        })
    }
}

/// A room, as this user sees it.
#[wasm_bindgen]
pub struct RawRoom {
    room: Room,
}

#[wasm_bindgen]
impl RawRoom {
    /// The members.
    pub fn members(&self) -> Promise {
        let room = self.room.clone();
        promise(async move { Ok(record::names(room.members().await?)) })
    }

    /// The users that the room blocks.
    pub fn blocked_members(&self) -> Promise {
        let room = self.room.clone();
        promise(async move { Ok(record::names(room.blocked_members().await?)) })
    }

    /// Joins, or asks to.
    pub fn join(&self, text: String) -> Promise {
        self.run(|room| async move { room.join(text).await })
    }

    /// Makes a user a member.
    pub fn invite(&self, user: String) -> Promise {
        self.about(user, |room, user| async move { room.invite(&user).await })
    }

    /// Refuses a request to join.
    pub fn reject(&self, user: String, reason: String) -> Promise {
        self.about(user, |room, user| async move { room.reject(&user, reason).await })
    }

    /// Removes a member.
    pub fn kick(&self, user: String) -> Promise {
        self.about(user, |room, user| async move { room.kick(&user).await })
    }

    /// Removes a member for good.
    pub fn block_member(&self, user: String) -> Promise {
        self.about(user, |room, user| async move { room.block_member(&user).await })
    }

    /// Lets a blocked user ask again.
    pub fn unblock_member(&self, user: String) -> Promise {
        self.about(user, |room, user| async move { room.unblock_member(&user).await })
    }

    /// Leaves the room.
    pub fn leave(&self) -> Promise {
        self.run(|room| async move { room.leave().await })
    }

    /// Dissolves the room.
    pub fn dissolve(&self) -> Promise {
        self.run(|room| async move { room.dissolve().await })
    }

    /// Leaves the room and cannot be added any more.
    pub fn block(&self) -> Promise {
        self.run(|room| async move { room.block().await })
    }

    /// Lifts the own block.
    pub fn unblock(&self) -> Promise {
        self.run(|room| async move { room.unblock().await })
    }

    /// Changes the profile.
    pub fn set_profile(&self, change: JsValue) -> Promise {
        let room = self.room.clone();
        promise(async move {
            room.set_profile(read_room_profile(&Fields(&change))?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

impl RawRoom {
    fn run<R>(&self, run: impl FnOnce(Room) -> R + 'static) -> Promise
    where
        R: Future<Output = Result<(), RequestError>>,
    {
        let room = self.room.clone();
        promise(async move {
            run(room).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    fn about<R>(&self, user: String, run: impl FnOnce(Room, tim_client::Node) -> R + 'static) -> Promise
    where
        R: Future<Output = Result<(), RequestError>>,
    {
        let room = self.room.clone();
        promise(async move {
            run(room, fields::node(&user)?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

fn room_profile(profile: RoomProfile) -> JsValue {
    Record::new()
        .shown("founder", profile.founder.as_ref())
        .maybe("managers", profile.managers.map(record::names))
        .maybe("topic", profile.topic)
        .maybe("label", profile.label)
        .maybe("picture", profile.picture)
        .maybe("kind", profile.kind.map(kind_name))
        .maybe("category", profile.category.map(record::integer))
        .maybe("created", profile.created.map(record::time))
        .maybe("extend", profile.extend.map(record::texts))
        .maybe("extra", profile.extra.map(record::binaries))
        .into()
}

pub(crate) fn kind_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Open => "open",
        _ => "private",
    }
}

fn read_room_profile(fields: &Fields<'_>) -> Result<RoomProfile, Failure> {
    let mut profile = RoomProfile::new();
    profile.managers = fields.nodes("managers")?;
    profile.topic = fields.text("topic")?;
    profile.label = fields.text("label")?;
    profile.picture = fields.text("picture")?;
    profile.category = fields.number("category")?;
    profile.extend = fields.texts("extend")?;
    profile.extra = fields.binaries("extra")?;
    Ok(profile)
}

//! The beginning and the end of a room.

use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::TimRoomBean;
use tim_protocol::{Encoding, WireStruct};

use super::decide::Role;
use crate::cluster::Event;
use crate::engine::accounts::Login;
use crate::engine::identity::random_node;
use crate::engine::{Engine, store_failure};
use crate::store::{Dissolved, Membership, NewRoom, RoomId, RoomKind, Seq};

/// How many random ids are tried. Even one that is taken is next to impossible.
const TRIES: usize = 4;

impl Engine {
    /// Creates a room; the account of the session becomes its founder and first member.
    ///
    /// # Errors
    /// `OverHz` when the account is in too many rooms or creates too many; the store's failures.
    pub async fn create_room(
        &self,
        login: &Login,
        title: String,
        kind: RoomKind,
    ) -> Result<RoomId, ErrorCode> {
        self.managed_here()?;
        let founder = &login.account().id;
        let now = self.clock.now();
        let guard = self.rooms.lock_account(founder).await;
        self.has_room_for(founder, Membership::default(), Membership::MEMBER, true)
            .await?;
        if !self.rooms.creations.take(founder, now) {
            return Err(ErrorCode::OverHz);
        }
        let profile = TimRoomBean {
            topic: Some(title),
            ..TimRoomBean::default()
        };
        let profile = bytes::Bytes::from(profile.encode(Encoding::Compact));
        for _ in 0..TRIES {
            let id = RoomId::new(random_node(&*self.entropy));
            let conversation = self.identity.room_conversation(&id);
            let room = NewRoom {
                id: id.clone(),
                conversation,
                domain: login.account().domain.to_string(),
                kind,
                founder: founder.clone(),
                created: now,
                profile: profile.clone(),
            };
            let created = self.store.create_room(room).await;
            if created.map_err(|error| store_failure(&error))? {
                self.room_joined(founder, &id, conversation, Seq(0)).await;
                drop(guard);
                return Ok(id);
            }
        }
        Err(ErrorCode::Database)
    }

    /// Dissolves a room whose only member is its founder.
    ///
    /// # Errors
    /// `NoExist`, `Cancel` when it is dissolved already, `PermDenied` for others than the founder
    /// and while there are other members.
    pub async fn dissolve_room(&self, login: &Login, room: &RoomId) -> Result<(), ErrorCode> {
        self.managed_here()?;
        let me = login.account();
        let guard = self.rooms.lock_account(&me.id).await;
        let record = self.live_room(&me.domain, room).await?;
        let membership = self.membership(room, &me.id).await?;
        if Role::of(&record, &me.id, membership) != Role::Founder {
            return Err(ErrorCode::PermDenied);
        }
        let outcome = self.store.dissolve_room(room).await;
        self.rooms.records.forget(room);
        self.rooms.memberships.forget(&(room.clone(), me.id.clone()));
        self.rooms.members.forget(room);
        match outcome.map_err(|error| store_failure(&error))? {
            Dissolved::OthersLeft => return Err(ErrorCode::PermDenied),
            Dissolved::NotFound => return Err(ErrorCode::Cancel),
            Dissolved::Done => {}
        }
        self.room_left(&me.id, room);
        drop(guard);
        self.tell_other_nodes(&Event::RoomChanged { room: room.clone() });
        self.tell_other_nodes(&Event::MembershipChanged {
            room: room.clone(),
            account: me.id.clone(),
            membership: Membership::default(),
        });
        self.flush_sends().await;
        Ok(())
    }
}

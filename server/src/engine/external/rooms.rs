//! Rooms that are kept outside this server. Who is a member is decided there; the own store mirrors it,
//! because the log of a room is delivered to those that the store has as members.
//!
//! A membership is mirrored at login, when a permission turns out to have changed, and in rounds over
//! all accounts that are online. Nobody is told of it: that is up to who keeps the rooms.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::node::Node;
use tim_protocol::wire::TimRoomBean;
use tim_protocol::{Encoding, WireStruct};
use tokio::sync::watch;

use super::{Permission, Question, outside_failure};
use crate::engine::rooms::Standing;
use crate::engine::{Engine, store_failure};
use crate::store::{AccountId, Membership, MembershipChange, MembershipChanged, NewRoom, RoomId, RoomKind};

/// Domain of everything that is kept outside; domains mean nothing there.
pub(super) const DOMAIN: &str = "";
/// How often a change is tried again when another one came in between.
const TRIES: usize = 8;
/// Accounts one after another that cannot be asked about before a round is given up.
const FAILURES: usize = 8;

impl Engine {
    /// What a room and an account are to each other, as far as it can be told without reading or asking.
    pub(in crate::engine) fn known_standing(&self, room: &RoomId, account: &AccountId) -> Option<Standing> {
        let standing = self.rooms.known(room, account)?;
        if let Permission::Asked = self.permission() {
            let now = self.clock.now();
            let exists = self.answers.known(&Question::RoomExists(room.clone()), now)?;
            let is_allowed = self.answers.known(&permission_question(room, account), now)?;
            return (exists && is_allowed == standing.membership.is_member()).then_some(standing);
        }
        Some(standing)
    }

    /// The same by asking, for rooms that are kept elsewhere. `None`: they are kept here.
    ///
    /// # Errors
    /// `Account`: there is no such room; `Database`: it could not be found out; `OverHz`: the account
    /// is in too many rooms.
    pub(in crate::engine) async fn standing_elsewhere(
        &self,
        me: &AccountId,
        room: &RoomId,
    ) -> Result<Option<Standing>, ErrorCode> {
        let Permission::Asked = self.permission() else {
            return Ok(None);
        };
        if !self.ask(Question::RoomExists(room.clone())).await? {
            return Err(ErrorCode::Account);
        }
        let is_member = self.ask(permission_question(room, me)).await?;
        if is_member {
            // Statements may allow any text as a room, and each that is mirrored is stored.
            let stored = self.membership(room, me).await?;
            self.has_room_for(me, stored, Membership::MEMBER, true).await?;
        }
        self.mirror(me, room, is_member).await?;
        Ok(Some(Standing {
            conversation: self.identity.room_conversation(room),
            membership: mirrored(is_member),
            is_dissolved: false,
        }))
    }

    /// What a room and another account are to each other, for rooms that are kept elsewhere.
    ///
    /// # Errors
    /// `Database`: it could not be found out.
    pub(in crate::engine) async fn membership_elsewhere(
        &self,
        room: &RoomId,
        account: &AccountId,
    ) -> Result<Option<Membership>, ErrorCode> {
        let Permission::Asked = self.permission() else {
            return Ok(None);
        };
        self.ask(permission_question(room, account))
            .await
            .map(|is_member| Some(mirrored(is_member)))
    }

    /// The members of a room that is kept elsewhere, sorted by id.
    ///
    /// # Errors
    /// `Database`: they could not be asked for.
    pub(in crate::engine) async fn members_elsewhere(
        &self,
        room: &RoomId,
    ) -> Result<Option<Arc<Vec<AccountId>>>, ErrorCode> {
        let Some(outside) = self.outside() else {
            return Ok(None);
        };
        let members = outside.room_members(room).await;
        let mut members = members.map_err(|error| outside_failure(&error))?;
        members.sort_unstable();
        members.dedup();
        Ok(Some(Arc::new(members)))
    }

    /// Brings the memberships in the store in line with the rooms that an account has outside. Where
    /// nobody keeps a list of them, each stored membership is asked for: new ones are then found
    /// only when the account writes, but withdrawn ones end here.
    ///
    /// # Errors
    /// `Database`: the rooms could not be asked for; the store's failures. Some may be changed.
    pub(in crate::engine) async fn mirror_rooms(&self, account: &AccountId) -> Result<(), ErrorCode> {
        let Some(outside) = self.outside() else {
            return Ok(());
        };
        let told = outside.user_rooms(account).await;
        let told = told.map_err(|error| outside_failure(&error))?;
        let stored = self.store.room_lists(account).await;
        let stored = stored.map_err(|error| store_failure(&error))?.joined;
        let Some(mut rooms) = told else {
            for room in &stored {
                if !self.ask(permission_question(room, account)).await? {
                    self.mirror(account, room, false).await?;
                }
            }
            return Ok(());
        };
        rooms.sort_unstable();
        rooms.dedup();
        for room in stored.iter().filter(|room| rooms.binary_search(room).is_err()) {
            self.mirror(account, room, false).await?;
        }
        for room in rooms.iter().filter(|room| !stored.contains(room)) {
            self.mirror(account, room, true).await?;
        }
        Ok(())
    }

    /// Makes a membership in the store what it is outside.
    async fn mirror(&self, account: &AccountId, room: &RoomId, is_member: bool) -> Result<(), ErrorCode> {
        let becomes = mirrored(is_member);
        let key = (room.clone(), account.clone());
        if self.membership(room, account).await? == becomes {
            return Ok(());
        }
        let guard = self.rooms.lock_account(account).await;
        for _ in 0..TRIES {
            let Some(record) = self.room_record(DOMAIN, room).await? else {
                if !is_member {
                    return Ok(());
                }
                self.mirror_room(room).await?;
                continue;
            };
            let expected = self.membership(room, account).await?;
            if expected == becomes {
                return Ok(());
            }
            let change = MembershipChange {
                room: room.clone(),
                conversation: record.conversation,
                account: account.clone(),
                expected,
                becomes,
                notices: Vec::new(),
            };
            let began = self.rooms.memberships.begin(&key);
            match self.store.change_membership(change).await {
                Ok(MembershipChanged::Done { since, .. }) => {
                    self.rooms.memberships.changed(&key, began, becomes);
                    self.take_effect(&record, account, expected, becomes, since).await;
                    drop(guard);
                    if !is_member {
                        self.flush_sends().await;
                    }
                    return Ok(());
                }
                Ok(MembershipChanged::Stale) => self.rooms.memberships.forget(&key),
                Ok(MembershipChanged::NoRoom) => self.rooms.records.forget(room),
                Err(error) => {
                    self.rooms.memberships.forget(&key);
                    return Err(store_failure(&error));
                }
            }
        }
        Err(ErrorCode::Database)
    }

    /// Notes down a room. Its founder has to be somebody: it is called as the room, and never logs in
    /// as a member of it, because a login brings its memberships in line first.
    async fn mirror_room(&self, room: &RoomId) -> Result<(), ErrorCode> {
        let founder = Node::new(room.as_str()).map_err(|_| ErrorCode::Account)?;
        let new = NewRoom {
            id: room.clone(),
            conversation: self.identity.room_conversation(room),
            domain: DOMAIN.to_owned(),
            kind: RoomKind::Private,
            founder: AccountId::new(founder),
            created: self.clock.now(),
            profile: Bytes::from(TimRoomBean::default().encode(Encoding::Compact)),
        };
        let created = self.store.create_room(new).await;
        // Somebody else may have been faster.
        created.map(|_| ()).map_err(|error| store_failure(&error))
    }
}

fn permission_question(room: &RoomId, user: &AccountId) -> Question {
    Question::RoomPermission {
        room: room.clone(),
        user: user.clone(),
    }
}

fn mirrored(is_member: bool) -> Membership {
    if is_member {
        Membership::MEMBER
    } else {
        Membership::default()
    }
}

/// The task that looks again after the rooms of everybody online, so that who was removed outside hears
/// nothing more although it asks for nothing. A round ends early when nobody answers; what cannot be
/// found out about one account does not keep the others from being looked at.
pub(in crate::engine) async fn run(engine: Arc<Engine>, mut stop: watch::Receiver<bool>) {
    let interval = engine.external.refresh_rooms;
    if interval.is_zero() || engine.outside().is_none() {
        return;
    }
    let mut rounds = tokio::time::interval(interval.max(Duration::from_millis(100)));
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    rounds.tick().await;
    loop {
        let round = async {
            rounds.tick().await;
            let mut accounts = Vec::new();
            engine
                .online
                .visit_devices(|account, _, _| accounts.push(account.clone()));
            accounts.sort_unstable();
            accounts.dedup();
            let mut failures = 0;
            for account in accounts {
                match engine.mirror_rooms(&account).await {
                    Ok(()) => failures = 0,
                    Err(error) => {
                        tracing::warn!(%account, ?error, "the rooms of an account could not be asked for");
                        failures += 1;
                        if failures == FAILURES {
                            return;
                        }
                    }
                }
            }
        };
        tokio::select! {
            () = round => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

//! Registration, tokens and login (wire-protocol 7.1 to 7.3).

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::node;
use tim_protocol::wire::{Tid, TimAck, TimAuth};

use super::attempts::limited_address;
use super::cursor::Cursors;
use super::files::Person;
use super::identity::device_key;
use super::online::{Arrival, Member, OnlineAccount};
use super::outlet::Outlet;
use super::{Engine, store_failure};
use crate::store::{
    AccountId, Advance, DeviceKey, InboxState, LoginToken, RoomAdvance, RoomPosition, Seq, SessionHash,
    StoreError,
};

/// Longest `resource` of a session, in bytes of UTF-8.
const RESOURCE_BYTES: usize = 256;
/// Most bytes of keys and values in the `extend` of a session.
const EXTEND_BYTES: usize = 2_048;

/// Why a request of `/tim2` was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotServed {
    /// Too much work of this kind waits already; the client should try again later.
    #[error("overloaded")]
    Overloaded,
    /// The operator has switched it off.
    #[error("switched off")]
    Disabled,
}

/// A session that was let in. Dropping it ends the session.
pub struct Login {
    engine: Arc<Engine>,
    account: Arc<OnlineAccount>,
    member: Arc<Member>,
    /// How far its device had acknowledged the inbox.
    pub position: Seq,
    /// Newest entry of the inbox at login.
    pub head: Seq,
    /// Where its device stood in the logs of its rooms. Taken by the session.
    pub rooms: Vec<RoomPosition>,
    /// Whether it belongs to no connection: it acts in the name of the account, and permission is not asked for.
    is_agent: bool,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("account", &self.account.id)
            .field("member", &self.member.id)
            .finish()
    }
}

impl Login {
    /// One that belongs to no connection.
    pub(super) fn agent(engine: Arc<Engine>, account: Arc<OnlineAccount>, member: Arc<Member>) -> Self {
        Self {
            engine,
            account,
            member,
            position: Seq(0),
            head: Seq(0),
            rooms: Vec::new(),
            is_agent: true,
        }
    }

    /// Whether it acts in the name of the account without a connection.
    pub(super) fn is_agent(&self) -> bool {
        self.is_agent
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &Arc<OnlineAccount> {
        &self.account
    }

    /// Whose requests these are.
    #[must_use]
    pub fn person(&self) -> Person<'_> {
        Person {
            account: &self.account.id,
            domain: &self.account.domain,
        }
    }

    /// The session as others see it.
    #[must_use]
    pub fn member(&self) -> &Arc<Member> {
        &self.member
    }

    /// Runs `f` on the device's positions; what moves is stored soon.
    pub fn with_cursors<R>(&self, f: impl FnOnce(&mut Cursors) -> R) -> R {
        let (result, moved) = self.account.with_cursors(&self.member.device, f);
        if let Some(position) = moved {
            let seen = self.engine.clock.now();
            self.engine
                .positions
                .moved(&self.account.id, &self.member.device, position, seen);
        }
        result
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        if self.is_agent {
            return;
        }
        // Being seen until now keeps the device from being forgotten too early.
        let Self {
            engine,
            account,
            member,
            ..
        } = self;
        if let Some(position) = account.position(&member.device) {
            engine
                .positions
                .moved(&account.id, &member.device, position, engine.clock.now());
        }
        account.take_moved_rooms(|device, room, position| {
            engine
                .positions
                .moved_in_room(&account.id, device, room, position);
        });
        engine.virtual_rooms.session_ended(member.id);
        let mut was_last = false;
        engine.online.end(account, member, || {
            engine.directory.announce(&account.id, false);
            was_last = true;
        });
        engine.listeners.remove_session(member);
        if was_last {
            engine.account_has_gone(&account.id, &member.tid);
        }
        tracing::debug!(account = %account.id, "session ended");
    }
}

/// A token in both forms that clients look for.
pub(super) struct IssuedToken {
    pub(super) text: String,
    number: u64,
}

impl Engine {
    /// Creates an account (wire-protocol 7.1).
    ///
    /// # Errors
    /// [`NotServed`]: nothing was done. Refusals are answers, not errors.
    pub async fn register(&self, from: IpAddr, auth: TimAuth) -> Result<TimAck, NotServed> {
        const KIND: i8 = 14;
        let limits = &self.settings.accounts;
        let (name, password) = (auth.name.unwrap_or_default(), auth.pwd.unwrap_or_default());
        let domain = auth.domain.unwrap_or_default();
        if !limits.registration {
            return Err(NotServed::Disabled);
        }
        let is_usable = !name.is_empty()
            && !password.is_empty()
            && name.len() <= limits.max_name_bytes
            && domain.len() <= limits.max_name_bytes
            && password.len() <= limits.max_password_bytes;
        if let Some(code) = self.registration_refusal() {
            return Ok(TimAck::refusal(KIND, code));
        }
        if !is_usable {
            return Ok(TimAck::refusal(KIND, ErrorCode::Params));
        }
        let (now, address) = (self.clock.now(), limited_address(from));
        if !self.registrations.take(&address, now) {
            return Ok(TimAck::refusal(KIND, ErrorCode::OverHz));
        }
        match self.create_account(&domain, &name, &password).await {
            Ok(id) => Ok(TimAck {
                n: Some(id.as_str().to_owned()),
                ..TimAck::success(KIND)
            }),
            Err(ErrorCode::Overload) => Err(NotServed::Overloaded),
            Err(code) => Ok(TimAck::refusal(KIND, code)),
        }
    }

    /// Verifies a password and issues a login token (wire-protocol 7.2). `t` repeats the token as
    /// a number, which is where two published clients look for it.
    ///
    /// # Errors
    /// [`NotServed`]: nothing was done.
    pub async fn token(&self, from: IpAddr, auth: TimAuth) -> Result<TimAck, NotServed> {
        const KIND: i8 = 15;
        if has_oversized_fields(&auth) {
            return Ok(TimAck::refusal(KIND, ErrorCode::Params));
        }
        let extend = auth.extend.clone();
        let account = match self.verify_password(from, &auth, true).await {
            Ok(account) => account,
            Err(ErrorCode::Overload) => return Err(NotServed::Overloaded),
            Err(ErrorCode::PermDenied) => return Ok(TimAck::refusal(KIND, ErrorCode::NoPass)),
            Err(code) => return Ok(TimAck::refusal(KIND, code)),
        };
        match self.issue_token(account.id, extend, None).await {
            Ok(token) => Ok(TimAck {
                n: Some(token.text),
                t: i64::try_from(token.number).ok(),
                ..TimAck::success(KIND)
            }),
            Err(error) => refused_by_store(KIND, &error),
        }
    }

    /// Makes a token that logs in once.
    pub(super) async fn issue_token(
        &self,
        account: AccountId,
        extend: Option<BTreeMap<String, String>>,
        session: Option<SessionHash>,
    ) -> Result<IssuedToken, StoreError> {
        // 63 bits, so that the number is positive for clients that read it signed.
        let mut random = [0; 8];
        self.entropy.fill(&mut random);
        let number = u64::from_be_bytes(random) >> 1 | 1 << 62;
        let text = node::original::base58_encode(number);
        let token = LoginToken {
            hash: Sha256::digest(text.as_bytes()).into(),
            account,
            extend,
            session,
            expires: self.clock.now().plus(self.settings.accounts.token_lifetime),
        };
        self.store.put_token(token).await?;
        Ok(IssuedToken { text, number })
    }

    /// Lets a session in (wire-protocol 7.3). The session is registered when this returns; when
    /// the future is dropped before, it is not.
    ///
    /// # Errors
    /// The code to refuse the login with. A session that was replaced to make room stays replaced.
    pub async fn login(
        self: &Arc<Self>,
        from: IpAddr,
        auth: TimAuth,
        outlet: Arc<Outlet>,
    ) -> Result<Login, ErrorCode> {
        if has_oversized_fields(&auth) {
            return Err(ErrorCode::Params);
        }
        let verified = self.verify(from, &auth).await?;
        let now = self.clock.now();
        self.check_suspension(&verified.account)?;
        let domain = verified.account.domain;
        let tid = Tid {
            node: verified.account.id.as_str().to_owned(),
            domain: (!domain.is_empty()).then(|| domain.clone()),
            resource: auth.resource,
            termtyp: auth.termtyp,
            extend: verified.extend,
        };
        self.mirror_rooms(&verified.account.id).await?;
        let mut tag = [0; 8];
        self.entropy.fill(&mut tag);
        let device = device_key(tid.resource.as_deref(), tid.termtyp);
        let arrival = Arrival {
            account: verified.account.id.clone(),
            domain: domain.into(),
            device: device.clone(),
            tid,
            web_session: verified.web_session,
            tag: u64::from_be_bytes(tag),
            outlet,
            now,
        };
        let announce = |account: &AccountId| self.directory.announce(account, true);
        let registered = self.online.register(arrival, &self.settings.accounts, announce);
        let (account, member) = registered.map_err(|_| ErrorCode::OverEntry)?;
        // From here on dropping `login` takes the registration back.
        let mut login = Login {
            engine: Arc::clone(self),
            account,
            member,
            position: Seq(0),
            head: Seq(0),
            rooms: Vec::new(),
            is_agent: false,
        };
        self.check_suspension_again(&login.account.id).await?;
        if let Some(web_session) = &verified.web_session {
            // Whoever ends it from now on finds the connection.
            self.check_web_session(web_session).await?;
        }
        // No membership of the account changes until the session listens to its rooms.
        let guard = self.rooms.lock_account(&login.account.id).await;
        (login.position, login.head) = self.load_inbox(&login.account, &device).await?;
        login.rooms = self.load_rooms(&login).await?;
        drop(guard);
        tracing::debug!(account = %login.account.id, "logged in");
        Ok(login)
    }

    /// Reads where the inbox and the device stand. Registering comes first: what is stored after
    /// this read is pushed to the session.
    async fn load_inbox(&self, account: &OnlineAccount, device: &DeviceKey) -> Result<(Seq, Seq), ErrorCode> {
        let unsaved = self.positions.unsaved(&account.id, device);
        let state = self
            .store
            .inbox_state(&account.id)
            .await
            .map_err(|error| store_failure(&error))?;
        let stored = state
            .devices
            .iter()
            .find(|(key, _)| key == device)
            .map(|(_, position)| *position);
        let (seen, mut known) = (self.clock.now(), state.devices.len());
        let position = match stored {
            Some(position) => {
                let position = unsaved.map_or(position, |unsaved| unsaved.max(position));
                self.positions.moved(&account.id, device, position, seen);
                position
            }
            None => {
                // A new device must be known before anything after its start can be deleted.
                let floor = self.start_of_new_device(&account.id, &state).await?;
                let position = unsaved.map_or(floor, |unsaved| unsaved.max(floor));
                let rooms = self.rooms_of_new_device(account, device).await?;
                let advance = Advance {
                    owner: account.id.clone(),
                    device: device.clone(),
                    position,
                    seen,
                };
                self.store
                    .advance(vec![advance])
                    .await
                    .map_err(|error| store_failure(&error))?;
                if !rooms.is_empty() {
                    let storing = self.store.advance_rooms(rooms);
                    storing.await.map_err(|error| store_failure(&error))?;
                }
                known += 1;
                position
            }
        };
        Ok((account.load_device(device, position, known), state.head))
    }

    /// Where a device that is not known yet starts in the logs of its account's rooms: where the
    /// furthest device is, also when that is too fresh to be stored.
    async fn rooms_of_new_device(
        &self,
        account: &OnlineAccount,
        device: &DeviceKey,
    ) -> Result<Vec<RoomAdvance>, ErrorCode> {
        // Positions move from the sessions to those waiting and from there to the store, so looking
        // in this order misses none.
        account.take_moved_rooms(|device, room, position| {
            self.positions.moved_in_room(&account.id, device, room, position);
        });
        let unsaved = self.positions.unsaved_rooms(&account.id);
        let reading = self.store.room_positions(&account.id, device);
        let rooms = reading.await.map_err(|error| store_failure(&error))?;
        let start = |room: RoomPosition| {
            let unsaved = unsaved.iter().filter(|(_, of, _)| *of == room.room);
            let position = unsaved.map(|(.., seq)| *seq).fold(room.position, Seq::max);
            RoomAdvance {
                owner: account.id.clone(),
                device: device.clone(),
                room: room.room,
                position,
            }
        };
        Ok(rooms.into_iter().map(start).collect())
    }

    /// Lets the session listen to the rooms of its account and reads where its device stands in
    /// them. The caller holds the account's membership lock.
    async fn load_rooms(&self, login: &Login) -> Result<Vec<RoomPosition>, ErrorCode> {
        let (account, member) = (&login.account, &login.member);
        let unsaved = self.positions.unsaved_rooms(&account.id);
        let read = || self.store.room_positions(&account.id, &member.device);
        let mut rooms = read().await.map_err(|error| store_failure(&error))?;
        let mut is_first = false;
        let mut heads = HashMap::with_capacity(rooms.len());
        for room in &rooms {
            let joined = self.listeners.add(&room.room, member);
            is_first |= joined.is_first;
            heads.insert(room.room.clone(), joined.head);
        }
        if is_first {
            // What was stored between the reading and the listening reached nobody.
            rooms = read().await.map_err(|error| store_failure(&error))?;
        }
        for room in &mut rooms {
            room.head = heads
                .get(&room.room)
                .map_or(room.head, |head| room.head.max(*head));
            let unsaved = unsaved
                .iter()
                .filter(|(device, of, _)| *device == member.device && *of == room.room);
            room.position = unsaved.map(|(.., seq)| *seq).fold(room.position, Seq::max);
        }
        account.load_rooms(&member.device, &mut rooms);
        Ok(rooms)
    }

    /// The oldest message that no device has acknowledged comes after this number, also when that
    /// acknowledgement is too fresh to be stored.
    async fn start_of_new_device(&self, owner: &AccountId, state: &InboxState) -> Result<Seq, ErrorCode> {
        let devices = state.devices.iter();
        let unsaved = devices
            .filter_map(|(device, _)| self.positions.unsaved(owner, device))
            .max();
        if state.devices.is_empty() {
            return Ok(state.floor);
        }
        // Read again: what is no longer waiting now was stored in between.
        let stored = self
            .store
            .inbox_state(owner)
            .await
            .map_err(|error| store_failure(&error))?;
        Ok(unsaved.unwrap_or_default().max(stored.floor))
    }
}

/// What a session shows of itself travels with every message it sends, so it is short.
fn has_oversized_fields(auth: &TimAuth) -> bool {
    let resource = auth.resource.as_ref().map_or(0, String::len);
    let extend: usize = auth
        .extend
        .iter()
        .flatten()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    resource > RESOURCE_BYTES || extend > EXTEND_BYTES
}

fn refused_by_store(kind: i8, error: &StoreError) -> Result<TimAck, NotServed> {
    match store_failure(error) {
        ErrorCode::Overload => Err(NotServed::Overloaded),
        code => Ok(TimAck::refusal(kind, code)),
    }
}

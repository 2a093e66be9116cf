//! Virtual rooms (wire-protocol 7.12): channels of volatile chunks. Nothing of them is stored; they end
//! by themselves. A chunk is encoded once per form and shared, and a slow subscriber loses chunks
//! without holding up anybody.

mod table;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::node::{self, Node};
use tim_protocol::packet::PacketType;
use tim_protocol::wire::TimStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Engine;
use super::accounts::Login;
use super::identity::random_node;
use super::pace::Pace;
use super::parcel::Parcel;
use super::settings::AttemptLimit;
use crate::store::RoomId;
pub use table::VirtualRooms;
use table::{State, Subscriber, VirtualRoom};

/// Separator between room and data in binary chunks (wire-protocol 7.9).
const BINARY_SEPARATOR: u8 = 131;
/// Accounts that one room may let publish.
const GRANTS: usize = 1_000;
/// Longest password of a room, in bytes.
const PASSWORD_BYTES: usize = 256;
/// What a publisher may send at once after a pause.
const BURST: Duration = Duration::from_secs(1);

/// Wrong passwords of one account.
pub(super) const WRONG_PASSWORDS: AttemptLimit = AttemptLimit {
    burst: 10,
    refill: Duration::from_secs(30),
};

/// How a subscriber wants chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As structs (type 94).
    Structured,
    /// As raw bytes (type 97).
    Binary,
}

/// A password that is kept only as a hash.
pub(super) struct Password {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Password {
    fn digest(salt: &[u8; 16], password: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(salt)
            .chain_update(password.as_bytes())
            .finalize()
            .into()
    }

    fn is(&self, password: &str) -> bool {
        Self::digest(&self.salt, password).ct_eq(&self.hash).into()
    }
}

/// Takes the id of a virtual room from the wire.
fn parse(text: &str) -> Result<Node, ErrorCode> {
    if !node::is_well_formed_wide(text) {
        return Err(ErrorCode::Params);
    }
    Node::new(text).map_err(|_| ErrorCode::Params)
}

impl Engine {
    /// Makes a virtual room that the session's account owns. With a password or a room of which to be
    /// a member, subscribing needs that.
    ///
    /// # Errors
    /// `OverHz` when the account has too many, `Overload` when the server has, `Params` for a password
    /// too long, `Account` or `PermDenied` for a room of which the owner is no member itself.
    pub async fn open_virtual_room(
        &self,
        login: &Login,
        password: Option<&str>,
        members_of: Option<&str>,
    ) -> Result<Node, ErrorCode> {
        let password = password.filter(|password| !password.is_empty());
        if password.is_some_and(|password| password.len() > PASSWORD_BYTES) {
            return Err(ErrorCode::Params);
        }
        let members_of = match members_of.filter(|room| !room.is_empty()) {
            Some(room) => {
                let room = self.parse_room(room).ok_or(ErrorCode::Account)?;
                self.member_only(login, &room).await?;
                Some(room)
            }
            None => None,
        };
        let password = password.map(|password| {
            let mut salt = [0; 16];
            self.entropy.fill(&mut salt);
            Password {
                hash: Password::digest(&salt, password),
                salt,
            }
        });
        let settings = &self.settings.virtual_rooms;
        let id = random_node(&*self.entropy);
        let pace = Pace::new(settings.deliveries_per_second, BURST, Instant::now());
        let room = VirtualRoom {
            id: id.clone(),
            owner: login.account().id.clone(),
            password,
            members_of,
            state: Mutex::new(State::new(self.clock.now(), pace)),
        };
        self.virtual_rooms.open(room, settings.per_account)?;
        Ok(id)
    }

    /// Ends a virtual room. One that is gone already is no error.
    ///
    /// # Errors
    /// `Params` for a malformed id, `PermDenied` when somebody else owns it.
    pub fn close_virtual_room(&self, login: &Login, room: &str) -> Result<(), ErrorCode> {
        let id = parse(room)?;
        if let Some(room) = self.virtual_rooms.get(&id) {
            if room.owner != login.account().id {
                return Err(ErrorCode::PermDenied);
            }
            self.virtual_rooms.close(&room);
        }
        Ok(())
    }

    /// Lets an account publish in a virtual room, or no longer.
    ///
    /// # Errors
    /// `Params` for a malformed room or account, `PermDenied` when the session's
    /// account does not own the room, `OverHz` for too many grants.
    pub fn grant(&self, login: &Login, room: &str, to: &str, is_granted: bool) -> Result<(), ErrorCode> {
        let id = parse(room)?;
        let to = self.parse_account(to).ok_or(ErrorCode::Params)?;
        let room = self.virtual_rooms.get(&id).ok_or(ErrorCode::PermDenied)?;
        if room.owner != login.account().id {
            return Err(ErrorCode::PermDenied);
        }
        let mut state = room.state.lock();
        if !is_granted {
            state.granted.remove(&to);
        } else if state.granted.len() < GRANTS || state.granted.contains(&to) {
            state.granted.insert(to);
        } else {
            return Err(ErrorCode::OverHz);
        }
        Ok(())
    }

    /// Subscribes a session, or changes the form it is served in.
    ///
    /// # Errors
    /// `Params` for a malformed id, `Undefined` when there is no such room or form, `PermDenied` for a wrong
    /// password or a stranger to the room's members, `OverHz` for too many subscriptions or guesses.
    pub async fn subscribe(
        &self,
        login: &Login,
        room: &str,
        form: Option<Form>,
        password: Option<&str>,
    ) -> Result<(), ErrorCode> {
        let id = parse(room)?;
        let form = form.ok_or(ErrorCode::Undefined)?;
        let room = self.virtual_rooms.get(&id).ok_or(ErrorCode::Undefined)?;
        let is_owner = room.owner == login.account().id;
        if let Some(expected) = room.password.as_ref().filter(|_| !is_owner) {
            let (who, now) = (&login.account().id, self.clock.now());
            if !self.wrong_passwords.is_allowed(who, now) {
                return Err(ErrorCode::OverHz);
            }
            if !expected.is(password.unwrap_or_default()) {
                self.wrong_passwords.count(who, now);
                return Err(ErrorCode::PermDenied);
            }
        }
        if let Some(members_of) = &room.members_of {
            self.member_only(login, members_of).await?;
        }
        let subscriber = Subscriber {
            session: login.member().id,
            account: login.account().id.clone(),
            outlet: Arc::clone(&login.member().outlet),
            form,
        };
        let limit = self.settings.virtual_rooms.subscriptions_per_session;
        self.virtual_rooms.subscribe(&room, subscriber, limit)?;
        if let Some(members_of) = &room.members_of
            && let Err(code) = self.member_only(login, members_of).await
        {
            // Left in between.
            self.virtual_rooms.unsubscribe(login.member().id, &room.id);
            return Err(code);
        }
        Ok(())
    }

    /// Ends one subscription of a session, if there is one.
    pub fn unsubscribe(&self, login: &Login, room: &str) {
        if let Ok(id) = parse(room) {
            self.virtual_rooms.unsubscribe(login.member().id, &id);
        }
    }

    /// Passes a chunk on to all subscribers. Answers how long the publisher should pause.
    ///
    /// # Errors
    /// `Params` for a malformed id, `PermDenied` when the room is gone or the account may not publish.
    pub fn publish(
        &self,
        login: &Login,
        room: &str,
        dtype: Option<i8>,
        body: Option<Bytes>,
    ) -> Result<Duration, ErrorCode> {
        let id = parse(room)?;
        let room = self.virtual_rooms.get(&id).ok_or(ErrorCode::PermDenied)?;
        let me = &login.account().id;
        // Held while the chunk is handed out: all subscribers see chunks in the same order.
        let mut state = room.state.lock();
        if state.is_closed || room.owner != *me && !state.granted.contains(me) {
            return Err(ErrorCode::PermDenied);
        }
        state.last_data = self.clock.now();
        let (mut structured, mut binary) = (None, None);
        let mut dropped = 0;
        for subscriber in &state.subscribers {
            let parcel = match subscriber.form {
                Form::Structured => structured.get_or_insert_with(|| {
                    Arc::new(Parcel::stream(TimStream {
                        id: self.entropy.packet_id(),
                        vnode: id.as_str().to_owned(),
                        dtype,
                        body: body.clone(),
                        from_node: me.as_str().to_owned(),
                    }))
                }),
                Form::Binary => binary
                    .get_or_insert_with(|| Arc::new(raw_chunk(&id, body.as_deref().unwrap_or_default()))),
            };
            dropped += u64::from(!subscriber.outlet.frame(Arc::clone(parcel)));
        }
        let deliveries = state.subscribers.len();
        let pause = state.pace.take(deliveries, Instant::now());
        drop(state);
        self.counters
            .stream_frames_dropped
            .fetch_add(dropped, Ordering::Relaxed);
        Ok(pause)
    }

    /// Whether the session's account is a member of a room.
    async fn member_only(&self, login: &Login, room: &RoomId) -> Result<(), ErrorCode> {
        let standing = self.standing(login, room).await?;
        if standing.is_dissolved || !standing.membership.is_member() {
            return Err(ErrorCode::PermDenied);
        }
        Ok(())
    }
}

fn raw_chunk(room: &Node, body: &[u8]) -> Parcel {
    let name = room.as_str().as_bytes();
    let mut packet = BytesMut::with_capacity(2 + name.len() + body.len());
    packet.put_u8(PacketType::BigBinaryStream.as_u8());
    packet.put_slice(name);
    packet.put_u8(BINARY_SEPARATOR);
    packet.put_slice(body);
    Parcel::whole(PacketType::BigBinaryStream, packet.freeze())
}

/// The task that ends rooms in which nothing is published.
pub(super) async fn run(engine: Arc<Engine>, mut stop: watch::Receiver<bool>) {
    let expire_after = engine.settings.virtual_rooms.expire_after;
    let interval = (expire_after / 30).clamp(Duration::from_millis(100), Duration::from_secs(10));
    let mut due = tokio::time::interval(interval);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = due.tick() => engine.virtual_rooms.expire(engine.clock.now().minus(expire_after)),
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

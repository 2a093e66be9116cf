//! The sessions of this node, by account, and how far each online device has acknowledged.
//! Registering and ending a session are atomic towards delivery: both hold the account's lock.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tim_protocol::wire::Tid;
use tokio::time::Instant;

use super::cursor::Cursors;
use super::outlet::{Ending, Outlet};
use super::pace::Pace;
use super::parcel::Parcel;
use super::settings::AccountSettings;
use crate::store::{AccountId, DeviceKey, RoomId, RoomPosition, Seq, SessionHash, Timestamp};

const SHARDS: usize = 64;

type Shard = Mutex<HashMap<AccountId, Arc<OnlineAccount>>>;

/// Identifies one session of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub u64);

/// One authenticated connection as others see it.
#[derive(Debug)]
pub struct Member {
    /// Its id.
    pub id: SessionId,
    /// Its device.
    pub device: DeviceKey,
    /// Device class; absent counts as 0.
    pub device_type: i8,
    /// Sender identity in the messages of this session.
    pub tid: Tid,
    /// The web session it logged in from.
    pub web_session: Option<SessionHash>,
    /// Random number that names the connection to the outside.
    pub tag: u64,
    /// Its mailbox.
    pub outlet: Arc<Outlet>,
    /// Rooms it listens to.
    pub rooms: Mutex<Vec<RoomId>>,
}

/// An account with at least one session here.
#[derive(Debug)]
pub struct OnlineAccount {
    /// The account.
    pub id: AccountId,
    /// Its tenant.
    pub domain: Arc<str>,
    state: Mutex<AccountState>,
    /// Packets of all its sessions, once there were any.
    packets: Mutex<Option<Pace>>,
}

#[derive(Debug, Default)]
struct AccountState {
    members: Vec<Arc<Member>>,
    cursors: Vec<(DeviceKey, Cursors)>,
    /// Devices of the account, online or not, as far as known.
    known_devices: usize,
    last_login: Option<Timestamp>,
    /// The account left the table; a login that still holds it must look again.
    is_gone: bool,
}

impl AccountState {
    fn cursors_of(&mut self, device: &DeviceKey) -> &mut Cursors {
        let at = self
            .cursors
            .iter()
            .position(|(key, _)| key == device)
            .unwrap_or_else(|| {
                self.cursors.push((device.clone(), Cursors::default()));
                self.cursors.len() - 1
            });
        &mut self.cursors[at].1
    }
}

/// What a sender's account needs to know before a message of its is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherDevices {
    /// The sending device is the only one.
    None,
    /// There are others; the sender's inbox gets an entry too.
    Some,
}

impl OnlineAccount {
    /// Counts packets that a session of the account sent, of `per_second` that all together may send
    /// (0: no limit). Answers how long the session should be slowed down.
    pub fn count_packets(&self, count: usize, per_second: u32, now: Instant) -> Duration {
        if per_second == 0 {
            return Duration::ZERO;
        }
        let mut packets = self.packets.lock();
        let pace = packets.get_or_insert_with(|| Pace::new(per_second, Duration::from_secs(1), now));
        pace.take(count, now)
    }

    /// Runs `f` on the positions of a device and answers its result and the position in the inbox
    /// if that moved.
    pub fn with_cursors<R>(&self, device: &DeviceKey, f: impl FnOnce(&mut Cursors) -> R) -> (R, Option<Seq>) {
        let mut state = self.state.lock();
        let cursors = state.cursors_of(device);
        let result = f(cursors);
        let inbox = &mut cursors.inbox;
        let moved = inbox.take_moved().then(|| inbox.position());
        (result, moved)
    }

    /// The position of a device that has logged in here, once it is loaded.
    pub fn position(&self, device: &DeviceKey) -> Option<Seq> {
        let state = self.state.lock();
        let cursors = state.cursors.iter().find(|(key, _)| key == device);
        cursors.map(|(_, cursors)| cursors.inbox.position())
    }

    /// The position of the device that has acknowledged most of the inbox, of those that have logged in here.
    pub fn furthest_position(&self) -> Seq {
        let state = self.state.lock();
        let positions = state.cursors.iter().map(|(_, cursors)| cursors.inbox.position());
        positions.max().unwrap_or_default()
    }

    /// Calls `visit` for every device and room in which the position moved since the last call.
    pub fn take_moved_rooms(&self, mut visit: impl FnMut(&DeviceKey, &RoomId, Seq)) {
        for (device, cursors) in &mut self.state.lock().cursors {
            cursors.take_moved_rooms(|room, position| visit(device, room, position));
        }
    }

    /// The furthest position of a device in the log of a room, of any device when none is named.
    pub fn room_position(&self, device: Option<&DeviceKey>, room: &RoomId) -> Option<Seq> {
        let state = self.state.lock();
        let meant = state
            .cursors
            .iter()
            .filter(|(key, _)| device.is_none_or(|device| device == key));
        meant
            .filter_map(|(_, cursors)| Some(cursors.room(room)?.position()))
            .max()
    }

    /// The account has become a member of a room: its devices start behind `since`. `listen` runs
    /// for every session before any of them can end.
    pub fn join(&self, room: &RoomId, since: Seq, listen: impl FnMut(&Arc<Member>)) {
        let mut state = self.state.lock();
        for (_, cursors) in &mut state.cursors {
            cursors.restart(room, since);
        }
        state.members.iter().for_each(listen);
    }

    /// The account has ceased to be a member of a room.
    pub fn leave(&self, room: &RoomId, unlisten: impl FnMut(&Arc<Member>)) {
        let mut state = self.state.lock();
        for (_, cursors) in &mut state.cursors {
            cursors.leave(room);
        }
        state.members.iter().for_each(unlisten);
    }

    /// Takes over what the store knows of a device's rooms at login, and where they stand if
    /// the device was further here.
    pub fn load_rooms(&self, device: &DeviceKey, rooms: &mut [RoomPosition]) {
        let mut state = self.state.lock();
        let cursors = state.cursors_of(device);
        for room in rooms {
            room.position = cursors.follow(&room.room, room.position);
        }
    }

    /// Takes over what the store knows of a device at login.
    pub fn load_device(&self, device: &DeviceKey, position: Seq, known_devices: usize) -> Seq {
        let mut state = self.state.lock();
        state.known_devices = state.known_devices.max(known_devices);
        let inbox = &mut state.cursors_of(device).inbox;
        inbox.raise(position);
        inbox.position()
    }

    /// Whether the account has devices besides the given one.
    pub fn other_devices(&self) -> OtherDevices {
        if self.state.lock().known_devices > 1 {
            OtherDevices::Some
        } else {
            OtherDevices::None
        }
    }

    /// An account without sessions that is in no table, for acting in its name.
    pub(super) fn detached(id: AccountId, domain: Arc<str>, known_devices: usize) -> Self {
        let state = AccountState {
            known_devices,
            is_gone: true,
            ..AccountState::default()
        };
        Self {
            id,
            domain,
            state: Mutex::new(state),
            packets: Mutex::default(),
        }
    }

    /// Its sessions.
    #[must_use]
    pub fn members(&self) -> Vec<Arc<Member>> {
        self.state.lock().members.clone()
    }

    /// Announces an inbox entry to every session.
    pub fn entry(&self, seq: Seq, parcel: &Arc<Parcel>) {
        for member in &self.state.lock().members {
            member.outlet.entry(seq, Arc::clone(parcel));
        }
    }

    /// Shows a message to every session of its sender but the one that sent it. With a number it
    /// is an inbox entry like any other, which each device has to acknowledge; without one the
    /// account has a single device, and its other sessions get a plain echo.
    pub fn echo(&self, from: SessionId, seq: Option<Seq>, parcel: &Arc<Parcel>) -> Echoed {
        let mut echoed = Echoed::default();
        for member in &self.state.lock().members {
            echoed.sessions += 1;
            match seq {
                _ if member.id == from => {}
                Some(seq) => member.outlet.entry(seq, Arc::clone(parcel)),
                None if member.outlet.volatile(Arc::clone(parcel)) => {}
                None => echoed.dropped += 1,
            }
        }
        echoed
    }

    /// Hands a volatile packet to every session; answers how many had no room for it.
    pub fn volatile(&self, parcel: &Arc<Parcel>) -> u64 {
        let state = self.state.lock();
        let dropped = |member: &&Arc<Member>| !member.outlet.volatile(Arc::clone(parcel));
        state.members.iter().filter(dropped).count() as u64
    }

    /// The web sessions that its sessions logged in from.
    pub fn web_sessions(&self) -> Vec<SessionHash> {
        let state = self.state.lock();
        state
            .members
            .iter()
            .filter_map(|member| member.web_session)
            .collect()
    }

    /// Asks every session to end that logged in from one of these web sessions.
    pub fn end_web_sessions(&self, ended: &[SessionHash]) {
        for member in &self.state.lock().members {
            if member.web_session.is_some_and(|session| ended.contains(&session)) {
                member.outlet.end(Ending::LoggedOut);
            }
        }
    }

    /// Asks every session to end.
    pub fn end_all(&self, ending: Ending) {
        for member in &self.state.lock().members {
            member.outlet.end(ending);
        }
    }
}

/// What [`OnlineAccount::echo`] found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echoed {
    /// Sessions of the account, the sending one included if it is still there.
    pub sessions: usize,
    /// Sessions that had no room and cannot read the message back from the inbox.
    pub dropped: u64,
}

/// The login would exceed a limit (wire-protocol 6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverEntry;

/// All accounts with sessions here.
#[derive(Debug)]
pub struct Online {
    shards: Box<[Shard]>,
    hasher: RandomState,
    next_session: AtomicU64,
    sessions: AtomicUsize,
}

impl Default for Online {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            next_session: AtomicU64::new(1),
            sessions: AtomicUsize::new(0),
        }
    }
}

/// What a login brings along.
#[derive(Debug)]
pub struct Arrival {
    /// The account.
    pub account: AccountId,
    /// Its tenant.
    pub domain: Arc<str>,
    /// The device.
    pub device: DeviceKey,
    /// Sender identity of the session.
    pub tid: Tid,
    /// The web session it logged in from.
    pub web_session: Option<SessionHash>,
    /// Random number that names the connection to the outside.
    pub tag: u64,
    /// Its mailbox.
    pub outlet: Arc<Outlet>,
    /// Time of the login.
    pub now: Timestamp,
}

impl Online {
    /// Sessions of this node.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// The account, if it has a session here.
    #[must_use]
    pub fn get(&self, account: &AccountId) -> Option<Arc<OnlineAccount>> {
        self.shard(account).lock().get(account).cloned()
    }

    /// Registers a session, replacing the oldest one of the account when a limit would be exceeded
    /// and the previous login is old enough.
    ///
    /// `on_login` runs before the session can end.
    ///
    /// # Errors
    /// [`OverEntry`]: nothing was changed.
    pub fn register(
        &self,
        arrival: Arrival,
        limits: &AccountSettings,
        on_login: impl FnOnce(&AccountId),
    ) -> Result<(Arc<OnlineAccount>, Arc<Member>), OverEntry> {
        let Arrival {
            account: id,
            domain,
            device,
            tid,
            web_session,
            tag,
            outlet,
            now,
        } = arrival;
        let device_type = tid.termtyp.unwrap_or(0);
        loop {
            let account = {
                let mut shard = self.shard(&id).lock();
                Arc::clone(shard.entry(id.clone()).or_insert_with(|| {
                    let domain = Arc::clone(&domain);
                    Arc::new(OnlineAccount {
                        id: id.clone(),
                        domain,
                        state: Mutex::default(),
                        packets: Mutex::default(),
                    })
                }))
            };
            let mut state = account.state.lock();
            if state.is_gone {
                continue;
            }
            let of_type = |state: &AccountState| {
                state
                    .members
                    .iter()
                    .filter(|member| member.device_type == device_type)
                    .count()
            };
            let is_over = state.members.len() >= limits.device_limit
                || tid.termtyp.is_some() && of_type(&state) >= limits.device_type_limit;
            if is_over {
                let is_over_type = tid.termtyp.is_some() && of_type(&state) >= limits.device_type_limit;
                let since = state.last_login.map_or(Duration::MAX, |last| {
                    Duration::from_nanos(u64::try_from(now.0.saturating_sub(last.0)).unwrap_or(0))
                });
                let oldest = state
                    .members
                    .iter()
                    .position(|member| !is_over_type || member.device_type == device_type);
                match oldest {
                    Some(oldest) if since > limits.relogin_interval => {
                        let replaced = state.members.remove(oldest);
                        self.sessions.fetch_sub(1, Ordering::Relaxed);
                        replaced.outlet.end(Ending::Replaced);
                    }
                    _ => return Err(OverEntry),
                }
            }
            let id = self.next_id();
            let member = Arc::new(Member {
                id,
                device,
                device_type,
                tid,
                web_session,
                tag,
                outlet,
                rooms: Mutex::default(),
            });
            state.members.push(Arc::clone(&member));
            state.last_login = Some(now);
            self.sessions.fetch_add(1, Ordering::Relaxed);
            on_login(&account.id);
            drop(state);
            return Ok((account, member));
        }
    }

    /// A number that no other session of this node has.
    pub(super) fn next_id(&self) -> SessionId {
        SessionId(self.next_session.fetch_add(1, Ordering::Relaxed))
    }

    /// Calls `visit` with every account that has a session here.
    pub fn visit_accounts(&self, mut visit: impl FnMut(&Arc<OnlineAccount>)) {
        for shard in &self.shards {
            let accounts: Vec<Arc<OnlineAccount>> = shard.lock().values().cloned().collect();
            accounts.iter().for_each(&mut visit);
        }
    }

    /// Calls `visit` with every device that is connected and its position.
    pub fn visit_devices(&self, mut visit: impl FnMut(&AccountId, &DeviceKey, Seq)) {
        for shard in &self.shards {
            let accounts: Vec<Arc<OnlineAccount>> = shard.lock().values().cloned().collect();
            for account in accounts {
                for (device, cursors) in &account.state.lock().cursors {
                    visit(&account.id, device, cursors.inbox.position());
                }
            }
        }
    }

    /// Calls `visit` for every device and room in which a position moved since the last call.
    pub fn take_moved_rooms(&self, mut visit: impl FnMut(&AccountId, &DeviceKey, &RoomId, Seq)) {
        for shard in &self.shards {
            let accounts: Vec<Arc<OnlineAccount>> = shard.lock().values().cloned().collect();
            for account in accounts {
                account.take_moved_rooms(|device, room, position| visit(&account.id, device, room, position));
            }
        }
    }

    /// Ends a session. `on_last` runs when it was the account's last one here, before anybody
    /// else can log in to the account. Ending twice is harmless.
    ///
    /// What is known of its device is forgotten with its last session; the caller has saved it.
    pub fn end(&self, account: &Arc<OnlineAccount>, ended: &Member, on_last: impl FnOnce()) {
        let mut shard = self.shard(&account.id).lock();
        let mut state = account.state.lock();
        if let Some(at) = state.members.iter().position(|member| member.id == ended.id) {
            state.members.remove(at);
            self.sessions.fetch_sub(1, Ordering::Relaxed);
        }
        if state.members.iter().all(|member| member.device != ended.device) {
            state.cursors.retain(|(device, _)| *device != ended.device);
        }
        let is_last = state.members.is_empty() && !state.is_gone;
        if is_last {
            state.is_gone = true;
            shard.remove(&account.id);
            on_last();
        }
    }

    fn shard(&self, account: &AccountId) -> &Shard {
        #[allow(clippy::cast_possible_truncation, reason = "reduced to the number of shards")]
        &self.shards[self.hasher.hash_one(account) as usize % SHARDS]
    }
}

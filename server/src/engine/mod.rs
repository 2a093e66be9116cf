//! What the system does: accounts, contacts, messages, inboxes, delivery. It opens no socket and
//! writes no SQL; time and randomness are passed in.

pub mod accounts;
pub mod administration;
pub mod announcement;
pub mod attempts;
pub mod big_data;
pub mod clock;
pub mod committer;
pub mod contacts;
mod credentials;
pub mod cursor;
pub mod draft;
pub mod external;
pub mod feed;
pub mod files;
pub mod history;
pub mod identity;
pub mod listeners;
pub mod listing;
pub mod messages;
mod notices;
pub mod online;
pub mod outlet;
pub mod pace;
pub mod parcel;
pub mod passwords;
pub mod permission;
pub mod positions;
pub mod presence;
pub mod profiles;
pub mod relations;
pub mod rooms;
pub mod roster;
pub mod settings;
pub mod suspension;
pub mod virtual_rooms;
pub mod web_sessions;
pub mod write_through;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::PacketType;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::blobs::Blobs;
use crate::cluster::{Bus, Directory, Event, NodeId, Receiver};
use crate::store::{AccountId, RoomId, Seq, Store, StoreError};
use attempts::Attempts;
use clock::{Clock, Entropy};
use committer::Work;
use external::External;
use files::Files;
use identity::Identity;
use listeners::Listeners;
use online::{Online, SessionId};
use parcel::Parcel;
use passwords::Passwords;
use positions::Positions;
use presence::Broadcasts;
use profiles::Profiles;
use relations::Relations;
use rooms::Rooms;
pub use settings::Settings;
use virtual_rooms::VirtualRooms;

/// What an engine is made of.
pub struct Parts {
    /// Tunables.
    pub settings: Settings,
    /// Durable state.
    pub store: Arc<dyn Store>,
    /// Other nodes.
    pub bus: Arc<dyn Bus>,
    /// Where accounts are online.
    pub directory: Arc<dyn Directory>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The installation key.
    pub installation_key: [u8; 32],
    /// Accounts that are kept outside this server.
    pub external: External,
    /// Where the bytes of files are; `None`: there are no files.
    pub blobs: Option<Blobs>,
}

/// Counts what nobody else could tell afterwards.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages and echoes that are never stored and that a slow session had no room for.
    pub volatile_dropped: AtomicU64,
    /// Presence that reached nobody, or for which a slow session had no room.
    pub presence_dropped: AtomicU64,
    /// Presence replaced by newer presence of the same account before it was its turn.
    pub presence_replaced: AtomicU64,
    /// Big strings and binaries that a slow session had no room for.
    pub big_data_dropped: AtomicU64,
    /// Frames of streams that a slow session had no room for.
    pub stream_frames_dropped: AtomicU64,
    /// Messages made durable.
    pub messages_stored: AtomicU64,
    /// Messages refused because the store failed or was overloaded.
    pub messages_failed: AtomicU64,
}

impl Counters {
    /// Counts packets of one kind that slow sessions had no room for.
    fn volatile_dropped(&self, kind: PacketType, count: u64) {
        let counter = match kind {
            PacketType::Presence => &self.presence_dropped,
            PacketType::BigString | PacketType::BigBinary => &self.big_data_dropped,
            PacketType::Stream | PacketType::BigBinaryStream => &self.stream_frames_dropped,
            _ => &self.volatile_dropped,
        };
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// The engine of one node. Shared by all its sessions.
pub struct Engine {
    settings: Settings,
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    directory: Arc<dyn Directory>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    identity: Identity,
    online: Online,
    listeners: Listeners,
    relations: Relations,
    rooms: Rooms,
    profiles: Profiles,
    files: Files,
    broadcasts: Broadcasts,
    virtual_rooms: VirtualRooms,
    wrong_passwords: Attempts<AccountId>,
    unfinished_bytes: Arc<AtomicUsize>,
    passwords: Passwords,
    failures_by_address: Attempts<IpAddr>,
    failures_by_account: Attempts<(AccountId, IpAddr)>,
    registrations: Attempts<IpAddr>,
    positions: Positions,
    work: mpsc::Sender<Work>,
    queued_bytes: Arc<AtomicUsize>,
    requests_to_strangers: Attempts<(AccountId, AccountId)>,
    searches: Attempts<AccountId>,
    questions: Attempts<AccountId>,
    counters: Counters,
    operations: TaskTracker,
    keys_changed: Notify,
    external: External,
    answers: external::Answers,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("sessions", &self.online.session_count())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Puts the parts together and starts the engine's own tasks on the current runtime.
    ///
    /// # Errors
    /// The settings of password hashing are impossible.
    pub fn start(parts: Parts) -> Result<Arc<Self>, String> {
        let Parts {
            settings,
            store,
            bus,
            directory,
            clock,
            entropy,
            installation_key,
            external,
            blobs,
        } = parts;
        let passwords = Passwords::start(&settings.passwords)?;
        let (work, queue) = mpsc::channel(settings.messages.queue.max(1));
        let (stop, stopped) = watch::channel(false);
        let engine = Arc::new(Self {
            passwords,
            failures_by_address: Attempts::new(settings.guessing.failures_per_address),
            failures_by_account: Attempts::new(settings.guessing.failures_per_account),
            searches: Attempts::new(settings.guessing.failures_per_account),
            questions: Attempts::new(listing::QUESTIONS),
            registrations: Attempts::new(settings.guessing.registrations_per_address),
            rooms: Rooms::new(&settings.rooms),
            profiles: Profiles::default(),
            files: Files::new(blobs, &settings.files),
            settings,
            store,
            bus,
            directory,
            clock,
            entropy,
            identity: Identity::new(installation_key),
            online: Online::default(),
            listeners: Listeners::default(),
            relations: Relations::default(),
            broadcasts: Broadcasts::default(),
            virtual_rooms: VirtualRooms::default(),
            wrong_passwords: Attempts::new(virtual_rooms::WRONG_PASSWORDS),
            unfinished_bytes: Arc::default(),
            positions: Positions::default(),
            work,
            queued_bytes: Arc::default(),
            requests_to_strangers: Attempts::new(roster::REQUESTS_PER_PAIR),
            counters: Counters::default(),
            operations: TaskTracker::new(),
            keys_changed: Notify::new(),
            answers: external::Answers::new(external.remember),
            external,
            tasks: Mutex::new(Vec::new()),
            stop,
        });
        let receiver: Weak<dyn Receiver> = Arc::downgrade(&engine) as Weak<dyn Receiver>;
        engine.bus.attach(receiver);
        let committer = tokio::spawn(committer::run(Arc::clone(&engine), queue));
        let positions = tokio::spawn({
            let (engine, stopped) = (Arc::clone(&engine), stopped.clone());
            async move {
                let interval = engine.settings.delivery.position_interval;
                engine.positions.run(&*engine.store, interval, stopped).await;
            }
        });
        let presence = tokio::spawn(presence::run(Arc::clone(&engine), stopped.clone()));
        let room_positions = tokio::spawn(keep_room_positions(Arc::clone(&engine), stopped.clone()));
        let expiry = tokio::spawn(virtual_rooms::run(Arc::clone(&engine), stopped.clone()));
        let outside = tokio::spawn(external::rooms::run(Arc::clone(&engine), stopped.clone()));
        let sweep = tokio::spawn(files::run(Arc::clone(&engine), stopped.clone()));
        let upkeep = tokio::spawn(upkeep(Arc::clone(&engine), stopped));
        engine.tasks.lock().extend([
            committer,
            positions,
            presence,
            room_positions,
            expiry,
            outside,
            sweep,
            upkeep,
        ]);
        Ok(engine)
    }

    /// Ends the engine's tasks after everything queued is durable. Call it when no session is left.
    pub async fn shutdown(&self) {
        self.operations.close();
        self.operations.wait().await;
        // The committer ends first, so that what it dispatches still reaches the positions.
        if self.work.send(Work::Stop).await.is_err() {
            tracing::debug!("the committer has ended already");
        }
        self.stop.send_replace(true);
        let tasks: Vec<_> = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the engine failed");
            }
        }
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// This node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.bus.local()
    }

    /// Operations that run to their end although nobody may wait for them any more.
    #[must_use]
    pub fn operations(&self) -> &TaskTracker {
        &self.operations
    }

    /// The sessions of this node.
    #[must_use]
    pub fn online(&self) -> &Online {
        &self.online
    }

    /// What is known of rooms and their members.
    #[must_use]
    pub fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Bytes of big packets that sessions of this node hold unfinished.
    #[must_use]
    pub fn unfinished_bytes(&self) -> &Arc<AtomicUsize> {
        &self.unfinished_bytes
    }

    /// Bytes of messages that wait to be made durable.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.queued_bytes.load(Ordering::Relaxed)
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Sends an event to every node that may hold sessions of the account.
    fn to_nodes_of(&self, account: &AccountId, event: &Event) {
        self.directory.locate(account, &mut |node| {
            if let Err(error) = self.bus.send(node, event.clone()) {
                tracing::debug!(%error, "an event was not sent; inbox entries are read back later");
            }
        });
    }

    /// Sends an event to every other node.
    fn tell_other_nodes(&self, event: &Event) {
        let others = |node: &NodeId| *node != self.bus.local();
        for node in self.bus.members().into_iter().filter(others) {
            if let Err(error) = self.bus.send(node, event.clone()) {
                tracing::warn!(%error, "a node does not know of a change until it reads again");
            }
        }
    }

    /// Hands a new entry of a room's log to every node with listeners. `except` is a session of
    /// this node.
    fn deliver_to_room(&self, room: &RoomId, seq: Seq, parcel: &Arc<Parcel>, except: Option<SessionId>) {
        self.to_listeners(
            room,
            &Event::RoomEntry {
                room: room.clone(),
                seq,
                parcel: Arc::clone(parcel),
                except,
            },
        );
    }

    /// Sends an event to every node that may hold listeners of the room.
    fn to_listeners(&self, room: &RoomId, event: &Event) {
        self.directory.locate_room(room, &mut |node| {
            if let Err(error) = self.bus.send(node, event.clone()) {
                tracing::debug!(%error, "an event was not sent; logs are read back later");
            }
        });
    }

    fn deliver_entry(&self, owner: &AccountId, seq: Seq, parcel: &Arc<Parcel>) {
        let event = Event::Entry {
            owner: owner.clone(),
            seq,
            parcel: Arc::clone(parcel),
        };
        self.to_nodes_of(owner, &event);
    }
}

impl Receiver for Engine {
    fn receive(&self, from: NodeId, event: Event) {
        match event {
            Event::Entry { owner, seq, parcel } => {
                if let Some(account) = self.online.get(&owner) {
                    account.entry(seq, &parcel);
                }
            }
            Event::Volatile { owner, parcel } => {
                if let Some(account) = self.online.get(&owner) {
                    let dropped = account.volatile(&parcel);
                    self.counters.volatile_dropped(parcel.kind(), dropped);
                }
            }
            Event::Suspended { account } => {
                if let Some(account) = self.online.get(&account) {
                    account.end_all(outlet::Ending::Suspended);
                }
            }
            Event::Disconnected { account } => {
                if let Some(account) = self.online.get(&account) {
                    account.end_all(outlet::Ending::LoggedOut);
                }
            }
            Event::LoggedOut { account, sessions } => {
                if let Some(account) = self.online.get(&account) {
                    account.end_web_sessions(&sessions);
                }
            }
            Event::Presence { to, announcement } => {
                for account in &to {
                    self.announce_here(account, &announcement);
                }
            }
            Event::RoomEntry {
                room,
                seq,
                parcel,
                except,
            } => {
                let except = except.filter(|_| from == self.bus.local());
                self.listeners.entry(&room, seq, &parcel, except);
            }
            Event::RoomVolatile { room, parcel } => {
                let dropped = self.listeners.volatile(&room, &parcel);
                self.counters.volatile_dropped(parcel.kind(), dropped);
            }
            Event::ContactsChanged {
                owner,
                peer,
                contacts,
            } => {
                if from != self.bus.local() {
                    self.relations.replace(&owner, &peer, contacts);
                    self.broadcasts.friends_changed([&owner, &peer]);
                }
            }
            Event::MembershipChanged {
                room,
                account,
                membership,
            } => {
                if from != self.bus.local() {
                    self.rooms.membership_changed_elsewhere(&room, &account);
                    if !membership.is_member() {
                        self.room_left(&account, &room);
                    }
                }
            }
            Event::ProfileChanged { account } => {
                if from != self.bus.local() {
                    self.profiles.changed_elsewhere(&account);
                }
            }
            Event::RoomChanged { room } => {
                if from != self.bus.local() {
                    self.rooms.room_changed_elsewhere(&room);
                }
            }
        }
    }
}

/// The code a client sees when the store failed (wire-protocol 9).
fn store_failure(error: &StoreError) -> ErrorCode {
    match error {
        StoreError::Overloaded => ErrorCode::Overload,
        StoreError::Unavailable(_) | StoreError::Damaged { .. } => {
            tracing::error!(%error, "the store failed");
            ErrorCode::Database
        }
    }
}

/// Stores the positions of devices in the logs of rooms. One message to a large room moves
/// thousands of them, so they are collected for longer than those in inboxes.
async fn keep_room_positions(engine: Arc<Engine>, mut stop: watch::Receiver<bool>) {
    let interval = engine.settings.delivery.room_position_interval;
    let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !*stop.borrow() {
        tokio::select! {
            _ = ticks.tick() => engine.flush_room_positions().await,
            changed = stop.changed() => if changed.is_err() { break },
        }
    }
    engine.flush_room_positions().await;
}

/// Slow housekeeping: forgets devices long unseen and re-encrypts records after a key rotation.
async fn upkeep(engine: Arc<Engine>, mut stop: watch::Receiver<bool>) {
    const RECORDS_AT_ONCE: usize = 256;
    const BETWEEN_STEPS: Duration = Duration::from_millis(100);
    const BETWEEN_ROUNDS: Duration = Duration::from_secs(600);
    let forget_after = engine.settings.accounts.forget_devices_after;
    let mut devices_due = tokio::time::interval((forget_after / 10).max(BETWEEN_ROUNDS));
    let mut sessions_due = tokio::time::interval(BETWEEN_ROUNDS);
    let mut pause = Duration::ZERO;
    while !*stop.borrow() {
        tokio::select! {
            _ = devices_due.tick() => engine.forget_devices(forget_after).await,
            _ = sessions_due.tick() => engine.forget_sessions().await,
            () = tokio::time::sleep(pause) => pause = match engine.store.reencrypt(RECORDS_AT_ONCE).await {
                Ok(0) => BETWEEN_ROUNDS,
                Ok(_) => BETWEEN_STEPS,
                Err(error) => {
                    tracing::warn!(%error, "records could not be re-encrypted");
                    BETWEEN_ROUNDS
                }
            },
            () = engine.keys_changed.notified() => pause = Duration::ZERO,
            changed = stop.changed() => if changed.is_err() { return },
        }
    }
}

impl Engine {
    /// Makes a new data key the current one; records are re-encrypted in the background.
    ///
    /// # Errors
    /// The store failed; the old key stays current.
    pub async fn rotate_key(&self) -> crate::store::Result<u32> {
        let key = self.store.rotate_key().await?;
        self.keys_changed.notify_one();
        Ok(key)
    }

    async fn flush_room_positions(&self) {
        self.online.take_moved_rooms(|account, device, room, position| {
            self.positions.moved_in_room(account, device, room, position);
        });
        self.positions.flush_rooms(&*self.store).await;
    }

    async fn forget_devices(&self, forget_after: Duration) {
        let now = self.clock.now();
        // Who is connected is seen, however quiet.
        self.online.visit_devices(|account, device, position| {
            self.positions.moved(account, device, position, now);
        });
        self.positions.flush(&*self.store).await;
        match self.store.forget_devices(now.minus(forget_after)).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "forgot devices long unseen"),
            Err(error) => tracing::warn!(%error, "devices could not be forgotten"),
        }
    }
}

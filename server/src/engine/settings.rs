//! What an operator can tune in the engine. `config` fills it; nothing here reads files.

use std::time::Duration;

/// Settings of the engine.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Accounts, devices, tokens.
    pub accounts: AccountSettings,
    /// Cost of password hashes.
    pub passwords: PasswordSettings,
    /// Limits against guessing and mass registration.
    pub guessing: GuessingSettings,
    /// Messages and permission.
    pub messages: MessageSettings,
    /// Delivery to devices.
    pub delivery: DeliverySettings,
    /// Presence.
    pub presence: PresenceSettings,
    /// Rooms.
    pub rooms: RoomSettings,
    /// Who may read which profiles.
    pub profiles: ProfileSettings,
    /// Lists of people and rooms.
    pub listing: ListingSettings,
    /// Virtual rooms and their streams.
    pub virtual_rooms: VirtualRoomSettings,
    /// Files and pictures.
    pub files: FileSettings,
}

/// Accounts, devices, tokens.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// Whether `/tim2` registers accounts.
    pub registration: bool,
    /// Sessions per account, inclusive (wire-protocol 6.6).
    pub device_limit: usize,
    /// Sessions per account with the same `termtyp`, inclusive.
    pub device_type_limit: usize,
    /// A login beyond the limits replaces the oldest session only when the previous login is
    /// older than this; otherwise it is refused with 4111.
    pub relogin_interval: Duration,
    /// How long a login token is valid.
    pub token_lifetime: Duration,
    /// A device not seen for so long loses its inbox position.
    pub forget_devices_after: Duration,
    /// A web session unused for so long ends.
    pub session_lifetime: Duration,
    /// Longest login name, bytes of UTF-8.
    pub max_name_bytes: usize,
    /// Longest password, bytes of UTF-8.
    pub max_password_bytes: usize,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            registration: true,
            device_limit: 10,
            device_type_limit: 10,
            relogin_interval: Duration::from_secs(10),
            token_lifetime: Duration::from_secs(10),
            forget_devices_after: Duration::from_secs(90 * 24 * 3600),
            session_lifetime: Duration::from_secs(30 * 24 * 3600),
            max_name_bytes: 128,
            max_password_bytes: 256,
        }
    }
}

/// Argon2id parameters and the queue in front of it.
#[derive(Clone, Debug)]
pub struct PasswordSettings {
    /// Memory per hash in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Threads that hash; each has low priority. 0: half of the cores, at least one.
    pub threads: usize,
    /// Password checks that may wait; more are refused with 5104.
    pub queue: usize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            iterations: 2,
            parallelism: 1,
            threads: 0,
            queue: 512,
        }
    }
}

/// Failed attempts allowed: a bucket of `burst` that refills one attempt per `refill`.
#[derive(Clone, Copy, Debug)]
pub struct AttemptLimit {
    /// Attempts at once. 0 switches the limit off.
    pub burst: u32,
    /// Time until one more attempt is allowed.
    pub refill: Duration,
}

/// Limits against guessing and mass registration.
#[derive(Clone, Debug)]
pub struct GuessingSettings {
    /// Failed logins and token requests per address (IPv6: per /64).
    pub failures_per_address: AttemptLimit,
    /// Failed logins and token requests per account and address.
    pub failures_per_account: AttemptLimit,
    /// Registrations per address, successful or not.
    pub registrations_per_address: AttemptLimit,
}

impl Default for GuessingSettings {
    fn default() -> Self {
        Self {
            failures_per_address: AttemptLimit {
                burst: 60,
                refill: Duration::from_secs(5),
            },
            failures_per_account: AttemptLimit {
                burst: 10,
                refill: Duration::from_secs(30),
            },
            registrations_per_address: AttemptLimit {
                burst: 100,
                refill: Duration::from_secs(10),
            },
        }
    }
}

/// Messages and permission.
#[derive(Clone, Debug)]
pub struct MessageSettings {
    /// Only friends may write to each other. `false` is the original's `message_noauth`.
    pub require_friendship: bool,
    /// Let clients send business notices (odType 4) with the server's own codes 1..=30.
    pub allow_client_notices: bool,
    /// Ids of accounts and rooms come from elsewhere, so any node may be one.
    pub foreign_ids: bool,
    /// Messages waiting for the disk; more are refused with 5104.
    pub queue: usize,
    /// Largest number of messages made durable in one transaction.
    pub batch: usize,
    /// Largest page of history, in messages.
    pub history_page: usize,
    /// Largest page of history, in bytes of bodies.
    pub history_page_bytes: usize,
}

impl Default for MessageSettings {
    fn default() -> Self {
        Self {
            require_friendship: true,
            allow_client_notices: false,
            foreign_ids: false,
            queue: 16_384,
            batch: 1_024,
            history_page: 100,
            history_page_bytes: 4 << 20,
        }
    }
}

/// Delivery to devices (wire-protocol 4, 7.14).
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// How long an acknowledgement may take before the packet is repeated.
    pub ack_timeout: Duration,
    /// How often one packet is sent at most.
    pub attempts: u8,
    /// Packets on their way to one device without acknowledgement.
    pub window: usize,
    /// Bytes on their way to one device without acknowledgement; one packet may always be.
    pub window_bytes: usize,
    /// Messages in one offline list.
    pub offline_batch: usize,
    /// Encoded bytes of one offline list; one message may always be in it.
    pub offline_batch_bytes: usize,
    /// Offline lists on their way at a time.
    pub offline_window: usize,
    /// A device that has not asked for its offline queue after this time gets it unasked.
    pub backlog_grace: Duration,
    /// Packets that may wait for a slow connection before inbox entries are read back instead
    /// and volatile packets are dropped.
    pub outlet_packets: usize,
    /// The same in bytes.
    pub outlet_bytes: usize,
    /// How often device positions are written.
    pub position_interval: Duration,
    /// How often positions of devices in the logs of rooms are written.
    pub room_position_interval: Duration,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            ack_timeout: Duration::from_secs(10),
            attempts: 3,
            window: 256,
            window_bytes: 1 << 20,
            offline_batch: 10,
            offline_batch_bytes: 8 << 10,
            offline_window: 16,
            backlog_grace: Duration::from_secs(5),
            outlet_packets: 1_024,
            outlet_bytes: 1 << 20,
            position_interval: Duration::from_millis(250),
            room_position_interval: Duration::from_secs(5),
        }
    }
}

/// Presence (wire-protocol 7.5, 8.2).
#[derive(Clone, Debug)]
pub struct PresenceSettings {
    /// Presence may be sent to accounts that are not friends.
    pub to_strangers: bool,
    /// Friends are told when the last session of an account has ended. The original's
    /// `presence_offline_block`, inverted.
    pub offline_notices: bool,
    /// Addressees in one packet.
    pub max_list: usize,
    /// Largest presence, in bytes.
    pub max_bytes: usize,
    /// Presence to all friends that is delivered per second, counted by friends who are online.
    pub deliveries_per_second: u32,
    /// Accounts whose presence to all friends may wait for its turn; more is dropped.
    pub queue: usize,
}

impl Default for PresenceSettings {
    fn default() -> Self {
        Self {
            to_strangers: true,
            offline_notices: true,
            max_list: 1_000,
            max_bytes: 16 << 10,
            deliveries_per_second: 40_000,
            queue: 100_000,
        }
    }
}

/// Rooms.
#[derive(Clone, Debug)]
pub struct RoomSettings {
    /// Rooms an account may be a member of, and also rooms it may block.
    pub rooms_per_account: usize,
    /// Rooms an account may create.
    pub creations: AttemptLimit,
    /// Encoded bytes of one packet with a list of members; longer lists take several packets.
    pub list_bytes: usize,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            rooms_per_account: 1_000,
            creations: AttemptLimit {
                burst: 1_000,
                refill: Duration::from_secs(60),
            },
            list_bytes: 4 << 20,
        }
    }
}

/// Profiles.
#[derive(Clone, Debug)]
pub struct ProfileSettings {
    /// Only friends may read the profile of a user, not everybody of the domain.
    pub users_for_contacts_only: bool,
    /// Only members may read the profile of a room, not everybody of the domain.
    pub rooms_for_members_only: bool,
    /// Largest profile, in bytes of its compact form.
    pub max_bytes: usize,
}

impl Default for ProfileSettings {
    fn default() -> Self {
        Self {
            users_for_contacts_only: false,
            rooms_for_members_only: false,
            max_bytes: 64 << 10,
        }
    }
}

/// Lists of people and rooms for clients.
#[derive(Clone, Debug)]
pub struct ListingSettings {
    /// Everybody may list the people of the own domain.
    pub users: bool,
    /// Everybody may list the rooms of the own domain.
    pub rooms: bool,
}

impl Default for ListingSettings {
    fn default() -> Self {
        Self {
            users: false,
            rooms: true,
        }
    }
}

/// Virtual rooms and their streams (wire-protocol 7.12).
#[derive(Clone, Debug)]
pub struct VirtualRoomSettings {
    /// Virtual rooms that one account may own.
    pub per_account: usize,
    /// Virtual rooms that one session may listen to.
    pub subscriptions_per_session: usize,
    /// A virtual room without data for so long ends.
    pub expire_after: Duration,
    /// Bytes of chunks that may wait for a slow subscriber; more are dropped. One may always wait.
    pub waiting_bytes: usize,
    /// Chunks times subscribers that one virtual room may cause per second; its publisher is slowed down.
    pub deliveries_per_second: u32,
}

impl Default for VirtualRoomSettings {
    fn default() -> Self {
        Self {
            per_account: 100,
            subscriptions_per_session: 100,
            expire_after: Duration::from_secs(300),
            waiting_bytes: 2 << 20,
            deliveries_per_second: 200_000,
        }
    }
}

/// Files and pictures.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Bytes of all files of an account.
    pub bytes_per_account: u64,
    /// Files that may arrive at the same time.
    pub uploads: usize,
    /// Files of one account that may arrive at the same time.
    pub uploads_per_account: usize,
    /// A file that no message names for so long is deleted.
    pub unused_lifetime: Duration,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 30,
            bytes_per_account: 10 << 30,
            uploads: 32,
            uploads_per_account: 4,
            unused_lifetime: Duration::from_secs(24 * 3600),
        }
    }
}

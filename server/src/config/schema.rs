//! The list of all settings: name, type, default and explanation, each written once. The default
//! file, the environment variables and the error messages are made from it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::value::{
    ByteSize, FileStorage, LogFormat, Network, Operation, Origin, RawValue, RoomReaders, Secret, StorageKind,
    UserReaders, Value,
};

/// Description of one setting.
#[derive(Debug)]
pub struct Key {
    /// Table of the file it stands in.
    pub section: &'static str,
    /// Name inside the table.
    pub name: &'static str,
    /// Explanation, one line each.
    pub doc: &'static [&'static str],
    /// Values it may have.
    pub allowed: &'static str,
}

impl Key {
    /// Name of the environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("TIM_{}_{}", self.section, self.name).to_ascii_uppercase()
    }
}

/// Description of a table of the file.
#[derive(Debug)]
pub struct Section {
    /// Name of the table.
    pub name: &'static str,
    /// Explanation, one line each.
    pub doc: &'static [&'static str],
}

macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident {
            $( $(#[doc = $doc:literal])+ $key:ident: $type:ty = $default:expr; )+
        }
    )+) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $Section { $( $(#[doc = $doc])+ pub $key: $type, )+ }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $( $key: $default, )+ }
                }
            }
        )+

        /// All settings of a server. [`Default`] gives the values of the default file.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Config { $( $(#[doc = $section_doc])+ pub $section: $Section, )+ }

        /// Tables of the file, in the order they are written.
        pub const SECTIONS: &[Section] =
            &[$( Section { name: stringify!($section), doc: &[$($section_doc),+] } ),+];

        /// All settings, in the order they are written.
        pub const KEYS: &[Key] = &[$($( Key {
            section: stringify!($section),
            name: stringify!($key),
            doc: &[$($doc),+],
            allowed: <$type as Value>::ALLOWED,
        } ),+),+];

        impl Config {
            /// Sets one value from its written form.
            pub(super) fn set(&mut self, key: &Key, raw: &RawValue) -> Result<(), String> {
                match (key.section, key.name) {
                    $($( (stringify!($section), stringify!($key)) => {
                        self.$section.$key = Value::parse_raw(raw)?;
                        Ok(())
                    } )+)+
                    _ => Err("no such setting".to_owned()),
                }
            }

            /// One value in TOML syntax.
            #[must_use]
            pub fn show(&self, key: &Key) -> String {
                match (key.section, key.name) {
                    $($( (stringify!($section), stringify!($key)) => self.$section.$key.to_toml(), )+)+
                    _ => String::new(),
                }
            }
        }
    };
}

settings! {
    /// Where clients connect. One port serves WebSocket sessions (/tim and /), registration and
    /// tokens (/tim2) and a health check (/healthz).
    listen: Listen {
        /// Address and port of the client listener.
        client: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 20_003);
        /// Web origins that may connect. Empty: every origin may, also clients that send none.
        /// Otherwise a connection without an origin of this list is refused with status 403; pages of these
        /// origins may also use the HTTP API for browsers. The address of the own page has to be among them.
        origins: Vec<Origin> = Vec::new();
        /// Reverse proxies whose X-Forwarded-For header tells the address of the client.
        trusted_proxies: Vec<Network> = Vec::new();
        /// Time for the TLS handshake, for the head of a request and for its body, each.
        handshake_timeout: Duration = Duration::from_secs(10);
        /// Connections that wait in the operating system to be accepted.
        backlog: u32 = 4_096;
    }

    /// TLS. Without a certificate the listener speaks plain HTTP and WebSocket. The server refuses to
    /// start when the files cannot be used; SIGHUP reads them again.
    tls: Tls {
        /// Certificate chain, PEM, the certificate of the server first.
        certificate: Option<PathBuf> = None;
        /// Private key of the certificate, PEM (PKCS #8, PKCS #1 or SEC1).
        key: Option<PathBuf> = None;
    }

    /// Where messages and accounts are kept.
    storage: Storage {
        /// Kind of storage. "memory" forgets everything when the server stops.
        kind: StorageKind = StorageKind::Sqlite;
        /// Data directory: database, keys. Created with access for its owner only.
        path: PathBuf = PathBuf::from("tim-data");
    }

    /// The master key, which protects the keys that encrypt the database. Without it nothing can be
    /// read: back it up apart from the data. The environment variable TIM_MASTER_KEY (32 bytes
    /// in hex or base64) has precedence over both settings.
    keys: Keys {
        /// File with the master key. "": "master.key" in the data directory, made on first start.
        master_file: Option<PathBuf> = None;
        /// Program and arguments, separated by commas, whose output is the master key. Empty: none.
        master_command: Vec<String> = Vec::new();
    }

    /// Cost of password hashes (Argon2id), which is also the cost of trying out stolen ones.
    passwords: Passwords {
        /// Memory per hash, in KiB.
        memory_kib: u32 = 19_456;
        /// Passes over that memory.
        iterations: u32 = 2;
        /// Lanes.
        parallelism: u32 = 1;
        /// Threads that compute hashes, at low priority. 0: half of the processor cores, at least one.
        threads: usize = 0;
        /// Logins and registrations that may wait for a hash; more are refused as overload.
        queue: usize = 512;
    }

    /// Accounts and their devices.
    accounts: Accounts {
        /// Whether people may register themselves over /tim2.
        registration: bool = true;
        /// Longest login name, in bytes.
        max_name_bytes: usize = 128;
        /// Longest password, in bytes.
        max_password_bytes: usize = 256;
        /// Devices of one account that may be online at the same time.
        device_limit: usize = 10;
        /// Devices of one account and of one type (termtyp) that may be online at the same time.
        device_type_limit: usize = 10;
        /// When all places are taken, a new login replaces the oldest device if the last login is
        /// longer ago than this; otherwise the new login is refused.
        relogin_interval: Duration = Duration::from_secs(10);
        /// How long a login token can be used.
        token_lifetime: Duration = Duration::from_secs(10);
        /// A device not seen for this time no longer holds messages back for itself.
        forget_devices_after: Duration = Duration::from_secs(90 * 86_400);
    }

    /// Limits against abuse and overload.
    limits: Limits {
        /// Sockets open at the same time, logged in or not.
        connections: usize = 100_000;
        /// Sockets of one address that are not logged in, also all of browsers but their WebSocket: a page uses up to
        /// six for some seconds. IPv6 addresses count by /64 network.
        unauthenticated_per_address: usize = 512;
        /// Connections per second of one address, and as many at once; more are closed. 0: no limit.
        connections_per_second_per_address: u32 = 1_000;
        /// Time from connecting to a successful login.
        login_timeout: Duration = Duration::from_secs(5);
        /// A session is closed when nothing arrived for this time.
        ping_timeout: Duration = Duration::from_secs(600);
        /// A connection is closed when its client takes nothing off the socket for this time.
        write_timeout: Duration = Duration::from_secs(30);
        /// Bytes per second that a request or an answer over HTTP, such as a file, has to move on average over
        /// write_timeout, while the server waits for the client. 0: no limit.
        transfer_bytes_per_second: u32 = 1_024;
        /// Largest packet of a client that is logged in.
        max_packet: ByteSize = ByteSize(1 << 20);
        /// Largest packet of big data (types 95 to 97), in one piece or several.
        big_data_bytes: ByteSize = ByteSize(8 << 20);
        /// Bytes of unfinished packets above max_packet that all connections may hold together; more are
        /// refused as overload.
        big_data_total_bytes: ByteSize = ByteSize(256 << 20);
        /// Largest packet before login, and largest body of a request to /tim2.
        max_login_packet: ByteSize = ByteSize::kib(64);
        /// Packets per second that one connection may send, and as many at once; acknowledgements are
        /// free. A connection that sends more is closed. 0: no limit.
        packets_per_second: u32 = 5_000;
        /// Packets per second that all connections of one account may send together. They are slowed
        /// down; only what they send beyond that is refused. What makes more work counts as more packets: a
        /// presence packet with a list as one more for every 4 addressees, a request for profiles as one more
        /// for every 16, a message to a room as one more for every 64 who listen. 0: no limit.
        packets_per_second_per_account: u32 = 10_000;
        /// Requests of one connection that may wait behind a running one before no more are read.
        waiting_packets: usize = 64;
        /// Bytes of them.
        waiting_bytes: ByteSize = ByteSize::kib(256);
        /// Bytes that may wait to be sent to a slow client before no more requests of it are read.
        outgoing_bytes: ByteSize = ByteSize(1 << 20);
        /// Messages of one connection that may wait for the disk before no more are read.
        unanswered_sends: usize = 256;
        /// Failed logins and token requests for one account from one address before further ones are
        /// refused. 0: no limit.
        failures_per_account: u32 = 10;
        /// Time until one more such failure is allowed.
        failures_per_account_refill: Duration = Duration::from_secs(30);
        /// Failed logins and token requests from one address before further ones are refused. 0: no limit.
        failures_per_address: u32 = 60;
        /// Time until one more such failure is allowed.
        failures_per_address_refill: Duration = Duration::from_secs(5);
        /// Registrations from one address before further ones are refused. 0: no limit.
        registrations_per_address: u32 = 100;
        /// Time until one more registration is allowed.
        registrations_per_address_refill: Duration = Duration::from_secs(10);
    }

    /// What clients may ask for.
    operations: Operations {
        /// Operations that are switched off, by the names of their packets. They are dropped without
        /// an answer, those of /tim2 are answered with status 403.
        disabled: Vec<Operation> = Vec::new();
    }

    /// Messages and permission.
    messages: Messages {
        /// Only friends may write to each other.
        require_friendship: bool = true;
        /// Let clients send business notices with the numbers of the server's own (1 to 30).
        allow_client_notices: bool = false;
        /// Messages that may wait for the disk; more are refused as overload.
        queue: usize = 16_384;
        /// Largest number of messages made durable in one transaction.
        batch: usize = 1_024;
        /// Largest page of history, in messages.
        history_page: usize = 100;
        /// Largest page of history, in bytes.
        history_page_bytes: ByteSize = ByteSize(4 << 20);
    }

    /// Rooms.
    rooms: Rooms {
        /// Rooms an account may be a member of or ask to join; as many it may block. Others may add it
        /// unasked to half as many.
        per_account: usize = 1_000;
        /// Rooms an account may create before it has to wait. 0: no limit.
        creations: u32 = 1_000;
        /// Time until one more may be created.
        creations_refill: Duration = Duration::from_secs(60);
        /// Largest packet of a list of members. Longer lists take several packets.
        list_bytes: ByteSize = ByteSize(4 << 20);
    }

    /// Profiles of users and rooms.
    profiles: Profiles {
        /// Who may read profiles of users: "anyone" (everybody of the same domain) or "contacts" (friends).
        users: UserReaders = UserReaders::Anyone;
        /// Who may read profiles of rooms: "anyone" (everybody of the same domain) or "members".
        rooms: RoomReaders = RoomReaders::Anyone;
        /// Largest profile.
        max_bytes: ByteSize = ByteSize::kib(64);
    }

    /// Lists of people and rooms for the client API (docs/web-api.md). They show nobody whose profile may not be
    /// read, see profiles.
    directory: Directory {
        /// Everybody may list the people of the own domain. Without it people are found only by their login name.
        users: bool = false;
        /// Everybody may list the rooms of the own domain, to join them or ask to.
        rooms: bool = true;
    }

    /// Delivery of messages.
    delivery: Delivery {
        /// How long a client has to acknowledge a delivery before it is repeated.
        ack_timeout: Duration = Duration::from_secs(10);
        /// How often a message is sent to a device before it stays in the inbox.
        attempts: u32 = 3;
        /// Deliveries to one device that may be unacknowledged at the same time.
        window: usize = 256;
        /// Bytes of them; one message may always be on its way.
        window_bytes: ByteSize = ByteSize(1 << 20);
        /// Messages in one packet of the offline queue.
        offline_batch: usize = 10;
        /// Bytes in one packet of the offline queue; one message may always be in it. Published Java clients
        /// disconnect on packets above 8 KiB.
        offline_batch_bytes: ByteSize = ByteSize::kib(8);
        /// Packets of the offline queue that may be unacknowledged at the same time.
        offline_window: usize = 16;
        /// A device that has not asked for its offline queue after this time gets it unasked.
        backlog_grace: Duration = Duration::from_secs(5);
        /// Packets that may wait for a slow connection. Beyond that, stored messages are read back later
        /// and live data is dropped.
        outlet_packets: usize = 1_024;
        /// Bytes of them; one packet may always wait.
        outlet_bytes: ByteSize = ByteSize(1 << 20);
        /// How often the progress of devices is written to the database.
        position_interval: Duration = Duration::from_millis(250);
        /// How often acknowledged positions in rooms are stored. One message to a large room moves
        /// thousands of them; what a crash forgets is delivered again.
        room_position_interval: Duration = Duration::from_secs(5);
    }

    /// Presence: who is there and what they say of themselves. Never stored.
    presence: Presence {
        /// Presence may be sent to accounts that are not friends. Blocks count always.
        to_strangers: bool = true;
        /// Tell the friends of an account when its last device has gone.
        offline_notices: bool = true;
        /// Addressees of one packet.
        max_list: usize = 1_000;
        /// Largest presence.
        max_bytes: ByteSize = ByteSize::kib(16);
        /// Presence to all friends that is delivered per second, in all; the rest waits. Bounds what a
        /// storm of logins may cost.
        deliveries_per_second: u32 = 40_000;
        /// Accounts whose presence to all friends may wait; more is dropped. Only the newest of each waits.
        queue: usize = 100_000;
    }

    /// Virtual rooms: channels for streams. Nothing of them is stored.
    virtual_rooms: VirtualRooms {
        /// Virtual rooms that one account may own at the same time.
        per_account: usize = 100;
        /// Virtual rooms that one connection may be subscribed to at the same time.
        subscriptions_per_session: usize = 100;
        /// A virtual room in which nothing is published for this time ends.
        expire_after: Duration = Duration::from_secs(300);
        /// Bytes of a stream that may wait for a slow subscriber; more is dropped. One chunk may always wait.
        waiting_bytes: ByteSize = ByteSize(2 << 20);
        /// Chunks times subscribers that one virtual room may cause per second. Whoever publishes more is
        /// slowed down.
        deliveries_per_second: u32 = 200_000;
    }

    /// What browsers need beside their WebSocket: docs/web-api.md.
    web: Web {
        /// Serve the page at / and what it needs under /client.
        enabled: bool = true;
        /// Folder with the page instead of the one in the program: with the file web.bundle that "cargo xtask web"
        /// writes, or with the files themselves. They are read at start. "": the one in the program, if there is one.
        directory: Option<PathBuf> = None;
        /// A login that a browser remembers ends when it was not used for this time.
        session_lifetime: Duration = Duration::from_secs(30 * 86_400);
    }

    /// Files in messages, and pictures of profiles and rooms: docs/files.md. Their bytes are encrypted before
    /// they are kept.
    files: Files {
        /// Where the bytes are: "directory", "s3", "memory" (only with storage.kind = "memory"), or "off" for a
        /// server without files. With storage.kind = "memory", "directory" means "off".
        storage: FileStorage = FileStorage::Directory;
        /// The folder for "directory". "": "files" in the data directory.
        path: Option<PathBuf> = None;
        /// Largest file.
        max_bytes: ByteSize = ByteSize(1 << 30);
        /// Bytes of all files that an account may have; recalled and deleted ones do not count.
        bytes_per_account: ByteSize = ByteSize(10 << 30);
        /// Files that may arrive at the same time. Each takes up to 3MiB of memory, with "s3" up to 15MiB.
        uploads: usize = 32;
        /// Files of one account that may arrive at the same time.
        uploads_per_account: usize = 4;
        /// A file that no message names for this time is deleted.
        unused_lifetime: Duration = Duration::from_secs(24 * 3_600);
        /// Address of the service for "s3", without the bucket.
        s3_endpoint: String = String::new();
        /// Its bucket, which has to exist.
        s3_bucket: String = String::new();
        /// The region that requests are signed for.
        s3_region: String = "us-east-1".to_owned();
        /// What the names of all objects begin with.
        s3_prefix: String = String::new();
        /// Access key.
        s3_access_key: String = String::new();
        /// Secret key. TIM_FILES_S3_SECRET_KEY keeps it out of this file.
        s3_secret_key: Secret = Secret::default();
        /// File with the secret key in its first line. "": none.
        s3_secret_key_file: Option<PathBuf> = None;
        /// Whether s3_endpoint may begin with http://. Nobody can read the files then either, but see which
        /// are fetched, and the bucket can be changed by whoever is on the way.
        s3_allow_http: bool = false;
        /// Whether the bucket is a part of the host name (bucket.host) and not of the path (host/bucket).
        s3_bucket_in_host: bool = false;
    }

    /// Accounts, friendships and rooms that are kept outside this server: docs/external-accounts.md.
    external: External {
        /// A service that every login is POSTed to as JSON, with the password. Only when the first byte of its
        /// answer is 1 the login goes on; otherwise the connection is closed. "": no such check.
        check_url: String = String::new();
        /// A service that is asked about accounts, friendships and rooms. "": none.
        api_url: String = String::new();
        /// Sent to both services in the header "Authorization: Bearer". "": no such header.
        http_secret: Secret = Secret::default();
        /// A database that is asked about accounts, friendships and rooms: postgres://user:password@host/name,
        /// mysql://user:password@host/name or sqlite:///path/of/file. "": none.
        database_url: Secret = Secret::default();
        /// Name and password to account, for logins: SELECT id FROM users WHERE name = ? AND ...
        login_sql: String = String::new();
        /// The same for tokens. "": as login_sql.
        token_sql: String = String::new();
        /// Account to 1 when it exists. "": every account does.
        user_exists_sql: String = String::new();
        /// Sender and receiver to 1 when the one may write to the other. "": everybody may.
        user_permission_sql: String = String::new();
        /// Room to 1 when it exists. "": every room does.
        room_exists_sql: String = String::new();
        /// Room and account to 1 when the account may read and write there. "": everybody may.
        room_permission_sql: String = String::new();
        /// Account to the accounts of its friends. "": nobody has friends to list.
        friends_sql: String = String::new();
        /// Account to its rooms, for those it is to hear from. "": nobody keeps such a list; an account then
        /// hears from a room once it has written there, until room_permission_sql no longer allows it.
        user_rooms_sql: String = String::new();
        /// Room to the accounts of its members. "": none.
        room_members_sql: String = String::new();
        /// Everybody may write to every account, whether this server knows it or not. Only personal blocks count.
        trust_all: bool = false;
        /// The name given at login is the account and no password is checked. Only with storage.kind = "memory",
        /// or with check_url, which then has to check everything.
        accept_any: bool = false;
        /// How long an answer about existence or permission is used again. 0s: every time a new question.
        remember_answers: Duration = Duration::from_secs(10);
        /// How often the rooms of everybody online are asked for again (without user_rooms_sql: whether each room
        /// that is known still allows the account), so that who was removed outside gets nothing more and who was
        /// added hears the room. 0s: never, only at login, when the list of rooms is asked for, and when the account
        /// itself writes.
        refresh_rooms: Duration = Duration::from_secs(60);
        /// How long an answer may take. Logins wait for it, so it should be less than half of limits.login_timeout.
        timeout: Duration = Duration::from_secs(2);
        /// Connections to the database, and calls of each service, at the same time.
        connections: usize = 8;
        /// Longest list of friends, rooms or members that is taken.
        list_limit: usize = 10_000;
    }

    /// The management API with its document, figures and health checks, on a listener of its own: docs/admin-api.md.
    admin: Admin {
        /// Serve it.
        enabled: bool = false;
        /// Address and port of the management listener. It uses the certificate of the client listener, if there
        /// is one.
        listen: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 20_002);
        /// Sockets open at the same time.
        connections: usize = 1_000;
        /// A login ends when it was not used for this time.
        session_idle: Duration = Duration::from_secs(3_600);
        /// And after this time in any case.
        session_lifetime: Duration = Duration::from_secs(12 * 3_600);
        /// Accounts per second that one system message or presence to many is delivered to.
        deliveries_per_second: u32 = 5_000;
        /// Let everybody who reaches the listener read /metrics.
        open_metrics: bool = false;
    }

    /// Running the process.
    process: Process {
        /// Threads that serve connections. 0: as many as processor cores.
        workers: usize = 0;
        /// How long a stopping server finishes requests and sends what is waiting.
        shutdown_timeout: Duration = Duration::from_secs(10);
    }

    /// Log output, on standard error. Logs never contain passwords, tokens, keys or message text.
    log: Log {
        /// error, warn, info, debug, trace, or a filter such as "info,tim_server::gateway=debug".
        level: String = "info".to_owned();
        /// "human" or "json" (one object per line).
        format: LogFormat = LogFormat::Human;
    }
}

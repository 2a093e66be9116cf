//! Durable state: accounts, contacts, conversations, inboxes, keys.
//!
//! [`Store`] is a trait of domain operations; only the back ends below know SQL. Each operation
//! is one transaction: it happens completely or not at all, and when it returns `Ok` its effect
//! survives `kill -9` and power loss (the in-memory back end, for no-database mode, excepted).
//! Bodies are encrypted here, below the trait, so that no caller can forget it.

pub mod administration;
mod cache;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod encryption;
pub mod files;
pub mod ids;
pub mod keys;
mod memory;
pub mod record;
pub mod shard;
pub mod sqlite;

use async_trait::async_trait;
use bytes::Bytes;

pub use administration::{
    AccountEntry, AccountOrder, AccountQuery, AdminStore, AuditEntry, RecordKind, StoreLoad, Totals,
};
pub use files::{FileContent, FileId, FilePlace, FileState, NewFile, StoredFile};
pub use ids::{AccountId, ConversationId, DeviceKey, Mid, RoomId, Seq, SessionHash, Slot, Timestamp};
pub use keys::{InstallationKey, KeyError, MasterKey, MasterKeySource};
pub use memory::MemoryStore;
pub use record::{
    Account, Advance, Append, Appended, ContactChange, ContactLists, ContactState, Contacts, Dissolved,
    Duplicate, FirstWaiting, InboxCopy, InboxItem, InboxState, LoginToken, Membership, MembershipChange,
    MembershipChanged, NewAccount, NewRoom, Retract, Retracted, Room, RoomAdvance, RoomKind, RoomLists,
    RoomPosition, RoomUpdate, StoredMessage, UpperBound, UserProfile, WebSession,
};
pub use sqlite::{OpenError, SqliteOptions, SqliteStore};

/// Why an operation of the store failed. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database refused or could not be reached: disk full, read-only, I/O error, broken file.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// A record could not be decrypted or decoded: it was damaged, swapped or the key is missing.
    #[error("damaged record in {table}: {reason}")]
    Damaged {
        /// Table of the record.
        table: &'static str,
        /// What did not fit. Never contains stored content.
        reason: String,
    },
    /// Too much work is waiting already; nothing was queued.
    #[error("the store is overloaded")]
    Overloaded,
}

/// Why an account could not be created.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CreateAccountError {
    /// An account with this id exists.
    #[error("the account exists")]
    Exists,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Devices of one account that have an inbox position.
pub const MAX_DEVICES: usize = 64;

/// Web sessions of one account; beyond that the one unused for longest ends.
pub const MAX_WEB_SESSIONS: usize = 64;

/// Result of an operation of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Domain operations that a back end provides. The conformance suite in
/// [`conformance`](self) states what each must do, and every back end runs it.
///
/// Cancellation: dropping a returned future never leaves half an operation behind; whether the
/// operation took place is then unknown to the caller.
#[async_trait]
pub trait Store: AdminStore + Send + Sync + 'static {
    // ---- accounts -------------------------------------------------------------------------

    /// Creates an account. Two concurrent calls for one id: exactly one succeeds.
    async fn create_account(&self, account: NewAccount) -> Result<(), CreateAccountError>;

    /// Reads an account, `None` when there is none.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>>;

    /// Replaces the password hash. `false` when there is no such account.
    async fn set_password(&self, id: &AccountId, hash: String) -> Result<bool>;

    /// Suspends an account until the given time, or lifts the suspension. `false` when there is none.
    async fn set_suspension(&self, id: &AccountId, until: Option<Timestamp>) -> Result<bool>;

    /// Stores a login token (only its hash arrives here).
    async fn put_token(&self, token: LoginToken) -> Result<()>;

    /// Removes and returns a token: of two concurrent calls one gets it. Expired tokens
    /// (`expires <= now`) are removed and not returned.
    async fn take_token(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<LoginToken>>;

    // ---- web sessions ---------------------------------------------------------------------

    /// Stores a session. An account has at most [`MAX_WEB_SESSIONS`]: those unused for longest end.
    async fn put_session(&self, session: WebSession) -> Result<()>;

    /// Reads a session, `None` when there is none.
    async fn session(&self, hash: &SessionHash) -> Result<Option<WebSession>>;

    /// Moves the last use of a session forward; an earlier time changes nothing. `false` when there
    /// is no such session.
    async fn use_session(&self, hash: &SessionHash, used: Timestamp) -> Result<bool>;

    /// Ends a session. `false` when there is none.
    async fn end_session(&self, hash: &SessionHash) -> Result<bool>;

    /// Ends the sessions of an account except some; answers which.
    async fn end_sessions(&self, account: &AccountId, except: &[SessionHash]) -> Result<Vec<SessionHash>>;

    /// Ends all sessions last used before a time; answers how many.
    async fn forget_sessions(&self, before: Timestamp) -> Result<u64>;

    // ---- lists of a domain ----------------------------------------------------------------

    /// Accounts of a domain with an id above `after` that are not suspended at `now`, sorted by id,
    /// at most `limit`.
    async fn accounts_of(
        &self,
        domain: &str,
        now: Timestamp,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>>;

    /// Rooms of a domain with an id above `after` that are not dissolved, sorted by id, at most `limit`.
    async fn rooms_of(&self, domain: &str, after: Option<&RoomId>, limit: usize) -> Result<Vec<RoomId>>;

    // ---- contacts (friends and blocks) ----------------------------------------------------

    /// Both directions of the relation of two accounts. `ContactState::None` twice when there is none.
    async fn contacts(&self, owner: &AccountId, peer: &AccountId) -> Result<Contacts>;

    /// Replaces both directions if they still are what the caller saw, and appends the notices to
    /// the inboxes of their owners, all in one transaction. Answers the inbox numbers of the
    /// notices, or `None` when the relation had changed meanwhile (nothing is written then).
    async fn change_contacts(&self, change: ContactChange) -> Result<Option<Vec<Seq>>>;

    /// Friends and blocked accounts of `owner`, each sorted by id.
    async fn contact_lists(&self, owner: &AccountId) -> Result<ContactLists>;

    // ---- conversations --------------------------------------------------------------------

    /// Appends messages to their conversations and references to the inboxes named, in the given
    /// order, in one transaction. Numbers (`mid`, `seq`) are dense and are given in batch order.
    /// A message whose `(sender, client_id)` is stored in its conversation already is not stored
    /// again: the outcome tells the original. A message that names a file is only stored together
    /// with the note that it does; a file is named by one message, of its uploader and in its
    /// conversation. The outer error: nothing of the batch was written.
    async fn append(&self, batch: Vec<Append>) -> Result<Vec<Appended>>;

    /// At most `limit` messages and, after the first, at most `max_bytes` of bodies, newest first,
    /// recalled ones left out. Damaged messages are left out, logged and counted.
    async fn history(
        &self,
        conversation: &ConversationId,
        upper: UpperBound,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredMessage>>;

    /// Deletes the body of a message written by `author` (the number stays used) and appends the
    /// notices to the inboxes of their owners, in one transaction. A file that it names is deleted with it.
    async fn retract(&self, retract: Retract) -> Result<Retracted>;

    // ---- inboxes --------------------------------------------------------------------------

    /// Appends entries to inboxes; answers their numbers in order.
    async fn append_inbox(&self, entries: Vec<InboxItem>) -> Result<Vec<Seq>>;

    /// Newest number of an inbox and the positions of the devices of its owner.
    async fn inbox_state(&self, owner: &AccountId) -> Result<InboxState>;

    /// Entries with a number above `after`, ascending; at most `limit` entries and, after the
    /// first, at most `max_bytes` of bodies. References are resolved; an entry whose message was
    /// recalled or is damaged has no body (the caller skips it).
    async fn read_inbox(
        &self,
        owner: &AccountId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<InboxCopy>>;

    /// Looks among the next `limit` entries of an inbox above `after` for the first one that refers to a
    /// conversation.
    async fn first_waiting(
        &self,
        owner: &AccountId,
        after: Seq,
        conversation: &ConversationId,
        limit: usize,
    ) -> Result<FirstWaiting>;

    /// Moves device positions forward (a smaller position than the stored one changes nothing),
    /// creates devices not known yet, and deletes the entries that every device of the owner has
    /// passed. Many owners, one transaction. An account has at most [`MAX_DEVICES`] devices: the
    /// one unseen for longest is forgotten in favour of a new one.
    async fn advance(&self, advances: Vec<Advance>) -> Result<()>;

    /// Forgets devices not seen since `before`; answers how many. Never moves the start position
    /// of a future new device backwards.
    async fn forget_devices(&self, before: Timestamp) -> Result<u64>;

    // ---- profiles -------------------------------------------------------------------------

    /// Replaces the profile of an account (compact `TimUserBean`). `false` when there is none.
    async fn set_user_profile(&self, id: &AccountId, profile: Bytes) -> Result<bool>;

    /// Reads profiles in the order asked for; `None` for an account that does not exist. A
    /// damaged profile reads as never set, is logged and counted.
    async fn user_profiles(&self, ids: &[AccountId]) -> Result<Vec<Option<UserProfile>>>;

    // ---- rooms ----------------------------------------------------------------------------

    /// Creates a room with its founder as member. `false` when the id is taken.
    async fn create_room(&self, room: NewRoom) -> Result<bool>;

    /// Reads a room, also a dissolved one; `None` when there is none.
    async fn room(&self, id: &RoomId) -> Result<Option<Room>>;

    /// Changes a room's record and answers it. `None` when there is no such room, it is
    /// dissolved, or its version is not the expected one (nothing is written then).
    async fn update_room(&self, update: RoomUpdate) -> Result<Option<Room>>;

    /// Dissolves a room whose only member is its founder, and removes that membership.
    async fn dissolve_room(&self, id: &RoomId) -> Result<Dissolved>;

    /// What a room and an account think of each other; `None` twice when there is nothing.
    async fn membership(&self, room: &RoomId, account: &AccountId) -> Result<Membership>;

    /// Replaces the relation of a room and an account if it still is what the caller saw, and
    /// appends the notices to inboxes, in one transaction. Whoever ceases to be a member also
    /// ceases to be a manager (the room's version rises), and loses the positions of its devices.
    async fn change_membership(&self, change: MembershipChange) -> Result<MembershipChanged>;

    /// Members of a room with an id above `after`, sorted by id, at most `limit`.
    async fn room_members(
        &self,
        room: &RoomId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>>;

    /// Accounts a room blocks, with an id above `after`, sorted by id, at most `limit`.
    async fn room_blocks(
        &self,
        room: &RoomId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>>;

    /// Rooms an account is a member of, and rooms it blocks.
    async fn room_lists(&self, account: &AccountId) -> Result<RoomLists>;

    // ---- logs of rooms --------------------------------------------------------------------

    /// Entries of the log of a conversation with a number above `after`, ascending; bounded like
    /// [`Store::read_inbox`]. The log holds the messages of the conversation in `mid` order and
    /// between them the packets that [`Retract::log`] and [`Store::append_log`] put in. Retracted and damaged ones have no
    /// body.
    async fn read_log(
        &self,
        conversation: &ConversationId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<InboxCopy>>;

    /// Appends packets (compact `TimMessage`) to the logs of conversations, in the given order and
    /// in one transaction; answers their numbers. They take no `mid` and are not in the history.
    async fn append_log(&self, packets: Vec<(ConversationId, Bytes)>) -> Result<Vec<Seq>>;

    /// Where a device stands in the logs of all rooms its account is a member of. A device the
    /// store does not know starts where the furthest device of the account is, and stays there
    /// when [`Store::advance`] makes it known; a known device without a position of its own starts
    /// where the account joined.
    async fn room_positions(&self, owner: &AccountId, device: &DeviceKey) -> Result<Vec<RoomPosition>>;

    /// Moves positions in logs of rooms forward. Those of accounts that are not members, or of
    /// devices the store does not know, are left out. Thousands at once are stored in several
    /// transactions, so that others can write in between: after an error some may be stored.
    async fn advance_rooms(&self, advances: Vec<RoomAdvance>) -> Result<()>;

    // ---- files ----------------------------------------------------------------------------

    /// Notes a file before its first byte arrives, and answers its name; `None` when it would be more than the
    /// uploader may have. Until [`Store::finish_file`] nobody sees it.
    async fn begin_file(&self, file: NewFile) -> Result<Option<FileId>>;

    /// All of a file has arrived and is kept. `false` when it was deleted meanwhile.
    async fn finish_file(&self, id: &FileId, content: FileContent) -> Result<bool>;

    /// A file that has arrived and is not deleted.
    async fn file(&self, id: &FileId) -> Result<Option<StoredFile>>;

    /// Deletes a file of this uploader that no message names. `false` when there is no such one.
    async fn delete_file(&self, id: &FileId, uploader: &AccountId) -> Result<bool>;

    /// Puts a picture that has arrived into use, beside those before it. `false` when there is no such one.
    async fn use_picture(&self, id: &FileId) -> Result<bool>;

    /// Deletes all pictures in use of the same profile but this one.
    async fn retire_pictures(&self, keep: &FileId) -> Result<()>;

    /// Deletes up to `limit` files that arrived before a time and that no message names; answers how many.
    async fn expire_files(&self, before: Timestamp, limit: usize) -> Result<u64>;

    /// Deletes all files that were arriving. To be called before the first one arrives, by whoever alone
    /// receives files; answers how many.
    async fn abandon_files(&self) -> Result<u64>;

    /// Up to `limit` deleted files whose bytes may still be there.
    async fn deleted_files(&self, limit: usize) -> Result<Vec<FileId>>;

    /// Forgets deleted files whose bytes are gone.
    async fn forget_files(&self, ids: Vec<FileId>) -> Result<()>;

    /// Which of these files are not known at all, not even as deleted.
    async fn unknown_files(&self, ids: Vec<FileId>) -> Result<Vec<FileId>>;

    // ---- keys -----------------------------------------------------------------------------

    /// Makes a new data key the current one; later writes use it. Answers its number.
    async fn rotate_key(&self) -> Result<u32>;

    /// Re-encrypts up to `limit` records that use an older key than the current one; answers how
    /// many it did. 0: nothing is left, and unused older keys were removed.
    async fn reencrypt(&self, limit: usize) -> Result<u64>;

    /// Writes everything to the database file and closes it. Later calls fail with `Unavailable`.
    async fn close(&self);
}

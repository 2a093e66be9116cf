//! The records that go in and out of a store. Bodies are plain here and encrypted below.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::files::FileId;
use super::ids::{AccountId, ConversationId, DeviceKey, Mid, RoomId, Seq, SessionHash, Timestamp};

/// An account to be created.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Id derived from domain and name.
    pub id: AccountId,
    /// Tenant; empty for the default domain.
    pub domain: String,
    /// Argon2id hash in PHC string form.
    pub password_hash: String,
    /// Time of registration.
    pub created: Timestamp,
}

/// A stored account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Tenant; empty for the default domain.
    pub domain: String,
    /// Argon2id hash in PHC string form.
    pub password_hash: String,
    /// Time of registration.
    pub created: Timestamp,
    /// Login is refused before this time.
    pub suspended_until: Option<Timestamp>,
}

/// A single-use login token. `extend` is stored encrypted.
#[derive(Clone, Debug, PartialEq)]
pub struct LoginToken {
    /// SHA-256 of the token text.
    pub hash: [u8; 32],
    /// Account that may log in with it.
    pub account: AccountId,
    /// Application fields that the session gets.
    pub extend: Option<BTreeMap<String, String>>,
    /// The web session it was made from; it is worth nothing without it.
    pub session: Option<SessionHash>,
    /// It is refused from this time on.
    pub expires: Timestamp,
}

/// A login that outlives the WebSocket connection, so that a browser needs no password again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSession {
    /// Names it; only who knows the secret behind it can use it.
    pub hash: SessionHash,
    /// Whose it is.
    pub account: AccountId,
    /// Whether the browser keeps it when it is closed.
    pub remembered: bool,
    /// When it began.
    pub created: Timestamp,
    /// When it was used last, to the hour.
    pub used: Timestamp,
}

/// What one account thinks of another (wire-protocol 10.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ContactState {
    /// Nothing.
    #[default]
    None,
    /// Wants or accepts to be friends.
    Wants,
    /// Blocks.
    Blocks,
}

/// Both directions of a relation, seen from its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Contacts {
    /// What the owner thinks of the peer.
    pub own: ContactState,
    /// What the peer thinks of the owner.
    pub peer: ContactState,
}

impl Contacts {
    /// Friends: both want it.
    #[must_use]
    pub fn are_friends(self) -> bool {
        self.own == ContactState::Wants && self.peer == ContactState::Wants
    }

    /// The same relation seen from the peer.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            own: self.peer,
            peer: self.own,
        }
    }
}

/// A change of a relation together with the notices it causes.
#[derive(Clone, Debug)]
pub struct ContactChange {
    /// Who acts.
    pub owner: AccountId,
    /// The other account.
    pub peer: AccountId,
    /// What the caller saw.
    pub expected: Contacts,
    /// What it becomes. Both `None`: the relation is deleted.
    pub becomes: Contacts,
    /// Entries for inboxes.
    pub notices: Vec<InboxItem>,
}

/// Lists of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactLists {
    /// Mutual friends.
    pub friends: Vec<AccountId>,
    /// Accounts the owner blocks.
    pub blocked: Vec<AccountId>,
}

/// A message to be appended to a conversation.
#[derive(Clone, Debug)]
pub struct Append {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its author.
    pub sender: AccountId,
    /// The author's own number for the message; repeats are recognised by it. Never 0.
    pub client_id: Option<i64>,
    /// Server time of arrival.
    pub timestamp: Timestamp,
    /// Compact `TimMessage` without `id` and `mid`.
    pub body: Bytes,
    /// Owners of the inboxes that get a reference.
    pub inboxes: Vec<AccountId>,
    /// The file it names.
    pub file: Option<FileId>,
}

/// Outcome of one [`Append`].
#[derive(Clone, Debug)]
pub enum Appended {
    /// It is stored.
    Stored {
        /// Its number in the conversation.
        mid: Mid,
        /// Its number in the log of the conversation: its `mid` plus the notices logged before.
        position: Seq,
        /// Its numbers in the inboxes, in the order they were named.
        seqs: Vec<Seq>,
    },
    /// The author had sent it before; nothing was written.
    Duplicate(Duplicate),
    /// The file it names is not one that this message may name; nothing was written.
    FileRefused,
}

/// The message that an earlier attempt had stored.
#[derive(Clone, Debug)]
pub struct Duplicate {
    /// Its number.
    pub mid: Mid,
    /// Time of the first arrival.
    pub timestamp: Timestamp,
    /// Its body; `None` when it was recalled since.
    pub body: Option<Bytes>,
}

/// A message read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its number.
    pub mid: Mid,
    /// Server time of arrival.
    pub timestamp: Timestamp,
    /// Compact `TimMessage` without `id` and `mid`.
    pub body: Bytes,
}

/// Where a page of history starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpperBound {
    /// From the newest message.
    Newest,
    /// From this number, inclusive.
    Mid(Mid),
    /// From the newest message stored at or before this time.
    Time(Timestamp),
}

/// Deletion of one message by a party entitled to it.
#[derive(Clone, Debug)]
pub struct Retract {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub mid: Mid,
    /// Who must have written it.
    pub author: AccountId,
    /// Entries for inboxes.
    pub notices: Vec<InboxItem>,
    /// A packet (compact `TimMessage`) appended to the log of the conversation for everybody who
    /// reads it. It takes a place in the log but no `mid`, and is not in the history.
    pub log: Option<Bytes>,
}

/// Outcome of a [`Retract`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retracted {
    /// Deleted.
    Done {
        /// Inbox numbers of the notices.
        seqs: Vec<Seq>,
        /// Place of the logged packet in the log of the conversation, if there was one.
        position: Option<Seq>,
    },
    /// No such message (or it was deleted before).
    NotFound,
    /// Somebody else wrote it.
    OtherAuthor,
}

/// Something to be put into an inbox.
#[derive(Clone, Debug)]
pub enum InboxItem {
    /// A complete packet, kept (encrypted) in the inbox itself.
    Packet {
        /// Owner of the inbox.
        owner: AccountId,
        /// Compact `TimMessage` with its `id`.
        body: Bytes,
    },
    /// A reference to a stored message.
    Reference {
        /// Owner of the inbox.
        owner: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        mid: Mid,
    },
}

impl InboxItem {
    /// Owner of the inbox.
    #[must_use]
    pub fn owner(&self) -> &AccountId {
        match self {
            Self::Packet { owner, .. } | Self::Reference { owner, .. } => owner,
        }
    }
}

/// An inbox entry read back, its reference resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxCopy {
    /// Its number in the inbox.
    pub seq: Seq,
    /// Number in its conversation, when it is a stored message.
    pub mid: Option<Mid>,
    /// The author's own number for the message ([`Append::client_id`]); `None` when it had none,
    /// and whenever there is no body.
    pub client_id: Option<i64>,
    /// Compact `TimMessage`; `None` when the message was recalled, burnt or is damaged.
    pub body: Option<Bytes>,
}

/// Where an inbox and the devices of its owner stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxState {
    /// Newest number; 0 when nothing was ever put in.
    pub head: Seq,
    /// Where a device that is seen for the first time starts: everything up to this number was
    /// acknowledged by some device.
    pub floor: Seq,
    /// Known devices and the number up to which each has acknowledged everything.
    pub devices: Vec<(DeviceKey, Seq)>,
}

/// What was found of a conversation in an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstWaiting {
    /// Number of the message that the first entry refers to.
    Found(Mid),
    /// Nothing, and there are no more entries.
    Nothing,
    /// Nothing up to this entry; there may be more.
    NotUpTo(Seq),
}

/// New position of one device.
#[derive(Clone, Debug)]
pub struct Advance {
    /// Owner of the inbox.
    pub owner: AccountId,
    /// The device.
    pub device: DeviceKey,
    /// Everything up to this number is acknowledged.
    pub position: Seq,
    /// When the device was last seen.
    pub seen: Timestamp,
}

/// Who may join a room (wire-protocol 7.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Joining needs the approval of the founder or a manager (`gtype` 1).
    Private,
    /// Anybody may join (`gtype` 2).
    Open,
}

/// A room to be created. Its founder is its first member.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Random id.
    pub id: RoomId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Tenant; empty for the default domain.
    pub domain: String,
    /// Who may join.
    pub kind: RoomKind,
    /// Who created it.
    pub founder: AccountId,
    /// When.
    pub created: Timestamp,
    /// Compact `TimRoomBean` without the members that the other fields hold.
    pub profile: Bytes,
}

/// A stored room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Tenant; empty for the default domain.
    pub domain: String,
    /// Who may join.
    pub kind: RoomKind,
    /// Who created it.
    pub founder: AccountId,
    /// Members with special rights, sorted by id. The founder is not among them.
    pub managers: Vec<AccountId>,
    /// When it was created.
    pub created: Timestamp,
    /// Whether its founder dissolved it: nobody can read, write or join any more.
    pub dissolved: bool,
    /// Compact `TimRoomBean` without the members that the other fields hold.
    pub profile: Bytes,
    /// Rises with every change of this record.
    pub version: i64,
}

/// A change of a room's record.
#[derive(Clone, Debug)]
pub struct RoomUpdate {
    /// The room.
    pub id: RoomId,
    /// The version the caller saw.
    pub expected_version: i64,
    /// New profile, if it changes.
    pub profile: Option<Bytes>,
    /// New managers, if they change. Those who are not members are left out by the store.
    pub managers: Option<Vec<AccountId>>,
}

/// Outcome of dissolving a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dissolved {
    /// It is dissolved; its last member's membership is gone.
    Done,
    /// It has members besides its founder.
    OthersLeft,
    /// There is no such room, or it was dissolved before.
    NotFound,
}

/// What a room and an account think of each other (wire-protocol 10.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Membership {
    /// What the room thinks of the account: `Wants` = accepted.
    pub room: ContactState,
    /// What the account thinks of the room: `Wants` = asked to join, or joined.
    pub account: ContactState,
}

impl Membership {
    /// Both sides accept.
    pub const MEMBER: Self = Self {
        room: ContactState::Wants,
        account: ContactState::Wants,
    };

    /// Whether both sides accept.
    #[must_use]
    pub fn is_member(self) -> bool {
        self == Self::MEMBER
    }

    /// Whether the account has asked and the room has not answered.
    #[must_use]
    pub fn is_pending(self) -> bool {
        self.room == ContactState::None && self.account == ContactState::Wants
    }
}

/// A change of the relation of a room and an account, with the notices it causes.
#[derive(Clone, Debug)]
pub struct MembershipChange {
    /// The room.
    pub room: RoomId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The account.
    pub account: AccountId,
    /// What the caller saw.
    pub expected: Membership,
    /// What it becomes. Both `None`: the relation is deleted.
    pub becomes: Membership,
    /// Entries for inboxes.
    pub notices: Vec<InboxItem>,
}

/// Outcome of a [`MembershipChange`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembershipChanged {
    /// It is changed.
    Done {
        /// Inbox numbers of the notices.
        seqs: Vec<Seq>,
        /// For a member: the newest number of the room's log when it joined, thus now for a new
        /// one. What comes after it is delivered. 0 for all others.
        since: Seq,
    },
    /// The relation had changed meanwhile; nothing was written.
    Stale,
    /// There is no such room, or it is dissolved; nothing was written.
    NoRoom,
}

/// Rooms of an account, each list sorted by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomLists {
    /// Rooms it is a member of.
    pub joined: Vec<RoomId>,
    /// Rooms it blocks.
    pub blocked: Vec<RoomId>,
    /// Rooms it has asked to join that have not answered.
    pub requested: Vec<RoomId>,
}

/// Where one device stands in the log of one room of its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomPosition {
    /// The room.
    pub room: RoomId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Everything up to this number is acknowledged, or was there before the account joined.
    pub position: Seq,
    /// Newest number of the log.
    pub head: Seq,
}

/// New position of one device in the log of one room.
#[derive(Clone, Debug)]
pub struct RoomAdvance {
    /// Owner of the device.
    pub owner: AccountId,
    /// The device.
    pub device: DeviceKey,
    /// The room.
    pub room: RoomId,
    /// Everything up to this number is acknowledged.
    pub position: Seq,
}

/// A user's profile as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserProfile {
    /// Tenant of the account.
    pub domain: String,
    /// Time of registration.
    pub created: Timestamp,
    /// Compact `TimUserBean` without `createtime`; `None` when it was never set.
    pub profile: Option<Bytes>,
}

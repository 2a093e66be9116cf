//! Other nodes: who they are, how to reach them, and where accounts are online. Narrow on purpose:
//! the engine says "deliver this to that account" and does not know whether the account is here.
//! Nothing here is durable, and nothing here touches the store.

mod local;

use std::fmt;
use std::sync::Arc;

pub use local::LocalCluster;

use crate::engine::announcement::Announcement;
use crate::engine::online::SessionId;
use crate::engine::parcel::Parcel;
use crate::store::{AccountId, Contacts, Membership, RoomId, Seq, SessionHash};

/// A node of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

/// What nodes tell each other. Losing one never loses data: entries of inboxes are read back from
/// the store, everything else is soft.
#[derive(Clone, Debug)]
pub enum Event {
    /// An account's inbox has a new entry.
    Entry {
        /// Owner of the inbox.
        owner: AccountId,
        /// Its number.
        seq: Seq,
        /// The packet to deliver.
        parcel: Arc<Parcel>,
    },
    /// A packet for the sessions that are connected now; never stored.
    Volatile {
        /// Whose sessions.
        owner: AccountId,
        /// The packet.
        parcel: Arc<Parcel>,
    },
    /// An account was suspended; its sessions must end.
    Suspended {
        /// The account.
        account: AccountId,
    },
    /// All sessions of an account must end; it may log in again.
    Disconnected {
        /// The account.
        account: AccountId,
    },
    /// Web sessions of an account have ended; sessions that logged in from them must end too.
    LoggedOut {
        /// The account.
        account: AccountId,
        /// The web sessions.
        sessions: Vec<SessionHash>,
    },
    /// A presence for the sessions that some accounts have now; never stored.
    Presence {
        /// Whose sessions.
        to: Vec<AccountId>,
        /// What they are told.
        announcement: Arc<Announcement>,
    },
    /// A room's log has a new entry.
    RoomEntry {
        /// The room.
        room: RoomId,
        /// Its number in the log.
        seq: Seq,
        /// The packet to deliver.
        parcel: Arc<Parcel>,
        /// The session of the sending node that gets it another way.
        except: Option<SessionId>,
    },
    /// A packet for the sessions that listen to a room now; never stored.
    RoomVolatile {
        /// The room.
        room: RoomId,
        /// The packet.
        parcel: Arc<Parcel>,
    },
    /// A relation of two accounts changed; caches must take it over.
    ContactsChanged {
        /// Whose view `contacts` is.
        owner: AccountId,
        /// The other account.
        peer: AccountId,
        /// The relation now.
        contacts: Contacts,
    },
    /// A room and an account changed what they are to each other; caches must forget what they
    /// knew, and sessions of an account that is no member any more must stop listening.
    MembershipChanged {
        /// The room.
        room: RoomId,
        /// The account.
        account: AccountId,
        /// The membership now.
        membership: Membership,
    },
    /// The profile of an account changed; caches must forget it.
    ProfileChanged {
        /// The account.
        account: AccountId,
    },
    /// The record of a room changed; caches must forget it.
    RoomChanged {
        /// The room.
        room: RoomId,
    },
}

/// The node is not a member, or the link to it is full or broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node {0:?} cannot be reached")]
pub struct Unreachable(pub NodeId);

/// Receives what other nodes (and this one) send.
pub trait Receiver: Send + Sync + 'static {
    /// Handles an event. Must not block.
    fn receive(&self, from: NodeId, event: Event);
}

/// Carries events between nodes and tells who is there.
pub trait Bus: Send + Sync + fmt::Debug + 'static {
    /// This node.
    fn local(&self) -> NodeId;

    /// All live members, this node included.
    fn members(&self) -> Vec<NodeId>;

    /// Hands an event over for delivery; returning does not mean that it arrived.
    ///
    /// # Errors
    /// The node is not reachable; nothing was sent.
    fn send(&self, to: NodeId, event: Event) -> Result<(), Unreachable>;

    /// Names the receiver of this node's events. Called once, before anything is sent.
    fn attach(&self, receiver: std::sync::Weak<dyn Receiver>);
}

/// Knows on which nodes an account has sessions.
pub trait Directory: Send + Sync + fmt::Debug + 'static {
    /// The first session of an account began here, or its last one ended.
    fn announce(&self, account: &AccountId, online: bool);

    /// Calls `visit` for every node that may hold sessions of the account.
    fn locate(&self, account: &AccountId, visit: &mut dyn FnMut(NodeId));

    /// Calls `visit` for every node that may hold listeners of the room.
    fn locate_room(&self, room: &RoomId, visit: &mut dyn FnMut(NodeId));
}

//! What happened with friends and groups, and what of the own doing is worth a word.

use tim_client::{Node, RoomId};

/// Something happened with friends or groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody asks for friendship.
    FriendRequest(Node),
    /// Both have agreed.
    FriendsNow(Node),
    /// Somebody ended the friendship.
    FriendRemoved(Node),
    /// Somebody blocked the one who is signed in.
    BlockedBy(Node),
    /// Somebody asks to be let into a group.
    JoinRequest(RoomId, Node),
    /// One is in the group now.
    Joined(RoomId),
    /// One is not let into the group, for this reason.
    JoinRefused(RoomId, String),
    /// Somebody added the one who is signed in.
    Added(RoomId, Option<Node>),
    /// One was removed from the group.
    Removed(RoomId),
}

/// Something worked whose effect is not on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// A request for friendship is on its way.
    RequestSent(Node),
    /// Somebody is no longer blocked.
    Unblocked(Node),
    /// The own profile was changed.
    ProfileSaved,
    /// The password was changed.
    PasswordChanged,
    /// So many other sessions were ended.
    SessionsEnded(u64),
    /// A group was created.
    GroupCreated(RoomId),
    /// A request to join is on its way.
    AskedToJoin(RoomId),
    /// So many friends were added to a group.
    Invited(u64),
    /// Somebody may manage a group now.
    Appointed(Node),
    /// Somebody may no longer manage a group.
    Dismissed(Node),
    /// Somebody was removed from a group.
    Kicked(Node),
    /// The profile of a group was changed.
    GroupSaved,
    /// One has left the group of this name.
    Left(String),
    /// The group of this name is no more.
    Dissolved(String),
}

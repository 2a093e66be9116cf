//! A room in an application's hands (`wire-protocol 7.10`).

use std::collections::BTreeMap;

use tim_protocol::Node;

use super::handle::{Client, Confirmation};
use super::history::HistoryPager;
use crate::error::{RequestError, SendError};
use crate::message::{Incoming, Mid, Outgoing, Sent};
use crate::room::{RoomId, RoomKind, RoomProfile};
use crate::session::{HistoryStart, Reply, Request, RoomOperation};

impl Client {
    /// Creates a room with a title of at most 1 KiB. Its creator is founder and first member.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn create_room(
        &self,
        kind: RoomKind,
        topic: impl Into<String>,
    ) -> Result<RoomId, RequestError> {
        let topic = topic.into();
        match self.request(Request::CreateRoom { kind, topic }).await? {
            Reply::RoomCreated(room) => Ok(room),
            _ => Err(RequestError::Invalid("the server named no room")),
        }
    }

    /// The rooms of which this user is a member.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn rooms(&self) -> Result<Vec<RoomId>, RequestError> {
        self.request_rooms(Request::Rooms).await
    }

    /// The rooms that this user blocks.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn blocked_rooms(&self) -> Result<Vec<RoomId>, RequestError> {
        self.request_rooms(Request::BlockedRooms).await
    }

    /// The profiles of 1 to 1000 rooms. Unknown and dissolved rooms are left out.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn room_profiles(
        &self,
        rooms: &[RoomId],
    ) -> Result<BTreeMap<RoomId, RoomProfile>, RequestError> {
        match self.request(Request::RoomProfiles(rooms.to_vec())).await? {
            Reply::RoomProfiles(profiles) => Ok(profiles),
            _ => Ok(BTreeMap::new()),
        }
    }

    /// A handle for a room. Asks nothing of the server: whether the room exists shows when it is used.
    #[must_use]
    pub fn room(&self, id: &RoomId) -> Room {
        Room {
            client: self.clone(),
            id: id.clone(),
        }
    }

    async fn request_rooms(&self, request: Request) -> Result<Vec<RoomId>, RequestError> {
        match self.request(request).await? {
            Reply::Rooms(rooms) => Ok(rooms),
            _ => Ok(Vec::new()),
        }
    }
}

/// A room, as this user sees it. Clones are cheap; each of them keeps the session open like a [`Client`].
///
/// Messages of the room come out of [`Client::next_event`] with
/// [`Conversation::Room`](crate::Conversation::Room), news about membership as
/// [`Event::Notice`](crate::Event::Notice).
///
/// Every operation can be refused with 4108 (the room was dissolved), 4109 (there is no such room, or no relation with
/// it) and 4105 (not allowed); what else a refusal can mean is said at each. What a dropped future leaves behind is
/// said at [`Client`].
///
/// ```no_run
/// use tim_client::{Client, Conversation, Event, RoomKind};
///
/// # async fn example(client: Client, friend: tim_client::Node) -> Result<(), Box<dyn std::error::Error>> {
/// let id = client.create_room(RoomKind::Private, "Choir").await?;
/// let room = client.room(&id);
/// room.invite(&friend).await?;
/// room.send_text("Practice is on Friday.").await?;
///
/// while let Some(event) = client.next_event().await {
///     if let Event::Message(message) = event
///         && message.conversation == Conversation::Room(id.clone())
///     {
///         println!("{:?}: {:?}", message.from, message.text);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Room {
    client: Client,
    id: RoomId,
}

impl Room {
    /// The address of the room, which others need to join.
    #[must_use]
    pub fn id(&self) -> &RoomId {
        &self.id
    }

    /// Sends a message to all members and waits until the server has stored it, see [`Client::send`].
    ///
    /// # Errors
    /// Refusals: 4105 not a member. See [`SendError`].
    pub async fn send(&self, message: Outgoing) -> Result<Sent, SendError> {
        self.client.send(&self.id, message).await
    }

    /// Sends a text to all members, see [`Client::send`].
    ///
    /// # Errors
    /// See [`Room::send`].
    pub async fn send_text(&self, text: impl Into<String>) -> Result<Sent, SendError> {
        self.send(Outgoing::text(text)).await
    }

    /// Queues a message to all members, see [`Client::submit`].
    ///
    /// # Errors
    /// See [`Client::submit`].
    pub async fn submit(&self, message: Outgoing) -> Result<Confirmation, SendError> {
        self.client.submit(&self.id, message).await
    }

    /// Sends a message to one member. Nobody else gets it; the two need not be friends. It belongs to the conversation
    /// with that user, where [`Incoming::inside`] names the room.
    ///
    /// # Errors
    /// Refusals: 4105 one of the two is not a member. See [`SendError`].
    pub async fn send_private(&self, member: &Node, message: Outgoing) -> Result<Sent, SendError> {
        self.client.send(member, message.inside(&self.id)).await
    }

    /// Takes an own message back, see [`Client::recall`].
    ///
    /// # Errors
    /// Refusals: 4104 no such message, 4105 not the author or not a member. See [`RequestError`].
    pub async fn recall(&self, mid: Mid) -> Result<(), RequestError> {
        self.client.recall(&self.id, mid).await
    }

    /// One page of the room's messages, newest first, see [`Client::history`].
    ///
    /// # Errors
    /// Refusals: 4105 not a member. See [`RequestError`].
    pub async fn history(&self, start: HistoryStart, limit: u16) -> Result<Vec<Incoming>, RequestError> {
        self.client.history(&self.id, start, limit).await
    }

    /// Pages through the room's messages from newest to oldest.
    #[must_use]
    pub fn history_pager(&self, start: HistoryStart, page_size: u16) -> HistoryPager {
        self.client.history_pager(&self.id, start, page_size)
    }

    /// The members, the founder included.
    ///
    /// # Errors
    /// Refusals: 4104 not a member, 4106 no such room. See [`RequestError`].
    pub async fn members(&self) -> Result<Vec<Node>, RequestError> {
        self.nodes(RoomOperation::Members).await
    }

    /// The users that the room blocks. Empty also for those who do not manage the room.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn blocked_members(&self) -> Result<Vec<Node>, RequestError> {
        self.nodes(RoomOperation::BlockedMembers).await
    }

    /// Joins an open room, or asks those who manage a private one, with a text of at most 1 KiB. The server answers
    /// neither; that this user is a member now is told by a notice
    /// ([`NoticeKind::RoomJoined`](crate::NoticeKind::RoomJoined)), a refusal by
    /// [`NoticeKind::JoinRefused`](crate::NoticeKind::JoinRefused).
    ///
    /// # Errors
    /// Refusals: 4101 already a member, 4104 no such room, 4110 blocked by the room. See [`RequestError`].
    pub async fn join(&self, text: impl Into<String>) -> Result<(), RequestError> {
        self.run(RoomOperation::Join(text.into())).await
    }

    /// Makes a user a member. In private rooms only those may who manage the room.
    ///
    /// # Errors
    /// Refusals: 4101 already a member, 4110 that user blocks the room. See [`RequestError`].
    pub async fn invite(&self, user: &Node) -> Result<(), RequestError> {
        self.run(RoomOperation::Pull(user.clone())).await
    }

    /// Approves a request to join: the same as [`Room::invite`], for somebody who has asked.
    ///
    /// # Errors
    /// See [`Room::invite`].
    pub async fn approve(&self, user: &Node) -> Result<(), RequestError> {
        self.invite(user).await
    }

    /// Refuses a request to join. The reason, at most 1 KiB, may be empty; not every server passes it on.
    ///
    /// # Errors
    /// Refusals: 4103 nobody asks any more. See [`RequestError`].
    pub async fn reject(&self, user: &Node, reason: impl Into<String>) -> Result<(), RequestError> {
        self.run(RoomOperation::Reject {
            user: user.clone(),
            reason: reason.into(),
        })
        .await
    }

    /// Removes a member. Managers cannot remove each other or the founder.
    ///
    /// # Errors
    /// See [`Room`].
    pub async fn kick(&self, member: &Node) -> Result<(), RequestError> {
        self.run(RoomOperation::Kick(member.clone())).await
    }

    /// Removes a member for good: they cannot ask to join again.
    ///
    /// # Errors
    /// See [`Room`].
    pub async fn block_member(&self, member: &Node) -> Result<(), RequestError> {
        self.run(RoomOperation::BlockMember(member.clone())).await
    }

    /// Lets a blocked user ask to join again.
    ///
    /// # Errors
    /// See [`Room`].
    pub async fn unblock_member(&self, user: &Node) -> Result<(), RequestError> {
        self.kick(user).await
    }

    /// Leaves the room, or withdraws the own request to join. The founder cannot leave.
    ///
    /// # Errors
    /// See [`Room`].
    pub async fn leave(&self) -> Result<(), RequestError> {
        self.run(RoomOperation::Leave).await
    }

    /// Dissolves the room for good. Only the founder can, when nobody else is left in it.
    ///
    /// # Errors
    /// See [`Room`].
    pub async fn dissolve(&self) -> Result<(), RequestError> {
        self.run(RoomOperation::Dissolve).await
    }

    /// Leaves the room and cannot be added to it any more.
    ///
    /// # Errors
    /// See [`Room`].
    pub async fn block(&self) -> Result<(), RequestError> {
        self.run(RoomOperation::Block).await
    }

    /// Lifts the own block of the room. This user is not a member then.
    ///
    /// # Errors
    /// See [`Room`].
    pub async fn unblock(&self) -> Result<(), RequestError> {
        self.leave().await
    }

    /// The profile of the room. `None`: there is no such room, or it was dissolved.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn profile(&self) -> Result<Option<RoomProfile>, RequestError> {
        let mut profiles = self.client.room_profiles(std::slice::from_ref(&self.id)).await?;
        Ok(profiles.remove(&self.id))
    }

    /// Changes the profile: what is set replaces the present value, what is `None` stays. For those who manage the
    /// room; the list of managers only for the founder.
    ///
    /// # Errors
    /// See [`Room`].
    pub async fn set_profile(&self, change: RoomProfile) -> Result<(), RequestError> {
        self.run(RoomOperation::SetProfile(Box::new(change))).await
    }

    /// Appoints and dismisses managers: this is the complete new list, without the founder, who alone may do this.
    ///
    /// # Errors
    /// See [`Room`].
    pub async fn set_managers(&self, managers: &[Node]) -> Result<(), RequestError> {
        self.set_profile(RoomProfile::new().with_managers(managers.iter().cloned()))
            .await
    }

    async fn run(&self, operation: RoomOperation) -> Result<(), RequestError> {
        self.request(operation).await.map(drop)
    }

    async fn nodes(&self, operation: RoomOperation) -> Result<Vec<Node>, RequestError> {
        match self.request(operation).await? {
            Reply::Nodes(nodes) => Ok(nodes),
            _ => Ok(Vec::new()),
        }
    }

    async fn request(&self, operation: RoomOperation) -> Result<Reply, RequestError> {
        self.client
            .request(Request::Room {
                room: self.id.clone(),
                operation,
            })
            .await
    }
}

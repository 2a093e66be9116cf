//! What people do with groups.

use std::collections::BTreeMap;

use tim_client::web::{Page, PageRequest, RoomEntry};
use tim_client::{ErrorCode, Node, RoomId, RoomKind, RoomProfile};
use web_sys::Blob;

use super::{MembersChange, Service};
use crate::model::{ANNOUNCEMENT, Trouble, Wish};

impl Service {
    /// Creates a group. Its creator is founder and first member.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn create_group(&self, kind: RoomKind, topic: &str) -> Result<RoomId, Trouble> {
        let room = self.client()?.create_room(kind, topic).await?;
        self.entered_room(&room);
        Ok(room)
    }

    /// A part of the list of all groups. `None`: it is switched off.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn public_groups(&self, after: Option<String>) -> Result<Option<Page<RoomEntry>>, Trouble> {
        match self.api().rooms(&PageRequest { after, limit: 100 }).await {
            Ok(page) => Ok(Some(page)),
            Err(error) if error.status() == Some(403) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Joins an open group, or asks those who manage a private one. That one is in is told by a notice.
    ///
    /// # Errors
    /// 4110 blocked by the group; see [`Trouble`].
    pub async fn join_group(&self, room: &RoomId, text: &str) -> Result<(), Trouble> {
        match self.client()?.room(room).join(text).await.map_err(Trouble::from) {
            Err(trouble) if trouble.is(ErrorCode::HasExist) => self.entered_room(room),
            Err(trouble) => return Err(trouble),
            Ok(()) => {
                self.store()
                    .change(|model| model.rooms.asked.insert(room.clone()));
            }
        }
        self.reload_room(room);
        Ok(())
    }

    /// Makes a friend a member.
    ///
    /// # Errors
    /// 4110 they block the group; see [`Trouble`].
    pub async fn invite(&self, room: &RoomId, node: &Node) -> Result<(), Trouble> {
        match self
            .client()?
            .room(room)
            .invite(node)
            .await
            .map_err(Trouble::from)
        {
            Err(trouble) if !trouble.is(ErrorCode::HasExist) => return Err(trouble),
            _ => {}
        }
        self.settle_join(room, node);
        self.members_changed(room, MembersChange::Joined);
        Ok(())
    }

    /// Refuses a request to join. The reason may be empty.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn refuse_join(&self, room: &RoomId, node: &Node, reason: &str) -> Result<(), Trouble> {
        match self
            .client()?
            .room(room)
            .reject(node, reason)
            .await
            .map_err(Trouble::from)
        {
            // Somebody else has decided.
            Err(trouble) if !trouble.is(ErrorCode::ExpireOp) => return Err(trouble),
            _ => {}
        }
        self.settle_join(room, node);
        Ok(())
    }

    fn settle_join(&self, room: &RoomId, node: &Node) {
        let wish = Wish::Join(room.to_string());
        self.store()
            .change(|model| model.inbox.settle(node.as_str(), &wish));
        self.remember();
    }

    /// Removes a member.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn kick(&self, room: &RoomId, node: &Node) -> Result<(), Trouble> {
        self.client()?.room(room).kick(node).await?;
        self.members_changed(room, MembersChange::Removed);
        Ok(())
    }

    /// Removes a member, who cannot join again.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn block_member(&self, room: &RoomId, node: &Node) -> Result<(), Trouble> {
        self.client()?.room(room).block_member(node).await?;
        self.members_changed(room, MembersChange::Removed);
        Ok(())
    }

    /// Lets a blocked user join again.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn unblock_member(&self, room: &RoomId, node: &Node) -> Result<(), Trouble> {
        Ok(self.client()?.room(room).unblock_member(node).await?)
    }

    /// Whom a group blocks.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn blocked_members(&self, room: &RoomId) -> Result<Vec<Node>, Trouble> {
        let blocked = self.client()?.room(room).blocked_members().await?;
        self.want_profiles(&blocked);
        Ok(blocked)
    }

    /// Makes somebody a manager, or no longer.
    ///
    /// # Errors
    /// 4105 only the founder may; see [`Trouble`].
    pub async fn set_manager(&self, room: &RoomId, node: &Node, manages: bool) -> Result<(), Trouble> {
        let handle = self.client()?.room(room);
        // What another device of the founder has done meanwhile stays.
        let present = handle.profile().await?.and_then(|profile| profile.managers);
        let mut managers = present.unwrap_or_default();
        managers.retain(|manager| manager != node);
        if manages {
            managers.push(node.clone());
        }
        handle.set_managers(&managers).await?;
        self.members_changed(room, MembersChange::Joined);
        Ok(())
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn leave_group(&self, room: &RoomId) -> Result<(), Trouble> {
        // Whoever is no longer in cannot tell the others.
        self.tell_members_changed(room, MembersChange::Left);
        self.client()?.room(room).leave().await?;
        self.left_room(room);
        Ok(())
    }

    /// Leaves a group for good: nobody can add one to it.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn block_group(&self, room: &RoomId) -> Result<(), Trouble> {
        self.tell_members_changed(room, MembersChange::Left);
        self.client()?.room(room).block().await?;
        self.left_room(room);
        Ok(())
    }

    /// Lifts an own block of a group.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn unblock_group(&self, room: &RoomId) -> Result<(), Trouble> {
        Ok(self.client()?.room(room).unblock().await?)
    }

    /// The groups that one blocks, with what is known about them.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn blocked_groups(&self) -> Result<BTreeMap<RoomId, RoomProfile>, Trouble> {
        let client = self.client()?;
        let rooms = client.blocked_rooms().await?;
        let mut profiles = BTreeMap::new();
        for some in rooms.chunks(500) {
            profiles.extend(client.room_profiles(some).await?);
        }
        Ok(rooms
            .into_iter()
            .map(|room| {
                let profile = profiles.remove(&room).unwrap_or_default();
                (room, profile)
            })
            .collect())
    }

    /// Dissolves a group for good: removes its other members, and then the group. `progress` gets how many of how many
    /// are removed.
    ///
    /// # Errors
    /// See [`Trouble`]. Some members may be removed then.
    pub async fn dissolve_group(
        &self,
        room: &RoomId,
        progress: impl Fn(usize, usize),
    ) -> Result<(), Trouble> {
        let client = self.client()?;
        let handle = client.room(room);
        let others: Vec<Node> = handle
            .members()
            .await?
            .into_iter()
            .filter(|node| node != client.node())
            .collect();
        for (done, node) in others.iter().enumerate() {
            progress(done, others.len());
            handle.kick(node).await?;
        }
        handle.dissolve().await?;
        self.left_room(room);
        Ok(())
    }

    /// Changes name and announcement of a group.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn save_group(&self, room: &RoomId, topic: &str, announcement: &str) -> Result<(), Trouble> {
        let handle = self.client()?.room(room);
        // The fields are replaced as a whole: those of other applications stay.
        let present = handle.profile().await?.and_then(|profile| profile.extend);
        let mut fields = present.unwrap_or_default();
        fields.insert(ANNOUNCEMENT.to_owned(), announcement.to_owned());
        let mut change = RoomProfile::new().with_topic(topic);
        change.extend = Some(fields);
        handle.set_profile(change).await?;
        self.members_changed(room, MembersChange::Joined);
        Ok(())
    }

    /// Gives a group another picture.
    ///
    /// # Errors
    /// [`Trouble::TooLarge`]; see [`Trouble`].
    pub async fn set_group_picture(&self, room: &RoomId, picture: &Blob) -> Result<(), Trouble> {
        let address = self.api().set_room_picture(room, picture).await?;
        let handle = self.client()?.room(room);
        handle
            .set_profile(RoomProfile::new().with_picture(address))
            .await?;
        self.members_changed(room, MembersChange::Joined);
        Ok(())
    }

    /// Takes the picture of a group away.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn remove_group_picture(&self, room: &RoomId) -> Result<(), Trouble> {
        let handle = self.client()?.room(room);
        handle.set_profile(RoomProfile::new().with_picture("")).await?;
        self.members_changed(room, MembersChange::Joined);
        Ok(())
    }

    /// Looks at the group again, and has its members do so.
    fn members_changed(&self, room: &RoomId, change: MembersChange) {
        self.reload_room(room);
        self.tell_members_changed(room, change);
    }
}

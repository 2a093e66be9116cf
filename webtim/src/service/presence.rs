//! Who is there, and what others are told about oneself.

use tim_client::Outgoing;
use tim_client::{Node, Presence, PresenceChange, RoomId, SubStatus};

use super::Service;
use crate::model::{Availability, ChatId, Mood};

/// Number of a presence that means: my profile has changed.
const PROFILE_CHANGED: SubStatus = SubStatus::Other(3);

/// What happened to the members of a room, as the pages of its other members are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembersChange {
    /// Somebody came in.
    Joined = 1,
    /// Somebody left.
    Left = 2,
    /// Somebody was thrown out.
    Removed = 3,
}

impl Service {
    /// Tells friends that one is there, and asks who else is.
    pub(super) fn announce(&self) {
        self.tell(self.own_presence().asking(), None);
    }

    /// Changes what one says about being there, the status in a few words, and the mood.
    pub fn set_presence(&self, availability: Availability, status: &str, mood: Option<Mood>) {
        self.store.change(|model| {
            model.session.availability = availability;
            status.trim().clone_into(&mut model.session.status);
            model.session.mood = mood;
        });
        self.remember();
        self.announce();
    }

    /// Tells friends to look at the own profile again.
    pub fn tell_profile_changed(&self) {
        let friends: Vec<Node> = self.store.model().people.friends.iter().cloned().collect();
        let presence = self.own_presence().with_sub_status(PROFILE_CHANGED);
        for some in friends.chunks(1000) {
            self.tell(presence.clone(), Some(some.to_vec()));
        }
    }

    /// Tells the pages of the members of a room to look at its members again.
    pub fn tell_members_changed(&self, room: &RoomId, change: MembersChange) {
        let (service, room) = (self.clone(), room.clone());
        self.spawn(async move {
            if let Ok(client) = service.client() {
                // Who is not there does not need it, and looks when they come.
                let _told = client
                    .room(&room)
                    .send(
                        Outgoing::stream(Vec::new())
                            .with_text("")
                            .with_display(change as i16),
                    )
                    .await;
            }
        });
    }

    pub(super) fn ask_presence(&self, peer: &Node) {
        self.tell(self.own_presence().asking(), Some(vec![peer.clone()]));
    }

    fn own_presence(&self) -> Presence {
        self.store.model().session.presence()
    }

    fn tell(&self, presence: Presence, to: Option<Vec<Node>>) {
        let service = self.clone();
        self.spawn(async move {
            let Ok(client) = service.client() else {
                return;
            };
            let told = match to {
                Some(to) if to.is_empty() => return,
                Some(to) => client.send_presence(&to, presence).await,
                None => client.set_presence(presence).await,
            };
            if let Err(error) = told {
                // The next connection tells it again.
                web_sys::console::debug_1(&error.to_string().into());
            }
        });
    }

    pub(super) fn presence_changed(&self, change: &PresenceChange) {
        let is_me = self.store.model().session.is_me(&change.from);
        if is_me {
            if change.offline {
                // Another device has left, and friends were told that nobody is there.
                self.announce();
            }
            return;
        }
        if change.sub_status == Some(PROFILE_CHANGED) {
            self.reload_profile(&change.from);
        }
        let was_online = self.store.model().people.online(&change.from).is_some();
        self.store.change(|model| model.people.set_presence(change));
        let chat = ChatId::Peer(change.from.clone());
        let is_open = self.store.model().navigation.chat() == Some(&chat);
        if is_open && !was_online && !change.offline {
            self.watch_delivery(&chat);
        }
    }
}

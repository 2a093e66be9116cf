//! Rooms, which people call groups.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tim_client::{Node, RoomId, RoomProfile};

use super::people::own_picture;

/// The text field of a room's profile that carries its announcement.
pub const ANNOUNCEMENT: &str = "tim.announcement";

/// What somebody may do in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Not in it.
    Outside,
    /// Reads and writes.
    Member,
    /// Also lets people in and throws them out.
    Manager,
    /// Everything; cannot leave, only dissolve the room.
    Founder,
}

impl Role {
    /// May accept and refuse, throw out members, change the title.
    #[must_use]
    pub fn manages(self) -> bool {
        self >= Self::Manager
    }
}

/// A room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Room {
    /// One is a member.
    pub joined: bool,
    /// Its profile, once fetched.
    pub profile: Option<Rc<RoomProfile>>,
    /// Its members, once fetched. There may be ten thousand.
    pub members: Option<Rc<Vec<Node>>>,
}

/// Who came and who went between two lists of members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Came.
    pub joined: Vec<Node>,
    /// Went.
    pub gone: Vec<Node>,
}

/// The rooms one knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rooms {
    /// Asked to be let in, in this tab.
    pub asked: BTreeSet<RoomId>,
    rooms: BTreeMap<RoomId, Room>,
}

impl Rooms {
    /// That room.
    #[must_use]
    pub fn get(&self, id: &RoomId) -> Option<&Room> {
        self.rooms.get(id)
    }

    /// The rooms one is a member of.
    pub fn joined(&self) -> impl Iterator<Item = &RoomId> {
        self.rooms
            .iter()
            .filter(|(_, room)| room.joined)
            .map(|(id, _)| id)
    }

    /// Whether one is a member.
    #[must_use]
    pub fn is_joined(&self, id: &RoomId) -> bool {
        self.rooms.get(id).is_some_and(|room| room.joined)
    }

    /// The profile, if it was fetched.
    #[must_use]
    pub fn profile(&self, id: &RoomId) -> Option<&Rc<RoomProfile>> {
        self.rooms.get(id)?.profile.as_ref()
    }

    /// The members, if they were fetched.
    #[must_use]
    pub fn members(&self, id: &RoomId) -> Option<&Rc<Vec<Node>>> {
        self.rooms.get(id)?.members.as_ref()
    }

    /// The title, or the beginning of the room's address.
    #[must_use]
    pub fn name(&self, id: &RoomId) -> String {
        self.profile(id)
            .and_then(|profile| profile.topic.as_deref())
            .map(str::trim)
            .filter(|topic| !topic.is_empty())
            .map_or_else(|| id.as_str().chars().take(8).collect(), str::to_owned)
    }

    /// The address of the picture, if it is one of this server.
    #[must_use]
    pub fn picture(&self, id: &RoomId) -> Option<String> {
        own_picture(self.profile(id)?.picture.as_ref()?)
    }

    /// What those who manage the room have to say to all members.
    #[must_use]
    pub fn announcement(&self, id: &RoomId) -> Option<&str> {
        let text = self.profile(id)?.extend.as_ref()?.get(ANNOUNCEMENT)?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// What somebody may do in the room, as far as is known.
    #[must_use]
    pub fn role(&self, id: &RoomId, node: &Node, is_me: bool) -> Role {
        let Some(room) = self.rooms.get(id) else {
            return Role::Outside;
        };
        let inside = match &room.members {
            _ if is_me => room.joined,
            Some(members) => members.contains(node),
            None => false,
        };
        let profile = room.profile.as_deref();
        if !inside {
            Role::Outside
        } else if profile.is_some_and(|profile| profile.founder.as_ref() == Some(node)) {
            Role::Founder
        } else if profile.is_some_and(|profile| {
            profile
                .managers
                .as_ref()
                .is_some_and(|managers| managers.contains(node))
        }) {
            Role::Manager
        } else {
            Role::Member
        }
    }

    /// The list of rooms one is in was fetched.
    pub fn set_joined(&mut self, ids: &[RoomId]) {
        for room in self.rooms.values_mut() {
            room.joined = false;
        }
        for id in ids {
            self.rooms.entry(id.clone()).or_default().joined = true;
        }
    }

    /// One came into a room, or is no longer in it.
    pub fn set_member(&mut self, id: &RoomId, joined: bool) {
        self.asked.remove(id);
        let room = self.rooms.entry(id.clone()).or_default();
        room.joined = joined;
        if !joined {
            room.members = None;
        }
    }

    /// The profile was fetched. The new title, if there was another one before.
    pub fn set_profile(&mut self, id: &RoomId, profile: RoomProfile) -> Option<String> {
        let room = self.rooms.entry(id.clone()).or_default();
        let before = room.profile.replace(Rc::new(profile))?;
        let now = room.profile.as_ref()?.topic.clone()?;
        (before.topic.is_some() && before.topic.as_ref() != Some(&now)).then_some(now)
    }

    /// The members were fetched. Who came and went since the last time, if there was one.
    pub fn set_members(&mut self, id: &RoomId, members: Vec<Node>) -> Turnover {
        let room = self.rooms.entry(id.clone()).or_default();
        let Some(before) = room.members.replace(Rc::new(members.clone())) else {
            return Turnover::default();
        };
        let old: std::collections::HashSet<_> = before.iter().collect();
        let new: std::collections::HashSet<_> = members.iter().collect();
        Turnover {
            joined: members
                .iter()
                .filter(|node| !old.contains(node))
                .cloned()
                .collect(),
            gone: before
                .iter()
                .filter(|node| !new.contains(node))
                .cloned()
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        Node::new(text).unwrap()
    }

    fn room() -> RoomId {
        RoomId::new("room").unwrap()
    }

    #[test]
    fn roles_come_from_the_profile_but_only_for_members() {
        let mut rooms = Rooms::default();
        let mut profile = RoomProfile::new().with_managers([node("m"), node("left")]);
        profile.founder = Some(node("f"));
        rooms.set_member(&room(), true);
        rooms.set_profile(&room(), profile);
        rooms.set_members(&room(), vec![node("f"), node("m"), node("x")]);
        let role = |name: &str| rooms.role(&room(), &node(name), false);
        assert_eq!(role("f"), Role::Founder);
        assert_eq!(role("m"), Role::Manager);
        assert_eq!(role("x"), Role::Member);
        assert_eq!(role("left"), Role::Outside);
        assert_eq!(rooms.role(&room(), &node("me"), true), Role::Member);
        assert!(Role::Founder.manages() && Role::Manager.manages() && !Role::Member.manages());
    }

    #[test]
    fn the_first_list_of_members_is_no_news_the_second_is() {
        let mut rooms = Rooms::default();
        assert_eq!(
            rooms.set_members(&room(), vec![node("a"), node("b")]),
            Turnover::default()
        );
        let turnover = rooms.set_members(&room(), vec![node("b"), node("c")]);
        assert_eq!(
            (turnover.joined, turnover.gone),
            (vec![node("c")], vec![node("a")])
        );
    }

    #[test]
    fn only_a_change_of_title_is_news() {
        let mut rooms = Rooms::default();
        let topic = |topic: &str| RoomProfile::new().with_topic(topic);
        assert_eq!(rooms.set_profile(&room(), topic("one")), None);
        assert_eq!(rooms.set_profile(&room(), topic("one")), None);
        assert_eq!(rooms.set_profile(&room(), topic("two")).as_deref(), Some("two"));
        assert_eq!(rooms.name(&room()), "two");
    }
}

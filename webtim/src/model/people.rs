//! Other people, and what is known about them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use tim_client::{Node, PresenceChange, UserProfile};

use super::Mood;

/// What somebody says about being there. Its number is `show` of the presence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// There.
    #[default]
    Available,
    /// Not at the device.
    Away,
    /// Not to be disturbed.
    Busy,
    /// There, but others are to think otherwise.
    Invisible,
}

impl Availability {
    /// The number in a presence.
    #[must_use]
    pub fn show(self) -> i16 {
        match self {
            Self::Available => 0,
            Self::Away => 1,
            Self::Busy => 2,
            Self::Invisible => -1,
        }
    }

    /// From the number in a presence. Numbers of other applications mean: there.
    #[must_use]
    pub fn from_show(show: i16) -> Self {
        match show {
            1 => Self::Away,
            2 => Self::Busy,
            hidden if hidden < 0 => Self::Invisible,
            _ => Self::Available,
        }
    }
}

/// Somebody's presence, while they are online.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Online {
    /// What they say about being there.
    pub availability: Availability,
    /// Their status, in a few words.
    pub status: String,
    /// Their mood.
    pub mood: Option<Mood>,
}

/// Other people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct People {
    /// Friends.
    pub friends: BTreeSet<Node>,
    /// Whom one has blocked.
    pub blocked: BTreeSet<Node>,
    /// Friendship was asked of them, in this tab.
    pub asked: BTreeSet<Node>,
    profiles: HashMap<Node, Rc<UserProfile>>,
    online: BTreeMap<Node, Rc<Online>>,
}

impl People {
    /// Whether it is a friend.
    #[must_use]
    pub fn is_friend(&self, node: &Node) -> bool {
        self.friends.contains(node)
    }

    /// The profile, if it was fetched.
    #[must_use]
    pub fn profile(&self, node: &Node) -> Option<&Rc<UserProfile>> {
        self.profiles.get(node)
    }

    /// The presence of somebody who is online.
    #[must_use]
    pub fn online(&self, node: &Node) -> Option<&Rc<Online>> {
        self.online.get(node)
    }

    /// The name to call somebody by: nickname, name, or the beginning of the node.
    #[must_use]
    pub fn name(&self, node: &Node) -> String {
        let profile = self.profiles.get(node);
        let names = profile.map(|profile| [&profile.nickname, &profile.name]);
        names
            .into_iter()
            .flatten()
            .flatten()
            .map(|name| name.trim())
            .find(|name| !name.is_empty())
            .map_or_else(|| short(node), str::to_owned)
    }

    /// The address of the picture, if it is one of this server: others could be used to watch who looks.
    #[must_use]
    pub fn picture(&self, node: &Node) -> Option<String> {
        let picture = self.profiles.get(node)?.picture.as_ref()?;
        own_picture(picture)
    }

    /// Profiles were fetched.
    pub fn set_profiles(&mut self, profiles: impl IntoIterator<Item = (Node, UserProfile)>) {
        for (node, profile) in profiles {
            self.profiles.insert(node, Rc::new(profile));
        }
    }

    /// Somebody told their presence. Whether they asked for ours.
    pub fn set_presence(&mut self, change: &PresenceChange) {
        let availability = Availability::from_show(change.show.unwrap_or(0));
        if change.offline || availability == Availability::Invisible {
            self.online.remove(&change.from);
        } else {
            let online = Online {
                availability,
                status: change.status.clone().unwrap_or_default(),
                mood: change
                    .extend
                    .get(Mood::FIELD)
                    .and_then(|word| Mood::from_word(word)),
            };
            self.online.insert(change.from.clone(), Rc::new(online));
        }
    }

    /// Nothing is known about who is there, for example after the connection was lost.
    pub fn forget_presence(&mut self) {
        self.online.clear();
    }
}

/// The address, if it is a picture kept by this server.
pub(super) fn own_picture(address: &str) -> Option<String> {
    let id = address.strip_prefix("/client/v1/pictures/")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!id.is_empty() && id.chars().all(is_plain)).then(|| address.to_owned())
}

fn short(node: &Node) -> String {
    node.as_str().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        Node::new(text).unwrap()
    }

    #[test]
    fn people_are_called_by_nickname_then_name_then_node() {
        let mut people = People::default();
        let anna = node("abcdefghijklmnop");
        assert_eq!(people.name(&anna), "abcdefgh");
        people.set_profiles([(
            anna.clone(),
            UserProfile::new().with_name("anna").with_nickname(" "),
        )]);
        assert_eq!(people.name(&anna), "anna");
        people.set_profiles([(
            anna.clone(),
            UserProfile::new().with_name("anna").with_nickname("Änni"),
        )]);
        assert_eq!(people.name(&anna), "Änni");
    }

    #[test]
    fn pictures_of_other_servers_are_not_shown() {
        let mut people = People::default();
        let anna = node("anna");
        for (address, shown) in [
            ("/client/v1/pictures/abc-1", true),
            ("https://example.org/a.png", false),
            ("/client/v1/pictures/../files/x", false),
            ("//example.org/client/v1/pictures/x", false),
        ] {
            people.set_profiles([(anna.clone(), UserProfile::new().with_picture(address))]);
            assert_eq!(people.picture(&anna).is_some(), shown, "{address}");
        }
    }

    #[test]
    fn availability_survives_the_wire() {
        for availability in [
            Availability::Available,
            Availability::Away,
            Availability::Busy,
            Availability::Invisible,
        ] {
            assert_eq!(Availability::from_show(availability.show()), availability);
        }
        assert_eq!(Availability::from_show(99), Availability::Available);
    }
}

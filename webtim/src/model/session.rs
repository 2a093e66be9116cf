//! Who is logged in, and how the connection is.

use tim_client::{Node, Presence};

use super::Mood;
use super::people::Availability;

/// Where the session is in its life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Looking whether a session is remembered.
    #[default]
    Starting,
    /// Nobody is logged in.
    SignedOut,
    /// Logged in; lists are being fetched.
    Loading,
    /// Logged in, everything is there.
    Ready,
}

/// How the connection is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// There is one.
    #[default]
    Online,
    /// It was lost, or there never was one.
    Waiting {
        /// When the next attempt is made, in milliseconds since the Unix epoch. In the past: it is being made.
        next_attempt: i64,
    },
}

/// Why a session ended that was not ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The administration suspended the account, or ended its sessions.
    Suspended,
    /// Too many devices: another one took this one's place.
    TookPlace,
    /// It was not used for long, or ended by another session.
    Over,
    /// Somebody signed in to another account in this browser.
    OtherAccount,
}

/// Who is logged in, and how the connection is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Where in its life it is.
    pub phase: Phase,
    /// How the connection is.
    pub connection: Connection,
    /// The own node, when somebody is logged in.
    pub me: Option<Node>,
    /// What one says about being there.
    pub availability: Availability,
    /// The own status, in a few words.
    pub status: String,
    /// The own mood.
    pub mood: Option<Mood>,
    /// The name that was typed in to log in, while the page lives.
    pub login_name: Option<String>,
    /// Why the session before ended, until somebody signs in again.
    pub ended: Option<Ended>,
}

impl Session {
    /// Whether this is the own node.
    #[must_use]
    pub fn is_me(&self, node: &Node) -> bool {
        self.me.as_ref() == Some(node)
    }

    /// What friends are told.
    #[must_use]
    pub fn presence(&self) -> Presence {
        if self.availability == Availability::Invisible {
            return Presence::new().with_show(self.availability.show());
        }
        let presence = Presence::new()
            .with_show(self.availability.show())
            .with_status(self.status.clone());
        match self.mood {
            Some(mood) => presence.with_field(Mood::FIELD, mood.word()),
            None => presence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invisible_tell_neither_status_nor_mood() {
        let mut session = Session {
            status: "at sea".to_owned(),
            mood: Some(Mood::Happy),
            ..Session::default()
        };
        let told = session.presence();
        assert_eq!((told.status.as_deref(), told.show), (Some("at sea"), Some(0)));
        assert_eq!(told.extend.get(Mood::FIELD).map(String::as_str), Some("happy"));
        session.availability = Availability::Invisible;
        let told = session.presence();
        assert_eq!((told.status, told.show, told.extend.len()), (None, Some(-1), 0));
    }
}

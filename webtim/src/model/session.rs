//! Who is logged in, and how the connection is.

use tim_client::Node;

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

/// How the connection is, once somebody is logged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// There is one.
    #[default]
    Online,
    /// It was lost. The next attempt is made at that time, in milliseconds since the Unix epoch.
    Waiting {
        /// When.
        next_attempt: i64,
    },
    /// An attempt is being made.
    Connecting,
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
    /// The own mood.
    pub status: String,
    /// The name that was typed in to log in, while the page lives.
    pub login_name: Option<String>,
}

impl Session {
    /// Whether this is the own node.
    #[must_use]
    pub fn is_me(&self, node: &Node) -> bool {
        self.me.as_ref() == Some(node)
    }
}

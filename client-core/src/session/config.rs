//! What an application can choose about a session, and what it logs in with.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tim_protocol::Encoding;
use zeroize::Zeroizing;

/// When a delivery is acknowledged to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Acknowledge {
    /// As soon as the application has taken the event. A message is lost for this device when the application
    /// crashes between taking and processing it.
    #[default]
    WhenTaken,
    /// When the application asks for the event after it, or closes the client. A message can be seen twice across
    /// a crash of the application, never lost. Do not keep an event for longer than a few seconds without asking
    /// for the next one, otherwise the server repeats it (the repeat is recognised and hidden). Take events from
    /// one place only: whoever asks next confirms what was taken before.
    WhenNextIsTaken,
}

/// What is known about the server's way of answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerKind {
    /// Decides by the form of the own node: wide nodes are only given out by servers that answer the packets of
    /// a session in order.
    #[default]
    Auto,
    /// The server answers the packets of a session in order and stores a repeated message once.
    Ordered,
    /// The original tim 2.1.0: answers come in any order and a repeated message is stored twice. Sends are made
    /// one at a time, a send whose outcome is unknown after a lost connection fails with
    /// [`SendError::Unconfirmed`](crate::SendError::Unconfirmed), and empty answers are recognised by time only.
    Original,
}

/// When to connect again after the connection was lost.
#[derive(Clone, Debug)]
pub struct Reconnect {
    /// `false`: a lost connection ends the session.
    pub enabled: bool,
    /// Upper limit of the first pause. It doubles with each failure; the pause is a random part of it.
    pub first: Duration,
    /// Lower limit of every pause.
    pub shortest: Duration,
    /// Upper limit of every pause.
    pub longest: Duration,
}

impl Default for Reconnect {
    /// On; first pause at most 1 s, every pause 50 ms to 60 s.
    fn default() -> Self {
        Self {
            enabled: true,
            first: Duration::from_secs(1),
            shortest: Duration::from_millis(50),
            longest: Duration::from_secs(60),
        }
    }
}

/// Settings of a session. The defaults suit an interactive application.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// Encoding of all packets. Default compact.
    pub encoding: Encoding,
    /// Tenant. Default none.
    pub domain: Option<String>,
    /// Name of this device. The server keeps a place in the inbox for every device, and tells devices apart by
    /// this name. Give the same name at every start of one installation. Default none.
    pub resource: Option<String>,
    /// Device class, defined by the application. Default none.
    pub device_type: Option<i8>,
    /// Application data that other users see with the device.
    pub extend: BTreeMap<String, String>,
    /// How the server answers.
    pub server: ServerKind,
    /// When deliveries are acknowledged.
    pub acknowledge: Acknowledge,
    /// Whether to fetch what arrived while this device was away. Default yes.
    pub drain_offline: bool,
    /// Events that may wait for the application. When so many wait, further deliveries are left to the server
    /// and fetched over a new connection later. Default 1024; below 512 a server may reach it in normal
    /// operation.
    pub event_capacity: usize,
    /// Sends that may be unresolved at the same time. Default 256.
    pub max_pending_sends: usize,
    /// Bytes of encoded messages that may be unresolved at the same time. Default 16 MiB.
    pub max_pending_bytes: usize,
    /// Largest encoded message, in bytes. Default 1 MiB, which is also the default of the server.
    pub max_packet_bytes: usize,
    /// Largest piece of big data ([`Outgoing::big_text`](crate::Outgoing::big_text),
    /// [`Outgoing::big_binary`](crate::Outgoing::big_binary)) and largest frame of a virtual room, in bytes. What is
    /// larger than `max_packet_bytes` is written in pieces. Default 8 MiB.
    pub max_big_bytes: usize,
    /// Whether to answer everybody who asks for the own presence (`wire-protocol 7.5`), friend or not, with what
    /// was set last. Nothing is answered before that. Default no.
    pub answer_presence: bool,
    /// Messages and requests written per second; one second may be written at once. 0: no limit. Default 2000.
    /// A server closes a connection that exceeds its limit (default 5000).
    pub packets_per_second: u32,
    /// Requests that may be unresolved at the same time. Default 256.
    pub max_pending_requests: usize,
    /// Longest wait for the answer to a request, including the wait for a connection. Default 10 s.
    pub request_timeout: Duration,
    /// Time without an answer after which a request that may get none counts as answered, when the server gives
    /// no better sign. Default 2 s.
    pub quiet_timeout: Duration,
    /// Longest time to open a connection. Default 10 s.
    pub connect_timeout: Duration,
    /// Longest wait for the answer to a login. Default 10 s.
    pub login_timeout: Duration,
    /// Pause between opening the connection and login. Default none. The original server needs a few
    /// milliseconds.
    pub login_delay: Duration,
    /// Longest wait for the echo of a written message before the connection counts as broken. Default 30 s.
    pub echo_timeout: Duration,
    /// Longest wait for a sign of life when the device may have slept ([`Session::nudge`](super::Session::nudge)).
    /// Default 5 s.
    pub probe_timeout: Duration,
    /// Time between two keep-alive packets. Default 15 s. A connection on which nothing arrives for four of
    /// them counts as broken.
    pub ping_interval: Duration,
    /// When to connect again.
    pub reconnect: Reconnect,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            encoding: Encoding::Compact,
            domain: None,
            resource: None,
            device_type: None,
            extend: BTreeMap::new(),
            server: ServerKind::Auto,
            acknowledge: Acknowledge::WhenTaken,
            drain_offline: true,
            event_capacity: 1024,
            max_pending_sends: 256,
            max_pending_bytes: 16 << 20,
            max_packet_bytes: 1 << 20,
            max_big_bytes: 8 << 20,
            answer_presence: false,
            packets_per_second: 2000,
            max_pending_requests: 256,
            request_timeout: Duration::from_secs(10),
            quiet_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(10),
            login_timeout: Duration::from_secs(10),
            login_delay: Duration::ZERO,
            echo_timeout: Duration::from_secs(30),
            probe_timeout: Duration::from_secs(5),
            ping_interval: Duration::from_secs(15),
            reconnect: Reconnect::default(),
        }
    }
}

/// A password or token. Wiped from memory when dropped, never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What to log in with. Secrets are wiped from memory when dropped; the copies inside packets on their way to the
/// socket are not. `Debug` shows no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// Name and password. Remembered for automatic reconnects.
    Password {
        /// Login name.
        name: String,
        /// Password.
        password: Secret,
    },
    /// A one-time token. A reconnect needs new credentials, see
    /// [`SessionConfig`] and the credential source of the client.
    Token {
        /// The login name that the token was made for. Empty: the token alone decides.
        name: String,
        /// The token.
        token: Secret,
    },
}

impl Credentials {
    /// Login by name and password.
    pub fn password(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self::Password {
            name: name.into(),
            password: Secret::new(password),
        }
    }

    /// Login by a one-time token of that name. With an empty name the token alone decides.
    pub fn token(name: impl Into<String>, token: impl Into<String>) -> Self {
        Self::Token {
            name: name.into(),
            token: Secret::new(token),
        }
    }

    /// The login name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Password { name, .. } | Self::Token { name, .. } => name,
        }
    }
}

/// What a source of credentials has when a session is to log in again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Renewal {
    /// Log in with these.
    Credentials(Credentials),
    /// There are none now, because their source cannot be reached or is overloaded. The session tries again after its
    /// usual pause.
    Later {
        /// For people.
        reason: String,
        /// Shortest time until the next attempt.
        retry_after: Option<Duration>,
    },
    /// There will never be any: the session ends with
    /// [`LogoutReason::NoCredentials`](crate::LogoutReason::NoCredentials).
    SignedOut,
}

impl Renewal {
    /// There are no credentials now.
    pub fn later(reason: impl Into<String>) -> Self {
        Self::Later {
            reason: reason.into(),
            retry_after: None,
        }
    }
}

impl From<Credentials> for Renewal {
    fn from(credentials: Credentials) -> Self {
        Self::Credentials(credentials)
    }
}

impl From<Option<Credentials>> for Renewal {
    /// `None`: signed out.
    fn from(credentials: Option<Credentials>) -> Self {
        credentials.map_or(Self::SignedOut, Self::Credentials)
    }
}

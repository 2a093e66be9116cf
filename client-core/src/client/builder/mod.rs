//! Choosing a server and the settings of a session.

#[cfg(all(feature = "browser", not(feature = "native")))]
mod browser;
#[cfg(feature = "native")]
mod native;

use std::time::Duration;

use tim_protocol::Encoding;

use super::driver::{CredentialSource, Driver};
use super::handle::Client;
use crate::error::ConnectError;
use crate::session::{Acknowledge, Credentials, Reconnect, ServerKind, SessionConfig};
use crate::transport::{AddressError, Connector, ServerAddress, TransportSettings};

/// Where and how to connect. Can be used for any number of sessions.
///
/// ```no_run
/// use tim_client::{ClientBuilder, Credentials};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = ClientBuilder::new("ws://127.0.0.1:20003")?.resource("laptop");
/// server.register("alice", "correct horse").await?;
/// let client = server.connect(Credentials::password("alice", "correct horse")).await?;
/// println!("my node is {}", client.node());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientBuilder {
    pub(super) address: ServerAddress,
    pub(super) config: SessionConfig,
    transport: TransportSettings,
    credentials: Option<CredentialSource>,
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("address", &self.address)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// A builder for that server, see [`ServerAddress`] for the forms of addresses.
    ///
    /// # Errors
    /// The address is malformed.
    pub fn new(address: &str) -> Result<Self, AddressError> {
        Ok(Self {
            address: address.parse()?,
            config: SessionConfig::default(),
            transport: TransportSettings::default(),
            credentials: None,
        })
    }

    /// Replaces all session settings at once.
    #[must_use]
    pub fn config(mut self, config: SessionConfig) -> Self {
        self.config = config;
        self
    }

    /// Changes session settings that have no method of their own.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut SessionConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// The server.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// Tenant.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.config.domain = Some(domain.into());
        self
    }

    /// Name of this device, see [`SessionConfig::resource`].
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.config.resource = Some(resource.into());
        self
    }

    /// Device class, defined by the application.
    #[must_use]
    pub fn device_type(mut self, device_type: i8) -> Self {
        self.config.device_type = Some(device_type);
        self
    }

    /// Adds application data that other users see with the device.
    #[must_use]
    pub fn device_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.extend.insert(name.into(), value.into());
        self
    }

    /// Encoding of all packets.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.config.encoding = encoding;
        self
    }

    /// How the server answers, see [`ServerKind`].
    #[must_use]
    pub fn server_kind(mut self, kind: ServerKind) -> Self {
        self.config.server = kind;
        self
    }

    /// When deliveries are acknowledged, see [`Acknowledge`].
    #[must_use]
    pub fn acknowledge(mut self, acknowledge: Acknowledge) -> Self {
        self.config.acknowledge = acknowledge;
        self
    }

    /// Whether to fetch what arrived while this device was away.
    #[must_use]
    pub fn drain_offline(mut self, drain: bool) -> Self {
        self.config.drain_offline = drain;
        self
    }

    /// Whether everybody who asks for the own presence gets it, see [`SessionConfig::answer_presence`].
    #[must_use]
    pub fn answer_presence(mut self, answer: bool) -> Self {
        self.config.answer_presence = answer;
        self
    }

    /// When to connect again.
    #[must_use]
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.config.reconnect = reconnect;
        self
    }

    /// Longest wait for the answer to a request.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.config.request_timeout = timeout;
        self
    }

    /// Opens a session. Returns when the login was answered; from then on the session reconnects by itself. The
    /// first attempt is not repeated, so that wrong addresses and passwords show at once. Dropping the future
    /// abandons the attempt.
    ///
    /// With the feature `native` it must be called within a tokio runtime with time and I/O.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(&self, credentials: Credentials) -> Result<Client, ConnectError> {
        self.start(Some(credentials)).await
    }

    /// Opens a session like [`ClientBuilder::connect`], with what [`ClientBuilder::credential_source`] gives also for
    /// the first login.
    ///
    /// # Errors
    /// [`ConnectError::NoCredentials`] when the source has none and will have none, or when there is no source;
    /// [`ConnectError::Unreachable`] when it has none now. See [`ConnectError`].
    pub async fn connect_with_source(&self) -> Result<Client, ConnectError> {
        self.start(None).await
    }

    async fn start(&self, credentials: Option<Credentials>) -> Result<Client, ConnectError> {
        let connector = self.connector();
        let source = self.credentials.clone();
        Client::start(self.config.clone(), credentials, |shared| {
            Driver::new(shared, connector, source)
        })
        .await
    }

    pub(super) fn connector(&self) -> Connector {
        self.transport
            .connector(self.address.clone(), self.config.connect_timeout)
    }
}

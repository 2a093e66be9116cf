//! Which account on which server: command line before environment before stored settings.

use std::fs;

use tim_client::{Acknowledge, Client, ClientBuilder, Credentials, Encoding, Node};
use zeroize::Zeroizing;

use crate::arguments::{Options, Wire};
use crate::failure::Failure;
use crate::password;
use crate::profile::{Profile, Profiles};

const DEFAULT_SERVER: &str = "ws://127.0.0.1:20003";
const DEFAULT_RESOURCE: &str = "tim-cli";

/// The account in use.
pub(crate) struct Account {
    pub(crate) profiles: Profiles,
    /// Name of the profile.
    pub(crate) profile_name: String,
    pub(crate) profile: Profile,
    /// Whether the profile exists.
    pub(crate) is_stored: bool,
    pub(crate) name: String,
    options: Options,
}

/// What a command wants from its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Do something and leave; what waits in the inbox stays there.
    Errand,
    /// Receive, and count a message as received when it is printed.
    Receive,
}

impl Account {
    /// The account of a command that needs one.
    pub(crate) fn find(options: Options) -> Result<Self, Failure> {
        let profiles = Profiles::locate()?;
        let named = options.profile.clone().or_else(|| options.name.clone());
        let profile_name = match named {
            Some(name) => Some(name),
            None => profiles.current()?,
        };
        let Some(profile_name) = profile_name else {
            return Err(Failure::usage(
                "which account? Name one with --name, or start with `tim register NAME` or `tim login NAME`",
            ));
        };
        let stored = profiles.read(&profile_name)?;
        let is_stored = stored.is_some();
        if let (Some(asked), false) = (&options.profile, is_stored)
            && options.name.is_none()
        {
            return Err(Failure::usage(format!(
                "there is no profile {asked:?}; `tim login NAME` makes one"
            )));
        }
        let profile = stored.unwrap_or_default();
        let name = options
            .name
            .clone()
            .or_else(|| profile.name.clone())
            .unwrap_or_else(|| profile_name.clone());
        Ok(Self {
            profiles,
            profile_name,
            profile,
            is_stored,
            name,
            options,
        })
    }

    /// The account that is to be registered or logged in, which need not be known yet.
    pub(crate) fn enter(mut options: Options, name: &str) -> Result<Self, Failure> {
        if options.name.as_ref().is_some_and(|given| given != name) {
            return Err(Failure::usage("--name differs from the name of the account"));
        }
        options.name = Some(name.to_owned());
        let mut account = Self::find(options)?;
        let profile = &mut account.profile;
        let server = account.options.server.clone().or_else(|| profile.server.clone());
        let domain = account.options.domain.clone().or_else(|| profile.domain.clone());
        let is_other = account.is_stored
            && (profile.server != server
                || profile.domain != domain
                || profile.name.as_deref() != Some(name));
        if is_other {
            return Err(Failure::usage(format!(
                "the profile {:?} is of another account; choose a name for the new one with --profile",
                account.profile_name
            )));
        }
        profile.server = Some(server.unwrap_or_else(|| DEFAULT_SERVER.to_owned()));
        profile.domain = domain;
        profile.name = Some(name.to_owned());
        if let Some(resource) = &account.options.resource {
            profile.resource = Some(resource.clone());
        } else if profile.resource.is_none() {
            // Two computers of one person are two devices.
            profile.resource = Some(format!("{DEFAULT_RESOURCE}-{:08x}", rand::random::<u32>()));
        }
        if let Some(ca) = &account.options.ca {
            profile.ca = Some(fs::canonicalize(ca).map_err(|error| unreadable(ca, &error))?);
        }
        Ok(account)
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Stores the profile.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        self.profiles.write(&self.profile_name, &self.profile)
    }

    /// Settings of the connection.
    pub(crate) fn builder(&self) -> Result<ClientBuilder, Failure> {
        let options = &self.options;
        let server = options
            .server
            .as_deref()
            .or(self.profile.server.as_deref())
            .unwrap_or(DEFAULT_SERVER);
        let resource = options.resource.as_deref().or(self.profile.resource.as_deref());
        let encoding = match options.encoding {
            Wire::Compact => Encoding::Compact,
            Wire::Json => Encoding::Json,
        };
        let mut builder = ClientBuilder::new(server)?
            .resource(resource.unwrap_or(DEFAULT_RESOURCE))
            .encoding(encoding);
        if let Some(domain) = options.domain.as_deref().or(self.profile.domain.as_deref()) {
            builder = builder.domain(domain);
        }
        if let Some(ca) = options.ca.as_ref().or(self.profile.ca.as_ref()) {
            let pem = fs::read(ca).map_err(|error| unreadable(ca, &error))?;
            builder = builder
                .add_root_certificate(&pem)
                .map_err(|error| Failure::usage(format!("{}: {error}", ca.display())))?;
        }
        Ok(builder.danger_accept_invalid_certs(options.insecure))
    }

    /// The password of the account.
    pub(crate) fn password(&self) -> Result<Zeroizing<String>, Failure> {
        let file = self.options.password_file.as_deref();
        password::existing(file, self.profile.password.as_deref(), &self.name)
    }

    /// Logs in.
    pub(crate) async fn connect(&self, purpose: Purpose) -> Result<Client, Failure> {
        let password = self.password()?;
        self.connect_with(purpose, &password).await
    }

    pub(crate) async fn connect_with(&self, purpose: Purpose, password: &str) -> Result<Client, Failure> {
        let builder = match purpose {
            Purpose::Errand => self.builder()?.drain_offline(false),
            // Only what was set by hand in a chat is answered.
            Purpose::Receive => self
                .builder()?
                .acknowledge(Acknowledge::WhenNextIsTaken)
                .answer_presence(true),
        };
        Ok(builder
            .connect(Credentials::password(&self.name, password))
            .await?)
    }

    /// How to show the other side of a message.
    pub(crate) fn display<'a>(&'a self, node: Option<&'a Node>) -> &'a str {
        node.map_or("(administration)", |node| self.profile.display(node))
    }
}

fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}

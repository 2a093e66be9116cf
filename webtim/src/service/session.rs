//! Logging in, staying logged in, logging out.

use gloo_timers::future::TimeoutFuture;
use tim_client::web::SignIn;
use tim_client::{Client, ConnectError, LogoutReason};

use super::{Service, now};
use crate::model::{Connection, Ended, Model, Phase, Trouble};

impl Service {
    /// Looks whether the browser still has a session, and goes on with it. Called once when the page has loaded.
    pub async fn start(&self) {
        self.listen_to_tabs();
        self.attend();
        let mut pause = 1000;
        loop {
            match self.connect().await {
                Ok(()) => return,
                Err(ConnectError::NoCredentials | ConnectError::Refused(_)) => {
                    self.store.change(|model| model.session.phase = Phase::SignedOut);
                    return;
                }
                Err(_) => {
                    self.store.change(|model| {
                        model.session.connection = Connection::Waiting {
                            next_attempt: now() + i64::from(pause),
                        };
                    });
                    TimeoutFuture::new(pause).await;
                    pause = (pause * 2).min(15_000);
                }
            }
        }
    }

    /// Logs in. With `remember` the browser stays logged in after it was closed.
    ///
    /// # Errors
    /// 4102 or 4105 wrong name or password, [`Trouble::TooMany`]; see [`Trouble`].
    pub async fn sign_in(&self, name: &str, password: &str, remember: bool) -> Result<(), Trouble> {
        self.inner
            .api
            .sign_in(&SignIn::new(name, password).remember(remember))
            .await?;
        self.store
            .change(|model| model.session.login_name = Some(name.to_owned()));
        self.connect().await?;
        Ok(())
    }

    /// Creates an account. Nobody is logged in by that.
    ///
    /// # Errors
    /// 4101 the name is taken, 4104 name or password not acceptable; see [`Trouble`].
    pub async fn register(&self, name: &str, password: &str) -> Result<(), Trouble> {
        register(name, password).await
    }

    /// Logs out: the browser forgets the session.
    pub async fn sign_out(&self) {
        self.remember_now();
        self.remember_drafts();
        let client = self.inner.client.borrow_mut().take();
        self.forget(None);
        if let Err(error) = self.inner.api.sign_out().await {
            // Without connection the session stays on the server until it expires; here it is over either way.
            web_sys::console::warn_1(&error.to_string().into());
        }
        if let Some(client) = client {
            client.close().await;
        }
    }

    /// Ends all other sessions of the account. How many there were.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn sign_out_others(&self) -> Result<u64, Trouble> {
        Ok(self.inner.api.end_other_sessions().await?)
    }

    /// Logs out everywhere, here as well.
    ///
    /// # Errors
    /// See [`Trouble`]. One is still logged in then.
    pub async fn sign_out_everywhere(&self) -> Result<(), Trouble> {
        self.sign_out_others().await?;
        self.sign_out().await;
        Ok(())
    }

    /// Changes the password. All other sessions that are not connected at this moment end.
    ///
    /// # Errors
    /// 4102 or 4105 the old one is wrong, 4104 the new one is not acceptable; see [`Trouble`].
    pub async fn change_password(&self, old: &str, new: &str) -> Result<(), Trouble> {
        Ok(self.client()?.change_password(old, new).await?)
    }

    /// Connects now instead of after the pause between two attempts.
    pub fn connect_now(&self) {
        if let Ok(client) = self.client() {
            client.nudge();
        }
    }

    async fn connect(&self) -> Result<(), ConnectError> {
        let device = self.inner.device.name().await;
        let client = open(self, &device).await?;
        let me = client.node().clone();
        *self.inner.client.borrow_mut() = Some(client.clone());
        self.inner.started.set(false);
        self.store.change(|model| {
            model.session.me = Some(me.clone());
            model.session.ended = None;
            model.session.connection = Connection::Online;
            model.session.phase = Phase::Loading;
        });
        self.recollect(&me);
        let service = self.clone();
        self.spawn(async move {
            while let Some(event) = client.next_event().await {
                service.happened(event);
            }
        });
        Ok(())
    }

    /// The session is over, although nobody here wanted it.
    pub(super) fn ended(&self, reason: &LogoutReason) {
        self.remember_now();
        self.remember_drafts();
        self.inner.client.borrow_mut().take();
        self.forget(Some(match reason {
            LogoutReason::Forced => Ended::Suspended,
            LogoutReason::TookPlace => Ended::TookPlace,
            _ => Ended::Over,
        }));
    }

    /// Nothing of the account stays in the memory of the page.
    fn forget(&self, ended: Option<Ended>) {
        self.store.change(|model| {
            let preferences = model.preferences.clone();
            *model = Model::default();
            model.preferences = preferences;
            model.session.phase = Phase::SignedOut;
            model.session.ended = ended;
        });
        self.inner.profiles.take();
        self.inner.sync.take();
    }
}

#[cfg(target_arch = "wasm32")]
async fn open(service: &Service, device: &str) -> Result<Client, ConnectError> {
    tim_client::ClientBuilder::of_page()
        .map_err(|error| ConnectError::Unreachable(error.to_string()))?
        .resource(device)
        .answer_presence(true)
        .credential_source(service.inner.api.renewals())
        .connect_with_source()
        .await
}

#[cfg(target_arch = "wasm32")]
async fn register(name: &str, password: &str) -> Result<(), Trouble> {
    tim_client::ClientBuilder::of_page()
        .map_err(|error| Trouble::Other(error.to_string()))?
        .register(name, password)
        .await?;
    Ok(())
}

// Outside of browsers there is no page that a server could be known from.

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::unused_async)]
async fn open(_: &Service, _: &str) -> Result<Client, ConnectError> {
    Err(ConnectError::Unreachable("not in a browser".to_owned()))
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::unused_async)]
async fn register(_: &str, _: &str) -> Result<(), Trouble> {
    Err(Trouble::Offline)
}

//! Accounts: making them, new passwords, tokens without a password, devices, logging out.

use tim_protocol::error_code::ErrorCode;

use crate::cluster::Event;
use crate::engine::passwords::PasswordError;
use crate::engine::{Engine, store_failure};
use crate::store::{Account, AccountId, CreateAccountError, NewAccount, Store};

/// A device of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name: `r:` and the resource it logs in with, `h:` and a hash of a long one, or `t:` and its type.
    pub key: String,
    /// Its sessions on this node.
    pub sessions: usize,
    /// Entries of the inbox it has not acknowledged.
    pub waiting: i64,
}

impl Engine {
    /// The store, for what the management API keeps there itself.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Time.
    #[must_use]
    pub fn clock(&self) -> &dyn crate::engine::clock::Clock {
        &*self.clock
    }

    /// Randomness.
    #[must_use]
    pub fn entropy(&self) -> &dyn crate::engine::clock::Entropy {
        &*self.entropy
    }

    /// Hashes and checks passwords.
    #[must_use]
    pub fn passwords(&self) -> &crate::engine::passwords::Passwords {
        &self.passwords
    }

    /// An account as it is stored.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn stored_account(&self, id: &AccountId) -> Result<Option<Account>, ErrorCode> {
        self.store
            .account(id)
            .await
            .map_err(|error| store_failure(&error))
    }

    /// A room as it is stored, whatever its domain.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn stored_room(
        &self,
        id: &crate::store::RoomId,
    ) -> Result<Option<crate::store::Room>, ErrorCode> {
        self.store.room(id).await.map_err(|error| store_failure(&error))
    }

    /// Creates an account, whether people may register themselves or not.
    ///
    /// # Errors
    /// `Params` for names and passwords beyond the limits, `HasExist`, `Interface` when accounts are kept
    /// elsewhere, `Overload`, the store's failures.
    pub async fn create_account(
        &self,
        domain: &str,
        name: &str,
        password: &str,
    ) -> Result<AccountId, ErrorCode> {
        if let Some(code) = self.registration_refusal() {
            return Err(code);
        }
        let limits = &self.settings.accounts;
        let is_usable = !name.is_empty() && name.len() <= limits.max_name_bytes;
        if !is_usable || domain.len() > limits.max_name_bytes || !self.is_password(password) {
            return Err(ErrorCode::Params);
        }
        let id = self.identity.account(domain, name);
        if self.stored_account(&id).await?.is_some() {
            return Err(ErrorCode::HasExist);
        }
        let account = NewAccount {
            id: id.clone(),
            domain: domain.to_owned(),
            password_hash: self.hash_password(password).await?,
            created: self.clock.now(),
        };
        match self.store.create_account(account).await {
            Ok(()) => {
                tracing::info!(account = %id, "created");
                Ok(id)
            }
            Err(CreateAccountError::Exists) => Err(ErrorCode::HasExist),
            Err(CreateAccountError::Store(error)) => Err(store_failure(&error)),
        }
    }

    /// Gives an account a new password. Its web sessions end and so do the connections that were
    /// logged in from them; other connections stay.
    ///
    /// # Errors
    /// `Params` for a password beyond the limits, `Account` when there is no such account, `Interface` when
    /// accounts are kept elsewhere, `Overload`, the store's failures.
    pub async fn reset_password(&self, account: &AccountId, password: &str) -> Result<(), ErrorCode> {
        self.managed_here()?;
        if !self.is_password(password) {
            return Err(ErrorCode::Params);
        }
        let hash = self.hash_password(password).await?;
        let written = self.store.set_password(account, hash).await;
        if !written.map_err(|error| store_failure(&error))? {
            return Err(ErrorCode::Account);
        }
        let ended = self.store.end_sessions(account, &[]).await;
        let ended = ended.map_err(|error| store_failure(&error))?;
        self.logged_out(account, ended);
        tracing::info!(%account, "password reset");
        Ok(())
    }

    /// A token that logs in once to an account.
    ///
    /// # Errors
    /// `Account` when there is no such account, `PermDenied` when it is suspended; the store's failures.
    pub async fn token_for(&self, id: &AccountId) -> Result<String, ErrorCode> {
        let account = self.stored_account(id).await?.ok_or(ErrorCode::Account)?;
        self.check_suspension(&account)?;
        let issued = self.issue_token(account.id, None, None).await;
        Ok(issued.map_err(|error| store_failure(&error))?.text)
    }

    /// Ends all sessions of an account: those of browsers, and connections everywhere.
    ///
    /// # Errors
    /// The store's failures; nothing has ended.
    pub async fn log_out(&self, account: &AccountId) -> Result<(), ErrorCode> {
        let ended = self.store.end_sessions(account, &[]).await;
        ended.map_err(|error| store_failure(&error))?;
        let event = Event::Disconnected {
            account: account.clone(),
        };
        self.to_nodes_of(account, &event);
        tracing::info!(%account, "logged out");
        Ok(())
    }

    /// The devices that an inbox is kept for.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn devices(&self, account: &AccountId) -> Result<Vec<Device>, ErrorCode> {
        let state = self.store.inbox_state(account).await;
        let state = state.map_err(|error| store_failure(&error))?;
        let members = self.online.get(account).map(|account| account.members());
        let members = members.unwrap_or_default();
        let device = |(key, position): (crate::store::DeviceKey, crate::store::Seq)| {
            let here = self.online.get(account).and_then(|online| online.position(&key));
            let position = here.map_or(position, |here| here.max(position));
            Device {
                sessions: members.iter().filter(|member| member.device == key).count(),
                waiting: state.head.0.saturating_sub(position.0).max(0),
                key: key.0.to_string(),
            }
        };
        Ok(state.devices.iter().cloned().map(device).collect())
    }

    fn is_password(&self, password: &str) -> bool {
        !password.is_empty() && password.len() <= self.settings.accounts.max_password_bytes
    }

    async fn hash_password(&self, password: &str) -> Result<String, ErrorCode> {
        self.passwords.hash(password).await.map_err(|error| match error {
            PasswordError::Overloaded => ErrorCode::Overload,
            PasswordError::Damaged => ErrorCode::Database,
        })
    }
}

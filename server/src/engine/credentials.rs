//! Who somebody is: names with passwords, and tokens, checked within the limits against guessing; password
//! changes (wire-protocol 7.2, 7.3, 7.11).

use std::collections::BTreeMap;
use std::net::IpAddr;

use sha2::{Digest, Sha256};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::node;
use tim_protocol::wire::TimAuth;

use super::attempts::limited_address;
use super::passwords::PasswordError;
use super::{Engine, store_failure};
use crate::store::{Account, AccountId, LoginToken, SessionHash};

/// Who logged in, before the session is registered.
pub(super) struct Verified {
    pub(super) account: Account,
    pub(super) extend: Option<BTreeMap<String, String>>,
    /// The web session it logged in from.
    pub(super) web_session: Option<SessionHash>,
}

impl Engine {
    /// Changes the own password (wire-protocol 7.11). Connections stay open, and with them the web sessions they
    /// logged in from; all other web sessions end.
    ///
    /// # Errors
    /// `ModifyAuth` for everything the client can mend; `Overload`, `Database` otherwise.
    pub async fn change_password(
        &self,
        from: IpAddr,
        account: &AccountId,
        old: &str,
        new: &str,
    ) -> Result<(), ErrorCode> {
        self.managed_here()?;
        if new.is_empty() || new.len() > self.settings.accounts.max_password_bytes {
            return Err(ErrorCode::ModifyAuth);
        }
        let stored = self
            .store
            .account(account)
            .await
            .map_err(|error| store_failure(&error))?;
        let stored = stored.ok_or(ErrorCode::ModifyAuth)?;
        self.check_password(from, account, old, Some(&stored.password_hash))
            .await
            .map_err(|code| match code {
                ErrorCode::PermDenied => ErrorCode::ModifyAuth,
                other => other,
            })?;
        let hash = self.passwords.hash(new).await.map_err(|error| match error {
            PasswordError::Overloaded => ErrorCode::Overload,
            PasswordError::Damaged => ErrorCode::Database,
        })?;
        match self.store.set_password(account, hash).await {
            Ok(true) => {
                self.end_unused_sessions(account).await;
                Ok(())
            }
            Ok(false) => Err(ErrorCode::ModifyAuth),
            Err(error) => Err(store_failure(&error)),
        }
    }

    pub(super) async fn verify(&self, from: IpAddr, auth: &TimAuth) -> Result<Verified, ErrorCode> {
        match auth.token.as_deref() {
            Some(token) if !token.is_empty() => self.verify_token(from, auth, token).await,
            _ => {
                let account = self.verify_password(from, auth, false).await?;
                Ok(Verified {
                    account,
                    extend: auth.extend.clone(),
                    web_session: None,
                })
            }
        }
    }

    pub(super) async fn verify_password(
        &self,
        from: IpAddr,
        auth: &TimAuth,
        for_token: bool,
    ) -> Result<Account, ErrorCode> {
        if let Some(account) = self.verify_elsewhere(from, auth, for_token).await? {
            return Ok(account);
        }
        let limits = &self.settings.accounts;
        let name = auth.name.as_deref().unwrap_or_default();
        let password = auth.pwd.as_deref().unwrap_or_default();
        let domain = auth.domain.as_deref().unwrap_or_default();
        if name.is_empty() || password.is_empty() || password.len() > limits.max_password_bytes {
            return Err(ErrorCode::PermDenied);
        }
        let id = self.identity.account(domain, name);
        let account = self
            .store
            .account(&id)
            .await
            .map_err(|error| store_failure(&error))?;
        let hash = account.as_ref().map(|account| account.password_hash.as_str());
        self.check_password(from, &id, password, hash).await?;
        account.ok_or(ErrorCode::PermDenied)
    }

    /// Checks a password within the limits against guessing.
    async fn check_password(
        &self,
        from: IpAddr,
        id: &AccountId,
        password: &str,
        hash: Option<&str>,
    ) -> Result<(), ErrorCode> {
        let (now, address) = (self.clock.now(), limited_address(from));
        let key = (id.clone(), address);
        // Many people may log in from one address at the same time, so only failures count there.
        // One account is taken first and given back: guesses at the same time do not add up.
        if !self.failures_by_address.is_allowed(&address, now) {
            return Err(ErrorCode::OverHz);
        }
        let attempt = self
            .failures_by_account
            .reserve(key, now)
            .ok_or(ErrorCode::OverHz)?;
        match self.passwords.verify(password, hash).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                attempt.failed();
                self.failures_by_address.count(&address, now);
                Err(ErrorCode::PermDenied)
            }
            Err(PasswordError::Overloaded) => Err(ErrorCode::Overload),
            Err(PasswordError::Damaged) => {
                tracing::error!(account = %id, "the stored password hash is damaged");
                Err(ErrorCode::PermDenied)
            }
        }
    }

    /// Takes a token out of the store. With a name it must be that account's; without one (timjs)
    /// the token alone decides. Its decimal form (timgo, atim) is accepted too.
    async fn verify_token(&self, from: IpAddr, auth: &TimAuth, token: &str) -> Result<Verified, ErrorCode> {
        let (now, address) = (self.clock.now(), limited_address(from));
        if !self.failures_by_address.is_allowed(&address, now) {
            return Err(ErrorCode::OverHz);
        }
        let taken = {
            let decimal = token
                .parse::<i64>()
                .ok()
                .and_then(|number| u64::try_from(number).ok());
            let text = decimal.map_or_else(|| token.to_owned(), node::original::base58_encode);
            let hash = Sha256::digest(text.as_bytes()).into();
            self.store
                .take_token(&hash, now)
                .await
                .map_err(|error| store_failure(&error))?
        };
        let name = auth.name.as_deref().unwrap_or_default();
        let domain = auth.domain.as_deref().unwrap_or_default();
        let fits = |token: &LoginToken| name.is_empty() || self.token_fits(&token.account, domain, name);
        let Some(token) = taken.filter(fits) else {
            self.failures_by_address.count(&address, now);
            return Err(ErrorCode::Token);
        };
        let account = self
            .store
            .account(&token.account)
            .await
            .map_err(|error| store_failure(&error))?;
        let account = account.ok_or(ErrorCode::Token)?;
        Ok(Verified {
            account,
            extend: token.extend,
            web_session: token.session,
        })
    }
}

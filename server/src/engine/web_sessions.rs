//! Web sessions: logins that outlive a WebSocket, so that a browser can log in again without a password
//! (docs/web-api.md). They give out login tokens and say whose an HTTP request is; connections
//! that were logged in from one end with it.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::TimAuth;
use zeroize::Zeroizing;

use super::external::AccountSource;
use super::listing::QUESTIONS;
use super::{Engine, store_failure};
use crate::cluster::Event;
use crate::store::{Account, AccountId, SessionHash, WebSession};

/// Uses closer together than this are not written down.
const USE_INTERVAL: Duration = Duration::from_secs(3600);
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// What a browser shows to use a session: text of a cookie or header. Never stored.
pub struct SessionSecret(Zeroizing<String>);

impl SessionSecret {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionSecret(…)")
    }
}

/// A session that was just begun.
#[derive(Debug)]
pub struct NewSession {
    /// What the browser keeps.
    pub secret: SessionSecret,
    /// Whose it is.
    pub visitor: Visitor,
}

/// Whose an HTTP request is.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The account.
    pub account: AccountId,
    /// Its tenant.
    pub domain: String,
    /// The session.
    pub session: SessionHash,
    /// Whether the browser keeps the session when it is closed.
    pub remembered: bool,
}

/// Why a session cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// There is none, or it has ended.
    #[error("no session")]
    Ended,
    /// Too many requests of this account; another one may be made after this time.
    #[error("too many requests")]
    TooMany(Duration),
    /// It could not be found out.
    #[error("{0}")]
    Failed(ErrorCode),
}

impl Engine {
    /// Begins a session with a name and a password. `auth` holds nothing else.
    ///
    /// # Errors
    /// `NoPass`: wrong name or password; `PermDenied`: the account is suspended; `OverHz`: too many
    /// attempts; `Overload`, `Database`.
    pub async fn begin_session(
        &self,
        from: IpAddr,
        auth: &TimAuth,
        remembered: bool,
    ) -> Result<NewSession, ErrorCode> {
        // Where every name is an account, checking the password asks the gate already.
        let asks_gate = !matches!(self.external.source, AccountSource::AnyName);
        if asks_gate && !self.admits(from, auth).await {
            return Err(ErrorCode::NoPass);
        }
        let checked = self.verify_password(from, auth, true).await;
        let account = checked.map_err(|code| match code {
            ErrorCode::PermDenied => ErrorCode::NoPass,
            other => other,
        })?;
        self.check_suspension(&account)?;
        let mut random = Zeroizing::new([0; SECRET_BYTES]);
        self.entropy.fill(&mut *random);
        let secret = SessionSecret(Zeroizing::new(URL_SAFE_NO_PAD.encode(*random)));
        let (hash, now) = (hash_of(secret.as_str()), self.clock.now());
        let session = WebSession {
            hash,
            account: account.id.clone(),
            remembered,
            created: now,
            used: now,
        };
        let storing = self.store.put_session(session).await;
        storing.map_err(|error| store_failure(&error))?;
        // Whoever suspends the account or changes the password from now on finds the session; whoever
        // did so since the check is found here.
        let stored = self.store.account(&account.id).await;
        let stored = stored.map_err(|error| store_failure(&error))?;
        let is_good = stored.is_some_and(|stored| {
            stored.password_hash == account.password_hash && self.check_suspension(&stored).is_ok()
        });
        if !is_good {
            let ending = self.store.end_session(&hash).await;
            ending.map_err(|error| store_failure(&error))?;
            return Err(ErrorCode::NoPass);
        }
        tracing::debug!(account = %account.id, "web session begun");
        Ok(NewSession {
            secret,
            visitor: visitor(account, hash, remembered),
        })
    }

    /// Who shows this secret. Notes the use of the session.
    ///
    /// # Errors
    /// See [`SessionError`].
    pub async fn visitor(&self, secret: &str) -> Result<Visitor, SessionError> {
        // Nothing else was ever given out.
        if secret.len() != SECRET_BYTES.div_ceil(3) * 4 - 1 {
            return Err(SessionError::Ended);
        }
        let failed = |error| SessionError::Failed(store_failure(&error));
        let hash = hash_of(secret);
        let session = self.store.session(&hash).await.map_err(failed)?;
        let session = session.ok_or(SessionError::Ended)?;
        let now = self.clock.now();
        let lifetime = self.settings.accounts.session_lifetime;
        if session.used.plus(lifetime) <= now {
            return Err(SessionError::Ended);
        }
        let account = self.store.account(&session.account).await.map_err(failed)?;
        let account = account.ok_or(SessionError::Ended)?;
        // A session from before a suspension ended with it, also when it could not be deleted then.
        let has_outlived = |until| now < until || session.created < until;
        if account.suspended_until.is_some_and(has_outlived) {
            return Err(SessionError::Ended);
        }
        if session.used.plus(USE_INTERVAL) <= now
            && let Err(error) = self.store.use_session(&hash, now).await
        {
            tracing::warn!(%error, "the use of a web session was not noted");
        }
        Ok(visitor(account, hash, session.remembered))
    }

    /// Makes a token that logs in once over the WebSocket.
    ///
    /// # Errors
    /// See [`SessionError`]; also when accounts are kept elsewhere and this one is not there any more.
    pub async fn session_token(&self, visitor: &Visitor) -> Result<String, SessionError> {
        if !self.questions.take(&visitor.account, self.clock.now()) {
            return Err(SessionError::TooMany(QUESTIONS.refill));
        }
        let exists = self.exists_elsewhere(&visitor.account).await;
        if !exists.map_err(SessionError::Failed)? {
            self.end_session(visitor).await.map_err(SessionError::Failed)?;
            return Err(SessionError::Ended);
        }
        let account = visitor.account.clone();
        match self.issue_token(account, None, Some(visitor.session)).await {
            Ok(token) => Ok(token.text),
            Err(error) => Err(SessionError::Failed(store_failure(&error))),
        }
    }

    /// Ends a session and the connections that were logged in from it.
    ///
    /// # Errors
    /// The store failed; nothing has changed.
    pub async fn end_session(&self, visitor: &Visitor) -> Result<(), ErrorCode> {
        let ended = self.store.end_session(&visitor.session).await;
        ended.map_err(|error| store_failure(&error))?;
        self.logged_out(&visitor.account, vec![visitor.session]);
        Ok(())
    }

    /// Ends all other sessions of the account and the connections that were logged in from them;
    /// answers how many sessions.
    ///
    /// # Errors
    /// The store failed; nothing has changed.
    pub async fn end_other_sessions(&self, visitor: &Visitor) -> Result<usize, ErrorCode> {
        let ended = self
            .store
            .end_sessions(&visitor.account, &[visitor.session])
            .await;
        let ended = ended.map_err(|error| store_failure(&error))?;
        let count = ended.len();
        self.logged_out(&visitor.account, ended);
        Ok(count)
    }

    /// The password was changed: whoever had the old one must not stay in with it.
    pub(super) async fn end_unused_sessions(&self, account: &AccountId) {
        let online = self.online.get(account);
        let in_use = online.map(|account| account.web_sessions()).unwrap_or_default();
        if let Err(error) = self.store.end_sessions(account, &in_use).await {
            tracing::error!(%error, %account, "web sessions were not ended by a change of the password");
        }
    }

    /// Refuses a login from a session that has ended meanwhile.
    pub(super) async fn check_web_session(&self, session: &SessionHash) -> Result<(), ErrorCode> {
        match self.store.session(session).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(ErrorCode::Token),
            Err(error) => Err(store_failure(&error)),
        }
    }

    /// Deletes sessions that were not used for too long.
    pub(super) async fn forget_sessions(&self) {
        let lifetime = self.settings.accounts.session_lifetime;
        match self.store.forget_sessions(self.clock.now().minus(lifetime)).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "forgot web sessions long unused"),
            Err(error) => tracing::warn!(%error, "web sessions could not be forgotten"),
        }
    }

    pub(super) fn logged_out(&self, account: &AccountId, sessions: Vec<SessionHash>) {
        let event = Event::LoggedOut {
            account: account.clone(),
            sessions,
        };
        self.to_nodes_of(account, &event);
    }
}

fn visitor(account: Account, session: SessionHash, remembered: bool) -> Visitor {
    Visitor {
        account: account.id,
        domain: account.domain,
        session,
        remembered,
    }
}

fn hash_of(secret: &str) -> SessionHash {
    SessionHash(Sha256::digest(secret.as_bytes()).into())
}

#[cfg(test)]
mod tests;

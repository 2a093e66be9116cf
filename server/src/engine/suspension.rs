//! Suspension (wire-protocol 8.3): an account that may not log in until a given time. Its sessions are
//! told and closed. The time is looked at in every login, once before and once after the session is
//! registered, so that no login under way slips through.

use tim_protocol::error_code::ErrorCode;

use super::external::AccountSource;
use super::{Engine, store_failure};
use crate::cluster::Event;
use crate::store::{Account, AccountId, Result, Timestamp};

impl Engine {
    /// Suspends an account: its sessions everywhere end, and nobody can log in to it before `until`.
    /// `false` when there is no such account.
    ///
    /// # Errors
    /// The store failed; nothing has changed.
    pub async fn suspend(&self, account: &AccountId, until: Timestamp) -> Result<bool> {
        if !self.store.set_suspension(account, Some(until)).await? {
            return Ok(false);
        }
        tracing::info!(%account, "suspended");
        if self.clock.now() < until {
            // After the store: who registers from here on finds the suspension there.
            let event = Event::Suspended {
                account: account.clone(),
            };
            self.to_nodes_of(account, &event);
            if let Err(error) = self.store.end_sessions(account, &[]).await {
                // They are worth nothing while the suspension lasts.
                tracing::warn!(%error, "web sessions of a suspended account were not ended");
            }
        }
        Ok(true)
    }

    /// Lets an account log in again. `false` when there is no such account.
    ///
    /// # Errors
    /// The store failed; nothing has changed.
    pub async fn lift_suspension(&self, account: &AccountId) -> Result<bool> {
        let exists = self.store.set_suspension(account, None).await?;
        if exists {
            tracing::info!(%account, "suspension lifted");
        }
        Ok(exists)
    }

    /// Refuses an account that is suspended now.
    ///
    /// # Errors
    /// `PermDenied`.
    pub(super) fn check_suspension(&self, account: &Account) -> Result<(), ErrorCode> {
        let now = self.clock.now();
        if account.suspended_until.is_some_and(|until| now < until) {
            return Err(ErrorCode::PermDenied);
        }
        Ok(())
    }

    /// The second look of a login, after its session was registered: whoever suspends the account
    /// from now on finds the session, and whoever did so before is found in the store.
    pub(super) async fn check_suspension_again(&self, account: &AccountId) -> Result<(), ErrorCode> {
        let stored = self.store.account(account).await;
        match stored.map_err(|error| store_failure(&error))? {
            Some(account) => self.check_suspension(&account),
            None => Ok(()),
        }
    }
}

/// How an operator names accounts.
impl Engine {
    /// The id of the account with a login name, whether it exists or not. `None` when names are known
    /// only to an external database or service.
    #[must_use]
    pub fn account_named(&self, domain: &str, name: &str) -> Option<AccountId> {
        match self.external.source {
            AccountSource::Own => Some(self.identity.account(domain, name)),
            AccountSource::AnyName => self.parse_account(name),
            AccountSource::Outside(_) => None,
        }
    }

    /// The account with a public address, if that is well formed.
    #[must_use]
    pub fn account_at(&self, node: &str) -> Option<AccountId> {
        self.parse_account(node)
    }
}

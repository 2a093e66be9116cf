//! Friends and blocks (wire-protocol 7.8): reads the relation, lets `contacts` decide, writes the
//! change and its notices in one transaction, and takes effect for messages at once.

use std::time::Duration;

use tim_protocol::error_code::ErrorCode;
use tokio::sync::oneshot;

use super::accounts::Login;
use super::committer::Work;
use super::contacts::{self, Decision};
use super::notices::{Notice, Prepared};
use super::settings::AttemptLimit;
use super::{Engine, store_failure};
use crate::cluster::Event;
use crate::store::{AccountId, ContactChange, ContactLists, Contacts};

/// Longest greeting of a request, in bytes of UTF-8.
const GREETING_BYTES: usize = 1_024;

/// Requests from one account to another: each is stored for the other to read.
pub(super) const REQUESTS_PER_PAIR: AttemptLimit = AttemptLimit {
    burst: 20,
    refill: Duration::from_secs(30),
};

/// How often a change is tried again when another one came in between.
const TRIES: usize = 8;

impl Engine {
    /// Asks for friendship with `node` or accepts it; `true` when the two are friends now.
    ///
    /// # Errors
    /// The code to answer with.
    pub async fn add_contact(&self, login: &Login, node: &str, greeting: String) -> Result<bool, ErrorCode> {
        self.managed_here()?;
        if greeting.len() > GREETING_BYTES {
            return Err(ErrorCode::Params);
        }
        let peer = self.existing_peer(login, node).await?;
        let pair = (login.account().id.clone(), peer.clone());
        if !self.requests_to_strangers.take(&pair, self.clock.now()) {
            return Err(ErrorCode::OverHz);
        }
        let now = self.change(login, &peer, Some(greeting), contacts::add).await?;
        Ok(now.are_friends())
    }

    /// Ends a friendship, declines a request or lifts a block.
    ///
    /// # Errors
    /// The code to answer with.
    pub async fn remove_contact(&self, login: &Login, node: &str) -> Result<(), ErrorCode> {
        self.blocks_kept_here()?;
        let peer = self.parse_account(node).ok_or(ErrorCode::Account)?;
        self.change(login, &peer, None, contacts::remove)
            .await
            .map(|_| ())
    }

    /// Blocks an account.
    ///
    /// # Errors
    /// The code to answer with.
    pub async fn block_contact(&self, login: &Login, node: &str) -> Result<(), ErrorCode> {
        self.blocks_kept_here()?;
        let peer = self.existing_peer(login, node).await?;
        self.change(login, &peer, None, |now| Ok(contacts::block(now)))
            .await
            .map(|_| ())
    }

    /// Friends and blocked accounts.
    ///
    /// # Errors
    /// The code to answer with.
    pub async fn contact_lists(&self, login: &Login) -> Result<ContactLists, ErrorCode> {
        if let Some(lists) = self.lists_elsewhere(&login.account().id).await? {
            return Ok(lists);
        }
        self.store
            .contact_lists(&login.account().id)
            .await
            .map_err(|error| store_failure(&error))
    }

    async fn existing_peer(&self, login: &Login, node: &str) -> Result<AccountId, ErrorCode> {
        let peer = self.parse_account(node).ok_or(ErrorCode::Account)?;
        if peer == login.account().id {
            return Err(ErrorCode::PermDenied);
        }
        self.relation_of(login.person(), &peer).await?;
        Ok(peer)
    }

    async fn change(
        &self,
        login: &Login,
        peer: &AccountId,
        greeting: Option<String>,
        decide: impl Fn(Contacts) -> Result<Decision, ErrorCode>,
    ) -> Result<Contacts, ErrorCode> {
        let me = &login.account().id;
        let guard = self.relations.lock(me, peer).await;
        for _ in 0..TRIES {
            let expected = self
                .store
                .contacts(me, peer)
                .await
                .map_err(|error| store_failure(&error))?;
            let Decision { becomes, notice } = decide(expected)?;
            let notice = notice.map(|notice| {
                self.prepare(Notice {
                    owner: peer.clone(),
                    code: notice as i32,
                    from: Some(login.member().tid.clone()),
                    room: None,
                    text: greeting.clone().filter(|_| notice == contacts::Notice::Request),
                })
            });
            let notices = notice.iter().map(Prepared::stored).collect();
            let (owner, other) = (me.clone(), peer.clone());
            let change = ContactChange {
                owner,
                peer: other,
                expected,
                becomes,
                notices,
            };
            let written = self
                .store
                .change_contacts(change)
                .await
                .map_err(|error| store_failure(&error))?;
            let Some(seqs) = written else { continue };
            self.relations.replace(me, peer, becomes);
            self.broadcasts.friends_changed([me, peer]);
            drop(guard);
            self.tell_other_nodes(&Event::ContactsChanged {
                owner: me.clone(),
                peer: peer.clone(),
                contacts: becomes,
            });
            self.flush_sends().await;
            self.deliver_notices(notice.into_iter().collect(), &seqs);
            return Ok(becomes);
        }
        Err(ErrorCode::Database)
    }

    /// Waits until messages that were permitted before a change are delivered, so that nothing
    /// arrives after the answer to the change.
    pub(super) async fn flush_sends(&self) {
        let (reached, barrier) = oneshot::channel();
        if self.work.send(Work::Barrier(reached)).await.is_ok() && barrier.await.is_err() {
            tracing::debug!("the committer ended before the barrier");
        }
    }
}

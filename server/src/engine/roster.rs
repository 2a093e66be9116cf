//! Friends and blocks (wire-protocol 7.8): reads the relation, lets `contacts` decide, writes the
//! change and its notices in one transaction, and takes effect for messages at once.

use std::sync::Arc;
use std::time::Duration;

use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::{Tid, TimMessage};
use tim_protocol::{Encoding, WireStruct};
use tokio::sync::oneshot;

use super::accounts::Login;
use super::committer::Work;
use super::contacts::{self, Decision};
use super::parcel::Parcel;
use super::settings::AttemptLimit;
use super::{Engine, store_failure};
use crate::cluster::Event;
use crate::store::{AccountId, ContactChange, ContactLists, Contacts, InboxItem};

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
        self.relation_of(login, &peer).await?;
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
            let message = notice.map(|notice| TimMessage {
                ms_type: 2,
                od_type: 4,
                bn_type: Some(notice as i32),
                id: Some(self.entropy.packet_id()),
                timestamp: Some(self.clock.now().0),
                from_tid: Some(login.member().tid.clone()),
                to_tid: Some(Tid {
                    node: peer.as_str().to_owned(),
                    ..Tid::default()
                }),
                data_string: greeting.clone().filter(|_| notice == contacts::Notice::Request),
                ..TimMessage::default()
            });
            let notices = message
                .iter()
                .map(|message| stored_notice(peer, message))
                .collect();
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
            self.tell_nodes(me, peer, becomes);
            self.flush_sends().await;
            if let (Some(message), Some(seq)) = (message, seqs.first()) {
                self.deliver_entry(peer, *seq, &Arc::new(Parcel::message(message)));
            }
            return Ok(becomes);
        }
        Err(ErrorCode::Database)
    }

    fn tell_nodes(&self, owner: &AccountId, peer: &AccountId, contacts: Contacts) {
        for node in self
            .bus
            .members()
            .into_iter()
            .filter(|node| *node != self.bus.local())
        {
            let event = Event::ContactsChanged {
                owner: owner.clone(),
                peer: peer.clone(),
                contacts,
            };
            if let Err(error) = self.bus.send(node, event) {
                tracing::warn!(%error, "a node keeps an old relation until it reads again");
            }
        }
    }

    /// Waits until messages that were permitted before a change are delivered, so that nothing
    /// arrives after the answer to the change.
    async fn flush_sends(&self) {
        let (reached, barrier) = oneshot::channel();
        if self.work.send(Work::Barrier(reached)).await.is_ok() && barrier.await.is_err() {
            tracing::debug!("the committer ended before the barrier");
        }
    }
}

/// The notice as it waits in the inbox: with its id, the sender reduced to the node.
fn stored_notice(owner: &AccountId, message: &TimMessage) -> InboxItem {
    let mut stored = message.clone();
    stored.from_tid = stored.from_tid.map(|tid| Tid {
        node: tid.node,
        ..Tid::default()
    });
    InboxItem::Packet {
        owner: owner.clone(),
        body: stored.encode(Encoding::Compact).into(),
    }
}

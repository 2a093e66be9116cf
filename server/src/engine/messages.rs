//! Sending: permission, the fields that belong to the server, recall and burn (wire-protocol 7.6,
//! 7.7). What has to be durable goes to the committer; nothing here waits for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{BufMut, Bytes, BytesMut};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{Tid, TimMessage};
use tim_protocol::{Encoding, WireStruct};
use tokio::sync::mpsc::error::TrySendError;

use super::accounts::Login;
use super::committer::{Origin, QueuedBytes, Work};
use super::draft::{Draft, Purpose, Target, draft};
use super::online::OtherDevices;
use super::outlet::{SendOutcome, Ticket};
use super::parcel::{self, Parcel};
use super::relations::Relation;
use super::{Engine, store_failure};
use crate::cluster::Event;
use crate::store::{AccountId, Append, InboxItem, Mid, Retract, Retracted};

/// Separator of big strings and of big binaries (wire-protocol 7.9).
const STRING_SEPARATOR: u8 = b'|';
const BINARY_SEPARATOR: u8 = 131;

/// How far [`Engine::send_now`] came.
#[derive(Debug)]
pub enum Attempt {
    /// Done, or under way: the outcome comes through the session's outlet.
    Accepted,
    /// Something has to be read first: call [`Engine::send`] with the message.
    NeedsStore(Box<TimMessage>),
}

impl Engine {
    /// Sends a message if that needs nothing but what is in memory. The outcome arrives in the
    /// session's outlet under the ticket, also that of a refusal.
    pub fn send_now(&self, login: &Login, ticket: Ticket, mut message: TimMessage) -> Attempt {
        let draft = match draft(&mut message, &self.settings.messages) {
            Ok(draft) => draft,
            Err(code) => return refuse(login, ticket, code),
        };
        let relation = draft
            .to
            .as_ref()
            .and_then(|to| self.known_relation(&login.account().id, to));
        let (Some(to), Some(relation)) = (&draft.to, relation) else {
            return Attempt::NeedsStore(Box::new(message));
        };
        if matches!(draft.purpose, Purpose::Recall(_) | Purpose::Burn(_)) {
            return Attempt::NeedsStore(Box::new(message));
        }
        // A relation is cached only for accounts that exist.
        match self.permit(&draft, relation) {
            Ok(()) => self.carry_out(login, ticket, to, relation, draft.purpose, message),
            Err(code) => refuse(login, ticket, code),
        }
    }

    /// Sends a message, reading from the store what is needed. Cancel-safe: the message is either
    /// under way or was not looked at.
    pub async fn send(&self, login: &Login, ticket: Ticket, message: Box<TimMessage>) {
        if let Err(code) = self.try_send(login, ticket, *message).await {
            login.member().outlet.sent(ticket, SendOutcome::Refused(code));
        }
    }

    async fn try_send(
        &self,
        login: &Login,
        ticket: Ticket,
        mut message: TimMessage,
    ) -> Result<(), ErrorCode> {
        let draft = draft(&mut message, &self.settings.messages)?;
        // Rooms do not exist yet, so a message needs a user that does.
        let to = draft.to.clone().ok_or(ErrorCode::Account)?;
        let relation = self.relation_of(login, &to).await?;
        self.permit(&draft, relation)?;
        match draft.purpose {
            Purpose::Recall(mid) => {
                let author = &login.account().id;
                self.retract(login, &to, relation, mid, author, message).await?;
                login.member().outlet.sent(ticket, SendOutcome::Passed);
            }
            Purpose::Burn(mid) => {
                self.retract(login, &to, relation, mid, &to, message).await?;
                login.member().outlet.sent(ticket, SendOutcome::Passed);
            }
            purpose => {
                self.carry_out(login, ticket, &to, relation, purpose, message);
            }
        }
        Ok(())
    }

    /// The relation to another account of the same domain.
    ///
    /// # Errors
    /// `Account` when there is no such account; the store's failures.
    pub(super) async fn relation_of(&self, login: &Login, peer: &AccountId) -> Result<Relation, ErrorCode> {
        let me = login.account();
        if let Some(relation) = self.known_relation(&me.id, peer) {
            return Ok(relation);
        }
        if let Some(relation) = self.relation_elsewhere(login, peer).await? {
            return Ok(relation);
        }
        let found = self
            .store
            .account(peer)
            .await
            .map_err(|error| store_failure(&error))?;
        if found.is_none_or(|account| *account.domain != *me.domain) {
            return Err(ErrorCode::Account);
        }
        let loading = self.relations.load(&*self.store, &self.identity, &me.id, peer);
        loading.await.map_err(|error| store_failure(&error))
    }

    fn permit(&self, draft: &Draft, relation: Relation) -> Result<(), ErrorCode> {
        match draft.target {
            Target::Unknown => Err(ErrorCode::Params),
            // There are no rooms of which both could be members.
            Target::Room => Err(ErrorCode::PermDenied),
            Target::User if draft.has_room => Err(ErrorCode::PermDenied),
            Target::User if self.settings.messages.require_friendship && !relation.contacts.are_friends() => {
                Err(ErrorCode::PermDenied)
            }
            Target::User if !self.settings.messages.require_friendship && relation.is_blocked() => {
                Err(ErrorCode::PermDenied)
            }
            Target::User => Ok(()),
        }
    }

    fn carry_out(
        &self,
        login: &Login,
        ticket: Ticket,
        to: &AccountId,
        relation: Relation,
        purpose: Purpose,
        mut message: TimMessage,
    ) -> Attempt {
        let client_id = message.id.filter(|id| *id != 0);
        self.own_fields(login, &mut message);
        let needs_disk = matches!(purpose, Purpose::Chat | Purpose::Relay);
        // The stored form and the delivered one wait together.
        let weight = if needs_disk {
            2 * parcel::weight(&message)
        } else {
            0
        };
        let Some(share) = QueuedBytes::take(&self.queued_bytes, weight) else {
            self.counters.messages_failed.fetch_add(1, Ordering::Relaxed);
            return refuse(login, ticket, ErrorCode::Overload);
        };
        let origin = Origin::new(login, ticket, share);
        match purpose {
            Purpose::Chat => {
                message.mid = None;
                let mut inboxes = vec![to.clone()];
                if *to != login.account().id && login.account().other_devices() == OtherDevices::Some {
                    inboxes.push(login.account().id.clone());
                }
                let append = Append {
                    conversation: relation.conversation,
                    sender: login.account().id.clone(),
                    client_id,
                    timestamp: crate::store::Timestamp(message.timestamp.unwrap_or_default()),
                    body: stored_form(&mut message, None),
                    inboxes,
                };
                self.queue(
                    login,
                    ticket,
                    Work::Chat {
                        append,
                        message: Box::new(message),
                        origin,
                    },
                )
            }
            Purpose::Relay => {
                let id = message.id;
                let body = stored_form(&mut message, id);
                let item = InboxItem::Packet {
                    owner: to.clone(),
                    body,
                };
                self.queue(
                    login,
                    ticket,
                    Work::Relay {
                        item,
                        message: Box::new(message),
                        origin,
                    },
                )
            }
            Purpose::Stream => self.pass(login, ticket, to, Parcel::message(message)),
            Purpose::BigString => {
                let data = message.data_string.unwrap_or_default();
                let payload = big_data(login, STRING_SEPARATOR, data.as_bytes());
                self.pass(login, ticket, to, Parcel::raw(PacketType::BigString, payload))
            }
            Purpose::BigBinary => {
                let data = message.data_binary.unwrap_or_default();
                let payload = big_data(login, BINARY_SEPARATOR, &data);
                self.pass(login, ticket, to, Parcel::raw(PacketType::BigBinary, payload))
            }
            Purpose::Nothing | Purpose::Recall(_) | Purpose::Burn(_) => {
                refuse(login, ticket, ErrorCode::Params)
            }
        }
    }

    /// Sets what only the server may say and removes what clients must not.
    fn own_fields(&self, login: &Login, message: &mut TimMessage) {
        message.from_tid = Some(login.member().tid.clone());
        message.timestamp = Some(self.clock.now().0);
        message.id = message
            .id
            .filter(|id| *id != 0)
            .or_else(|| Some(self.entropy.packet_id()));
        message.is_offline = None;
        message.to_list = None;
        if let Some(to) = &mut message.to_tid {
            let domain = &login.account().domain;
            to.domain = (!domain.is_empty()).then(|| domain.to_string());
        }
    }

    fn queue(&self, login: &Login, ticket: Ticket, work: Work) -> Attempt {
        match self.work.try_send(work) {
            Ok(()) => Attempt::Accepted,
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {
                self.counters.messages_failed.fetch_add(1, Ordering::Relaxed);
                refuse(login, ticket, ErrorCode::Overload)
            }
        }
    }

    /// Hands a packet to the sessions that the target has now.
    fn pass(&self, login: &Login, ticket: Ticket, to: &AccountId, parcel: Parcel) -> Attempt {
        let event = Event::Volatile {
            owner: to.clone(),
            parcel: Arc::new(parcel),
        };
        self.to_nodes_of(to, &event);
        login.member().outlet.sent(ticket, SendOutcome::Passed);
        Attempt::Accepted
    }

    /// Recall and burn: deletes a message of the conversation that `author` wrote, and tells both
    /// sides through their inboxes.
    async fn retract(
        &self,
        login: &Login,
        to: &AccountId,
        relation: Relation,
        mid: Option<Mid>,
        author: &AccountId,
        mut message: TimMessage,
    ) -> Result<(), ErrorCode> {
        let mid = mid.ok_or(ErrorCode::Params)?;
        self.own_fields(login, &mut message);
        let body = {
            let id = message.id;
            stored_form(&mut message, id)
        };
        let mut owners = vec![login.account().id.clone()];
        if *to != owners[0] {
            owners.push(to.clone());
        }
        let notice = |owner: &AccountId| InboxItem::Packet {
            owner: owner.clone(),
            body: body.clone(),
        };
        let retract = Retract {
            conversation: relation.conversation,
            mid,
            author: author.clone(),
            notices: owners.iter().map(notice).collect(),
            log: None,
        };
        match self
            .store
            .retract(retract)
            .await
            .map_err(|error| store_failure(&error))?
        {
            Retracted::NotFound => Err(ErrorCode::Params),
            Retracted::OtherAuthor => Err(ErrorCode::PermDenied),
            Retracted::Done { seqs, .. } => {
                let parcel = Arc::new(Parcel::message(message));
                for (owner, seq) in owners.iter().zip(seqs) {
                    self.deliver_entry(owner, seq, &parcel);
                }
                Ok(())
            }
        }
    }
}

impl Relation {
    pub(super) fn is_blocked(self) -> bool {
        use crate::store::ContactState::Blocks;
        self.contacts.own == Blocks || self.contacts.peer == Blocks
    }
}

fn refuse(login: &Login, ticket: Ticket, code: ErrorCode) -> Attempt {
    login.member().outlet.sent(ticket, SendOutcome::Refused(code));
    Attempt::Accepted
}

/// Encodes the form that is stored: the sender reduced to its node, `id` as given. The message
/// itself is left as it was.
fn stored_form(message: &mut TimMessage, id: Option<i64>) -> Bytes {
    let full_id = std::mem::replace(&mut message.id, id);
    let full_sender = message.from_tid.take();
    message.from_tid = full_sender.as_ref().map(|tid| Tid {
        node: tid.node.clone(),
        ..Tid::default()
    });
    let body = Bytes::from(message.encode(Encoding::Compact));
    message.from_tid = full_sender;
    message.id = full_id;
    body
}

fn big_data(login: &Login, separator: u8, data: &[u8]) -> Bytes {
    let sender = login.account().id.as_str().as_bytes();
    let mut payload = BytesMut::with_capacity(sender.len() + 1 + data.len());
    payload.put_slice(sender);
    payload.put_u8(separator);
    payload.put_slice(data);
    payload.freeze()
}

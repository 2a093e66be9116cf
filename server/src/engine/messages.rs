//! Sending: permission, the fields that belong to the server, recall and burn (wire-protocol 7.6,
//! 7.7). What has to be durable goes to the committer; nothing here waits for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{BufMut, Bytes, BytesMut};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{Tid, TimAck, TimMessage};
use tim_protocol::{Encoding, WireStruct};
use tokio::sync::mpsc::error::TrySendError;

use super::accounts::Login;
use super::committer::{Origin, QueuedBytes, Work};
use super::draft::{Draft, Purpose, draft};
use super::files::{Person, named_file};
use super::online::OtherDevices;
use super::outlet::{SendOutcome, Ticket};
use super::parcel::{self, Parcel};
use super::permission::{Facts, Route, route, route_unasked};
use super::relations::Relation;
use super::{Engine, store_failure};
use crate::cluster::Event;
use crate::store::{
    AccountId, Append, ContactState, Contacts, ConversationId, InboxItem, Mid, Retract, Retracted, RoomId,
};

/// Separator of big strings and of big binaries (wire-protocol 7.9).
const STRING_SEPARATOR: u8 = b'|';
const BINARY_SEPARATOR: u8 = 131;

/// `t` of the ack of a recall in a room (wire-protocol 7.7): the `msType` of rooms.
const ROOM_RECALLED: i64 = 3;

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
        if matches!(draft.purpose, Purpose::Recall(_) | Purpose::Burn(_)) {
            return Attempt::NeedsStore(Box::new(message));
        }
        let Some(facts) = self.known_facts(login, &draft) else {
            return Attempt::NeedsStore(Box::new(message));
        };
        match self.route_of(login, &draft, &facts) {
            Ok(route) => self.carry_out(login, ticket, route, draft.purpose, message),
            Err(code) => refuse(login, ticket, code),
        }
    }

    /// How many sessions a message is for, as far as that is known at once: a room's listeners here,
    /// when its sender is known to be a member. Strangers learn nothing of a room by it.
    #[must_use]
    pub fn audience(&self, login: &Login, message: &TimMessage) -> usize {
        let room = message.room_tid.as_ref().filter(|_| message.ms_type == 3);
        let Some(room) = room.and_then(|tid| self.parse_room(&tid.node)) else {
            return 1;
        };
        let known = self.rooms.known(&room, &login.account().id);
        if known.is_some_and(|standing| standing.membership.is_member()) {
            self.listeners.count(&room)
        } else {
            1
        }
    }

    /// What permission depends on, if all of it is in memory.
    fn known_facts(&self, login: &Login, draft: &Draft) -> Option<Facts> {
        let me = &login.account().id;
        let mut facts = Facts::default();
        // Relations and standings are cached only for accounts and rooms that exist.
        if let Some(to) = &draft.to {
            facts.relation = Some(match to == me {
                true => self.relation_to_oneself(me),
                false => self.known_relation(me, to)?,
            });
        }
        if let Some(room) = &draft.room {
            facts.standing = Some(self.known_standing(room, me)?);
            if let Some(to) = &draft.to {
                facts.peer = Some(self.known_standing(room, to)?.membership);
            }
        }
        Some(facts)
    }

    /// Everybody may write to themselves: notes, which reach their other devices.
    fn relation_to_oneself(&self, me: &AccountId) -> Relation {
        Relation {
            conversation: self.identity.conversation(me, me),
            contacts: Contacts {
                own: ContactState::Wants,
                peer: ContactState::Wants,
            },
        }
    }

    fn route_of(&self, login: &Login, draft: &Draft, facts: &Facts) -> Result<Route, ErrorCode> {
        if login.is_agent() {
            return route_unasked(draft, facts);
        }
        route(draft, facts, self.settings.messages.require_friendship)
    }

    /// The same, reading what is not in memory.
    ///
    /// # Errors
    /// The store's failures. What does not exist is left out.
    pub(super) async fn read_facts(&self, me: Person<'_>, draft: &Draft) -> Result<Facts, ErrorCode> {
        let mut facts = Facts::default();
        if let Some(to) = &draft.to {
            facts.relation = match to == me.account {
                true => Some(self.relation_to_oneself(me.account)),
                false => existing(self.relation_of(me, to).await)?,
            };
        }
        if let Some(room) = &draft.room {
            facts.standing = existing(self.standing_of(me, room).await)?;
            if let (Some(to), Some(_), Some(_)) = (&draft.to, facts.relation, facts.standing) {
                facts.peer = Some(match self.membership_elsewhere(room, to).await? {
                    Some(membership) => membership,
                    None => self.membership(room, to).await?,
                });
                // The sender may have been removed while that was read.
                facts.standing = existing(self.standing_of(me, room).await)?;
            }
        }
        Ok(facts)
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
        let facts = self.read_facts(login.person(), &draft).await?;
        let route = self.route_of(login, &draft, &facts)?;
        let me = &login.account().id;
        match (draft.purpose, route) {
            (Purpose::Recall(mid), Route::User(to, conversation)) => {
                self.retract(login, &to, conversation, mid, me, message).await?;
            }
            (Purpose::Burn(mid), Route::User(to, conversation)) => {
                self.retract(login, &to, conversation, mid, &to, message).await?;
            }
            (Purpose::Recall(mid), Route::Room(room, conversation)) => {
                self.recall_in_room(login, room, conversation, mid, message)
                    .await?;
            }
            (purpose, route) => {
                self.carry_out(login, ticket, route, purpose, message);
                return Ok(());
            }
        }
        login.member().outlet.sent(ticket, SendOutcome::Passed);
        Ok(())
    }

    /// The relation to another account of the same domain.
    ///
    /// # Errors
    /// `Account` when there is no such account; the store's failures.
    pub(super) async fn relation_of(&self, me: Person<'_>, peer: &AccountId) -> Result<Relation, ErrorCode> {
        if let Some(relation) = self.known_relation(me.account, peer) {
            return Ok(relation);
        }
        if let Some(relation) = self.relation_elsewhere(me.account, peer).await? {
            return Ok(relation);
        }
        let found = self
            .store
            .account(peer)
            .await
            .map_err(|error| store_failure(&error))?;
        if found.is_none_or(|account| account.domain != me.domain) {
            return Err(ErrorCode::Account);
        }
        let loading = self
            .relations
            .load(&*self.store, &self.identity, me.account, peer);
        loading.await.map_err(|error| store_failure(&error))
    }

    fn carry_out(
        &self,
        login: &Login,
        ticket: Ticket,
        route: Route,
        purpose: Purpose,
        mut message: TimMessage,
    ) -> Attempt {
        let client_id = message.id.filter(|id| *id != 0);
        self.own_fields(login, &mut message);
        if matches!(route, Route::Room(..)) {
            message.to_tid = None;
        }
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
                let file = match named_file(&message) {
                    Ok(file) => file,
                    Err(code) => return refuse(login, ticket, code),
                };
                message.mid = None;
                let me = &login.account().id;
                let has_other_devices = login.account().other_devices() == OtherDevices::Some;
                let (inboxes, conversation, room) = match route {
                    Route::Room(room, conversation) => (Vec::new(), conversation, Some(room)),
                    Route::User(to, conversation) => {
                        let of_peer = (to != *me).then_some(to);
                        let own = has_other_devices.then(|| me.clone());
                        (of_peer.into_iter().chain(own).collect(), conversation, None)
                    }
                };
                let append = Append {
                    conversation,
                    sender: login.account().id.clone(),
                    client_id,
                    timestamp: crate::store::Timestamp(message.timestamp.unwrap_or_default()),
                    body: stored_form(&mut message, None),
                    inboxes,
                    file,
                };
                self.queue(
                    login,
                    ticket,
                    Work::Chat {
                        append,
                        message: Box::new(message),
                        room,
                        origin,
                    },
                )
            }
            Purpose::Relay => {
                let id = message.id;
                let body = stored_form(&mut message, id);
                let to = match route {
                    Route::User(to, _) => to,
                    Route::Room(room, conversation) => {
                        let work = Work::RelayToRoom {
                            room,
                            conversation,
                            body,
                            message: Box::new(message),
                            origin,
                        };
                        return self.queue(login, ticket, work);
                    }
                };
                let account = login.account();
                if to == account.id && account.other_devices() == OtherDevices::None {
                    // There is no other device that could miss it.
                    let parcel = Arc::new(Parcel::message(message));
                    let dropped = account.echo(login.member().id, None, &parcel).dropped;
                    self.counters
                        .volatile_dropped
                        .fetch_add(dropped, Ordering::Relaxed);
                    login.member().outlet.sent(ticket, SendOutcome::Passed);
                    return Attempt::Accepted;
                }
                let item = InboxItem::Packet { owner: to, body };
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
            Purpose::Stream => self.pass(login, ticket, route, Parcel::message(message)),
            Purpose::BigString => {
                let data = message.data_string.unwrap_or_default();
                let payload = big_data(login, STRING_SEPARATOR, data.as_bytes());
                self.pass(login, ticket, route, Parcel::raw(PacketType::BigString, payload))
            }
            Purpose::BigBinary => {
                let data = message.data_binary.unwrap_or_default();
                let payload = big_data(login, BINARY_SEPARATOR, &data);
                self.pass(login, ticket, route, Parcel::raw(PacketType::BigBinary, payload))
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
    fn pass(&self, login: &Login, ticket: Ticket, route: Route, parcel: Parcel) -> Attempt {
        let parcel = Arc::new(parcel);
        match route {
            Route::User(owner, _) => {
                let event = Event::Volatile {
                    owner: owner.clone(),
                    parcel,
                };
                self.to_nodes_of(&owner, &event);
            }
            Route::Room(room, _) => {
                let event = Event::RoomVolatile {
                    room: room.clone(),
                    parcel,
                };
                self.to_listeners(&room, &event);
            }
        }
        login.member().outlet.sent(ticket, SendOutcome::Passed);
        Attempt::Accepted
    }

    /// Recall and burn: deletes a message of the conversation that `author` wrote, and tells both
    /// sides through their inboxes.
    async fn retract(
        &self,
        login: &Login,
        to: &AccountId,
        conversation: ConversationId,
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
            conversation,
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
                self.files.something_deleted();
                let parcel = Arc::new(Parcel::message(message));
                for (owner, seq) in owners.iter().zip(seqs) {
                    self.deliver_entry(owner, seq, &parcel);
                }
                Ok(())
            }
        }
    }
}

impl Engine {
    /// Recall in a room: its author deletes the message, everybody in the room is told through the
    /// room's log, and the author's sessions get an ack (wire-protocol 7.7).
    async fn recall_in_room(
        &self,
        login: &Login,
        room: RoomId,
        conversation: ConversationId,
        mid: Option<Mid>,
        mut message: TimMessage,
    ) -> Result<(), ErrorCode> {
        let mid = mid.ok_or(ErrorCode::Params)?;
        self.own_fields(login, &mut message);
        message.to_tid = None;
        let id = message.id;
        let body = stored_form(&mut message, id);
        let retract = Retract {
            conversation,
            mid,
            author: login.account().id.clone(),
            notices: Vec::new(),
            log: Some(body),
        };
        let retracted = self.store.retract(retract).await;
        match retracted.map_err(|error| store_failure(&error))? {
            Retracted::NotFound => Err(ErrorCode::Params),
            Retracted::OtherAuthor => Err(ErrorCode::PermDenied),
            Retracted::Done { position, .. } => {
                self.files.something_deleted();
                let ack = TimAck {
                    n: Some(room.as_str().to_owned()),
                    t: Some(ROOM_RECALLED),
                    t2: Some(mid.0),
                    ..TimAck::success(PacketType::RevokeMessage.as_i8())
                };
                let event = Event::Volatile {
                    owner: login.account().id.clone(),
                    parcel: Arc::new(Parcel::ack(ack)),
                };
                self.to_nodes_of(&login.account().id, &event);
                if let Some(position) = position {
                    let parcel = Arc::new(Parcel::message(message));
                    self.deliver_to_room(&room, position, &parcel, None);
                }
                Ok(())
            }
        }
    }
}

/// An account or room that does not exist is no failure of reading.
fn existing<T>(found: Result<T, ErrorCode>) -> Result<Option<T>, ErrorCode> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(ErrorCode::Account) => Ok(None),
        Err(code) => Err(code),
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

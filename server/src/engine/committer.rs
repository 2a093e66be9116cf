//! Makes messages durable in batches and dispatches the outcomes in commit order. While one batch
//! is being written the next one collects, so a busy server writes large batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::TimMessage;
use tim_protocol::{Encoding, WireStruct};
use tokio::sync::{mpsc, oneshot};

use super::accounts::Login;
use super::online::{Member, OnlineAccount};
use super::outlet::{SendOutcome, Ticket};
use super::parcel::Parcel;
use super::{Engine, store_failure};
use crate::store::{Append, Appended, ConversationId, Duplicate, InboxItem, Mid, RoomId, Seq, StoreError};

/// Bytes of messages that may wait for the disk; more are refused with 5104.
const QUEUED_BYTES: usize = 64 << 20;

/// Bytes made durable in one transaction, as far as that can be chosen.
const BATCH_BYTES: usize = 4 << 20;

/// A share of the bytes that may wait, given back when the message is answered.
#[derive(Debug)]
pub struct QueuedBytes {
    total: Arc<AtomicUsize>,
    bytes: usize,
}

impl QueuedBytes {
    /// Takes a share; `None` when too much waits already.
    #[must_use]
    pub fn take(total: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let before = total.fetch_add(bytes, Ordering::Relaxed);
        let share = Self {
            total: Arc::clone(total),
            bytes,
        };
        (before + bytes <= QUEUED_BYTES).then_some(share)
    }
}

impl Drop for QueuedBytes {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The session that sent something, as long as it lasts.
pub struct Origin {
    account: Arc<OnlineAccount>,
    member: Arc<Member>,
    ticket: Ticket,
    /// Held until the message is answered.
    share: QueuedBytes,
}

impl Origin {
    /// Where the outcome of a send goes.
    #[must_use]
    pub fn new(login: &Login, ticket: Ticket, share: QueuedBytes) -> Self {
        Self {
            account: Arc::clone(login.account()),
            member: Arc::clone(login.member()),
            ticket,
            share,
        }
    }

    fn answer(&self, outcome: SendOutcome) {
        self.member.outlet.sent(self.ticket, outcome);
    }
}

/// Something for the committer.
pub enum Work {
    /// A chat message to be stored, echoed and delivered.
    Chat {
        /// The stored form.
        append: Append,
        /// The delivered form, without `mid`.
        message: Box<TimMessage>,
        /// The room it is for; `None` between two accounts.
        room: Option<RoomId>,
        /// Who sent it.
        origin: Origin,
    },
    /// A message that is kept only until it is delivered.
    Relay {
        /// The stored form.
        item: InboxItem,
        /// The delivered form.
        message: Box<TimMessage>,
        /// Who sent it.
        origin: Origin,
    },
    /// The same for everybody in a room.
    RelayToRoom {
        /// The room.
        room: RoomId,
        /// Its conversation.
        conversation: ConversationId,
        /// The stored form.
        body: Bytes,
        /// The delivered form.
        message: Box<TimMessage>,
        /// Who sent it.
        origin: Origin,
    },
    /// An inbox entry that nobody waits for.
    Remember(InboxItem),
    /// Answered when everything queued before is durable and dispatched.
    Barrier(oneshot::Sender<()>),
    /// Finish what is queued and end.
    Stop,
}

struct Chat {
    message: Box<TimMessage>,
    room: Option<RoomId>,
    origin: Origin,
    owners: Vec<crate::store::AccountId>,
    conversation: ConversationId,
    client_id: Option<i64>,
}

/// The committer's task.
pub async fn run(engine: Arc<Engine>, mut queue: mpsc::Receiver<Work>) {
    let limit = engine.settings.messages.batch.max(1);
    let mut received = Vec::new();
    let mut followups = Vec::new();
    let mut stopping = false;
    while !(stopping && queue.is_empty() && followups.is_empty()) {
        received.append(&mut followups);
        if received.is_empty() && queue.recv_many(&mut received, limit).await == 0 {
            return;
        }
        let mut works = received.drain(..).peekable();
        while let Some(work) = works.next() {
            match work {
                Work::Chat {
                    append,
                    message,
                    room,
                    origin,
                } => {
                    let mut batch = Batch::default();
                    batch.add(append, message, room, origin);
                    while batch.bytes < BATCH_BYTES
                        && let Some(Work::Chat {
                            append,
                            message,
                            room,
                            origin,
                        }) = works.next_if(|work| matches!(work, Work::Chat { .. }))
                    {
                        batch.add(append, message, room, origin);
                    }
                    batch.commit(&engine, &mut followups).await;
                }
                Work::Relay {
                    item,
                    message,
                    origin,
                } => {
                    let mut bytes = origin.share.bytes;
                    let mut relays = vec![(item, message, origin)];
                    while bytes < BATCH_BYTES
                        && let Some(Work::Relay {
                            item,
                            message,
                            origin,
                        }) = works.next_if(|work| matches!(work, Work::Relay { .. }))
                    {
                        bytes += origin.share.bytes;
                        relays.push((item, message, origin));
                    }
                    relay(&engine, relays).await;
                }
                Work::RelayToRoom {
                    room,
                    conversation,
                    body,
                    message,
                    origin,
                } => {
                    let mut bytes = origin.share.bytes;
                    let mut relays = vec![((conversation, body), room, message, origin)];
                    while bytes < BATCH_BYTES
                        && let Some(Work::RelayToRoom {
                            room,
                            conversation,
                            body,
                            message,
                            origin,
                        }) = works.next_if(|work| matches!(work, Work::RelayToRoom { .. }))
                    {
                        bytes += origin.share.bytes;
                        relays.push(((conversation, body), room, message, origin));
                    }
                    relay_to_rooms(&engine, relays).await;
                }
                Work::Remember(item) => {
                    if let Err(error) = engine.store.append_inbox(vec![item]).await {
                        tracing::warn!(%error, "an echo nobody was there for was not kept");
                    }
                }
                Work::Barrier(reached) => {
                    if reached.send(()).is_err() {
                        tracing::trace!("nobody waits for this barrier any more");
                    }
                }
                Work::Stop => {
                    queue.close();
                    stopping = true;
                }
            }
        }
    }
}

#[derive(Default)]
struct Batch {
    appends: Vec<Append>,
    chats: Vec<Chat>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, append: Append, message: Box<TimMessage>, room: Option<RoomId>, origin: Origin) {
        self.bytes += append.body.len();
        let owners = append.inboxes.clone();
        let (conversation, client_id) = (append.conversation, append.client_id);
        self.appends.push(append);
        self.chats.push(Chat {
            message,
            room,
            origin,
            owners,
            conversation,
            client_id,
        });
    }

    /// Makes the batch durable and dispatches it. A damaged record must not cost the messages of
    /// others: a batch that meets one is tried again in halves, so that only those messages fail
    /// whose own records are damaged.
    async fn commit(self, engine: &Engine, followups: &mut Vec<Work>) {
        let mut parts = vec![self];
        while let Some(part) = parts.pop() {
            match engine.store.append(part.appends.clone()).await {
                Ok(outcomes) if outcomes.len() == part.chats.len() => {
                    part.dispatch(engine, outcomes, followups);
                }
                Ok(_) => {
                    let error = StoreError::Unavailable("the store answered another batch".into());
                    fail(engine, part.chats.iter().map(|chat| &chat.origin), &error);
                }
                Err(StoreError::Damaged { .. }) if part.chats.len() > 1 => {
                    let (first, second) = part.halves();
                    parts.extend([second, first]);
                }
                Err(error) => fail(engine, part.chats.iter().map(|chat| &chat.origin), &error),
            }
        }
    }

    fn halves(mut self) -> (Self, Self) {
        let middle = self.chats.len() / 2;
        let (appends, chats) = (self.appends.split_off(middle), self.chats.split_off(middle));
        let second = Self {
            appends,
            chats,
            bytes: self.bytes,
        };
        (self, second)
    }

    fn dispatch(self, engine: &Engine, outcomes: Vec<Appended>, followups: &mut Vec<Work>) {
        for (chat, outcome) in self.chats.into_iter().zip(outcomes) {
            match outcome {
                Appended::Stored { mid, position, seqs } => {
                    engine.counters.messages_stored.fetch_add(1, Ordering::Relaxed);
                    match chat.room.clone() {
                        Some(room) => dispatch_to_room(engine, chat, room, mid, position),
                        None => dispatch(engine, chat, mid, &seqs, followups),
                    }
                }
                Appended::Duplicate(original) => repeat_echo(chat, original),
                Appended::FileRefused => chat.origin.answer(SendOutcome::Refused(ErrorCode::NoExist)),
            }
        }
    }
}

fn dispatch(engine: &Engine, chat: Chat, mid: Mid, seqs: &[Seq], followups: &mut Vec<Work>) {
    let Chat {
        mut message,
        origin,
        owners,
        conversation,
        ..
    } = chat;
    message.mid = Some(mid.0);
    let parcel = Arc::new(Parcel::message(*message));
    let sender = &origin.account.id;
    let mut own_seq = None;
    for (owner, seq) in owners.iter().zip(seqs) {
        if owner == sender {
            own_seq = Some(*seq);
        } else {
            engine.deliver_entry(owner, *seq, &parcel);
        }
    }
    let echoed = origin.account.echo(origin.member.id, own_seq, &parcel);
    engine
        .counters
        .volatile_dropped
        .fetch_add(echoed.dropped, Ordering::Relaxed);
    if echoed.sessions == 0 && own_seq.is_none() {
        followups.push(Work::Remember(InboxItem::Reference {
            owner: sender.clone(),
            conversation,
            mid,
        }));
    }
    origin.answer(SendOutcome::Stored(own_seq, parcel));
}

/// Everybody who listens gets it; for the sending session it is also the confirmation.
fn dispatch_to_room(engine: &Engine, chat: Chat, room: RoomId, mid: Mid, position: Seq) {
    let Chat {
        mut message, origin, ..
    } = chat;
    message.mid = Some(mid.0);
    let parcel = Arc::new(Parcel::message(*message));
    engine.deliver_to_room(&room, position, &parcel, Some(origin.member.id));
    origin.answer(SendOutcome::Logged(room, position, parcel));
}

/// The sender repeats a message that is stored: it gets the echo of the stored one.
fn repeat_echo(chat: Chat, original: Duplicate) {
    let Some(body) = original.body else {
        return chat.origin.answer(SendOutcome::Refused(ErrorCode::Params));
    };
    match TimMessage::decode(&body, Encoding::Compact) {
        Ok(mut message) => {
            message.id = chat.client_id;
            message.mid = Some(original.mid.0);
            message.timestamp = Some(original.timestamp.0);
            message.from_tid = Some(chat.origin.member.tid.clone());
            chat.origin
                .answer(SendOutcome::Stored(None, Arc::new(Parcel::message(message))));
        }
        Err(error) => {
            tracing::error!(%error, "a stored message cannot be decoded");
            chat.origin.answer(SendOutcome::Refused(ErrorCode::Database));
        }
    }
}

type Relay = (InboxItem, Box<TimMessage>, Origin);

/// Puts messages into inboxes and delivers them. Halved like a batch of chats when a record of
/// one of them is damaged.
async fn relay(engine: &Engine, relays: Vec<Relay>) {
    let mut parts = vec![relays];
    while let Some(mut part) = parts.pop() {
        let items = part.iter().map(|(item, ..)| item.clone()).collect();
        match engine.store.append_inbox(items).await {
            Ok(seqs) => {
                for ((item, message, origin), seq) in part.into_iter().zip(seqs) {
                    let parcel = Arc::new(Parcel::message(*message));
                    if *item.owner() == origin.account.id {
                        // It is for the other devices; the one that sent it knows.
                        origin.account.echo(origin.member.id, Some(seq), &parcel);
                        origin.answer(SendOutcome::Kept(seq));
                    } else {
                        engine.deliver_entry(item.owner(), seq, &parcel);
                        origin.answer(SendOutcome::Passed);
                    }
                }
            }
            Err(StoreError::Damaged { .. }) if part.len() > 1 => {
                let second = part.split_off(part.len() / 2);
                parts.extend([second, part]);
            }
            Err(error) => fail(engine, part.iter().map(|(_, _, origin)| origin), &error),
        }
    }
}

type RoomRelay = ((ConversationId, Bytes), RoomId, Box<TimMessage>, Origin);

/// Puts messages into the logs of rooms and delivers them, halved like [`relay`].
async fn relay_to_rooms(engine: &Engine, relays: Vec<RoomRelay>) {
    let mut parts = vec![relays];
    while let Some(mut part) = parts.pop() {
        let packets = part.iter().map(|(packet, ..)| packet.clone()).collect();
        match engine.store.append_log(packets).await {
            Ok(positions) => {
                for ((_, room, message, origin), position) in part.into_iter().zip(positions) {
                    let parcel = Arc::new(Parcel::message(*message));
                    engine.deliver_to_room(&room, position, &parcel, Some(origin.member.id));
                    origin.answer(SendOutcome::Logged(room, position, parcel));
                }
            }
            Err(StoreError::Damaged { .. }) if part.len() > 1 => {
                let second = part.split_off(part.len() / 2);
                parts.extend([second, part]);
            }
            Err(error) => fail(engine, part.iter().map(|(.., origin)| origin), &error),
        }
    }
}

fn fail<'a>(engine: &Engine, origins: impl Iterator<Item = &'a Origin>, error: &StoreError) {
    let code = store_failure(error);
    for origin in origins {
        engine.counters.messages_failed.fetch_add(1, Ordering::Relaxed);
        origin.answer(SendOutcome::Refused(code));
    }
}

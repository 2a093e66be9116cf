//! What the store in memory holds, and the rules that several of its operations share.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::administration::Administration;
use super::files::Files;
use super::rooms::Rooms;
use super::web_sessions::WebSessions;
use crate::store::ids::{AccountId, ConversationId, DeviceKey, Mid, Seq, Timestamp};
use crate::store::record::{
    Account, Append, Appended, Contacts, Duplicate, InboxCopy, InboxItem, LoginToken,
};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) tokens: HashMap<[u8; 32], LoginToken>,
    /// Number of tokens from which on expired ones are looked for.
    pub(super) purge_at: usize,
    pub(super) contacts: HashMap<AccountId, BTreeMap<AccountId, Contacts>>,
    pub(super) conversations: HashMap<ConversationId, Conversation>,
    pub(super) inboxes: BTreeMap<AccountId, Inbox>,
    pub(super) profiles: HashMap<AccountId, Bytes>,
    pub(super) rooms: Rooms,
    pub(super) web_sessions: WebSessions,
    pub(super) administration: Administration,
    pub(super) files: Files,
    pub(super) rotations: u32,
}

/// The message with number `n` is at index `n - 1`.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) messages: Vec<Message>,
    pub(super) origins: HashMap<(AccountId, i64), usize>,
    /// Packets in the log with their numbers there, ascending.
    pub(super) notices: Vec<(i64, Bytes)>,
}

impl Conversation {
    /// Newest number of the log.
    pub(super) fn head(&self) -> Seq {
        Seq(i64::try_from(self.messages.len() + self.notices.len()).unwrap_or(i64::MAX))
    }

    /// Appends a packet to the log.
    pub(super) fn put(&mut self, packet: Bytes) -> Seq {
        let position = self.head().next();
        self.notices.push((position.0, packet));
        position
    }

    /// The entries of the log above a number.
    pub(super) fn log(&self, after: Seq) -> impl Iterator<Item = InboxCopy> {
        let after = after.0.max(0);
        let mut notices = self.notices.partition_point(|(position, _)| *position <= after);
        (after.saturating_add(1)..=self.head().0).map(move |seq| {
            if let Some((_, notice)) = self.notices.get(notices).filter(|(position, _)| *position == seq) {
                notices += 1;
                return InboxCopy {
                    seq: Seq(seq),
                    mid: None,
                    client_id: None,
                    body: Some(notice.clone()),
                };
            }
            let index = index_of(Mid(seq)).map_or(0, |index| index - notices);
            let message = self.messages.get(index);
            let message = message.filter(|message| message.body.is_some());
            InboxCopy {
                seq: Seq(seq),
                mid: Some(mid_of(index)),
                client_id: message.and_then(|message| message.client_id),
                body: message.and_then(|message| message.body.clone()),
            }
        })
    }
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) author: AccountId,
    /// Never 0.
    pub(super) client_id: Option<i64>,
    /// As given.
    pub(super) timestamp: Timestamp,
    /// Never smaller than that of the message before.
    pub(super) order: Timestamp,
    pub(super) body: Option<Bytes>,
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) head: i64,
    /// Furthest position of the devices forgotten so far.
    pub(super) forgotten: i64,
    pub(super) entries: BTreeMap<i64, InboxItem>,
    pub(super) devices: BTreeMap<DeviceKey, Device>,
}

#[derive(Debug)]
pub(super) struct Device {
    pub(super) position: i64,
    pub(super) seen: Timestamp,
}

impl Inbox {
    pub(super) fn floor(&self) -> i64 {
        self.devices
            .values()
            .map(|device| device.position)
            .fold(self.forgotten, i64::max)
    }

    /// Deletes what nobody will read any more.
    pub(super) fn trim(&mut self) {
        let passed = self
            .devices
            .values()
            .map(|device| device.position)
            .min()
            .unwrap_or(self.forgotten);
        self.entries = self.entries.split_off(&passed.saturating_add(1));
    }
}

impl State {
    pub(super) fn relation(&self, owner: &AccountId, peer: &AccountId) -> Contacts {
        self.contacts
            .get(owner)
            .and_then(|peers| peers.get(peer))
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn relate(&mut self, owner: &AccountId, peer: &AccountId, contacts: Contacts) {
        let peers = self.contacts.entry(owner.clone()).or_default();
        if contacts == Contacts::default() {
            peers.remove(peer);
        } else {
            peers.insert(peer.clone(), contacts);
        }
    }

    /// Drops expired tokens whenever their number may have doubled.
    pub(super) fn purge_tokens(&mut self, now: Timestamp) {
        if self.tokens.len() >= self.purge_at {
            self.tokens.retain(|_, token| token.expires > now);
            self.purge_at = self.tokens.len().saturating_mul(2).max(1024);
        }
    }

    /// Newest number of the log of a conversation.
    pub(super) fn log_head(&self, conversation: &ConversationId) -> Seq {
        self.conversations
            .get(conversation)
            .map_or(Seq(0), Conversation::head)
    }

    pub(super) fn knows(&self, owner: &AccountId, device: &DeviceKey) -> bool {
        self.inboxes
            .get(owner)
            .is_some_and(|inbox| inbox.devices.contains_key(device))
    }

    pub(super) fn put(&mut self, item: InboxItem) -> Seq {
        let inbox = self.inboxes.entry(item.owner().clone()).or_default();
        inbox.head += 1;
        inbox.entries.insert(inbox.head, item);
        Seq(inbox.head)
    }

    pub(super) fn put_all(&mut self, items: Vec<InboxItem>) -> Vec<Seq> {
        items.into_iter().map(|item| self.put(item)).collect()
    }

    pub(super) fn message(&self, conversation: &ConversationId, mid: Mid) -> Option<&Message> {
        self.conversations.get(conversation)?.messages.get(index_of(mid)?)
    }

    pub(super) fn append_one(&mut self, append: Append) -> Appended {
        let Append {
            conversation: id,
            sender,
            client_id,
            timestamp,
            body,
            inboxes,
            file,
        } = append;
        let conversation = self.conversations.entry(id).or_default();
        let index = conversation.messages.len();
        let client_id = client_id.filter(|client_id| *client_id != 0);
        let origin = client_id.map(|client_id| (sender.clone(), client_id));
        let original = origin
            .as_ref()
            .and_then(|origin| conversation.origins.get(origin));
        if let Some(index) = original {
            let original = &conversation.messages[*index];
            return Appended::Duplicate(Duplicate {
                mid: mid_of(*index),
                timestamp: original.timestamp,
                body: original.body.clone(),
            });
        }
        if let Some(file) = &file
            && !self.files.link(file, &id, &sender, mid_of(index))
        {
            return Appended::FileRefused;
        }
        if let Some(origin) = origin {
            conversation.origins.insert(origin, index);
        }
        let order = conversation
            .messages
            .last()
            .map_or(timestamp, |last| last.order.max(timestamp));
        conversation.messages.push(Message {
            author: sender,
            client_id,
            timestamp,
            order,
            body: Some(body),
        });
        let mid = mid_of(index);
        let position = conversation.head();
        let seqs = inboxes
            .into_iter()
            .map(|owner| {
                self.put(InboxItem::Reference {
                    owner,
                    conversation: id,
                    mid,
                })
            })
            .collect();
        Appended::Stored { mid, position, seqs }
    }
}

pub(super) fn mid_of(index: usize) -> Mid {
    Mid(i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1))
}

pub(super) fn index_of(mid: Mid) -> Option<usize> {
    usize::try_from(mid.0.checked_sub(1)?).ok()
}

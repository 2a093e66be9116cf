//! The store of no-database mode and of tests: everything in ordered maps behind one mutex. It
//! means exactly what the durable back ends mean, except that nothing survives the process.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::ids::{AccountId, ConversationId, DeviceKey, Mid, Seq, Timestamp};
use super::keys::{InstallationKey, KeyError};
use super::record::{
    Account, Advance, Append, Appended, ContactChange, ContactLists, ContactState, Contacts, Duplicate,
    InboxCopy, InboxItem, InboxState, LoginToken, NewAccount, Retract, Retracted, StoredMessage, UpperBound,
};
use super::{CreateAccountError, MAX_DEVICES, Result, Store, StoreError};

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    installation_key: InstallationKey,
    state: Mutex<Option<State>>,
}

impl MemoryStore {
    /// An empty store with a new installation key.
    pub fn new() -> Result<Self, KeyError> {
        Ok(Self::with_key(InstallationKey::generate()?))
    }

    /// An empty store with a given installation key.
    #[must_use]
    pub fn with_key(installation_key: InstallationKey) -> Self {
        Self {
            installation_key,
            state: Mutex::new(Some(State::default())),
        }
    }

    /// The key that identifiers are derived with.
    #[must_use]
    pub fn installation_key(&self) -> &InstallationKey {
        &self.installation_key
    }

    fn with<T>(&self, operation: impl FnOnce(&mut State) -> T) -> Result<T> {
        let mut state = self.state.lock();
        state
            .as_mut()
            .map(operation)
            .ok_or_else(|| StoreError::Unavailable("the store is closed".to_owned()))
    }
}

#[derive(Debug, Default)]
struct State {
    accounts: BTreeMap<AccountId, Account>,
    tokens: HashMap<[u8; 32], LoginToken>,
    /// Number of tokens from which on expired ones are looked for.
    purge_at: usize,
    contacts: HashMap<AccountId, BTreeMap<AccountId, Contacts>>,
    conversations: HashMap<ConversationId, Conversation>,
    inboxes: BTreeMap<AccountId, Inbox>,
    rotations: u32,
}

/// The message with number `n` is at index `n - 1`.
#[derive(Debug, Default)]
struct Conversation {
    messages: Vec<Message>,
    origins: HashMap<(AccountId, i64), usize>,
}

#[derive(Debug)]
struct Message {
    author: AccountId,
    /// Never 0.
    client_id: Option<i64>,
    /// As given.
    timestamp: Timestamp,
    /// Never smaller than that of the message before.
    order: Timestamp,
    body: Option<Bytes>,
}

#[derive(Debug, Default)]
struct Inbox {
    head: i64,
    /// Furthest position of the devices forgotten so far.
    forgotten: i64,
    entries: BTreeMap<i64, InboxItem>,
    devices: BTreeMap<DeviceKey, Device>,
}

#[derive(Debug)]
struct Device {
    position: i64,
    seen: Timestamp,
}

impl Inbox {
    fn floor(&self) -> i64 {
        self.devices
            .values()
            .map(|device| device.position)
            .fold(self.forgotten, i64::max)
    }

    /// Deletes what nobody will read any more.
    fn trim(&mut self) {
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
    fn relation(&self, owner: &AccountId, peer: &AccountId) -> Contacts {
        self.contacts
            .get(owner)
            .and_then(|peers| peers.get(peer))
            .copied()
            .unwrap_or_default()
    }

    fn relate(&mut self, owner: &AccountId, peer: &AccountId, contacts: Contacts) {
        let peers = self.contacts.entry(owner.clone()).or_default();
        if contacts == Contacts::default() {
            peers.remove(peer);
        } else {
            peers.insert(peer.clone(), contacts);
        }
    }

    /// Drops expired tokens whenever their number may have doubled.
    fn purge_tokens(&mut self, now: Timestamp) {
        if self.tokens.len() >= self.purge_at {
            self.tokens.retain(|_, token| token.expires > now);
            self.purge_at = self.tokens.len().saturating_mul(2).max(1024);
        }
    }

    fn put(&mut self, item: InboxItem) -> Seq {
        let inbox = self.inboxes.entry(item.owner().clone()).or_default();
        inbox.head += 1;
        inbox.entries.insert(inbox.head, item);
        Seq(inbox.head)
    }

    fn put_all(&mut self, items: Vec<InboxItem>) -> Vec<Seq> {
        items.into_iter().map(|item| self.put(item)).collect()
    }

    fn message(&self, conversation: &ConversationId, mid: Mid) -> Option<&Message> {
        self.conversations.get(conversation)?.messages.get(index_of(mid)?)
    }

    fn append_one(&mut self, append: Append) -> Appended {
        let Append {
            conversation: id,
            sender,
            client_id,
            timestamp,
            body,
            inboxes,
        } = append;
        let conversation = self.conversations.entry(id).or_default();
        let index = conversation.messages.len();
        let client_id = client_id.filter(|client_id| *client_id != 0);
        if let Some(client_id) = client_id {
            match conversation.origins.entry((sender.clone(), client_id)) {
                std::collections::hash_map::Entry::Occupied(original) => {
                    let index = *original.get();
                    let original = &conversation.messages[index];
                    return Appended::Duplicate(Duplicate {
                        mid: mid_of(index),
                        timestamp: original.timestamp,
                        body: original.body.clone(),
                    });
                }
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(index);
                }
            }
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
        let position = Seq(mid.0);
        Appended::Stored { mid, position, seqs }
    }
}

fn mid_of(index: usize) -> Mid {
    Mid(i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1))
}

fn index_of(mid: Mid) -> Option<usize> {
    usize::try_from(mid.0.checked_sub(1)?).ok()
}

#[async_trait]
impl Store for MemoryStore {
    async fn create_account(&self, account: NewAccount) -> Result<(), CreateAccountError> {
        self.with(|state| {
            if state.accounts.contains_key(&account.id) {
                return Err(CreateAccountError::Exists);
            }
            let NewAccount {
                id,
                domain,
                password_hash,
                created,
            } = account;
            let account = Account {
                id: id.clone(),
                domain,
                password_hash,
                created,
                suspended_until: None,
            };
            state.accounts.insert(id, account);
            Ok(())
        })?
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        self.with(|state| state.accounts.get(id).cloned())
    }

    async fn set_password(&self, id: &AccountId, hash: String) -> Result<bool> {
        self.with(|state| match state.accounts.get_mut(id) {
            Some(account) => {
                account.password_hash = hash;
                true
            }
            None => false,
        })
    }

    async fn set_suspension(&self, id: &AccountId, until: Option<Timestamp>) -> Result<bool> {
        self.with(|state| match state.accounts.get_mut(id) {
            Some(account) => {
                account.suspended_until = until;
                true
            }
            None => false,
        })
    }

    async fn put_token(&self, token: LoginToken) -> Result<()> {
        self.with(|state| {
            state.tokens.insert(token.hash, token);
        })
    }

    async fn take_token(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<LoginToken>> {
        self.with(|state| {
            state.purge_tokens(now);
            state.tokens.remove(hash).filter(|token| token.expires > now)
        })
    }

    async fn contacts(&self, owner: &AccountId, peer: &AccountId) -> Result<Contacts> {
        self.with(|state| state.relation(owner, peer))
    }

    async fn change_contacts(&self, change: ContactChange) -> Result<Option<Vec<Seq>>> {
        self.with(|state| {
            let ContactChange {
                owner,
                peer,
                expected,
                becomes,
                notices,
            } = change;
            if state.relation(&owner, &peer) != expected {
                return None;
            }
            state.relate(&owner, &peer, becomes);
            state.relate(&peer, &owner, becomes.reversed());
            Some(state.put_all(notices))
        })
    }

    async fn contact_lists(&self, owner: &AccountId) -> Result<ContactLists> {
        self.with(|state| {
            let mut lists = ContactLists::default();
            for (peer, contacts) in state.contacts.get(owner).into_iter().flatten() {
                if contacts.are_friends() {
                    lists.friends.push(peer.clone());
                } else if contacts.own == ContactState::Blocks {
                    lists.blocked.push(peer.clone());
                }
            }
            lists
        })
    }

    async fn append(&self, batch: Vec<Append>) -> Result<Vec<Appended>> {
        self.with(|state| batch.into_iter().map(|append| state.append_one(append)).collect())
    }

    async fn history(
        &self,
        conversation: &ConversationId,
        upper: UpperBound,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredMessage>> {
        self.with(|state| {
            let Some(conversation) = state.conversations.get(conversation) else {
                return Vec::new();
            };
            let messages = &conversation.messages;
            let end = match upper {
                UpperBound::Newest => messages.len(),
                UpperBound::Mid(mid) => usize::try_from(mid.0).map_or(0, |mid| mid.min(messages.len())),
                UpperBound::Time(time) => messages.partition_point(|message| message.order <= time),
            };
            messages[..end]
                .iter()
                .enumerate()
                .rev()
                .filter_map(|(index, message)| {
                    let body = message.body.clone()?;
                    Some(StoredMessage {
                        mid: mid_of(index),
                        timestamp: message.timestamp,
                        body,
                    })
                })
                .scan(0, |bytes: &mut usize, message| {
                    let is_first = *bytes == 0;
                    *bytes += message.body.len().max(1);
                    (is_first || *bytes <= max_bytes).then_some(message)
                })
                .take(limit)
                .collect()
        })
    }

    async fn retract(&self, retract: Retract) -> Result<Retracted> {
        self.with(|state| {
            let Retract {
                conversation,
                mid,
                author,
                notices,
                log: _,
            } = retract;
            let message = index_of(mid).and_then(|index| {
                state
                    .conversations
                    .get_mut(&conversation)?
                    .messages
                    .get_mut(index)
            });
            match message {
                Some(message) if message.body.is_some() => {
                    if message.author != author {
                        return Retracted::OtherAuthor;
                    }
                    message.body = None;
                    // A durable store keeps the exact time with the body.
                    message.timestamp = message.order;
                    Retracted::Done {
                        seqs: state.put_all(notices),
                        position: None,
                    }
                }
                _ => Retracted::NotFound,
            }
        })
    }

    async fn append_inbox(&self, entries: Vec<InboxItem>) -> Result<Vec<Seq>> {
        self.with(|state| state.put_all(entries))
    }

    async fn inbox_state(&self, owner: &AccountId) -> Result<InboxState> {
        self.with(|state| {
            let Some(inbox) = state.inboxes.get(owner) else {
                return InboxState::default();
            };
            InboxState {
                head: Seq(inbox.head),
                floor: Seq(inbox.floor()),
                devices: inbox
                    .devices
                    .iter()
                    .map(|(key, device)| (key.clone(), Seq(device.position)))
                    .collect(),
            }
        })
    }

    async fn read_inbox(
        &self,
        owner: &AccountId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<InboxCopy>> {
        self.with(|state| {
            let Some(inbox) = state.inboxes.get(owner) else {
                return Vec::new();
            };
            let mut copies = Vec::new();
            let mut bytes = 0;
            for (seq, item) in inbox.entries.range(after.0.saturating_add(1)..).take(limit) {
                let (mid, client_id, body) = match item {
                    InboxItem::Packet { body, .. } => (None, None, Some(body.clone())),
                    InboxItem::Reference {
                        conversation, mid, ..
                    } => {
                        let message = state
                            .message(conversation, *mid)
                            .filter(|message| message.body.is_some());
                        (
                            Some(*mid),
                            message.and_then(|message| message.client_id),
                            message.and_then(|message| message.body.clone()),
                        )
                    }
                };
                bytes += body.as_ref().map_or(0, Bytes::len);
                if bytes > max_bytes && !copies.is_empty() {
                    break;
                }
                copies.push(InboxCopy {
                    seq: Seq(*seq),
                    mid,
                    client_id,
                    body,
                });
            }
            copies
        })
    }

    async fn advance(&self, advances: Vec<Advance>) -> Result<()> {
        self.with(|state| {
            for Advance {
                owner,
                device,
                position,
                seen,
            } in advances
            {
                let inbox = state.inboxes.entry(owner).or_default();
                let position = position.0.clamp(0, inbox.head);
                if !inbox.devices.contains_key(&device) && inbox.devices.len() >= MAX_DEVICES {
                    let floor = inbox.floor();
                    let oldest = inbox.devices.iter().min_by_key(|(_, device)| device.seen);
                    if let Some(oldest) = oldest.map(|(device, _)| device.clone()) {
                        inbox.devices.remove(&oldest);
                        inbox.forgotten = floor;
                    }
                }
                let device = inbox.devices.entry(device).or_insert(Device { position, seen });
                device.position = device.position.max(position);
                device.seen = device.seen.max(seen);
                inbox.trim();
            }
        })
    }

    async fn forget_devices(&self, before: Timestamp) -> Result<u64> {
        self.with(|state| {
            let mut forgotten = 0;
            for inbox in state.inboxes.values_mut() {
                let floor = inbox.floor();
                let known = inbox.devices.len();
                inbox.devices.retain(|_, device| device.seen >= before);
                if inbox.devices.len() < known {
                    forgotten += (known - inbox.devices.len()) as u64;
                    inbox.forgotten = floor;
                    inbox.trim();
                }
            }
            state.tokens.retain(|_, token| token.expires > before);
            forgotten
        })
    }

    async fn rotate_key(&self) -> Result<u32> {
        self.with(|state| {
            state.rotations += 1;
            state.rotations + 1
        })
    }

    async fn reencrypt(&self, _limit: usize) -> Result<u64> {
        self.with(|_| 0)
    }

    async fn close(&self) {
        *self.state.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::conformance::Subject;

    struct Memory(Arc<MemoryStore>);

    impl Subject for Memory {
        fn open(&self) -> Arc<dyn Store> {
            self.0.clone()
        }

        fn durable(&self) -> bool {
            false
        }
    }

    crate::store_conformance!(Memory(Arc::new(MemoryStore::new().unwrap())));
}

//! The store of no-database mode and of tests: everything in ordered maps behind one mutex. It
//! means exactly what the durable back ends mean, except that nothing survives the process.

mod administration;
mod files;
mod rooms;
mod state;
mod web_sessions;

use std::ops::Bound;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use self::rooms::Change;
use self::state::{Device, State, index_of, mid_of};
use super::files::{FileContent, FileId, NewFile, StoredFile};
use super::ids::{AccountId, ConversationId, DeviceKey, RoomId, Seq, SessionHash, Timestamp};
use super::keys::{InstallationKey, KeyError};
use super::record::{
    Account, Advance, Append, Appended, ContactChange, ContactLists, ContactState, Contacts, Dissolved,
    FirstWaiting, InboxCopy, InboxItem, InboxState, LoginToken, Membership, MembershipChange,
    MembershipChanged, NewAccount, NewRoom, Retract, Retracted, Room, RoomAdvance, RoomLists, RoomPosition,
    RoomUpdate, StoredMessage, UpperBound, UserProfile, WebSession,
};
use super::shard::SlotHasher;
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

    async fn put_session(&self, session: WebSession) -> Result<()> {
        self.with(|state| state.web_sessions.put(session))
    }

    async fn session(&self, hash: &SessionHash) -> Result<Option<WebSession>> {
        self.with(|state| state.web_sessions.get(hash).cloned())
    }

    async fn use_session(&self, hash: &SessionHash, used: Timestamp) -> Result<bool> {
        self.with(|state| state.web_sessions.moved(hash, used))
    }

    async fn end_session(&self, hash: &SessionHash) -> Result<bool> {
        self.with(|state| state.web_sessions.end(hash))
    }

    async fn end_sessions(&self, account: &AccountId, except: &[SessionHash]) -> Result<Vec<SessionHash>> {
        self.with(|state| state.web_sessions.end_all(account, except))
    }

    async fn forget_sessions(&self, before: Timestamp) -> Result<u64> {
        self.with(|state| state.web_sessions.forget(before))
    }

    async fn accounts_of(
        &self,
        domain: &str,
        now: Timestamp,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        self.with(|state| {
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let listed = state
                .accounts
                .range((start, Bound::Unbounded))
                .filter(|(_, account)| {
                    account.domain == domain && account.suspended_until.is_none_or(|until| until <= now)
                });
            listed.map(|(id, _)| id.clone()).take(limit).collect()
        })
    }

    async fn rooms_of(&self, domain: &str, after: Option<&RoomId>, limit: usize) -> Result<Vec<RoomId>> {
        self.with(|state| state.rooms.of_domain(domain, after, limit))
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
                log,
            } = retract;
            let id = conversation;
            let Some(conversation) = state.conversations.get_mut(&id) else {
                return Retracted::NotFound;
            };
            let message = index_of(mid).and_then(|index| conversation.messages.get_mut(index));
            let Some(message) = message.filter(|message| message.body.is_some()) else {
                return Retracted::NotFound;
            };
            if message.author != author {
                return Retracted::OtherAuthor;
            }
            message.body = None;
            // A durable store keeps the exact time with the body.
            message.timestamp = message.order;
            let position = log.map(|packet| conversation.put(packet));
            state.files.delete_linked(&id, mid);
            Retracted::Done {
                seqs: state.put_all(notices),
                position,
            }
        })
    }

    async fn append_log(&self, packets: Vec<(ConversationId, Bytes)>) -> Result<Vec<Seq>> {
        self.with(|state| {
            let log = |(id, packet)| state.conversations.entry(id).or_default().put(packet);
            packets.into_iter().map(log).collect()
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

    async fn first_waiting(
        &self,
        owner: &AccountId,
        after: Seq,
        conversation: &ConversationId,
        limit: usize,
    ) -> Result<FirstWaiting> {
        self.with(|state| {
            let Some(inbox) = state.inboxes.get(owner) else {
                return FirstWaiting::Nothing;
            };
            let mut last = after;
            let mut entries = inbox.entries.range(after.0.saturating_add(1)..);
            for _ in 0..limit {
                match entries.next() {
                    None => return FirstWaiting::Nothing,
                    Some((
                        _,
                        InboxItem::Reference {
                            conversation: of,
                            mid,
                            ..
                        },
                    )) if of == conversation => {
                        return FirstWaiting::Found(*mid);
                    }
                    Some((seq, _)) => last = Seq(*seq),
                }
            }
            FirstWaiting::NotUpTo(last)
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
                let State { inboxes, rooms, .. } = &mut *state;
                let inbox = inboxes.entry(owner.clone()).or_default();
                let position = position.0.clamp(0, inbox.head);
                if !inbox.devices.contains_key(&device) {
                    if inbox.devices.len() >= MAX_DEVICES {
                        let floor = inbox.floor();
                        let oldest = inbox.devices.iter().min_by_key(|(_, device)| device.seen);
                        if let Some(oldest) = oldest.map(|(device, _)| device.clone()) {
                            inbox.devices.remove(&oldest);
                            inbox.forgotten = floor;
                            rooms.device_forgotten(&owner, &oldest);
                        }
                    }
                    rooms.device_added(&owner, &device);
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
            let State { inboxes, rooms, .. } = &mut *state;
            for (owner, inbox) in inboxes {
                let floor = inbox.floor();
                let known = inbox.devices.len();
                inbox.devices.retain(|key, device| {
                    let stays = device.seen >= before;
                    if !stays {
                        rooms.device_forgotten(owner, key);
                    }
                    stays
                });
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

    async fn set_user_profile(&self, id: &AccountId, profile: Bytes) -> Result<bool> {
        self.with(|state| {
            let exists = state.accounts.contains_key(id);
            if exists {
                state.profiles.insert(id.clone(), profile);
            }
            exists
        })
    }

    async fn user_profiles(&self, ids: &[AccountId]) -> Result<Vec<Option<UserProfile>>> {
        self.with(|state| {
            let profile = |id| {
                let account = state.accounts.get(id)?;
                Some(UserProfile {
                    domain: account.domain.clone(),
                    created: account.created,
                    profile: state.profiles.get(id).cloned(),
                })
            };
            ids.iter().map(profile).collect()
        })
    }

    async fn create_room(&self, room: NewRoom) -> Result<bool> {
        self.with(|state| {
            let head = state.log_head(&room.conversation);
            state.rooms.create(room, head)
        })
    }

    async fn room(&self, id: &RoomId) -> Result<Option<Room>> {
        self.with(|state| state.rooms.room(id).cloned())
    }

    async fn update_room(&self, update: RoomUpdate) -> Result<Option<Room>> {
        self.with(|state| state.rooms.update(update))
    }

    async fn dissolve_room(&self, id: &RoomId) -> Result<Dissolved> {
        self.with(|state| state.rooms.dissolve(id))
    }

    async fn membership(&self, room: &RoomId, account: &AccountId) -> Result<Membership> {
        self.with(|state| state.rooms.membership(room, account))
    }

    async fn change_membership(&self, change: MembershipChange) -> Result<MembershipChanged> {
        self.with(|state| {
            let room = state.rooms.room(&change.room);
            let head = room.map_or(Seq(0), |room| state.log_head(&room.conversation));
            match state.rooms.change(&change, head) {
                Change::Done { since } => MembershipChanged::Done {
                    seqs: state.put_all(change.notices),
                    since,
                },
                Change::Stale => MembershipChanged::Stale,
                Change::NoRoom => MembershipChanged::NoRoom,
            }
        })
    }

    async fn room_members(
        &self,
        room: &RoomId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        self.with(|state| state.rooms.accounts(room, after, limit, Membership::is_member))
    }

    async fn room_blocks(
        &self,
        room: &RoomId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        let blocked = |membership: Membership| membership.room == ContactState::Blocks;
        self.with(|state| state.rooms.accounts(room, after, limit, blocked))
    }

    async fn room_lists(&self, account: &AccountId) -> Result<RoomLists> {
        self.with(|state| state.rooms.lists(account))
    }

    async fn read_log(
        &self,
        conversation: &ConversationId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<InboxCopy>> {
        self.with(|state| {
            let conversation = state.conversations.get(conversation);
            let mut copies = Vec::new();
            let mut bytes = 0;
            let entries = conversation.into_iter().flat_map(|log| log.log(after));
            for copy in entries.take(limit) {
                bytes += copy.body.as_ref().map_or(0, Bytes::len);
                if bytes > max_bytes && !copies.is_empty() {
                    break;
                }
                copies.push(copy);
            }
            copies
        })
    }

    async fn room_positions(&self, owner: &AccountId, device: &DeviceKey) -> Result<Vec<RoomPosition>> {
        self.with(|state| {
            let known = state.knows(owner, device);
            let head = |room: &Room| state.log_head(&room.conversation);
            state.rooms.positions(owner, device, known, head)
        })
    }

    async fn advance_rooms(&self, advances: Vec<RoomAdvance>) -> Result<()> {
        self.with(|state| {
            for RoomAdvance {
                owner,
                device,
                room: id,
                position,
            } in advances
            {
                let Some(room) = state.rooms.room(&id) else {
                    continue;
                };
                let position = position.0.clamp(0, state.log_head(&room.conversation).0);
                if state.knows(&owner, &device) {
                    state.rooms.advance(&id, &owner, device, position);
                }
            }
        })
    }

    async fn begin_file(&self, file: NewFile) -> Result<Option<FileId>> {
        let slot = SlotHasher::new(&self.installation_key).of_conversation(&file.conversation);
        self.with(|state| state.files.begin(slot, file))
    }

    async fn finish_file(&self, id: &FileId, content: FileContent) -> Result<bool> {
        self.with(|state| state.files.finish(id, content))
    }

    async fn file(&self, id: &FileId) -> Result<Option<StoredFile>> {
        self.with(|state| state.files.get(id))
    }

    async fn delete_file(&self, id: &FileId, uploader: &AccountId) -> Result<bool> {
        self.with(|state| state.files.delete(id, uploader))
    }

    async fn use_picture(&self, id: &FileId) -> Result<bool> {
        self.with(|state| state.files.use_picture(id))
    }

    async fn retire_pictures(&self, keep: &FileId) -> Result<()> {
        self.with(|state| state.files.retire_pictures(keep))
    }

    async fn expire_files(&self, before: Timestamp, limit: usize) -> Result<u64> {
        self.with(|state| state.files.expire(before, limit))
    }

    async fn abandon_files(&self) -> Result<u64> {
        self.with(|state| state.files.abandon())
    }

    async fn deleted_files(&self, limit: usize) -> Result<Vec<FileId>> {
        self.with(|state| state.files.deleted(limit))
    }

    async fn forget_files(&self, ids: Vec<FileId>) -> Result<()> {
        self.with(|state| state.files.forget(&ids))
    }

    async fn unknown_files(&self, ids: Vec<FileId>) -> Result<Vec<FileId>> {
        self.with(|state| state.files.unknown(ids))
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

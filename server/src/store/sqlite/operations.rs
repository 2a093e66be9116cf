//! The operations of the store, each sent to the thread that performs it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::SqliteStore;
use super::database::OPERATION_BYTES;
use super::room_rows::RoomList;
use crate::store::files::{FileContent, FileId, NewFile, StoredFile};
use crate::store::ids::{AccountId, ConversationId, DeviceKey, RoomId, Seq, SessionHash, Timestamp};
use crate::store::record::{
    Account, Advance, Append, Appended, ContactChange, ContactLists, Contacts, Dissolved, FirstWaiting,
    InboxCopy, InboxItem, InboxState, LoginToken, Membership, MembershipChange, MembershipChanged,
    NewAccount, NewRoom, Retract, Retracted, Room, RoomAdvance, RoomLists, RoomPosition, RoomUpdate,
    StoredMessage, UpperBound, UserProfile, WebSession,
};
use crate::store::{CreateAccountError, Result, Store};

/// Positions in rooms that are stored in one transaction.
const ROOM_ADVANCES: usize = 512;

impl SqliteStore {
    async fn room_list(
        &self,
        room: &RoomId,
        list: RoomList,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        let (room, after) = (room.clone(), after.cloned());
        self.of_room(&room)?
            .read(move |reader| reader.room_list(&room, list, after.as_ref(), limit))
            .await
    }
}

fn item_bytes(items: &[InboxItem]) -> usize {
    items
        .iter()
        .map(|item| match item {
            InboxItem::Packet { body, .. } => body.len() + OPERATION_BYTES,
            InboxItem::Reference { .. } => OPERATION_BYTES,
        })
        .sum()
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_account(&self, account: NewAccount) -> Result<(), CreateAccountError> {
        let database = self.of_account(&account.id)?;
        if database
            .write(0, move |writer| writer.create_account(&account))
            .await?
        {
            Ok(())
        } else {
            Err(CreateAccountError::Exists)
        }
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        let id = id.clone();
        self.of_account(&id)?
            .read(move |reader| reader.account(&id))
            .await
    }

    async fn set_password(&self, id: &AccountId, hash: String) -> Result<bool> {
        let id = id.clone();
        self.of_account(&id)?
            .write(hash.len(), move |writer| writer.set_password(&id, &hash))
            .await
    }

    async fn set_suspension(&self, id: &AccountId, until: Option<Timestamp>) -> Result<bool> {
        let id = id.clone();
        self.of_account(&id)?
            .write(0, move |writer| writer.set_suspension(&id, until))
            .await
    }

    async fn put_token(&self, token: LoginToken) -> Result<()> {
        let fields = token.extend.iter().flatten();
        let bytes = fields.map(|(name, value)| name.len() + value.len()).sum();
        let database = self.database(|slots| slots.of_token(&token.hash))?;
        database
            .write(bytes, move |writer| writer.put_token(&token))
            .await
    }

    async fn take_token(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<LoginToken>> {
        let hash = *hash;
        let database = self.database(|slots| slots.of_token(&hash))?;
        database
            .write(0, move |writer| writer.take_token(&hash, now))
            .await
    }

    async fn put_session(&self, session: WebSession) -> Result<()> {
        let database = self.database(|slots| slots.of_token(&session.hash.0))?;
        database
            .write(0, move |writer| writer.put_session(&session))
            .await
    }

    async fn session(&self, hash: &SessionHash) -> Result<Option<WebSession>> {
        let hash = *hash;
        let database = self.database(|slots| slots.of_token(&hash.0))?;
        database.read(move |reader| reader.session(&hash)).await
    }

    async fn use_session(&self, hash: &SessionHash, used: Timestamp) -> Result<bool> {
        let hash = *hash;
        let database = self.database(|slots| slots.of_token(&hash.0))?;
        database
            .write(0, move |writer| writer.use_session(&hash, used))
            .await
    }

    async fn end_session(&self, hash: &SessionHash) -> Result<bool> {
        let hash = *hash;
        let database = self.database(|slots| slots.of_token(&hash.0))?;
        database.write(0, move |writer| writer.end_session(&hash)).await
    }

    async fn end_sessions(&self, account: &AccountId, except: &[SessionHash]) -> Result<Vec<SessionHash>> {
        let mut ended = Vec::new();
        for database in &self.databases {
            let (account, except) = (account.clone(), except.to_vec());
            let of_one = database.write(0, move |writer| writer.end_sessions(&account, &except));
            ended.extend(of_one.await?);
        }
        Ok(ended)
    }

    async fn forget_sessions(&self, before: Timestamp) -> Result<u64> {
        let mut forgotten = 0;
        for database in &self.databases {
            let mut has_more = true;
            while has_more {
                let step = database.write(0, move |writer| writer.forget_sessions(before));
                let (count, more) = step.await?;
                forgotten += count;
                has_more = more;
            }
        }
        Ok(forgotten)
    }

    async fn accounts_of(
        &self,
        domain: &str,
        now: Timestamp,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        let mut all = Vec::new();
        for database in &self.databases {
            let (domain, after) = (domain.to_owned(), after.cloned());
            let reading =
                database.read(move |reader| reader.accounts_of(&domain, now, after.as_ref(), limit));
            all.extend(reading.await?);
        }
        all.sort();
        all.truncate(limit);
        Ok(all)
    }

    async fn rooms_of(&self, domain: &str, after: Option<&RoomId>, limit: usize) -> Result<Vec<RoomId>> {
        let mut all = Vec::new();
        for database in &self.databases {
            let (domain, after) = (domain.to_owned(), after.cloned());
            let reading = database.read(move |reader| reader.rooms_of(&domain, after.as_ref(), limit));
            all.extend(reading.await?);
        }
        all.sort();
        all.truncate(limit);
        Ok(all)
    }

    async fn contacts(&self, owner: &AccountId, peer: &AccountId) -> Result<Contacts> {
        let (owner, peer) = (owner.clone(), peer.clone());
        self.of_account(&owner)?
            .read(move |reader| reader.contacts(&owner, &peer))
            .await
    }

    async fn change_contacts(&self, change: ContactChange) -> Result<Option<Vec<Seq>>> {
        let bytes = item_bytes(&change.notices);
        self.of_account(&change.owner)?
            .write(bytes, move |writer| writer.change_contacts(&change))
            .await
    }

    async fn contact_lists(&self, owner: &AccountId) -> Result<ContactLists> {
        let owner = owner.clone();
        self.of_account(&owner)?
            .read(move |reader| reader.contact_lists(&owner))
            .await
    }

    async fn append(&self, batch: Vec<Append>) -> Result<Vec<Appended>> {
        let Some(first) = batch.first() else {
            return Ok(Vec::new());
        };
        let database = self.of_conversation(&first.conversation)?;
        let bytes = batch
            .iter()
            .map(|append| append.body.len() + OPERATION_BYTES * (1 + append.inboxes.len()))
            .sum();
        database.write(bytes, move |writer| writer.append(&batch)).await
    }

    async fn history(
        &self,
        conversation: &ConversationId,
        upper: UpperBound,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredMessage>> {
        let id = *conversation;
        self.of_conversation(&id)?
            .read(move |reader| reader.history(&id, upper, limit, max_bytes))
            .await
    }

    async fn retract(&self, retract: Retract) -> Result<Retracted> {
        let log = retract
            .log
            .as_ref()
            .map_or(0, |packet| packet.len() + OPERATION_BYTES);
        let bytes = item_bytes(&retract.notices) + log;
        self.of_conversation(&retract.conversation)?
            .write(bytes, move |writer| writer.retract(&retract))
            .await
    }

    async fn append_log(&self, packets: Vec<(ConversationId, Bytes)>) -> Result<Vec<Seq>> {
        let Some((first, _)) = packets.first() else {
            return Ok(Vec::new());
        };
        let bytes = packets
            .iter()
            .map(|(_, packet)| packet.len() + OPERATION_BYTES)
            .sum();
        self.of_conversation(first)?
            .write(bytes, move |writer| writer.append_log(&packets))
            .await
    }

    async fn append_inbox(&self, entries: Vec<InboxItem>) -> Result<Vec<Seq>> {
        let Some(first) = entries.first() else {
            return Ok(Vec::new());
        };
        let database = self.of_account(first.owner())?;
        database
            .write(item_bytes(&entries), move |writer| writer.append_inbox(&entries))
            .await
    }

    async fn inbox_state(&self, owner: &AccountId) -> Result<InboxState> {
        let owner = owner.clone();
        self.of_account(&owner)?
            .read(move |reader| reader.inbox_state(&owner))
            .await
    }

    async fn read_inbox(
        &self,
        owner: &AccountId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<InboxCopy>> {
        let owner = owner.clone();
        self.of_account(&owner)?
            .read(move |reader| reader.read_inbox(&owner, after, limit, max_bytes))
            .await
    }

    async fn first_waiting(
        &self,
        owner: &AccountId,
        after: Seq,
        conversation: &ConversationId,
        limit: usize,
    ) -> Result<FirstWaiting> {
        let (owner, conversation) = (owner.clone(), *conversation);
        self.of_account(&owner)?
            .read(move |reader| reader.first_waiting(&owner, after, &conversation, limit))
            .await
    }

    async fn advance(&self, advances: Vec<Advance>) -> Result<()> {
        let Some(first) = advances.first() else {
            return Ok(());
        };
        let database = self.of_account(&first.owner)?;
        database
            .write(advances.len() * OPERATION_BYTES, move |writer| {
                writer.advance(&advances)
            })
            .await
    }

    async fn forget_devices(&self, before: Timestamp) -> Result<u64> {
        let mut forgotten = 0;
        for database in &self.databases {
            forgotten += database.forget_devices(before).await?;
        }
        Ok(forgotten)
    }

    async fn set_user_profile(&self, id: &AccountId, profile: Bytes) -> Result<bool> {
        let id = id.clone();
        self.of_account(&id)?
            .write(profile.len(), move |writer| {
                writer.set_user_profile(&id, &profile)
            })
            .await
    }

    async fn user_profiles(&self, ids: &[AccountId]) -> Result<Vec<Option<UserProfile>>> {
        let Some(first) = ids.first() else {
            return Ok(Vec::new());
        };
        let database = self.of_account(first)?;
        let ids = ids.to_vec();
        database.read(move |reader| reader.user_profiles(&ids)).await
    }

    async fn create_room(&self, room: NewRoom) -> Result<bool> {
        self.of_room(&room.id)?
            .write(room.profile.len(), move |writer| writer.create_room(&room))
            .await
    }

    async fn room(&self, id: &RoomId) -> Result<Option<Room>> {
        let id = id.clone();
        self.of_room(&id)?.read(move |reader| reader.room(&id)).await
    }

    async fn update_room(&self, update: RoomUpdate) -> Result<Option<Room>> {
        let managers = update.managers.as_ref().map_or(0, Vec::len);
        let bytes = update.profile.as_ref().map_or(0, Bytes::len) + managers * OPERATION_BYTES;
        self.of_room(&update.id)?
            .write(bytes, move |writer| writer.update_room(&update))
            .await
    }

    async fn dissolve_room(&self, id: &RoomId) -> Result<Dissolved> {
        let id = id.clone();
        self.of_room(&id)?
            .write(0, move |writer| writer.dissolve_room(&id))
            .await
    }

    async fn membership(&self, room: &RoomId, account: &AccountId) -> Result<Membership> {
        let (room, account) = (room.clone(), account.clone());
        self.of_account(&account)?
            .read(move |reader| reader.membership(&room, &account))
            .await
    }

    async fn change_membership(&self, change: MembershipChange) -> Result<MembershipChanged> {
        let bytes = item_bytes(&change.notices);
        self.of_room(&change.room)?
            .write(bytes, move |writer| writer.change_membership(&change))
            .await
    }

    async fn room_members(
        &self,
        room: &RoomId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        self.room_list(room, RoomList::Members, after, limit).await
    }

    async fn room_blocks(
        &self,
        room: &RoomId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        self.room_list(room, RoomList::Blocked, after, limit).await
    }

    async fn room_lists(&self, account: &AccountId) -> Result<RoomLists> {
        let account = account.clone();
        self.of_account(&account)?
            .read(move |reader| reader.room_lists(&account))
            .await
    }

    async fn read_log(
        &self,
        conversation: &ConversationId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<InboxCopy>> {
        let id = *conversation;
        self.of_conversation(&id)?
            .read(move |reader| reader.read_log(&id, after, limit, max_bytes))
            .await
    }

    async fn room_positions(&self, owner: &AccountId, device: &DeviceKey) -> Result<Vec<RoomPosition>> {
        let (owner, device) = (owner.clone(), device.clone());
        self.of_account(&owner)?
            .read(move |reader| reader.room_positions(&owner, &device))
            .await
    }

    async fn advance_rooms(&self, mut advances: Vec<RoomAdvance>) -> Result<()> {
        // In the order of the rows, so that each transaction touches few pages.
        advances.sort_by_cached_key(|advance| (self.slots.of_account(&advance.owner), advance.owner.clone()));
        while !advances.is_empty() {
            let rest = advances.split_off(advances.len().min(ROOM_ADVANCES));
            let part = std::mem::replace(&mut advances, rest);
            let database = self.of_account(&part[0].owner)?;
            database
                .write(part.len() * OPERATION_BYTES, move |writer| {
                    writer.advance_rooms(&part)
                })
                .await?;
        }
        Ok(())
    }

    async fn begin_file(&self, file: NewFile) -> Result<Option<FileId>> {
        let slot = self.slots.of_conversation(&file.conversation);
        self.of_conversation(&file.conversation)?
            .write(0, move |writer| writer.begin_file(slot, &file))
            .await
    }

    async fn finish_file(&self, id: &FileId, content: FileContent) -> Result<bool> {
        let id = *id;
        self.of_file(&id)?
            .write(0, move |writer| writer.finish_file(&id, &content))
            .await
    }

    async fn file(&self, id: &FileId) -> Result<Option<StoredFile>> {
        let id = *id;
        self.of_file(&id)?.read(move |reader| reader.file(&id)).await
    }

    async fn delete_file(&self, id: &FileId, uploader: &AccountId) -> Result<bool> {
        let (id, uploader) = (*id, uploader.clone());
        self.of_file(&id)?
            .write(0, move |writer| writer.delete_file(&id, &uploader))
            .await
    }

    async fn use_picture(&self, id: &FileId) -> Result<bool> {
        let id = *id;
        self.of_file(&id)?
            .write(0, move |writer| writer.use_picture(&id))
            .await
    }

    async fn retire_pictures(&self, keep: &FileId) -> Result<()> {
        let keep = *keep;
        self.of_file(&keep)?
            .write(0, move |writer| writer.retire_pictures(&keep))
            .await
    }

    async fn expire_files(&self, before: Timestamp, limit: usize) -> Result<u64> {
        let mut expired = 0;
        for database in &self.databases {
            expired += database
                .write(0, move |writer| writer.expire_files(before, limit))
                .await?;
        }
        Ok(expired)
    }

    async fn abandon_files(&self) -> Result<u64> {
        let mut abandoned = 0;
        for database in &self.databases {
            abandoned += database.write(0, |writer| writer.abandon_files()).await?;
        }
        Ok(abandoned)
    }

    async fn deleted_files(&self, limit: usize) -> Result<Vec<FileId>> {
        let mut deleted = Vec::new();
        for database in &self.databases {
            let left = limit - deleted.len();
            deleted.extend(database.read(move |reader| reader.deleted_files(left)).await?);
        }
        Ok(deleted)
    }

    async fn forget_files(&self, ids: Vec<FileId>) -> Result<()> {
        let Some(first) = ids.first() else {
            return Ok(());
        };
        self.of_file(first)?
            .write(ids.len() * OPERATION_BYTES, move |writer| {
                writer.forget_files(&ids)
            })
            .await
    }

    async fn unknown_files(&self, ids: Vec<FileId>) -> Result<Vec<FileId>> {
        let Some(first) = ids.first() else {
            return Ok(Vec::new());
        };
        let database = self.of_file(first)?;
        database.read(move |reader| reader.unknown_files(ids)).await
    }

    async fn rotate_key(&self) -> Result<u32> {
        let mut newest = 0;
        for database in &self.databases {
            let master = Arc::clone(&self.master);
            newest = database
                .write(0, move |writer| writer.rotate_key(&master))
                .await?;
        }
        Ok(newest)
    }

    async fn reencrypt(&self, limit: usize) -> Result<u64> {
        let mut done = 0;
        for database in &self.databases {
            done += database.reencrypt(limit).await?;
        }
        Ok(done)
    }

    async fn close(&self) {
        for database in &self.databases {
            database.writes.close();
            let Some(thread) = database.thread.lock().take() else {
                continue;
            };
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the database thread ended abnormally");
            }
        }
    }
}

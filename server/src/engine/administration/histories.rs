//! Histories: reading and deleting, whoever takes part in them.

use std::sync::Arc;

use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::{Tid, TimMessage};
use tim_protocol::{Encoding, WireStruct};

use crate::engine::{Engine, store_failure};
use crate::store::{AccountId, ConversationId, Mid, RoomId, Seq, UpperBound};

impl Engine {
    /// A page of the history of two accounts, newest first.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn history_of_pair(
        &self,
        pair: (&AccountId, &AccountId),
        upper: UpperBound,
        limit: usize,
    ) -> Result<Vec<TimMessage>, ErrorCode> {
        let conversation = self.identity.conversation(pair.0, pair.1);
        self.history_page(&conversation, upper, limit).await
    }

    /// A page of the history of a room, newest first.
    ///
    /// # Errors
    /// `NoExist` when there is no such room; the store's failures.
    pub async fn history_of_room(
        &self,
        room: &RoomId,
        upper: UpperBound,
        limit: usize,
    ) -> Result<Vec<TimMessage>, ErrorCode> {
        let conversation = self.conversation_of(room).await?;
        self.history_page(&conversation, upper, limit).await
    }

    /// Deletes a message of two accounts for both, as if its author had recalled it.
    ///
    /// # Errors
    /// `NoExist` when there is no such message; the store's failures.
    pub async fn delete_of_pair(
        self: &Arc<Self>,
        pair: (&AccountId, &AccountId),
        mid: Mid,
    ) -> Result<(), ErrorCode> {
        let conversation = self.identity.conversation(pair.0, pair.1);
        let author = self.author(&conversation, mid).await?;
        let other = if author == *pair.0 { pair.1 } else { pair.0 };
        let recall = TimMessage {
            to_tid: Some(tid(other.as_str())),
            ..recall(2, mid)
        };
        let agent = self.agent(&author).await?;
        self.send_as(&agent, recall).await.map(drop)
    }

    /// Deletes a message of a room for everybody, as if its author had recalled it.
    ///
    /// # Errors
    /// `NoExist` when there is no such room or message, `Cancel` when the room is dissolved; the store's
    /// failures.
    pub async fn delete_of_room(self: &Arc<Self>, room: &RoomId, mid: Mid) -> Result<(), ErrorCode> {
        let conversation = self.conversation_of(room).await?;
        let author = self.author(&conversation, mid).await?;
        let recall = TimMessage {
            room_tid: Some(tid(room.as_str())),
            ..recall(3, mid)
        };
        let agent = self.agent(&author).await?;
        self.send_as(&agent, recall).await.map(drop)
    }

    /// A page of what waits in an inbox, oldest first, with its numbers, and where the next page begins.
    /// Nothing is taken away.
    ///
    /// # Errors
    /// The store's failures.
    pub async fn inbox_page(
        &self,
        account: &AccountId,
        after: i64,
        limit: usize,
    ) -> Result<(Vec<(i64, TimMessage)>, Option<i64>), ErrorCode> {
        let limits = &self.settings.messages;
        let limit = limit.min(limits.history_page);
        let reading = self
            .store
            .read_inbox(account, Seq(after.max(0)), limit, limits.history_page_bytes);
        let copies = reading.await.map_err(|error| store_failure(&error))?;
        let next = copies.last().map(|last| last.seq.0);
        let message = |copy: crate::store::InboxCopy| {
            let decoded = TimMessage::decode(&copy.body?, Encoding::Compact).ok()?;
            let mid = copy.mid.map(|mid| mid.0).or(decoded.mid);
            Some((copy.seq.0, TimMessage { mid, ..decoded }))
        };
        Ok((copies.into_iter().filter_map(message).collect(), next))
    }

    async fn conversation_of(&self, room: &RoomId) -> Result<ConversationId, ErrorCode> {
        let found = self.stored_room(room).await?;
        Ok(found.ok_or(ErrorCode::NoExist)?.conversation)
    }

    async fn author(&self, conversation: &ConversationId, mid: Mid) -> Result<AccountId, ErrorCode> {
        let reading = self
            .store
            .history(conversation, UpperBound::Mid(mid), 1, usize::MAX);
        let found = reading.await.map_err(|error| store_failure(&error))?;
        let message = self.decoded(found).pop();
        let message = message.filter(|message| message.mid == Some(mid.0));
        let author = message.and_then(|message| message.from_tid);
        author
            .and_then(|author| self.parse_account(&author.node))
            .ok_or(ErrorCode::NoExist)
    }
}

fn recall(ms_type: i8, mid: Mid) -> TimMessage {
    TimMessage {
        ms_type,
        od_type: 2,
        mid: Some(mid.0),
        ..TimMessage::default()
    }
}

fn tid(node: &str) -> Tid {
    Tid {
        node: node.to_owned(),
        ..Tid::default()
    }
}

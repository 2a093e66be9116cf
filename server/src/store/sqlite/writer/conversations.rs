//! Messages: appending, recognising repeats, retracting.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::{TaskResult, Writer};
use crate::store::StoreError;
use crate::store::encryption::{Scope, Table};
use crate::store::ids::{ConversationId, Mid, Seq, Timestamp};
use crate::store::record::{Append, Appended, Duplicate, Retract, Retracted};
use crate::store::sqlite::reader::{LAST_NOTICE, MessageRow, open_message};
use crate::store::sqlite::sealed::{
    InboxContent, MessageHead, Placement, damaged, log_notice_place, message_place,
};

/// What the writer remembers of a conversation.
#[derive(Clone, Debug)]
pub(super) struct ConversationState {
    slot: i64,
    last_mid: i64,
    last_time: i64,
    /// Packets in the log beside the messages.
    notices: i64,
}

impl ConversationState {
    fn load(connection: &Connection, placement: &Placement, id: &ConversationId) -> TaskResult<Self> {
        let slot = placement.conversation(id)?;
        let last = connection
            .prepare_cached(
                "SELECT mid, timestamp FROM message WHERE slot = ?1 AND conversation = ?2
                 ORDER BY mid DESC LIMIT 1",
            )?
            .query_row(params![slot, id.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (last_mid, last_time) = last.unwrap_or((0, i64::MIN));
        let notices = connection
            .prepare_cached(LAST_NOTICE)?
            .query_row(params![slot, id.0, i64::MAX], |row| row.get(0))
            .optional()?;
        Ok(Self {
            slot,
            last_mid,
            last_time,
            notices: notices.unwrap_or(0),
        })
    }

    /// Newest number of the log.
    fn head(&self) -> i64 {
        self.last_mid + self.notices
    }
}

/// Largest number of a message: clients in JavaScript cannot hold larger ones.
const LAST_MID: i64 = (1 << 53) - 1;

impl Writer<'_> {
    pub(in crate::store::sqlite) fn append(&mut self, batch: &[Append]) -> TaskResult<Vec<Appended>> {
        batch.iter().map(|append| self.append_one(append)).collect()
    }

    fn append_one(&mut self, append: &Append) -> TaskResult<Appended> {
        if let Some(file) = &append.file
            && !self.may_link(file, &append.conversation, &append.sender)?
        {
            // A repeat of the message that names it is still a repeat.
            return Ok(match self.repeated(append)? {
                Some(original) => Appended::Duplicate(original),
                None => Appended::FileRefused,
            });
        }
        let Self {
            connection,
            placement,
            conversations,
            ciphers,
            place,
            sealed,
            statements,
            ..
        } = self;
        let id = append.conversation;
        let state = conversations.get_or_load(&id, || ConversationState::load(connection, placement, &id))?;
        if state.last_mid >= LAST_MID {
            return Err(StoreError::Unavailable("the conversation has no numbers left".to_owned()).into());
        }
        let mid = state.last_mid + 1;
        let time = state.last_time.max(append.timestamp.0);
        let exact = (time != append.timestamp.0).then_some(append.timestamp);
        let origin = append
            .client_id
            .filter(|client_id| *client_id != 0)
            .map(|client_id| placement.origin(&append.sender, client_id));
        let key = ciphers.current();
        let origin_column = origin.as_ref().map(<[u8; 16]>::as_slice);
        message_place(place, key, &id.0, mid, time, origin_column);
        let head = MessageHead::new(&append.sender, exact)?;
        ciphers
            .get(Table::Message, key, &Scope::Conversation(id))
            .map_err(|error| damaged(Table::Message, error.to_string()))?
            .seal(place, &[head.as_slice(), &append.body], sealed);
        let inserted = statements.insert_message.execute(params![
            state.slot,
            id.0,
            mid,
            time,
            origin_column,
            key,
            &**sealed
        ])?;
        let slot = state.slot;
        if inserted == 0 {
            let original = self.original(slot, &id, origin_column)?;
            let original = original
                .ok_or_else(|| damaged(Table::Message, "the index of origins does not fit the table"))?;
            return Ok(Appended::Duplicate(original));
        }
        state.last_mid = mid;
        state.last_time = time;
        let position = Seq(state.head());
        let mid = Mid(mid);
        if let Some(file) = &append.file {
            self.link(file, mid)?;
        }
        let content = InboxContent::reference(&id, mid);
        let seqs = append
            .inboxes
            .iter()
            .map(|owner| self.put(owner, &[&content]))
            .collect::<TaskResult<Vec<_>>>()?;
        Ok(Appended::Stored { mid, position, seqs })
    }

    /// The message that has this origin. A damaged one counts as recalled: its author still
    /// learns that it was stored.
    fn original(
        &mut self,
        slot: i64,
        id: &ConversationId,
        origin: Option<&[u8]>,
    ) -> TaskResult<Option<Duplicate>> {
        let row = self
            .statement(
                "SELECT mid, timestamp, origin, key_id, body FROM message
                 WHERE slot = ?1 AND conversation = ?2 AND origin = ?3",
            )?
            .query_row(params![slot, id.0, origin], MessageRow::read)
            .optional()?;
        let Some(row) = row else {
            return Ok(None);
        };
        let content = match open_message(&mut self.ciphers, &mut self.place, id, &row) {
            Ok(content) => content,
            Err(error) => {
                tracing::warn!(%error, mid = row.mid, "a repeated message cannot be read");
                None
            }
        };
        Ok(Some(Duplicate {
            mid: Mid(row.mid),
            timestamp: content
                .as_ref()
                .and_then(|content| content.exact)
                .unwrap_or(Timestamp(row.timestamp)),
            body: content.map(|content| content.body),
        }))
    }

    /// The stored message that this one repeats.
    fn repeated(&mut self, append: &Append) -> TaskResult<Option<Duplicate>> {
        let Some(client_id) = append.client_id.filter(|client_id| *client_id != 0) else {
            return Ok(None);
        };
        let slot = self.placement.conversation(&append.conversation)?;
        let origin = self.placement.origin(&append.sender, client_id);
        self.original(slot, &append.conversation, Some(&origin))
    }

    pub(in crate::store::sqlite) fn retract(&mut self, retract: &Retract) -> TaskResult<Retracted> {
        let Retract {
            conversation,
            mid,
            author,
            notices,
            log,
        } = retract;
        let slot = self.placement.conversation(conversation)?;
        let row = self
            .statement(
                "SELECT mid, timestamp, origin, key_id, body FROM message
                 WHERE slot = ?1 AND conversation = ?2 AND mid = ?3",
            )?
            .query_row(params![slot, conversation.0, mid.0], MessageRow::read)
            .optional()?;
        let Some(row) = row else {
            return Ok(Retracted::NotFound);
        };
        let Some(content) = open_message(&mut self.ciphers, &mut self.place, conversation, &row)? else {
            return Ok(Retracted::NotFound);
        };
        if content.author != author.as_str().as_bytes() {
            return Ok(Retracted::OtherAuthor);
        }
        self.statement("UPDATE message SET body = NULL WHERE slot = ?1 AND conversation = ?2 AND mid = ?3")?
            .execute(params![slot, conversation.0, mid.0])?;
        self.delete_linked(slot, conversation, *mid)?;
        let position = log
            .as_ref()
            .map(|packet| self.log_packet(conversation, packet))
            .transpose()?;
        Ok(Retracted::Done {
            seqs: self.put_items(notices)?,
            position,
        })
    }

    /// Newest number of the log of a conversation.
    pub(super) fn log_head(&mut self, id: &ConversationId) -> TaskResult<i64> {
        Ok(self.conversation(id)?.head())
    }

    fn conversation(&mut self, id: &ConversationId) -> TaskResult<&mut ConversationState> {
        let Self {
            connection,
            placement,
            conversations,
            ..
        } = self;
        conversations.get_or_load(id, || ConversationState::load(connection, placement, id))
    }

    pub(in crate::store::sqlite) fn append_log(
        &mut self,
        packets: &[(ConversationId, Bytes)],
    ) -> TaskResult<Vec<Seq>> {
        let log = |(id, packet): &(ConversationId, Bytes)| self.log_packet(id, packet);
        packets.iter().map(log).collect()
    }

    /// Appends a packet to the log of a conversation.
    fn log_packet(&mut self, id: &ConversationId, packet: &[u8]) -> TaskResult<Seq> {
        let state = self.conversation(id)?;
        let (slot, position, number) = (state.slot, state.head() + 1, state.notices + 1);
        let key = self.ciphers.current();
        log_notice_place(&mut self.place, key, &id.0, position, number);
        self.seal(Table::LogNotice, key, &Scope::Conversation(*id), &[packet])?;
        self.statement(
            "INSERT INTO log_notice (slot, conversation, position, number, key_id, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![slot, id.0, position, number, key, self.sealed])?;
        self.conversation(id)?.notices = number;
        Ok(Seq(position))
    }
}

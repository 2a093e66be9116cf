//! Reading conversations: pages of history, and logs with the packets between the messages.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Reader;
use crate::store::encryption::{Ciphers, Place, Scope, Table};
use crate::store::ids::{ConversationId, Mid, Seq, Timestamp};
use crate::store::keys::KeyId;
use crate::store::record::{InboxCopy, StoredMessage, UpperBound};
use crate::store::sqlite::sealed::{MessageContent, client_id_of, damaged, log_notice_place, message_place};
use crate::store::{Result, StoreError};

/// The number of the last packet in a log up to a position.
pub(in crate::store::sqlite) const LAST_NOTICE: &str =
    "SELECT number FROM log_notice WHERE slot = ?1 AND conversation = ?2 AND position <= ?3
     ORDER BY position DESC LIMIT 1";

impl Reader {
    pub(in crate::store::sqlite) fn history(
        &mut self,
        conversation: &ConversationId,
        upper: UpperBound,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredMessage>> {
        let slot = self.placement.conversation(conversation)?;
        let upper = match upper {
            UpperBound::Newest => i64::MAX,
            UpperBound::Mid(mid) => mid.0,
            UpperBound::Time(time) => self.last_mid_at(slot, conversation, time)?,
        };
        let Self {
            connection,
            ciphers,
            place,
            ..
        } = self;
        let mut select = connection.prepare_cached(
            "SELECT mid, timestamp, origin, key_id, body FROM message
             WHERE slot = ?1 AND conversation = ?2 AND mid <= ?3 AND body IS NOT NULL
             ORDER BY mid DESC",
        )?;
        let mut rows = select.query(params![slot, conversation.0, upper])?;
        let mut messages: Vec<StoredMessage> = Vec::new();
        let mut unreadable = Vec::new();
        let mut bytes = 0;
        while messages.len() < limit && (messages.is_empty() || bytes < max_bytes) {
            let Some(row) = rows.next()? else { break };
            let row = MessageRow::read(row)?;
            match open_message(ciphers, place, conversation, &row) {
                Ok(Some(content)) => {
                    bytes += content.body.len();
                    if bytes > max_bytes && !messages.is_empty() {
                        break;
                    }
                    messages.push(StoredMessage {
                        mid: Mid(row.mid),
                        timestamp: content.exact.unwrap_or(Timestamp(row.timestamp)),
                        body: content.body,
                    });
                }
                Ok(None) => {}
                Err(error) => unreadable.push(error),
            }
        }
        drop(rows);
        drop(select);
        unreadable.iter().for_each(|error| self.count_damaged(error));
        Ok(messages)
    }

    /// The newest message stored at or before a time: a binary search over the numbers, because
    /// times never fall with rising numbers.
    fn last_mid_at(&self, slot: i64, conversation: &ConversationId, time: Timestamp) -> Result<i64> {
        // The last existing number up to `mid`, and its time.
        let mut select = self.connection.prepare_cached(
            "SELECT mid, timestamp FROM message WHERE slot = ?1 AND conversation = ?2 AND mid <= ?3
             ORDER BY mid DESC LIMIT 1",
        )?;
        let mut at = |mid: i64| -> Result<Option<(i64, i64)>> {
            let row = select
                .query_row(params![slot, conversation.0, mid], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            Ok(row)
        };
        // Everything up to `early` is not later than the time, everything from `late` on is.
        let mut early = 0;
        let Some((newest, newest_time)) = at(i64::MAX)? else {
            return Ok(0);
        };
        if newest_time <= time.0 {
            return Ok(newest);
        }
        let mut late = newest;
        while early + 1 < late {
            let middle = early + (late - early) / 2;
            match at(middle)? {
                Some((mid, stored)) if stored > time.0 => late = mid.max(early + 1),
                _ => early = middle,
            }
        }
        Ok(early)
    }

    /// Merges messages and notices by their position. The position of a message is its `mid` plus
    /// the notices before it, so the place of each side in its table is known beforehand.
    pub(in crate::store::sqlite) fn read_log(
        &mut self,
        conversation: &ConversationId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<InboxCopy>> {
        let slot = self.placement.conversation(conversation)?;
        let after = after.0.max(0);
        let Self {
            connection,
            ciphers,
            place,
            ..
        } = self;
        let passed: Option<i64> = connection
            .prepare_cached(LAST_NOTICE)?
            .query_row(params![slot, conversation.0, after], |row| row.get(0))
            .optional()?;
        let mut notices = passed.unwrap_or(0);
        let mut select_messages = connection.prepare_cached(
            "SELECT mid, timestamp, origin, key_id, body FROM message
             WHERE slot = ?1 AND conversation = ?2 AND mid > ?3 ORDER BY mid",
        )?;
        let mut select_notices = connection.prepare_cached(
            "SELECT position, number, key_id, body FROM log_notice
             WHERE slot = ?1 AND conversation = ?2 AND position > ?3 ORDER BY position",
        )?;
        let mut messages = select_messages.query(params![slot, conversation.0, after - notices])?;
        let mut packets = select_notices.query(params![slot, conversation.0, after])?;
        let mut message = messages.next()?.map(MessageRow::read).transpose()?;
        let mut packet = packets.next()?.map(NoticeRow::read).transpose()?;
        let mut copies: Vec<InboxCopy> = Vec::new();
        let mut unreadable = Vec::new();
        let mut bytes = 0;
        while copies.len() < limit {
            let next = message.as_ref().map(|message| message.mid + notices);
            let copy = match (&message, &packet) {
                (_, Some(row)) if next.is_none_or(|next| row.position <= next) => {
                    let body = row.open(ciphers, place, conversation);
                    InboxCopy {
                        seq: Seq(row.position),
                        mid: None,
                        client_id: None,
                        body: body.map_err(|error| unreadable.push(error)).ok(),
                    }
                }
                (Some(row), _) => {
                    let content = open_message(ciphers, place, conversation, row).unwrap_or_else(|error| {
                        unreadable.push(error);
                        None
                    });
                    InboxCopy {
                        seq: Seq(row.mid + notices),
                        mid: Some(Mid(row.mid)),
                        client_id: content.as_ref().and_then(|_| row.client_id()),
                        body: content.map(|content| content.body),
                    }
                }
                (None, _) => break,
            };
            bytes += copy.body.as_ref().map_or(0, Bytes::len);
            if bytes > max_bytes && !copies.is_empty() {
                break;
            }
            if copy.mid.is_none() {
                notices += 1;
                packet = packets.next()?.map(NoticeRow::read).transpose()?;
            } else {
                message = messages.next()?.map(MessageRow::read).transpose()?;
            }
            copies.push(copy);
        }
        drop((messages, packets));
        drop((select_messages, select_notices));
        unreadable.iter().for_each(|error| self.count_damaged(error));
        Ok(copies)
    }
}

/// A row of the table of packets in logs.
struct NoticeRow {
    position: i64,
    number: i64,
    key: KeyId,
    sealed: Vec<u8>,
}

impl NoticeRow {
    /// Reads the columns `position, number, key_id, body`.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            position: row.get(0)?,
            number: row.get(1)?,
            key: row.get(2)?,
            sealed: row.get(3)?,
        })
    }

    fn open(
        &self,
        ciphers: &mut Ciphers,
        place: &mut Place,
        conversation: &ConversationId,
    ) -> Result<Bytes, StoreError> {
        log_notice_place(place, self.key, &conversation.0, self.position, self.number);
        ciphers
            .get(Table::LogNotice, self.key, &Scope::Conversation(*conversation))
            .and_then(|cipher| cipher.open(place, &self.sealed))
            .map(Bytes::from)
            .map_err(|error| damaged(Table::LogNotice, error.to_string()))
    }
}

/// A row of the table of messages.
pub(in crate::store::sqlite) struct MessageRow {
    pub(in crate::store::sqlite) mid: i64,
    pub(in crate::store::sqlite) timestamp: i64,
    origin: Option<[u8; 16]>,
    key: KeyId,
    sealed: Option<Vec<u8>>,
}

impl MessageRow {
    /// Reads the columns `mid, timestamp, origin, key_id, body`.
    pub(in crate::store::sqlite) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            mid: row.get(0)?,
            timestamp: row.get(1)?,
            origin: row.get(2)?,
            key: row.get(3)?,
            sealed: row.get(4)?,
        })
    }

    /// The author's own number. To be trusted only when the message opens: it is bound to it.
    pub(in crate::store::sqlite) fn client_id(&self) -> Option<i64> {
        self.origin.as_ref().map(client_id_of)
    }
}

pub(in crate::store::sqlite) fn select_message(
    connection: &Connection,
    slot: i64,
    conversation: &ConversationId,
    mid: Mid,
) -> rusqlite::Result<Option<MessageRow>> {
    connection
        .prepare_cached(
            "SELECT mid, timestamp, origin, key_id, body FROM message
             WHERE slot = ?1 AND conversation = ?2 AND mid = ?3",
        )?
        .query_row(params![slot, conversation.0, mid.0], MessageRow::read)
        .optional()
}

/// Opens a message; `None` when it was recalled.
pub(in crate::store::sqlite) fn open_message(
    ciphers: &mut Ciphers,
    place: &mut Place,
    conversation: &ConversationId,
    row: &MessageRow,
) -> Result<Option<MessageContent>> {
    let Some(sealed) = &row.sealed else {
        return Ok(None);
    };
    let origin = row.origin.as_ref().map(<[u8; 16]>::as_slice);
    message_place(place, row.key, &conversation.0, row.mid, row.timestamp, origin);
    let content = ciphers
        .get(Table::Message, row.key, &Scope::Conversation(*conversation))
        .and_then(|cipher| cipher.open(place, sealed))
        .map_err(|error| damaged(Table::Message, error.to_string()))?;
    MessageContent::parse(content)
        .map(Some)
        .ok_or_else(|| damaged(Table::Message, "unreadable content"))
}

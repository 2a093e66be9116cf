//! Pages of history (wire-protocol 7.13) and reads of the inbox.

use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::{TimMessage, TimReq};
use tim_protocol::{Encoding, WireStruct};

use super::accounts::Login;
use super::feed::ReadRequest;
use super::{Engine, store_failure};
use crate::store::{ConversationId, InboxCopy, Mid, Result, StoredMessage, Timestamp, UpperBound};

/// Conversation kinds of a history request.
const WITH_USER: i32 = 1;
const OF_ROOM: i32 = 2;

impl Engine {
    /// A page of history, newest first.
    ///
    /// # Errors
    /// The code to answer with.
    pub async fn history(&self, login: &Login, request: &TimReq) -> Result<Vec<TimMessage>, ErrorCode> {
        let limits = &self.settings.messages;
        let (Some(kind), Some(node), Some(from), Some(count)) = (
            request.rtype,
            request.node.as_deref(),
            request.req_int,
            request.req_int2,
        ) else {
            return Err(ErrorCode::Params);
        };
        let peer = self.parse_account(node).ok_or(ErrorCode::Params)?;
        let upper = upper_bound(from, request.node2.as_deref())?;
        let me = &login.account().id;
        let conversation = match kind {
            WITH_USER => match self.relations.known(me, &peer) {
                Some(relation) => relation.conversation,
                None => self.identity.conversation(me, &peer),
            },
            OF_ROOM => self.room_to_read(login, node).await?,
            _ => return Err(ErrorCode::Params),
        };
        // 0 or less asks for everything: as much as one page holds.
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count > 0)
            .unwrap_or(limits.history_page);
        self.history_page(&conversation, upper, count).await
    }

    /// A page of the history of a conversation, newest first, within the limits of one page.
    pub(super) async fn history_page(
        &self,
        conversation: &ConversationId,
        upper: UpperBound,
        count: usize,
    ) -> Result<Vec<TimMessage>, ErrorCode> {
        let limits = &self.settings.messages;
        let count = count.min(limits.history_page);
        let reading = self
            .store
            .history(conversation, upper, count, limits.history_page_bytes);
        let stored = reading.await.map_err(|error| store_failure(&error))?;
        Ok(self.decoded(stored))
    }

    /// Messages as they were sent. Those that cannot be decoded are left out.
    pub(super) fn decoded(&self, stored: Vec<StoredMessage>) -> Vec<TimMessage> {
        let mut page = Vec::with_capacity(stored.len());
        for message in stored {
            match TimMessage::decode(&message.body, Encoding::Compact) {
                Ok(decoded) => page.push(TimMessage {
                    mid: Some(message.mid.0),
                    ..decoded
                }),
                Err(error) => tracing::error!(%error, "a stored message cannot be decoded"),
            }
        }
        page
    }

    /// The conversation of a room whose history the session may read: members only.
    async fn room_to_read(&self, login: &Login, node: &str) -> Result<ConversationId, ErrorCode> {
        let room = self.parse_room(node).ok_or(ErrorCode::Params)?;
        match self.standing(login, &room).await {
            Ok(standing) if standing.is_dissolved => Err(ErrorCode::Cancel),
            Ok(standing) if standing.membership.is_member() => Ok(standing.conversation),
            Ok(_) | Err(ErrorCode::Account) => Err(ErrorCode::PermDenied),
            Err(code) => Err(code),
        }
    }

    /// Entries of the session's inbox, or of the log of one of its rooms.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn read_inbox(&self, login: &Login, request: ReadRequest) -> Result<Vec<InboxCopy>> {
        let ReadRequest {
            log,
            after,
            limit,
            max_bytes,
        } = request;
        match log {
            None => {
                let owner = &login.account().id;
                self.store.read_inbox(owner, after, limit, max_bytes).await
            }
            Some(conversation) => self.store.read_log(&conversation, after, limit, max_bytes).await,
        }
    }
}

fn upper_bound(from: i64, time: Option<&str>) -> Result<UpperBound, ErrorCode> {
    match (from, time) {
        (1.., _) => Ok(UpperBound::Mid(Mid(from))),
        (0, None | Some("")) => Ok(UpperBound::Newest),
        (0, Some(time)) => time
            .parse()
            .map(|time| UpperBound::Time(Timestamp(time)))
            .map_err(|_| ErrorCode::Params),
        _ => Err(ErrorCode::Params),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_a_time_or_nothing_bounds_a_page() {
        assert_eq!(upper_bound(7, Some("5")), Ok(UpperBound::Mid(Mid(7))));
        assert_eq!(upper_bound(0, None), Ok(UpperBound::Newest));
        assert_eq!(upper_bound(0, Some("")), Ok(UpperBound::Newest));
        assert_eq!(upper_bound(0, Some("12")), Ok(UpperBound::Time(Timestamp(12))));
        assert_eq!(upper_bound(0, Some("noon")), Err(ErrorCode::Params));
        assert_eq!(upper_bound(-1, None), Err(ErrorCode::Params));
    }
}

//! Pages of history (wire-protocol 7.13) and reads of the inbox.

use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::{TimMessage, TimReq};
use tim_protocol::{Encoding, WireStruct};

use super::accounts::Login;
use super::feed::ReadRequest;
use super::{Engine, store_failure};
use crate::store::{InboxCopy, Mid, Result, Timestamp, UpperBound};

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
        match kind {
            WITH_USER => {}
            // There are no rooms to be a member of.
            OF_ROOM => return Err(ErrorCode::PermDenied),
            _ => return Err(ErrorCode::Params),
        }
        // 0 or less asks for everything: as much as one page holds.
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count > 0)
            .unwrap_or(limits.history_page);
        let conversation = match self.relations.known(&login.account().id, &peer) {
            Some(relation) => relation.conversation,
            None => self.identity.conversation(&login.account().id, &peer),
        };
        let count = count.min(limits.history_page);
        let reading = self
            .store
            .history(&conversation, upper, count, limits.history_page_bytes);
        let stored = reading.await.map_err(|error| store_failure(&error))?;
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
        Ok(page)
    }

    /// Entries of the session's inbox.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn read_inbox(&self, login: &Login, request: ReadRequest) -> Result<Vec<InboxCopy>> {
        let ReadRequest {
            after,
            limit,
            max_bytes,
        } = request;
        self.store
            .read_inbox(&login.account().id, after, limit, max_bytes)
            .await
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

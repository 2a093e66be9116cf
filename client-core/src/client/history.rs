//! Walking back through a conversation page by page.

use super::handle::Client;
use crate::error::RequestError;
use crate::message::{Conversation, Incoming, Mid};
use crate::session::HistoryStart;

/// Pages of a conversation from newest to oldest, see [`Client::history_pager`].
#[derive(Debug)]
pub struct HistoryPager {
    client: Client,
    conversation: Conversation,
    start: Option<HistoryStart>,
    page_size: u16,
}

impl HistoryPager {
    pub(super) fn new(
        client: Client,
        conversation: Conversation,
        start: HistoryStart,
        page_size: u16,
    ) -> Self {
        Self {
            client,
            conversation,
            start: Some(start),
            page_size,
        }
    }

    /// The next page, newest first. Empty: the beginning of the conversation was reached. After an error the same
    /// page can be asked for again.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn next_page(&mut self) -> Result<Vec<Incoming>, RequestError> {
        let Some(start) = self.start else {
            return Ok(Vec::new());
        };
        let page = self
            .client
            .history(&self.conversation, start, self.page_size)
            .await?;
        let oldest = page.iter().filter_map(|message| message.mid).min();
        // Strictly before what was asked for, or a server could keep us going round for ever.
        self.start = oldest
            .and_then(Mid::previous)
            .filter(|next| is_before(*next, start))
            .map(HistoryStart::At);
        Ok(page)
    }
}

fn is_before(next: Mid, start: HistoryStart) -> bool {
    match start {
        HistoryStart::At(mid) => next < mid,
        HistoryStart::Newest | HistoryStart::Time(_) => true,
    }
}

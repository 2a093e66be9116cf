//! Earlier messages of a conversation.

use tim_client::{Client, Conversation, HistoryStart, Incoming, Mid, RequestError};

use crate::connection::{Account, Purpose};
use crate::failure::Failure;
use crate::output;

/// Messages asked for at once.
const PAGE: usize = 100;

pub(crate) async fn run(
    account: &Account,
    node: &str,
    is_room: bool,
    before: Option<i64>,
    limit: usize,
) -> Result<(), Failure> {
    let conversation = super::conversation(account, node, is_room)?;
    let start = match before {
        None => HistoryStart::Newest,
        Some(number) => match Mid::new(number).and_then(Mid::previous) {
            Some(mid) => HistoryStart::At(mid),
            // Nothing comes before the first message.
            None => return Ok(()),
        },
    };
    let client = account.connect(Purpose::Errand).await?;
    let messages = fetch(&client, &conversation, start, limit).await;
    client.close().await;
    for message in messages?.iter().rev() {
        output::line(&if account.options().json {
            output::message_json(message).to_string()
        } else {
            output::message(message, name_of_sender(account, message))
        })?;
    }
    Ok(())
}

/// The newest messages from the start, newest first.
pub(super) async fn fetch(
    client: &Client,
    conversation: &Conversation,
    start: HistoryStart,
    limit: usize,
) -> Result<Vec<Incoming>, RequestError> {
    let mut messages = Vec::new();
    let page_size = u16::try_from(limit.min(PAGE)).unwrap_or(u16::MAX).max(1);
    let mut pager = client.history_pager(conversation.clone(), start, page_size);
    while messages.len() < limit {
        let page = pager.next_page().await?;
        if page.is_empty() {
            break;
        }
        messages.extend(page);
    }
    messages.truncate(limit);
    Ok(messages)
}

/// Who wrote a message, as this person calls them.
pub(super) fn name_of_sender<'a>(account: &'a Account, message: &'a Incoming) -> &'a str {
    if message.outgoing {
        "me"
    } else {
        account.display(message.from.as_ref())
    }
}

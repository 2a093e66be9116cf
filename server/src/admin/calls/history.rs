//! Histories and inboxes: reading, with an entry in the audit log, and deleting.

use std::collections::BTreeMap;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::TimMessage;

use crate::admin::access::{Needs, Reach, Scope};
use crate::admin::call::{Call, Context, Nothing};
use crate::store::{Mid, UpperBound};
use crate::web::answer::Refusal;

/// Messages of a page when the request does not say.
const USUAL_PAGE: usize = 50;

pub(super) fn calls() -> Vec<Call> {
    let read = Needs::Right(Scope::HistoryRead, Reach::Domain);
    let delete = Needs::Right(Scope::HistoryDelete, Reach::Domain);
    vec![
        Call::new(
            "readHistory",
            (Method::POST, "/history/read"),
            read,
            "A page of what two accounts wrote to each other, or of a room, newest first",
            page,
        ),
        Call::new(
            "deleteMessage",
            (Method::POST, "/history/delete"),
            delete,
            "Delete a message for everybody, as if its author had recalled it",
            remove,
        ),
        Call::new(
            "readInbox",
            (Method::POST, "/accounts/{node}/inbox/read"),
            read,
            "What waits for the devices of an account, oldest first; nothing is taken away",
            inbox,
        ),
    ]
}

/// Two accounts or a room.
#[derive(Deserialize, JsonSchema)]
struct Conversation {
    /// Addresses of the two accounts; either this or `room`.
    accounts: Option<[String; 2]>,
    /// Address of the room.
    room: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Wanted {
    /// Which conversation.
    #[serde(flatten)]
    conversation: Conversation,
    /// Only messages with this number and lower ones; absent: from the newest.
    up_to: Option<i64>,
    /// How many, at most `messages.history_page`; 50 when absent.
    #[schemars(range(min = 1))]
    limit: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
struct One {
    /// Which conversation.
    #[serde(flatten)]
    conversation: Conversation,
    /// Number of the message.
    mid: i64,
}

/// A message.
#[derive(Serialize, JsonSchema)]
struct Message {
    /// Its number in the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    mid: Option<i64>,
    /// Address of the sender; absent: the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Address of the account it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Address of the room it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    /// 1 from the system, 2 to an account, 3 to a room.
    addressing: i8,
    /// 1 chat, 2 recall, 3 burn, 4 notice, above 30 kinds of the application.
    kind: i8,
    /// When the server took it, in nanoseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Bytes, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    binary: Option<String>,
    /// Fields of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    extend: Option<BTreeMap<String, String>>,
}

impl From<TimMessage> for Message {
    fn from(message: TimMessage) -> Self {
        let node = |tid: Option<tim_protocol::wire::Tid>| tid.map(|tid| tid.node);
        Self {
            mid: message.mid,
            from: node(message.from_tid),
            to: node(message.to_tid),
            room: node(message.room_tid),
            addressing: message.ms_type,
            kind: message.od_type,
            timestamp: message.timestamp,
            text: message.data_string,
            binary: message.data_binary.map(|bytes| STANDARD.encode(bytes)),
            extend: message.extend,
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Messages {
    /// The messages.
    messages: Vec<Message>,
}

#[derive(Deserialize, JsonSchema)]
struct Start {
    /// Only entries with a number above this; 0 when absent.
    #[serde(default)]
    after: i64,
    /// How many, at most `messages.history_page`; 50 when absent.
    #[schemars(range(min = 1))]
    limit: Option<usize>,
}

/// An entry of an inbox.
#[derive(Serialize, JsonSchema)]
struct Waiting {
    /// Its number in the inbox.
    number: i64,
    /// What waits.
    message: Message,
}

#[derive(Serialize, JsonSchema)]
struct Inbox {
    /// Oldest first; those that were recalled meanwhile are left out.
    entries: Vec<Waiting>,
    /// `after` of the next page; absent: there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

fn either() -> Refusal {
    Refusal::malformed("a conversation is that of two accounts or of a room")
}

async fn page(context: Context, _: Nothing, asked: Wanted) -> Result<Messages, Refusal> {
    let engine = &context.admin.engine;
    let upper = match asked.up_to {
        None => UpperBound::Newest,
        Some(mid @ 1..) => UpperBound::Mid(Mid(mid)),
        Some(_) => return Err(Refusal::malformed("up_to is 1 or more")),
    };
    let limit = asked.limit.unwrap_or(USUAL_PAGE).max(1);
    let found = match (asked.conversation.accounts, asked.conversation.room) {
        (Some([one, other]), None) => {
            context.note("accounts", format!("{one} {other}"));
            let (one, other) = (context.account(&one).await?, context.account(&other).await?);
            engine.history_of_pair((&one, &other), upper, limit).await?
        }
        (None, Some(room)) => {
            context.note("room", &room);
            let room = context.room(&room).await?;
            engine.history_of_room(&room.id, upper, limit).await?
        }
        _ => return Err(either()),
    };
    context.note("messages", found.len());
    Ok(Messages {
        messages: found.into_iter().map(Message::from).collect(),
    })
}

async fn remove(context: Context, _: Nothing, asked: One) -> Result<Nothing, Refusal> {
    let engine = &context.admin.engine;
    context.note("mid", asked.mid);
    match (asked.conversation.accounts, asked.conversation.room) {
        (Some([one, other]), None) => {
            context.note("accounts", format!("{one} {other}"));
            let (one, other) = (context.account(&one).await?, context.account(&other).await?);
            engine.delete_of_pair((&one, &other), Mid(asked.mid)).await?;
        }
        (None, Some(room)) => {
            context.note("room", &room);
            let room = context.room(&room).await?;
            engine.delete_of_room(&room.id, Mid(asked.mid)).await?;
        }
        _ => return Err(either()),
    }
    Ok(Nothing {})
}

async fn inbox(context: Context, _: Nothing, asked: Start) -> Result<Inbox, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let limit = asked.limit.unwrap_or(USUAL_PAGE).max(1);
    let (entries, next) = context
        .admin
        .engine
        .inbox_page(&account, asked.after, limit)
        .await
        .map_err(|code: ErrorCode| Refusal::from(code))?;
    context.note("messages", entries.len());
    let shown = entries.into_iter().map(|(number, message)| Waiting {
        number,
        message: message.into(),
    });
    Ok(Inbox {
        entries: shown.collect(),
        next,
    })
}

//! Sending: system messages, messages in the name of accounts, presence.

use std::collections::BTreeMap;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tim_protocol::wire::{Tid, TimMessage, TimPresence};

use crate::admin::access::{Needs, Reach, Scope};
use crate::admin::call::{Call, Context, Nothing};
use crate::engine::administration::Delivered;
use crate::store::AccountId;
use crate::web::answer::Refusal;

/// Accounts that one request may name.
const ADDRESSEES: usize = 10_000;

pub(super) fn calls() -> Vec<Call> {
    let send = Needs::Right(Scope::MessagesSend, Reach::Domain);
    vec![
        Call::new(
            "sendSystemMessage",
            (Method::POST, "/messages/system"),
            send,
            "Send a system message to accounts, to the members of a room, or to everybody online",
            system,
        ),
        Call::new(
            "sendAs",
            (Method::POST, "/messages"),
            send,
            "Send a message in the name of an account, without asking for permission",
            proxy,
        ),
        Call::new(
            "sendPresence",
            (Method::POST, "/presence"),
            send,
            "Send a presence to those of some accounts that are online",
            presence,
        ),
    ]
}

/// Whom something is for: exactly one of the three.
#[derive(Deserialize, JsonSchema)]
struct To {
    /// Addresses of accounts, at most 10000.
    accounts: Option<Vec<String>>,
    /// Address of a room: all its members.
    room: Option<String>,
    /// `true`: everybody who is online on this node, in the domain of the caller if it has one.
    #[serde(default)]
    online: bool,
}

/// What a message holds.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Content {
    /// Text.
    text: Option<String>,
    /// Bytes, in base64.
    binary: Option<String>,
    /// Content type, defined by the application.
    udtype: Option<i16>,
    /// Display hint, defined by the application.
    udshow: Option<i16>,
    /// Fields of the application.
    extend: Option<BTreeMap<String, String>>,
    /// Number to drop duplicates by; absent: the server makes one.
    id: Option<i64>,
}

#[derive(Deserialize, JsonSchema)]
struct System {
    /// Whom it is for.
    to: To,
    /// Address of the account shown as the sender; absent: none.
    from: Option<String>,
    /// What it holds.
    #[serde(flatten)]
    content: Content,
}

/// How far something came.
#[derive(Serialize, JsonSchema)]
struct Reached {
    /// Accounts it was for.
    accounts: usize,
    /// Of these, those that are online on this node.
    online: usize,
}

impl From<Delivered> for Reached {
    fn from(delivered: Delivered) -> Self {
        Self {
            accounts: delivered.accounts,
            online: delivered.online,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Proxy {
    /// Address of the sender.
    from: String,
    /// Address of the account it is for; either this or `room`.
    to: Option<String>,
    /// Address of the room it is for.
    room: Option<String>,
    /// 1 chat (when absent), 5 a stream to those online, above 30 kinds of the application.
    kind: Option<i8>,
    /// What it holds.
    #[serde(flatten)]
    content: Content,
}

/// A message that was sent.
#[derive(Serialize, JsonSchema)]
struct Sent {
    /// Its number in the conversation; absent for kinds that are in no history.
    #[serde(skip_serializing_if = "Option::is_none")]
    mid: Option<i64>,
    /// When the server took it, in nanoseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
}

#[derive(Deserialize, JsonSchema)]
struct Presence {
    /// Whom it is for.
    to: To,
    /// Address of the account shown as the sender; absent: none.
    from: Option<String>,
    /// Defined by the application.
    show: Option<i16>,
    /// Free text.
    status: Option<String>,
    /// Defined by the application; by convention 1 asks for a presence and 2 answers.
    sub_status: Option<i8>,
    /// Fields of the application.
    extend: Option<BTreeMap<String, String>>,
}

impl Content {
    fn message(self) -> Result<TimMessage, Refusal> {
        let binary = self.binary.map(|binary| STANDARD.decode(binary)).transpose();
        let binary = binary.map_err(|_| Refusal::malformed("binary is not base64"))?;
        if self.text.is_none() && binary.is_none() && self.extend.is_none() {
            return Err(Refusal::malformed("a message has a text, bytes or fields"));
        }
        Ok(TimMessage {
            id: self.id,
            data_string: self.text,
            data_binary: binary.map(Into::into),
            udtype: self.udtype,
            udshow: self.udshow,
            extend: self.extend,
            ..TimMessage::default()
        })
    }
}

async fn addressees(context: &Context, to: To) -> Result<Vec<AccountId>, Refusal> {
    let found = match (to.accounts, to.room, to.online) {
        (Some(nodes), None, false) if nodes.len() <= ADDRESSEES => context.accounts(&nodes).await?,
        (Some(_), None, false) => {
            return Err(Refusal::malformed(format!("at most {ADDRESSEES} accounts")));
        }
        (None, Some(room), false) => {
            context.note("room", &room);
            let room = context.room(&room).await?;
            let members = context.admin.engine.members_of(&room.id).await?;
            members.to_vec()
        }
        (None, None, true) => {
            let domain = context.domain(None)?;
            context.admin.engine.online_accounts(domain.as_deref())
        }
        _ => {
            return Err(Refusal::malformed(
                "`to` has exactly one of accounts, room and online",
            ));
        }
    };
    context.note("accounts", found.len());
    Ok(found)
}

async fn sender(context: &Context, from: Option<String>) -> Result<Option<AccountId>, Refusal> {
    match from {
        Some(from) => {
            context.note("as", &from);
            Ok(Some(context.account(&from).await?))
        }
        None => Ok(None),
    }
}

async fn system(context: Context, _: Nothing, asked: System) -> Result<Reached, Refusal> {
    let message = asked.content.message()?;
    let from = sender(&context, asked.from).await?;
    let to = addressees(&context, asked.to).await?;
    let per_second = context.admin.config.admin.deliveries_per_second;
    let engine = &context.admin.engine;
    let sending = engine.system_message(&to, message, from.as_ref(), per_second);
    Ok(sending.await?.into())
}

async fn proxy(context: Context, _: Nothing, asked: Proxy) -> Result<Sent, Refusal> {
    let sender = context.account(&asked.from).await?;
    let agent = context.agent(&sender).await?;
    let kind = asked.kind.unwrap_or(1);
    if !(kind == 1 || kind == 5 || kind > 30) {
        return Err(Refusal::malformed("kind is 1, 5 or above 30"));
    }
    let mut message = asked.content.message()?;
    message.od_type = kind;
    match (asked.to, asked.room) {
        (Some(to), None) => {
            let to = context.account(&to).await?;
            context.note("to", &to);
            message.ms_type = 2;
            message.to_tid = Some(tid(to.as_str()));
        }
        (None, Some(room)) => {
            let room = context.room(&room).await?;
            context.note("room", &room.id);
            message.ms_type = 3;
            message.room_tid = Some(tid(room.id.as_str()));
        }
        _ => {
            return Err(Refusal::malformed(
                "a message is either `to` an account or a `room`",
            ));
        }
    }
    let sent = context.admin.engine.send_as(&agent, message).await?;
    Ok(Sent {
        mid: sent.mid,
        timestamp: sent.timestamp,
    })
}

async fn presence(context: Context, _: Nothing, asked: Presence) -> Result<Reached, Refusal> {
    let from = sender(&context, asked.from).await?;
    let to = addressees(&context, asked.to).await?;
    let presence = TimPresence {
        sub_status: asked.sub_status,
        show: asked.show,
        status: asked.status,
        extend: asked.extend,
        ..TimPresence::default()
    };
    let per_second = context.admin.config.admin.deliveries_per_second;
    let engine = &context.admin.engine;
    let sending = engine.admin_presence(&to, presence, from.as_ref(), per_second);
    Ok(sending.await?.into())
}

fn tid(node: &str) -> Tid {
    Tid {
        node: node.to_owned(),
        ..Tid::default()
    }
}

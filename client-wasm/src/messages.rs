//! Messages and events as JavaScript sees them.

use tim_client::{
    Conversation, Device, DisconnectReason, Event, Incoming, LogoutReason, MessageKind, Notice, NoticeKind,
    Outgoing, PresenceChange, Removal, Sent, SubStatus,
};
use wasm_bindgen::JsValue;

use crate::failure::Failure;
use crate::fields::Fields;
use crate::record::{self, Record};

/// A message to be sent: a text, or an object.
pub(crate) fn outgoing(value: &JsValue) -> Result<Outgoing, Failure> {
    if let Some(text) = value.as_string() {
        return Ok(Outgoing::text(text));
    }
    if !value.is_object() {
        return Err(Failure::invalid("a message is a string or an object"));
    }
    let fields = Fields(value);
    let (text, binary) = (fields.text("text")?, fields.bytes("binary")?);
    let mut message = match fields.get("kind") {
        None => Outgoing::chat(),
        Some(kind) => match kind.as_string().as_deref() {
            Some("chat") => Outgoing::chat(),
            Some("stream") => Outgoing::stream(Vec::new()),
            Some("bigText") => Outgoing::big_text(String::new()),
            Some("bigBinary") => Outgoing::big_binary(Vec::new()),
            Some(_) => return Err(Failure::invalid("unknown kind of message")),
            None => Outgoing::application(fields.number("kind")?.unwrap_or_default()),
        },
    };
    if let Some(text) = text {
        message = message.with_text(text);
    }
    if let Some(binary) = binary {
        message = message.with_binary(binary);
    }
    if let Some(content_type) = fields.number("contentType")? {
        message = message.with_content_type(content_type);
    }
    if let Some(display) = fields.number("display")? {
        message = message.with_display(display);
    }
    if let Some(room) = fields.room("inside")? {
        message = message.inside(&room);
    }
    for (name, text) in fields.texts("extend")?.unwrap_or_default() {
        message = message.with_field(name, text);
    }
    for (name, content) in fields.binaries("extra")?.unwrap_or_default() {
        message = message.with_binary_field(name, content);
    }
    Ok(message)
}

pub(crate) fn sent(sent: Sent) -> JsValue {
    Record::new()
        .maybe("id", sent.id.map(record::integer))
        .maybe("mid", sent.mid.map(record::mid))
        .maybe("timestamp", sent.timestamp.map(record::time))
        .into()
}

pub(crate) fn conversation(conversation: &Conversation) -> JsValue {
    match conversation {
        Conversation::Peer(peer) => Record::new().with("kind", "peer").with("peer", peer.as_str()),
        Conversation::Room(room) => Record::new().with("kind", "room").with("room", room.as_str()),
        _ => Record::new().with("kind", "system"),
    }
    .into()
}

fn kind(kind: MessageKind) -> JsValue {
    match kind {
        MessageKind::Stream => "stream".into(),
        MessageKind::BigText => "bigText".into(),
        MessageKind::BigBinary => "bigBinary".into(),
        MessageKind::Application(number) => number.into(),
        _ => "chat".into(),
    }
}

fn device(device: Device) -> JsValue {
    Record::new()
        .maybe("name", device.resource)
        .maybe("type", device.device_type)
        .with("fields", record::texts(device.extend))
        .into()
}

pub(crate) fn incoming(message: Incoming) -> JsValue {
    Record::of_type("message")
        .with("conversation", conversation(&message.conversation))
        .shown("from", message.from.as_ref())
        .shown("inside", message.inside.as_ref())
        .maybe("device", message.device.map(device))
        .with("outgoing", message.outgoing)
        .with("kind", kind(message.kind))
        .maybe("mid", message.mid.map(record::mid))
        .maybe("id", message.id.map(record::integer))
        .with("timestamp", record::time(message.timestamp))
        .with("offline", message.offline)
        .maybe("text", message.text)
        .maybe("binary", message.binary.map(|binary| record::bytes(&binary)))
        .maybe("contentType", message.content_type)
        .maybe("display", message.display)
        .with("extend", record::texts(message.extend))
        .with("extra", record::binaries(message.extra))
        .into()
}

fn removal(name: &str, removal: &Removal) -> JsValue {
    Record::of_type(name)
        .with("conversation", conversation(&removal.conversation))
        .with("mid", record::mid(removal.mid))
        .with("by", removal.by.as_str())
        .with("outgoing", removal.outgoing)
        .with("timestamp", record::time(removal.timestamp))
        .with("offline", removal.offline)
        .into()
}

fn notice(notice: Notice) -> JsValue {
    let kind: JsValue = match notice.kind {
        NoticeKind::FriendRequest => "friendRequest".into(),
        NoticeKind::FriendsNow => "friendsNow".into(),
        NoticeKind::FriendRemoved => "friendRemoved".into(),
        NoticeKind::Blocked => "blocked".into(),
        NoticeKind::JoinRequest => "joinRequest".into(),
        NoticeKind::RoomJoined => "roomJoined".into(),
        NoticeKind::JoinRefused => "joinRefused".into(),
        NoticeKind::RoomAdded => "roomAdded".into(),
        NoticeKind::RoomRemoved => "roomRemoved".into(),
        NoticeKind::Other(number) => number.into(),
        _ => "unknown".into(),
    };
    Record::of_type("notice")
        .with("kind", kind)
        .shown("from", notice.from.as_ref())
        .shown("room", notice.room.as_ref())
        .maybe("text", notice.text)
        .with("timestamp", record::time(notice.timestamp))
        .with("offline", notice.offline)
        .into()
}

fn presence(change: PresenceChange) -> JsValue {
    Record::of_type("presence")
        .with("from", change.from.as_str())
        .maybe("device", change.device.map(device))
        .with("offline", change.offline)
        .maybe("show", change.show)
        .maybe("status", change.status)
        .maybe("subStatus", change.sub_status.map(sub_status))
        .maybe("id", change.id.map(record::integer))
        .with("extend", record::texts(change.extend))
        .with("extra", record::binaries(change.extra))
        .into()
}

fn sub_status(status: SubStatus) -> JsValue {
    match status {
        SubStatus::Subscribe => "subscribe".into(),
        SubStatus::Answer => "answer".into(),
        SubStatus::Other(number) => number.into(),
        _ => JsValue::UNDEFINED,
    }
}

fn disconnect_reason(reason: &DisconnectReason) -> JsValue {
    let (kind, text) = match reason {
        DisconnectReason::Closed(text) => ("closed", text.clone()),
        DisconnectReason::Unreachable(text) => ("unreachable", text.clone()),
        DisconnectReason::Silent => ("silent", "nothing arrived any more".to_owned()),
        DisconnectReason::Unconfirmed => ("unconfirmed", "a message was not confirmed".to_owned()),
        DisconnectReason::Refused(refusal) => {
            return Record::new()
                .with("kind", "refused")
                .with("text", refusal.to_string())
                .with("code", refusal.code)
                .into();
        }
        DisconnectReason::LoginTimedOut => ("loginTimedOut", "the login was not answered".to_owned()),
        DisconnectReason::Behind => ("behind", "events were not taken in time".to_owned()),
        DisconnectReason::Protocol(what) => ("protocol", (*what).to_owned()),
        _ => ("closed", String::new()),
    };
    Record::new().with("kind", kind).with("text", text).into()
}

fn logout_reason(reason: &LogoutReason) -> JsValue {
    let kind = match reason {
        LogoutReason::Forced => "forced",
        LogoutReason::TookPlace => "tookPlace",
        LogoutReason::NoCredentials => "signedOut",
        LogoutReason::Refused(refusal) => {
            return Record::new()
                .with("kind", "refused")
                .with("text", refusal.to_string())
                .with("code", refusal.code)
                .into();
        }
        LogoutReason::Disconnected(reason) => {
            return Record::new()
                .with("kind", "disconnected")
                .with("cause", disconnect_reason(reason))
                .into();
        }
        _ => "forced",
    };
    Record::new().with("kind", kind).into()
}

pub(crate) fn event(event: Event) -> JsValue {
    match event {
        Event::Message(message) => incoming(*message),
        Event::Recalled(gone) => removal("recalled", &gone),
        Event::Burned(gone) => removal("burned", &gone),
        Event::Notice(news) => notice(news),
        Event::PresenceChanged(change) => presence(*change),
        Event::Connected { node, again } => Record::of_type("connected")
            .with("node", node.as_str())
            .with("again", again)
            .into(),
        Event::Disconnected { reason, retry_in } => Record::of_type("disconnected")
            .with("reason", disconnect_reason(&reason))
            .with("retryIn", retry_in.as_secs_f64() * 1000.0)
            .into(),
        Event::OfflineDrained { count } => Record::of_type("offlineDrained")
            .with("count", record::unsigned(count))
            .into(),
        Event::LoggedOut { reason } => Record::of_type("loggedOut")
            .with("reason", logout_reason(&reason))
            .into(),
        Event::ServerError {
            packet_type,
            id,
            about,
            refusal,
        } => Record::of_type("serverError")
            .with("packetType", packet_type)
            .maybe("id", id.map(record::integer))
            .shown("about", about.as_ref())
            .with("error", Failure::refused(&refusal))
            .into(),
        Event::Unreadable { packet_type, what } => Record::of_type("unreadable")
            .with("packetType", packet_type)
            .with("what", what)
            .into(),
        Event::Dropped { count } => Record::of_type("dropped")
            .with("count", record::unsigned(count))
            .into(),
        _ => Record::of_type("unknown").into(),
    }
}

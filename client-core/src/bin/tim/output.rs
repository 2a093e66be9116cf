//! Everything that is printed. Text of other people is made harmless for the terminal.

use std::io::{self, IsTerminal, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tim_client::{
    Conversation, Incoming, MessageKind, Notice, NoticeKind, PresenceChange, Removal, Timestamp,
};

/// Prints a line and makes sure that it leaves at once.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Prints to standard error. When that is gone there is nobody left to tell.
pub(crate) fn complain(text: &str) {
    if writeln!(io::stderr().lock(), "tim: {text}").is_err() {}
}

/// Whether a person is looking.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Text without anything that could command a terminal. Line breaks stay and are indented.
pub(crate) fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\n    "),
            '\t' => safe.push(' '),
            // Controls, and marks that turn the direction of what follows.
            _ if character.is_control() => safe.extend(character.escape_unicode()),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.extend(character.escape_unicode()),
            _ => safe.push(character),
        }
    }
    safe
}

/// A time in the zone of this computer: time of day, with the date when that is not today.
pub(crate) fn clock(timestamp: Timestamp) -> String {
    let local = |time: jiff::Timestamp| time.to_zoned_datetime(TimeZone::system());
    match jiff::Timestamp::from_nanosecond(i128::from(timestamp.nanos())) {
        Ok(time) if timestamp.nanos() != 0 => {
            let (time, now) = (local(time), local(jiff::Timestamp::now()));
            let format = if time.date() == now.date() {
                "%H:%M"
            } else {
                "%Y-%m-%d %H:%M"
            };
            time.strftime(format).to_string()
        }
        _ => "--:--".to_owned(),
    }
}

/// One line for people: time, number, who, what.
pub(crate) fn message(message: &Incoming, who: &str) -> String {
    let number = message.mid.map_or_else(String::new, |mid| format!(" #{mid}"));
    format!(
        "{}{number} {}: {}",
        clock(message.timestamp),
        harmless(who),
        content(message)
    )
}

fn content(message: &Incoming) -> String {
    let mut parts = Vec::new();
    if let Some(text) = &message.text {
        parts.push(harmless(text));
    }
    if let Some(binary) = &message.binary {
        parts.push(format!("[{} bytes of data]", binary.len()));
    }
    if let MessageKind::Application(number) = message.kind {
        parts.push(format!("[application message {number}]"));
    }
    parts.join(" ")
}

/// What a notice says, for people. `who` is whom it is about, `node` how to address them.
pub(crate) fn notice(notice: &Notice, who: &str, node: &str) -> String {
    let text = notice
        .text
        .as_deref()
        .map(harmless)
        .filter(|text| !text.is_empty());
    let who = harmless(who);
    let room = notice
        .room
        .as_ref()
        .map_or_else(String::new, |room| harmless(room.as_str()));
    match notice.kind {
        NoticeKind::FriendRequest => {
            let greeting = text.map_or_else(String::new, |text| format!(": {text}"));
            format!(
                "{who} asks for friendship{greeting} (tim accept {})",
                harmless(node)
            )
        }
        NoticeKind::FriendsNow => format!("{who} and you are friends now"),
        NoticeKind::FriendRemoved => format!("{who} ended the friendship"),
        NoticeKind::Blocked => format!("{who} blocked you"),
        NoticeKind::JoinRequest => {
            let says = text.map_or_else(String::new, |text| format!(": {text}"));
            let hint = crate::commands::rooms::hint(notice.kind, &room, node).unwrap_or_default();
            format!("{who} asks to join {room}{says}{hint}")
        }
        NoticeKind::RoomJoined => format!("you are in {room}"),
        NoticeKind::JoinRefused => {
            let reason = text.map_or_else(String::new, |text| format!(": {text}"));
            format!("{who} refused your request to join {room}{reason}")
        }
        NoticeKind::RoomAdded => format!("{who} added you to {room}"),
        NoticeKind::RoomRemoved => format!("{who} removed you from {room}"),
        other => format!("{who}: notice {other:?}"),
    }
}

pub(crate) fn message_json(message: &Incoming) -> Value {
    let (kind, number) = match message.kind {
        MessageKind::Chat => ("chat", None),
        MessageKind::Stream => ("stream", None),
        MessageKind::BigText => ("big_text", None),
        MessageKind::BigBinary => ("big_binary", None),
        MessageKind::Application(number) => ("application", Some(number)),
        _ => ("other", None),
    };
    let mut object = json!({
        "event": "message",
        "kind": kind,
        "peer": peer(&message.conversation),
        "room": room(&message.conversation),
        "from": message.from.as_ref().map(ToString::to_string),
        "outgoing": message.outgoing,
        "offline": message.offline,
        "mid": message.mid.map(|mid| mid.get()),
        "id": message.id,
        "timestamp": message.timestamp.nanos(),
        "text": message.text,
    });
    if let Some(members) = object.as_object_mut() {
        let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
        if let Some(number) = number {
            add("application", json!(number));
        }
        if let Some(binary) = &message.binary {
            add("binary", json!(STANDARD.encode(binary)));
        }
        if let Some(content_type) = message.content_type {
            add("content_type", json!(content_type));
        }
        if let Some(display) = message.display {
            add("display", json!(display));
        }
        if !message.extend.is_empty() {
            add("fields", json!(message.extend));
        }
        if !message.extra.is_empty() {
            let fields: serde_json::Map<_, _> = message
                .extra
                .iter()
                .map(|(name, value)| (name.clone(), json!(STANDARD.encode(value))))
                .collect();
            add("binary_fields", Value::Object(fields));
        }
        if let Some(device) = message
            .device
            .as_ref()
            .and_then(|device| device.resource.as_ref())
        {
            add("device", json!(device));
        }
    }
    object
}

pub(crate) fn removal_json(event: &str, removal: &Removal) -> Value {
    json!({
        "event": event,
        "peer": peer(&removal.conversation),
        "by": removal.by.as_str(),
        "outgoing": removal.outgoing,
        "offline": removal.offline,
        "mid": removal.mid.get(),
        "timestamp": removal.timestamp.nanos(),
    })
}

pub(crate) fn notice_json(notice: &Notice) -> Value {
    let kind = match notice.kind {
        NoticeKind::FriendRequest => json!("friend_request"),
        NoticeKind::FriendsNow => json!("friends_now"),
        NoticeKind::FriendRemoved => json!("friend_removed"),
        NoticeKind::Blocked => json!("blocked"),
        NoticeKind::JoinRequest => json!("join_request"),
        NoticeKind::RoomJoined => json!("room_joined"),
        NoticeKind::JoinRefused => json!("join_refused"),
        NoticeKind::RoomAdded => json!("room_added"),
        NoticeKind::RoomRemoved => json!("room_removed"),
        NoticeKind::Other(number) => json!(number),
        _ => Value::Null,
    };
    json!({
        "event": "notice",
        "kind": kind,
        "room": notice.room.as_ref().map(ToString::to_string),
        "from": notice.from.as_ref().map(ToString::to_string),
        "offline": notice.offline,
        "timestamp": notice.timestamp.nanos(),
        "text": notice.text,
    })
}

/// Somebody's presence, for programs.
pub(crate) fn presence_json(change: &PresenceChange) -> Value {
    json!({
        "event": "presence",
        "from": change.from.as_str(),
        "offline": change.offline,
        "show": change.show,
        "status": change.status,
    })
}

/// Somebody's presence, for people.
pub(crate) fn presence(change: &PresenceChange, who: &str) -> String {
    let who = harmless(who);
    if change.offline {
        return format!("{who} has left");
    }
    match change.status.as_deref().filter(|status| !status.is_empty()) {
        Some(status) => format!("{who} is here: {}", harmless(status)),
        None => format!("{who} is here"),
    }
}

/// The room, `null` for other conversations.
fn room(conversation: &Conversation) -> Value {
    match conversation {
        Conversation::Room(room) => json!(room.as_str()),
        _ => Value::Null,
    }
}

/// The other user, `null` for the administration.
fn peer(conversation: &Conversation) -> Value {
    match conversation {
        Conversation::Peer(node) => json!(node.as_str()),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_other_people_are_shown_not_obeyed() {
        assert_eq!(
            harmless("a\u{1b}[2J\u{7}\u{202e}b"),
            "a\\u{1b}[2J\\u{7}\\u{202e}b"
        );
        assert_eq!(harmless("two\nlines 测试"), "two\n    lines 测试");
    }

    #[test]
    fn a_missing_time_is_not_shown_as_1970() {
        assert_eq!(clock(Timestamp::default()), "--:--");
        assert_eq!(
            clock(Timestamp::from_nanos(i64::MIN)),
            clock(Timestamp::from_nanos(i64::MIN))
        );
    }
}

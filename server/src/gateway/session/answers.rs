//! The packets a session answers with.

use bytes::Bytes;
use tim_protocol::Encoding;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::node::original;
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::{TimAck, TimError, TimMessage, TimMessageList, TimNodes};

use crate::engine::accounts::Login;
use crate::engine::outlet::Ending;
use crate::store::AccountId;

pub(super) fn ack(ack: &TimAck, encoding: Encoding) -> Bytes {
    packet::server_packet(PacketType::Ack, encoding, ack)
}

pub(super) fn refusal(kind: i8, code: ErrorCode, encoding: Encoding) -> Bytes {
    ack(&TimAck::refusal(kind, code), encoding)
}

/// A refused message. `t` repeats the `id` the client gave it, if any: there is no other way to
/// tell which of several messages is meant.
pub(super) fn refused_send(kind: i8, id: Option<i64>, code: ErrorCode, encoding: Encoding) -> Bytes {
    ack(
        &TimAck {
            t: id.filter(|id| *id != 0),
            ..TimAck::refusal(kind, code)
        },
        encoding,
    )
}

/// wire-protocol 7.3: own node, server tag, connection tag.
pub(super) fn logged_in(login: &Login, encoding: Encoding) -> Bytes {
    let engine = login.engine();
    let answer = TimAck {
        n: Some(login.account().id.as_str().to_owned()),
        t: Some(i64::from(original::server_tag(engine.node().0))),
        n2: Some(original::base58_encode(login.member().tag)),
        ..TimAck::success(PacketType::Auth.as_i8())
    };
    ack(&answer, encoding)
}

/// Tells a client that the server ends its session; published clients log out and do not
/// reconnect. A replaced device learns it from the error.
pub(super) fn logged_out(ending: Ending, encoding: Encoding) -> Bytes {
    let error = match ending {
        Ending::Suspended => None,
        Ending::Replaced => Some(TimError::from(ErrorCode::OverEntry)),
    };
    ack(
        &TimAck {
            error,
            ..TimAck::success(PacketType::Logout.as_i8())
        },
        encoding,
    )
}

/// A list of nodes; nothing when it is empty.
pub(super) fn nodes(ntype: i32, list: &[AccountId], encoding: Encoding) -> Vec<Bytes> {
    if list.is_empty() {
        return Vec::new();
    }
    let nodelist = Some(list.iter().map(|id| id.as_str().to_owned()).collect());
    let nodes = TimNodes {
        ntype,
        nodelist,
        ..TimNodes::default()
    };
    vec![packet::server_packet(PacketType::Nodes, encoding, &nodes)]
}

/// A page of history; nothing when it is empty.
pub(super) fn history(page: Vec<TimMessage>, encoding: Encoding) -> Vec<Bytes> {
    if page.is_empty() {
        return Vec::new();
    }
    let list = TimMessageList {
        id: None,
        message_list: Some(page),
    };
    vec![packet::server_packet(PacketType::PullMessage, encoding, &list)]
}

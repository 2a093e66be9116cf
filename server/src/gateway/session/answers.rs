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
        Ending::Suspended | Ending::LoggedOut => None,
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
pub(super) fn nodes(ntype: i32, nodes: &[AccountId], encoding: Encoding) -> Vec<Bytes> {
    let kind = List { ntype, node: None };
    list(&kind, nodes.iter().map(AccountId::as_str), usize::MAX, encoding)
}

/// What a list is about.
pub(super) struct List<'a> {
    /// Kind of list (wire-protocol 7.15).
    pub(super) ntype: i32,
    /// The room it belongs to.
    pub(super) node: Option<&'a str>,
}

/// A list of nodes in packets of about `most` bytes at most; nothing when it is empty.
pub(super) fn list<'a>(
    list: &List<'_>,
    nodes: impl Iterator<Item = &'a str>,
    most: usize,
    encoding: Encoding,
) -> Vec<Bytes> {
    /// What a packet takes besides its nodes, and a node besides its text, in the longer encoding.
    const PACKET: usize = 160;
    const NODE: usize = 3;
    let mut packets = Vec::new();
    let mut part = Vec::new();
    let mut bytes = PACKET;
    let mut finish = |part: Vec<String>| {
        let nodes = TimNodes {
            ntype: list.ntype,
            nodelist: Some(part),
            node: list.node.map(str::to_owned),
            ..TimNodes::default()
        };
        packets.push(packet::server_packet(PacketType::Nodes, encoding, &nodes));
    };
    for node in nodes {
        if bytes + node.len() + NODE > most && !part.is_empty() {
            finish(std::mem::take(&mut part));
            bytes = PACKET;
        }
        bytes += node.len() + NODE;
        part.push(node.to_owned());
    }
    if !part.is_empty() {
        finish(part);
    }
    packets
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

#[cfg(test)]
mod tests {
    use tim_protocol::WireStruct;

    use super::*;

    #[test]
    fn a_long_list_takes_several_packets_of_the_same_form() {
        let names: Vec<String> = (0..1_000).map(|number| format!("node{number:018}")).collect();
        for encoding in [Encoding::Compact, Encoding::Json] {
            let kind = List {
                ntype: 3,
                node: Some("room"),
            };
            let packets = list(&kind, names.iter().map(String::as_str), 4_096, encoding);
            let mut together = Vec::new();
            for packet in &packets {
                assert!(packet.len() <= 4_096, "{}", packet.len());
                let nodes = TimNodes::decode(&packet[1..], encoding).unwrap();
                assert_eq!((nodes.ntype, nodes.node.as_deref()), (3, Some("room")));
                together.extend(nodes.nodelist.unwrap());
            }
            assert_eq!(together, names);
            assert!(packets.len() <= 8, "{}", packets.len());
            let whole = list(&kind, names.iter().map(String::as_str), 1 << 20, encoding);
            assert_eq!(whole.len(), 1);
            assert!(list(&kind, std::iter::empty(), 4_096, encoding).is_empty());
        }
    }
}

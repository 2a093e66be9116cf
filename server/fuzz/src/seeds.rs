//! Scripts to begin with: what clients do when they behave, in both encodings. Mutation does the rest.

use std::collections::BTreeMap;

use tim_protocol::bigdata::{BigKind, BigPacket};
use tim_protocol::node::Node;
use tim_protocol::packet::{PacketType, client_packet, offline_request};
use tim_protocol::wire::{
    Tid, TimAuth, TimMessage, TimNodes, TimPresence, TimReq, TimRoomBean, TimStream, TimUserBean,
};
use tim_protocol::{Encoding, WireStruct};

use crate::script::{Script, Step};
use crate::websocket::{BINARY, CLOSE, PING, frame, message};

/// Who has an account.
pub const NAMES: [&str; 3] = ["alice", "bob", "carol"];
/// The password of all of them.
pub const PASSWORD: &str = "secret";

/// The stand-in for a login name.
pub fn login_name(name: &str) -> String {
    format!("{name:~<14}")
}

/// The stand-in for the node of somebody or something.
pub fn node(name: &str) -> String {
    format!("@{name:@<21}")
}

fn tid(name: &str) -> Option<Tid> {
    Some(Tid {
        node: node(name),
        ..Tid::default()
    })
}

/// The packet that somebody logs in with on a device.
pub fn login(name: &str, device: &str, encoding: Encoding) -> Vec<u8> {
    client_packet(PacketType::Auth, encoding, &credentials(name, device))
}

fn credentials(name: &str, device: &str) -> TimAuth {
    TimAuth {
        name: Some(login_name(name)),
        pwd: Some(PASSWORD.to_owned()),
        resource: Some(device.to_owned()),
        termtyp: Some(1),
        ..TimAuth::default()
    }
}

/// Writes a script. Connections 0, 1 and 2 are alice, bob and carol; 3 is alice again.
struct Writer {
    encodings: [Encoding; 4],
    steps: Vec<Step>,
}

impl Writer {
    /// Everybody logs in.
    fn new(first: Encoding, others: Encoding) -> Self {
        let mut writer = Self {
            encodings: [first, others, first, others],
            steps: Vec::new(),
        };
        for (connection, name) in (0..).zip(NAMES) {
            writer.raw_packet(connection, login(name, "phone", writer.encoding(connection)));
        }
        writer.settle()
    }

    fn encoding(&self, connection: u8) -> Encoding {
        self.encodings[usize::from(connection) % self.encodings.len()]
    }

    fn raw_packet(&mut self, connection: u8, packet: Vec<u8>) {
        self.steps.push(Step::Packet(connection, packet));
    }

    fn send<T: WireStruct>(mut self, connection: u8, kind: PacketType, value: &T) -> Self {
        let packet = client_packet(kind, self.encoding(connection), value);
        self.raw_packet(connection, packet);
        self
    }

    fn request(self, connection: u8, operation: i32, nodes: &[&str], text: Option<&str>) -> Self {
        let request = TimReq {
            rtype: Some(operation),
            node: nodes.first().map(|name| node(name)),
            node2: nodes.get(1).map(|name| node(name)),
            req_str: text.map(str::to_owned),
            ..TimReq::default()
        };
        self.send(connection, PacketType::Business, &request)
    }

    fn offline(mut self, connection: u8) -> Self {
        let packet = offline_request(self.encoding(connection));
        self.raw_packet(connection, packet);
        self
    }

    fn settle(mut self) -> Self {
        self.steps.push(Step::Settle);
        self
    }

    fn acknowledge(mut self) -> Self {
        self.steps.extend((0..3).map(Step::Acknowledge));
        self.settle()
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Alice and bob are friends.
    fn friends(self) -> Self {
        self.request(0, 4, &["bob"], Some("hello"))
            .settle()
            .request(1, 4, &["alice"], Some("hello too"))
            .settle()
    }

    /// Alice makes a room of a kind.
    fn room(self, kind: i64) -> Self {
        let request = TimReq {
            rtype: Some(8),
            node: Some("a title".to_owned()),
            req_int: Some(kind),
            ..TimReq::default()
        };
        self.send(0, PacketType::Business, &request).settle()
    }

    fn list(self, connection: u8, kind: i32, nodes: &[&str]) -> Self {
        let nodes = TimNodes {
            ntype: kind,
            nodelist: Some(nodes.iter().map(|name| node(name)).collect()),
            ..TimNodes::default()
        };
        self.send(connection, PacketType::Nodes, &nodes)
    }

    fn history(self, connection: u8, kind: i32, of: &str, from: i64) -> Self {
        let request = TimReq {
            rtype: Some(kind),
            node: Some(node(of)),
            req_int: Some(from),
            req_int2: Some(5),
            ..TimReq::default()
        };
        self.send(connection, PacketType::PullMessage, &request).settle()
    }

    fn stream(self, connection: u8, operation: i32, binary: bool) -> Self {
        let request = TimReq {
            rtype: Some(operation),
            node: Some(node("vroom0")),
            node2: Some(node("bob")),
            req_int: binary.then_some(1),
            ..TimReq::default()
        };
        self.send(connection, PacketType::VRoom, &request).settle()
    }

    fn finish(self) -> Script {
        Script(self.steps)
    }
}

fn to_user(name: &str, id: i64, text: &str) -> TimMessage {
    TimMessage {
        ms_type: 2,
        od_type: 1,
        id: Some(id),
        to_tid: tid(name),
        data_string: Some(text.to_owned()),
        extend: Some(BTreeMap::from([("key".to_owned(), "value".to_owned())])),
        ..TimMessage::default()
    }
}

fn to_room(id: i64, text: &str) -> TimMessage {
    TimMessage {
        ms_type: 3,
        room_tid: tid("room0"),
        to_tid: None,
        ..to_user("bob", id, text)
    }
}

fn about_mid(message: TimMessage, od_type: i8, mid: i64) -> TimMessage {
    TimMessage {
        od_type,
        mid: Some(mid),
        data_string: None,
        ..message
    }
}

/// All of them.
pub fn all() -> Vec<Script> {
    let mut scripts = Vec::new();
    for first in [Encoding::Compact, Encoding::Json] {
        for others in [Encoding::Compact, Encoding::Json] {
            scripts.extend([
                logins(first, others),
                chat(first, others),
                contacts(first, others),
                open_room(first, others),
                private_room(first, others),
                presence(first, others),
                virtual_room(first, others),
                big_data(first, others),
                profiles(first, others),
                offline(first, others),
                noise(first, others),
            ]);
        }
    }
    scripts
}

fn logins(first: Encoding, others: Encoding) -> Script {
    let auth = credentials("alice", "tablet");
    let register = TimAuth {
        name: Some("somebody".to_owned()),
        ..credentials("bob", "x")
    };
    let password = TimReq {
        rtype: Some(21),
        req_str: Some(PASSWORD.to_owned()),
        req_str2: Some("another".to_owned()),
        ..TimReq::default()
    };
    let by_token = TimAuth {
        token: Some("0123456789abcdef".to_owned()),
        ..TimAuth::default()
    };
    Writer::new(first, others)
        .step(Step::Http(client_packet(PacketType::Token, first, &auth)))
        .step(Step::Http(client_packet(PacketType::Register, first, &register)))
        .step(Step::Packet(3, login("alice", "tablet", others)))
        .step(Step::Packet(4, login("alice", "phone", first)))
        .step(Step::Packet(5, client_packet(PacketType::Auth, first, &by_token)))
        .settle()
        .send(0, PacketType::Business, &password)
        .send(2, PacketType::Auth, &auth)
        .settle()
        .step(Step::Close(1))
        .step(Step::Cut(2))
        .step(Step::Packet(1, login("bob", "phone", first)))
        .settle()
        .finish()
}

fn chat(first: Encoding, others: Encoding) -> Script {
    Writer::new(first, others)
        .friends()
        .send(0, PacketType::Message, &to_user("bob", 1, "one"))
        .send(0, PacketType::Message, &to_user("bob", 2, "two"))
        .send(1, PacketType::Message, &to_user("alice", 3, "three"))
        .send(2, PacketType::Message, &to_user("alice", 4, "from a stranger"))
        .settle()
        .acknowledge()
        .send(0, PacketType::Message, &to_user("bob", 2, "two"))
        .send(
            0,
            PacketType::RevokeMessage,
            &about_mid(to_user("bob", 5, ""), 2, 1),
        )
        .send(
            1,
            PacketType::BurnMessage,
            &about_mid(to_user("alice", 6, ""), 3, 2),
        )
        .settle()
        .history(0, 1, "bob", 0)
        .history(1, 1, "alice", 2)
        .finish()
}

fn contacts(first: Encoding, others: Encoding) -> Script {
    Writer::new(first, others)
        .friends()
        .request(0, 1, &[], None)
        .request(0, 4, &["carol"], Some("and you"))
        .settle()
        .request(2, 7, &["alice"], None)
        .settle()
        .request(2, 18, &[], None)
        .request(1, 6, &["alice"], None)
        .settle()
        .acknowledge()
        .request(0, 1, &[], None)
        .finish()
}

fn open_room(first: Encoding, others: Encoding) -> Script {
    let rooms = TimRoomBean {
        topic: Some("a topic".to_owned()),
        managers: Some(vec![node("bob")]),
        ..TimRoomBean::default()
    };
    let modify = TimNodes {
        ntype: 7,
        roommap: Some(BTreeMap::from([(node("room0"), rooms)])),
        ..TimNodes::default()
    };
    let private = TimMessage {
        to_tid: tid("carol"),
        ..to_room(9, "between us")
    };
    Writer::new(first, others)
        .room(2)
        .request(1, 9, &["room0"], Some("let me in"))
        .request(2, 9, &["room0"], Some("me too"))
        .settle()
        .send(0, PacketType::Nodes, &modify)
        .send(0, PacketType::Message, &to_room(7, "to all"))
        .send(1, PacketType::Message, &to_room(8, "to all too"))
        .send(1, PacketType::Message, &private)
        .settle()
        .acknowledge()
        .send(0, PacketType::RevokeMessage, &about_mid(to_room(10, ""), 2, 1))
        .history(2, 2, "room0", 0)
        .request(1, 2, &[], None)
        .request(1, 3, &["room0"], None)
        .request(1, 15, &["room0", "carol"], None)
        .request(1, 20, &["room0"], None)
        .settle()
        .request(1, 16, &["room0"], None)
        .settle()
        .request(0, 17, &["room0"], None)
        .finish()
}

fn private_room(first: Encoding, others: Encoding) -> Script {
    Writer::new(first, others)
        .room(1)
        .request(1, 9, &["room0"], Some("please"))
        .request(2, 9, &["room0"], Some("please"))
        .settle()
        .request(0, 12, &["room0", "bob"], None)
        .request(0, 11, &["room0", "carol"], Some("no"))
        .settle()
        .send(1, PacketType::Message, &to_room(11, "thanks"))
        .settle()
        .acknowledge()
        .request(0, 13, &["room0", "bob"], None)
        .request(2, 14, &["room0"], None)
        .request(2, 19, &[], None)
        .settle()
        .send(1, PacketType::Message, &to_room(12, "still here"))
        .list(2, 5, &["room0"])
        .finish()
}

fn presence(first: Encoding, others: Encoding) -> Script {
    let to_one = TimPresence {
        to_tid: tid("bob"),
        sub_status: Some(1),
        show: Some(2),
        status: Some("here".to_owned()),
        ..TimPresence::default()
    };
    let to_list = TimPresence {
        to_tid: None,
        to_list: Some(vec![node("bob"), node("carol"), node("nobody")]),
        ..to_one.clone()
    };
    let to_all = TimPresence {
        to_tid: None,
        ..to_one.clone()
    };
    Writer::new(first, others)
        .friends()
        .send(0, PacketType::Presence, &to_one)
        .send(0, PacketType::Presence, &to_list)
        .send(1, PacketType::BroadPresence, &to_all)
        .settle()
        .step(Step::Close(0))
        .settle()
        .finish()
}

fn virtual_room(first: Encoding, others: Encoding) -> Script {
    let chunk = TimStream {
        vnode: node("vroom0"),
        dtype: Some(3),
        body: Some(vec![1, 2, 3].into()),
        ..TimStream::default()
    };
    let new = TimReq {
        rtype: Some(1),
        ..TimReq::default()
    };
    Writer::new(first, others)
        .friends()
        .send(0, PacketType::VRoom, &new)
        .settle()
        .stream(0, 3, false)
        .stream(1, 5, false)
        .stream(2, 5, true)
        .send(0, PacketType::Stream, &chunk)
        .send(0, PacketType::Stream, &chunk)
        .step(big(0, BigKind::Stream, "vroom0", b"raw"))
        .send(1, PacketType::Stream, &chunk)
        .settle()
        .stream(1, 6, false)
        .stream(0, 4, false)
        .stream(0, 2, false)
        .send(0, PacketType::Stream, &chunk)
        .finish()
}

fn big(connection: u8, kind: BigKind, name: &str, data: &[u8]) -> Step {
    let Ok(target) = Node::new(&node(name)) else {
        return Step::Settle;
    };
    let packet = BigPacket {
        kind,
        node: target,
        data: data.to_vec().into(),
    };
    packet
        .to_server()
        .map_or(Step::Settle, |packet| Step::Packet(connection, packet))
}

fn big_data(first: Encoding, others: Encoding) -> Script {
    let data = [b'x'; 3_000];
    let mut writer = Writer::new(first, others)
        .friends()
        .step(big(0, BigKind::Text, "bob", "äöü".as_bytes()))
        .step(big(0, BigKind::Binary, "bob", &data))
        .step(big(2, BigKind::Binary, "bob", &data))
        .settle();
    if let Step::Packet(connection, packet) = big(1, BigKind::Text, "alice", &data) {
        for piece in packet.chunks(700) {
            writer = writer.step(Step::Packet(connection, piece.to_vec()));
        }
    }
    // The form without a length.
    let bare = [&[95], node("bob").as_bytes(), b"|no length"].concat();
    writer.settle().step(Step::Packet(0, bare)).settle().finish()
}

fn profiles(first: Encoding, others: Encoding) -> Script {
    let bean = TimUserBean {
        name: Some("Alice".to_owned()),
        photo_tid_album: Some(vec!["one".to_owned()]),
        extra: Some(BTreeMap::from([("key".to_owned(), vec![0, 255].into())])),
        ..TimUserBean::default()
    };
    let modify = TimNodes {
        ntype: 6,
        usermap: Some(BTreeMap::from([(String::new(), bean)])),
        ..TimNodes::default()
    };
    Writer::new(first, others)
        .send(0, PacketType::Nodes, &modify)
        .settle()
        .list(1, 4, &["alice", "bob", "nobody"])
        .list(1, 5, &["alice"])
        .list(1, 4, &[])
        .settle()
        .finish()
}

fn offline(first: Encoding, others: Encoding) -> Script {
    let mut writer = Writer::new(first, others).friends().step(Step::Close(1));
    for id in 20..32 {
        writer = writer.send(0, PacketType::Message, &to_user("bob", id, "while you were away"));
    }
    writer
        .send(
            0,
            PacketType::RevokeMessage,
            &about_mid(to_user("bob", 40, ""), 2, 3),
        )
        .settle()
        .step(Step::Packet(1, login("bob", "phone", others)))
        .offline(1)
        .settle()
        .step(Step::Acknowledge(1))
        .settle()
        .step(Step::Acknowledge(1))
        .offline(1)
        .settle()
        .finish()
}

fn noise(first: Encoding, others: Encoding) -> Script {
    let packet = client_packet(PacketType::Message, first, &to_user("bob", 50, "in pieces"));
    let middle = packet.len() / 2;
    Writer::new(first, others)
        .friends()
        .step(Step::Raw(0, message(PING, b"?")))
        .step(Step::Raw(0, frame(BINARY, &packet[..middle])))
        .step(Step::Raw(0, message(PING, b"between")))
        .step(Step::Raw(0, frame(0x80, &packet[middle..])))
        .settle()
        .step(Step::Text(1, login("bob", "phone", Encoding::Json)))
        .step(Step::Raw(2, message(CLOSE, &4_000u16.to_be_bytes())))
        .settle()
        .step(Step::Raw(1, vec![0x82, 0xff, 0, 0, 0, 0, 0xff]))
        .finish()
}

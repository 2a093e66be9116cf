//! Rooms: making them, letting people in, speaking in them.

use tim_protocol::ErrorCode;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{TimAck, TimMessage, TimNodes, TimReq, TimRoomBean};

use crate::chat::tid;
use crate::{Client, Encoding, Received, Server, secrets};

/// Numbers of the operations on rooms (packet type 41).
pub mod room_operation {
    /// Rooms of the account.
    pub const MINE: i32 = 2;
    /// Members of a room.
    pub const MEMBERS: i32 = 3;
    /// Create.
    pub const NEW: i32 = 8;
    /// Join, or ask to.
    pub const JOIN: i32 = 9;
    /// Refuse a request.
    pub const REJECT: i32 = 11;
    /// Approve a request, or add somebody.
    pub const PULL: i32 = 12;
    /// Remove a member, or lift the block of one.
    pub const KICK: i32 = 13;
    /// Block a room.
    pub const BLOCK_ROOM: i32 = 14;
    /// Block a member.
    pub const BLOCK_MEMBER: i32 = 15;
    /// Leave, or lift the own block.
    pub const LEAVE: i32 = 16;
    /// Dissolve.
    pub const DISSOLVE: i32 = 17;
    /// Rooms the account blocks.
    pub const BLOCKED_ROOMS: i32 = 19;
    /// Users a room blocks.
    pub const BLOCKED_MEMBERS: i32 = 20;
}

/// Numbers of the notices about rooms.
pub mod notice {
    /// Somebody asks to join.
    pub const REQUEST: i32 = 9;
    /// You are in.
    pub const PASSED: i32 = 10;
    /// Your request was refused.
    pub const REJECTED: i32 = 11;
    /// You were added.
    pub const PULLED: i32 = 12;
    /// You were removed.
    pub const KICKED: i32 = 13;
}

/// A message to a room, as clients build it, with the mark of message texts.
pub fn room_message(room: &str, words: &str) -> TimMessage {
    TimMessage {
        ms_type: 3,
        od_type: 1,
        room_tid: Some(tid(room)),
        data_string: Some(secrets::text(words)),
        ..TimMessage::default()
    }
}

/// A request to change the profile of a room.
pub fn room_change(room: &str, profile: TimRoomBean) -> TimNodes {
    TimNodes {
        ntype: 7,
        roommap: Some([(room.to_owned(), profile)].into()),
        ..TimNodes::default()
    }
}

/// A well-formed node that nothing has.
pub fn unknown_node() -> String {
    tim_protocol::node::wide_node_from_random([9; 15])
        .as_str()
        .to_owned()
}

impl Client {
    /// Sends a request on a room and, where the operation has one, a user.
    pub async fn room_request(&mut self, rtype: i32, room: &str, user: Option<&str>, text: Option<&str>) {
        let request = TimReq {
            rtype: Some(rtype),
            node: Some(room.to_owned()),
            node2: user.map(str::to_owned),
            req_str: text.map(str::to_owned),
            ..TimReq::default()
        };
        self.send(PacketType::Business, &request).await;
    }

    /// Does an operation on a room that must succeed, and answers the ack.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn in_room(&mut self, rtype: i32, room: &str, user: Option<&str>) -> TimAck {
        self.room_request(rtype, room, user, Some("reason")).await;
        let ack = self.take(PacketType::Ack).await.success(PacketType::Business);
        assert_eq!(ack.t, Some(i64::from(rtype)));
        assert_eq!(ack.n.as_deref(), Some(room));
        assert_eq!(ack.n2.as_deref(), user);
        ack
    }

    /// Creates a room and answers its node. Open rooms may be joined by anybody.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn create_room(&mut self, is_open: bool) -> String {
        let request = TimReq {
            rtype: Some(room_operation::NEW),
            node: Some(secrets::text("a room")),
            req_int: Some(if is_open { 2 } else { 1 }),
            ..TimReq::default()
        };
        self.send(PacketType::Business, &request).await;
        let ack = self.take(PacketType::Ack).await.success(PacketType::Business);
        assert_eq!(ack.t, Some(i64::from(room_operation::NEW)));
        ack.n.expect("the node of the room")
    }

    /// Joins an open room.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn join_room(&mut self, room: &str) {
        self.room_request(room_operation::JOIN, room, None, Some("hello"))
            .await;
        let notice = self.delivery().await;
        assert_eq!((notice.od_type, notice.bn_type), (4, Some(10)), "{notice:?}");
        assert_eq!(notice.room_tid.expect("the room").node, room);
    }

    /// The whole history of a room, oldest first.
    ///
    /// # Panics
    /// When something else comes.
    pub async fn whole_room_history(&mut self, room: &str) -> Vec<TimMessage> {
        let mut all = Vec::new();
        let mut upper = 0;
        loop {
            let request = TimReq {
                rtype: Some(2),
                node: Some(room.to_owned()),
                req_int: Some(upper),
                req_int2: Some(100),
                ..TimReq::default()
            };
            self.ask_history(&request).await;
            let pages = self.drain().await;
            let Some(page) = pages.first().map(crate::Received::list) else {
                break;
            };
            let oldest = page.last().and_then(|message| message.mid).unwrap_or(1);
            all.extend(page);
            if oldest <= 1 {
                break;
            }
            upper = oldest - 1;
        }
        all.reverse();
        all
    }

    /// Speaks in a room and takes the own copy, which confirms it.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn say_in_room(&mut self, room: &str, words: &str) -> TimMessage {
        self.send_message(&room_message(room, words)).await;
        let copy = self.delivery().await;
        assert_eq!(copy.from_tid.as_ref().map(|from| &from.node), Some(&self.node));
        copy
    }

    /// Does an operation that must be refused with that code.
    ///
    /// # Panics
    /// When it is not.
    pub async fn room_refused(
        &mut self,
        rtype: i32,
        room: Option<&str>,
        user: Option<&str>,
        text: Option<&str>,
        code: ErrorCode,
    ) -> TimAck {
        let request = TimReq {
            rtype: Some(rtype),
            node: room.map(str::to_owned),
            node2: user.map(str::to_owned),
            req_str: text.map(str::to_owned),
            ..TimReq::default()
        };
        self.send(PacketType::Business, &request).await;
        let answer = self.take(PacketType::Ack).await;
        answer.refusal(PacketType::Business, code)
    }

    /// A list of packet type 42, which must be of that kind; nothing is the empty list.
    ///
    /// # Panics
    /// When something else comes.
    pub async fn room_list(&mut self, rtype: i32, room: Option<&str>, ntype: i32) -> Vec<String> {
        let request = TimReq {
            rtype: Some(rtype),
            node: room.map(str::to_owned),
            ..TimReq::default()
        };
        self.send(PacketType::Business, &request).await;
        let mut list = Vec::new();
        let mut others: Vec<Received> = Vec::new();
        for received in self.drain().await {
            if received.kind != PacketType::Nodes {
                others.push(received);
                continue;
            }
            let nodes = received.nodes();
            assert_eq!(nodes.ntype, ntype, "{nodes:?}");
            let named = if ntype == 3 { room } else { None };
            assert_eq!(nodes.node.as_deref(), named, "the room of a list of members");
            let part = nodes.nodelist.expect("a list");
            assert!(!part.is_empty(), "an empty list is not sent");
            list.extend(part);
        }
        self.put_back(others);
        list.sort_unstable();
        list
    }

    /// The members of a room, in the order of their nodes.
    pub async fn members(&mut self, room: &str) -> Vec<String> {
        self.room_list(room_operation::MEMBERS, Some(room), 3).await
    }

    /// My rooms, in the order of their nodes.
    pub async fn my_rooms(&mut self) -> Vec<String> {
        self.room_list(room_operation::MINE, None, 2).await
    }

    /// Takes a notice about a room.
    ///
    /// # Panics
    /// When another packet comes.
    pub async fn room_notice(&mut self, bn_type: i32, room: &str) -> TimMessage {
        let received = self.take(PacketType::Message).await;
        assert!(
            received.send_id.is_some(),
            "notices are synchronous: {received:?}"
        );
        let notice = received.message();
        assert_eq!(
            (notice.ms_type, notice.od_type, notice.bn_type),
            (2, 4, Some(bn_type)),
            "{notice:?}"
        );
        assert_eq!(
            notice.room_tid.as_ref().map(|it| it.node.as_str()),
            Some(room),
            "{notice:?}"
        );
        notice
    }

    /// Takes a message of a room.
    ///
    /// # Panics
    /// When something else comes.
    pub async fn heard(&mut self, room: &str) -> TimMessage {
        let message = self.take(PacketType::Message).await.message();
        assert_eq!((message.ms_type, message.od_type), (3, 1), "{message:?}");
        assert_eq!(
            message.room_tid.as_ref().map(|it| it.node.as_str()),
            Some(room),
            "{message:?}"
        );
        message
    }

    /// Changes the profile of a room and takes the answer.
    pub async fn change_room(&mut self, room: &str, profile: TimRoomBean) -> TimAck {
        self.send(PacketType::Nodes, &room_change(room, profile)).await;
        self.take(PacketType::Ack).await.ack()
    }

    /// Makes these, and nobody else, managers of a room.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn appoint(&mut self, room: &str, managers: &[&str]) {
        match self.encoding {
            Encoding::Compact => {
                let profile = TimRoomBean {
                    managers: Some(managers.iter().map(|&node| node.to_owned()).collect()),
                    ..TimRoomBean::default()
                };
                self.send(PacketType::Nodes, &room_change(room, profile)).await;
            }
            // The codec leaves out an empty list, which means something here.
            Encoding::Json => {
                let request =
                    format!("{{\"ntype\":7,\"roommap\":{{{room:?}:{{\"managers\":{managers:?}}}}}}}");
                let kind = PacketType::Nodes.as_u8() | Encoding::Json.flag();
                self.send_raw([&[kind], request.as_bytes()].concat()).await;
            }
        }
        let answer = self.take(PacketType::Ack).await.ack();
        assert!(answer.ok && answer.t == Some(7), "{answer:?}");
    }

    /// The profile of a room, if there is one to be seen.
    ///
    /// # Panics
    /// When another room is answered.
    pub async fn room_profile(&mut self, room: &str) -> Option<TimRoomBean> {
        let request = TimNodes {
            ntype: 5,
            nodelist: Some(vec![room.to_owned()]),
            ..TimNodes::default()
        };
        self.send(PacketType::Nodes, &request).await;
        let (lists, others): (Vec<_>, Vec<_>) = self
            .drain()
            .await
            .into_iter()
            .partition(|it| it.kind == PacketType::Nodes);
        self.put_back(others);
        let nodes = lists.first()?.nodes();
        assert_eq!(nodes.ntype, 5);
        nodes.roommap.expect("profiles").remove(room)
    }

    /// The history of a room, newest first.
    ///
    /// # Panics
    /// When something else comes.
    pub async fn room_history(&mut self, room: &str, upper: i64, count: i64) -> Vec<TimMessage> {
        let request = TimReq {
            rtype: Some(2),
            ..crate::chat::history_request(room, upper, count)
        };
        self.ask_history(&request).await;
        let (pages, others): (Vec<_>, Vec<_>) = self
            .drain()
            .await
            .into_iter()
            .partition(|it| it.kind == PacketType::PullMessage);
        self.put_back(others);
        pages.iter().flat_map(Received::list).collect()
    }
}

/// Several people who are logged in on the device `phone`, each in the encoding that `encoding` gives their number.
///
/// # Panics
/// When a login is refused.
pub async fn people<const N: usize>(
    server: &Server,
    encoding: impl Fn(usize) -> Encoding,
) -> ([crate::Person; N], [Client; N]) {
    let mut people = Vec::with_capacity(N);
    let mut clients = Vec::with_capacity(N);
    for number in 0..N {
        let person = crate::Person::register(server).await;
        clients.push(person.login(server, encoding(number)).await);
        people.push(person);
    }
    let people = people.try_into().unwrap_or_else(|_| unreachable!());
    (people, clients.try_into().unwrap_or_else(|_| unreachable!()))
}

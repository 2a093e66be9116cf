//! Rooms: making them, letting people in, speaking in them.

use tim_protocol::packet::PacketType;
use tim_protocol::wire::{TimAck, TimMessage, TimReq};

use crate::chat::tid;
use crate::{Client, secrets};

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
}

//! What the stand-in does not keep: virtual rooms and presence.

use std::net::TcpStream;
use std::time::Duration;

use tim_protocol::Encoding::Compact;
use tim_protocol::packet::{PacketType, server_packet};
use tim_protocol::wire::{Tid, TimAck, TimPresence, TimReq, TimStream};

use super::{Fault, State, send};

#[derive(Default)]
pub(super) struct VirtualRoom {
    subscribers: Vec<(u64, TcpStream, bool)>,
}

impl State {
    pub(super) fn virtual_room(&mut self, me: &str, session: u64, stream: &TcpStream, request: TimReq) {
        let rtype = request.rtype.unwrap();
        let made = self.virtual_rooms.len();
        let node = request.node.unwrap_or_else(|| format!("vroom{made}-of-{me}"));
        let room = self.virtual_rooms.entry(node.clone()).or_default();
        if rtype == 5 {
            // A subscriber that does not read must not hold up the others for long.
            let stream = stream.try_clone().unwrap();
            stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
            room.subscribers
                .push((session, stream, request.req_int == Some(1)));
        }
        let answer = TimAck {
            ok: true,
            tim_type: 22,
            t: Some(i64::from(rtype)),
            n: Some(node),
            ..TimAck::default()
        };
        send(stream, &server_packet(PacketType::Ack, Compact, &answer));
    }

    pub(super) fn push_raw(&mut self, packet: &[u8], fault: Fault) {
        assert_eq!(
            usize::try_from(i32::from_be_bytes(packet[1..5].try_into().unwrap())).unwrap(),
            packet.len()
        );
        let end = 5 + packet[5..].iter().position(|byte| *byte == 0x83).unwrap();
        let node = String::from_utf8(packet[5..end].to_vec()).unwrap();
        self.publish(&node, &packet[end + 1..], fault);
    }

    pub(super) fn push(&mut self, chunk: TimStream, fault: Fault) {
        self.publish(&chunk.vnode, &chunk.body.unwrap(), fault);
    }

    fn publish(&mut self, node: &str, body: &[u8], fault: Fault) {
        let structured = TimStream {
            id: 1,
            vnode: node.to_owned(),
            body: Some(body.to_vec().into()),
            ..TimStream::default()
        };
        let structured = server_packet(PacketType::Stream, Compact, &structured);
        let raw = [&[97], node.as_bytes(), &[0x83], body].concat();
        for (_, stream, is_raw) in &self.virtual_rooms[node].subscribers {
            self.volatile += 1;
            if fault != Fault::Drop(self.volatile) {
                send(stream, if *is_raw { &raw } else { &structured });
            }
        }
    }

    /// Friends are those who asked each other.
    pub(super) fn broadcast_presence(&mut self, me: &str, presence: TimPresence, fault: Fault) {
        let presence = TimPresence {
            from_tid: Some(Tid {
                node: me.to_owned(),
                ..Tid::default()
            }),
            ..presence
        };
        let packet = server_packet(PacketType::Presence, Compact, &presence);
        for (friend, online) in &self.online {
            let pair = (me.to_owned(), friend.clone());
            let reverse = (friend.clone(), me.to_owned());
            if self.asked.contains_key(&pair) && self.asked.contains_key(&reverse) {
                self.volatile += 1;
                if fault != Fault::Drop(self.volatile) {
                    send(&online.stream, &packet);
                }
            }
        }
    }
}

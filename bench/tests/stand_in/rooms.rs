//! Rooms of the stand-in: open ones only.

use std::net::TcpStream;

use tim_protocol::Encoding::Compact;
use tim_protocol::packet::{PacketType, server_packet};
use tim_protocol::wire::{Tid, TimAck, TimMessage, TimNodes, TimReq};

use super::{Fault, State, send};

#[derive(Default)]
pub(super) struct Room {
    members: Vec<String>,
    left: Option<String>,
    mid: i64,
}

impl State {
    pub(super) fn room_request(&mut self, me: &str, stream: &TcpStream, request: TimReq) {
        let rtype = request.rtype.unwrap();
        let node = request.node.unwrap();
        let answer = |node: &str| TimAck {
            ok: true,
            tim_type: 41,
            t: Some(i64::from(rtype)),
            n: Some(node.to_owned()),
            ..TimAck::default()
        };
        match rtype {
            3 => {
                let list = TimNodes {
                    ntype: 3,
                    nodelist: Some(self.rooms[&node].members.clone()),
                    node: Some(node),
                    ..TimNodes::default()
                };
                send(stream, &server_packet(PacketType::Nodes, Compact, &list));
            }
            8 => {
                let node = format!("room{}", self.rooms.len());
                let room = self.rooms.entry(node.clone()).or_default();
                room.members.push(me.to_owned());
                send(stream, &server_packet(PacketType::Ack, Compact, &answer(&node)));
            }
            9 => {
                let members = &mut self.rooms.get_mut(&node).unwrap().members;
                members.push(me.to_owned());
                members.sort();
                let notice = TimMessage {
                    ms_type: 2,
                    od_type: 4,
                    bn_type: Some(10),
                    room_tid: Some(Tid {
                        node,
                        ..Tid::default()
                    }),
                    ..TimMessage::default()
                };
                self.deliver(me, &notice);
            }
            _ => {
                let room = self.rooms.get_mut(&node).unwrap();
                room.members.retain(|member| member != me);
                room.left = Some(me.to_owned());
                send(stream, &server_packet(PacketType::Ack, Compact, &answer(&node)));
            }
        }
    }

    pub(super) fn room_message(&mut self, node: &str, mut message: TimMessage, fault: Fault) {
        let room = self.rooms.get_mut(node).unwrap();
        room.mid += 1;
        message.mid = Some(room.mid);
        let (members, left) = (room.members.clone(), room.left.clone());
        if let Fault::Haunt(from) = fault
            && self.deliveries >= from
            && let Some(left) = left
            && !members.contains(&left)
        {
            self.deliver(&left, &message);
        }
        for member in members {
            self.deliver_chat(&member, &message, fault);
        }
    }
}

//! The packets of a step, and what has to be answered to them.

use tim_protocol::ErrorCode;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{TimAck, TimMessage, TimReq, TimRoomBean};
use tim_tests::chat::{message, tid};
use tim_tests::people::operation;
use tim_tests::rooms::{room_change, room_message, room_operation};
use tim_tests::{Encoding, Received, secrets};

use super::{Outcome, Stage};
use crate::model::{Answer, Verdict, recall_address};
use crate::script::{Address, Device, FriendDeed, RoomDeed, Step};

/// What has to be answered.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    kind: PacketType,
    refused: Option<ErrorCode>,
    t: Option<i64>,
    n: Option<String>,
    n2: Option<String>,
}

impl Stage {
    pub(super) fn compare(&mut self, step: &Step, replies: &[Reply], answers: &[Received]) -> Outcome {
        if replies.len() != answers.len() {
            return Err(format!("expected the answers {replies:?}, got {answers:?}"));
        }
        for (reply, received) in replies.iter().zip(answers) {
            let ack: TimAck = received.ack();
            let mut is_right = ack.tim_type == reply.kind.as_i8()
                && ack.ok == reply.refused.is_none()
                && ack.error_code() == reply.refused
                && (reply.t.is_none() || ack.t == reply.t);
            if let Step::Room {
                deed: RoomDeed::Create { .. },
                room,
                ..
            } = step
            {
                is_right &= ack.n.is_some();
                self.rooms[*room] = ack.n.clone();
            } else {
                is_right &= (&ack.n, &ack.n2) == (&reply.n, &reply.n2);
            }
            if !is_right {
                return Err(format!("expected {reply:?}, got {ack:?}"));
            }
        }
        Ok(())
    }

    pub(super) async fn do_friend(
        &mut self,
        by: Device,
        deed: FriendDeed,
        whom: usize,
        verdict: &Verdict,
    ) -> Outcome<Option<Reply>> {
        let node = self.node(whom).to_owned();
        let (rtype, text) = match deed {
            FriendDeed::Add => (operation::ADD, Some(secrets::text("let us be friends"))),
            FriendDeed::Remove => (operation::REMOVE, None),
            FriendDeed::Block => (operation::BLOCK, None),
        };
        self.client(by)?
            .request(rtype, Some(&node), text.as_deref())
            .await;
        let done = |t| Reply {
            kind: PacketType::Business,
            refused: None,
            t: Some(t),
            n: Some(node),
            n2: None,
        };
        Ok(match verdict {
            Verdict::Skip | Verdict::Answer(Answer::Nothing) => None,
            Verdict::Answer(Answer::Done) => Some(done(i64::from(rtype))),
            Verdict::Answer(Answer::Friends) => Some(done(operation::FRIENDS)),
            Verdict::Refused(code) => Some(plain_refusal(PacketType::Business, *code)),
        })
    }

    pub(super) async fn do_room(
        &mut self,
        by: Device,
        deed: &RoomDeed,
        room: usize,
        verdict: &Verdict,
    ) -> Outcome<Option<Reply>> {
        let (rtype, whom) = match deed {
            RoomDeed::Create { private } => {
                let request = TimReq {
                    rtype: Some(room_operation::NEW),
                    node: Some(secrets::text("a room")),
                    req_int: Some(if *private { 1 } else { 2 }),
                    ..TimReq::default()
                };
                self.client(by)?.send(PacketType::Business, &request).await;
                return Ok(Some(Reply {
                    kind: PacketType::Business,
                    refused: None,
                    t: Some(i64::from(room_operation::NEW)),
                    n: None,
                    n2: None,
                }));
            }
            RoomDeed::Appoint(managers) => {
                self.send_managers(by, room, managers).await?;
                return Ok(Some(match verdict {
                    Verdict::Refused(code) => plain_refusal(PacketType::Nodes, *code),
                    _ => Reply {
                        kind: PacketType::Nodes,
                        refused: None,
                        t: Some(7),
                        n: None,
                        n2: None,
                    },
                }));
            }
            RoomDeed::Join => (room_operation::JOIN, None),
            RoomDeed::Leave => (room_operation::LEAVE, None),
            RoomDeed::Block => (room_operation::BLOCK_ROOM, None),
            RoomDeed::Dissolve => (room_operation::DISSOLVE, None),
            RoomDeed::Pull(whom) => (room_operation::PULL, Some(*whom)),
            RoomDeed::Reject(whom) => (room_operation::REJECT, Some(*whom)),
            RoomDeed::Kick(whom) => (room_operation::KICK, Some(*whom)),
            RoomDeed::BlockMember(whom) => (room_operation::BLOCK_MEMBER, Some(*whom)),
        };
        let node = self.room(room)?.to_owned();
        let whom = whom.map(|whom| self.node(whom).to_owned());
        let text = secrets::text("because");
        self.client(by)?
            .room_request(rtype, &node, whom.as_deref(), Some(&text))
            .await;
        let refused = match verdict {
            Verdict::Skip | Verdict::Answer(Answer::Nothing) => return Ok(None),
            Verdict::Answer(_) => None,
            Verdict::Refused(code) => Some(*code),
        };
        Ok(Some(Reply {
            kind: PacketType::Business,
            refused,
            t: Some(i64::from(rtype)),
            n: Some(node),
            n2: whom,
        }))
    }

    async fn send_managers(&mut self, by: Device, room: usize, managers: &[usize]) -> Outcome {
        let managers: Vec<String> = managers.iter().map(|&user| self.node(user).to_owned()).collect();
        let room = self.room(room)?.to_owned();
        let client = self.client(by)?;
        match client.encoding {
            Encoding::Compact => {
                let profile = TimRoomBean {
                    managers: Some(managers),
                    ..TimRoomBean::default()
                };
                client.send(PacketType::Nodes, &room_change(&room, profile)).await;
            }
            // The codec leaves out an empty list, which means something here.
            Encoding::Json => {
                let request =
                    format!("{{\"ntype\":7,\"roommap\":{{{room:?}:{{\"managers\":{managers:?}}}}}}}");
                let kind = PacketType::Nodes.as_u8() | Encoding::Json.flag();
                client.send_raw([&[kind], request.as_bytes()].concat()).await;
            }
        }
        Ok(())
    }

    fn addressed(&self, to: Address, number: usize) -> Outcome<TimMessage> {
        let words = format!("m{number}");
        Ok(match to {
            Address::User(user) => message(self.node(user), &words),
            Address::Fellow { user, room } => TimMessage {
                room_tid: Some(tid(self.room(room)?)),
                ..message(self.node(user), &words)
            },
            Address::Room(room) => room_message(self.room(room)?, &words),
        })
    }

    pub(super) async fn do_say(
        &mut self,
        by: Device,
        to: Address,
        number: usize,
        verdict: &Verdict,
    ) -> Outcome<Option<Reply>> {
        let id = 1_000 + i64::try_from(number).map_err(|error| error.to_string())?;
        let message = TimMessage {
            id: Some(id),
            ..self.addressed(to, number)?
        };
        self.client(by)?.send_message(&message).await;
        Ok(match verdict {
            Verdict::Refused(code) => Some(Reply {
                t: Some(id),
                ..plain_refusal(PacketType::Message, *code)
            }),
            _ => None,
        })
    }

    pub(super) async fn do_recall(
        &mut self,
        by: Device,
        number: usize,
        verdict: &Verdict,
    ) -> Outcome<Option<Reply>> {
        let sent = self.model.sent(number).ok_or("no such message")?;
        let mid = i64::try_from(sent.mid()).map_err(|error| error.to_string())?;
        let recall = TimMessage {
            od_type: 2,
            mid: Some(mid),
            data_string: None,
            ..self.addressed(recall_address(by.user, sent), number)?
        };
        self.client(by)?.send(PacketType::RevokeMessage, &recall).await;
        Ok(match verdict {
            Verdict::Refused(code) => Some(plain_refusal(PacketType::RevokeMessage, *code)),
            _ => None,
        })
    }
}

/// A refusal that repeats nothing of the request.
fn plain_refusal(kind: PacketType, code: ErrorCode) -> Reply {
    Reply {
        kind,
        refused: Some(code),
        t: None,
        n: None,
        n2: None,
    }
}

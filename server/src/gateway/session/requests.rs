//! Requests of a session that is logged in (wire-protocol 7.4 to 7.15).

use std::sync::Arc;

use bytes::Bytes;
use tim_protocol::Encoding;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::{self, ClientPacket, PacketType};
use tim_protocol::wire::{TimAck, TimMessage, TimNodes, TimReq};
use tokio::time::Instant;

use super::{Finished, Session, Underway, answers, profiles, rooms};
use crate::engine::accounts::Login;
use crate::engine::messages::Attempt;
use crate::engine::outlet::Ticket;
use crate::engine::parcel;
use crate::engine::presence::Precedence;

/// Profiles asked for that count as one more packet.
const NODES_PER_PACKET: usize = 16;

/// `TimReq.rtype` of type 41 (wire-protocol 7.8, 7.11).
mod operation {
    pub(super) const ROSTER: i32 = 1;
    pub(super) const ADD_ROSTER: i32 = 4;
    /// Not a request: says in an ack that the two are friends now.
    pub(super) const FRIENDS: i64 = 5;
    pub(super) const REMOVE_ROSTER: i32 = 6;
    pub(super) const BLOCK_ROSTER: i32 = 7;
    pub(super) const BLOCK_LIST: i32 = 18;
    pub(super) const CHANGE_PASSWORD: i32 = 21;
}

/// `TimNodes.ntype` of lists (wire-protocol 7.15).
mod list {
    pub(super) const FRIENDS: i32 = 1;
    pub(super) const BLOCKED: i32 = 8;
}

/// Listeners of a room that count as one more packet.
const LISTENERS_PER_PACKET: usize = 64;

impl Session {
    pub(super) fn request(&mut self, packet: &ClientPacket<'_>, now: Instant) {
        let Some(open) = &mut self.open else { return };
        let encoding = open.encoding;
        match packet.packet_type() {
            Some(PacketType::Ping) => self.write(packet::pong()),
            Some(PacketType::Auth) => {
                let n = Some(open.login.account().id.as_str().to_owned());
                let again = TimAck {
                    n,
                    ..TimAck::success(PacketType::Auth.as_i8())
                };
                self.write(answers::ack(&again, encoding));
            }
            Some(PacketType::OfflineMsg) => {
                let feed = &mut open.feed;
                open.login.with_cursors(|cursors| feed.request_offline(cursors));
                self.collect_feed();
            }
            Some(PacketType::Message | PacketType::RevokeMessage | PacketType::BurnMessage) => {
                self.send(packet, now);
            }
            Some(PacketType::VRoom) => self.virtual_room(packet),
            Some(PacketType::Stream) => self.publish_chunk(packet, now),
            Some(PacketType::PullMessage) => match packet.decode::<TimReq>() {
                Ok(request) => {
                    let login = Arc::clone(&open.login);
                    self.running = Some(Box::pin(pull(login, request, encoding)));
                }
                Err(_) => self.refuse(packet.tim_type(), encoding, ErrorCode::Params),
            },
            Some(PacketType::Business) => match packet.decode::<TimReq>() {
                Ok(request) => {
                    let login = Arc::clone(&open.login);
                    let from = self.peer;
                    self.run_to_its_end(async move { business(&login, from, request, encoding).await });
                }
                Err(_) => self.refuse(packet.tim_type(), encoding, ErrorCode::Params),
            },
            Some(PacketType::Presence) => self.presence(packet, Precedence::List, now),
            Some(PacketType::BroadPresence) => self.presence(packet, Precedence::One, now),
            Some(PacketType::Nodes) => match packet.decode::<TimNodes>() {
                Ok(request) => {
                    let login = Arc::clone(&open.login);
                    // Each profile is looked up, so many cost about as much as several packets.
                    let nodes = request.nodelist.as_ref().map_or(0, Vec::len);
                    let per_second = self.context.limits.packets_per_second_per_account;
                    let count = nodes / NODES_PER_PACKET;
                    let pause = login.account().count_packets(count, per_second, now);
                    self.slow_down(pause, now);
                    self.run_to_its_end(async move { profiles::answer(&login, request, encoding).await });
                }
                Err(_) => self.refuse(packet.tim_type(), encoding, ErrorCode::Params),
            },
            _ => self.refuse(packet.tim_type(), encoding, ErrorCode::Params),
        }
    }

    /// Runs something that changes state. It is carried out to its end even when the connection
    /// ends meanwhile: a change that is stored must also take effect and be told.
    fn run_to_its_end(&mut self, operation: impl Future<Output = Vec<Bytes>> + Send + 'static) {
        let task = self.context.engine.operations().spawn(operation);
        self.running = Some(Box::pin(async move {
            Finished::Answers(task.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a request failed");
                Vec::new()
            }))
        }));
    }

    fn send(&mut self, packet: &ClientPacket<'_>, now: Instant) {
        let Some(open) = &mut self.open else { return };
        let message = match packet.decode::<TimMessage>() {
            Ok(message) => message,
            Err(_) => {
                // Answered in the order of the sends like any other outcome.
                let answer = answers::refusal(packet.tim_type(), ErrorCode::Format, open.encoding);
                let kind = packet.tim_type();
                open.sends.push_back(Underway {
                    kind,
                    id: None,
                    bytes: 0,
                    answer: Some(Some(answer)),
                });
                return self.release_answers();
            }
        };
        let ticket = Ticket(open.first_ticket + open.sends.len() as u64);
        let bytes = parcel::weight(&message);
        open.sends_bytes += bytes;
        open.sends.push_back(Underway {
            kind: packet.tim_type(),
            id: message.id,
            bytes,
            answer: None,
        });
        let per_second = self.context.limits.packets_per_second_per_account;
        let audience = open.login.engine().audience(&open.login, &message);
        let pause = open
            .login
            .account()
            .count_packets(audience / LISTENERS_PER_PACKET, per_second, now);
        let sent = open.login.engine().send_now(&open.login, ticket, message);
        self.slow_down(pause, now);
        match sent {
            Attempt::Accepted => {}
            Attempt::NeedsStore(message) => {
                let Some(open) = &self.open else { return };
                let login = Arc::clone(&open.login);
                self.run_to_its_end(async move {
                    login.engine().send(&login, ticket, message).await;
                    Vec::new()
                });
            }
        }
    }
}

async fn pull(login: Arc<Login>, request: TimReq, encoding: Encoding) -> Finished {
    Finished::Answers(match login.engine().history(&login, &request).await {
        Ok(page) => answers::history(page, encoding),
        Err(code) => vec![answers::refusal(PacketType::PullMessage.as_i8(), code, encoding)],
    })
}

async fn business(login: &Login, from: std::net::IpAddr, request: TimReq, encoding: Encoding) -> Vec<Bytes> {
    const KIND: i8 = PacketType::Business.as_i8();
    let operation = request.rtype;
    if let Some(rtype) = operation.filter(|rtype| rooms::is_room_operation(*rtype)) {
        return rooms::answer(login, rtype, request, encoding).await;
    }
    match carry_out(login, from, request, encoding).await {
        Ok(packets) => packets,
        Err(code) => {
            // A failed password change names its operation (wire-protocol 7.11).
            let t = (operation == Some(operation::CHANGE_PASSWORD))
                .then_some(i64::from(operation::CHANGE_PASSWORD));
            vec![answers::ack(
                &TimAck {
                    t,
                    ..TimAck::refusal(KIND, code)
                },
                encoding,
            )]
        }
    }
}

async fn carry_out(
    login: &Login,
    from: std::net::IpAddr,
    request: TimReq,
    encoding: Encoding,
) -> Result<Vec<Bytes>, ErrorCode> {
    const KIND: i8 = PacketType::Business.as_i8();
    let engine = login.engine();
    let done = |t: i64, n: Option<String>| {
        vec![answers::ack(
            &TimAck {
                t: Some(t),
                n,
                ..TimAck::success(KIND)
            },
            encoding,
        )]
    };
    let operation = request.rtype.ok_or(ErrorCode::Params)?;
    match operation {
        operation::ROSTER => {
            let lists = engine.contact_lists(login).await?;
            Ok(answers::nodes(list::FRIENDS, &lists.friends, encoding))
        }
        operation::BLOCK_LIST => {
            let lists = engine.contact_lists(login).await?;
            Ok(answers::nodes(list::BLOCKED, &lists.blocked, encoding))
        }
        operation::ADD_ROSTER => {
            let (node, greeting) = request.node.zip(request.req_str).ok_or(ErrorCode::Params)?;
            let are_friends = engine.add_contact(login, &node, greeting).await?;
            Ok(if are_friends {
                done(operation::FRIENDS, Some(node))
            } else {
                Vec::new()
            })
        }
        operation::REMOVE_ROSTER => {
            let node = request.node.ok_or(ErrorCode::Params)?;
            engine.remove_contact(login, &node).await?;
            Ok(done(i64::from(operation), Some(node)))
        }
        operation::BLOCK_ROSTER => {
            let node = request.node.ok_or(ErrorCode::Params)?;
            engine.block_contact(login, &node).await?;
            Ok(done(i64::from(operation), Some(node)))
        }
        operation::CHANGE_PASSWORD => {
            let (old, new) = request
                .req_str
                .zip(request.req_str2)
                .ok_or(ErrorCode::ModifyAuth)?;
            engine
                .change_password(from, &login.account().id, &old, &new)
                .await?;
            Ok(done(i64::from(operation), None))
        }
        _ => Err(ErrorCode::Params),
    }
}

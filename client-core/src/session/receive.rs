//! What packets of the server do to a session. Everything that arrives is untrusted: it may be malformed, out of
//! place or repeated, and none of that may panic or grow memory.

use std::time::Duration;

use bytes::Bytes;
use tim_protocol::bigdata::BigPacket;
use tim_protocol::packet::{PacketType, ServerPacket};
use tim_protocol::wire::{TimAck, TimMessage, TimMessageList, TimNodes, TimPresence, TimStream};
use tim_protocol::{ErrorCode, Node};

use super::inbox::Offered;
use super::outbox::Settlement;
use super::request::Answer;
use super::{Action, Credentials, Identity, OFFLINE_REPEAT, Outcome, Phase, Session};
use crate::error::Refusal;
use crate::event::{DisconnectReason, Event, LogoutReason};
use crate::message::{self, Content, Incoming, MessageKind};
use crate::presence::{PresenceChange, SubStatus};
use crate::stream::{Frame, VirtualRoomId};

impl Session {
    /// A packet arrived: the content of one binary WebSocket message.
    pub fn receive(&mut self, now: Duration, bytes: &[u8]) {
        let Some(packet) = ServerPacket::parse(bytes) else {
            return;
        };
        match self.phase {
            Phase::LoggingIn { .. } => {
                self.last_received = now;
                self.receive_login(now, &packet);
            }
            Phase::Online { .. } => {
                self.last_received = now;
                self.probe = None;
                self.receive_online(now, &packet, bytes);
            }
            _ => {}
        }
    }

    fn receive_login(&mut self, now: Duration, packet: &ServerPacket<'_>) {
        if packet.packet_type() != Some(PacketType::Ack) {
            return;
        }
        let ack = match packet.decode::<TimAck>(self.config.encoding) {
            Ok(ack) => ack,
            Err(_) => return self.abort(now, DisconnectReason::Protocol("something unreadable")),
        };
        if ack.tim_type == PacketType::Logout.as_i8() {
            return self.forced_out(&ack);
        }
        if ack.tim_type != PacketType::Auth.as_i8() {
            return;
        }
        if ack.ok {
            match ack.n.as_deref().map(Node::new) {
                Some(Ok(node)) => self.come_online(now, node),
                _ => self.abort(now, DisconnectReason::Protocol("no usable node")),
            }
            return;
        }
        let refusal = Refusal::from_ack(&ack);
        // A token can be too old when it arrives, and then a new one is fetched. Another session of the account may
        // only just be ending.
        let may_succeed_later = refusal.is_temporary()
            || refusal.is(ErrorCode::OverEntry)
            || (refusal.is(ErrorCode::Token) && matches!(self.credentials, Some(Credentials::Token { .. })));
        if may_succeed_later || !self.first_login_settled {
            self.abort(now, DisconnectReason::Refused(refusal));
        } else {
            self.actions.push_back(Action::Close);
            self.end_after_close(LogoutReason::Refused(refusal));
        }
    }

    fn receive_online(&mut self, now: Duration, packet: &ServerPacket<'_>, whole: &[u8]) {
        match packet.packet_type() {
            Some(PacketType::Ack) => match packet.decode::<TimAck>(self.config.encoding) {
                Ok(ack) => self.receive_ack(now, &ack),
                Err(_) => self.unreadable(now, packet, "an answer that cannot be decoded"),
            },
            Some(PacketType::Nodes) => match packet.decode::<TimNodes>(self.config.encoding) {
                Ok(nodes) => self.receive_nodes(&nodes),
                Err(_) => self.unreadable(now, packet, "a list that cannot be decoded"),
            },
            Some(PacketType::PullMessage) => match packet.decode::<TimMessageList>(self.config.encoding) {
                Ok(list) => self.receive_history(list),
                Err(_) => self.unreadable(now, packet, "a page of history that cannot be decoded"),
            },
            Some(PacketType::OfflineMsg) => match packet.decode::<TimMessageList>(self.config.encoding) {
                Ok(list) => self.receive_offline(now, packet.send_id, list),
                Err(_) => self.unreadable(now, packet, "an offline list that cannot be decoded"),
            },
            Some(PacketType::OfflineMsgEnd) => {
                self.repeat_offline = None;
                if let Some(count) = self.draining.take() {
                    self.inbox.report(Event::OfflineDrained { count });
                }
            }
            Some(PacketType::Message) => match packet.decode::<TimMessage>(self.config.encoding) {
                Ok(message) => self.receive_message(now, packet.send_id, message),
                Err(_) => self.unreadable(now, packet, "a message that cannot be decoded"),
            },
            Some(PacketType::Presence) => match packet.decode::<TimPresence>(self.config.encoding) {
                Ok(presence) => self.receive_presence(now, packet, presence),
                Err(_) => self.unreadable(now, packet, "a presence that cannot be decoded"),
            },
            Some(PacketType::Stream) => match packet.decode::<TimStream>(self.config.encoding) {
                Ok(frame) => self.receive_frame(frame),
                Err(_) => self.unreadable(now, packet, "a frame that cannot be decoded"),
            },
            Some(PacketType::BigBinaryStream) => self.receive_binary_frame(now, packet, whole),
            Some(PacketType::BigString | PacketType::BigBinary) => self.receive_big(now, packet, whole),
            // Keep-alive, or something of a later version that is not for this one. A synchronous packet is
            // acknowledged, or the server would repeat it.
            _ if packet.send_id.is_some() => self.unreadable(now, packet, "a packet of an unknown type"),
            _ => {}
        }
        self.write_acks(now);
    }

    fn receive_ack(&mut self, now: Duration, ack: &TimAck) {
        let tim_type = PacketType::from_u8(ack.tim_type.cast_unsigned());
        match tim_type {
            Some(PacketType::Logout) => return self.forced_out(ack),
            Some(PacketType::Auth) => return self.fence_answered(),
            Some(PacketType::Message) if !ack.ok => {
                let settlement = self.outbox.refused(ack.t, Refusal::from_ack(ack));
                return self.settle(settlement, ack.t);
            }
            _ => {}
        }
        let answer = if ack.ok {
            Answer::Success(ack)
        } else {
            Answer::Refusal(ack)
        };
        if !ack.ok && self.requests.is_refusal_echo(ack, now) {
            return;
        }
        match self.requests.answered(&answer) {
            Some(settled) => {
                if !ack.ok && !self.ordered {
                    let until = now + self.config.quiet_timeout;
                    self.requests.expect_refusal_echo(ack, &settled.1, until);
                }
                self.settle_request(settled);
            }
            None if ack.ok => {}
            None => {
                let about = ack.n.as_deref().and_then(|n| Node::new(n).ok());
                self.server_error(ack.tim_type.cast_unsigned(), None, about, Refusal::from_ack(ack));
            }
        }
    }

    fn fence_answered(&mut self) {
        let Some(ticket) = self.fences.pop_front() else {
            return;
        };
        if let Some(settled) = self.requests.fence_passed(ticket) {
            self.settle_request(settled);
        }
    }

    fn receive_nodes(&mut self, wire: &TimNodes) {
        if let Some(settled) = self.requests.answered(&Answer::Nodes(wire)) {
            self.settle_request(settled);
        }
    }

    fn receive_history(&mut self, list: TimMessageList) {
        let Some(own) = self.node.clone() else { return };
        let page: Vec<Incoming> = list
            .message_list
            .unwrap_or_default()
            .into_iter()
            .filter_map(|wire| match message::read(&own, wire) {
                Ok((Content::Message(message), _)) => Some(message),
                _ => None,
            })
            .collect();
        if let Some(settled) = self.requests.answered(&Answer::History(&page)) {
            self.settle_request(settled);
        }
    }

    fn receive_offline(&mut self, now: Duration, send_id: Option<i32>, list: TimMessageList) {
        let messages = list.message_list.unwrap_or_default();
        let Some(send_id) = send_id else {
            // No server does that. There is nothing to acknowledge, so treat them as single packets.
            for message in messages {
                self.receive_message(now, None, message);
            }
            return;
        };
        let Some(delivery) = self.inbox.begin(send_id, messages.len(), now) else {
            return;
        };
        for message in messages {
            self.deliver(message, |session, event, identity| {
                session.inbox.offer(delivery, event, identity)
            });
        }
        self.inbox.finish(delivery, now);
        if self.draining.is_some() && !self.ordered {
            // Where the server stops after every batch, make sure that it is asked again.
            self.repeat_offline = self.repeat_offline.or(Some(now + OFFLINE_REPEAT * 20));
        }
    }

    fn receive_message(&mut self, now: Duration, send_id: Option<i32>, message: TimMessage) {
        match send_id {
            Some(send_id) => {
                let Some(delivery) = self.inbox.begin(send_id, 1, now) else {
                    return;
                };
                self.deliver(message, |session, event, identity| {
                    session.inbox.offer(delivery, event, identity)
                });
                self.inbox.finish(delivery, now);
            }
            None => self.deliver(message, |session, event, identity| {
                session.inbox.offer_once(event, identity)
            }),
        }
    }

    /// Turns one message into an event and offers it.
    fn deliver(
        &mut self,
        wire: TimMessage,
        offer: impl FnOnce(&mut Self, Event, Option<Identity>) -> Offered,
    ) {
        let Some(own) = self.node.clone() else { return };
        if self.is_own_confirmed(&own, &wire) {
            return;
        }
        let (content, identity) = match message::read(&own, wire) {
            Ok(read) => read,
            Err(what) => {
                let event = Event::Unreadable {
                    packet_type: PacketType::Message.as_u8(),
                    what,
                };
                offer(self, event, None);
                return;
            }
        };
        let answer = match &content {
            Content::Recalled(removal) => Some(Answer::Recalled(removal)),
            Content::Burned(removal) => Some(Answer::Burned(removal)),
            Content::Message(_) | Content::Notice(_) => None,
        };
        if let Some(settled) = answer.and_then(|answer| self.requests.answered(&answer)) {
            self.settle_request(settled);
        }
        let event = match content {
            Content::Message(message) => Event::Message(Box::new(message)),
            Content::Recalled(removal) => Event::Recalled(removal),
            Content::Burned(removal) => Event::Burned(removal),
            Content::Notice(notice) => Event::Notice(notice),
        };
        if offer(self, event, identity) == Offered::Queued
            && let Some(count) = &mut self.draining
        {
            *count += 1;
        }
    }

    /// Whether this is a message that this session sent; then it is no event, and confirms it if it is chat.
    fn is_own_confirmed(&mut self, own: &Node, wire: &TimMessage) -> bool {
        let is_own = wire
            .from_tid
            .as_ref()
            .is_some_and(|from| from.node == own.as_str());
        if !is_own || !matches!(wire.ms_type, 2 | 3) {
            return false;
        }
        if wire.od_type != 1 {
            // Everybody in a room gets it, its sender too. This one knows it.
            return wire.id.is_some_and(|id| self.unconfirmed.contains(&id));
        }
        let (ids, random) = (&mut self.ids, &mut self.random);
        let millis = self.unix_millis;
        let settlement = self
            .outbox
            .echoed(wire, self.config.encoding, || ids.next(millis, random));
        let confirmed = settlement
            .settled
            .iter()
            .any(|(_, result)| result.as_ref().is_ok_and(|sent| sent.id == wire.id));
        self.settle(settlement, None);
        if confirmed && let Ok((_, Some(identity))) = message::read(own, wire.clone()) {
            // The application may have been told already, by a copy without id.
            if !self.inbox.knows(&identity) {
                self.inbox.mark_seen(identity);
            }
        }
        confirmed
    }

    fn receive_big(&mut self, now: Duration, packet: &ServerPacket<'_>, whole: &[u8]) {
        let big = match BigPacket::parse_delivery(whole) {
            Ok(big) => big,
            Err(_) => return self.unreadable(now, packet, "big data without a sender"),
        };
        let data: Bytes = big.data;
        let mut message = if packet.packet_type() == Some(PacketType::BigString) {
            let mut message = Incoming::bare(big.node, MessageKind::BigText);
            message.text = Some(String::from_utf8_lossy(&data).into_owned());
            message
        } else {
            let mut message = Incoming::bare(big.node, MessageKind::BigBinary);
            message.binary = Some(data);
            message
        };
        message.outgoing = message.from == self.node;
        self.inbox.offer_once(Event::Message(Box::new(message)), None);
    }

    fn receive_presence(&mut self, now: Duration, packet: &ServerPacket<'_>, wire: TimPresence) {
        let change = match PresenceChange::read(wire) {
            Ok(change) => change,
            Err(what) => return self.unreadable(now, packet, what),
        };
        if change.offline && Some(&change.from) == self.node.as_ref() {
            // Another node of the server believes that this user has left.
            return self.presence.tell_again();
        }
        if change.sub_status == Some(SubStatus::Subscribe) {
            self.presence.asked_by(&change.from);
        }
        self.inbox
            .offer_once(Event::PresenceChanged(Box::new(change)), None);
    }

    fn receive_frame(&mut self, wire: TimStream) {
        let Ok(room) = VirtualRoomId::new(&wire.vnode) else {
            return;
        };
        let frame = Frame {
            from: Node::new(&wire.from_node).ok(),
            kind: wire.dtype,
            id: Some(wire.id).filter(|id| *id != 0),
            body: wire.body.unwrap_or_default(),
        };
        self.subscriptions.receive(&room, frame);
    }

    fn receive_binary_frame(&mut self, now: Duration, packet: &ServerPacket<'_>, whole: &[u8]) {
        match BigPacket::parse_delivery(whole) {
            Ok(big) => {
                let frame = Frame {
                    from: None,
                    kind: None,
                    id: None,
                    body: big.data,
                };
                self.subscriptions.receive(&big.node.into(), frame);
            }
            Err(_) => self.unreadable(now, packet, "a frame without virtual room"),
        }
    }

    fn unreadable(&mut self, now: Duration, packet: &ServerPacket<'_>, what: &'static str) {
        let event = Event::Unreadable {
            packet_type: packet.type_byte,
            what,
        };
        match packet.send_id {
            Some(send_id) => {
                let Some(delivery) = self.inbox.begin(send_id, 1, now) else {
                    return;
                };
                self.inbox.offer(delivery, event, None);
                self.inbox.finish(delivery, now);
            }
            None => {
                self.inbox.offer_once(event, None);
            }
        }
    }

    fn forced_out(&mut self, ack: &TimAck) {
        let took_place = Refusal::from_ack(ack).is(ErrorCode::OverEntry);
        self.actions.push_back(Action::Close);
        self.end_after_close(if took_place {
            LogoutReason::TookPlace
        } else {
            LogoutReason::Forced
        });
    }

    /// Gives the connection up, to be replaced.
    fn abort(&mut self, now: Duration, reason: DisconnectReason) {
        self.actions.push_back(Action::Close);
        self.lose(now, reason);
    }

    /// Ends the session when its connection has already been asked to close.
    fn end_after_close(&mut self, reason: LogoutReason) {
        if !self.first_login_settled {
            let error = match &reason {
                LogoutReason::Refused(refusal) => crate::ConnectError::Refused(refusal.clone()),
                _ => crate::ConnectError::Closed("the session was ended by the server".into()),
            };
            self.settle_first_login(Err(error));
        }
        self.phase = Phase::Idle;
        self.end(reason);
    }

    fn settle(&mut self, settlement: Settlement, id: Option<i64>) {
        for (ticket, result) in settlement.settled {
            self.outcomes.push_back(Outcome::Send(ticket, result));
        }
        for refusal in settlement.unmatched {
            self.server_error(PacketType::Message.as_u8(), id, None, refusal);
        }
    }

    fn server_error(&mut self, packet_type: u8, id: Option<i64>, about: Option<Node>, refusal: Refusal) {
        self.inbox.offer_once(
            Event::ServerError {
                packet_type,
                id,
                about,
                refusal,
            },
            None,
        );
    }
}

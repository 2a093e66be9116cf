//! Handing messages and frames over to a session, in the form in which they travel.

use std::time::Duration;

use bytes::Bytes;
use tim_protocol::bigdata::{BigKind, BigPacket};
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::TimStream;

use super::{Phase, SendTicket, Session, Status};
use crate::error::SendError;
use crate::message::{Conversation, MessageKind, Outgoing};
use crate::stream::{Publication, StreamMode, VirtualRoomId};

/// Messages without confirmation whose own copy is recognised.
const MAX_UNCONFIRMED: usize = 1024;

impl Session {
    /// Whether [`Session::send`] would take this message now, or refuse it for another reason than lack of room.
    #[must_use]
    pub fn has_room(&self, message: &Outgoing) -> bool {
        self.has_room_for(message.size())
    }

    /// The same for [`Session::publish`].
    #[must_use]
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.phase == Phase::Ended || self.outbox.has_room(bytes)
    }

    /// Hands a message over, for a user or a room. It is kept until it is confirmed, across reconnects.
    ///
    /// # Errors
    /// [`SendError::TooLarge`], [`SendError::Invalid`], [`SendError::Full`], [`SendError::NotConnected`] for
    /// live data, [`SendError::Closed`]. Nothing was sent then.
    pub fn send(
        &mut self,
        now: Duration,
        to: impl Into<Conversation>,
        message: Outgoing,
    ) -> Result<SendTicket, SendError> {
        let to = to.into();
        if self.phase == Phase::Ended {
            return Err(SendError::Closed);
        }
        message.check(&to)?;
        let kind = message.kind();
        if !kind.is_kept() && self.status() != Status::Online {
            return Err(SendError::NotConnected);
        }
        if !self.outbox.has_room(message.size()) {
            return Err(SendError::Full);
        }
        if let Some(big) = big_data(&to, &message) {
            return self.push_big(&big);
        }
        let id = self.fresh_id(now);
        if kind != MessageKind::Chat && matches!(to, Conversation::Room(_)) {
            if self.unconfirmed.len() >= MAX_UNCONFIRMED {
                self.unconfirmed.pop_front();
            }
            self.unconfirmed.push_back(id);
        }
        let wire = message.into_wire(&to, Some(id));
        let packet = packet::client_packet(PacketType::Message, self.config.encoding, &wire);
        within(packet.len(), self.config.max_packet_bytes)?;
        let ticket = SendTicket(self.take_ticket());
        self.outbox.push(ticket, kind, &wire, packet.into());
        Ok(ticket)
    }

    /// Hands a frame for a virtual room over. It counts as sent when it is written; when the server refuses it, that
    /// is an event.
    ///
    /// # Errors
    /// [`SendError::TooLarge`], [`SendError::Full`], [`SendError::NotConnected`], [`SendError::Closed`]. Nothing was
    /// sent then.
    pub fn publish(&mut self, room: &VirtualRoomId, frame: Publication) -> Result<SendTicket, SendError> {
        match self.status() {
            Status::Online => {}
            Status::Offline => return Err(SendError::NotConnected),
            Status::Ended => return Err(SendError::Closed),
        }
        if !self.outbox.has_room(frame.body.len()) {
            return Err(SendError::Full);
        }
        match frame.mode {
            StreamMode::Binary => self.push_big(&BigPacket {
                kind: BigKind::Stream,
                node: room.as_node().clone(),
                data: frame.body,
            }),
            StreamMode::Structured => {
                let wire = TimStream {
                    vnode: room.to_string(),
                    dtype: frame.kind,
                    body: Some(frame.body),
                    ..TimStream::default()
                };
                let packet = packet::client_packet(PacketType::Stream, self.config.encoding, &wire);
                within(packet.len(), self.config.max_packet_bytes)?;
                Ok(self.push_bare(packet))
            }
        }
    }

    fn push_big(&mut self, big: &BigPacket) -> Result<SendTicket, SendError> {
        let limit = self.config.max_big_bytes;
        let bytes = big.data.len();
        // The limit is that of the whole packet, which has a header and a node.
        within(bytes, limit)?;
        let packet = big
            .to_server()
            .map_err(|_| SendError::TooLarge { bytes, limit })?;
        within(packet.len(), limit)?;
        Ok(self.push_bare(packet))
    }

    fn push_bare(&mut self, packet: Vec<u8>) -> SendTicket {
        let ticket = SendTicket(self.take_ticket());
        self.outbox.push_bare(ticket, packet.into());
        ticket
    }

    /// What can be written of a packet at once. The rest follows before anything else (`wire-protocol 7.9`).
    pub(super) fn first_piece(&mut self, mut packet: Bytes) -> Bytes {
        let limit = self.config.max_packet_bytes.max(1024);
        if packet.len() <= limit {
            return packet;
        }
        let first = packet.split_to(limit);
        while packet.len() > limit {
            self.pieces.push_back(packet.split_to(limit));
        }
        self.pieces.push_back(packet);
        first
    }
}

/// Large data for a user, when there is nothing with it that its own form cannot carry.
fn big_data(to: &Conversation, message: &Outgoing) -> Option<BigPacket> {
    let Conversation::Peer(peer) = to else { return None };
    let (kind, data) = match message.kind() {
        MessageKind::BigText => (BigKind::Text, message.text.clone()?.into()),
        MessageKind::BigBinary => (BigKind::Binary, message.binary.clone()?),
        _ => return None,
    };
    message.is_bare().then(|| BigPacket {
        kind,
        node: peer.clone(),
        data,
    })
}

fn within(bytes: usize, limit: usize) -> Result<(), SendError> {
    if bytes > limit {
        Err(SendError::TooLarge { bytes, limit })
    } else {
        Ok(())
    }
}

//! What a session does, packet by packet, in simulated time.

mod login;
mod people;
mod requests;
mod rooms;
mod streams;
mod traffic;

use std::time::Duration;

use tim_protocol::packet::{self, ClientPacket, PacketType};
use tim_protocol::wire::{Tid, TimAck, TimAuth, TimMessage, TimMessageList, TimNodes, TimReq};
use tim_protocol::{Encoding, ErrorCode, Node, WireStruct, node};

use super::*;
use crate::error::Refusal;
use crate::event::LogoutReason;
use crate::message::{Mid, NoticeKind, Outgoing};

struct Rig {
    session: Session,
    now: Duration,
    own: Node,
    peer: Node,
}

fn connecting(config: SessionConfig, credentials: Credentials) -> Rig {
    let mut session = Session::new(config, 1, 1_800_000_000_000);
    session.start(Duration::ZERO, credentials);
    assert_eq!(session.poll_action(), Some(Action::Open));
    session.opened(Duration::ZERO);
    // The pause that the original needs between connection and login.
    let now = Duration::from_millis(10);
    session.tick(now);
    Rig {
        session,
        now,
        own: node::wide_node_from_random([1; 15]),
        peer: node::wide_node_from_random([2; 15]),
    }
}

fn online_with(config: SessionConfig) -> Rig {
    let mut rig = connecting(config, Credentials::password("alice", "secret"));
    rig.log_in();
    assert!(matches!(
        rig.session.take_event(rig.now),
        Some(Event::Connected { again: false, .. })
    ));
    rig
}

fn online() -> Rig {
    online_with(SessionConfig::default())
}

impl Rig {
    fn encoding(&self) -> Encoding {
        self.session.config.encoding
    }

    /// Answers the AUTH that was written, and swallows the request of the offline queue.
    fn log_in(&mut self) -> TimAuth {
        let written = self.written();
        let packet = ClientPacket::parse(&written[0]).unwrap();
        assert_eq!(packet.packet_type(), Some(PacketType::Auth));
        let auth = packet.decode().unwrap();
        let ack = TimAck {
            n: Some(self.own.to_string()),
            ..TimAck::success(PacketType::Auth.as_i8())
        };
        self.receive(PacketType::Ack, &ack);
        self.written();
        auth
    }

    fn receive<T: WireStruct>(&mut self, packet_type: PacketType, value: &T) {
        let bytes = packet::server_packet(packet_type, self.encoding(), value);
        self.session.receive(self.now, &bytes);
    }

    fn deliver<T: WireStruct>(&mut self, packet_type: PacketType, send_id: i32, value: &T) {
        let bytes = packet::synchronous_packet(packet_type, send_id, &value.encode(self.encoding()));
        self.session.receive(self.now, &bytes);
    }

    fn refuse(&mut self, packet_type: PacketType, code: ErrorCode) {
        self.receive(PacketType::Ack, &TimAck::refusal(packet_type.as_i8(), code));
    }

    /// The answer to a fence.
    fn pass_fence(&mut self) {
        self.receive(PacketType::Ack, &TimAck::success(PacketType::Auth.as_i8()));
    }

    fn written(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.session.poll_packet(self.now)).collect()
    }

    fn written_types(&mut self) -> Vec<PacketType> {
        let written = self.written();
        written
            .iter()
            .map(|bytes| ClientPacket::parse(bytes).unwrap().packet_type().unwrap())
            .collect()
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        self.session.tick(self.now);
    }

    fn request(&mut self, request: Request) -> RequestTicket {
        self.session.request(self.now, request).unwrap()
    }

    fn outcome(&mut self) -> Option<Outcome> {
        loop {
            match self.session.poll_outcome() {
                Some(Outcome::Login(Ok(_))) => {}
                other => return other,
            }
        }
    }

    fn result(&mut self) -> Option<Result<Reply, RequestError>> {
        match self.outcome() {
            Some(Outcome::Request(_, result)) => Some(result),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    fn event(&mut self) -> Option<Event> {
        self.session.take_event(self.now)
    }

    /// The only packet that was written, as the request it is.
    fn written_request(&mut self) -> TimReq {
        let written = self.written();
        ClientPacket::parse(&written[0]).unwrap().decode().unwrap()
    }

    /// Loses the connection and logs in again. Answers what was written after the login and the request of the
    /// offline queue.
    fn come_back(&mut self) -> Vec<Bytes> {
        self.lose_and_reconnect();
        self.written();
        let ack = TimAck {
            n: Some(self.own.to_string()),
            ..TimAck::success(PacketType::Auth.as_i8())
        };
        self.receive(PacketType::Ack, &ack);
        assert!(matches!(self.event(), Some(Event::Connected { again: true, .. })));
        let mut written = self.written();
        assert_eq!(kind(&written.remove(0)), PacketType::OfflineMsg);
        written
    }

    fn lose_and_reconnect(&mut self) {
        self.session.closed(self.now, "broken".into());
        let Some(Event::Disconnected { retry_in, .. }) = self.event() else {
            panic!("no event")
        };
        self.advance(retry_in);
        assert_eq!(self.session.poll_action(), Some(Action::Open));
        self.session.opened(self.now);
    }

    fn message(&self, mid: i64) -> TimMessage {
        TimMessage {
            ms_type: 2,
            od_type: 1,
            mid: Some(mid),
            timestamp: Some(mid),
            from_tid: Some(Tid {
                node: self.peer.to_string(),
                ..Tid::default()
            }),
            to_tid: Some(Tid {
                node: self.own.to_string(),
                ..Tid::default()
            }),
            data_string: Some(format!("text {mid}")),
            ..TimMessage::default()
        }
    }
}

/// Runs a test in both encodings.
fn in_both_encodings(test: impl Fn(Rig)) {
    for encoding in [Encoding::Compact, Encoding::Json] {
        test(online_with(SessionConfig {
            encoding,
            ..SessionConfig::default()
        }));
    }
}

fn kind(packet: &[u8]) -> PacketType {
    ClientPacket::parse(packet).unwrap().packet_type().unwrap()
}

fn address(node: &str) -> Tid {
    Tid {
        node: node.to_owned(),
        ..Tid::default()
    }
}

fn nodes(ntype: i32, list: &[&Node]) -> TimNodes {
    TimNodes {
        ntype,
        nodelist: Some(list.iter().map(ToString::to_string).collect()),
        ..TimNodes::default()
    }
}

fn refusal(code: ErrorCode) -> Refusal {
    Refusal {
        code: code.code(),
        info: code.info().into(),
    }
}

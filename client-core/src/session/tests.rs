//! What a session does, packet by packet, in simulated time.

use std::time::Duration;

use proptest::prelude::*;
use tim_protocol::packet::{self, ClientPacket, PacketType};
use tim_protocol::wire::{Tid, TimAck, TimAuth, TimMessage, TimMessageList, TimNodes, TimReq};
use tim_protocol::{Encoding, ErrorCode, Node, WireStruct, node};
use zeroize::Zeroizing;

use super::*;
use crate::error::Refusal;
use crate::message::{Mid, NoticeKind};

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

#[test]
fn a_login_carries_name_device_and_encoding() {
    let config = SessionConfig {
        encoding: Encoding::Json,
        resource: Some("laptop".into()),
        device_type: Some(3),
        domain: Some("example".into()),
        ..SessionConfig::default()
    };
    let mut rig = connecting(config, Credentials::password("alice", "secret"));
    let auth = rig.log_in();
    assert_eq!(
        (auth.name.as_deref(), auth.pwd.as_deref()),
        (Some("alice"), Some("secret"))
    );
    assert_eq!(
        (auth.resource.as_deref(), auth.termtyp),
        (Some("laptop"), Some(3))
    );
    assert_eq!(auth.domain.as_deref(), Some("example"));
    assert_eq!(rig.session.status(), Status::Online);
    assert_eq!(rig.session.node(), Some(&rig.own));
}

#[test]
fn no_secret_is_in_debug_output() {
    let rig = online();
    let text = format!("{:?} {:?}", rig.session, Credentials::token("alice", "secret"));
    assert!(!text.contains("secret"));
}

#[test]
fn a_refused_first_login_ends_the_session() {
    let mut rig = connecting(SessionConfig::default(), Credentials::password("alice", "wrong"));
    rig.written();
    rig.refuse(PacketType::Auth, ErrorCode::PermDenied);
    let expected = Outcome::Login(Err(ConnectError::Refused(refusal(ErrorCode::PermDenied))));
    assert_eq!(rig.outcome(), Some(expected));
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    assert_eq!(rig.session.status(), Status::Ended);
}

#[test]
fn an_unanswered_first_login_fails_in_time() {
    let mut rig = connecting(SessionConfig::default(), Credentials::password("alice", "secret"));
    rig.advance(rig.session.deadline().unwrap() - rig.now);
    assert_eq!(rig.outcome(), Some(Outcome::Login(Err(ConnectError::TimedOut))));
}

#[test]
fn a_login_without_usable_node_is_no_login() {
    let mut rig = connecting(SessionConfig::default(), Credentials::password("alice", "secret"));
    rig.receive(
        PacketType::Ack,
        &TimAck {
            n: Some("not a node".into()),
            ..TimAck::success(PacketType::Auth.as_i8())
        },
    );
    assert!(matches!(
        rig.outcome(),
        Some(Outcome::Login(Err(ConnectError::Protocol(_))))
    ));
}

#[test]
fn a_lost_connection_is_made_anew_and_the_offline_queue_asked_for_again() {
    let mut rig = online();
    rig.lose_and_reconnect();
    let auth = rig.written();
    assert_eq!(
        ClientPacket::parse(&auth[0]).unwrap().packet_type(),
        Some(PacketType::Auth)
    );
    let ack = TimAck {
        n: Some(rig.own.to_string()),
        ..TimAck::success(PacketType::Auth.as_i8())
    };
    rig.receive(PacketType::Ack, &ack);
    assert_eq!(rig.written_types(), [PacketType::OfflineMsg]);
    assert!(matches!(rig.event(), Some(Event::Connected { again: true, .. })));
}

#[test]
fn a_device_limit_at_reconnect_is_retried_but_a_wrong_password_is_not() {
    let mut rig = online();
    rig.lose_and_reconnect();
    rig.written();
    rig.refuse(PacketType::Auth, ErrorCode::OverEntry);
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    let Some(Event::Disconnected { retry_in, .. }) = rig.event() else {
        panic!("no event")
    };
    rig.advance(retry_in);
    assert_eq!(rig.session.poll_action(), Some(Action::Open));
    rig.session.opened(rig.now);
    rig.refuse(PacketType::Auth, ErrorCode::PermDenied);
    assert!(matches!(
        rig.event(),
        Some(Event::LoggedOut {
            reason: LogoutReason::Refused(_)
        })
    ));
    assert_eq!(rig.session.status(), Status::Ended);
    assert_eq!(rig.event(), None);
}

#[test]
fn a_used_token_is_replaced_before_the_next_login() {
    let mut rig = connecting(SessionConfig::default(), Credentials::token("alice", "one-time"));
    assert_eq!(rig.log_in().token.as_deref(), Some("one-time"));
    rig.event();
    rig.session.closed(rig.now, "broken".into());
    rig.advance(Duration::from_secs(60));
    assert_eq!(rig.session.poll_action(), Some(Action::FetchCredentials));
    rig.session
        .provide_credentials(rig.now, Credentials::token("alice", "fresh"));
    assert_eq!(rig.session.poll_action(), Some(Action::Open));
    rig.session.opened(rig.now);
    assert_eq!(rig.log_in().token.as_deref(), Some("fresh"));
}

#[test]
fn without_new_credentials_a_token_session_ends() {
    let mut rig = connecting(SessionConfig::default(), Credentials::token("alice", "one-time"));
    rig.log_in();
    rig.event();
    rig.session.closed(rig.now, "broken".into());
    rig.event();
    rig.advance(Duration::from_secs(60));
    assert_eq!(rig.session.poll_action(), Some(Action::FetchCredentials));
    rig.session.no_credentials();
    assert_eq!(
        rig.event(),
        Some(Event::LoggedOut {
            reason: LogoutReason::NoCredentials
        })
    );
}

#[test]
fn a_changed_password_is_used_at_reconnect() {
    let mut rig = online();
    let (old, new) = (
        Zeroizing::new("secret".to_owned()),
        Zeroizing::new("better".to_owned()),
    );
    rig.request(Request::ChangePassword { old, new });
    rig.written();
    rig.receive(
        PacketType::Ack,
        &TimAck {
            t: Some(21),
            ..TimAck::success(PacketType::Business.as_i8())
        },
    );
    assert_eq!(rig.result(), Some(Ok(Reply::Done)));
    rig.lose_and_reconnect();
    assert_eq!(rig.log_in().pwd.as_deref(), Some("better"));
}

#[test]
fn keep_alive_packets_are_sent_and_silence_breaks_the_connection() {
    let mut rig = online();
    for _ in 0..3 {
        rig.advance(Duration::from_secs(15));
        assert_eq!(rig.written_types(), [PacketType::Ping]);
    }
    rig.session.receive(rig.now, &packet::pong());
    for _ in 0..3 {
        rig.advance(Duration::from_secs(15));
        assert_eq!(rig.session.status(), Status::Online);
    }
    rig.advance(Duration::from_secs(15));
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    assert!(matches!(
        rig.event(),
        Some(Event::Disconnected {
            reason: DisconnectReason::Silent,
            ..
        })
    ));
}

#[test]
fn the_end_by_the_server_is_told_and_final() {
    for (error, reason) in [
        (None, LogoutReason::Forced),
        (Some(ErrorCode::OverEntry.into()), LogoutReason::TookPlace),
    ] {
        let mut rig = online();
        let ticket = rig.request(Request::Friends);
        rig.receive(
            PacketType::Ack,
            &TimAck {
                error,
                ..TimAck::success(PacketType::Logout.as_i8())
            },
        );
        assert_eq!(rig.event(), Some(Event::LoggedOut { reason }));
        assert_eq!(rig.session.poll_action(), Some(Action::Close));
        assert_eq!(
            rig.outcome(),
            Some(Outcome::Request(ticket, Err(RequestError::Closed)))
        );
        rig.advance(Duration::from_secs(3600));
        assert_eq!(rig.session.poll_action(), None);
        assert_eq!(rig.session.deadline(), None);
    }
}

#[test]
fn an_empty_list_is_known_by_the_fence_behind_it() {
    let mut rig = online();
    rig.request(Request::Friends);
    rig.request(Request::Blocked);
    let kinds = rig.written_types();
    assert_eq!(
        kinds,
        [
            PacketType::Business,
            PacketType::Auth,
            PacketType::Business,
            PacketType::Auth
        ]
    );
    rig.pass_fence();
    let blocked = nodes(8, &[&rig.peer.clone()]);
    rig.receive(PacketType::Nodes, &blocked);
    rig.pass_fence();
    assert_eq!(rig.result(), Some(Ok(Reply::Nodes(Vec::new()))));
    assert_eq!(rig.result(), Some(Ok(Reply::Nodes(vec![rig.peer.clone()]))));
    assert_eq!(rig.result(), None);
}

#[test]
fn a_pong_is_no_sign_that_an_answer_is_empty() {
    let mut rig = online();
    rig.request(Request::Friends);
    rig.written();
    rig.session.receive(rig.now, &packet::pong());
    assert_eq!(rig.result(), None);
    let friends = nodes(1, &[&rig.peer.clone()]);
    rig.receive(PacketType::Nodes, &friends);
    assert!(matches!(rig.result(), Some(Ok(Reply::Nodes(list))) if list.len() == 1));
}

#[test]
fn without_order_silence_counts_as_empty_after_a_while() {
    let mut rig = online_with(SessionConfig {
        server: ServerKind::Original,
        ..SessionConfig::default()
    });
    rig.request(Request::Friends);
    assert_eq!(rig.written_types(), [PacketType::Business]);
    rig.advance(Duration::from_millis(1999));
    assert_eq!(rig.result(), None);
    rig.advance(Duration::from_millis(1));
    assert_eq!(rig.result(), Some(Ok(Reply::Nodes(Vec::new()))));
}

#[test]
fn asking_for_friendship_has_three_outcomes() {
    let add = |rig: &mut Rig| {
        let node = rig.peer.clone();
        rig.request(Request::AddFriend {
            node,
            text: "hello".into(),
        });
        let written = rig.written();
        let request: TimReq = ClientPacket::parse(&written[0]).unwrap().decode().unwrap();
        assert_eq!(
            (request.rtype, request.req_str.as_deref()),
            (Some(4), Some("hello"))
        );
    };
    let mut rig = online();
    add(&mut rig);
    rig.pass_fence();
    assert_eq!(rig.result(), Some(Ok(Reply::Added(Added::Requested))));

    add(&mut rig);
    let n = Some(rig.peer.to_string());
    rig.receive(
        PacketType::Ack,
        &TimAck {
            t: Some(5),
            n,
            ..TimAck::success(PacketType::Business.as_i8())
        },
    );
    rig.pass_fence();
    assert_eq!(rig.result(), Some(Ok(Reply::Added(Added::FriendsNow))));

    add(&mut rig);
    rig.refuse(PacketType::Business, ErrorCode::Block);
    rig.pass_fence();
    assert_eq!(
        rig.result(),
        Some(Err(RequestError::Refused(refusal(ErrorCode::Block))))
    );
    assert_eq!(rig.result(), None);
}

#[test]
fn pages_of_two_conversations_are_not_mixed_up() {
    let mut rig = online();
    let other = node::wide_node_from_random([9; 15]);
    let history = |peer: &Node| Request::History {
        peer: peer.clone(),
        start: HistoryStart::Newest,
        limit: 10,
    };
    let first = rig.request(history(&other));
    let second = rig.request(history(&rig.peer.clone()));
    rig.written();
    let page = TimMessageList {
        id: None,
        message_list: Some(vec![rig.message(2), rig.message(1)]),
    };
    rig.receive(PacketType::PullMessage, &page);
    let Some(Outcome::Request(ticket, Ok(Reply::History(page)))) = rig.outcome() else {
        panic!("no page")
    };
    assert_eq!((ticket, page.len()), (second, 2));
    rig.pass_fence();
    assert_eq!(
        rig.outcome(),
        Some(Outcome::Request(first, Ok(Reply::History(Vec::new()))))
    );
}

#[test]
fn a_recall_is_confirmed_by_its_own_delivery() {
    let mut rig = online();
    let mid = Mid::new(5).unwrap();
    rig.request(Request::Recall {
        peer: rig.peer.clone(),
        mid,
    });
    assert_eq!(rig.written_types(), [PacketType::RevokeMessage]);
    let mut recall = rig.message(5);
    std::mem::swap(&mut recall.from_tid, &mut recall.to_tid);
    recall.od_type = 2;
    rig.deliver(PacketType::Message, 1, &recall);
    assert_eq!(rig.result(), Some(Ok(Reply::Done)));
    assert!(matches!(rig.event(), Some(Event::Recalled(removal)) if removal.outgoing && removal.mid == mid));

    rig.request(Request::Burn {
        peer: rig.peer.clone(),
        mid,
    });
    rig.written();
    rig.refuse(PacketType::BurnMessage, ErrorCode::PermDenied);
    assert_eq!(
        rig.result(),
        Some(Err(RequestError::Refused(refusal(ErrorCode::PermDenied))))
    );
}

#[test]
fn after_a_lost_connection_reading_is_repeated_and_changing_is_not() {
    let mut rig = online();
    rig.request(Request::Friends);
    let block = rig.request(Request::Block {
        node: rig.peer.clone(),
    });
    rig.written();
    rig.lose_and_reconnect();
    assert_eq!(
        rig.outcome(),
        Some(Outcome::Request(block, Err(RequestError::ConnectionLost)))
    );
    // Made while there is no connection: waits for it.
    rig.request(Request::Block {
        node: rig.peer.clone(),
    });
    let ack = TimAck {
        n: Some(rig.own.to_string()),
        ..TimAck::success(PacketType::Auth.as_i8())
    };
    rig.written();
    rig.receive(PacketType::Ack, &ack);
    let kinds = rig.written_types();
    assert_eq!(
        kinds,
        [
            PacketType::OfflineMsg,
            PacketType::Business,
            PacketType::Auth,
            PacketType::Business
        ]
    );
}

#[test]
fn a_request_that_is_never_answered_times_out() {
    let mut rig = online();
    rig.request(Request::Block {
        node: rig.peer.clone(),
    });
    rig.written();
    rig.advance(Duration::from_secs(10));
    assert_eq!(rig.result(), Some(Err(RequestError::TimedOut)));
}

#[test]
fn a_message_is_acknowledged_only_after_it_was_taken() {
    let mut rig = online();
    let (first, second) = (rig.message(1), rig.message(2));
    rig.deliver(PacketType::Message, 70, &first);
    rig.deliver(PacketType::Message, 71, &second);
    assert!(rig.written().is_empty());
    assert!(matches!(rig.event(), Some(Event::Message(message)) if message.mid == Mid::new(1)));
    assert_eq!(rig.written(), [packet::delivery_ack(70, Encoding::Compact)]);
}

#[test]
fn json_sessions_acknowledge_in_json() {
    let mut rig = online_with(SessionConfig {
        encoding: Encoding::Json,
        ..SessionConfig::default()
    });
    let message = rig.message(1);
    rig.deliver(PacketType::Message, 7, &message);
    rig.event();
    assert_eq!(rig.written(), [vec![0x8c, 0, 0, 0, 7]]);
}

#[test]
fn the_end_of_the_offline_queue_comes_after_its_messages() {
    let mut rig = online();
    let list = TimMessageList {
        id: Some(1),
        message_list: Some(vec![rig.message(1), rig.message(2)]),
    };
    rig.deliver(PacketType::OfflineMsg, 1, &list);
    let third = rig.message(2);
    rig.deliver(PacketType::Message, 2, &third);
    rig.session.receive(rig.now, &packet::offline_end());
    rig.session.receive(rig.now, &packet::offline_end());
    assert!(matches!(rig.event(), Some(Event::Message(_))));
    assert!(matches!(rig.event(), Some(Event::Message(_))));
    assert_eq!(rig.event(), Some(Event::OfflineDrained { count: 2 }));
    assert_eq!(rig.event(), None);
}

#[test]
fn the_original_is_asked_again_after_every_batch() {
    let mut rig = online_with(SessionConfig {
        server: ServerKind::Original,
        ..SessionConfig::default()
    });
    let list = TimMessageList {
        id: Some(1),
        message_list: Some(vec![rig.message(1)]),
    };
    rig.deliver(PacketType::OfflineMsg, 1, &list);
    rig.event();
    assert_eq!(rig.written_types(), [PacketType::Ack]);
    rig.advance(Duration::from_millis(50));
    assert_eq!(rig.written_types(), [PacketType::OfflineMsg]);
    rig.session.receive(rig.now, &packet::offline_end());
    assert_eq!(rig.event(), Some(Event::OfflineDrained { count: 1 }));
}

#[test]
fn the_echo_of_another_device_is_a_message_of_ones_own() {
    let mut rig = online();
    let mut echo = rig.message(1);
    std::mem::swap(&mut echo.from_tid, &mut echo.to_tid);
    echo.id = Some(12345);
    rig.receive(PacketType::Message, &echo);
    rig.receive(PacketType::Message, &echo);
    let Some(Event::Message(message)) = rig.event() else {
        panic!("no event")
    };
    assert!(message.outgoing);
    assert_eq!(message.conversation, crate::Conversation::Peer(rig.peer.clone()));
    assert_eq!(rig.event(), None);
}

#[test]
fn notices_are_told_apart() {
    let mut rig = online();
    for (number, kind) in [
        (4, NoticeKind::FriendRequest),
        (5, NoticeKind::FriendsNow),
        (6, NoticeKind::FriendRemoved),
        (7, NoticeKind::Blocked),
        (99, NoticeKind::Other(99)),
    ] {
        let notice = TimMessage {
            od_type: 4,
            bn_type: Some(number),
            id: Some(i64::from(number)),
            mid: None,
            ..rig.message(1)
        };
        rig.deliver(PacketType::Message, number, &notice);
        rig.deliver(PacketType::Message, number, &notice);
        assert!(matches!(rig.event(), Some(Event::Notice(notice)) if notice.kind == kind));
        assert_eq!(rig.event(), None);
    }
}

#[test]
fn what_cannot_be_read_is_told_and_acknowledged() {
    let mut rig = online();
    rig.session.receive(
        rig.now,
        &packet::synchronous_packet(PacketType::Message, 9, &[0x8f]),
    );
    let mut anonymous = rig.message(1);
    anonymous.from_tid = None;
    rig.deliver(PacketType::Message, 10, &anonymous);
    for send_id in [9, 10] {
        assert!(matches!(
            rig.event(),
            Some(Event::Unreadable { packet_type: 90, .. })
        ));
        assert_eq!(rig.written(), [packet::delivery_ack(send_id, Encoding::Compact)]);
    }
}

#[test]
fn refused_live_data_is_an_event() {
    let mut rig = online();
    let ticket = rig
        .session
        .send(rig.now, &rig.peer.clone(), Outgoing::stream(vec![1]))
        .unwrap();
    rig.written();
    let Some(Outcome::Send(settled, Ok(sent))) = rig.outcome() else {
        panic!("not resolved")
    };
    assert_eq!((settled, sent.mid), (ticket, None));
    let ack = TimAck {
        t: sent.id,
        ..TimAck::refusal(PacketType::Message.as_i8(), ErrorCode::PermDenied)
    };
    rig.receive(PacketType::Ack, &ack);
    let Some(Event::ServerError {
        packet_type: 90, id, ..
    }) = rig.event()
    else {
        panic!("no event")
    };
    assert_eq!(id, sent.id);
}

#[test]
fn live_data_needs_a_connection_and_chat_does_not() {
    let mut rig = online();
    rig.session.closed(rig.now, "broken".into());
    let peer = rig.peer.clone();
    assert_eq!(
        rig.session.send(rig.now, &peer, Outgoing::stream(vec![1])),
        Err(SendError::NotConnected)
    );
    assert!(rig.session.send(rig.now, &peer, Outgoing::text("x")).is_ok());
    assert!(
        rig.session
            .send(rig.now, &peer, Outgoing::application(40))
            .is_ok()
    );
}

#[test]
fn impossible_messages_are_refused_before_anything_is_sent() {
    let config = SessionConfig {
        max_packet_bytes: 1000,
        ..SessionConfig::default()
    };
    let mut rig = online_with(config);
    let peer = rig.peer.clone();
    let mut send = |message| rig.session.send(rig.now, &peer, message);
    assert!(matches!(
        send(Outgoing::text("x".repeat(1000))),
        Err(SendError::TooLarge { limit: 1000, .. })
    ));
    assert!(matches!(
        send(Outgoing::application(30)),
        Err(SendError::Invalid(_))
    ));
    assert!(rig.written().is_empty());
}

#[test]
fn an_unconfirmed_message_breaks_the_connection_after_a_while() {
    let mut rig = online();
    rig.session
        .send(rig.now, &rig.peer.clone(), Outgoing::text("x"))
        .unwrap();
    let first = rig.written();
    for _ in 0..2 {
        rig.advance(Duration::from_secs(15));
        rig.session.receive(rig.now, &packet::pong());
    }
    assert!(matches!(
        rig.event(),
        Some(Event::Disconnected {
            reason: DisconnectReason::Unconfirmed,
            ..
        })
    ));
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    rig.advance(Duration::from_secs(2));
    assert_eq!(rig.session.poll_action(), Some(Action::Open));
    rig.session.opened(rig.now);
    rig.written();
    let ack = TimAck {
        n: Some(rig.own.to_string()),
        ..TimAck::success(PacketType::Auth.as_i8())
    };
    rig.receive(PacketType::Ack, &ack);
    assert_eq!(rig.written()[1..], first);
}

#[test]
fn closing_writes_acknowledgements_and_fails_what_is_unresolved() {
    let mut rig = online_with(SessionConfig {
        acknowledge: Acknowledge::WhenNextIsTaken,
        ..SessionConfig::default()
    });
    let (first, second) = (rig.message(1), rig.message(2));
    rig.deliver(PacketType::Message, 1, &first);
    rig.deliver(PacketType::Message, 2, &second);
    rig.event();
    let send = rig
        .session
        .send(rig.now, &rig.peer.clone(), Outgoing::text("x"))
        .unwrap();
    let request = rig.request(Request::Friends);
    rig.session.close(rig.now);
    assert_eq!(rig.written(), [packet::delivery_ack(1, Encoding::Compact)]);
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    assert_eq!(rig.outcome(), Some(Outcome::Send(send, Err(SendError::Closed))));
    assert_eq!(
        rig.outcome(),
        Some(Outcome::Request(request, Err(RequestError::Closed)))
    );
    assert_eq!(rig.event(), None);
    assert_eq!(
        rig.session.send(rig.now, &rig.peer.clone(), Outgoing::text("x")),
        Err(SendError::Closed)
    );
}

#[test]
fn an_abandoned_session_does_not_acknowledge_what_was_not_processed() {
    let mut rig = online_with(SessionConfig {
        acknowledge: Acknowledge::WhenNextIsTaken,
        ..SessionConfig::default()
    });
    let message = rig.message(1);
    rig.deliver(PacketType::Message, 1, &message);
    rig.event();
    rig.session.abandon();
    assert!(rig.written().is_empty());
}

#[test]
fn a_slow_application_costs_bounded_memory_and_loses_nothing() {
    let mut rig = online_with(SessionConfig {
        event_capacity: 8,
        ..SessionConfig::default()
    });
    for mid in 1..=100 {
        let message = rig.message(mid);
        rig.deliver(PacketType::Message, i32::try_from(mid).unwrap(), &message);
    }
    let mut taken = 0;
    while rig.session.status() == Status::Online {
        assert!(matches!(rig.event(), Some(Event::Message(_))));
        taken += 1;
    }
    assert_eq!(
        taken, 4,
        "with half the queue empty the rest is fetched over a new connection"
    );
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
}

#[test]
fn the_rate_of_packets_is_kept_below_the_limit() {
    let mut rig = online_with(SessionConfig {
        packets_per_second: 10,
        ..SessionConfig::default()
    });
    rig.now += Duration::from_secs(5);
    rig.session.tick(rig.now);
    for _ in 0..30 {
        rig.session
            .send(rig.now, &rig.peer.clone(), Outgoing::text("x"))
            .unwrap();
    }
    assert_eq!(rig.written().len(), 10);
    let deadline = rig.session.deadline().unwrap();
    assert!(deadline > rig.now && deadline <= rig.now + Duration::from_millis(100));
    rig.advance(deadline - rig.now);
    assert_eq!(rig.written().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn nothing_a_server_sends_makes_it_panic(
        packets in prop::collection::vec(
            (prop::sample::select(vec![12_u8, 13, 17, 18, 20, 21, 41, 42, 90, 91, 92, 94, 95, 96, 97, 0]),
             any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)),
            0..30),
        is_json in any::<bool>(),
    ) {
        let encoding = if is_json { Encoding::Json } else { Encoding::Compact };
        let mut rig = online_with(SessionConfig { encoding, event_capacity: 16, ..SessionConfig::default() });
        let peer = rig.peer.clone();
        for (kind, is_synchronous, payload) in packets {
            rig.session.send(rig.now, &peer, Outgoing::text("x")).ok();
            rig.session.request(rig.now, Request::Friends).ok();
            rig.written();
            let mut bytes = vec![kind | if is_synchronous { 0x80 } else { 0 }];
            bytes.extend(payload);
            rig.session.receive(rig.now, &bytes);
            rig.advance(Duration::from_millis(300));
            prop_assert!(rig.session.control.len() < MAX_CONTROL);
        }
        while rig.event().is_some() {}
    }
}

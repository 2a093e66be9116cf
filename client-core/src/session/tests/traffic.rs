//! Messages in both directions.

use proptest::prelude::*;

use super::*;

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
        .send(rig.now, rig.peer.clone(), Outgoing::stream(vec![1]))
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
        .send(rig.now, rig.peer.clone(), Outgoing::text("x"))
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
        .send(rig.now, rig.peer.clone(), Outgoing::text("x"))
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
        rig.session.send(rig.now, rig.peer.clone(), Outgoing::text("x")),
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
            .send(rig.now, rig.peer.clone(), Outgoing::text("x"))
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

//! Virtual rooms, live data, large data.

use tim_protocol::bigdata::{BigKind, BigPacket};
use tim_protocol::wire::TimStream;

use super::*;
use crate::room::RoomId;
use crate::stream::{Frame, Publication, SubscribeOptions, VirtualRoomAccess, VirtualRoomId};

fn channel() -> VirtualRoomId {
    node::wide_node_from_random([8; 15]).into()
}

fn done(rtype: i64, n: &str) -> TimAck {
    TimAck {
        t: Some(rtype),
        n: Some(n.to_owned()),
        ..TimAck::success(PacketType::VRoom.as_i8())
    }
}

fn frame(rig: &Rig, body: &[u8]) -> TimStream {
    TimStream {
        id: 5,
        vnode: channel().to_string(),
        dtype: Some(2),
        body: Some(body.to_vec().into()),
        from_node: rig.peer.to_string(),
    }
}

/// Subscribes, and the server agrees.
fn subscribe(rig: &mut Rig, options: SubscribeOptions) {
    rig.session.subscribe(rig.now, &channel(), options).unwrap();
    let request = rig.written_request();
    assert_eq!(
        (request.rtype, request.node.as_deref()),
        (Some(5), Some(channel().as_str()))
    );
    rig.receive(PacketType::Ack, &done(5, channel().as_str()));
    assert_eq!(rig.result(), Some(Ok(Reply::Done)));
}

fn taken(rig: &mut Rig) -> Option<Frame> {
    match rig.session.take_frame(&channel()) {
        Taken::Frame(frame) => Some(frame),
        _ => None,
    }
}

#[test]
fn a_virtual_room_is_created_with_its_restrictions() {
    in_both_encodings(|mut rig| {
        let room: RoomId = rig.peer.clone().into();
        let access = VirtualRoomAccess::open()
            .with_password("open sesame")
            .with_members_of(&room);
        rig.request(Request::CreateVirtualRoom(access));
        let request = rig.written_request();
        assert_eq!(
            (request.rtype, request.node2.as_deref()),
            (Some(1), Some(room.as_str()))
        );
        assert_eq!(request.req_str.as_deref(), Some("open sesame"));
        rig.receive(PacketType::Ack, &done(1, channel().as_str()));
        assert_eq!(rig.result(), Some(Ok(Reply::VirtualRoomCreated(channel()))));
    });
}

#[test]
fn grants_are_answered_by_room_or_user_and_refused_without_error_by_the_original() {
    let mut rig = online();
    let grant = |user: &Node| Request::VirtualRoom {
        room: channel(),
        operation: VirtualRoomOperation::Grant(user.clone()),
    };
    let peer = rig.peer.clone();
    for n in [channel().as_node().clone(), peer.clone()] {
        rig.request(grant(&peer));
        assert_eq!(rig.written_request().node2.as_deref(), Some(peer.as_str()));
        rig.receive(PacketType::Ack, &done(3, n.as_str()));
        assert_eq!(rig.result(), Some(Ok(Reply::Done)));
    }
    rig.request(grant(&peer));
    rig.written();
    let ack = TimAck {
        ok: false,
        ..done(3, peer.as_str())
    };
    rig.receive(PacketType::Ack, &ack);
    assert!(matches!(rig.result(), Some(Err(RequestError::Refused(refusal))) if refusal.code == 0));
}

#[test]
fn frames_of_both_forms_arrive_in_order() {
    in_both_encodings(|mut rig| {
        subscribe(&mut rig, SubscribeOptions::new());
        let structured = frame(&rig, b"one");
        rig.receive(PacketType::Stream, &structured);
        let binary = BigPacket {
            kind: BigKind::Stream,
            node: channel().into(),
            data: Bytes::from_static(b"\x83two"),
        };
        rig.session.receive(rig.now, &binary.to_client());
        assert_eq!(rig.session.poll_frames(), Some(channel()));
        assert_eq!(rig.session.poll_frames(), None, "announced once");
        let first = taken(&mut rig).unwrap();
        assert_eq!((first.from.as_ref(), first.kind), (Some(&rig.peer), Some(2)));
        assert_eq!(&first.body[..], b"one");
        let second = taken(&mut rig).unwrap();
        assert_eq!(
            (second.from, second.kind, &second.body[..]),
            (None, None, &b"\x83two"[..])
        );
        assert_eq!(rig.session.take_frame(&channel()), Taken::Nothing);
        assert_eq!(rig.event(), None);
    });
}

#[test]
fn frames_that_are_not_taken_are_dropped_oldest_first_and_counted() {
    let mut rig = online();
    subscribe(&mut rig, SubscribeOptions::new().with_buffer(3, 1 << 20));
    for number in 0..10 {
        let wire = frame(&rig, &[number]);
        rig.receive(PacketType::Stream, &wire);
    }
    assert_eq!(rig.session.dropped_frames(&channel()), 7);
    assert_eq!(taken(&mut rig).unwrap().body[..], [7]);

    // One frame always fits, however large.
    let mut rig = online();
    subscribe(&mut rig, SubscribeOptions::new().with_buffer(100, 1000));
    for _ in 0..3 {
        let wire = frame(&rig, &[0; 5000]);
        rig.receive(PacketType::Stream, &wire);
    }
    assert_eq!(rig.session.dropped_frames(&channel()), 2);
    assert!(taken(&mut rig).is_some());
}

#[test]
fn nobody_keeps_frames_that_were_not_subscribed_to() {
    let mut rig = online();
    let wire = frame(&rig, b"x");
    rig.receive(PacketType::Stream, &wire);
    assert_eq!((rig.session.poll_frames(), rig.event()), (None, None));
    subscribe(&mut rig, SubscribeOptions::new());
    let again = rig
        .session
        .subscribe(rig.now, &channel(), SubscribeOptions::new());
    assert!(matches!(again, Err(RequestError::Invalid(_))));
    rig.session.unsubscribe(rig.now, &channel());
    assert_eq!(rig.written_request().rtype, Some(6));
    rig.receive(PacketType::Stream, &wire);
    assert_eq!(rig.session.poll_frames(), None);
    assert_eq!(
        rig.session.take_frame(&channel()),
        Taken::Ended(RequestError::Closed)
    );
}

#[test]
fn a_refused_subscription_leaves_nothing_behind() {
    let mut rig = online();
    let options = SubscribeOptions::new().binary().with_password("wrong");
    rig.session
        .subscribe(rig.now, &channel(), options.clone())
        .unwrap();
    let request = rig.written_request();
    assert_eq!(
        (request.req_int, request.req_str.as_deref()),
        (Some(1), Some("wrong"))
    );
    rig.refuse(PacketType::VRoom, ErrorCode::PermDenied);
    assert!(matches!(rig.result(), Some(Err(RequestError::Refused(_)))));
    assert!(rig.come_back().is_empty());
    subscribe(&mut rig, options);
}

#[test]
fn subscriptions_are_made_anew_after_a_reconnect_until_the_virtual_room_is_gone() {
    let mut rig = online();
    subscribe(&mut rig, SubscribeOptions::new());
    // Twice in a row without an answer in between.
    for _ in 0..2 {
        let written = rig.come_back();
        assert_eq!(written.len(), 1);
        assert_eq!(kind(&written[0]), PacketType::VRoom);
    }
    rig.receive(PacketType::Ack, &done(5, channel().as_str()));
    let wire = frame(&rig, b"still here");
    rig.receive(PacketType::Stream, &wire);
    rig.come_back();
    rig.refuse(PacketType::VRoom, ErrorCode::Undefined);
    assert_eq!(rig.session.poll_frames(), Some(channel()));
    assert_eq!(&taken(&mut rig).unwrap().body[..], b"still here");
    let Taken::Ended(RequestError::Refused(reason)) = rig.session.take_frame(&channel()) else {
        panic!("not ended")
    };
    assert!(reason.is(ErrorCode::Undefined));
    assert!(rig.come_back().is_empty());
}

#[test]
fn the_end_of_the_session_ends_subscriptions() {
    let mut rig = online();
    subscribe(&mut rig, SubscribeOptions::new());
    rig.session.close(rig.now);
    assert_eq!(rig.session.poll_frames(), Some(channel()));
    assert_eq!(
        rig.session.take_frame(&channel()),
        Taken::Ended(RequestError::Closed)
    );
}

#[test]
fn frames_are_published_in_both_forms_and_need_a_connection() {
    in_both_encodings(|mut rig| {
        let structured = Publication::new(&b"\x01"[..]).with_kind(7);
        rig.session.publish(&channel(), structured).unwrap();
        rig.session
            .publish(&channel(), Publication::binary(&b"\x83\x02"[..]))
            .unwrap();
        let written = rig.written();
        let wire: TimStream = ClientPacket::parse(&written[0]).unwrap().decode().unwrap();
        assert_eq!((wire.vnode.as_str(), wire.dtype), (channel().as_str(), Some(7)));
        assert_eq!(kind(&written[1]), PacketType::BigBinaryStream);
        let announced = u32::from_be_bytes(written[1][1..5].try_into().unwrap());
        assert_eq!(announced as usize, written[1].len());
        assert!(written[1].ends_with(b"\x83\x83\x02"));
        assert!(matches!(rig.outcome(), Some(Outcome::Send(_, Ok(_)))));
        assert!(matches!(rig.outcome(), Some(Outcome::Send(_, Ok(_)))));

        let ack = TimAck {
            n: Some(channel().to_string()),
            ..TimAck::refusal(PacketType::Stream.as_i8(), ErrorCode::PermDenied)
        };
        rig.receive(PacketType::Ack, &ack);
        assert!(matches!(
            rig.event(),
            Some(Event::ServerError { packet_type: 94, about: Some(about), .. }) if about == *channel().as_node()
        ));
        rig.session.closed(rig.now, "broken".into());
        let refused = rig.session.publish(&channel(), Publication::new(&b"x"[..]));
        assert_eq!(refused, Err(SendError::NotConnected));
    });
}

#[test]
fn large_data_is_written_in_pieces_with_nothing_between_them() {
    in_both_encodings(|mut rig| {
        rig.session.config.max_packet_bytes = 2000;
        let text = "x".repeat(7000);
        let peer = rig.peer.clone();
        rig.session
            .send(rig.now, &peer, Outgoing::big_text(text.clone()))
            .unwrap();
        let mut pieces = vec![rig.session.poll_packet(rig.now).unwrap()];
        // A keep-alive and an acknowledgement become due in the middle.
        let message = rig.message(1);
        rig.deliver(PacketType::Message, 9, &message);
        rig.event();
        rig.advance(Duration::from_secs(15));
        pieces.extend(rig.written());
        let rest: Vec<_> = pieces.drain(4..).collect();
        assert_eq!(rest.len(), 2);
        assert!(pieces.iter().all(|piece| piece.len() <= 2000));
        let whole = pieces.concat();
        assert_eq!(kind(&whole), PacketType::BigString);
        assert_eq!(
            u32::from_be_bytes(whole[1..5].try_into().unwrap()) as usize,
            whole.len()
        );
        assert!(whole[5..].starts_with(format!("{peer}|").as_bytes()));
        assert!(whole.ends_with(text.as_bytes()));
    });
}

#[test]
fn data_above_the_limit_is_refused_before_anything_is_sent() {
    let mut rig = online_with(SessionConfig {
        max_big_bytes: 2 << 20,
        ..SessionConfig::default()
    });
    let large = vec![0; (2 << 20) + 1];
    let peer = rig.peer.clone();
    let refused = rig
        .session
        .send(rig.now, &peer, Outgoing::big_binary(large.clone()));
    assert!(matches!(refused, Err(SendError::TooLarge { limit, .. }) if limit == 2 << 20));
    let refused = rig
        .session
        .publish(&channel(), Publication::binary(large.clone()));
    assert!(matches!(refused, Err(SendError::TooLarge { .. })));
    let refused = rig.session.publish(&channel(), Publication::new(large));
    assert!(matches!(refused, Err(SendError::TooLarge { limit, .. }) if limit == 1 << 20));
    assert!(rig.written().is_empty());
}

//! Rooms: operations and their answers, messages, news.

use super::*;
use crate::message::Conversation;
use crate::room::{RoomId, RoomKind, RoomProfile};

fn room() -> RoomId {
    node::wide_node_from_random([7; 15]).into()
}

fn user() -> Node {
    node::wide_node_from_random([9; 15])
}

fn on(room: &RoomId, operation: RoomOperation) -> Request {
    Request::Room {
        room: room.clone(),
        operation,
    }
}

/// The answer to an operation of packet type 41.
fn done(rtype: i64, n: &str, n2: Option<&str>) -> TimAck {
    TimAck {
        t: Some(rtype),
        n: Some(n.to_owned()),
        n2: n2.map(str::to_owned),
        ..TimAck::success(PacketType::Business.as_i8())
    }
}

fn refused(rtype: i64, n: &str, code: ErrorCode) -> TimAck {
    TimAck {
        t: Some(rtype),
        n: Some(n.to_owned()),
        ..TimAck::refusal(PacketType::Business.as_i8(), code)
    }
}

/// A room message as the server delivers it.
fn delivered(rig: &Rig, from: &Node, mid: i64) -> TimMessage {
    TimMessage {
        ms_type: 3,
        from_tid: Some(address(from.as_str())),
        to_tid: None,
        room_tid: Some(address(room().as_str())),
        ..rig.message(mid)
    }
}

#[test]
fn every_operation_has_its_request_and_its_answer() {
    use RoomOperation as Op;
    in_both_encodings(|mut rig| {
        let (room, user) = (room(), user());
        let (r, u) = (Some(room.as_str()), Some(user.as_str()));
        for (operation, rtype, node2, text) in [
            (Op::Pull(user.clone()), 12, u, None),
            (
                Op::Reject {
                    user: user.clone(),
                    reason: "full".into(),
                },
                11,
                u,
                Some("full"),
            ),
            (Op::Kick(user.clone()), 13, u, None),
            (Op::Block, 14, None, None),
            (Op::BlockMember(user.clone()), 15, u, None),
            (Op::Leave, 16, None, None),
            (Op::Dissolve, 17, None, None),
        ] {
            rig.request(on(&room, operation));
            let request = rig.written_request();
            assert_eq!((request.rtype, request.node.as_deref()), (Some(rtype), r));
            assert_eq!(
                (request.node2.as_deref(), request.req_str.as_deref()),
                (node2, text)
            );
            // The answer to the same operation on another room is not for this one.
            let other = done(i64::from(rtype), rig.peer.as_str(), node2);
            rig.receive(PacketType::Ack, &other);
            assert_eq!(rig.result(), None);
            rig.receive(PacketType::Ack, &done(i64::from(rtype), room.as_str(), node2));
            assert_eq!(rig.result(), Some(Ok(Reply::Done)));
        }
    });
}

#[test]
fn a_new_room_is_named_by_the_answer() {
    in_both_encodings(|mut rig| {
        for (kind, gtype) in [(RoomKind::Private, 1), (RoomKind::Open, 2)] {
            let topic = "Choir".to_owned();
            rig.request(Request::CreateRoom { kind, topic });
            let request = rig.written_request();
            assert_eq!((request.rtype, request.req_int), (Some(8), Some(gtype)));
            assert_eq!(request.node.as_deref(), Some("Choir"));
            rig.receive(PacketType::Ack, &done(8, room().as_str(), None));
            assert_eq!(rig.result(), Some(Ok(Reply::RoomCreated(room()))));
        }
    });
}

#[test]
fn joining_is_answered_by_nothing_or_by_a_refusal() {
    in_both_encodings(|mut rig| {
        rig.request(on(&room(), RoomOperation::Join("I sing".into())));
        let request = rig.written_request();
        assert_eq!(
            (request.rtype, request.req_str.as_deref()),
            (Some(9), Some("I sing"))
        );
        rig.pass_fence();
        assert_eq!(rig.result(), Some(Ok(Reply::Done)));

        for detailed in [true, false] {
            rig.request(on(&room(), RoomOperation::Join(String::new())));
            rig.written();
            if detailed {
                rig.receive(PacketType::Ack, &refused(9, room().as_str(), ErrorCode::Block));
            } else {
                rig.refuse(PacketType::Business, ErrorCode::Block);
            }
            rig.pass_fence();
            let expected = Err(RequestError::Refused(refusal(ErrorCode::Block)));
            assert_eq!(rig.result(), Some(expected));
            assert_eq!((rig.result(), rig.event()), (None, None));
        }
    });
}

#[test]
fn a_refusal_that_comes_twice_does_not_hit_the_next_request() {
    let mut rig = online_with(SessionConfig {
        server: ServerKind::Original,
        ..SessionConfig::default()
    });
    rig.request(on(&room(), RoomOperation::Dissolve));
    rig.request(on(&room(), RoomOperation::Leave));
    rig.written();
    rig.receive(
        PacketType::Ack,
        &refused(17, room().as_str(), ErrorCode::PermDenied),
    );
    rig.refuse(PacketType::Business, ErrorCode::PermDenied);
    rig.receive(PacketType::Ack, &done(16, room().as_str(), None));
    let denied = RequestError::Refused(refusal(ErrorCode::PermDenied));
    assert_eq!(rig.result(), Some(Err(denied)));
    assert_eq!(rig.result(), Some(Ok(Reply::Done)));
    assert_eq!(rig.event(), None);

    // Much later it is another refusal.
    rig.request(on(&room(), RoomOperation::Kick(user())));
    rig.written();
    rig.advance(Duration::from_secs(3));
    rig.refuse(PacketType::Business, ErrorCode::PermDenied);
    assert!(matches!(rig.result(), Some(Err(RequestError::Refused(_)))));
}

#[test]
fn lists_of_two_rooms_are_not_mixed_up_and_empty_ones_are_known() {
    in_both_encodings(|mut rig| {
        let other: RoomId = user().into();
        rig.request(on(&room(), RoomOperation::Members));
        rig.request(on(&other, RoomOperation::Members));
        rig.request(Request::Rooms);
        rig.request(Request::BlockedRooms);
        rig.request(on(&room(), RoomOperation::BlockedMembers));
        rig.written();
        let members = TimNodes {
            node: Some(other.to_string()),
            ..nodes(3, &[&rig.own.clone()])
        };
        rig.pass_fence();
        rig.receive(PacketType::Nodes, &members);
        rig.pass_fence();
        rig.receive(PacketType::Nodes, &nodes(2, &[other.as_node()]));
        rig.pass_fence();
        rig.pass_fence();
        let blocked = nodes(10, &[&rig.peer.clone()]);
        rig.receive(PacketType::Nodes, &blocked);
        rig.pass_fence();
        let replies: Vec<_> = std::iter::from_fn(|| rig.result()).map(Result::unwrap).collect();
        assert_eq!(
            replies,
            [
                Reply::Nodes(vec![]),
                Reply::Nodes(vec![rig.own.clone()]),
                Reply::Rooms(vec![other.clone()]),
                Reply::Rooms(vec![]),
                Reply::Nodes(vec![rig.peer.clone()]),
            ]
        );
    });
}

#[test]
fn a_room_message_is_confirmed_by_the_own_copy_which_is_no_event() {
    in_both_encodings(|mut rig| {
        let ticket = rig
            .session
            .send(rig.now, room(), Outgoing::text("hello"))
            .unwrap();
        let written = rig.written();
        let sent: TimMessage = ClientPacket::parse(&written[0]).unwrap().decode().unwrap();
        assert_eq!((sent.ms_type, sent.od_type), (3, 1));
        assert_eq!(sent.room_tid.as_ref().unwrap().node, room().as_str());
        assert!(sent.to_tid.is_none());
        let mut copy = delivered(&rig, &rig.own, 4);
        copy.data_string = sent.data_string;
        copy.id = sent.id;
        rig.deliver(PacketType::Message, 71, &copy);
        let Some(Outcome::Send(settled, Ok(sent))) = rig.outcome() else {
            panic!("not confirmed")
        };
        assert_eq!((settled, sent.mid), (ticket, Mid::new(4)));
        assert_eq!(rig.written(), [packet::delivery_ack(71, rig.encoding())]);
        // The server repeats what was acknowledged too late, and offers it again after a reconnect.
        rig.deliver(PacketType::Message, 72, &copy);
        copy.id = None;
        rig.deliver(PacketType::Message, 73, &copy);
        let written = rig.written_types();
        let acks = written.iter().filter(|kind| **kind == PacketType::Ack);
        assert_eq!(acks.count(), 2);
        assert_eq!(rig.event(), None);
    });
}

#[test]
fn an_own_message_that_comes_back_before_its_repeat_is_written_is_confirmed_by_that() {
    for to_room in [true, false] {
        in_both_encodings(|mut rig| {
            let peer = rig.peer.clone();
            let target = if to_room {
                room().into()
            } else {
                Conversation::Peer(peer.clone())
            };
            let ticket = rig
                .session
                .send(rig.now, target, Outgoing::text("hello"))
                .unwrap();
            let written = rig.written();
            let sent: TimMessage = ClientPacket::parse(&written[0]).unwrap().decode().unwrap();
            // It was stored, but the connection broke before the confirmation.
            rig.lose_and_reconnect();
            rig.written();
            let mut copy = if to_room {
                delivered(&rig, &rig.own, 1)
            } else {
                TimMessage {
                    from_tid: Some(address(rig.own.as_str())),
                    to_tid: Some(address(peer.as_str())),
                    ..rig.message(1)
                }
            };
            copy.data_string = sent.data_string;
            copy.id = sent.id;
            copy.is_offline = Some(true);
            let ack = TimAck {
                n: Some(rig.own.to_string()),
                ..TimAck::success(PacketType::Auth.as_i8())
            };
            rig.receive(PacketType::Ack, &ack);
            let list = TimMessageList {
                id: Some(1),
                message_list: Some(vec![copy]),
            };
            rig.deliver(PacketType::OfflineMsg, 5, &list);
            assert!(matches!(rig.outcome(), Some(Outcome::Send(settled, Ok(_))) if settled == ticket));
            assert!(matches!(rig.event(), Some(Event::Connected { .. })));
            assert_eq!(rig.event(), None);
            let written = rig.written_types();
            assert!(!written.contains(&PacketType::Message), "it is not sent again");
        });
    }
}

#[test]
fn messages_of_a_room_and_of_a_user_are_numbered_apart() {
    in_both_encodings(|mut rig| {
        let peer = rig.peer.clone();
        let (in_room, direct) = (delivered(&rig, &peer, 1), rig.message(1));
        let mut private = rig.message(2);
        private.room_tid = Some(address(room().as_str()));
        for (send_id, message) in (1..).zip([&in_room, &direct, &private, &in_room]) {
            rig.deliver(PacketType::Message, send_id, message);
        }
        let mut next = || match rig.event() {
            Some(Event::Message(message)) => (message.conversation, message.inside, message.mid),
            other => panic!("{other:?}"),
        };
        let with_peer = Conversation::Peer(peer.clone());
        assert_eq!(next(), (Conversation::Room(room()), None, Mid::new(1)));
        assert_eq!(next(), (with_peer.clone(), None, Mid::new(1)));
        assert_eq!(next(), (with_peer, Some(room()), Mid::new(2)));
        assert_eq!(rig.event(), None);
    });
}

#[test]
fn a_private_message_inside_a_room_names_both() {
    let mut rig = online();
    let message = Outgoing::text("psst").inside(&room());
    rig.session.send(rig.now, user(), message).unwrap();
    let written = rig.written();
    let sent: TimMessage = ClientPacket::parse(&written[0]).unwrap().decode().unwrap();
    assert_eq!(sent.ms_type, 2);
    assert_eq!(sent.to_tid.unwrap().node, user().as_str());
    assert_eq!(sent.room_tid.unwrap().node, room().as_str());
    for (target, message) in [
        (room().into(), Outgoing::text("x").inside(&room())),
        (Conversation::System, Outgoing::text("x")),
    ] {
        let refused = rig.session.send(rig.now, target, message);
        assert!(matches!(refused, Err(SendError::Invalid(_))));
    }
}

#[test]
fn live_data_for_a_room_does_not_come_back_to_the_session_that_sent_it() {
    in_both_encodings(|mut rig| {
        for message in [Outgoing::stream(vec![1]), Outgoing::application(40)] {
            rig.session.send(rig.now, room(), message).unwrap();
            let written = rig.written();
            let sent: TimMessage = ClientPacket::parse(&written[0]).unwrap().decode().unwrap();
            let mut copy = TimMessage {
                od_type: sent.od_type,
                id: sent.id,
                mid: None,
                ..delivered(&rig, &rig.own, 1)
            };
            rig.receive(PacketType::Message, &copy);
            assert_eq!(rig.event(), None);
            // Of another device it is news.
            copy.id = Some(1);
            rig.receive(PacketType::Message, &copy);
            assert!(matches!(rig.event(), Some(Event::Message(message)) if message.outgoing));
        }
    });
}

#[test]
fn a_recall_in_a_room_is_confirmed_by_its_answer() {
    in_both_encodings(|mut rig| {
        let mid = Mid::new(5).unwrap();
        let recall = || Request::Recall {
            conversation: room().into(),
            mid,
        };
        rig.request(recall());
        let written = rig.written();
        assert_eq!(kind(&written[0]), PacketType::RevokeMessage);
        let sent: TimMessage = ClientPacket::parse(&written[0]).unwrap().decode().unwrap();
        assert_eq!((sent.ms_type, sent.od_type, sent.mid), (3, 2, Some(5)));
        let answer = |mid| TimAck {
            t: Some(3),
            t2: Some(mid),
            n: Some(room().to_string()),
            ..TimAck::success(PacketType::RevokeMessage.as_i8())
        };
        rig.receive(PacketType::Ack, &answer(6));
        assert_eq!(rig.result(), None);
        rig.receive(PacketType::Ack, &answer(5));
        assert_eq!(rig.result(), Some(Ok(Reply::Done)));
        let mut removal = delivered(&rig, &rig.own, 5);
        removal.od_type = 2;
        rig.deliver(PacketType::Message, 1, &removal);
        let Some(Event::Recalled(removal)) = rig.event() else {
            panic!("no event")
        };
        assert_eq!(
            (removal.conversation, removal.mid),
            (Conversation::Room(room()), mid)
        );

        rig.request(recall());
        rig.written();
        rig.refuse(PacketType::RevokeMessage, ErrorCode::PermDenied);
        let denied = RequestError::Refused(refusal(ErrorCode::PermDenied));
        assert_eq!(rig.result(), Some(Err(denied)));
    });
}

#[test]
fn pages_of_a_room_and_of_a_user_are_not_mixed_up() {
    in_both_encodings(|mut rig| {
        let history = |conversation: Conversation| Request::History {
            conversation,
            start: HistoryStart::At(Mid::new(9).unwrap()),
            limit: 10,
        };
        rig.request(history((&rig.peer).into()));
        rig.written();
        rig.request(history(room().into()));
        let request = rig.written_request();
        assert_eq!((request.rtype, request.req_int), (Some(2), Some(9)));
        let page = TimMessageList {
            id: None,
            message_list: Some(vec![delivered(&rig, &user(), 3), delivered(&rig, &rig.own, 2)]),
        };
        rig.receive(PacketType::PullMessage, &page);
        let Some(Ok(Reply::History(page))) = rig.result() else {
            panic!("no page")
        };
        assert!(page.iter().all(|message| message.conversation == room().into()));
        assert_eq!((page[0].outgoing, page[1].outgoing), (false, true));
        rig.pass_fence();
        assert_eq!(rig.result(), Some(Ok(Reply::History(Vec::new()))));
    });
}

#[test]
fn news_about_rooms_name_room_and_person() {
    in_both_encodings(|mut rig| {
        for (number, kind, has_sender) in [
            (9, NoticeKind::JoinRequest, true),
            (10, NoticeKind::RoomJoined, false),
            (11, NoticeKind::JoinRefused, true),
            (12, NoticeKind::RoomAdded, true),
            (13, NoticeKind::RoomRemoved, true),
        ] {
            let notice = TimMessage {
                od_type: 4,
                bn_type: Some(number),
                id: Some(i64::from(number)),
                mid: None,
                room_tid: Some(address(room().as_str())),
                from_tid: has_sender.then(|| address(user().as_str())),
                ..rig.message(1)
            };
            rig.deliver(PacketType::Message, number, &notice);
            let Some(Event::Notice(notice)) = rig.event() else {
                panic!("no notice")
            };
            assert_eq!((notice.kind, notice.room), (kind, Some(room())));
            assert_eq!(notice.from, has_sender.then(user));
        }
    });
}

#[test]
fn a_room_message_without_room_is_unreadable_and_acknowledged() {
    let mut rig = online();
    let mut message = delivered(&rig, &user(), 1);
    message.room_tid = None;
    rig.deliver(PacketType::Message, 3, &message);
    assert!(matches!(rig.event(), Some(Event::Unreadable { .. })));
    assert_eq!(rig.written(), [packet::delivery_ack(3, Encoding::Compact)]);
}

#[test]
fn a_change_of_the_profile_carries_only_what_is_set() {
    in_both_encodings(|mut rig| {
        let profile = RoomProfile::new()
            .with_topic("New")
            .with_managers([user()])
            .with_category(3);
        rig.request(on(&room(), RoomOperation::SetProfile(Box::new(profile))));
        let written = rig.written();
        assert_eq!(kind(&written[0]), PacketType::Nodes);
        let wire: TimNodes = ClientPacket::parse(&written[0]).unwrap().decode().unwrap();
        assert_eq!(wire.ntype, 7);
        let map = wire.roommap.unwrap();
        let bean = &map[room().as_str()];
        assert_eq!((bean.topic.as_deref(), bean.kind), (Some("New"), Some(3)));
        assert_eq!(bean.managers.as_deref(), Some(&[user().to_string()][..]));
        assert_eq!((&bean.cover, &bean.founder, bean.gtype), (&None, &None, None));
        let ack = TimAck {
            t: Some(7),
            ..TimAck::success(PacketType::Nodes.as_i8())
        };
        rig.receive(PacketType::Ack, &ack);
        assert_eq!(rig.result(), Some(Ok(Reply::Done)));
    });
}

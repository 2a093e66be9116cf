//! Requests and how their answers find them.

use super::*;

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
    rig.pass_fence();
    assert!(matches!(rig.result(), Some(Ok(Reply::Nodes(list))) if list.len() == 1));
}

#[test]
fn a_list_may_come_in_several_packets() {
    let mut rig = online();
    rig.request(Request::Friends);
    rig.written();
    let (own, peer) = (rig.own.clone(), rig.peer.clone());
    rig.receive(PacketType::Nodes, &nodes(1, &[&own]));
    rig.receive(PacketType::Nodes, &nodes(1, &[&peer]));
    assert_eq!(rig.result(), None);
    rig.pass_fence();
    assert_eq!(rig.result(), Some(Ok(Reply::Nodes(vec![own, peer]))));
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
        conversation: peer.into(),
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
        conversation: rig.peer.clone().into(),
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

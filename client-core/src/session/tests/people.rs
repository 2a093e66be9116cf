//! Profiles and presence.

use std::collections::BTreeMap;

use tim_protocol::wire::{TimPresence, TimRoomBean, TimUserBean};

use super::*;
use crate::presence::{Presence, SubStatus};
use crate::user::UserProfile;

fn presence(rig: &Rig, from: &Node) -> TimPresence {
    TimPresence {
        show: Some(0),
        status: Some("lunch".into()),
        from_tid: Some(Tid {
            resource: Some("phone".into()),
            ..address(from.as_str())
        }),
        to_tid: Some(address(rig.own.as_str())),
        ..TimPresence::default()
    }
}

fn wire_presence(packet: &[u8]) -> TimPresence {
    ClientPacket::parse(packet).unwrap().decode().unwrap()
}

/// Sets a presence and lets the server take it.
fn set(rig: &mut Rig, status: &str) {
    rig.request(Request::SetPresence(Presence::new().with_status(status)));
    let written = rig.written();
    assert_eq!(kind(&written[0]), PacketType::BroadPresence);
    rig.pass_fence();
    assert_eq!(rig.result(), Some(Ok(Reply::Done)));
}

#[test]
fn profiles_are_found_by_whom_they_are_about() {
    in_both_encodings(|mut rig| {
        let (own, peer) = (rig.own.clone(), rig.peer.clone());
        rig.request(Request::Users(vec![own.clone()]));
        rig.request(Request::Users(vec![peer.clone(), own]));
        rig.request(Request::RoomProfiles(vec![peer.clone().into()]));
        rig.written();
        let bean = TimUserBean {
            nick_name: Some("Bob".into()),
            brithday: Some("1 May".into()),
            createtime: Some(7),
            ..TimUserBean::default()
        };
        let answer = TimNodes {
            ntype: 4,
            usermap: Some(BTreeMap::from([(peer.to_string(), bean)])),
            ..TimNodes::default()
        };
        rig.receive(PacketType::Nodes, &answer);
        let Some(Ok(Reply::Users(found))) = rig.result() else {
            panic!("no profiles")
        };
        let profile = &found[&peer];
        assert_eq!(profile.nickname.as_deref(), Some("Bob"));
        assert_eq!(profile.birthday.as_deref(), Some("1 May"));
        assert_eq!(profile.created.unwrap().nanos(), 7);
        rig.pass_fence();
        assert_eq!(rig.result(), Some(Ok(Reply::Users(BTreeMap::new()))));
        rig.pass_fence();
        let bean = TimRoomBean {
            gtype: Some(1),
            managers: Some(vec![peer.to_string(), "not a node".into()]),
            ..TimRoomBean::default()
        };
        let answer = TimNodes {
            ntype: 5,
            roommap: Some(BTreeMap::from([(peer.to_string(), bean)])),
            ..TimNodes::default()
        };
        rig.receive(PacketType::Nodes, &answer);
        let Some(Ok(Reply::RoomProfiles(found))) = rig.result() else {
            panic!("no profiles")
        };
        let profile = &found[&peer.clone().into()];
        assert_eq!(profile.kind, Some(crate::RoomKind::Private));
        assert_eq!(profile.managers, Some(vec![peer]));
    });
}

#[test]
fn the_own_profile_is_changed_and_its_size_is_limited() {
    let mut rig = online_with(SessionConfig {
        max_packet_bytes: 1000,
        ..SessionConfig::default()
    });
    let profile = UserProfile::new()
        .with_nickname("Al")
        .with_field("colour", "blue");
    rig.request(Request::SetProfile(Box::new(profile)));
    let written = rig.written();
    let wire: TimNodes = ClientPacket::parse(&written[0]).unwrap().decode().unwrap();
    let map = wire.usermap.unwrap();
    assert_eq!((wire.ntype, map.len()), (6, 1));
    assert_eq!(map[""].nick_name.as_deref(), Some("Al"));
    assert_eq!((&map[""].name, map[""].createtime), (&None, None));
    rig.refuse(PacketType::Nodes, ErrorCode::Params);
    assert!(matches!(rig.result(), Some(Err(RequestError::Refused(_)))));

    let large = UserProfile::new().with_area("x".repeat(1000));
    let refused = rig.session.request(rig.now, Request::SetProfile(Box::new(large)));
    assert!(matches!(refused, Err(RequestError::Invalid(_))));
}

#[test]
fn the_presence_of_others_is_an_event() {
    in_both_encodings(|mut rig| {
        let peer = rig.peer.clone();
        let wire = presence(&rig, &peer);
        rig.receive(PacketType::Presence, &wire);
        let Some(Event::PresenceChanged(change)) = rig.event() else {
            panic!("no event")
        };
        assert_eq!((&change.from, change.offline), (&peer, false));
        assert_eq!((change.show, change.status.as_deref()), (Some(0), Some("lunch")));
        assert_eq!(change.device.unwrap().resource.as_deref(), Some("phone"));
        let gone = TimPresence {
            offline: Some(true),
            ..presence(&rig, &peer)
        };
        rig.receive(PacketType::Presence, &gone);
        assert!(matches!(rig.event(), Some(Event::PresenceChanged(change)) if change.offline));
    });
}

#[test]
fn the_last_presence_is_told_again_after_a_reconnect_and_when_others_believe_otherwise() {
    in_both_encodings(|mut rig| {
        assert!(rig.come_back().is_empty(), "nothing was set yet");
        set(&mut rig, "first");
        set(&mut rig, "second");
        let written = rig.come_back();
        assert_eq!(written.len(), 1);
        assert_eq!(kind(&written[0]), PacketType::BroadPresence);
        assert_eq!(wire_presence(&written[0]).status.as_deref(), Some("second"));

        let own = rig.own.clone();
        for _ in 0..3 {
            let gone = TimPresence {
                offline: Some(true),
                ..presence(&rig, &own)
            };
            rig.receive(PacketType::Presence, &gone);
        }
        assert_eq!(rig.written_types(), [PacketType::BroadPresence]);
        assert_eq!(rig.event(), None);
    });
}

#[test]
fn a_presence_that_was_refused_is_not_remembered() {
    let mut rig = online();
    rig.request(Request::SetPresence(Presence::new()));
    rig.written();
    rig.refuse(PacketType::BroadPresence, ErrorCode::Interface);
    assert!(matches!(rig.result(), Some(Err(RequestError::Refused(_)))));
    assert!(rig.come_back().is_empty());
}

#[test]
fn a_presence_goes_to_one_or_to_a_list() {
    let mut rig = online();
    let (own, peer) = (rig.own.clone(), rig.peer.clone());
    let presence = Presence::new().with_show(3).asking();
    for to in [vec![peer.clone()], vec![own, peer]] {
        let (length, first) = (to.len(), to[0].to_string());
        let presence = presence.clone();
        rig.request(Request::SendPresence { to, presence });
        let written = rig.written();
        assert_eq!(kind(&written[0]), PacketType::Presence);
        let wire = wire_presence(&written[0]);
        assert_eq!((wire.show, wire.sub_status), (Some(3), Some(1)));
        assert_eq!(wire.to_tid.map(|tid| tid.node), (length == 1).then_some(first));
        assert_eq!(
            wire.to_list.map(|list| list.len()),
            (length > 1).then_some(length)
        );
        rig.refuse(PacketType::Presence, ErrorCode::Account);
        rig.pass_fence();
        assert!(matches!(rig.result(), Some(Err(RequestError::Refused(_)))));
    }
}

#[test]
fn who_asks_for_the_presence_gets_it_only_when_that_is_wanted() {
    for answers in [false, true] {
        let mut rig = online_with(SessionConfig {
            answer_presence: answers,
            ..SessionConfig::default()
        });
        let peer = rig.peer.clone();
        let ask = TimPresence {
            sub_status: Some(1),
            ..presence(&rig, &peer)
        };
        rig.receive(PacketType::Presence, &ask);
        assert!(rig.written().is_empty(), "nothing was set yet");
        set(&mut rig, "here");
        rig.receive(PacketType::Presence, &ask);
        rig.receive(PacketType::Presence, &ask);
        let written = rig.written();
        assert_eq!(written.len(), usize::from(answers));
        if answers {
            let wire = wire_presence(&written[0]);
            assert_eq!((wire.sub_status, wire.status.as_deref()), (Some(2), Some("here")));
            assert_eq!(wire.to_tid.unwrap().node, peer.as_str());
        }
        for _ in 0..3 {
            assert!(matches!(
                rig.event(),
                Some(Event::PresenceChanged(change)) if change.sub_status == Some(SubStatus::Subscribe)
            ));
        }
    }
}

#[test]
fn a_flood_of_presence_is_bounded_and_loses_no_message() {
    let mut rig = online_with(SessionConfig {
        event_capacity: 16,
        answer_presence: true,
        ..SessionConfig::default()
    });
    set(&mut rig, "here");
    for number in 0..3000_u32 {
        let mut bytes = [0; 15];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        let mut wire = presence(&rig, &node::wide_node_from_random(bytes));
        wire.sub_status = Some(1);
        rig.receive(PacketType::Presence, &wire);
    }
    let message = rig.message(1);
    rig.deliver(PacketType::Message, 1, &message);
    let events: Vec<_> = std::iter::from_fn(|| rig.event()).collect();
    assert!(events.len() <= 18, "{}", events.len());
    assert!(events.iter().any(|event| matches!(event, Event::Message(_))));
    assert!(events.contains(&Event::Dropped { count: 2984 }));
    assert!(rig.written().len() <= 1025);
}

//! Profiles of users and rooms: reading, changing, who may (wire-protocol 7.15, 11.1 row 5; W-12).

use std::collections::BTreeMap;

use tim_protocol::wire::{TimAck, TimNodes, TimRoomBean, TimUserBean};
use tim_tests::people::operation;
use tim_tests::rooms::{people, room_change, room_operation as room, unknown_node};
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, secrets, shared,
};

const USERS: i32 = 4;
const ROOMS: i32 = 5;
const MODIFY_USER: i32 = 6;
const MODIFY_ROOM: i32 = 7;

fn about(ntype: i32, nodes: &[&str]) -> TimNodes {
    TimNodes {
        ntype,
        nodelist: Some(nodes.iter().map(|&node| node.to_owned()).collect()),
        ..TimNodes::default()
    }
}

fn change(key: &str, profile: TimUserBean) -> TimNodes {
    TimNodes {
        ntype: MODIFY_USER,
        usermap: Some(BTreeMap::from([(key.to_owned(), profile)])),
        ..TimNodes::default()
    }
}

fn texts(key: &str, value: &str) -> Option<BTreeMap<String, String>> {
    Some(BTreeMap::from([(key.to_owned(), value.to_owned())]))
}

/// The answer to a question; `None` when nothing is sent.
async fn ask(client: &mut Client, request: &TimNodes) -> Option<TimNodes> {
    client.send(PacketType::Nodes, request).await;
    let mut all = client.drain().await;
    assert!(all.len() <= 1, "one answer at most: {all:?}");
    all.pop().map(|answer| answer.nodes())
}

async fn done(client: &mut Client, request: &TimNodes) -> TimAck {
    client.send(PacketType::Nodes, request).await;
    client.take(PacketType::Ack).await.success(PacketType::Nodes)
}

/// The refusal must be the only answer, in the plain form.
async fn refused(client: &mut Client, request: &TimNodes, code: ErrorCode) {
    client.send(PacketType::Nodes, request).await;
    let all = client.drain().await;
    assert_eq!(all.len(), 1, "one answer to {request:?}: {all:?}");
    let ack = all[0].refusal(PacketType::Nodes, code);
    assert_eq!((ack.t, ack.n, ack.n2), (None, None, None));
}

async fn profile_of(client: &mut Client, node: &str) -> Option<TimUserBean> {
    ask(client, &about(USERS, &[node])).await?.usermap?.remove(node)
}

/// Covers: 7.15-user-1
async fn profiles_of_users_come_by_node(encoding: Encoding) {
    let server = shared();
    let ([a_is, b_is], [mut a, mut b]) = people(&server, |_| encoding).await;
    let elsewhere = Person::register_in(&server, Some("elsewhere")).await;
    let profile = TimUserBean {
        name: Some(secrets::text("Anna")),
        gender: Some(2),
        photo_tid_album: Some(vec!["one".to_owned(), "two".to_owned()]),
        extend: texts("colour", "green"),
        extra: Some(BTreeMap::from([("key".to_owned(), vec![0, 255, 7].into())])),
        ..TimUserBean::default()
    };
    done(&mut a, &change("", profile.clone())).await;
    let unknown = unknown_node();
    let mut question = about(
        USERS,
        &[&a_is.node, &unknown, "no|node", &b_is.node, &elsewhere.node],
    );
    question.node = Some("what I need it for".to_owned());
    let answer = ask(&mut b, &question).await.unwrap();
    assert_eq!((answer.ntype, answer.node), (USERS, question.node));
    let users = answer.usermap.unwrap();
    assert_eq!(users.len(), 2, "unknown ones are left out: {users:?}");
    let of_a = &users[&a_is.node];
    assert!(of_a.createtime.is_some_and(|time| time > 0));
    let with_time = TimUserBean {
        createtime: of_a.createtime,
        ..profile
    };
    assert_eq!(*of_a, with_time);
    let only_time = TimUserBean {
        createtime: users[&b_is.node].createtime,
        ..TimUserBean::default()
    };
    assert_eq!(users[&b_is.node], only_time, "nothing was set");
    assert!(only_time.createtime.is_some());
}

/// Covers: 7.15-user-2, 7.15-room-3
async fn questions_name_one_to_a_thousand_nodes(encoding: Encoding) {
    let server = shared();
    let (_, [mut a]) = people(&server, |_| encoding).await;
    for ntype in [USERS, ROOMS] {
        let nothing = TimNodes {
            ntype,
            ..TimNodes::default()
        };
        refused(&mut a, &nothing, ErrorCode::Params).await;
        refused(&mut a, &about(ntype, &[]), ErrorCode::Params).await;
        let me = a.node.clone();
        refused(
            &mut a,
            &about(ntype, &vec![me.as_str(); 1_001]),
            ErrorCode::Params,
        )
        .await;
        assert_eq!(
            ask(&mut a, &about(ntype, &[&unknown_node(), "no|node"])).await,
            None
        );
    }
    let me = a.node.clone();
    let answer = ask(&mut a, &about(USERS, &vec![me.as_str(); 1_000]))
        .await
        .unwrap();
    assert_eq!(answer.usermap.unwrap().len(), 1);
}

/// Covers: 7.15-modify-1, 7.15-modify-2
async fn a_change_replaces_what_is_set_and_leaves_the_rest(encoding: Encoding) {
    let server = shared();
    let ([a_is, b_is], [mut a, mut b]) = people(&server, |_| encoding).await;
    let first = TimUserBean {
        name: Some("Anna".to_owned()),
        area: Some("here".to_owned()),
        extend: texts("colour", "green"),
        ..TimUserBean::default()
    };
    let ack = done(&mut a, &change("", first)).await;
    assert_eq!((ack.t, ack.n), (Some(i64::from(MODIFY_USER)), None));
    let created = profile_of(&mut b, &a_is.node).await.unwrap().createtime;
    // The key is of no importance: nobody changes the profile of another.
    let second = TimUserBean {
        name: Some("Anne".to_owned()),
        createtime: Some(1),
        extend: texts("taste", "sweet"),
        ..TimUserBean::default()
    };
    done(&mut a, &change(&b_is.node, second)).await;
    let now = profile_of(&mut b, &a_is.node).await.unwrap();
    assert_eq!(
        (now.name.as_deref(), now.area.as_deref()),
        (Some("Anne"), Some("here"))
    );
    assert_eq!(
        now.extend,
        texts("taste", "sweet"),
        "a map is replaced as a whole"
    );
    assert_eq!(now.createtime, created);
    assert_eq!(profile_of(&mut a, &b_is.node).await.unwrap().name, None);
}

/// Covers: 7.15-modify-3
async fn a_change_has_exactly_one_profile_of_limited_size(encoding: Encoding) {
    let server = shared();
    let (_, [mut a]) = people(&server, |_| encoding).await;
    let me = a.node.clone();
    let none = TimNodes {
        ntype: MODIFY_USER,
        ..TimNodes::default()
    };
    let mut two = change("one", TimUserBean::default());
    two.usermap
        .as_mut()
        .unwrap()
        .insert("two".to_owned(), TimUserBean::default());
    let too_long = TimUserBean {
        area: Some("x".repeat(65 << 10)),
        ..TimUserBean::default()
    };
    let many = (0..257).map(|number| (number.to_string(), String::new()));
    let too_many = TimUserBean {
        extend: Some(many.collect()),
        ..TimUserBean::default()
    };
    for request in [none, two, change("", too_long), change("", too_many)] {
        refused(&mut a, &request, ErrorCode::Params).await;
    }
    // What is small by itself may not grow beyond the limit together.
    let half = "x".repeat(40 << 10);
    let area = TimUserBean {
        area: Some(half.clone()),
        ..TimUserBean::default()
    };
    let cover = TimUserBean {
        cover: Some(half.clone()),
        ..TimUserBean::default()
    };
    done(&mut a, &change("", area)).await;
    refused(&mut a, &change("", cover), ErrorCode::Params).await;
    let now = profile_of(&mut a, &me).await.unwrap();
    assert_eq!((now.area, now.cover), (Some(half), None));
}

/// Covers: 7.15-room-1, 7.15-modify-4, 7.15-modify-5
async fn staff_changes_the_profile_of_a_room(encoding: Encoding) {
    let server = shared();
    let ([founder_is, manager_is, other_is], [mut founder, mut manager, mut other]) =
        people(&server, |_| encoding).await;
    let open = founder.create_room(true).await;
    manager.join_room(&open).await;
    other.join_room(&open).await;
    founder.appoint(&open, &[&manager_is.node]).await;
    let before = other.room_profile(&open).await.unwrap();
    assert_eq!(before.founder.as_deref(), Some(founder_is.node.as_str()));
    assert_eq!(before.managers, Some(vec![manager_is.node.clone()]));
    assert_eq!(before.topic, Some(secrets::text("a room")));
    assert_eq!(before.gtype, Some(2));
    assert!(before.createtime.is_some_and(|time| time > 0));
    let profile = TimRoomBean {
        cover: Some("picture".to_owned()),
        topic: Some(secrets::text("another title")),
        label: Some("label".to_owned()),
        kind: Some(7),
        extend: texts("key", "value"),
        // Not for anybody to change.
        founder: Some(manager_is.node.clone()),
        gtype: Some(1),
        createtime: Some(1),
        ..TimRoomBean::default()
    };
    let ack = manager.change_room(&open, profile.clone()).await;
    assert!(ack.ok, "{ack:?}");
    assert_eq!((ack.t, ack.n), (Some(i64::from(MODIFY_ROOM)), None));
    let expected = TimRoomBean {
        founder: before.founder,
        managers: before.managers,
        gtype: before.gtype,
        createtime: before.createtime,
        ..profile.clone()
    };
    assert_eq!(other.room_profile(&open).await, Some(expected));
    let managers = TimRoomBean {
        managers: Some(vec![other_is.node.clone()]),
        ..TimRoomBean::default()
    };
    refused(
        &mut manager,
        &room_change(&open, managers.clone()),
        ErrorCode::PermDenied,
    )
    .await;
    for request in [profile, managers] {
        refused(&mut other, &room_change(&open, request), ErrorCode::PermDenied).await;
    }
}

async fn managers_are_members_and_at_most_two_hundred(encoding: Encoding) {
    let server = shared();
    let ([founder_is, member_is, stranger_is], [mut founder, mut member, _stranger]) =
        people(&server, |_| encoding).await;
    let open = founder.create_room(true).await;
    member.join_room(&open).await;
    founder
        .appoint(&open, &[&founder_is.node, &member_is.node, &stranger_is.node])
        .await;
    let named = founder.room_profile(&open).await.unwrap().managers;
    assert_eq!(named, Some(vec![member_is.node.clone()]));
    let many = (0..201).map(|number: u8| tim_protocol::node::wide_node_from_random([number; 15]).to_string());
    let too_many = TimRoomBean {
        managers: Some(many.collect()),
        ..TimRoomBean::default()
    };
    refused(&mut founder, &room_change(&open, too_many), ErrorCode::Params).await;
    assert_eq!(
        founder.room_profile(&open).await.unwrap().managers,
        Some(vec![member_is.node])
    );
}

/// Covers: 7.15-room-2, 7.15-modify-6
async fn changes_of_rooms_are_checked_and_dissolved_rooms_have_no_profile(encoding: Encoding) {
    let server = shared();
    let (_, [mut founder]) = people(&server, |_| encoding).await;
    let (kept, dissolved) = (founder.create_room(true).await, founder.create_room(false).await);
    founder.in_room(room::DISSOLVE, &dissolved, None).await;
    let topic = TimRoomBean {
        topic: Some("topic".to_owned()),
        ..TimRoomBean::default()
    };
    let mut two = room_change(&kept, topic.clone());
    two.roommap
        .as_mut()
        .unwrap()
        .insert(dissolved.clone(), topic.clone());
    let none = TimNodes {
        ntype: MODIFY_ROOM,
        ..TimNodes::default()
    };
    for (request, code) in [
        (none, ErrorCode::Params),
        (two, ErrorCode::Params),
        (room_change("no|node", topic.clone()), ErrorCode::Account),
        (room_change(&unknown_node(), topic.clone()), ErrorCode::NoExist),
        (room_change(&dissolved, topic), ErrorCode::Cancel),
    ] {
        refused(&mut founder, &request, code).await;
    }
    let both = about(ROOMS, &[&kept, &dissolved, &unknown_node()]);
    let answer = ask(&mut founder, &both).await.unwrap();
    let found: Vec<String> = answer.roommap.unwrap().into_keys().collect();
    assert_eq!(found, [kept]);
    assert_eq!(ask(&mut founder, &about(ROOMS, &[&dissolved])).await, None);
}

/// Covers: 7.15-ntype-1, 11.1-5
async fn a_packet_that_does_not_say_what_it_is_is_understood_by_its_content(encoding: Encoding) {
    let server = shared();
    let ([a_is], [mut a]) = people(&server, |_| encoding).await;
    let open = a.create_room(true).await;
    let unsaid = |request: TimNodes| TimNodes { ntype: 0, ..request };
    let name = TimUserBean {
        name: Some("Anna".to_owned()),
        ..TimUserBean::default()
    };
    let ack = done(&mut a, &unsaid(change("", name))).await;
    assert_eq!(ack.t, Some(i64::from(MODIFY_USER)));
    let topic = TimRoomBean {
        topic: Some("topic".to_owned()),
        ..TimRoomBean::default()
    };
    let ack = done(&mut a, &unsaid(room_change(&open, topic))).await;
    assert_eq!(ack.t, Some(i64::from(MODIFY_ROOM)));
    let users = ask(&mut a, &about(0, &[&a_is.node])).await.unwrap();
    assert_eq!(users.ntype, USERS);
    assert_eq!(users.usermap.unwrap()[&a_is.node].name.as_deref(), Some("Anna"));
    let rooms = ask(&mut a, &about(0, &[&open])).await.unwrap();
    assert_eq!(rooms.ntype, ROOMS);
    assert_eq!(rooms.roommap.unwrap()[&open].topic.as_deref(), Some("topic"));
    for ntype in [0, 1, 3, 8, -1, 99] {
        let nothing = TimNodes {
            ntype,
            ..TimNodes::default()
        };
        refused(&mut a, &nothing, ErrorCode::Params).await;
    }
}

/// Covers: 7.15-policy-1, W-12
async fn who_may_read_profiles_is_a_setting(encoding: Encoding) {
    let server = Server::options()
        .set("profiles.users", "\"contacts\"")
        .set("profiles.rooms", "\"members\"")
        .start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let ([stranger_is], [mut stranger]) = people(&server, |_| encoding).await;
    for (node, is_readable) in [
        (&pair.a.node, true),
        (&pair.b.node, true),
        (&stranger_is.node, false),
    ] {
        assert_eq!(profile_of(&mut a, node).await.is_some(), is_readable);
    }
    assert_eq!(profile_of(&mut stranger, &pair.a.node).await, None);
    b.manage(operation::REMOVE, &pair.a.node).await;
    a.take(PacketType::Message).await;
    assert_eq!(profile_of(&mut a, &pair.b.node).await, None);
    let open = a.create_room(true).await;
    assert!(a.room_profile(&open).await.is_some());
    assert_eq!(stranger.room_profile(&open).await, None);
    stranger.join_room(&open).await;
    assert!(stranger.room_profile(&open).await.is_some());
    a.in_room(room::KICK, &open, Some(&stranger_is.node)).await;
    assert_eq!(stranger.room_profile(&open).await, None);
}

/// Covers: 7.15-durable-1
async fn profiles_outlive_the_process(encoding: Encoding) {
    let server = Server::start();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, encoding).await;
    let open = client.create_room(true).await;
    let name = TimUserBean {
        name: Some(secrets::text("Anna")),
        ..TimUserBean::default()
    };
    done(&mut client, &change("", name)).await;
    let before = (
        profile_of(&mut client, &person.node).await,
        client.room_profile(&open).await,
    );
    assert!(before.0.is_some() && before.1.is_some());
    server.kill();
    server.run();
    let mut client = person.login(&server, encoding).await;
    let after = (
        profile_of(&mut client, &person.node).await,
        client.room_profile(&open).await,
    );
    assert_eq!(after, before);
}

in_both_encodings!(
    profiles_of_users_come_by_node,
    questions_name_one_to_a_thousand_nodes,
    a_change_replaces_what_is_set_and_leaves_the_rest,
    a_change_has_exactly_one_profile_of_limited_size,
    staff_changes_the_profile_of_a_room,
    managers_are_members_and_at_most_two_hundred,
    changes_of_rooms_are_checked_and_dissolved_rooms_have_no_profile,
    a_packet_that_does_not_say_what_it_is_is_understood_by_its_content,
    who_may_read_profiles_is_a_setting,
    profiles_outlive_the_process,
);

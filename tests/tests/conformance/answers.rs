//! What answers and notices look like as a whole (wire-protocol 5.3, 8.1, 11.1).

use std::collections::BTreeSet;

use tim_protocol::wire::{TimNodes, TimReq, TimRoomBean, TimUserBean};
use tim_tests::people::operation;
use tim_tests::rooms::room_operation;
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, friends, in_both_encodings, secrets, shared,
};

/// Takes a business notice and answers its number.
async fn notice(client: &mut Client) -> i32 {
    let message = client.delivery().await;
    assert_eq!(message.od_type, 4);
    message.bn_type.expect("the number of a notice")
}

/// Covers: 8.1-1
async fn the_notices_are_these_and_no_others(encoding: Encoding) {
    let server = shared();
    let mut seen = BTreeSet::new();
    let (a, b) = (Person::register(&server).await, Person::register(&server).await);
    let mut first = a.login(&server, encoding).await;
    let mut second = b.login(&server, encoding).await;
    first.add(&b.node).await;
    seen.insert(notice(&mut second).await);
    second.add(&a.node).await;
    seen.insert(notice(&mut first).await);
    second.take(PacketType::Ack).await;
    second.manage(operation::REMOVE, &a.node).await;
    seen.insert(notice(&mut first).await);
    second.manage(operation::BLOCK, &a.node).await;
    seen.insert(notice(&mut first).await);
    second.manage(operation::REMOVE, &a.node).await;

    let open = first.create_room(true).await;
    second
        .room_request(room_operation::JOIN, &open, None, Some("hello"))
        .await;
    seen.insert(notice(&mut second).await);
    first.in_room(room_operation::KICK, &open, Some(&b.node)).await;
    seen.insert(notice(&mut second).await);
    first.in_room(room_operation::PULL, &open, Some(&b.node)).await;
    seen.insert(notice(&mut second).await);

    let private = first.create_room(false).await;
    second
        .room_request(room_operation::JOIN, &private, None, Some("hello"))
        .await;
    // Lifting the block above may have told A as well.
    let mut told = notice(&mut first).await;
    while told == 6 {
        told = notice(&mut first).await;
    }
    seen.insert(told);
    first
        .in_room(room_operation::REJECT, &private, Some(&b.node))
        .await;
    seen.insert(notice(&mut second).await);
    assert_eq!(seen, BTreeSet::from([4, 5, 6, 7, 9, 10, 11, 12, 13]));

    // Leaving, blocking and dissolving tell nobody.
    second.in_room(room_operation::LEAVE, &open, None).await;
    second.in_room(room_operation::BLOCK_ROOM, &open, None).await;
    first
        .in_room(room_operation::BLOCK_MEMBER, &private, Some(&b.node))
        .await;
    first.in_room(room_operation::DISSOLVE, &open, None).await;
    first.expect_silence().await;
    second.expect_silence().await;
}

/// Covers: 11.1-14
async fn answers_to_many_requests_at_once_can_be_told_apart(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = friends(&server, encoding).await;
    let room = a.create_room(true).await;
    a.request(operation::ROSTER, None, None).await;
    a.request(room_operation::MINE, None, None).await;
    a.request(room_operation::MEMBERS, Some(&room), None).await;
    let profile = TimNodes {
        ntype: 4,
        nodelist: Some(vec![pair.b.node.clone()]),
        ..TimNodes::default()
    };
    a.send(PacketType::Nodes, &profile).await;
    let open = TimReq {
        rtype: Some(1),
        ..TimReq::default()
    };
    a.send(PacketType::VRoom, &open).await;
    a.request(operation::BLOCK, Some("nobody"), None).await;
    let mut lists = BTreeSet::new();
    let mut acks = BTreeSet::new();
    for received in a.drain().await {
        if received.kind == PacketType::Nodes {
            let nodes = received.nodes();
            lists.insert(nodes.ntype);
            assert_eq!(nodes.node.is_some(), nodes.ntype == 3);
        } else {
            let ack = received.ack();
            acks.insert((ack.tim_type, ack.ok, ack.t));
        }
    }
    assert_eq!(lists, BTreeSet::from([1, 2, 3, 4]));
    let expected = [
        (PacketType::VRoom.as_i8(), true, Some(1)),
        (PacketType::Business.as_i8(), false, None),
    ];
    assert_eq!(acks, BTreeSet::from(expected));
}

/// Covers: 11.1-16
async fn every_answer_says_what_it_answers_and_names_what_it_is_about(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = friends(&server, encoding).await;
    a.manage(operation::BLOCK, &pair.b.node).await;
    a.manage(operation::REMOVE, &pair.b.node).await;
    let room = a.create_room(true).await;
    let change = TimReq {
        rtype: Some(operation::PASSWORD),
        req_str: Some(pair.a.password.clone()),
        req_str2: Some(pair.a.password.clone()),
        ..TimReq::default()
    };
    a.send(PacketType::Business, &change).await;
    let ack = a.take(PacketType::Ack).await.success(PacketType::Business);
    assert_eq!((ack.t, ack.n), (Some(21), None));
    let own = TimNodes {
        ntype: 6,
        usermap: Some([(String::new(), TimUserBean::default())].into()),
        ..TimNodes::default()
    };
    a.send(PacketType::Nodes, &own).await;
    let ack = a.take(PacketType::Ack).await.success(PacketType::Nodes);
    assert_eq!((ack.t, ack.n), (Some(6), None));
    let rooms = TimNodes {
        ntype: 7,
        roommap: Some([(room.clone(), TimRoomBean::default())].into()),
        ..TimNodes::default()
    };
    a.send(PacketType::Nodes, &rooms).await;
    let ack = a.take(PacketType::Ack).await.success(PacketType::Nodes);
    assert_eq!((ack.t, ack.n), (Some(7), None));
    a.in_room(room_operation::DISSOLVE, &room, None).await;
}

/// Covers: 11.1-13
async fn a_profile_of_a_room_under_the_code_of_users_changes_nothing(encoding: Encoding) {
    let server = shared();
    let founder = Person::register(&server).await;
    let mut client = founder.login(&server, encoding).await;
    let room = client.create_room(true).await;
    let topic = |nodes: &TimNodes| nodes.roommap.as_ref().unwrap()[&room].topic.clone();
    let question = TimNodes {
        ntype: 5,
        nodelist: Some(vec![room.clone()]),
        ..TimNodes::default()
    };
    client.send(PacketType::Nodes, &question).await;
    let before = topic(&client.take(PacketType::Nodes).await.nodes());
    let bean = TimRoomBean {
        topic: Some(secrets::text("another topic")),
        ..TimRoomBean::default()
    };
    let wrong = TimNodes {
        ntype: 6,
        roommap: Some([("roomNode".to_owned(), bean)].into()),
        ..TimNodes::default()
    };
    client.send(PacketType::Nodes, &wrong).await;
    client
        .take(PacketType::Ack)
        .await
        .refusal(PacketType::Nodes, ErrorCode::Params);
    client.send(PacketType::Nodes, &question).await;
    assert_eq!(topic(&client.take(PacketType::Nodes).await.nodes()), before);
}

in_both_encodings!(
    the_notices_are_these_and_no_others,
    answers_to_many_requests_at_once_can_be_told_apart,
    every_answer_says_what_it_answers_and_names_what_it_is_about,
    a_profile_of_a_room_under_the_code_of_users_changes_nothing,
);

/// Covers: 5.3-7
#[tokio::test]
async fn members_of_json_have_the_names_of_the_protocol() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Json).await;
    let text = |packet: &[u8]| String::from_utf8(packet.to_vec()).unwrap();
    let own = r#"{"ntype":6,"usermap":{"":{"brithday":"1970-01-01","photoTidAlbum":["x"]}}}"#;
    a.send_raw([&[0x80 | 42], own.as_bytes()].concat()).await;
    a.take(PacketType::Ack).await.success(PacketType::Nodes);
    let question = format!(r#"{{"ntype":4,"nodelist":["{}"]}}"#, pair.a.node);
    a.send_raw([&[0x80 | 42], question.as_bytes()].concat()).await;
    let answer = text(&a.take(PacketType::Nodes).await.payload);
    for member in [
        r#""usermap":{"#,
        r#""brithday":"1970-01-01""#,
        r#""photoTidAlbum":["x"]"#,
    ] {
        assert!(answer.contains(member), "{answer}");
    }
    let room = a.create_room(true).await;
    let question = format!(r#"{{"ntype":5,"nodelist":["{room}"]}}"#);
    a.send_raw([&[0x80 | 42], question.as_bytes()].concat()).await;
    let answer = text(&a.take(PacketType::Nodes).await.payload);
    assert!(answer.contains(r#""roommap":{"#), "{answer}");
    a.request(operation::ROSTER, None, None).await;
    let answer = text(&a.take(PacketType::Nodes).await.payload);
    assert!(answer.contains(r#""nodelist":["#), "{answer}");
    // `ToList` is read from clients, and `VNode` both read and written.
    let presence = format!(r#"{{"toList":["{}"],"show":1}}"#, pair.b.node);
    a.send_raw([&[0x80 | 91], presence.as_bytes()].concat()).await;
    b.take(PacketType::Presence).await;
    let message = format!(
        r#"{{"msType":2,"odType":1,"toTid":{{"node":"{}"}},"dataString":"{}","ToList":["{}"]}}"#,
        pair.b.node,
        secrets::text("hello"),
        pair.a.node
    );
    a.send_raw([&[0x80 | 90], message.as_bytes()].concat()).await;
    let delivered = text(&b.take(PacketType::Message).await.payload);
    assert!(!delivered.contains("ToList"), "{delivered}");
    a.send_raw([&[0x80 | 22], &b"{\"rtype\":1}"[..]].concat()).await;
    let channel = a
        .take(PacketType::Ack)
        .await
        .success(PacketType::VRoom)
        .n
        .unwrap();
    // `create_room` left its answer behind only if it was taken; the echo of the message was not.
    let subscribe = format!(r#"{{"rtype":5,"node":"{channel}"}}"#);
    b.send_raw([&[0x80 | 22], subscribe.as_bytes()].concat()).await;
    b.take(PacketType::Ack).await.success(PacketType::VRoom);
    let chunk = format!(r#"{{"VNode":"{channel}","body":"AQID"}}"#);
    a.send_raw([&[0x80 | 94], chunk.as_bytes()].concat()).await;
    let delivered = text(&b.take(PacketType::Stream).await.payload);
    assert!(
        delivered.contains(&format!(r#""VNode":"{channel}""#)),
        "{delivered}"
    );
}

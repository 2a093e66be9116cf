//! Virtual rooms and streams (wire-protocol 7.12; behaviour W-13, W-37, W-44).

use std::time::Duration;

use tim_protocol::bigdata::{BigKind, BigPacket};
use tim_protocol::wire::{TimAck, TimReq, TimStream};
use tim_protocol::{ErrorCode, Node};
use tim_tests::{Client, Encoding, PacketType, Person, Server, in_both_encodings, shared};

/// Operations of packet type 22.
mod operation {
    pub(super) const NEW: i32 = 1;
    pub(super) const REMOVE: i32 = 2;
    pub(super) const GRANT: i32 = 3;
    pub(super) const REVOKE: i32 = 4;
    pub(super) const SUBSCRIBE: i32 = 5;
    pub(super) const UNSUBSCRIBE: i32 = 6;
}

const BINARY: Option<i64> = Some(1);

fn request(rtype: i32, node: Option<&str>) -> TimReq {
    TimReq {
        rtype: Some(rtype),
        node: node.map(str::to_owned),
        ..TimReq::default()
    }
}

async fn ask(client: &mut Client, request: &TimReq) -> TimAck {
    client.send(PacketType::VRoom, request).await;
    client.take(PacketType::Ack).await.success(PacketType::VRoom)
}

async fn refused(client: &mut Client, request: &TimReq, code: ErrorCode) {
    client.send(PacketType::VRoom, request).await;
    client
        .take(PacketType::Ack)
        .await
        .refusal(PacketType::VRoom, code);
}

async fn open(client: &mut Client) -> String {
    let ack = ask(client, &request(operation::NEW, None)).await;
    assert_eq!(ack.t, Some(1));
    ack.n.expect("the node of the virtual room")
}

async fn subscribe(client: &mut Client, room: &str, form: Option<i64>) {
    let wanted = TimReq {
        req_int: form,
        ..request(operation::SUBSCRIBE, Some(room))
    };
    let ack = ask(client, &wanted).await;
    assert_eq!((ack.t, ack.n.as_deref()), (Some(5), Some(room)));
}

fn chunk(room: &str, body: &[u8]) -> TimStream {
    TimStream {
        id: 1,
        vnode: room.to_owned(),
        dtype: Some(3),
        body: Some(body.to_vec().into()),
        from_node: "forged".to_owned(),
    }
}

async fn publish(client: &mut Client, room: &str, body: &[u8]) {
    client.send(PacketType::Stream, &chunk(room, body)).await;
}

async fn publish_raw(client: &mut Client, room: &str, data: &[u8]) {
    let packet = BigPacket {
        kind: BigKind::Stream,
        node: Node::new(room).unwrap(),
        data: data.to_vec().into(),
    };
    client.send_raw(packet.to_server().unwrap()).await;
}

async fn refused_chunk(client: &mut Client, room: &str) {
    let ack = client.take(PacketType::Ack).await.ack();
    assert_eq!((ack.ok, ack.tim_type), (false, PacketType::Stream.as_i8()));
    assert_eq!(ack.error_code(), Some(ErrorCode::PermDenied));
    assert_eq!(ack.n.as_deref(), Some(room));
}

async fn next_chunk(client: &mut Client) -> TimStream {
    let received = client.take(PacketType::Stream).await;
    assert_eq!(received.send_id, None, "streams are not acknowledged");
    received.decode()
}

async fn two(server: &Server, encoding: Encoding) -> [(Person, Client); 2] {
    let other = match encoding {
        Encoding::Compact => Encoding::Json,
        Encoding::Json => Encoding::Compact,
    };
    let (a, b) = (Person::register(server).await, Person::register(server).await);
    let (first, second) = (a.login(server, encoding).await, b.login(server, other).await);
    [(a, first), (b, second)]
}

/// Covers: 7.9-13, 7.12-new-1, 7.12-sub-1, 7.12-sub-2, 7.12-push-1, 7.12-push-2, 11.1-11
async fn both_ways_of_publishing_reach_both_kinds_of_subscribers(encoding: Encoding) {
    let server = shared();
    let [(owner, mut a), (_, mut b)] = two(&server, encoding).await;
    let room = open(&mut a).await;
    subscribe(&mut a, &room, BINARY).await;
    subscribe(&mut b, &room, None).await;
    publish(&mut a, &room, b"struct").await;
    let got = next_chunk(&mut b).await;
    assert_eq!((got.vnode.as_str(), got.dtype), (room.as_str(), Some(3)));
    assert_eq!(got.body.as_deref(), Some(&b"struct"[..]));
    assert_eq!(got.from_node, owner.node, "the publisher cannot be forged");
    assert_ne!(got.id, 1, "the server numbers chunks");
    let raw = a.take(PacketType::BigBinaryStream).await;
    assert_eq!(raw.payload, [room.as_bytes(), &[131], b"struct"].concat());
    publish_raw(&mut a, &room, b"raw \x83 bytes").await;
    let got = next_chunk(&mut b).await;
    assert_eq!(
        (got.dtype, got.body.as_deref()),
        (None, Some(&b"raw \x83 bytes"[..]))
    );
    let raw = a.take(PacketType::BigBinaryStream).await;
    assert_eq!(raw.payload, [room.as_bytes(), &[131], b"raw \x83 bytes"].concat());
}

/// Covers: 7.12-push-5
async fn a_publisher_gets_its_own_chunks_only_when_it_subscribed(encoding: Encoding) {
    let server = shared();
    let [(_, mut a), (_, mut b)] = two(&server, encoding).await;
    let room = open(&mut a).await;
    subscribe(&mut b, &room, None).await;
    publish(&mut a, &room, b"x").await;
    next_chunk(&mut b).await;
    a.expect_silence().await;
}

/// Covers: 7.12-sub-4
async fn subscribing_again_changes_the_form(encoding: Encoding) {
    let server = shared();
    let [(_, mut a), (_, mut b)] = two(&server, encoding).await;
    let room = open(&mut a).await;
    subscribe(&mut b, &room, None).await;
    subscribe(&mut b, &room, BINARY).await;
    publish(&mut a, &room, b"x").await;
    b.take(PacketType::BigBinaryStream).await;
    b.expect_silence().await;
}

/// Covers: 7.12-unsub-1
async fn unsubscribing_ends_one_subscription_and_no_other(encoding: Encoding) {
    let server = shared();
    let [(_, mut a), (_, mut b)] = two(&server, encoding).await;
    let (kept, ended) = (open(&mut a).await, open(&mut a).await);
    subscribe(&mut b, &kept, None).await;
    subscribe(&mut b, &ended, None).await;
    ask(&mut b, &request(operation::UNSUBSCRIBE, Some(&ended))).await;
    // It is no error when there is nothing to end.
    ask(&mut b, &request(operation::UNSUBSCRIBE, Some(&ended))).await;
    publish(&mut a, &ended, b"not for b").await;
    publish(&mut a, &kept, b"for b").await;
    assert_eq!(next_chunk(&mut b).await.vnode, kept);
    b.expect_silence().await;
}

/// Covers: 7.12-auth-1, 7.12-auth-2, 7.12-push-4
async fn only_the_owner_and_those_it_grants_may_publish(encoding: Encoding) {
    let server = shared();
    let [(owner, mut a), (guest, mut b)] = two(&server, encoding).await;
    let room = open(&mut a).await;
    subscribe(&mut a, &room, None).await;
    publish(&mut b, &room, b"not allowed").await;
    refused_chunk(&mut b, &room).await;
    publish_raw(&mut b, &room, b"nor this").await;
    refused_chunk(&mut b, &room).await;
    let grant = TimReq {
        node2: Some(guest.node.clone()),
        ..request(operation::GRANT, Some(&room))
    };
    refused(&mut b, &grant, ErrorCode::PermDenied).await;
    let ack = ask(&mut a, &grant).await;
    assert_eq!((ack.t, ack.n.as_deref()), (Some(3), Some(guest.node.as_str())));
    publish(&mut b, &room, b"allowed").await;
    assert_eq!(next_chunk(&mut a).await.from_node, guest.node);
    let revoke = TimReq {
        node2: Some(guest.node.clone()),
        ..request(operation::REVOKE, Some(&room))
    };
    assert_eq!(ask(&mut a, &revoke).await.t, Some(4));
    publish(&mut b, &room, b"no longer").await;
    refused_chunk(&mut b, &room).await;
    publish(&mut a, &room, b"mine").await;
    assert_eq!(next_chunk(&mut a).await.from_node, owner.node);
}

/// Covers: 7.12-remove-1, 7.12-push-4
async fn a_room_ends_when_its_owner_removes_it(encoding: Encoding) {
    let server = shared();
    let [(_, mut a), (_, mut b)] = two(&server, encoding).await;
    let room = open(&mut a).await;
    subscribe(&mut b, &room, None).await;
    refused(
        &mut b,
        &request(operation::REMOVE, Some(&room)),
        ErrorCode::PermDenied,
    )
    .await;
    assert_eq!(
        ask(&mut a, &request(operation::REMOVE, Some(&room))).await.t,
        Some(2)
    );
    publish(&mut a, &room, b"x").await;
    refused_chunk(&mut a, &room).await;
    refused(
        &mut b,
        &request(operation::SUBSCRIBE, Some(&room)),
        ErrorCode::Undefined,
    )
    .await;
    b.expect_silence().await;
}

async fn a_room_without_data_expires(encoding: Encoding) {
    let server = Server::options()
        .set("virtual_rooms.expire_after", "\"600ms\"")
        .start();
    let [(_, mut a), (_, mut b)] = two(&server, encoding).await;
    let room = open(&mut a).await;
    tim_tests::within("the room expires", async {
        loop {
            b.send(PacketType::VRoom, &request(operation::SUBSCRIBE, Some(&room)))
                .await;
            let ack = b.take(PacketType::Ack).await.ack();
            if !ack.ok {
                assert_eq!(ack.error_code(), Some(ErrorCode::Undefined));
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}

/// Covers: 7.12-remove-2, 7.12-auth-3, 7.12-sub-3, 7.12-rtype-1, 7.12-push-3
async fn malformed_requests_are_refused(encoding: Encoding) {
    let server = shared();
    let [(_, mut a), (guest, mut b)] = two(&server, encoding).await;
    let room = open(&mut a).await;
    for rtype in [2, 3, 4, 5, 6] {
        refused(&mut a, &request(rtype, None), ErrorCode::Params).await;
    }
    for rtype in [2, 5] {
        refused(&mut a, &request(rtype, Some("no node")), ErrorCode::Params).await;
    }
    for rtype in [0, 7, -1, i32::MAX] {
        refused(&mut a, &request(rtype, Some(&room)), ErrorCode::Params).await;
    }
    refused(&mut a, &TimReq::default(), ErrorCode::Params).await;
    // A well-formed node that is no virtual room.
    refused(
        &mut a,
        &request(operation::SUBSCRIBE, Some(&guest.node)),
        ErrorCode::Undefined,
    )
    .await;
    let form = TimReq {
        req_int: Some(2),
        ..request(operation::SUBSCRIBE, Some(&room))
    };
    refused(&mut b, &form, ErrorCode::Undefined).await;
    publish(&mut a, "no node", b"x").await;
    a.take(PacketType::Ack)
        .await
        .refusal(PacketType::Stream, ErrorCode::Params);
}

/// Covers: W-13
async fn a_password_protects_subscribing(encoding: Encoding) {
    let server = shared();
    let [(_, mut a), (_, mut b)] = two(&server, encoding).await;
    let secret = TimReq {
        req_str: Some("open sesame".to_owned()),
        ..request(operation::NEW, None)
    };
    let room = ask(&mut a, &secret).await.n.unwrap();
    let with = |password: Option<&str>| TimReq {
        req_str: password.map(str::to_owned),
        ..request(operation::SUBSCRIBE, Some(&room))
    };
    refused(&mut b, &with(None), ErrorCode::PermDenied).await;
    refused(&mut b, &with(Some("open")), ErrorCode::PermDenied).await;
    ask(&mut b, &with(Some("open sesame"))).await;
    publish(&mut a, &room, b"x").await;
    next_chunk(&mut b).await;
}

async fn passwords_cannot_be_guessed_for_ever(encoding: Encoding) {
    let server = shared();
    let [(_, mut a), (_, mut b)] = two(&server, encoding).await;
    let secret = TimReq {
        req_str: Some("open sesame".to_owned()),
        ..request(operation::NEW, None)
    };
    let room = ask(&mut a, &secret).await.n.unwrap();
    let mut codes = Vec::new();
    for guess in 0..20 {
        let guess = TimReq {
            req_str: Some(format!("guess {guess}")),
            ..request(operation::SUBSCRIBE, Some(&room))
        };
        b.send(PacketType::VRoom, &guess).await;
        codes.push(b.take(PacketType::Ack).await.ack().error_code());
    }
    assert_eq!(codes[0], Some(ErrorCode::PermDenied));
    assert_eq!(codes[19], Some(ErrorCode::OverHz));
}

/// Covers: W-13
async fn a_room_can_be_for_the_members_of_a_group(encoding: Encoding) {
    let server = shared();
    let [(_, mut a), (_, mut b)] = two(&server, encoding).await;
    let group = a.create_room(true).await;
    let members = TimReq {
        node2: Some(group.clone()),
        ..request(operation::NEW, None)
    };
    refused(&mut b, &members, ErrorCode::PermDenied).await;
    let room = ask(&mut a, &members).await.n.unwrap();
    refused(
        &mut b,
        &request(operation::SUBSCRIBE, Some(&room)),
        ErrorCode::PermDenied,
    )
    .await;
    b.join_room(&group).await;
    subscribe(&mut b, &room, None).await;
    publish(&mut a, &room, b"one").await;
    next_chunk(&mut b).await;
    // Whoever is removed from the group hears nothing more.
    let node = b.node.clone();
    a.in_room(tim_tests::rooms::room_operation::KICK, &group, Some(&node))
        .await;
    b.delivery().await;
    publish(&mut a, &room, b"two").await;
    b.expect_silence().await;
}

async fn rooms_and_subscriptions_are_limited(encoding: Encoding) {
    let server = Server::options()
        .set("virtual_rooms.per_account", "2")
        .set("virtual_rooms.subscriptions_per_session", "1")
        .start();
    let [(_, mut a), (_, mut b)] = two(&server, encoding).await;
    let (first, second) = (open(&mut a).await, open(&mut a).await);
    refused(&mut a, &request(operation::NEW, None), ErrorCode::OverHz).await;
    subscribe(&mut b, &first, None).await;
    refused(
        &mut b,
        &request(operation::SUBSCRIBE, Some(&second)),
        ErrorCode::OverHz,
    )
    .await;
    subscribe(&mut b, &first, BINARY).await;
}

/// Covers: 7.12-slow-1
async fn a_subscriber_that_does_not_read_loses_chunks_and_no_messages(encoding: Encoding) {
    let server = Server::options()
        .set("virtual_rooms.waiting_bytes", "\"64KiB\"")
        .start();
    let (pair, mut a, mut b) = tim_tests::friends(&server, encoding).await;
    let room = open(&mut a).await;
    subscribe(&mut b, &room, None).await;
    // B reads nothing while more is published than socket and mailbox hold.
    let body = vec![7; 60_000];
    for _ in 0..200 {
        publish(&mut a, &room, &body).await;
    }
    a.chat(&pair.b.node, "still here").await;
    let mut chunks = 0;
    loop {
        let received = b.next().await;
        match received.kind {
            PacketType::Stream => chunks += 1,
            PacketType::Message => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(chunks < 200, "{chunks} chunks came before the message");
    assert!(chunks > 0);
}

/// Covers: 7.12-sub-5, 7.12-slow-2
async fn subscriptions_end_with_the_session(encoding: Encoding) {
    let server = shared();
    let [(_, mut a), (guest, mut b)] = two(&server, encoding).await;
    let room = open(&mut a).await;
    subscribe(&mut b, &room, None).await;
    b.close().await;
    let mut b = guest.login(&server, encoding).await;
    publish(&mut a, &room, b"x").await;
    b.expect_silence().await;
}

in_both_encodings!(
    both_ways_of_publishing_reach_both_kinds_of_subscribers,
    a_publisher_gets_its_own_chunks_only_when_it_subscribed,
    subscribing_again_changes_the_form,
    unsubscribing_ends_one_subscription_and_no_other,
    only_the_owner_and_those_it_grants_may_publish,
    a_room_ends_when_its_owner_removes_it,
    a_room_without_data_expires,
    malformed_requests_are_refused,
    a_password_protects_subscribing,
    passwords_cannot_be_guessed_for_ever,
    a_room_can_be_for_the_members_of_a_group,
    rooms_and_subscriptions_are_limited,
    a_subscriber_that_does_not_read_loses_chunks_and_no_messages,
    subscriptions_end_with_the_session,
);

//! From connect to the end of a session: what is allowed before login, timers, size and rate limits
//! (wire-protocol 3, 6.1 to 6.5).

use std::time::Instant;

use tim_protocol::packet;
use tim_protocol::wire::{TimAuth, TimReq};
use tim_tests::chat::message;
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, shared,
};

/// Covers: 6.1-3
async fn a_ping_before_login_is_allowed_and_gets_no_answer(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut client = Client::connect(server.address(), encoding).await;
    client.send_empty(PacketType::Ping).await;
    // The first packet is the answer to the login.
    client.log_in(&person.on_device("phone")).await;
}

/// Covers: 6.1-2
async fn every_other_packet_before_login_closes_the_connection(encoding: Encoding) {
    for kind in (0..=127_u8).filter(|kind| ![13, 16].contains(kind)) {
        let mut client = Client::connect(shared().address(), encoding).await;
        client.send_raw(vec![kind | encoding.flag(), 0, 0, 0, 0, 0]).await;
        assert_eq!(client.expect_close().await, Some(1008), "type {kind}");
    }
}

/// Covers: 6.1-5, 5.1-3
async fn a_refused_login_is_answered_and_may_be_tried_again(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut client = Client::connect(server.address(), encoding).await;
    let wrong = TimAuth {
        pwd: Some("not this one".to_owned()),
        ..person.credentials()
    };
    for _ in 0..2 {
        let answer = client.authenticate(&wrong).await;
        answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
    }
    client.log_in(&person.credentials()).await;
    client.expect_silence().await;
}

/// Covers: 11.3-7, 7.3-6
async fn an_undecodable_login_is_refused(encoding: Encoding) {
    let mut client = Client::connect(shared().address(), encoding).await;
    client.send_raw(vec![16 | encoding.flag(), b'{', 0xff]).await;
    let answer = client.expect(PacketType::Ack).await;
    answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
}

/// Covers: 7.3-7
async fn a_second_login_is_answered_with_the_node_and_changes_nothing(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    // Another account, another encoding: neither matters any more.
    let other = match encoding {
        Encoding::Compact => Encoding::Json,
        Encoding::Json => Encoding::Compact,
    };
    let again = packet::client_packet(PacketType::Auth, other, &pair.b.credentials());
    a.send_raw(again).await;
    let answer = a.expect(PacketType::Ack).await.success(PacketType::Auth);
    assert_eq!(answer.n.as_deref(), Some(pair.a.node.as_str()));
    a.chat(&pair.b.node, "still me").await;
    assert_eq!(b.delivery().await.from_tid.unwrap().node, pair.a.node);
}

/// Covers: 5.1-1, 5.1-2, 3-1
async fn each_packet_is_read_in_its_own_encoding_and_answered_in_that_of_the_login(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for sent in [Encoding::Compact, Encoding::Json] {
        let packet = packet::client_packet(PacketType::Message, sent, &message(&pair.b.node, "mixed"));
        a.send_raw(packet).await;
        a.echo().await;
        b.delivery().await;
    }
}

/// Covers: 3-3
async fn an_unknown_type_is_answered_with_4104_and_that_type(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, encoding).await;
    let unknown = (1..=127_u8).filter(|kind| PacketType::from_u8(*kind).is_none());
    for kind in unknown {
        client.send_raw(vec![kind | encoding.flag(), 1, 2, 3]).await;
        let answer = client.expect(PacketType::Ack).await.ack();
        assert_eq!(answer.error_code(), Some(ErrorCode::Params), "type {kind}");
        assert_eq!(answer.tim_type, i8::try_from(kind).unwrap());
    }
    client.expect_silence().await;
}

/// Covers: 3-5
async fn an_empty_message_is_ignored(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut client = Client::connect(server.address(), encoding).await;
    client.send_raw(Vec::new()).await;
    client.log_in(&person.credentials()).await;
    client.send_raw(Vec::new()).await;
    client.expect_silence().await;
}

/// Covers: 7.6-1
async fn undecodable_requests_are_answered_with_their_code(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, encoding).await;
    for (kind, code) in [
        (PacketType::PullMessage, ErrorCode::Params),
        (PacketType::Business, ErrorCode::Params),
        (PacketType::Message, ErrorCode::Format),
        (PacketType::RevokeMessage, ErrorCode::Format),
        (PacketType::BurnMessage, ErrorCode::Format),
    ] {
        client
            .send_raw(vec![kind.as_u8() | encoding.flag(), b'{', 0xff, 0xff])
            .await;
        client.expect(PacketType::Ack).await.refusal(kind, code);
    }
    client.expect_silence().await;
}

/// Covers: 6.3-1
async fn pings_are_answered_in_order_with_other_requests(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = friends(&server, encoding).await;
    for _ in 0..5 {
        let request = TimReq {
            rtype: Some(1),
            ..TimReq::default()
        };
        a.send(PacketType::Business, &request).await;
        a.send_empty(PacketType::Ping).await;
    }
    for _ in 0..5 {
        let list = a.expect(PacketType::Nodes).await.nodes();
        assert_eq!(list.nodelist, Some(vec![pair.b.node.clone()]));
        a.expect(PacketType::Ping).await;
    }
}

/// Covers: 6.1-4
#[tokio::test]
async fn whoever_does_not_log_in_in_time_is_disconnected() {
    let server = Server::options().set("limits.login_timeout", "\"300ms\"").start();
    let person = Person::register(&server).await;
    let start = Instant::now();
    let mut idle = Client::connect(server.address(), Encoding::Compact).await;
    let mut pinging = Client::connect(server.address(), Encoding::Compact).await;
    let mut member = person.login(&server, Encoding::Compact).await;
    pinging.send_empty(PacketType::Ping).await;
    assert_eq!(idle.expect_close().await, Some(1008));
    assert_eq!(pinging.expect_close().await, Some(1008), "a ping is no login");
    assert!(start.elapsed().as_millis() >= 300);
    member.expect_silence().await;
}

/// Covers: 6.3-2
#[tokio::test]
async fn a_session_from_which_nothing_is_heard_is_closed() {
    let server = Server::options().set("limits.ping_timeout", "\"1s\"").start();
    let (_pair, mut talking, mut silent) = friends(&server, Encoding::Compact).await;
    let start = Instant::now();
    let until_closed = async {
        assert_eq!(silent.expect_close().await, Some(1000));
    };
    let keep_talking = async {
        loop {
            talking.expect_silence().await;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = until_closed => {}
        () = keep_talking => unreachable!(),
    }
    assert!(start.elapsed().as_millis() >= 900);
    talking.expect_silence().await;
}

/// Covers: 2.2-12, 6.5-1, 11.3-12
#[tokio::test]
async fn packets_above_the_limit_close_with_1009_before_and_after_login() {
    let server = Server::options()
        .set("limits.max_login_packet", "\"2KiB\"")
        .set("limits.max_packet", "\"16KiB\"")
        .start();
    let person = Person::register(&server).await;
    let mut stranger = Client::connect(server.address(), Encoding::Compact).await;
    drop(stranger.try_send_raw(vec![16; 2 * 1024 + 1]).await);
    assert_eq!(stranger.expect_close().await, Some(1009));
    let mut member = person.login(&server, Encoding::Compact).await;
    // The limit is larger now, and exact.
    member.send_raw(vec![1; 16 * 1024]).await;
    member.expect(PacketType::Ack).await;
    drop(member.try_send_raw(vec![1; 16 * 1024 + 1]).await);
    assert_eq!(member.expect_close().await, Some(1009));
    let mut member = person.login(&server, Encoding::Compact).await;
    member.send_in_fragments(&[1; 16 * 1024 + 1], 4).await;
    assert_eq!(
        member.expect_close().await,
        Some(1009),
        "fragments count together"
    );
}

/// Covers: 6.4-1, 11.3-12, W-34
#[tokio::test]
async fn too_many_packets_are_refused_with_5105_and_the_connection_is_closed() {
    let server = Server::options().set("limits.packets_per_second", "20").start();
    let (_pair, mut flooding, mut calm) = friends(&server, Encoding::Compact).await;
    for _ in 0..100 {
        if flooding
            .try_send_raw(packet::ping(Encoding::Compact))
            .await
            .is_err()
        {
            break;
        }
    }
    let mut pongs = 0;
    loop {
        let answer = flooding.next().await;
        if answer.kind == PacketType::Ack {
            answer.refusal(PacketType::Ping, ErrorCode::OverHz);
            break;
        }
        pongs += 1;
    }
    assert!((10..=40).contains(&pongs), "{pongs}");
    assert_eq!(flooding.expect_close().await, Some(1008));
    calm.expect_silence().await;
}

/// Covers: 6.4-2
#[tokio::test]
async fn acknowledgements_do_not_count_against_the_rate() {
    let server = Server::options().set("limits.packets_per_second", "20").start();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, Encoding::Compact).await;
    for send_id in 0..500 {
        client.acknowledge(send_id).await;
    }
    client.expect_silence().await;
}

/// Covers: 6.1-1
#[tokio::test]
async fn connections_beyond_the_limit_are_closed() {
    let server = Server::options().set("limits.connections", "3").start();
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(Client::connect(server.address(), Encoding::Compact).await);
    }
    Client::try_connect(server.address(), Encoding::Compact)
        .await
        .expect_err("one too many");
    open.pop().unwrap().close().await;
    // The place is free again as soon as the server has seen the end.
    tim_tests::within("a free place", async {
        while Client::try_connect(server.address(), Encoding::Compact)
            .await
            .is_err()
        {}
    })
    .await;
}

/// Covers: W-34
#[tokio::test]
async fn one_address_cannot_hold_all_places_of_those_who_are_not_logged_in() {
    let server = Server::options()
        .set("limits.unauthenticated_per_address", "3")
        .start();
    let person = Person::register(&server).await;
    let mut strangers = Vec::new();
    // A logged-in session needs no such place.
    let mut member = person.login(&server, Encoding::Compact).await;
    for _ in 0..3 {
        strangers.push(Client::connect(server.address(), Encoding::Compact).await);
    }
    Client::try_connect(server.address(), Encoding::Compact)
        .await
        .expect_err("one too many");
    member.expect_silence().await;
}

in_both_encodings!(
    a_ping_before_login_is_allowed_and_gets_no_answer,
    every_other_packet_before_login_closes_the_connection,
    a_refused_login_is_answered_and_may_be_tried_again,
    an_undecodable_login_is_refused,
    a_second_login_is_answered_with_the_node_and_changes_nothing,
    each_packet_is_read_in_its_own_encoding_and_answered_in_that_of_the_login,
    an_unknown_type_is_answered_with_4104_and_that_type,
    an_empty_message_is_ignored,
    undecodable_requests_are_answered_with_their_code,
    pings_are_answered_in_order_with_other_requests,
);

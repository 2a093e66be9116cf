//! The asynchronous client against a scripted server over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code: a failed expectation is a failed test"
)]

mod scripted;

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use scripted::{Server, friend, message, own_node, soon};
use tim_client::{
    AccountError, Acknowledge, Client, ClientBuilder, ConnectError, Credentials, DisconnectReason, Encoding,
    ErrorCode, Event, LogoutReason, Outgoing, SendError,
};
use tim_protocol::WireStruct;
use tim_protocol::packet::{self, ClientPacket, PacketType};
use tim_protocol::wire::{TimAck, TimAuth, TimMessage, TimReq};
use tokio_tungstenite::tungstenite::Message;

async fn event(client: &Client) -> Event {
    soon(client.next_event()).await.unwrap()
}

async fn text(client: &Client) -> String {
    loop {
        if let Event::Message(message) = event(client).await {
            return message.text.unwrap();
        }
    }
}

#[tokio::test]
async fn a_message_is_confirmed_by_its_echo_in_both_encodings() {
    for encoding in [Encoding::Compact, Encoding::Json] {
        let mut server = Server::start().await;
        server.encoding = encoding;
        let (client, mut peer) = server.connect(&server.builder().resource("laptop")).await;
        assert_eq!(peer.auth.resource.as_deref(), Some("laptop"));
        assert_eq!(client.node(), &own_node());
        let to = friend();
        let script = async {
            let sent: TimMessage = peer.expect(PacketType::Message).await;
            assert_eq!(sent.data_string.as_deref(), Some("hello"));
            peer.echo(sent, 7).await;
        };
        let (sent, ()) = tokio::join!(soon(client.send_text(&to, "hello")), script);
        assert_eq!(sent.unwrap().mid.unwrap().get(), 7);
    }
}

#[tokio::test]
async fn a_message_whose_echo_was_lost_is_repeated_with_its_id_and_in_order() {
    let server = Server::start().await;
    let (client, mut peer) = server.connect(&server.builder()).await;
    let first = client.submit(&friend(), Outgoing::text("one")).await.unwrap();
    let second = client.submit(&friend(), Outgoing::text("two")).await.unwrap();
    let before = [peer.next().await, peer.next().await];
    drop(peer);
    let mut peer = server.accept_login().await;
    peer.expect_kind(PacketType::OfflineMsg).await;
    for (mid, bytes) in (1..).zip(before) {
        let again = peer.next().await;
        assert_eq!(again, bytes);
        let message = TimMessage::decode(&again[1..], Encoding::Compact).unwrap();
        peer.echo(message, mid).await;
    }
    assert_eq!(soon(first).await.unwrap().mid.unwrap().get(), 1);
    assert_eq!(soon(second).await.unwrap().mid.unwrap().get(), 2);
    assert!(matches!(
        event(&client).await,
        Event::Connected { again: false, .. }
    ));
    assert!(matches!(
        event(&client).await,
        Event::Disconnected {
            reason: DisconnectReason::Closed(_),
            ..
        }
    ));
    assert!(matches!(
        event(&client).await,
        Event::Connected { again: true, .. }
    ));
}

#[tokio::test]
async fn a_delivery_is_acknowledged_when_the_application_has_it_and_not_before() {
    let server = Server::start().await;
    let (client, mut peer) = server.connect(&server.builder()).await;
    peer.deliver(41, &message(1, "hello")).await;
    // The answer to a request shows that the delivery has long arrived.
    let script = async {
        let request: TimReq = peer.expect(PacketType::Business).await;
        assert_eq!(request.rtype, Some(1));
        peer.expect_kind(PacketType::Auth).await;
        peer.send(PacketType::Ack, &TimAck::success(PacketType::Auth.as_i8()))
            .await;
    };
    let (friends, ()) = tokio::join!(soon(client.friends()), script);
    assert_eq!(friends, Ok(Vec::new()));
    assert_eq!(text(&client).await, "hello");
    peer.expect_ack(41).await;
    // A repeat is hidden and acknowledged.
    peer.deliver(42, &message(1, "hello")).await;
    peer.expect_ack(42).await;
}

#[tokio::test]
async fn a_wait_for_an_event_that_is_given_up_loses_nothing() {
    let server = Server::start().await;
    let (client, mut peer) = server.connect(&server.builder()).await;
    let mut events = client.events();
    assert!(matches!(soon(events.next()).await, Some(Event::Connected { .. })));
    for _ in 0..10 {
        assert!(client.next_event().now_or_never().is_none());
    }
    peer.deliver(1, &message(1, "one")).await;
    peer.deliver(2, &message(2, "two")).await;
    assert_eq!(text(&client).await, "one");
    assert!(
        matches!(soon(events.next()).await, Some(Event::Message(message)) if message.text.as_deref() == Some("two"))
    );
}

#[tokio::test]
async fn closing_acknowledges_what_was_taken_and_says_goodbye() {
    let server = Server::start().await;
    let builder = server.builder().acknowledge(Acknowledge::WhenNextIsTaken);
    let (client, mut peer) = server.connect(&builder).await;
    peer.deliver(1, &message(1, "one")).await;
    peer.deliver(2, &message(2, "two")).await;
    assert_eq!(text(&client).await, "one");
    let script = async {
        peer.expect_ack(1).await;
        assert!(peer.closed().await);
    };
    tokio::join!(soon(client.close()), script);
    assert_eq!(client.next_event().await, None);
    assert_eq!(client.send_text(&friend(), "x").await, Err(SendError::Closed));
    soon(client.close()).await;
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_connection_without_acknowledging_more() {
    let server = Server::start().await;
    let builder = server.builder().acknowledge(Acknowledge::WhenNextIsTaken);
    let (client, mut peer) = server.connect(&builder).await;
    peer.deliver(1, &message(1, "one")).await;
    assert_eq!(text(&client).await, "one");
    let other = client.clone();
    drop(client);
    assert!(other.is_online());
    drop(other);
    assert!(peer.closed().await);
}

#[tokio::test]
async fn sending_waits_while_too_much_is_unconfirmed() {
    let server = Server::start().await;
    let builder = server.builder().configure(|config| config.max_pending_sends = 2);
    let (client, mut peer) = server.connect(&builder).await;
    let first = client.submit(&friend(), Outgoing::text("1")).await.unwrap();
    client.submit(&friend(), Outgoing::text("2")).await.unwrap();
    let to = friend();
    let mut third = Box::pin(client.submit(&to, Outgoing::text("3")));
    assert!((&mut third).now_or_never().is_none());
    let sent: TimMessage = peer.expect(PacketType::Message).await;
    peer.echo(sent, 1).await;
    soon(first).await.unwrap();
    soon(third).await.unwrap();
}

#[tokio::test]
async fn a_message_too_large_for_the_server_fails_and_the_others_arrive() {
    let server = Server::start().await;
    let (client, mut peer) = server.connect(&server.builder()).await;
    let large = client
        .submit(&friend(), Outgoing::text("x".repeat(50_000)))
        .await
        .unwrap();
    let small = client.submit(&friend(), Outgoing::text("small")).await.unwrap();
    peer.next().await;
    peer.next().await;
    peer.close(1009).await;
    assert!(matches!(soon(large).await, Err(SendError::TooLargeForServer { bytes }) if bytes > 50_000));
    let mut peer = server.accept_login().await;
    peer.expect_kind(PacketType::OfflineMsg).await;
    let sent: TimMessage = peer.expect(PacketType::Message).await;
    peer.echo(sent, 1).await;
    assert!(soon(small).await.is_ok());
}

#[tokio::test]
async fn text_messages_and_nonsense_from_the_server_do_no_harm() {
    let server = Server::start().await;
    let (client, mut peer) = server.connect(&server.builder()).await;
    peer.send_message(Message::text("Z\u{1}")).await;
    peer.send_raw(vec![].into()).await;
    peer.send_raw(vec![0x80, 1].into()).await;
    peer.send_raw(vec![12, 0xff, 0xff].into()).await;
    peer.deliver(1, &message(1, "still here")).await;
    assert_eq!(text(&client).await, "still here");
}

#[tokio::test]
async fn a_session_ended_by_the_server_is_not_taken_up_again() {
    let server = Server::start().await;
    let (client, mut peer) = server.connect(&server.builder()).await;
    let end = TimAck {
        error: Some(ErrorCode::OverEntry.into()),
        ..TimAck::success(PacketType::Logout.as_i8())
    };
    peer.send(PacketType::Ack, &end).await;
    assert!(matches!(event(&client).await, Event::Connected { .. }));
    assert_eq!(
        event(&client).await,
        Event::LoggedOut {
            reason: LogoutReason::TookPlace
        }
    );
    assert_eq!(soon(client.next_event()).await, None);
    assert!(peer.closed().await);
}

#[tokio::test]
async fn a_refused_login_is_an_error_with_its_code() {
    let server = Server::start().await;
    let builder = server.builder();
    let script = async {
        let mut peer = server.accept().await;
        peer.expect_kind(PacketType::Auth).await;
        peer.refuse(PacketType::Auth, ErrorCode::PermDenied).await;
        assert!(peer.closed().await);
    };
    let (result, ()) = tokio::join!(builder.connect(Credentials::password("alice", "wrong")), script);
    let Err(ConnectError::Refused(refusal)) = result else {
        panic!("{result:?}")
    };
    assert!(refusal.is(ErrorCode::PermDenied));
}

#[tokio::test]
async fn an_abandoned_login_closes_its_connection() {
    let server = Server::start().await;
    let builder = server.builder();
    let login = tokio::spawn(async move { builder.connect(Credentials::password("alice", "secret")).await });
    let mut peer = server.accept().await;
    peer.expect_kind(PacketType::Auth).await;
    login.abort();
    assert!(peer.closed().await);
}

#[tokio::test]
async fn a_one_time_token_is_renewed_at_reconnect() {
    let server = Server::start().await;
    let builder = server
        .builder()
        .credential_source(|| async { Some(Credentials::token("alice", "second")) });
    let connect = builder.connect(Credentials::token("alice", "first"));
    let (client, peer) = tokio::join!(connect, server.accept_login());
    let _client = client.unwrap();
    assert_eq!(peer.auth.token.as_deref(), Some("first"));
    drop(peer);
    assert_eq!(server.accept_login().await.auth.token.as_deref(), Some("second"));
}

#[tokio::test]
async fn what_is_no_tim_server_is_named() {
    let server = Server::start().await;
    let builder = server.builder();
    let script = async {
        let mut socket = server.accept_raw().await;
        tokio::io::AsyncWriteExt::write_all(
            &mut socket,
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        )
        .await
        .unwrap();
        socket
    };
    let (result, _socket) = tokio::join!(builder.connect(Credentials::password("a", "b")), script);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("404"), "{error}");

    let port = server.port();
    drop(server);
    let builder = ClientBuilder::new(&format!("127.0.0.1:{port}")).unwrap();
    let error = builder
        .connect(Credentials::password("a", "b"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ConnectError::Unreachable(why) if why.contains("refused")),
        "{error}"
    );
}

#[tokio::test]
async fn registration_posts_one_packet_and_reads_one() {
    let server = Server::start().await;
    let builder = server.builder().domain("example");
    let ack = TimAck {
        n: Some(own_node().to_string()),
        ..TimAck::success(PacketType::Register.as_i8())
    };
    let answer = packet::server_packet(PacketType::Ack, Encoding::Compact, &ack);
    let (node, (head, body)) = tokio::join!(
        builder.register("alice", "secret"),
        server.answer_http("200 OK", &answer)
    );
    assert_eq!(node, Ok(own_node()));
    assert!(head.starts_with("post /tim2 http/1.1"), "{head}");
    assert!(head.contains("origin: http://127.0.0.1"), "{head}");
    let request = ClientPacket::parse(&body).unwrap();
    assert_eq!(request.packet_type(), Some(PacketType::Register));
    let auth: TimAuth = request.decode().unwrap();
    assert_eq!(
        (auth.name.as_deref(), auth.domain.as_deref()),
        (Some("alice"), Some("example"))
    );
}

#[tokio::test]
async fn failed_registrations_say_why() {
    let server = Server::start().await;
    let builder = server.builder();
    let refusal = TimAck::refusal(PacketType::Register.as_i8(), ErrorCode::HasExist);
    let other = TimAck::success(PacketType::Token.as_i8());
    let encode = |ack: &TimAck| packet::server_packet(PacketType::Ack, Encoding::Compact, ack).to_vec();
    let taken = |error: &AccountError| matches!(error, AccountError::Refused(refusal) if refusal.is(ErrorCode::HasExist));
    let protocol = |error: &AccountError| matches!(error, AccountError::Protocol(_));
    let overload = |error: &AccountError| *error == AccountError::Status(503);
    let too_much = |error: &AccountError| matches!(error, AccountError::Unreachable(_));
    type Check<'a> = &'a dyn Fn(&AccountError) -> bool;
    let cases: [(&str, Vec<u8>, Check<'_>); 6] = [
        ("200 OK", encode(&refusal), &taken),
        ("200 OK", encode(&other), &protocol),
        ("200 OK", Vec::new(), &protocol),
        ("200 OK", vec![90, 1, 2], &protocol),
        ("503 Service Unavailable", Vec::new(), &overload),
        ("200 OK", vec![0; 1 << 20], &too_much),
    ];
    for (status, body, check) in cases {
        let (result, _) = tokio::join!(
            builder.register("alice", "secret"),
            server.answer_http(status, &body)
        );
        let error = result.unwrap_err();
        assert!(check(&error), "{status}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_does_not_hold_up_a_registration() {
    let server = Server::start().await;
    let builder = server.builder().request_timeout(Duration::from_millis(50));
    let (result, _socket) = tokio::join!(builder.register("alice", "secret"), server.accept_raw());
    assert!(matches!(result, Err(AccountError::Unreachable(_))));
}

#[tokio::test]
async fn live_data_is_settled_by_being_written_without_waiting_for_other_traffic() {
    let server = Server::start().await;
    // Nothing else may be what wakes the client.
    let builder = server
        .builder()
        .configure(|config| config.ping_interval = Duration::from_secs(3600));
    let (client, _peer) = server.connect(&builder).await;
    let to = friend();
    for _ in 0..200 {
        soon(client.send(&to, Outgoing::stream(vec![1]))).await.unwrap();
    }
}

//! HTTP: handshake rules, `/tim2`, other paths.

use tim_protocol::Encoding;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::{PacketType, ServerPacket, client_packet};
use tim_protocol::wire::{TimAck, TimAuth};

use super::script::{LIMIT_BEFORE, Note, options, start};
use super::wire::{Client, UPGRADE, frame};
use crate::config::{Network, Origin, Value as _};
use crate::gateway::Options;

#[tokio::test]
async fn the_upgrade_is_answered_with_exactly_what_old_clients_accept() {
    for path in ["/tim", "/"] {
        let running = start(options(), None);
        let mut client = Client::connect(running.address).await;
        let answer = client
            .request(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n"))
            .await;
        assert_eq!(answer.status, 101);
        let lines: Vec<&str> = answer.head.lines().collect();
        assert!(lines.contains(&"Connection: Upgrade"), "{lines:?}");
        assert!(lines.contains(&"Upgrade: websocket"));
        let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        assert!(lines.iter().any(|line| line.eq_ignore_ascii_case(accept)));
        let head = answer.head.to_ascii_lowercase();
        assert!(!head.contains("sec-websocket-extensions") && !head.contains("sec-websocket-protocol"));
        client.packet(b"Ehi").await;
        assert_eq!(client.expect_packet().await, b"hi");
    }
}

#[tokio::test]
async fn a_packet_that_arrives_together_with_the_request_is_not_lost() {
    let running = start(options(), None);
    let mut client = Client::connect(running.address).await;
    let mut bytes = format!("GET /tim HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n").into_bytes();
    bytes.extend(frame(0x82, b"Efirst"));
    bytes.extend(&frame(0x82, b"Esecond")[..5]);
    client.send(&bytes).await;
    assert_eq!(client.answer().await.status, 101);
    assert_eq!(client.expect_packet().await, b"first");
    client.send(&frame(0x82, b"Esecond")[5..]).await;
    assert_eq!(client.expect_packet().await, b"second");
}

#[tokio::test]
async fn a_published_library_can_connect() {
    let running = start(options(), None);
    let stream = tokio::net::TcpStream::connect(running.address).await.unwrap();
    let (mut socket, response) = tokio_tungstenite::client_async("ws://localhost/tim", stream)
        .await
        .unwrap();
    assert_eq!(response.status(), 101);
    use futures_util::{SinkExt as _, StreamExt as _};
    use tungstenite::Message;
    for size in [1, 200, 1_000] {
        let mut packet = vec![b'x'; size];
        packet[0] = b'E';
        socket.send(Message::binary(packet.clone())).await.unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::binary(packet[1..].to_vec())
        );
    }
    socket.close(None).await.unwrap();
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_))) | None));
}

#[tokio::test]
async fn bad_upgrades_and_other_paths_get_their_status() {
    let running = start(options(), None);
    for (request, status) in [
        ("GET /tim HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 400),
        (format!("GET /tim HTTP/1.0\r\nHost: x\r\n{UPGRADE}\r\n"), 400),
        (
            format!("GET /tim HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: a, b\r\n{UPGRADE}\r\n"),
            400,
        ),
        (
            format!(
                "GET /tim HTTP/1.1\r\nHost: x\r\n{}\r\n",
                UPGRADE.replace("13", "12")
            ),
            426,
        ),
        (
            format!("POST /tim HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{UPGRADE}\r\n"),
            404,
        ),
        ("GET /tim2 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 404),
        ("GET /tim/x HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 404),
        ("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 405),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 200),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 200),
        (
            format!("GET /tim HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{UPGRADE}\r\nab"),
            400,
        ),
        ("nonsense\r\n\r\n".to_owned(), 400),
    ] {
        let answer = Client::connect(running.address).await.request(&request).await;
        assert_eq!(answer.status, status, "{request}");
        assert!(status != 404 || answer.body.is_empty(), "a 404 has no body");
    }
}

#[tokio::test]
async fn one_subprotocol_is_echoed() {
    let running = start(options(), None);
    let mut client = Client::connect(running.address).await;
    let request = format!("GET /tim HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: chat\r\n{UPGRADE}\r\n");
    let answer = client.request(&request).await;
    assert_eq!(answer.status, 101);
    assert!(
        answer
            .head
            .to_ascii_lowercase()
            .contains("sec-websocket-protocol: chat\r\n")
    );
}

#[tokio::test]
async fn a_list_of_origins_is_enforced_for_sessions_and_requests() {
    let running = start(
        Options {
            origins: vec![Origin::parse("https://chat.example.org").unwrap()],
            ..options()
        },
        None,
    );
    let body = client_packet(PacketType::Register, Encoding::Compact, &TimAuth::default());
    for (origin, session, account) in [
        ("Origin: https://chat.example.org\r\n", 101, 200),
        ("Origin: https://evil.example\r\n", 403, 403),
        ("Origin: null\r\n", 403, 403),
        ("", 403, 403),
    ] {
        let mut client = Client::connect(running.address).await;
        let request = format!("GET /tim HTTP/1.1\r\nHost: x\r\n{origin}{UPGRADE}\r\n");
        assert_eq!(client.request(&request).await.status, session, "{origin}");
        let mut client = Client::connect(running.address).await;
        client
            .send(format!(
                "POST /tim2 HTTP/1.1\r\nHost: x\r\n{origin}Content-Length: {}\r\n\r\n",
                body.len()
            ))
            .await;
        client.send(&body).await;
        assert_eq!(client.answer().await.status, account, "{origin}");
    }
}

async fn post(client: &mut Client, headers: &str, body: &[u8]) -> super::wire::Answer {
    client
        .send(format!(
            "POST /tim2 HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        ))
        .await;
    client.send(body).await;
    client.answer().await
}

fn ack(body: &[u8], encoding: Encoding) -> TimAck {
    let packet = ServerPacket::parse(body).unwrap();
    assert_eq!(packet.packet_type(), Some(PacketType::Ack));
    packet.decode(encoding).unwrap()
}

#[tokio::test]
async fn registration_and_tokens_are_answered_in_the_encoding_of_the_request() {
    let running = start(options(), None);
    // One connection serves several requests, as published clients expect.
    let mut client = Client::connect(running.address).await;
    let auth = TimAuth {
        name: Some("tim1".to_owned()),
        pwd: Some("123".to_owned()),
        ..TimAuth::default()
    };
    for encoding in [Encoding::Compact, Encoding::Json] {
        for (kind, number) in [(PacketType::Register, 14), (PacketType::Token, 15)] {
            let answer = post(&mut client, "", &client_packet(kind, encoding, &auth)).await;
            assert_eq!(answer.status, 200);
            assert!(
                answer
                    .head
                    .to_ascii_lowercase()
                    .contains("application/octet-stream")
            );
            let ack = ack(&answer.body, encoding);
            assert!(ack.ok);
            assert_eq!(ack.tim_type, number);
        }
    }
}

#[tokio::test]
async fn requests_that_are_no_registration_are_refused() {
    let running = start(options(), None);
    let named = |name: &str| TimAuth {
        name: Some(name.to_owned()),
        ..TimAuth::default()
    };
    let register = |name| client_packet(PacketType::Register, Encoding::Compact, &named(name));
    for (body, status) in [
        (Vec::new(), 400),
        (vec![13], 400),
        (vec![16, 0], 400),
        (register("busy"), 503),
        (register("disabled"), 403),
        (vec![14; LIMIT_BEFORE + 1], 413),
    ] {
        let mut client = Client::connect(running.address).await;
        assert_eq!(post(&mut client, "", &body).await.status, status, "{body:?}");
    }
    let mut client = Client::connect(running.address).await;
    let answer = post(&mut client, "", &[14, 0x18, 0x7f]).await;
    assert_eq!(answer.status, 200);
    let error = ack(&answer.body, Encoding::Compact).error.unwrap();
    assert_eq!(error.code, Some(ErrorCode::Params.code()));
}

#[tokio::test]
async fn a_body_of_unknown_length_is_bounded_too() {
    let running = start(options(), None);
    let mut client = Client::connect(running.address).await;
    client
        .send("POST /tim2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    for _ in 0..3 {
        client.send("200\r\n").await;
        client.send([14; 0x200]).await;
        client.send("\r\n").await;
    }
    assert_eq!(client.answer().await.status, 413);
}

#[tokio::test]
async fn only_trusted_proxies_may_say_who_the_client_is() {
    let auth = client_packet(PacketType::Register, Encoding::Compact, &TimAuth::default());
    for (trusted, expected) in [("127.0.0.1", "203.0.113.7"), ("10.0.0.0/8", "127.0.0.1")] {
        let mut running = start(
            Options {
                trusted_proxies: vec![Network::parse(trusted).unwrap()],
                ..options()
            },
            None,
        );
        let mut client = Client::connect(running.address).await;
        let answer = post(&mut client, "X-Forwarded-For: 203.0.113.7\r\n", &auth).await;
        assert_eq!(ack(&answer.body, Encoding::Compact).n.as_deref(), Some(expected));
        let mut client = Client::connect(running.address).await;
        let request =
            format!("GET /tim HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\n{UPGRADE}\r\n");
        assert_eq!(client.request(&request).await.status, 101);
        assert_eq!(running.note().await, Note::Opened(expected.parse().unwrap()));
    }
}

#[tokio::test]
async fn heads_that_are_too_long_are_refused() {
    let running = start(options(), None);
    let mut client = Client::connect(running.address).await;
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(20_000));
    assert_eq!(client.request(&long).await.status, 431);
    let mut client = Client::connect(running.address).await;
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200));
    assert_eq!(client.request(&many).await.status, 431);
}

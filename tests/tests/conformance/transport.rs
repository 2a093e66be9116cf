//! Listeners, WebSocket, HTTP and framing, as far as the suite `protocol` does not show it (wire-protocol 2 and 3).

use std::time::Duration;

use tim_protocol::packet;
use tim_protocol::wire::TimAuth;
use tim_tests::people::operation;
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Received, Server, friends, http, in_both_encodings,
    secrets, shared, within,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A masked frame with a mask of zeros.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126, "a short frame");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// Covers: 2.2-11
#[tokio::test]
async fn pings_of_websocket_do_not_keep_a_session() {
    let server = Server::options().set("limits.ping_timeout", "\"1s\"").start();
    let person = Person::register(&server).await;
    let client = person.login(&server, Encoding::Compact).await;
    let (mut read, mut write) = client.into_stream().into_split();
    let pinging = async {
        loop {
            if write.write_all(&frame(0x89, b"")).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut answers = Vec::new();
    let closed = read.read_to_end(&mut answers);
    tokio::select! {
        _ = within("the end of the session", closed) => {}
        () = pinging => {}
    }
    assert!(
        answers.starts_with(&[0x8a, 0]),
        "the pings were answered: {answers:?}"
    );
}

/// Covers: 2.2-14
#[tokio::test]
async fn a_close_is_answered_and_logs_out() {
    let server = Server::options().set("accounts.device_limit", "1").start();
    let person = Person::register(&server).await;
    let mut stream = person.login(&server, Encoding::Compact).await.into_stream();
    stream.write_all(&frame(0x88, &[0x03, 0xe8])).await.unwrap();
    let mut answer = Vec::new();
    within("the end", stream.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(
        answer[..4],
        [0x88, answer[1], 0x03, 0xe8],
        "a close frame with 1000"
    );
    // The only place of the account is free again.
    person.login_on(&server, Encoding::Compact, "another").await;
}

/// Covers: 2.3-4
async fn a_registration_that_is_switched_off_is_not_carried_out(encoding: Encoding) {
    let server = Server::options().set("accounts.registration", "false").start();
    let auth = TimAuth {
        name: Some(secrets::NAME.to_owned()),
        pwd: Some(secrets::PASSWORD.to_owned()),
        ..TimAuth::default()
    };
    let body = packet::client_packet(PacketType::Register, encoding, &auth);
    let response = http::post(server.address(), "/tim2", &body).await;
    assert_eq!(response.status, 403);
    let mut client = Client::connect(server.address(), encoding).await;
    let answer = client.authenticate(&auth).await;
    answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
}

/// Covers: 2.3-6
async fn neither_content_type_nor_origin_of_a_registration_matters(encoding: Encoding) {
    let server = shared();
    let headers = [
        "",
        "Content-Type: text/html\r\n",
        "Content-Type: nonsense\r\nOrigin: https://evil.example\r\n",
    ];
    for header in headers {
        let auth = TimAuth {
            name: Some(format!("{}-{}", secrets::NAME, secrets::unique())),
            pwd: Some(secrets::PASSWORD.to_owned()),
            ..TimAuth::default()
        };
        let body = packet::client_packet(PacketType::Register, encoding, &auth);
        let length = body.len();
        let head = format!(
            "POST /tim2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}Content-Length: {length}\r\n\r\n"
        );
        let response = http::exchange(server.address(), &[head.as_bytes(), &body].concat()).await;
        assert_eq!(response.status, 200, "{header:?}");
        Received::parse(&response.body.into(), encoding).success(PacketType::Register);
    }
}

/// Covers: 2.3-7
#[tokio::test]
async fn requests_beyond_the_queue_are_answered_with_503_and_nothing() {
    let server = Server::options()
        .set("passwords.queue", "1")
        .set("passwords.threads", "1")
        .set("passwords.memory_kib", "65536")
        .start();
    let requests = (0..40).map(async |number| {
        let auth = TimAuth {
            name: Some(format!("{}{number}", secrets::NAME)),
            pwd: Some(secrets::PASSWORD.to_owned()),
            ..TimAuth::default()
        };
        let body = packet::client_packet(PacketType::Register, Encoding::Compact, &auth);
        http::post(server.address(), "/tim2", &body).await
    });
    let answers = futures_util::future::join_all(requests).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(
        !refused.is_empty() && refused.len() < answers.len(),
        "{} of 40",
        refused.len()
    );
    assert!(refused.iter().all(|answer| answer.body.is_empty()));
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(served + refused.len(), 40);
}

/// Covers: 3-4
async fn types_that_only_the_server_sends_are_refused(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, encoding).await;
    for kind in [0_u8, 14, 15, 18, 20] {
        client.send_raw(vec![kind | encoding.flag(), 0, 0]).await;
        let answer = client.expect(PacketType::Ack).await.ack();
        assert_eq!(answer.error_code(), Some(ErrorCode::Params), "type {kind}");
        assert_eq!(answer.tim_type, i8::try_from(kind).unwrap());
    }
    client.expect_silence().await;
}

/// Covers: 3-2, 4-1
async fn only_deliveries_and_offline_lists_are_synchronous(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    a.send_message(&tim_tests::chat::message(&pair.b.node, "hello"))
        .await;
    let echo = a.expect(PacketType::Message).await;
    let delivery = b.expect(PacketType::Message).await;
    assert!(echo.send_id.is_none() && delivery.send_id.is_some());
    assert_eq!(
        echo.message(),
        delivery.message(),
        "the payload follows the send id"
    );
    let mut stream = tim_tests::chat::message(&pair.b.node, "live");
    stream.od_type = 5;
    a.send_message(&stream).await;
    assert_eq!(b.expect(PacketType::Message).await.send_id, None, "a stream");
    a.request(operation::ROSTER, None, None).await;
    assert_eq!(a.expect(PacketType::Nodes).await.send_id, None, "a list");
    b.close().await;
    a.chat(&pair.b.node, "for later").await;
    let mut b = pair.b.login(&server, encoding).await;
    b.send_empty(PacketType::OfflineMsg).await;
    assert!(b.expect(PacketType::OfflineMsg).await.send_id.is_some());
    assert_eq!(b.expect(PacketType::OfflineMsgEnd).await.send_id, None);
    a.manage(operation::REMOVE, &pair.b.node).await;
    assert!(b.expect(PacketType::Message).await.send_id.is_some(), "a notice");
}

/// The upgrade and the login in one write, as on the fastest link.
/// Covers: 6.1-6
async fn a_login_in_the_moment_of_the_upgrade_stays(encoding: Encoding) {
    let server = Server::options().set("limits.login_timeout", "\"400ms\"").start();
    let person = Person::register(&server).await;
    let mut sessions = Vec::new();
    for number in 0..8 {
        let auth = TimAuth {
            name: Some(person.name.clone()),
            pwd: Some(person.password.clone()),
            resource: Some(number.to_string()),
            ..TimAuth::default()
        };
        let head = format!(
            "GET /tim HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            server.address()
        );
        let login = packet::client_packet(PacketType::Auth, encoding, &auth);
        let masked = if login.len() < 126 {
            frame(0x82, &login)
        } else {
            let length = u16::try_from(login.len()).unwrap().to_be_bytes();
            [&[0x82, 0xfe, length[0], length[1], 0, 0, 0, 0], &login[..]].concat()
        };
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream
            .write_all(&[head.as_bytes(), &masked].concat())
            .await
            .unwrap();
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\n") {
            response.push(within("the upgrade", stream.read_u8()).await.unwrap());
        }
        let answer = read_frame(&mut stream).await;
        Received::parse(&answer.into(), encoding).success(PacketType::Auth);
        sessions.push(stream);
    }
    // More than the time for a login passes; that is what is tested.
    tokio::time::sleep(Duration::from_millis(900)).await;
    for stream in &mut sessions {
        stream
            .write_all(&frame(0x82, &packet::ping(encoding)))
            .await
            .unwrap();
        assert_eq!(read_frame(stream).await, [13]);
    }
}

/// The payload of one short binary frame.
async fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 2];
    within("a frame", stream.read_exact(&mut header)).await.unwrap();
    assert_eq!(header[0], 0x82, "one binary frame");
    let mut payload = vec![0; usize::from(header[1])];
    assert!(header[1] < 126, "a short frame");
    stream.read_exact(&mut payload).await.unwrap();
    payload
}

in_both_encodings!(
    a_registration_that_is_switched_off_is_not_carried_out,
    neither_content_type_nor_origin_of_a_registration_matters,
    types_that_only_the_server_sends_are_refused,
    only_deliveries_and_offline_lists_are_synchronous,
    a_login_in_the_moment_of_the_upgrade_stays,
);

//! Listeners, WebSocket handshake, `/tim2` (wire-protocol 2, 6.4, 6.5).

use tim_protocol::packet;
use tim_protocol::wire::TimAuth;
use tim_tests::client::upgrade_request;
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Received, Server, http, in_both_encodings, shared,
    within,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const UPGRADE: [&str; 4] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

fn with<'a>(further: &[&'a str]) -> Vec<&'a str> {
    UPGRADE.iter().copied().chain(further.iter().copied()).collect()
}

async fn status(path: &str, headers: &[&str]) -> u16 {
    http::upgrade(shared().address(), path, headers).await.0.status
}

/// Covers: 2.1-1, 11.1-9
#[tokio::test]
async fn sessions_are_opened_on_tim_and_on_the_root() {
    for path in ["/tim", "/"] {
        let stream = TcpStream::connect(shared().address()).await.unwrap();
        let request = upgrade_request(shared().address(), path);
        Client::upgrade(stream, &request, Encoding::Compact)
            .await
            .unwrap();
    }
}

/// Covers: 2.2-1
#[tokio::test]
async fn the_upgrade_response_is_what_the_go_client_insists_on() {
    let (response, _stream) = http::upgrade(shared().address(), "/tim", &with(&[])).await;
    assert_eq!(response.status, 101);
    assert_eq!(response.header("connection"), Some("Upgrade"));
    assert!(
        response
            .header("upgrade")
            .unwrap()
            .eq_ignore_ascii_case("websocket")
    );
    assert_eq!(
        response.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(response.header("sec-websocket-extensions"), None);
    assert_eq!(response.header("sec-websocket-protocol"), None);
}

/// Covers: 2.2-2
#[tokio::test]
async fn an_offered_extension_is_not_taken_up() {
    let offer = ["Sec-WebSocket-Extensions: permessage-deflate"];
    let (response, _stream) = http::upgrade(shared().address(), "/tim", &with(&offer)).await;
    assert_eq!(response.status, 101);
    assert_eq!(response.header("sec-websocket-extensions"), None);
}

/// Covers: 2.2-3
#[tokio::test]
async fn one_subprotocol_is_echoed_and_several_are_refused() {
    let (response, _stream) = http::upgrade(
        shared().address(),
        "/tim",
        &with(&["Sec-WebSocket-Protocol: chat"]),
    )
    .await;
    assert_eq!(
        (response.status, response.header("sec-websocket-protocol")),
        (101, Some("chat"))
    );
    assert_eq!(
        status("/tim", &with(&["Sec-WebSocket-Protocol: chat, other"])).await,
        400
    );
}

/// Covers: 2.1-2, 2.2-4
#[tokio::test]
async fn a_malformed_upgrade_is_refused() {
    assert_eq!(status("/tim", &[]).await, 400, "a plain GET");
    assert_eq!(status("/tim", &UPGRADE[..3]).await, 400, "no key");
    let old = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 8",
        UPGRADE[3],
    ];
    assert_eq!(status("/tim", &old).await, 426, "another version");
    assert_eq!(http::post(shared().address(), "/tim", b"").await.status / 100, 4);
}

/// Covers: 2.1-3
#[tokio::test]
async fn other_paths_do_not_exist() {
    for path in ["/tim3", "/tim/", "/admin", "/../etc/passwd"] {
        assert_eq!(
            http::request(shared().address(), "GET", path, b"").await.status,
            404,
            "{path}"
        );
        assert_eq!(status(path, &UPGRADE).await, 404, "{path}");
    }
}

/// Covers: 2.2-5
#[tokio::test]
async fn any_origin_and_none_may_connect_by_default() {
    for origin in [
        "Origin: https://github.com/donnie4w/tim",
        "Origin: null",
        "X-None: 1",
    ] {
        assert_eq!(status("/tim", &with(&[origin])).await, 101, "{origin}");
    }
}

/// Covers: 2.2-6
#[tokio::test]
async fn with_a_list_only_its_origins_may_connect() {
    let server = Server::options()
        .set("listen.origins", "[\"https://chat.example\"]")
        .start();
    let try_with = async |headers: &[&str]| {
        http::upgrade(server.address(), "/tim", &with(headers))
            .await
            .0
            .status
    };
    assert_eq!(try_with(&["Origin: https://chat.example"]).await, 101);
    for refused in [
        &["Origin: https://evil.example"][..],
        &["Origin: null"],
        &["Origin: https://chat.example.evil.example"],
        &[],
    ] {
        assert_eq!(try_with(refused).await, 403, "{refused:?}");
    }
}

/// Covers: 2.3-2
#[tokio::test]
async fn tim2_answers_only_registrations_and_token_requests() {
    let address = shared().address();
    for (body, what) in [
        (&b""[..], "an empty body"),
        (b"\x0d", "a ping"),
        (b"\x10\x00", "a login"),
        (b"\x5a\x13\x02\x13\x01\x00", "a message"),
        (b"\x7f", "an unknown type"),
    ] {
        assert_eq!(http::post(address, "/tim2", body).await.status, 400, "{what}");
    }
    let response = http::request(address, "GET", "/tim2", b"").await;
    assert!(matches!(response.status, 404 | 405), "{response:?}");
}

/// Covers: 2.3-5
#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let large = vec![0x0e; 64 * 1024 + 1];
    assert_eq!(http::post(shared().address(), "/tim2", &large).await.status, 413);
}

/// Covers: 2.3-1, 2.3-3
async fn tim2_answers_in_the_encoding_of_the_request(encoding: Encoding) {
    for kind in [PacketType::Register, PacketType::Token] {
        let body = packet::client_packet(kind, encoding, &TimAuth::default());
        let response = http::post(shared().address(), "/tim2", &body).await;
        assert_eq!(response.status, 200);
        let answer = Received::parse(&response.body.into(), encoding).ack();
        assert!(!answer.ok && answer.tim_type == kind.as_i8());
    }
}

/// Covers: 7.1-3, 7.2-7
async fn an_undecodable_body_is_answered_with_4104(encoding: Encoding) {
    for kind in [PacketType::Register, PacketType::Token] {
        let body = [kind.as_u8() | encoding.flag(), b'{', 0xff, 0xff];
        let response = http::post(shared().address(), "/tim2", &body).await;
        assert_eq!(response.status, 200);
        Received::parse(&response.body.into(), encoding).refusal(kind, ErrorCode::Params);
    }
}

/// Covers: 2.2-7
#[tokio::test]
async fn server_packets_are_single_unmasked_binary_frames() {
    let server = shared();
    let person = Person::register(&server).await;
    let client = Client::connect(server.address(), Encoding::Compact).await;
    let mut stream = client.into_stream();
    let auth = packet::client_packet(PacketType::Auth, Encoding::Compact, &person.on_device("raw"));
    // A masked binary frame with a mask of zeros.
    let mut frame = vec![0x82, 0x80 | u8::try_from(auth.len()).unwrap(), 0, 0, 0, 0];
    frame.extend(&auth);
    stream.write_all(&frame).await.unwrap();
    let mut header = [0; 2];
    within("a frame", stream.read_exact(&mut header)).await.unwrap();
    assert_eq!(header[0], 0x82, "final, binary");
    assert!(header[1] < 126, "not masked, short length");
    let mut payload = vec![0; usize::from(header[1])];
    stream.read_exact(&mut payload).await.unwrap();
    Received::parse(&payload.into(), Encoding::Compact).success(PacketType::Auth);
}

/// Covers: 2.2-10
#[tokio::test]
async fn websocket_pings_are_answered_with_pongs() {
    let server = shared();
    let person = Person::register(&server).await;
    Client::connect(server.address(), Encoding::Compact)
        .await
        .websocket_ping(b"before login")
        .await;
    person
        .login(&server, Encoding::Compact)
        .await
        .websocket_ping(b"after login")
        .await;
}

/// Covers: 2.2-13
#[tokio::test]
async fn an_unmasked_frame_is_a_protocol_error() {
    let client = Client::connect(shared().address(), Encoding::Compact).await;
    let mut stream = client.into_stream();
    stream.write_all(&[0x82, 0x01, 0x0d]).await.unwrap();
    let mut answer = Vec::new();
    drop(within("the close", stream.read_to_end(&mut answer)).await);
    assert_eq!(answer[..4], [0x88, answer[1], 0x03, 0xea], "close frame 1002");
}

/// Covers: 2.2-13
#[tokio::test]
async fn text_that_is_not_utf8_closes_with_1007() {
    let client = Client::connect(shared().address(), Encoding::Compact).await;
    let mut stream = client.into_stream();
    stream.write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xff]).await.unwrap();
    let mut answer = Vec::new();
    drop(within("the close", stream.read_to_end(&mut answer)).await);
    assert_eq!(answer[..4], [0x88, answer[1], 0x03, 0xef], "close frame 1007");
}

in_both_encodings!(
    tim2_answers_in_the_encoding_of_the_request,
    an_undecodable_body_is_answered_with_4104,
);

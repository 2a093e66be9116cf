//! The server as a library: started, used and stopped inside a test.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tim_protocol::Encoding;
use tim_protocol::packet::{PacketType, ServerPacket, client_packet};
use tim_protocol::wire::{TimAck, TimAuth};
use tim_server::config::{Config, StorageKind};
use tim_server::{RunningServer, Server, StartError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tungstenite::Message;

fn config(data: &Path, kind: StorageKind) -> Config {
    let mut config = Config::default();
    config.listen.client = ([127, 0, 0, 1], 0).into();
    config.storage.path = data.join("data");
    config.storage.kind = kind;
    config.passwords.memory_kib = 8;
    config.passwords.iterations = 1;
    config
}

fn auth() -> TimAuth {
    TimAuth {
        name: Some("tim1".to_owned()),
        pwd: Some("123".to_owned()),
        ..TimAuth::default()
    }
}

async fn post<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, kind: PacketType) -> TimAck {
    let body = client_packet(kind, Encoding::Json, &auth());
    let head = format!(
        "POST /tim2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let start = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap()
        + 4;
    ServerPacket::parse(&answer[start..])
        .unwrap()
        .decode(Encoding::Json)
        .unwrap()
}

async fn login<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> (WebSocketStream<S>, TimAck) {
    let (mut socket, _) = tokio_tungstenite::client_async("ws://localhost/tim", stream)
        .await
        .unwrap();
    let packet = client_packet(PacketType::Auth, Encoding::Compact, &auth());
    socket.send(Message::binary(packet)).await.unwrap();
    let answer = next(&mut socket).await;
    let ack = ServerPacket::parse(&answer)
        .unwrap()
        .decode(Encoding::Compact)
        .unwrap();
    (socket, ack)
}

async fn next<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>) -> Bytes {
    match socket.next().await {
        Some(Ok(Message::Binary(packet))) => packet,
        other => unreachable!("a packet was expected, not {other:?}"),
    }
}

async fn connect(server: &RunningServer) -> TcpStream {
    TcpStream::connect(server.client_addr()).await.unwrap()
}

#[tokio::test]
async fn accounts_survive_a_stop_and_sessions_are_told_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(config(folder.path(), StorageKind::Sqlite))
        .await
        .unwrap();
    server.take_admin_password().unwrap().keep().unwrap();
    assert!(server.take_admin_password().is_none());
    let registered = post(connect(&server).await, PacketType::Register).await;
    assert!(registered.ok, "{registered:?}");
    let (mut socket, ack) = login(connect(&server).await).await;
    assert!(ack.ok, "{ack:?}");
    assert_eq!(ack.n, registered.n);
    socket.send(Message::binary(vec![13u8])).await.unwrap();
    assert_eq!(next(&mut socket).await.as_ref(), [13]);

    let second = Server::start(config(folder.path(), StorageKind::Sqlite)).await;
    assert!(
        matches!(second, Err(StartError::Store(_))),
        "one database, one server"
    );

    let address = server.client_addr();
    let stopping = tokio::spawn(server.shutdown());
    match socket.next().await {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1001),
        other => unreachable!("a close frame was expected, not {other:?}"),
    }
    drop(socket);
    tokio::time::timeout(Duration::from_secs(30), stopping)
        .await
        .expect("in time")
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());

    let mut server = Server::start(config(folder.path(), StorageKind::Sqlite))
        .await
        .unwrap();
    assert!(server.take_admin_password().is_none(), "it is made once");
    let (_socket, ack) = login(connect(&server).await).await;
    assert!(ack.ok && ack.n == registered.n);
    server.shutdown().await;
}

#[tokio::test]
async fn without_a_database_everything_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let server = Server::start(config(folder.path(), StorageKind::Memory))
            .await
            .unwrap();
        assert!(post(connect(&server).await, PacketType::Register).await.ok);
        server.shutdown().await;
    }
    assert!(!folder.path().join("data").exists());
}

/// Writes a certificate and its key; answers a connector that trusts only that certificate.
fn identity(folder: &Path) -> TlsConnector {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(client))
}

#[tokio::test]
async fn certificates_are_checked_at_start_and_read_again_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), StorageKind::Memory);
    config.tls.certificate = Some(folder.path().join("cert.pem"));
    config.tls.key = Some(folder.path().join("key.pem"));
    let refused = Server::start(config.clone()).await;
    assert!(
        matches!(refused, Err(StartError::Tls(_))),
        "no server without its certificate"
    );

    let connector = identity(folder.path());
    let server = Server::start(config).await.unwrap();
    let localhost = || ServerName::try_from("localhost").unwrap();
    let stream = connector
        .connect(localhost(), connect(&server).await)
        .await
        .unwrap();
    assert!(post(stream, PacketType::Register).await.ok);
    let stream = connector
        .connect(localhost(), connect(&server).await)
        .await
        .unwrap();
    let (mut socket, ack) = Box::pin(login(stream)).await;
    assert!(ack.ok);

    std::fs::write(folder.path().join("key.pem"), "damaged").unwrap();
    assert!(server.reload_tls().is_err());
    connector
        .connect(localhost(), connect(&server).await)
        .await
        .expect("the old one is still in use");
    let new = identity(folder.path());
    server.reload_tls().unwrap();
    assert!(
        connector
            .connect(localhost(), connect(&server).await)
            .await
            .is_err()
    );
    new.connect(localhost(), connect(&server).await).await.unwrap();
    socket.send(Message::binary(vec![13u8])).await.unwrap();
    assert_eq!(next(&mut socket).await.as_ref(), [13], "sessions go on");
    server.shutdown().await;
}

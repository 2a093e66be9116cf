//! A server that does exactly what a test tells it, over real sockets.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: a failed expectation is a failed test, and no test uses everything"
)]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tim_client::{Client, ClientBuilder, Credentials, Encoding, Node};
use tim_protocol::packet::{self, ClientPacket, PacketType};
use tim_protocol::wire::{Tid, TimAck, TimAuth, TimMessage};
use tim_protocol::{ErrorCode, WireStruct, node};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// How long anything may take. Only a bound for failures.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it did not happen in time")
}

pub(crate) struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    pub(crate) encoding: Encoding,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            listener,
            tls: None,
            encoding: Encoding::Compact,
        }
    }

    pub(crate) async fn with_tls(config: rustls::ServerConfig) -> Self {
        Self {
            tls: Some(TlsAcceptor::from(Arc::new(config))),
            ..Self::start().await
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub(crate) fn address(&self) -> String {
        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://127.0.0.1:{}", self.port())
    }

    /// A builder for this server that reconnects without long pauses.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let encoding = self.encoding;
        ClientBuilder::new(&self.address()).unwrap().configure(|config| {
            config.encoding = encoding;
            config.reconnect.first = Duration::from_millis(10);
            config.reconnect.shortest = Duration::from_millis(1);
        })
    }

    pub(crate) async fn accept_raw(&self) -> Box<dyn Socket> {
        let (tcp, _) = soon(self.listener.accept()).await.unwrap();
        match &self.tls {
            None => Box::new(tcp),
            Some(tls) => Box::new(tls.accept(tcp).await.unwrap()),
        }
    }

    /// A TLS handshake that may fail.
    pub(crate) async fn try_handshake(&self) {
        let (tcp, _) = self.listener.accept().await.unwrap();
        if let Some(tls) = &self.tls {
            tls.accept(tcp).await.ok();
        }
    }

    pub(crate) async fn accept(&self) -> Peer {
        let socket = self.accept_raw().await;
        let socket = soon(tokio_tungstenite::accept_async(socket)).await.unwrap();
        Peer {
            socket,
            encoding: self.encoding,
            node: own_node(),
            auth: TimAuth::default(),
        }
    }

    /// Accepts a connection and its login.
    pub(crate) async fn accept_login(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.auth = peer.expect(PacketType::Auth).await;
        peer.log_in().await;
        peer
    }

    /// A client that is logged in, and the server's end of its connection.
    pub(crate) async fn connect(&self, builder: &ClientBuilder) -> (Client, Peer) {
        let credentials = Credentials::password("alice", "secret");
        let (client, mut peer) = tokio::join!(builder.connect(credentials), self.accept_login());
        peer.expect_kind(PacketType::OfflineMsg).await;
        (client.unwrap(), peer)
    }

    /// Reads one HTTP request and answers it. Returns head and body of the request.
    pub(crate) async fn answer_http(&self, status: &str, body: &[u8]) -> (String, Vec<u8>) {
        let mut socket = self.accept_raw().await;
        let mut read = Vec::new();
        let (head, length) = loop {
            let mut buffer = [0; 1024];
            let count = soon(socket.read(&mut buffer)).await.unwrap();
            assert!(count > 0, "the request is incomplete");
            read.extend_from_slice(&buffer[..count]);
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(read[..end].to_vec()).unwrap().to_lowercase();
                let length = head.split("content-length: ").nth(1).unwrap();
                let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
                if read.len() >= end + 4 + length {
                    read.drain(..end + 4);
                    break (head, length);
                }
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        socket.write_all(answer.as_bytes()).await.unwrap();
        // The client may hang up when it has heard enough.
        if socket.write_all(body).await.is_ok() {
            socket.flush().await.ok();
        }
        read.truncate(length);
        (head, read)
    }
}

/// The server's end of a connection.
pub(crate) struct Peer {
    socket: WebSocketStream<Box<dyn Socket>>,
    encoding: Encoding,
    pub(crate) node: Node,
    pub(crate) auth: TimAuth,
}

impl Peer {
    pub(crate) async fn log_in(&mut self) {
        let ack = TimAck {
            n: Some(self.node.to_string()),
            ..TimAck::success(PacketType::Auth.as_i8())
        };
        self.send(PacketType::Ack, &ack).await;
    }

    /// The next packet that is not a ping.
    pub(crate) async fn next(&mut self) -> Bytes {
        loop {
            match soon(self.socket.next()).await.expect("closed").expect("broken") {
                Message::Binary(packet) if packet[0] & 0x7f == PacketType::Ping.as_u8() => {}
                Message::Binary(packet) => return packet,
                other => panic!("{other:?} instead of a packet"),
            }
        }
    }

    pub(crate) async fn expect_kind(&mut self, packet_type: PacketType) -> Bytes {
        let bytes = self.next().await;
        assert_eq!(
            ClientPacket::parse(&bytes).unwrap().packet_type(),
            Some(packet_type)
        );
        bytes
    }

    pub(crate) async fn expect<T: WireStruct>(&mut self, packet_type: PacketType) -> T {
        let bytes = self.expect_kind(packet_type).await;
        ClientPacket::parse(&bytes).unwrap().decode().unwrap()
    }

    pub(crate) async fn expect_ack(&mut self, send_id: i32) {
        let bytes = self.next().await;
        assert_eq!(packet::parse_delivery_ack(&bytes), Some(send_id));
    }

    /// Waits for the end of the connection; answers whether it was said goodbye.
    pub(crate) async fn closed(&mut self) -> bool {
        matches!(soon(self.socket.next()).await, Some(Ok(Message::Close(_))))
    }

    pub(crate) async fn send<T: WireStruct>(&mut self, packet_type: PacketType, value: &T) {
        self.send_raw(packet::server_packet(packet_type, self.encoding, value))
            .await;
    }

    pub(crate) async fn deliver(&mut self, send_id: i32, message: &TimMessage) {
        let payload = message.encode(self.encoding);
        self.send_raw(packet::synchronous_packet(PacketType::Message, send_id, &payload))
            .await;
    }

    pub(crate) async fn send_raw(&mut self, packet: Bytes) {
        self.socket.send(Message::Binary(packet)).await.unwrap();
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    pub(crate) async fn refuse(&mut self, packet_type: PacketType, code: ErrorCode) {
        self.send(PacketType::Ack, &TimAck::refusal(packet_type.as_i8(), code))
            .await;
    }

    /// The echo of a message.
    pub(crate) async fn echo(&mut self, mut message: TimMessage, mid: i64) {
        message.mid = Some(mid);
        message.timestamp = Some(mid * 1000);
        message.from_tid = Some(Tid {
            node: self.node.to_string(),
            ..Tid::default()
        });
        self.send(PacketType::Message, &message).await;
    }

    pub(crate) async fn close(&mut self, code: u16) {
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        self.socket.close(Some(frame)).await.unwrap();
    }
}

pub(crate) fn own_node() -> Node {
    node::wide_node_from_random([1; 15])
}

pub(crate) fn friend() -> Node {
    node::wide_node_from_random([2; 15])
}

/// A message of the friend.
pub(crate) fn message(mid: i64, text: &str) -> TimMessage {
    TimMessage {
        ms_type: 2,
        od_type: 1,
        id: Some(mid + 1000),
        mid: Some(mid),
        timestamp: Some(mid),
        from_tid: Some(Tid {
            node: friend().to_string(),
            ..Tid::default()
        }),
        to_tid: Some(Tid {
            node: own_node().to_string(),
            ..Tid::default()
        }),
        data_string: Some(text.to_owned()),
        ..TimMessage::default()
    }
}

//! One WebSocket connection that speaks raw packets. It reads only while a test waits for something, and
//! acknowledges what it reads unless it is told not to.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tim_protocol::packet::{self, PacketType};
use tim_protocol::{Encoding, WireStruct};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::{Received, within};

/// A connection.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<TcpStream>,
    /// Encoding of what it sends and, after login, of what it gets.
    pub encoding: Encoding,
    /// Whether synchronous packets are acknowledged as they are read.
    pub acknowledges: bool,
    /// The node it is logged in as; empty before.
    pub node: String,
    waiting: VecDeque<Received>,
}

/// What the connection brought next.
#[derive(Debug)]
pub enum Incoming {
    /// A packet.
    Packet(Received),
    /// The connection is over, with the close code if there was a close frame.
    Closed(Option<u16>),
}

impl Client {
    /// Opens a connection to `/tim`.
    ///
    /// # Panics
    /// When the server does not upgrade it.
    pub async fn connect(address: SocketAddr, encoding: Encoding) -> Self {
        let stream = TcpStream::connect(address).await.expect("connect");
        Self::upgrade(stream, &upgrade_request(address, "/tim"), encoding)
            .await
            .expect("a WebSocket connection")
    }

    /// Opens a connection to `/tim`; the error says why that failed.
    ///
    /// # Errors
    /// The server cannot be reached or does not upgrade the connection.
    pub async fn try_connect(address: SocketAddr, encoding: Encoding) -> Result<Self, String> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| error.to_string())?;
        Self::upgrade(stream, &upgrade_request(address, "/tim"), encoding).await
    }

    /// Makes a WebSocket connection of a stream.
    ///
    /// # Errors
    /// The server does not upgrade it.
    pub async fn upgrade(stream: TcpStream, request: &Request, encoding: Encoding) -> Result<Self, String> {
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let upgrade = Box::pin(tokio_tungstenite::client_async(request.clone(), stream));
        let (socket, _response) = within("the upgrade", upgrade)
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self {
            socket,
            encoding,
            acknowledges: true,
            node: String::new(),
            waiting: VecDeque::new(),
        })
    }

    /// Sends a binary message.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_raw(&mut self, packet: impl Into<Bytes>) {
        self.try_send_raw(packet).await.expect("send a packet");
    }

    /// Sends a binary message; the error says that the connection is gone.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn try_send_raw(&mut self, packet: impl Into<Bytes>) -> Result<(), String> {
        let send = self.socket.send(Message::Binary(packet.into()));
        within("room in the socket", send)
            .await
            .map_err(|error| error.to_string())
    }

    /// Sends a text message.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_text(&mut self, packet: &[u8]) {
        let text = std::str::from_utf8(packet).expect("UTF-8");
        self.socket
            .send(Message::Text(text.into()))
            .await
            .expect("send a text message");
    }

    /// Sends one binary message as several frames.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_in_fragments(&mut self, packet: &[u8], pieces: usize) {
        let size = packet.len().div_ceil(pieces).max(1);
        let count = packet.chunks(size).count();
        for (index, piece) in packet.chunks(size).enumerate() {
            let kind = if index == 0 { Data::Binary } else { Data::Continue };
            let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), index + 1 == count);
            self.socket
                .send(Message::Frame(frame))
                .await
                .expect("send a fragment");
        }
    }

    /// Sends a WebSocket ping and waits for the pong. Packets that arrive before it are kept.
    ///
    /// # Panics
    /// When the connection ends instead.
    pub async fn websocket_ping(&mut self, content: &'static [u8]) {
        self.socket
            .send(Message::Ping(content.into()))
            .await
            .expect("send a ping");
        loop {
            match within("a WebSocket pong", self.socket.next()).await {
                Some(Ok(Message::Pong(answer))) if answer == content => return,
                Some(Ok(Message::Binary(packet))) => {
                    let received = self.take_in(&packet).await;
                    self.waiting.push_back(received);
                }
                other => panic!("a pong was expected: {other:?}"),
            }
        }
    }

    /// Sends a struct in the encoding of the connection.
    pub async fn send<T: WireStruct>(&mut self, kind: PacketType, value: &T) {
        self.send_raw(packet::client_packet(kind, self.encoding, value))
            .await;
    }

    /// Sends a packet without payload.
    pub async fn send_empty(&mut self, kind: PacketType) {
        self.send_raw(packet::empty_client_packet(kind, self.encoding))
            .await;
    }

    /// Acknowledges a send id.
    pub async fn acknowledge(&mut self, send_id: i32) {
        self.send_raw(packet::delivery_ack(send_id, self.encoding)).await;
    }

    async fn take_in(&mut self, packet: &Bytes) -> Received {
        let received = Received::parse(packet, self.encoding);
        if let Some(send_id) = received.send_id.filter(|_| self.acknowledges) {
            // A connection that breaks here is noticed by the next read.
            drop(
                self.try_send_raw(packet::delivery_ack(send_id, self.encoding))
                    .await,
            );
        }
        received
    }

    /// What comes next, without a time limit.
    ///
    /// # Panics
    /// When the server sends anything but binary messages.
    pub async fn incoming(&mut self) -> Incoming {
        if let Some(received) = self.waiting.pop_front() {
            return Incoming::Packet(received);
        }
        self.read().await
    }

    async fn read(&mut self) -> Incoming {
        let mut code = None;
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(packet))) => return Incoming::Packet(self.take_in(&packet).await),
                Some(Ok(Message::Close(frame))) => code = frame.map(|frame| frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("a binary message was expected: {other:?}"),
                Some(Err(_)) | None => return Incoming::Closed(code),
            }
        }
    }

    async fn fetch(&mut self, what: &str) -> Received {
        match within(what, self.read()).await {
            Incoming::Packet(received) => received,
            Incoming::Closed(code) => panic!("the connection was closed ({code:?}) instead of {what}"),
        }
    }

    /// The next packet.
    ///
    /// # Panics
    /// When none comes or the connection ends.
    pub async fn next(&mut self) -> Received {
        match self.waiting.pop_front() {
            Some(received) => received,
            None => self.fetch("a packet").await,
        }
    }

    /// The next packet, which must be of that type.
    ///
    /// # Panics
    /// When it is not, or the connection ends.
    pub async fn expect(&mut self, kind: PacketType) -> Received {
        let received = match self.waiting.pop_front() {
            Some(received) => received,
            None => self.fetch(&format!("a packet of type {kind:?}")).await,
        };
        assert_eq!(received.kind, kind, "{received:?}");
        received
    }

    /// The next packet of that type; those of other types before it are kept for later.
    ///
    /// # Panics
    /// When none comes or the connection ends.
    pub async fn take(&mut self, kind: PacketType) -> Received {
        if let Some(at) = self.waiting.iter().position(|received| received.kind == kind) {
            return self.waiting.remove(at).unwrap();
        }
        let what = format!("a packet of type {kind:?}, while {:?} wait", self.waiting);
        loop {
            let received = self.fetch(&what).await;
            if received.kind == kind {
                return received;
            }
            self.waiting.push_back(received);
        }
    }

    /// Keeps packets for later.
    pub fn put_back(&mut self, packets: Vec<Received>) {
        self.waiting.extend(packets);
    }

    /// Everything that the server has to say to this session now. What it put in the session's mailbox
    /// before this call is included: a request is answered, its wake-up empties the mailbox, and a second
    /// request is answered after that.
    ///
    /// # Panics
    /// When the connection ends.
    pub async fn drain(&mut self) -> Vec<Received> {
        let mut all: Vec<Received> = self.waiting.drain(..).collect();
        for _ in 0..2 {
            self.send_empty(PacketType::Ping).await;
            loop {
                let received = self.fetch("a pong").await;
                if received.kind == PacketType::Ping {
                    break;
                }
                all.push(received);
            }
        }
        all
    }

    /// Checks that the server has nothing to say to this session.
    ///
    /// # Panics
    /// When it has.
    pub async fn expect_silence(&mut self) {
        let all = self.drain().await;
        assert!(all.is_empty(), "nothing was expected: {all:?}");
    }

    /// Waits until the server ends the connection; packets before that must not come. Answers the close code.
    ///
    /// # Panics
    /// When a packet comes or the connection stays.
    pub async fn expect_close(&mut self) -> Option<u16> {
        match within("the end of the connection", self.incoming()).await {
            Incoming::Closed(code) => code,
            Incoming::Packet(received) => panic!("the connection should have ended: {received:?}"),
        }
    }

    /// Closes the connection properly and waits until the server has closed it too.
    pub async fn close(mut self) {
        drop(self.socket.close(None).await);
        while let Incoming::Packet(_) = within("the end of the connection", self.read()).await {}
    }

    /// The bare stream, to break rules on.
    pub fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }

    /// Ends the connection without a word, as a lost network does as far as TCP allows it.
    pub async fn abandon(self) {
        let mut stream = self.into_stream();
        drop(stream.shutdown().await);
    }
}

/// An upgrade request as the published Go and Java clients send it.
///
/// # Panics
/// When `path` is not a path.
pub fn upgrade_request(address: SocketAddr, path: &str) -> Request {
    Request::builder()
        .uri(format!("ws://{address}{path}"))
        .header("Host", address.to_string())
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Origin", "https://github.com/donnie4w/tim")
        .body(())
        .expect("a request")
}

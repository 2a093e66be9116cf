//! A client made of raw bytes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gateway::connection::Socket;

pub(super) const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

const TEXT: u8 = 1;
const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// A connection and what was read from it but not used yet.
pub(super) struct Client<S = TcpStream> {
    pub(super) stream: S,
    unused: Vec<u8>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// A connection that was upgraded.
    pub(super) async fn websocket(address: SocketAddr) -> Self {
        let mut client = Self::connect(address).await;
        client.upgrade("/tim").await;
        client
    }

    /// A connection that was upgraded and logged in.
    pub(super) async fn logged_in(address: SocketAddr) -> Self {
        let mut client = Self::websocket(address).await;
        client.packet(b"A").await;
        client.packet(b"Ehello").await;
        assert_eq!(client.expect_packet().await, b"hello");
        client
    }
}

impl<S: Socket> Client<S> {
    pub(super) fn over(stream: S) -> Self {
        Self {
            stream,
            unused: Vec::new(),
        }
    }

    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(super) async fn upgrade(&mut self, path: &str) {
        let answer = self
            .request(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n"))
            .await;
        assert_eq!(answer.status, 101, "{answer:?}");
    }

    /// Sends a request and reads its answer.
    pub(super) async fn request(&mut self, request: &str) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    pub(super) async fn answer(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self.unused.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.read_more().await, "closed before an answer");
        };
        let head = String::from_utf8(self.unused.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0);
        while self.unused.len() < length {
            assert!(self.read_more().await, "closed inside an answer");
        }
        Answer {
            status,
            head,
            body: self.unused.drain(..length).collect(),
        }
    }

    /// Reads something. `false`: the server closed the connection.
    pub(super) async fn read_more(&mut self) -> bool {
        let mut buffer = vec![0; 16 * 1024];
        let read = tokio::time::timeout(Duration::from_secs(10), self.stream.read(&mut buffer)).await;
        let read = read.expect("the server answers or closes in time").unwrap_or(0);
        self.unused.extend_from_slice(&buffer[..read]);
        read > 0
    }

    /// Waits until the server closes the connection.
    pub(super) async fn expect_end(&mut self) {
        while self.read_more().await {}
    }

    pub(super) async fn frame(&mut self, first: u8, payload: &[u8]) {
        self.send(frame(first, payload)).await;
    }

    pub(super) async fn packet(&mut self, payload: &[u8]) {
        self.frame(0x80 | BINARY, payload).await;
    }

    pub(super) async fn text(&mut self, payload: &[u8]) {
        self.frame(0x80 | TEXT, payload).await;
    }

    /// The next frame: opcode and payload. The server must not mask or fragment.
    pub(super) async fn next_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((opcode, start, length)) = self.frame_size()
                && self.unused.len() >= start + length
            {
                let mut bytes: Vec<u8> = self.unused.drain(..start + length).collect();
                return Some((opcode, bytes.split_off(start)));
            }
            if !self.read_more().await {
                return None;
            }
        }
    }

    fn frame_size(&self) -> Option<(u8, usize, usize)> {
        let bytes = &self.unused;
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        assert_eq!(first & 0xf0, 0x80, "final, no reserved bits");
        assert_eq!(second & 0x80, 0, "not masked");
        let (start, length) = match second {
            126 => (
                4,
                u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())),
            ),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())),
            length => (2, u64::from(length)),
        };
        Some((first & 0x0f, start, usize::try_from(length).unwrap()))
    }

    pub(super) async fn expect_packet(&mut self) -> Vec<u8> {
        let (opcode, payload) = self.next_frame().await.expect("a packet");
        assert_eq!(opcode, BINARY, "{payload:?}");
        payload
    }

    /// The code of the close frame that must come next.
    pub(super) async fn expect_close(&mut self) -> u16 {
        let (opcode, payload) = self.next_frame().await.expect("a close frame");
        assert_eq!(opcode, CLOSE);
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

/// A masked frame.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut out = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length @ 0..=125) => out.push(0x80 | length.to_be_bytes()[1]),
        Ok(length) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    out
}

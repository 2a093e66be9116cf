//! A client made of raw bytes that cuts them as it is told, and the cases it is used in.

use std::time::Duration;

use tim_server::config::{ByteSize, Config};
use tim_server::echo::EchoServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
/// The bit of the first byte that ends a message.
pub(crate) const FINAL: u8 = 0x80;

/// Largest message of the server in most cases.
pub(crate) const LIMIT: usize = 256 * 1024;

/// Longer than any case should take.
const SECONDS: Duration = Duration::from_secs(30);

/// How the bytes of a case are cut into writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chop(pub(crate) usize);

/// One byte at a time, odd sizes, everything at once.
pub(crate) const CHOPS: [Chop; 4] = [Chop(1), Chop(3), Chop(997), Chop(usize::MAX)];

/// A frame that arrived.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let beginning = &self.payload[..self.payload.len().min(40)];
        write!(
            f,
            "opcode {} with {} bytes: {:?}",
            self.opcode,
            self.payload.len(),
            String::from_utf8_lossy(beginning)
        )
    }
}

/// What must come back for a message that is echoed.
pub(crate) fn echo(opcode: u8, payload: impl AsRef<[u8]>) -> Frame {
    Frame {
        opcode,
        payload: payload.as_ref().to_vec(),
    }
}

/// A close frame with a code.
pub(crate) fn closed(code: u16) -> Frame {
    echo(CLOSE, code.to_be_bytes())
}

/// A masked frame.
pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut out = head(first, payload.len() as u64);
    let mask = [0xa7, 0x00, 0x5c, 0xff];
    out.extend_from_slice(&mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    out
}

/// The head of a masked frame up to its length.
pub(crate) fn head(first: u8, length: u64) -> Vec<u8> {
    let mut out = vec![first];
    match u16::try_from(length) {
        Ok(short @ 0..=125) => out.push(0x80 | short.to_be_bytes()[1]),
        Ok(medium) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        Err(_) => {
            out.push(0x80 | 127);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out
}

/// The whole message in one frame.
pub(crate) fn text(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FINAL | TEXT, payload)
}

/// The whole message in one frame.
pub(crate) fn binary(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FINAL | BINARY, payload)
}

pub(crate) fn ping(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FINAL | PING, payload)
}

pub(crate) fn pong(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FINAL | PONG, payload)
}

pub(crate) fn close(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    frame(
        FINAL | CLOSE,
        [code.to_be_bytes().as_slice(), reason.as_ref()].concat(),
    )
}

/// An upgraded connection.
pub(crate) struct Client {
    stream: TcpStream,
    unused: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(server: &EchoServer) -> Self {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = "GET /tim HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut unused = Vec::new();
        let end = loop {
            if let Some(at) = unused.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(stream.read_buf(&mut unused).await.unwrap() > 0, "no answer");
        };
        let answer = String::from_utf8(unused.drain(..end).collect()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(
            !answer.to_ascii_lowercase().contains("sec-websocket-extensions"),
            "no extension is agreed on: {answer}"
        );
        Self { stream, unused }
    }

    /// Sends bytes in pieces. A server that has closed is no error: what it said is still to be read.
    pub(crate) async fn send(&mut self, bytes: &[u8], chop: Chop) {
        for piece in bytes.chunks(chop.0) {
            if self.stream.write_all(piece).await.is_err() {
                return;
            }
            if chop.0 < 16 && bytes.len() < 1_000 {
                // The server gets a chance to read this piece alone.
                tokio::task::yield_now().await;
            }
        }
    }

    /// The next frame; `None` after the end.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take_frame() {
                return Some(frame);
            }
            let read = tokio::time::timeout(SECONDS, self.stream.read_buf(&mut self.unused));
            match read.await.expect("an answer in time") {
                Ok(0) => {
                    assert!(self.unused.is_empty(), "the end in the middle of a frame");
                    return None;
                }
                Ok(_) => {}
                Err(error) => panic!("the connection was cut: {error}"),
            }
        }
    }

    fn take_frame(&mut self) -> Option<Frame> {
        let bytes = &self.unused;
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        assert_eq!(first & 0xf0, 0x80, "whole messages without reserved bits");
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let (start, length) = match second {
            126 => (
                4,
                u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())),
            ),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())),
            length => (2, u64::from(length)),
        };
        let end = start + usize::try_from(length).unwrap();
        if bytes.len() < end {
            return None;
        }
        let payload = self.unused.drain(..end).skip(start).collect();
        Some(Frame {
            opcode: first & 0x0f,
            payload,
        })
    }

    /// Everything that comes until the connection ends; of a close frame of the server only the code.
    pub(crate) async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(mut frame) = self.frame().await {
            if frame.opcode == CLOSE {
                frame.payload.truncate(2);
            }
            frames.push(frame);
        }
        frames
    }
}

/// An echo server with the limits of the product, but for the size of messages.
pub(crate) fn server(limit: usize) -> EchoServer {
    let mut config = Config::default();
    config.listen.client = ([127, 0, 0, 1], 0).into();
    config.limits.max_packet = ByteSize(limit);
    EchoServer::start(config).unwrap()
}

/// Sends bytes and then a close frame; exactly these frames must come back before the answer to it.
pub(crate) async fn answered(bytes: &[u8], expected: &[Frame]) {
    answered_within(LIMIT, bytes, expected).await;
}

/// The same with another limit of the size of messages.
pub(crate) async fn answered_within(limit: usize, bytes: &[u8], expected: &[Frame]) {
    let server = server(limit);
    for chop in CHOPS {
        let mut client = Client::connect(&server).await;
        client.send(bytes, chop).await;
        for expected in expected {
            let frame = client.frame().await;
            assert!(
                frame.as_ref() == Some(expected),
                "cut by {chop:?}: {expected:?} must come, not {frame:?}"
            );
        }
        client.send(&close(1000, ""), chop).await;
        assert_eq!(client.rest().await, [closed(1000)], "cut by {chop:?}");
    }
    server.shutdown().await;
}

/// Sends bytes; exactly these frames must come back, then a close frame with this code and the end of the connection,
/// without the client doing anything more.
pub(crate) async fn refused(bytes: &[u8], echoed: &[Frame], code: u16) {
    refused_within(LIMIT, bytes, echoed, code).await;
}

/// The same with another limit of the size of messages.
pub(crate) async fn refused_within(limit: usize, bytes: &[u8], echoed: &[Frame], code: u16) {
    let server = server(limit);
    let expected = [echoed, &[closed(code)]].concat();
    for chop in CHOPS {
        let mut client = Client::connect(&server).await;
        client.send(bytes, chop).await;
        let frames = client.rest().await;
        assert!(
            frames == expected,
            "cut by {chop:?}: {expected:?} must come, not {frames:?}"
        );
    }
    server.shutdown().await;
}

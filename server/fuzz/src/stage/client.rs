//! One connection of a script. It notes what it sees, and what no server may send.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tim_protocol::Encoding;
use tim_protocol::packet::{ClientPacket, delivery_ack, ping};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Outcome;
use crate::sightings::{Encodings, look_at};
use crate::websocket::{BINARY, CLOSE, PING, PONG, TEXT, UPGRADE, message, take_frame};

/// How long a client waits for the answer to a ping.
const SETTLE_TIME: Duration = Duration::from_secs(2);
/// How long it waits after the socket has answered and the session has not: before login the ping is ignored, and in
/// the middle of big data it is taken for a piece.
const SESSION_TIME: Duration = Duration::from_millis(40);
/// The payload of the ping of WebSocket that finds that out.
const MARK: &[u8] = b"settle";
/// How long it tries to send to a server that reads nothing.
const SEND_TIME: Duration = Duration::from_millis(500);
/// How long an upgrade may take.
const OPEN_TIME: Duration = Duration::from_secs(10);
/// Acknowledgements sent at once.
const MAX_ACKS: usize = 256;

/// What became of an attempt to settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Answered,
    Silent,
    Closed,
}

/// A name that only the server knows, and what it is for.
pub(super) enum Learnt {
    Room(String),
    VirtualRoom(String),
}

/// A connection.
pub(super) struct Client {
    stream: TcpStream,
    unused: Vec<u8>,
    encodings: Encodings,
    /// Encoding of the last packet that was sent.
    encoding: Encoding,
    unacknowledged: Vec<i32>,
    /// It has not answered the last ping.
    is_mute: bool,
    /// The session has answered the last ping.
    is_answered: bool,
    /// The socket has answered the last ping.
    is_marked: bool,
    is_over: bool,
    /// Bytes were sent that may be the beginning of a frame, so that the server may wait for its rest.
    is_broken: bool,
    last: String,
    sightings: BTreeSet<String>,
    pub(super) learnt: Vec<Learnt>,
    pub(super) wrong: Vec<String>,
}

impl Client {
    /// Opens a connection.
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        timeout(OPEN_TIME, Self::upgrade(address))
            .await
            .context("hang: no answer to an upgrade")?
    }

    async fn upgrade(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(UPGRADE.as_bytes()).await?;
        let mut unused = Vec::new();
        let end = loop {
            if let Some(at) = unused.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let read = stream.read_buf(&mut unused).await?;
            anyhow::ensure!(read > 0, "closed before the upgrade");
        };
        let head: Vec<u8> = unused.drain(..end).collect();
        anyhow::ensure!(head.starts_with(b"HTTP/1.1 101"), "the upgrade was refused");
        Ok(Self {
            stream,
            unused,
            encodings: Encodings::default(),
            encoding: Encoding::Compact,
            unacknowledged: Vec::new(),
            is_mute: false,
            is_answered: false,
            is_marked: false,
            is_over: false,
            is_broken: false,
            last: "open".to_owned(),
            sightings: BTreeSet::new(),
            learnt: Vec::new(),
            wrong: Vec::new(),
        })
    }

    /// Whether the server has ended it.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) async fn send_packet(&mut self, packet: &[u8]) {
        self.note_encoding(packet);
        self.send_raw(&message(BINARY, packet)).await;
    }

    pub(super) async fn send_text(&mut self, packet: &[u8]) {
        self.note_encoding(packet);
        self.send_raw(&message(TEXT, packet)).await;
    }

    fn note_encoding(&mut self, packet: &[u8]) {
        if let Some(packet) = ClientPacket::parse(packet) {
            self.encoding = packet.encoding;
            match packet.encoding {
                Encoding::Compact => self.encodings.compact = true,
                Encoding::Json => self.encodings.json = true,
            }
        }
    }

    /// Sends bytes that may hold packets of any kind.
    pub(super) async fn send_anything(&mut self, bytes: &[u8]) {
        (self.encodings.compact, self.encodings.json) = (true, true);
        self.is_broken = true;
        self.send_raw(bytes).await;
    }

    /// Sends bytes. What the server does not take is not sent; the connection may be over.
    async fn send_raw(&mut self, bytes: &[u8]) {
        match timeout(SEND_TIME, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => {}
            // What the server said before is still to be read.
            Ok(Err(_)) => self.is_mute = false,
            Err(_) => self.see("it takes nothing"),
        }
    }

    /// Acknowledges what has arrived.
    pub(super) async fn acknowledge(&mut self) {
        let mut bytes = Vec::new();
        for id in self.unacknowledged.drain(..).take(MAX_ACKS) {
            bytes.extend(message(BINARY, &delivery_ack(id, self.encoding)));
        }
        self.send_raw(&bytes).await;
    }

    /// Settles, unless the connection is over or has not answered the last time; what has arrived is read even so.
    pub(super) async fn settle_if_talking(&mut self) {
        if self.is_over {
            return;
        }
        if self.is_mute {
            let quiet = timeout(Duration::from_millis(2), self.read_to(Self::never)).await;
            self.is_mute = quiet.is_err();
            return;
        }
        self.ping().await;
        self.send_raw(&message(PING, MARK)).await;
        let answered = |client: &Self| client.is_answered || client.is_marked;
        let reached = timeout(SETTLE_TIME, self.read_to(answered)).await;
        if reached.is_ok() && !self.is_answered && !self.is_over {
            // What comes now decides.
            drop(timeout(SESSION_TIME, self.read_to(|client| client.is_answered)).await);
        }
        self.is_mute = !self.is_answered;
    }

    fn never(_: &Self) -> bool {
        false
    }

    async fn ping(&mut self) {
        (self.is_answered, self.is_marked) = (false, false);
        let ping = ping(self.encoding);
        self.note_encoding(&ping);
        self.send_raw(&message(BINARY, &ping)).await;
    }

    /// Waits until everything that was sent is answered.
    pub(super) async fn settle(&mut self, time: Duration) -> Settled {
        self.ping().await;
        match timeout(time, self.read_to(|client| client.is_answered)).await {
            Ok(()) if self.is_answered => Settled::Answered,
            Ok(()) => Settled::Closed,
            Err(_) => Settled::Silent,
        }
    }

    /// Reads until something is reached or the connection is over.
    async fn read_to(&mut self, is_reached: impl Fn(&Self) -> bool) {
        while !is_reached(self) && !self.is_over {
            match take_frame(&mut self.unused) {
                Ok(Some((opcode, payload))) => {
                    self.take_in(opcode, &payload);
                    continue;
                }
                Ok(None) => {}
                Err(rule) => {
                    self.wrong.push(format!("not WebSocket: {rule}"));
                    self.is_over = true;
                    return;
                }
            }
            match self.stream.read_buf(&mut self.unused).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => {
                    self.see("end");
                    self.is_over = true;
                }
            }
        }
    }

    /// Notes a frame.
    fn take_in(&mut self, opcode: u8, payload: &[u8]) {
        match opcode {
            BINARY => match look_at(payload, self.encodings) {
                Ok(seen) => {
                    self.see(&seen.sighting);
                    self.unacknowledged.extend(seen.send_id);
                    self.learnt.extend(seen.room.map(Learnt::Room));
                    self.learnt.extend(seen.virtual_room.map(Learnt::VirtualRoom));
                    self.is_answered |= seen.is_pong;
                }
                Err(reason) => {
                    let start: Vec<u8> = payload.iter().take(200).copied().collect();
                    self.wrong.push(format!(
                        "an answer that is none: {reason}: {}",
                        start.escape_ascii()
                    ));
                }
            },
            CLOSE => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
                // Codes that the client made up come back to it.
                let code = code.map_or(0, |code| if reason.is_empty() { code.min(1000) } else { code });
                self.see(&format!("close {code} {reason}"));
            }
            PONG if payload == MARK => self.is_marked = true,
            PONG => self.see("websocket pong"),
            other => self.wrong.push(format!("a frame with opcode {other}")),
        }
    }

    fn see(&mut self, sighting: &str) {
        self.sightings.insert(sighting.to_owned());
        self.sightings.insert(format!("{} > {sighting}", self.last));
        sighting.clone_into(&mut self.last);
    }

    pub(super) fn forget_sightings(&mut self) {
        self.sightings.clear();
        self.unacknowledged.clear();
    }

    /// Closes the connection properly.
    pub(super) async fn close(&mut self, time: Duration) {
        let time = if self.is_broken { SESSION_TIME } else { time };
        self.send_raw(&message(CLOSE, &1000u16.to_be_bytes())).await;
        let ended = timeout(time, self.read_to(Self::never)).await;
        if ended.is_err() && !self.is_broken {
            self.wrong
                .push("hang: a close frame does not end the connection".to_owned());
        }
    }

    /// Adds what it has seen.
    pub(super) fn report(mut self, outcome: &mut Outcome) {
        outcome.sightings.append(&mut self.sightings);
        outcome.wrong.append(&mut self.wrong);
    }
}

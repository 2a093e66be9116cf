//! Who and what a script may speak of: its accounts, and the rooms it makes. Stands for them in packets are replaced
//! before they are sent.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tim_protocol::Encoding;
use tim_protocol::packet::{PacketType, ServerPacket, client_packet};
use tim_protocol::wire::{TimAck, TimAuth};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::Learnt;
use crate::seeds::{NAMES, PASSWORD, login_name, node};

/// How long an answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Length of a stand-in for a node.
const NODE_LENGTH: u8 = 22;

/// Stand-ins and what they stand for.
pub(super) struct Cast {
    address: SocketAddr,
    http: TcpStream,
    names: Vec<(Vec<u8>, Vec<u8>)>,
    nodes: Vec<(Vec<u8>, Vec<u8>)>,
    rooms: usize,
    virtual_rooms: usize,
}

impl Cast {
    /// Registers the accounts of a script.
    pub(super) async fn register(address: SocketAddr, number: u32) -> Result<Self> {
        let mut cast = Self {
            address,
            http: TcpStream::connect(address).await?,
            names: Vec::new(),
            nodes: Vec::new(),
            rooms: 0,
            virtual_rooms: 0,
        };
        for name in NAMES {
            let stand_in = login_name(name);
            // As long as the stand-in.
            let mut real = format!("{name}{number:x}");
            while real.len() < stand_in.len() {
                real.push('-');
            }
            let auth = TimAuth {
                name: Some(real.clone()),
                pwd: Some(PASSWORD.to_owned()),
                ..TimAuth::default()
            };
            let body = client_packet(PacketType::Register, Encoding::Compact, &auth);
            let (status, answer) = cast.post(&body).await?;
            let ack: TimAck = ServerPacket::parse(&answer)
                .context("no packet")?
                .decode(Encoding::Compact)?;
            let address = ack
                .n
                .filter(|_| ack.ok)
                .with_context(|| format!("{real} cannot be registered: {status} {:?}", ack.error))?;
            cast.names.push((stand_in.into_bytes(), real.into_bytes()));
            cast.nodes.push((node(name).into_bytes(), address.into_bytes()));
        }
        Ok(cast)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The packet that somebody logs in with.
    pub(super) fn login(&self, name: &str) -> Vec<u8> {
        self.fill_in(&crate::seeds::login(name, "bystander", Encoding::Compact))
    }

    /// Sends a body to `/tim2`; answers the status and the body of the answer.
    pub(super) async fn post(&mut self, body: &[u8]) -> Result<(u16, Vec<u8>)> {
        timeout(ANSWER_TIME, self.exchange(body))
            .await
            .context("hang: no answer over HTTP")?
    }

    async fn exchange(&mut self, body: &[u8]) -> Result<(u16, Vec<u8>)> {
        let head = format!(
            "POST /tim2 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        if self.http.write_all(&request).await.is_err() {
            // The server ends connections on which it has refused a body.
            self.http = TcpStream::connect(self.address).await?;
            self.http.write_all(&request).await?;
        }
        let mut answer = Vec::new();
        loop {
            if let Some((status, start, length)) = parse_head(&answer)
                && answer.len() >= start + length
            {
                return Ok((status, answer.split_off(start)));
            }
            let read = self.http.read_buf(&mut answer).await.unwrap_or(0);
            if read == 0 {
                self.http = TcpStream::connect(self.address).await?;
                return Ok((0, Vec::new()));
            }
        }
    }

    /// Takes in the names of what was made.
    pub(super) fn learn(&mut self, learnt: &mut Vec<Learnt>) {
        for thing in learnt.drain(..) {
            let (stand_in, real) = match thing {
                Learnt::Room(real) => {
                    self.rooms += 1;
                    (node(&format!("room{}", self.rooms - 1)), real)
                }
                Learnt::VirtualRoom(real) => {
                    self.virtual_rooms += 1;
                    (node(&format!("vroom{}", self.virtual_rooms - 1)), real)
                }
            };
            self.nodes.push((stand_in.into_bytes(), real.into_bytes()));
        }
    }

    /// Puts the real names where the stand-ins are. The length in front of a text in compact form follows.
    pub(super) fn fill_in(&self, packet: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(packet.len());
        let mut rest = packet;
        while let Some((&first, behind)) = rest.split_first() {
            let name = self.names.iter().find(|(name, _)| rest.starts_with(name));
            let node = || self.nodes.iter().find(|(node, _)| rest.starts_with(node));
            if let Some((stand_in, real)) = name {
                out.extend_from_slice(real);
                rest = &rest[stand_in.len()..];
            } else if first == b'@'
                && let Some((stand_in, real)) = node()
            {
                if let Some(length) = out.last_mut().filter(|length| **length == NODE_LENGTH) {
                    *length = u8::try_from(real.len()).unwrap_or(*length);
                }
                out.extend_from_slice(real);
                rest = &rest[stand_in.len()..];
            } else {
                out.push(first);
                rest = behind;
            }
        }
        out
    }
}

/// Status, where the body begins, and how long it is.
fn parse_head(answer: &[u8]) -> Option<(u16, usize, usize)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..end]).ok()?.to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next()?.parse().ok())
        .unwrap_or(0);
    Some((status, end, length))
}

//! One connection of a reactor: what of it has arrived and what waits to be written.

use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::time::Instant;

use rustix::event::epoll;
use rustix::io::Errno;

use super::{Application, Event, Key, Outbox};
use crate::websocket::{self, Frame, FrameError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    Upgrading,
    WebSocket,
    Http,
}

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) phase: Phase,
    pub(super) websocket: bool,
    /// Bytes of an incomplete frame.
    pub(super) partial: Vec<u8>,
    pub(super) out: Outbox,
    pub(super) waits_for_space: bool,
    pub(super) deaf: bool,
}

impl Connection {
    pub(super) fn interest(&self) -> epoll::EventFlags {
        let mut interest = epoll::EventFlags::empty();
        interest.set(epoll::EventFlags::IN, !self.deaf);
        interest.set(epoll::EventFlags::OUT, self.waits_for_space);
        interest
    }

    /// Handles all complete frames of what was kept and `bytes`, and keeps the rest; `Some` when
    /// the server closed.
    pub(super) fn arrived(
        &mut self,
        key: Key,
        bytes: &[u8],
        now: Instant,
        application: &mut impl Application,
    ) -> Result<Option<String>, FrameError> {
        if self.partial.is_empty() {
            let (used, closed) = self.consume(key, bytes, now, application)?;
            self.partial.extend_from_slice(&bytes[used..]);
            return Ok(closed);
        }
        // Large frames come in many pieces: nothing is moved before the frame is complete.
        let mut kept = std::mem::take(&mut self.partial);
        kept.extend_from_slice(bytes);
        let (used, closed) = self.consume(key, &kept, now, application)?;
        kept.drain(..used);
        self.partial = kept;
        Ok(closed)
    }

    /// Handles all complete frames in `bytes`: how much of them that was, and why the server
    /// closed if it did.
    fn consume(
        &mut self,
        key: Key,
        bytes: &[u8],
        now: Instant,
        application: &mut impl Application,
    ) -> Result<(usize, Option<String>), FrameError> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let used = match self.phase {
                Phase::WebSocket => match websocket::parse_frame(rest)? {
                    None => break,
                    Some((Frame::Packet(payload), used)) => {
                        application.on_event(key, Event::Packet(&rest[payload]), now, &mut self.out);
                        used
                    }
                    Some((Frame::Ping(payload), used)) => {
                        websocket::write_pong(&mut self.out.bytes, &rest[payload]);
                        used
                    }
                    Some((Frame::Pong, used)) => used,
                    Some((Frame::Close(status), _)) => {
                        let reason = format!("closed by the server with status {status:?}");
                        return Ok((bytes.len(), Some(reason)));
                    }
                },
                Phase::Upgrading | Phase::Connecting => match websocket::parse_head(rest)? {
                    None => break,
                    Some(head) if head.status == 101 => {
                        self.phase = Phase::WebSocket;
                        application.on_event(key, Event::Open, now, &mut self.out);
                        head.length
                    }
                    Some(head) => return Err(FrameError::Refused(head.status)),
                },
                Phase::Http => match websocket::parse_head(rest)? {
                    Some(head) if rest.len() >= head.length + head.body => {
                        let body = &rest[head.length..head.length + head.body];
                        let event = Event::Response {
                            status: head.status,
                            body,
                        };
                        application.on_event(key, event, now, &mut self.out);
                        head.length + head.body
                    }
                    _ => break,
                },
            };
            at += used;
        }
        Ok((at, None))
    }

    /// Writes as much as the socket takes; true when it takes no more.
    pub(super) fn write_out(&mut self) -> Result<bool, Errno> {
        while !self.out.is_empty() {
            match rustix::net::send(
                self.stream.as_fd(),
                &self.out.bytes[self.out.written..],
                rustix::net::SendFlags::NOSIGNAL,
            ) {
                Ok(count) => self.out.written += count,
                Err(Errno::AGAIN) => return Ok(true),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        self.out.bytes.clear();
        self.out.written = 0;
        Ok(false)
    }
}

//! What a connection has to send: frames are put together in a borrowed buffer and written at once;
//! only what the socket does not take is kept. Large packets are never copied.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};

use super::Socket;
use crate::gateway::backend::Outgoing;
use crate::gateway::websocket::{put_binary_header, put_close, put_pong, put_text_header};

/// Bytes gathered for one write.
const GATHER: usize = 16 * 1024;
/// A packet of this size is not copied into the gathered bytes.
const LARGE: usize = 4 * 1024;
/// Bytes written in one visit.
const PER_VISIT: usize = 256 * 1024;

/// Something to be framed.
pub(super) enum Item {
    Message(Outgoing),
    Pong(Bytes),
}

/// What came of an attempt to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// There was nothing to write.
    Nothing,
    /// Everything was written, and that was something.
    Some,
    /// Something was written, and there may be more, but other connections get their turn.
    More,
    /// Something was written, then the socket took no more.
    PartThenBlocked,
    /// The socket takes nothing.
    Blocked,
}

/// What was framed but not taken by the socket: some bytes, then perhaps a large packet.
#[derive(Debug, Default)]
pub(super) struct Output {
    head: Bytes,
    tail: Bytes,
    flush: bool,
}

impl Output {
    /// Appends a close frame behind everything else.
    pub(super) fn push_close(&mut self, code: Option<u16>, reason: &str) {
        let mut bytes = Vec::with_capacity(self.head.len() + self.tail.len() + 128);
        bytes.extend_from_slice(&self.head);
        bytes.extend_from_slice(&self.tail);
        put_close(&mut bytes, code, reason);
        (self.head, self.tail) = (bytes.into(), Bytes::new());
    }

    /// Writes what is left over, then everything that `next` gives, until the socket takes no more
    /// or other connections should get their turn.
    pub(super) fn write<S: Socket>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
        gathered: &mut Vec<u8>,
        mut next: impl FnMut() -> Option<Item>,
    ) -> io::Result<Written> {
        let mut total = 0;
        while !self.head.is_empty() || !self.tail.is_empty() {
            match write_some(cx, socket, &self.head, &self.tail)? {
                Poll::Ready(written) => {
                    total += written;
                    self.flush = true;
                    let in_head = written.min(self.head.len());
                    self.head.advance(in_head);
                    self.tail.advance(written - in_head);
                }
                Poll::Pending => return Ok(blocked(total)),
            }
        }
        // Nothing may be kept of a packet that is sent, however small the rest was.
        (self.head, self.tail) = (Bytes::new(), Bytes::new());
        let more = loop {
            if total >= PER_VISIT {
                break true;
            }
            let large = gather(gathered, &mut next);
            if gathered.is_empty() {
                break false;
            }
            let (mut head, mut tail) = (gathered.as_slice(), large);
            while !head.is_empty() || !tail.is_empty() {
                match write_some(cx, socket, head, &tail)? {
                    Poll::Ready(written) => {
                        total += written;
                        self.flush = true;
                        let in_head = written.min(head.len());
                        head = &head[in_head..];
                        tail.advance(written - in_head);
                    }
                    Poll::Pending => {
                        (self.head, self.tail) = (Bytes::copy_from_slice(head), tail);
                        return Ok(blocked(total));
                    }
                }
            }
        };
        if self.flush {
            match Pin::new(socket).poll_flush(cx)? {
                Poll::Ready(()) => self.flush = false,
                Poll::Pending => return Ok(blocked(total)),
            }
        }
        Ok(match total {
            _ if more => Written::More,
            0 => Written::Nothing,
            _ => Written::Some,
        })
    }
}

fn blocked(total: usize) -> Written {
    if total == 0 {
        Written::Blocked
    } else {
        Written::PartThenBlocked
    }
}

/// Fills `gathered` with frames; a large packet ends it and is returned without its header.
fn gather(gathered: &mut Vec<u8>, next: &mut impl FnMut() -> Option<Item>) -> Bytes {
    gathered.clear();
    while gathered.len() < GATHER {
        match next() {
            Some(Item::Message(message)) => {
                let payload = match message {
                    Outgoing::Binary(packet) => {
                        put_binary_header(gathered, packet.len());
                        packet
                    }
                    Outgoing::Text(text) => {
                        put_text_header(gathered, text.len());
                        text
                    }
                };
                if payload.len() >= LARGE {
                    return payload;
                }
                gathered.extend_from_slice(&payload);
            }
            Some(Item::Pong(payload)) => put_pong(gathered, &payload),
            None => break,
        }
    }
    Bytes::new()
}

fn write_some<S: Socket>(
    cx: &mut Context<'_>,
    socket: &mut S,
    head: &[u8],
    tail: &[u8],
) -> io::Result<Poll<usize>> {
    let socket = Pin::new(socket);
    let written = if tail.is_empty() {
        socket.poll_write(cx, head)
    } else if head.is_empty() {
        socket.poll_write(cx, tail)
    } else if socket.is_write_vectored() {
        socket.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(tail)])
    } else {
        socket.poll_write(cx, head)
    };
    match written {
        Poll::Pending => Ok(Poll::Pending),
        Poll::Ready(Ok(0)) => Err(io::ErrorKind::WriteZero.into()),
        Poll::Ready(Ok(written)) => Ok(Poll::Ready(written)),
        Poll::Ready(Err(error)) => Err(error),
    }
}

//! The end of a connection: what the session has begun, the close frame, the answer to it.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::output::Written;
use super::{CLOSE_TIME, Connection, End, MESSAGES_PER_VISIT, Phase, Socket};
use crate::gateway::backend::PacketSession;
use crate::gateway::drain::Stage;
use crate::gateway::scratch::Scratch;

/// Time for what a session has begun when its client says goodbye.
const FINISH_TIME: Duration = Duration::from_secs(2);
/// Bytes read and thrown away while waiting for the answer.
const LINGER_BYTES: usize = 256 * 1024;

/// How a close handshake begins.
pub(super) struct Farewell {
    pub(super) code: Option<u16>,
    reason: Cow<'static, str>,
    /// The client closed first.
    pub(super) answered: bool,
}

impl Farewell {
    /// The server closes.
    pub(super) fn ours(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: Some(code),
            reason: reason.into(),
            answered: false,
        }
    }

    /// The client has closed; its code is sent back.
    pub(super) fn theirs(code: Option<u16>) -> Self {
        Self {
            code,
            reason: Cow::Borrowed(""),
            answered: true,
        }
    }
}

impl<S: Socket, P: PacketSession> Connection<S, P> {
    /// The client has closed: what it asked for before is finished first.
    pub(super) fn begin_finish(&mut self, code: Option<u16>, now: Instant) {
        (self.unread, self.stalled) = (Bytes::new(), None);
        self.phase = Phase::Finishing {
            until: now + FINISH_TIME,
            code,
        };
    }

    /// One visit after the client has closed.
    pub(super) fn finish(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        until: Instant,
        code: Option<u16>,
    ) -> Result<bool, End> {
        let stage = self.admitted.drain.poll(cx);
        let Some(session) = &mut self.session else {
            return Err(End::Closed);
        };
        session.poll(cx, now);
        let is_emptied = (0..MESSAGES_PER_VISIT).any(|_| session.next_packet().is_none());
        if session.is_idle() || now >= until || stage == Stage::Closing {
            return Ok(self.close(&Farewell::theirs(code), now));
        }
        Ok(!is_emptied)
    }

    /// Ends the session and begins the close handshake.
    pub(super) fn close(&mut self, farewell: &Farewell, now: Instant) -> bool {
        let Farewell { code, reason, .. } = farewell;
        tracing::debug!(address = %self.admitted.address, code, %reason, "connection closes");
        self.session = None;
        self.unread = Bytes::new();
        self.stalled = None;
        self.output.push_close(*code, reason);
        self.phase = Phase::Closing {
            until: now + CLOSE_TIME,
        };
        true
    }

    pub(super) fn send_close(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        until: Instant,
    ) -> Result<bool, End> {
        if now >= until {
            return Err(End::Closed);
        }
        let written = self
            .output
            .write(cx, &mut self.socket, &mut Vec::new(), || None)
            .map_err(|_| End::Gone)?;
        if matches!(written, Written::Blocked | Written::PartThenBlocked) {
            return Ok(false);
        }
        match Pin::new(&mut self.socket).poll_shutdown(cx) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(())) => {
                self.phase = Phase::Lingering {
                    until,
                    left: LINGER_BYTES,
                };
                Ok(true)
            }
            Poll::Ready(Err(_)) => Err(End::Closed),
        }
    }

    pub(super) fn linger(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        now: Instant,
        until: Instant,
        left: usize,
    ) -> Result<bool, End> {
        if now >= until {
            return Err(End::Closed);
        }
        let mut buffer = ReadBuf::new(&mut scratch.read);
        match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
            Poll::Pending => Ok(false),
            Poll::Ready(Err(_)) => Err(End::Closed),
            Poll::Ready(Ok(())) => {
                let read = buffer.filled().len();
                if read == 0 || read > left {
                    return Err(End::Closed);
                }
                self.phase = Phase::Lingering {
                    until,
                    left: left - read,
                };
                Ok(true)
            }
        }
    }
}

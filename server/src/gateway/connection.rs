//! One WebSocket connection after the upgrade: a single task with a single poll function. Reading
//! and writing do not wait for each other; how much is read, and how much may wait to be
//! written, is for the session to say. A connection at rest owns no buffers.

mod farewell;
mod output;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use self::farewell::Farewell;
use self::output::{Output, Written};
use super::admission::{SocketPlace, StrangerPlace};
use super::backend::PacketSession;
use super::drain::{DrainListener, Stage};
use super::scratch::Scratch;
use super::websocket::{Event, FrameReader};

/// Visits of one wake before other connections get their turn.
const ROUNDS: usize = 8;
/// Messages taken from one connection per visit.
const MESSAGES_PER_VISIT: usize = 64;
/// Pongs that wait to be sent. A client that sends more pings without reading gets the answers to the last ones.
const PONGS: usize = MESSAGES_PER_VISIT;
/// Pings, pongs and slivers accepted per second.
const NOISE_PER_SECOND: u32 = 500;
/// Time to send a close frame, and to wait for its answer. A session that is over gets as much to
/// send its last packets.
const CLOSE_TIME: Duration = Duration::from_secs(2);
/// When a session is visited again that asks for a time already past.
const OVERDUE: Duration = Duration::from_secs(1);

/// A byte stream to a client.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Socket for T {}

/// What a connection gets from the listener.
pub(super) struct Admitted {
    /// Address of the client.
    pub(super) address: IpAddr,
    /// Its place among all sockets, held while the connection lives.
    pub(super) _place: SocketPlace,
    /// Its place among those not logged in; given back at login.
    pub(super) stranger: Option<StrangerPlace>,
    /// Tells about the shutdown of the server.
    pub(super) drain: DrainListener,
    /// A client that takes nothing off the socket for so long is disconnected.
    pub(super) write_timeout: Duration,
}

enum Phase {
    /// Packets flow.
    Open,
    /// The client has closed: the session finishes what was asked before, nobody reads the answers.
    Finishing { until: Instant, code: Option<u16> },
    /// The close frame is being sent.
    Closing { until: Instant },
    /// The close frame is sent; the answer or the end is awaited and everything else thrown away, so
    /// that the operating system does not destroy what the client has not read yet.
    Lingering { until: Instant, left: usize },
}

/// Why a connection ends without further ado.
enum End {
    /// The client is gone, or does not take what is sent.
    Gone,
    /// The close handshake is complete or was given up.
    Closed,
}

enum Input {
    /// Something was taken.
    Taken,
    /// The socket has nothing.
    Nothing,
    /// The session wants nothing.
    Unwanted,
}

/// A WebSocket connection. The future ends when the socket can be closed.
pub(super) struct Connection<S, P> {
    socket: S,
    session: Option<P>,
    phase: Phase,
    reader: FrameReader,
    /// Read but not yet taken by the session.
    unread: Bytes,
    output: Output,
    pongs: VecDeque<Bytes>,
    /// Since when the client has taken nothing.
    stalled: Option<Instant>,
    /// Since when the session has been over.
    over: Option<Instant>,
    noise: u32,
    noise_since: Instant,
    timer: Pin<Box<Sleep>>,
    draining: bool,
    admitted: Admitted,
}

impl<S: Socket, P: PacketSession> Connection<S, P> {
    /// Begins a connection. `unread` is what arrived behind the upgrade request.
    pub(super) fn new(socket: S, unread: Bytes, session: P, admitted: Admitted) -> Self {
        let now = Instant::now();
        Self {
            socket,
            session: Some(session),
            phase: Phase::Open,
            reader: FrameReader::default(),
            unread,
            output: Output::default(),
            pongs: VecDeque::new(),
            stalled: None,
            over: None,
            noise: 0,
            noise_since: now,
            timer: Box::pin(tokio::time::sleep_until(now)),
            draining: false,
            admitted,
        }
    }

    fn drive(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<()> {
        let mut now = Instant::now();
        for _ in 0..ROUNDS {
            let progress = match self.phase {
                Phase::Open => self.exchange(cx, scratch, now),
                Phase::Finishing { until, code } => self.finish(cx, now, until, code),
                Phase::Closing { until } => self.send_close(cx, now, until),
                Phase::Lingering { until, left } => self.linger(cx, scratch, now, until, left),
            };
            match progress {
                Ok(true) => {}
                Ok(false) => {
                    if !self.timer_fired(cx, now) {
                        return Poll::Pending;
                    }
                    now = Instant::now();
                }
                Err(End::Closed | End::Gone) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One visit of an open connection. `true`: another one may find something to do.
    fn exchange(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch, now: Instant) -> Result<bool, End> {
        let stage = self.admitted.drain.poll(cx);
        if stage == Stage::Closing {
            return Ok(self.close(&Farewell::ours(1001, "the server is stopping"), now));
        }
        if stage == Stage::Draining && !self.draining {
            self.draining = true;
            if let Some(session) = &mut self.session {
                session.begin_shutdown();
            }
        }
        let input = match self.take_input(cx, scratch, now)? {
            Ok(input) => input,
            Err(farewell) if farewell.answered => {
                self.begin_finish(farewell.code, now);
                return Ok(true);
            }
            Err(farewell) => {
                // What was asked before the violation is answered as far as that takes no waiting.
                if let Some(session) = &mut self.session {
                    session.poll(cx, now);
                    self.write(cx, scratch, now)?;
                }
                return Ok(self.close(&farewell, now));
            }
        };
        let Some(session) = &mut self.session else {
            return Err(End::Closed);
        };
        session.poll(cx, now);
        if session.authenticated() {
            self.admitted.stranger = None;
        }
        let written = self.write(cx, scratch, now)?;
        let Some(session) = &self.session else {
            return Err(End::Closed);
        };
        let sent = matches!(written, Written::Some | Written::More);
        let all_sent = matches!(written, Written::Some | Written::Nothing);
        if let Some((code, reason)) = session.closing() {
            if all_sent {
                return Ok(self.close(&Farewell::ours(code, reason), now));
            }
            if now >= *self.over.get_or_insert(now) + CLOSE_TIME {
                tracing::debug!(address = %self.admitted.address, code, %reason, "connection cut: the client does not read");
                return Err(End::Gone);
            }
        }
        Ok(match input {
            Input::Taken => true,
            Input::Nothing => sent,
            Input::Unwanted => sent || session.wants_input(),
        })
    }

    /// Reads and hands over what the session wants. The inner error is a reason to close.
    fn take_input(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        now: Instant,
    ) -> Result<Result<Input, Farewell>, End> {
        if !self.session.as_ref().is_some_and(PacketSession::wants_input) {
            return Ok(Ok(Input::Unwanted));
        }
        if !self.unread.is_empty() {
            let unread = std::mem::take(&mut self.unread);
            let taken = self.hand_over(&unread, now);
            return Ok(taken.map(|taken| {
                self.unread = unread.slice(taken..);
                Input::Taken
            }));
        }
        let mut buffer = ReadBuf::new(&mut scratch.read);
        match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
            Poll::Pending => Ok(Ok(Input::Nothing)),
            Poll::Ready(Err(_)) => Err(End::Gone),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Err(End::Gone),
            Poll::Ready(Ok(())) => {
                let bytes = buffer.filled();
                Ok(self.hand_over(bytes, now).map(|taken| {
                    self.unread = Bytes::copy_from_slice(&bytes[taken..]);
                    Input::Taken
                }))
            }
        }
    }

    /// Gives messages to the session until it has enough; answers how many bytes were used.
    fn hand_over(&mut self, bytes: &[u8], now: Instant) -> Result<usize, Farewell> {
        let Some(session) = &mut self.session else {
            return Ok(bytes.len());
        };
        let mut rest = bytes;
        for _ in 0..MESSAGES_PER_VISIT {
            if !session.wants_input() {
                break;
            }
            match self.reader.next(&mut rest, session.packet_limit()) {
                Ok(None) => {
                    session.reading(self.reader.unfinished());
                    break;
                }
                Ok(Some(Event::Binary(packet))) => {
                    session.receive(packet, now);
                    continue;
                }
                Ok(Some(Event::Text(packet))) => {
                    session.receive_text(packet, now);
                    continue;
                }
                Ok(Some(Event::Close(code))) => {
                    return Err(Farewell::theirs(code));
                }
                Ok(Some(Event::Ping(payload))) => {
                    if self.pongs.len() == PONGS {
                        self.pongs.pop_front();
                    }
                    self.pongs.push_back(payload);
                }
                Ok(Some(Event::Pong | Event::Sliver)) => {}
                Err(violation) => return Err(Farewell::ours(violation.code(), violation.to_string())),
            }
            if now.duration_since(self.noise_since) >= Duration::from_secs(1) {
                (self.noise, self.noise_since) = (0, now);
            }
            self.noise += 1;
            if self.noise > NOISE_PER_SECOND {
                return Err(Farewell::ours(1008, "too many frames"));
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// Sends what waits and what the session has, until the socket takes no more.
    fn write(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch, now: Instant) -> Result<Written, End> {
        let (session, pongs) = (&mut self.session, &mut self.pongs);
        let written = self.output.write(cx, &mut self.socket, &mut scratch.write, || {
            pongs
                .pop_front()
                .map(output::Item::Pong)
                .or_else(|| session.as_mut()?.next_message().map(output::Item::Message))
        });
        if self.pongs.is_empty() && self.pongs.capacity() > 0 {
            self.pongs = VecDeque::new();
        }
        self.note_progress(written.map_err(|_| End::Gone)?, now)
    }

    fn note_progress(&mut self, written: Written, now: Instant) -> Result<Written, End> {
        match written {
            Written::Blocked => {
                let since = *self.stalled.get_or_insert(now);
                if now.duration_since(since) >= self.admitted.write_timeout {
                    tracing::debug!(address = %self.admitted.address, "connection closed: the client does not read");
                    return Err(End::Gone);
                }
            }
            Written::PartThenBlocked => self.stalled = Some(now),
            Written::Nothing | Written::Some | Written::More => self.stalled = None,
        }
        Ok(match written {
            Written::PartThenBlocked => Written::Blocked,
            other => other,
        })
    }

    fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            // What was due for a session that is over is not due any more.
            Phase::Open => match self.over {
                Some(since) => Some(since + CLOSE_TIME),
                None => self.session.as_ref().map(PacketSession::deadline),
            },
            Phase::Finishing { until, .. } | Phase::Closing { until } | Phase::Lingering { until, .. } => {
                Some(until)
            }
        };
        let stall = self.stalled.map(|since| since + self.admitted.write_timeout);
        phase.into_iter().chain(stall).min()
    }

    /// Makes sure that the task wakes at the deadline. `true`: it is now. A timer that is set too
    /// early is left alone until it fires, which costs less than moving it all the time.
    fn timer_fired(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(deadline) = self.deadline() else {
            return false;
        };
        // It has just been visited: what is still overdue waits for something else than the time.
        let deadline = if deadline > now { deadline } else { now + OVERDUE };
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.timer.deadline() >= deadline {
                return true;
            }
            self.timer.as_mut().reset(deadline);
        }
        false
    }
}

impl<S: Socket, P: PacketSession> Future for Connection<S, P> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        Scratch::lend(|scratch| this.drive(cx, scratch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::session::Session;

    #[test]
    fn a_connection_at_rest_is_small() {
        let size = size_of::<Connection<tokio::net::TcpStream, Session>>();
        assert!(size <= 1_024, "{size} bytes");
    }
}

//! Watches how fast a client sends the body of a request and takes the answer. A transfer may last for hours as
//! long as it goes on; time that the server needs itself does not count.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What a client has to do with a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Time over which it is measured.
    pub(crate) window: Duration,
    /// Bytes per second on average. 0: any.
    pub(crate) bytes_per_second: u32,
}

/// Something the server waits for.
#[derive(Clone, Copy)]
enum Awaited {
    Body = 1,
    Room = 2,
}

#[derive(Default)]
struct State {
    /// What is awaited now.
    awaited: u8,
    since: Option<Instant>,
    /// Time waited in this window, up to `since`.
    waited: Duration,
    /// Bytes moved in this window, in both directions.
    moved: u64,
}

/// What one connection has moved, and how long it let the server wait.
#[derive(Clone)]
pub(super) struct Progress {
    pace: Pace,
    state: Arc<Mutex<State>>,
}

impl Progress {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            state: Arc::default(),
        }
    }

    /// How often [`Self::is_too_slow`] should be asked.
    pub(super) fn interval(&self) -> Duration {
        (self.pace.window / 4).max(Duration::from_millis(1))
    }

    /// Whether the client has let the server wait for a whole window and moved too little in that time.
    pub(super) fn is_too_slow(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        let waiting = state
            .since
            .map_or(Duration::ZERO, |since| now.duration_since(since));
        if state.waited + waiting < self.pace.window {
            return false;
        }
        let least = self.pace.window.as_secs_f64() * f64::from(self.pace.bytes_per_second);
        #[allow(clippy::cast_precision_loss, reason = "a limit, not a count")]
        let is_too_slow = (state.moved as f64) < least;
        state.waited = Duration::ZERO;
        state.since = state.since.map(|_| now);
        state.moved = 0;
        is_too_slow
    }

    /// A new request begins.
    fn restart(&self) {
        *self.state.lock() = State::default();
    }

    fn waits(&self, what: Awaited, now: Instant) {
        let mut state = self.state.lock();
        state.awaited |= what as u8;
        state.since.get_or_insert(now);
    }

    fn goes_on(&self, what: Awaited, bytes: usize, now: Instant) {
        let mut state = self.state.lock();
        state.moved += bytes as u64;
        state.awaited &= !(what as u8);
        if state.awaited == 0
            && let Some(since) = state.since.take()
        {
            state.waited += now.duration_since(since);
        }
    }

    fn note<T>(&self, what: Awaited, poll: &Poll<io::Result<T>>, bytes: impl FnOnce(&T) -> usize) {
        let now = Instant::now();
        match poll {
            Poll::Pending => self.waits(what, now),
            Poll::Ready(Ok(done)) => self.goes_on(what, bytes(done), now),
            Poll::Ready(Err(_)) => self.goes_on(what, 0, now),
        }
    }
}

/// A socket whose progress is watched.
pub(super) struct Watched<S> {
    pub(super) socket: S,
    pub(super) progress: Progress,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.socket).poll_read(cx, buffer);
        // Whether anybody waits for these bytes, only the body knows.
        self.progress.state.lock().moved += (buffer.filled().len() - before) as u64;
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.progress.note(Awaited::Room, &poll, |written| *written);
        poll
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write_vectored(cx, parts);
        self.progress.note(Awaited::Room, &poll, |written| *written);
        poll
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.socket).poll_flush(cx);
        self.progress.note(Awaited::Room, &poll, |()| 0);
        poll
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.progress.note(Awaited::Room, &poll, |()| 0);
        poll
    }
}

/// The body of a request: whoever reads it waits for the client.
pub(super) struct WatchedBody {
    body: Incoming,
    progress: Progress,
}

impl WatchedBody {
    /// Begins a request.
    pub(super) fn new(body: Incoming, progress: &Progress) -> Self {
        progress.restart();
        Self {
            body,
            progress: progress.clone(),
        }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let poll = Pin::new(&mut self.body).poll_frame(cx);
        if poll.is_pending() {
            self.progress.waits(Awaited::Body, Instant::now());
        } else {
            self.progress.goes_on(Awaited::Body, 0, Instant::now());
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.progress.goes_on(Awaited::Body, 0, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn progress() -> Progress {
        Progress::new(Pace {
            window: WINDOW,
            bytes_per_second: 100,
        })
    }

    #[test]
    fn who_lets_the_server_wait_and_moves_little_is_too_slow() {
        let (progress, mut now) = (progress(), Instant::now());
        for _ in 0..20 {
            progress.waits(Awaited::Body, now);
            assert!(!progress.is_too_slow(now));
            now += WINDOW / 20;
            progress.goes_on(Awaited::Body, 10, now);
        }
        assert!(progress.is_too_slow(now), "200 bytes in 10 s");
    }

    #[test]
    fn who_goes_on_may_take_for_ever() {
        let (progress, mut now) = (progress(), Instant::now());
        for _ in 0..1_000 {
            progress.waits(Awaited::Room, now);
            now += Duration::from_secs(1);
            progress.goes_on(Awaited::Room, 150, now);
            assert!(!progress.is_too_slow(now));
        }
    }

    #[test]
    fn time_of_the_server_does_not_count() {
        let (progress, mut now) = (progress(), Instant::now());
        progress.waits(Awaited::Body, now);
        now += WINDOW / 2;
        progress.goes_on(Awaited::Body, 1, now);
        now += WINDOW * 100;
        assert!(!progress.is_too_slow(now));
        progress.waits(Awaited::Room, now);
        now += WINDOW / 2;
        assert!(progress.is_too_slow(now));
    }

    #[test]
    fn waiting_for_two_things_counts_once() {
        let (progress, mut now) = (progress(), Instant::now());
        progress.waits(Awaited::Body, now);
        progress.waits(Awaited::Room, now);
        now += WINDOW / 2;
        progress.goes_on(Awaited::Room, 0, now);
        now += WINDOW / 4;
        assert!(!progress.is_too_slow(now));
        now += WINDOW / 4;
        assert!(progress.is_too_slow(now));
    }

    #[test]
    fn a_new_request_starts_anew() {
        let (progress, now) = (progress(), Instant::now());
        progress.waits(Awaited::Body, now);
        progress.restart();
        progress.goes_on(Awaited::Body, 0, now + WINDOW);
        assert!(!progress.is_too_slow(now + WINDOW));
    }
}

//! Taking events out of a session, as method and as stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;

use super::handle::Client;
use super::shared::Shared;
use crate::event::Event;
use crate::session::Status;

impl Shared {
    /// Takes the next event. Nothing is taken unless `Ready` is returned.
    pub(super) fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let now = self.now();
        let mut state = self.lock();
        let event = state.session.take_event(now);
        // Taking an event, or asking for the next one, can make an acknowledgement due.
        let has_work = state.session.has_work();
        let result = match event {
            Some(event) => Poll::Ready(Some(event)),
            None if state.session.status() == Status::Ended || state.is_done => Poll::Ready(None),
            None => {
                if !state.event_wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                    state.event_wakers.push(cx.waker().clone());
                }
                Poll::Pending
            }
        };
        drop(state);
        if has_work {
            self.work.notify_one();
        }
        result
    }
}

/// The events of a client as a stream, see [`Client::events`].
#[derive(Debug)]
pub struct Events {
    pub(super) client: Client,
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.client.shared().poll_event(cx)
    }
}

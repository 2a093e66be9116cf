//! What handles and driver share: the session core and everybody who waits for it.

use std::collections::HashMap;
use std::task::Waker;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tim_protocol::Node;
use tokio::sync::{Notify, oneshot};

use crate::error::{ConnectError, RequestError, SendError};
use crate::message::Sent;
use crate::runtime::{self, Clock};
use crate::session::{Outcome, Reply, RequestTicket, SendTicket, Session, SessionConfig, Status};
use crate::stream::VirtualRoomId;

type Waiters<Ticket, Value> = HashMap<Ticket, oneshot::Sender<Value>>;

/// Behind the lock.
pub(super) struct State {
    pub(super) session: Session,
    pub(super) login: Option<oneshot::Sender<Result<Node, ConnectError>>>,
    pub(super) sends: Waiters<SendTicket, Result<Sent, SendError>>,
    pub(super) requests: Waiters<RequestTicket, Result<Reply, RequestError>>,
    pub(super) event_wakers: Vec<Waker>,
    /// Who waits for frames of a virtual room.
    pub(super) frame_wakers: HashMap<VirtualRoomId, Waker>,
    /// The driver has ended.
    pub(super) is_done: bool,
}

pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) clock: Clock,
    /// The driver has something to do.
    pub(super) work: Notify,
    /// A send was settled, so there may be room for another one.
    pub(super) room: Notify,
    /// The driver has ended.
    pub(super) done: Notify,
    /// Senders take turns, first come first served.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Shared {
    pub(super) fn new(config: SessionConfig, login: oneshot::Sender<Result<Node, ConnectError>>) -> Self {
        Self {
            state: Mutex::new(State {
                session: Session::new(config, runtime::random_seed(), Clock::unix_millis()),
                login: Some(login),
                sends: HashMap::new(),
                requests: HashMap::new(),
                event_wakers: Vec::new(),
                frame_wakers: HashMap::new(),
                is_done: false,
            }),
            clock: Clock::new(),
            work: Notify::new(),
            room: Notify::new(),
            done: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The time as the session core counts it.
    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// The device may have slept, or changed its network.
    pub(super) fn nudge(&self) {
        let now = self.now();
        self.lock().session.nudge(now);
        self.dispatch();
        self.work.notify_one();
    }

    /// Passes on what the core has settled and wakes those who wait for events.
    pub(super) fn dispatch(&self) {
        let mut state = self.lock();
        let mut has_room = false;
        while let Some(outcome) = state.session.poll_outcome() {
            // Nobody may be waiting any more; then the result is of no interest.
            let _unclaimed = match outcome {
                Outcome::Login(result) => state
                    .login
                    .take()
                    .is_some_and(|waiter| waiter.send(result).is_err()),
                Outcome::Send(ticket, result) => {
                    has_room = true;
                    state
                        .sends
                        .remove(&ticket)
                        .is_some_and(|waiter| waiter.send(result).is_err())
                }
                Outcome::Request(ticket, result) => state
                    .requests
                    .remove(&ticket)
                    .is_some_and(|waiter| waiter.send(result).is_err()),
            };
        }
        let has_news = state.session.has_event() || state.session.status() == Status::Ended;
        let mut wakers = if has_news {
            std::mem::take(&mut state.event_wakers)
        } else {
            Vec::new()
        };
        while let Some(room) = state.session.poll_frames() {
            wakers.extend(state.frame_wakers.remove(&room));
        }
        drop(state);
        if has_room {
            self.room.notify_one();
        }
        for waker in wakers {
            waker.wake();
        }
    }
}

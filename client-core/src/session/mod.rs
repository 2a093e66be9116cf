//! The client side of a session as a state machine: no sockets, no clock, no randomness of its own. Whoever drives
//! it passes packets and the time in, and carries out what comes out. Native and browser transports share it.
//!
//! Time is a [`Duration`] since an origin that the driver chooses once; it must not run backwards.

mod backoff;
mod config;
mod inbox;
mod lifecycle;
mod message_id;
mod outbox;
mod pace;
mod presence;
mod random;
mod receive;
mod request;
mod requests;
mod seen;
mod sending;
mod subscriptions;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tim_protocol::Node;
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::TimAuth;

pub use self::config::{Acknowledge, Credentials, Reconnect, Renewal, Secret, ServerKind, SessionConfig};
pub use self::request::{Added, HistoryStart, Reply, Request, RoomOperation, VirtualRoomOperation};
pub(crate) use self::seen::Identity;
pub use self::subscriptions::Taken;

use self::backoff::Backoff;
use self::inbox::Inbox;
use self::message_id::MessageIds;
use self::outbox::Outbox;
use self::pace::Pace;
use self::presence::OwnPresence;
use self::random::Random;
use self::requests::Requests;
use self::subscriptions::Subscriptions;
use crate::error::{ConnectError, RequestError, SendError};
use crate::event::{DisconnectReason, Event};
use crate::message::Sent;

/// A connection that lived so long was a success: the next pause is short again.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// Keep-alive intervals without any packet after which a connection counts as broken.
const SILENT_INTERVALS: u32 = 4;

/// Pause before the offline queue is asked for again, on servers that stop after one batch.
const OFFLINE_REPEAT: Duration = Duration::from_millis(50);

/// Control packets that may wait to be written before reading pauses.
const MAX_CONTROL: usize = 4096;

/// Names a message that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SendTicket(pub(crate) u64);

/// Names a request that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestTicket(pub(crate) u64);

/// What the driver must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Open a connection and report [`Session::opened`] or [`Session::closed`].
    Open,
    /// Close the connection, or stop opening it, after writing what [`Session::poll_packet`] still has. Nothing
    /// may be reported for that connection afterwards.
    Close,
    /// Fetch new credentials and report [`Session::renew`].
    FetchCredentials,
}

/// Something the application waits for is settled.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The first login. Comes once.
    Login(Result<Node, ConnectError>),
    /// A message.
    Send(SendTicket, Result<Sent, SendError>),
    /// A request.
    Request(RequestTicket, Result<Reply, RequestError>),
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Not connected: connecting, logging in, or waiting before the next attempt.
    Offline,
    /// Logged in.
    Online,
    /// Ended for good.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Opening {
        deadline: Duration,
    },
    Pausing {
        until: Duration,
    },
    LoggingIn {
        deadline: Duration,
    },
    Online {
        since: Duration,
    },
    /// A nudge ends the pause, but not before `earliest`.
    Waiting {
        until: Duration,
        earliest: Duration,
    },
    FetchingCredentials,
    Ended,
}

/// The session core. `Debug` shows where it stands, but nothing that people wrote.
pub struct Session {
    config: SessionConfig,
    random: Random,
    ids: MessageIds,
    /// Milliseconds since the Unix epoch at time zero.
    unix_millis: u64,
    phase: Phase,
    credentials: Option<Credentials>,
    credentials_used: bool,
    node: Option<Node>,
    first_login_settled: bool,
    /// The server answers the packets of a session in order.
    ordered: bool,
    inbox: Inbox,
    outbox: Outbox,
    requests: Requests,
    pace: Pace,
    /// Numbers of messages to rooms that get no confirmation, but may come back to their sender.
    unconfirmed: VecDeque<i64>,
    presence: OwnPresence,
    subscriptions: Subscriptions,
    control: VecDeque<Bytes>,
    /// The rest of a packet that is written in pieces. Nothing may come between them.
    pieces: VecDeque<Bytes>,
    /// Requests behind which a fence was written, in order.
    fences: VecDeque<RequestTicket>,
    actions: VecDeque<Action>,
    outcomes: VecDeque<Outcome>,
    backoff: Backoff,
    last_received: Duration,
    next_ping: Duration,
    /// When a connection that may be dead counts as dead, unless something arrives before.
    probe: Option<Duration>,
    /// New events since the offline queue was asked for after login.
    draining: Option<u64>,
    repeat_offline: Option<Duration>,
    /// When [`Session::poll_packet`] has something again that it held back.
    resume_writing: Option<Duration>,
    next_ticket: u64,
    /// Closed by the application: no more events.
    closed: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("node", &self.node)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session that does nothing until [`Session::start`]. `seed` should be random; `unix_millis` is the
    /// wall-clock time at time zero, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn new(config: SessionConfig, seed: u64, unix_millis: u64) -> Self {
        let packets_per_second = config.packets_per_second;
        let answers_presence = config.answer_presence;
        Self {
            inbox: Inbox::new(config.event_capacity, config.acknowledge),
            outbox: Outbox::new(config.max_pending_sends, config.max_pending_bytes),
            ordered: config.server == ServerKind::Ordered,
            config,
            random: Random::new(seed),
            ids: MessageIds::new(),
            unix_millis,
            phase: Phase::Idle,
            credentials: None,
            credentials_used: false,
            node: None,
            first_login_settled: false,
            requests: Requests::default(),
            pace: Pace::new(packets_per_second),
            unconfirmed: VecDeque::new(),
            presence: OwnPresence::new(answers_presence),
            subscriptions: Subscriptions::default(),
            control: VecDeque::new(),
            pieces: VecDeque::new(),
            fences: VecDeque::new(),
            actions: VecDeque::new(),
            outcomes: VecDeque::new(),
            backoff: Backoff::default(),
            last_received: Duration::ZERO,
            next_ping: Duration::ZERO,
            probe: None,
            draining: None,
            repeat_offline: None,
            resume_writing: None,
            next_ticket: 0,
            closed: false,
        }
    }

    /// Starts connecting. May be called once.
    pub fn start(&mut self, now: Duration, credentials: Credentials) {
        if self.phase == Phase::Idle {
            self.credentials = Some(credentials);
            self.open(now);
        }
    }

    /// Starts with [`Action::FetchCredentials`], instead of [`Session::start`].
    pub fn start_with_renewal(&mut self) {
        if self.phase == Phase::Idle {
            self.fetch_credentials();
        }
    }

    /// The connection is open.
    pub fn opened(&mut self, now: Duration) {
        if let Phase::Opening { .. } = self.phase {
            if self.login_delay().is_zero() {
                self.log_in(now);
            } else {
                self.phase = Phase::Pausing {
                    until: now + self.login_delay(),
                };
            }
        }
    }

    /// The server closed the connection because a packet was too large (WebSocket close code 1009). Call before
    /// [`Session::closed`]: the packet will not be repeated.
    pub fn packet_was_too_large(&mut self) {
        if let Some((ticket, result)) = self.outbox.too_large() {
            self.outcomes.push_back(Outcome::Send(ticket, result));
        }
    }

    /// The connection could not be opened, or has ended.
    pub fn closed(&mut self, now: Duration, reason: String) {
        match self.phase {
            Phase::Opening { .. } => self.lose(now, DisconnectReason::Unreachable(reason)),
            Phase::Pausing { .. } | Phase::LoggingIn { .. } | Phase::Online { .. } => {
                self.lose(now, DisconnectReason::Closed(reason));
            }
            Phase::Idle | Phase::Waiting { .. } | Phase::FetchingCredentials | Phase::Ended => {}
        }
    }

    /// Time has passed. Call at [`Session::deadline`]; calling earlier does no harm.
    pub fn tick(&mut self, now: Duration) {
        for settled in self.requests.timed_out(now, self.config.quiet_timeout) {
            self.settle_request(settled);
        }
        match self.phase {
            Phase::Opening { deadline } if now >= deadline => {
                self.actions.push_back(Action::Close);
                self.lose(now, DisconnectReason::Unreachable("no connection in time".into()));
            }
            Phase::Pausing { until } if now >= until => self.log_in(now),
            Phase::LoggingIn { deadline } if now >= deadline => {
                self.actions.push_back(Action::Close);
                self.lose(now, DisconnectReason::LoginTimedOut);
            }
            Phase::Waiting { until, .. } if now >= until => self.open(now),
            Phase::Online { .. } => self.tick_online(now),
            _ => {}
        }
    }

    /// When [`Session::tick`] must be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let phase = match self.phase {
            Phase::Opening { deadline } | Phase::LoggingIn { deadline } => Some(deadline),
            Phase::Pausing { until } | Phase::Waiting { until, .. } => Some(until),
            Phase::Online { .. } => {
                let broken = self.probe.or_else(|| self.broken_at());
                [
                    Some(self.next_ping),
                    broken,
                    self.repeat_offline,
                    self.resume_writing,
                    self.inbox.resync_at(),
                ]
                .into_iter()
                .flatten()
                .min()
            }
            Phase::Idle | Phase::FetchingCredentials | Phase::Ended => None,
        };
        let request = self.requests.deadline(self.config.quiet_timeout);
        [phase, request].into_iter().flatten().min()
    }

    /// The next packet to write on the connection, one WebSocket message. Taking it counts as writing it.
    pub fn poll_packet(&mut self, now: Duration) -> Option<Bytes> {
        if let Some(packet) = self.pieces.pop_front().or_else(|| self.control.pop_front()) {
            return Some(packet);
        }
        let Phase::Online { .. } = self.phase else {
            return None;
        };
        if self.pace.ready_at() > now {
            let is_waiting = self.presence.has_next() || self.requests.has_next() || self.outbox.has_next();
            self.resume_writing = is_waiting.then(|| self.pace.ready_at());
            return None;
        }
        if let Some(packet) = self.presence.next(self.config.encoding) {
            self.pace.spend(now);
            return Some(packet);
        }
        if let Some(written) = self.requests.next(now, self.config.encoding, self.ordered) {
            self.pace.spend(now);
            if let Some(ticket) = written.fence {
                // A second AUTH changes nothing, is answered in its turn, and cannot be confused with other answers.
                self.fences.push_back(ticket);
                self.write(packet::client_packet(
                    PacketType::Auth,
                    self.config.encoding,
                    &TimAuth::default(),
                ));
            }
            return Some(written.packet.into());
        }
        let next = self.outbox.next(now)?;
        self.pace.spend(now);
        if let Some((ticket, sent)) = next.resolved {
            self.outcomes.push_back(Outcome::Send(ticket, Ok(sent)));
        }
        Some(self.first_piece(next.packet))
    }

    /// Whether the driver should read from the connection. `false` while too much waits to be written.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.control.len() < MAX_CONTROL
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next result for the application.
    pub fn poll_outcome(&mut self) -> Option<Outcome> {
        self.outcomes.pop_front()
    }

    /// Whether an event waits for the application.
    #[must_use]
    pub fn has_event(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Whether the driver has something to write or to do that does not wait for time or a packet.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.control.is_empty() || !self.actions.is_empty() || !self.outcomes.is_empty()
    }

    /// Hands the next event to the application. This is the moment from which a delivery counts as taken.
    pub fn take_event(&mut self, now: Duration) -> Option<Event> {
        if self.closed {
            return None;
        }
        let event = self.inbox.take(now);
        self.write_acks(now);
        event
    }

    /// Hands a request over. It waits for a connection when there is none.
    ///
    /// # Errors
    /// [`RequestError::Invalid`], [`RequestError::TooMany`], [`RequestError::Closed`]. Nothing was sent then.
    pub fn request(&mut self, now: Duration, request: Request) -> Result<RequestTicket, RequestError> {
        if self.phase == Phase::Ended {
            return Err(RequestError::Closed);
        }
        request.check()?;
        if self.requests.len() >= self.config.max_pending_requests {
            return Err(RequestError::TooMany);
        }
        if request.may_be_large() && request.encode(self.config.encoding).len() > self.config.max_packet_bytes
        {
            return Err(RequestError::Invalid(
                "the request is larger than a packet may be",
            ));
        }
        Ok(self.push_request(now, request))
    }

    fn push_request(&mut self, now: Duration, request: Request) -> RequestTicket {
        let ticket = RequestTicket(self.take_ticket());
        self.requests
            .push(ticket, request, now + self.config.request_timeout);
        ticket
    }

    /// Ends the session. Acknowledgements of taken events can still be polled and written; unresolved sends and
    /// requests fail, events that wait are discarded unacknowledged.
    pub fn close(&mut self, now: Duration) {
        if !self.closed {
            self.inbox.release_held(now);
            self.write_acks(now);
            self.abandon();
        }
    }

    /// Ends the session like [`Session::close`], but an event that was taken and not yet processed
    /// ([`Acknowledge::WhenNextIsTaken`]) is not acknowledged.
    pub fn abandon(&mut self) {
        self.closed = true;
        self.inbox.discard();
        if !self.first_login_settled {
            self.settle_first_login(Err(ConnectError::Abandoned));
        }
        self.finish();
    }

    /// Where the session stands.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Online { .. } => Status::Online,
            Phase::Ended => Status::Ended,
            _ => Status::Offline,
        }
    }

    /// The own node, known after the first login.
    #[must_use]
    pub fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }
}

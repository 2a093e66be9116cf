//! How a session comes and goes: opening, login, loss, backoff, end, and what must happen in time meanwhile.

use std::time::Duration;

use bytes::Bytes;
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::TimAuth;
use tim_protocol::{Node, node};
use zeroize::Zeroize;

use super::inbox::Resync;
use super::{
    Action, Credentials, OFFLINE_REPEAT, Outcome, Phase, Renewal, Request, SILENT_INTERVALS, STABLE_AFTER,
    ServerKind, Session, Status, VirtualRoomOperation, requests,
};
use crate::error::ConnectError;
use crate::event::{DisconnectReason, Event, LogoutReason};

/// An attempt to connect that is older is started anew when the network may have come back.
const FRESH: Duration = Duration::from_secs(2);

impl Session {
    /// What came of [`Action::FetchCredentials`].
    pub fn renew(&mut self, now: Duration, renewal: Renewal) {
        if self.phase != Phase::FetchingCredentials {
            return;
        }
        match renewal {
            Renewal::Credentials(credentials) => {
                self.credentials = Some(credentials);
                self.credentials_used = false;
                self.open(now);
            }
            Renewal::Later { reason, retry_after } => {
                let reason = DisconnectReason::Unreachable(reason);
                self.lose_for(now, reason, retry_after.unwrap_or_default());
            }
            Renewal::SignedOut => {
                self.settle_first_login(Err(ConnectError::NoCredentials));
                self.end(LogoutReason::NoCredentials);
            }
        }
    }

    /// The device may have slept, or changed its network: connects at once instead of after the pause, or finds out
    /// quickly whether the connection is still alive ([`SessionConfig::probe_timeout`](super::SessionConfig::probe_timeout)).
    pub fn nudge(&mut self, now: Duration) {
        match self.phase {
            Phase::Waiting { earliest, .. } if now >= earliest => {
                self.backoff.reset();
                self.open(now);
            }
            // It may have been started without network, and would wait until its end.
            Phase::Opening { deadline } if now + self.config.connect_timeout >= deadline + FRESH => {
                self.actions.push_back(Action::Close);
                self.open(now);
            }
            Phase::Online { .. } => self.send_probe(now),
            _ => {}
        }
    }

    pub(super) fn tick_online(&mut self, now: Duration) {
        // Devices sleep, and browsers hold the timers of hidden pages back: then nothing is known about the
        // connection, because what has arrived may not have been read yet.
        let is_late = now >= self.next_ping + self.config.ping_interval;
        let is_broken = match self.probe {
            Some(until) => now >= until,
            None => self.broken_at().is_some_and(|at| now >= at),
        };
        if is_broken && self.probe.is_none() && is_late {
            self.send_probe(now);
        } else if is_broken {
            let reason = if self.probe.is_some() || now >= self.silent_at() {
                DisconnectReason::Silent
            } else {
                DisconnectReason::Unconfirmed
            };
            self.actions.push_back(Action::Close);
            self.lose(now, reason);
            return;
        }
        if self.resume_writing.is_some_and(|at| now >= at) {
            self.resume_writing = None;
        }
        if now >= self.next_ping {
            self.next_ping = now + self.config.ping_interval;
            self.write(packet::ping(self.config.encoding));
        }
        if self.repeat_offline.is_some_and(|at| now >= at) {
            self.repeat_offline = None;
            self.write(packet::offline_request(self.config.encoding));
        }
        self.write_acks(now);
    }

    pub(super) fn open(&mut self, now: Duration) {
        if self.credentials_used && matches!(self.credentials, Some(Credentials::Token { .. })) {
            self.fetch_credentials();
            return;
        }
        self.phase = Phase::Opening {
            deadline: now + self.config.connect_timeout,
        };
        self.actions.push_back(Action::Open);
    }

    pub(super) fn fetch_credentials(&mut self) {
        self.phase = Phase::FetchingCredentials;
        self.actions.push_back(Action::FetchCredentials);
    }

    /// Asks for a sign of life.
    pub(super) fn send_probe(&mut self, now: Duration) {
        if self.probe.is_none() {
            self.probe = Some(now + self.config.probe_timeout);
            self.next_ping = now + self.config.ping_interval;
            self.write(packet::ping(self.config.encoding));
        }
    }

    /// When the connection counts as broken, unless something arrives before.
    pub(super) fn broken_at(&self) -> Option<Duration> {
        let echo = self
            .outbox
            .oldest_written()
            .map(|written| written + self.config.echo_timeout);
        [Some(self.silent_at()), echo].into_iter().flatten().min()
    }

    fn silent_at(&self) -> Duration {
        self.last_received + self.config.ping_interval * SILENT_INTERVALS
    }

    pub(super) fn log_in(&mut self, now: Duration) {
        let mut auth = TimAuth {
            domain: self.config.domain.clone(),
            resource: self.config.resource.clone(),
            termtyp: self.config.device_type,
            extend: (!self.config.extend.is_empty()).then(|| self.config.extend.clone()),
            ..TimAuth::default()
        };
        match &self.credentials {
            Some(Credentials::Password { name, password }) => {
                auth.name = Some(name.clone());
                auth.pwd = Some(password.expose().to_owned());
            }
            Some(Credentials::Token { name, token }) => {
                auth.name = (!name.is_empty()).then(|| name.clone());
                auth.token = Some(token.expose().to_owned());
            }
            None => {}
        }
        self.credentials_used = true;
        self.write(packet::client_packet(
            PacketType::Auth,
            self.config.encoding,
            &auth,
        ));
        auth.pwd.zeroize();
        auth.token.zeroize();
        self.phase = Phase::LoggingIn {
            deadline: now + self.config.login_timeout,
        };
        self.last_received = now;
    }

    pub(super) fn come_online(&mut self, now: Duration, node: Node) {
        let again = self.node.is_some();
        self.ordered = match self.config.server {
            ServerKind::Auto => node::is_well_formed_wide(node.as_str()),
            ServerKind::Ordered => true,
            ServerKind::Original => false,
        };
        self.outbox.set_ordered(self.ordered);
        self.node = Some(node.clone());
        self.phase = Phase::Online { since: now };
        self.next_ping = now + self.config.ping_interval;
        self.inbox.report(Event::Connected {
            node: node.clone(),
            again,
        });
        self.settle_first_login(Ok(node));
        if self.config.drain_offline {
            self.draining = Some(0);
            self.write(packet::offline_request(self.config.encoding));
        }
        if again {
            // The server has told others that this user left, and forgotten the subscriptions.
            self.presence.tell_again();
            self.renew_subscriptions(now);
        }
    }

    /// The connection is gone, or useless. The caller has asked for it to be closed if it may still be open.
    pub(super) fn lose(&mut self, now: Duration, reason: DisconnectReason) {
        self.lose_for(now, reason, Duration::ZERO);
    }

    /// The same, and it makes no sense to try again sooner than that.
    pub(super) fn lose_for(&mut self, now: Duration, reason: DisconnectReason, at_least: Duration) {
        if let Phase::Online { since } = self.phase
            && (now.saturating_sub(since) >= STABLE_AFTER || reason == DisconnectReason::Behind)
        {
            self.backoff.reset();
        }
        let was_probed = self.probe.is_some();
        self.forget_connection();
        if !self.first_login_settled {
            self.settle_first_login(Err(match reason {
                DisconnectReason::Unreachable(why) => ConnectError::Unreachable(why),
                DisconnectReason::Closed(why) => ConnectError::Closed(why),
                DisconnectReason::Refused(refusal) => ConnectError::Refused(refusal),
                DisconnectReason::Protocol(what) => ConnectError::Protocol(what),
                _ => ConnectError::TimedOut,
            }));
            self.phase = Phase::Ended;
            self.fail_everything();
            return;
        }
        if !self.config.reconnect.enabled {
            self.end(LogoutReason::Disconnected(reason));
            return;
        }
        // Who has just woken up, and found the connection dead, does not wait.
        let pause = if was_probed {
            self.config.reconnect.shortest.min(self.config.reconnect.longest)
        } else {
            self.backoff.pause(&self.config.reconnect, &mut self.random)
        };
        let pause = pause.max(at_least);
        self.phase = Phase::Waiting {
            until: now + pause,
            earliest: now + at_least,
        };
        self.inbox.report(Event::Disconnected {
            reason,
            retry_in: pause,
        });
    }

    /// Ends the session for a reason the application is told.
    pub(super) fn end(&mut self, reason: LogoutReason) {
        self.forget_connection();
        self.inbox.report(Event::LoggedOut { reason });
        self.finish();
    }

    pub(super) fn finish(&mut self) {
        let may_be_open = matches!(
            self.phase,
            Phase::Opening { .. } | Phase::Pausing { .. } | Phase::LoggingIn { .. } | Phase::Online { .. }
        );
        if may_be_open {
            self.actions.push_back(Action::Close);
        }
        self.phase = Phase::Ended;
        self.fail_everything();
    }

    pub(super) fn fail_everything(&mut self) {
        self.credentials = None;
        for (ticket, result) in self.outbox.fail_all() {
            self.outcomes.push_back(Outcome::Send(ticket, result));
        }
        for settled in self.requests.fail_all() {
            self.settle_request(settled);
        }
        self.subscriptions.end_all();
    }

    /// Drops everything that belongs to one connection.
    pub(super) fn forget_connection(&mut self) {
        self.probe = None;
        self.control.clear();
        self.pieces.clear();
        self.presence.connection_lost();
        self.fences.clear();
        self.draining = None;
        self.repeat_offline = None;
        self.resume_writing = None;
        self.inbox.connection_lost();
        for (ticket, result) in self
            .outbox
            .connection_lost(self.config.server != ServerKind::Original)
        {
            self.outcomes.push_back(Outcome::Send(ticket, result));
        }
        for settled in self.requests.connection_lost() {
            self.settle_request(settled);
        }
    }

    pub(super) fn settle_first_login(&mut self, result: Result<Node, ConnectError>) {
        if !self.first_login_settled {
            self.first_login_settled = true;
            self.outcomes.push_back(Outcome::Login(result));
        }
    }

    pub(super) fn settle_request(&mut self, (ticket, request, result): requests::Settled) {
        let done = result.as_ref().map(|_| ());
        match &request {
            Request::ChangePassword { new, .. } if done.is_ok() => {
                if let Some(Credentials::Password { password, .. }) = &mut self.credentials {
                    // The next reconnect needs the new one.
                    *password = new.clone();
                }
            }
            Request::SetPresence(presence) if done.is_ok() => self.presence.remember(presence.clone()),
            Request::VirtualRoom {
                room,
                operation: VirtualRoomOperation::Subscribe { .. },
            } => {
                let is_online = self.status() == Status::Online;
                self.subscriptions.answered(room, done, is_online);
            }
            _ => {}
        }
        self.outcomes.push_back(Outcome::Request(ticket, result));
    }

    pub(super) fn write(&mut self, packet: impl Into<Bytes>) {
        self.control.push_back(packet.into());
    }

    /// Queues the acknowledgements that have become due.
    pub(super) fn write_acks(&mut self, now: Duration) {
        let acks = self.inbox.take_acks();
        let Phase::Online { .. } = self.phase else { return };
        if !acks.is_empty() && !self.ordered && self.draining.is_some() {
            self.repeat_offline = Some(now + OFFLINE_REPEAT);
        }
        for send_id in acks {
            self.write(packet::delivery_ack(send_id, self.config.encoding));
        }
        match self.inbox.wants_resync(now) {
            Some(Resync::Ask) => self.write(packet::offline_request(self.config.encoding)),
            Some(Resync::Reconnect) => {
                self.actions.push_back(Action::Close);
                self.lose(now, DisconnectReason::Behind);
            }
            None => {}
        }
    }

    pub(super) fn fresh_id(&mut self, now: Duration) -> i64 {
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.ids
            .next(self.unix_millis.saturating_add(millis), &mut self.random)
    }

    pub(super) fn take_ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    pub(super) fn login_delay(&self) -> Duration {
        match self.config.server {
            ServerKind::Original => self.config.login_delay.max(Duration::from_millis(10)),
            _ => self.config.login_delay,
        }
    }
}

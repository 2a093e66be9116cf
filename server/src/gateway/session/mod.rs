//! One client connection above the socket: login, order of requests, keep-alive, outgoing packets.
//! A state machine that is polled and does no socket I/O (wire-protocol 4 to 7).
//!
//! Delivery acks are handled at once. Everything else is handled strictly in the order it came:
//! while one request waits for the store, those behind it wait too.

mod answers;
mod big_data;
mod limits;
mod presence;
mod profiles;
mod requests;
mod rooms;
#[cfg(test)]
mod tests;
mod virtual_rooms;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tim_protocol::Encoding;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::{ClientPacket, PacketType};
use tim_protocol::wire::TimAuth;
use tokio::time::Instant;

use crate::engine::Engine;
use crate::engine::accounts::Login;
use crate::engine::feed::{Feed, Source};
use crate::engine::outlet::{Ending, Outgoing, Outlet, SendOutcome, Ticket};
use crate::store::{InboxCopy, RoomPosition, Seq};
use big_data::{Assembly, Request, Share};
use limits::PacketRate;
pub use limits::{DisabledOperations, SessionLimits};

type Running = Pin<Box<dyn Future<Output = Finished> + Send>>;
type Reading = Pin<Box<dyn Future<Output = crate::store::Result<Vec<InboxCopy>>> + Send>>;

/// How long to wait before the inbox is read again after the store failed.
const READ_RETRY: Duration = Duration::from_secs(1);
/// Packets that wait for the socket longer than this are not expected to be acknowledged yet.
const BLOCKED_AFTER: Duration = Duration::from_secs(1);
/// Longest pause of a publisher that is too fast.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Rounds of one poll before other connections get their turn.
const ROUNDS: usize = 16;

/// What all sessions of a gateway share.
#[derive(Debug)]
pub struct SessionContext {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Limits of one session.
    pub limits: SessionLimits,
}

/// Why a session wants its socket closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// No login within the time allowed (wire-protocol 6.1).
    NotAuthenticated,
    /// The operator's own check did not admit the login (7.3).
    NotAdmitted,
    /// A packet that is not allowed before login.
    NotAllowed,
    /// Nothing was heard for too long (6.3).
    Silent,
    /// More packets than the limit allows (6.4).
    TooManyPackets,
    /// Another login took its place (6.6).
    Replaced,
    /// The account was suspended (8.3).
    Suspended,
    /// The web session it logged in from has ended.
    LoggedOut,
    /// A message above the limit of its kind (6.5).
    TooLarge,
    /// All connections together hold too many unfinished bytes.
    Overloaded,
    /// The server is going down.
    ShuttingDown,
}

impl CloseReason {
    /// The WebSocket close code.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::NotAuthenticated | Self::NotAdmitted | Self::NotAllowed | Self::TooManyPackets => 1008,
            Self::Silent | Self::Replaced | Self::Suspended | Self::LoggedOut => 1000,
            Self::TooLarge => 1009,
            Self::Overloaded => 1013,
            Self::ShuttingDown => 1001,
        }
    }
}

impl std::fmt::Display for CloseReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotAuthenticated => "no login in time",
            Self::NotAdmitted => "login not admitted",
            Self::NotAllowed => "packet not allowed before login",
            Self::Silent => "nothing heard for too long",
            Self::TooManyPackets => "too many packets",
            Self::Replaced => "replaced by another device",
            Self::Suspended => "account suspended",
            Self::LoggedOut => "logged out",
            Self::TooLarge => "message too large",
            Self::Overloaded => "too much unfinished data",
            Self::ShuttingDown => "server is going down",
        })
    }
}

/// What a request that had to wait comes to.
enum Finished {
    /// Packets for the client, in order.
    Answers(Vec<Bytes>),
    /// A login.
    LoggedIn { login: Box<Login>, encoding: Encoding },
    /// Nothing but the end of the connection.
    Close(CloseReason),
}

/// One connection.
pub struct Session {
    context: Arc<SessionContext>,
    peer: IpAddr,
    started: Instant,
    heard: Instant,
    rate: PacketRate,
    outlet: Option<Arc<Outlet>>,
    open: Option<Box<Open>>,
    waiting: VecDeque<Request>,
    waiting_bytes: usize,
    /// Big data of which pieces are missing.
    big: Option<Box<Assembly>>,
    /// The share of a long message that is not complete.
    reading: Option<Box<Share>>,
    /// A publisher that is too fast is not read before.
    paused_until: Option<Instant>,
    running: Option<Running>,
    out: VecDeque<Bytes>,
    out_bytes: usize,
    /// Since when packets wait to be written without a break.
    out_since: Option<Instant>,
    closing: Option<CloseReason>,
    is_shutting_down: bool,
}

/// The part of a session that exists after login.
struct Open {
    login: Arc<Login>,
    encoding: Encoding,
    feed: Feed,
    reading: Option<Reading>,
    read_again: Option<Instant>,
    incoming: VecDeque<Outgoing>,
    /// Messages sent and not answered yet; the first one has the ticket `first_ticket`.
    sends: VecDeque<Underway>,
    /// About the bytes of their echoes.
    sends_bytes: usize,
    first_ticket: u64,
}

/// A message on its way.
struct Underway {
    kind: i8,
    id: Option<i64>,
    bytes: usize,
    /// The answer, when there is one and earlier messages still wait for theirs. `Some(None)`:
    /// answered with nothing.
    answer: Option<Option<Bytes>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.peer)
            .field("login", &self.open.as_ref().map(|open| &open.login))
            .field("closing", &self.closing)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A connection that has just been opened.
    #[must_use]
    pub fn new(context: &Arc<SessionContext>, peer: IpAddr, now: Instant) -> Self {
        Self {
            context: Arc::clone(context),
            peer,
            started: now,
            heard: now,
            rate: PacketRate::new(context.limits.packets_per_second, now),
            outlet: None,
            open: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            big: None,
            reading: None,
            paused_until: None,
            running: None,
            out: VecDeque::new(),
            out_bytes: 0,
            out_since: None,
            closing: None,
            is_shutting_down: false,
        }
    }

    /// Takes one whole WebSocket message. Empty ones are ignored.
    pub fn receive(&mut self, message: Bytes, now: Instant) {
        self.reading = None;
        let Some(packet) = ClientPacket::parse(&message) else {
            return;
        };
        if self.closing.is_some() {
            return;
        }
        self.heard = now;
        let is_piece = self.is_assembling();
        if packet.packet_type() == Some(PacketType::Ack) && self.open.is_some() && !is_piece {
            if let Some(send_id) = packet.delivery_ack() {
                self.acknowledged(send_id);
            }
            return;
        }
        let is_big = is_piece || big_data::starts_big_data(&message).is_some();
        if message.len() > self.context.limits.packet_bytes && !is_big {
            return self.close(CloseReason::TooLarge);
        }
        if !self.rate.allow(now) {
            let kind = packet.tim_type();
            self.refuse(kind, packet.encoding, ErrorCode::OverHz);
            return self.close(CloseReason::TooManyPackets);
        }
        if self.is_shutting_down || self.is_account_too_fast(&message, is_piece, now) {
            return;
        }
        if let Some(request) = self.assemble(message) {
            self.waiting_bytes += request.len();
            self.waiting.push_back(request);
            self.take_requests(now);
        }
    }

    /// Whether another message may be read from the socket. `false` slows the client down.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        let limits = &self.context.limits;
        let (unanswered, echoes) = self
            .open
            .as_ref()
            .map_or((0, 0), |open| (open.sends.len(), open.sends_bytes));
        self.closing.is_none()
            && self.paused_until.is_none()
            && self.waiting.len() < limits.waiting_packets
            && self.waiting_bytes < limits.waiting_bytes
            && self.out_bytes + echoes < limits.outgoing_bytes
            && unanswered < limits.unanswered_sends
    }

    /// Moves everything on that waits for something. Registers the task's waker.
    pub fn poll(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.paused_until = self.paused_until.filter(|until| now < *until);
        // A room that was left must not be repeated.
        self.poll_outlet(cx, now);
        // First, because what becomes due may want to read the inbox.
        let is_blocked = self.is_blocked(now);
        if let Some(open) = &mut self.open {
            if is_blocked {
                open.feed.blocked(now);
            }
            open.feed.tick(now, &self.context.engine.settings().delivery);
        }
        for _ in 0..ROUNDS {
            let moved = self.poll_running(cx, now)
                | self.poll_outlet(cx, now)
                | self.poll_inbox(cx, now)
                | self.poll_chunks();
            if !moved {
                return self.check_time(now);
            }
        }
        self.check_time(now);
        cx.waker().wake_by_ref();
    }

    /// The next packet to be written, as one binary message.
    pub fn next_packet(&mut self) -> Option<Bytes> {
        let packet = self.out.pop_front();
        if self.out.is_empty() {
            self.out_since = None;
        }
        match &packet {
            Some(packet) => self.out_bytes -= packet.len(),
            None if self.out.capacity() > 32 => self.out = VecDeque::new(),
            None => {}
        }
        packet
    }

    /// Whether somebody is logged in.
    #[must_use]
    pub fn authenticated(&self) -> bool {
        self.open.is_some()
    }

    /// The largest message accepted now, in bytes.
    #[must_use]
    pub fn packet_limit(&self) -> usize {
        let limits = &self.context.limits;
        if self.open.is_some() {
            limits.packet_bytes.max(limits.big_data_bytes)
        } else {
            limits.packet_bytes_before_login
        }
    }

    /// When [`Session::poll`] has to be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let limits = &self.context.limits;
        let Some(open) = &self.open else {
            return self.started + limits.login_timeout;
        };
        let silent = self.heard + limits.silence_timeout;
        let feed = open.feed.deadline(&self.context.engine.settings().delivery);
        [feed, open.read_again, self.paused_until]
            .into_iter()
            .flatten()
            .fold(silent, Instant::min)
    }

    /// Why the socket is to be closed, once [`Session::next_packet`] has nothing left.
    #[must_use]
    pub fn closing(&self) -> Option<CloseReason> {
        self.closing
    }

    /// Whether every request that was received is carried out. Answers may still be unwritten.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let open = self.open.as_ref();
        self.running.is_none() && self.waiting.is_empty() && open.is_none_or(|open| open.sends.is_empty())
    }

    /// The server is going down: requests under way are finished, new ones are not taken.
    pub fn begin_shutdown(&mut self) {
        self.is_shutting_down = true;
        self.waiting.clear();
        self.waiting_bytes = 0;
    }

    fn close(&mut self, reason: CloseReason) {
        self.closing.get_or_insert(reason);
        self.waiting.clear();
        self.waiting_bytes = 0;
    }

    /// Whether the client has not taken everything for a while.
    fn is_blocked(&mut self, now: Instant) -> bool {
        if self.out.is_empty() {
            return false;
        }
        now.duration_since(*self.out_since.get_or_insert(now)) >= BLOCKED_AFTER
    }

    /// Counts a message against the rate of the account. Too many slow its sessions down; what they
    /// send all the same beyond that is refused, but for pieces of something larger.
    fn is_account_too_fast(&mut self, message: &[u8], is_piece: bool, now: Instant) -> bool {
        const LONGEST_PAUSE: Duration = Duration::from_secs(1);
        let Some(open) = &self.open else { return false };
        let per_second = self.context.limits.packets_per_second_per_account;
        let pause = open.login.account().count_packets(1, per_second, now);
        let encoding = open.encoding;
        self.slow_down(pause.min(LONGEST_PAUSE), now);
        if pause <= LONGEST_PAUSE || is_piece {
            return false;
        }
        if let Some(packet) = ClientPacket::parse(message) {
            self.refuse(packet.tim_type(), encoding, ErrorCode::OverHz);
        }
        true
    }

    /// Reads nothing more for a while.
    fn slow_down(&mut self, pause: Duration, now: Instant) {
        if !pause.is_zero() {
            // Acknowledgements are not read either, so not for long.
            let until = now + pause.min(LONGEST_PAUSE);
            self.paused_until = self.paused_until.max(Some(until));
        }
    }

    fn write(&mut self, packet: Bytes) {
        self.out_bytes += packet.len();
        self.out.push_back(packet);
    }

    fn refuse(&mut self, kind: i8, encoding: Encoding, code: ErrorCode) {
        // After login everything is in the encoding of the session.
        let encoding = self.open.as_ref().map_or(encoding, |open| open.encoding);
        self.write(answers::refusal(kind, code, encoding));
    }

    /// Passes on what the feed wants written.
    fn collect_feed(&mut self) {
        while let Some(packet) = self.open.as_mut().and_then(|open| open.feed.next_packet()) {
            self.write(packet);
        }
    }

    fn acknowledged(&mut self, send_id: i32) {
        if let Some(open) = &mut self.open {
            let Open { login, feed, .. } = &mut **open;
            login.with_cursors(|cursors| feed.acknowledged(send_id, cursors));
            self.collect_feed();
        }
    }

    /// Handles waiting requests until one has to wait for something.
    fn take_requests(&mut self, now: Instant) {
        while self.running.is_none() && self.closing.is_none() {
            let Some(request) = self.waiting.pop_front() else {
                return;
            };
            self.waiting_bytes -= request.len();
            let message = match request {
                Request::Packet(message) => message,
                Request::Big(kind, outcome) => {
                    self.big_request(kind, outcome, now);
                    continue;
                }
            };
            let is_disabled = |packet: &ClientPacket<'_>| {
                let kind = packet.packet_type();
                kind.is_some_and(|kind| self.context.limits.disabled.contains(kind))
            };
            match (ClientPacket::parse(&message), self.open.is_some()) {
                (Some(packet), true) if is_disabled(&packet) => {}
                (Some(packet), false)
                    if packet.packet_type() == Some(PacketType::Auth) && is_disabled(&packet) => {}
                (Some(packet), true) => self.request(&packet, now),
                (Some(packet), false) => self.request_before_login(&packet, now),
                (None, _) => {}
            }
        }
    }

    fn request_before_login(&mut self, packet: &ClientPacket<'_>, _now: Instant) {
        match packet.packet_type() {
            Some(PacketType::Ping) => {}
            Some(PacketType::Auth) => match packet.decode::<TimAuth>() {
                Ok(auth) => self.begin_login(auth, packet.encoding),
                Err(_) => self.refuse(packet.tim_type(), packet.encoding, ErrorCode::PermDenied),
            },
            _ => self.close(CloseReason::NotAllowed),
        }
    }

    fn begin_login(&mut self, auth: TimAuth, encoding: Encoding) {
        let engine = Arc::clone(&self.context.engine);
        let delivery = &engine.settings().delivery;
        let outlet = Outlet::new(delivery.outlet_packets, delivery.outlet_bytes);
        let outlet = Arc::new(outlet.with_frame_bytes(engine.settings().virtual_rooms.waiting_bytes));
        self.outlet = Some(Arc::clone(&outlet));
        let peer = self.peer;
        self.running = Some(Box::pin(async move {
            if !engine.admits(peer, &auth).await {
                return Finished::Close(CloseReason::NotAdmitted);
            }
            match engine.login(peer, auth, outlet).await {
                Ok(login) => Finished::LoggedIn {
                    login: Box::new(login),
                    encoding,
                },
                Err(code) => {
                    let kind = PacketType::Auth.as_i8();
                    Finished::Answers(vec![answers::refusal(kind, code, encoding)])
                }
            }
        }));
    }

    fn opened(&mut self, mut login: Login, encoding: Encoding, now: Instant) {
        self.write(answers::logged_in(&login, encoding));
        let settings = &self.context.engine.settings().delivery;
        let rooms = std::mem::take(&mut login.rooms);
        let feed = Feed::new(encoding, login.position, login.head, rooms, now, settings);
        self.heard = now;
        self.open = Some(Box::new(Open {
            login: Arc::new(login),
            encoding,
            feed,
            reading: None,
            read_again: None,
            incoming: VecDeque::new(),
            sends: VecDeque::new(),
            sends_bytes: 0,
            first_ticket: 0,
        }));
        self.assemble_waiting();
    }

    fn poll_running(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(running) = &mut self.running else {
            return false;
        };
        let Poll::Ready(finished) = running.as_mut().poll(cx) else {
            return false;
        };
        self.running = None;
        // What others were told before the request was carried out comes before its answer.
        self.poll_outlet(cx, now);
        match finished {
            Finished::Answers(packets) => packets.into_iter().for_each(|packet| self.write(packet)),
            Finished::LoggedIn { login, encoding } => self.opened(*login, encoding, now),
            Finished::Close(reason) => self.close(reason),
        }
        self.take_requests(now);
        true
    }

    fn poll_outlet(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let limit = self.context.limits.outgoing_bytes;
        let mut moved = self.pass_on(limit, now);
        let (Some(open), Some(outlet)) = (&mut self.open, &self.outlet) else {
            return moved;
        };
        // What a client does not read stays in the outlet, which is bounded.
        if !open.incoming.is_empty() {
            return moved;
        }
        let Poll::Ready(taken) = outlet.poll_take(cx, &mut open.incoming) else {
            return moved;
        };
        open.feed.grown(&Source::Inbox, taken.newest);
        if !taken.forgotten.is_empty() {
            // Behind what waits: a room may have to be joined first.
            open.incoming.push_back(Outgoing::Forgotten(taken.forgotten));
        }
        moved |= !open.incoming.is_empty();
        self.pass_on(limit, now);
        if let Some(ending) = taken.ending
            && self.closing.is_none()
        {
            self.ended(ending);
            moved = true;
        }
        moved
    }

    /// Passes on what was taken out of the outlet, until enough waits to be written.
    fn pass_on(&mut self, limit: usize, now: Instant) -> bool {
        let mut moved = false;
        while self.out_bytes < limit {
            let Some(open) = &mut self.open else { return moved };
            let Some(item) = open.incoming.pop_front() else {
                if open.incoming.capacity() > 64 {
                    open.incoming = VecDeque::new();
                }
                return moved;
            };
            self.outgoing(item, now);
            moved = true;
        }
        moved
    }

    fn outgoing(&mut self, item: Outgoing, now: Instant) {
        let settings = &self.context.engine.settings().delivery;
        let Some(open) = &mut self.open else { return };
        let Open {
            login,
            feed,
            encoding,
            ..
        } = &mut **open;
        match item {
            Outgoing::Entry(seq, parcel) => {
                feed.pushed(Source::Inbox, seq, &parcel, now, settings);
                self.collect_feed();
            }
            Outgoing::RoomEntry(room, seq, parcel) => {
                // The account may have left the room since the entry was put into the mailbox.
                if login.with_cursors(|cursors| cursors.room(&room).is_some()) {
                    feed.pushed(Source::Room(room), seq, &parcel, now, settings);
                    self.collect_feed();
                }
            }
            Outgoing::RoomVolatile(room, parcel) => {
                if login.with_cursors(|cursors| cursors.room(&room).is_some()) {
                    let packet = parcel.plain(*encoding);
                    self.write(packet);
                }
            }
            Outgoing::Forgotten(rooms) => {
                for (room, newest) in rooms {
                    feed.grown(&Source::Room(room), newest);
                }
            }
            Outgoing::Joined(position) => {
                let RoomPosition {
                    room,
                    conversation,
                    position,
                    head,
                } = *position;
                feed.joined(room, conversation, position, head);
            }
            Outgoing::Left(room) => {
                feed.left(&room);
                self.collect_feed();
            }
            Outgoing::Volatile(parcel) => {
                let packet = parcel.plain(*encoding);
                self.write(packet);
            }
            Outgoing::Sent(ticket, outcome) => self.sent(ticket, outcome, now),
        }
    }

    /// A send has its outcome. Answers leave in the order of the sends.
    fn sent(&mut self, ticket: Ticket, outcome: SendOutcome, now: Instant) {
        let Some(open) = &mut self.open else { return };
        let Open {
            login,
            feed,
            encoding,
            sends,
            first_ticket,
            ..
        } = &mut **open;
        let at = usize::try_from(ticket.0.wrapping_sub(*first_ticket)).unwrap_or(usize::MAX);
        let Some(send) = sends.get_mut(at) else { return };
        send.answer = Some(match outcome {
            SendOutcome::Stored(seq, parcel) => {
                if let Some(seq) = seq {
                    login.with_cursors(|cursors| feed.echoed(seq, cursors));
                }
                Some(parcel.plain(*encoding))
            }
            SendOutcome::Logged(room, seq, parcel) => {
                let settings = &self.context.engine.settings().delivery;
                let copy =
                    login.with_cursors(|cursors| feed.confirmed(room, seq, &parcel, cursors, now, settings));
                Some(copy)
            }
            SendOutcome::Kept(seq) => {
                login.with_cursors(|cursors| feed.echoed(seq, cursors));
                None
            }
            SendOutcome::Passed => None,
            SendOutcome::Refused(code) => Some(answers::refused_send(send.kind, send.id, code, *encoding)),
        });
        self.release_answers();
    }

    /// Writes the answers of the oldest sends as far as there are any.
    fn release_answers(&mut self) {
        while let Some(open) = &mut self.open
            && let Some(send) = open.sends.pop_front_if(|send| send.answer.is_some())
        {
            open.first_ticket += 1;
            open.sends_bytes -= send.bytes;
            if let Some(packet) = send.answer.flatten() {
                self.write(packet);
            }
        }
    }

    fn ended(&mut self, ending: Ending) {
        let encoding = self.open.as_ref().map_or(Encoding::Compact, |open| open.encoding);
        self.write(answers::logged_out(ending, encoding));
        self.close(match ending {
            Ending::Replaced => CloseReason::Replaced,
            Ending::Suspended => CloseReason::Suspended,
            Ending::LoggedOut => CloseReason::LoggedOut,
        });
    }

    /// Reads the inbox for the feed.
    fn poll_inbox(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let settings = &self.context.engine.settings().delivery;
        let has_room = self.out_bytes < self.context.limits.outgoing_bytes;
        let Some(open) = &mut self.open else { return false };
        if has_room && open.reading.is_none() && open.read_again.is_none_or(|at| now >= at) {
            open.read_again = None;
            let Open { login, feed, .. } = &mut **open;
            let request = feed.wants_read(settings, |source| {
                login.with_cursors(|cursors| {
                    cursors
                        .get_mut(source)
                        .map_or(Seq::default(), |cursor| cursor.position())
                })
            });
            open.reading = request.map(|request| {
                let login = Arc::clone(&open.login);
                Box::pin(async move { login.engine().read_inbox(&login, request).await }) as Reading
            });
        }
        let Some(reading) = &mut open.reading else {
            return false;
        };
        let Poll::Ready(result) = reading.as_mut().poll(cx) else {
            return false;
        };
        open.reading = None;
        let Open {
            login,
            feed,
            read_again,
            ..
        } = &mut **open;
        match result {
            Ok(entries) => login.with_cursors(|cursors| feed.read(entries, cursors, now, settings)),
            Err(error) => {
                tracing::warn!(%error, "an inbox could not be read; it is tried again");
                feed.read_failed();
                *read_again = Some(now + READ_RETRY);
            }
        }
        self.collect_feed();
        true
    }

    fn check_time(&mut self, now: Instant) {
        let limits = &self.context.limits;
        match &mut self.open {
            None if now.duration_since(self.started) >= limits.login_timeout => {
                self.close(CloseReason::NotAuthenticated);
            }
            None => {}
            Some(_) if now.duration_since(self.heard) >= limits.silence_timeout => {
                self.close(CloseReason::Silent);
            }
            Some(open) => {
                let is_idle = open.sends.is_empty();
                self.collect_feed();
                if self.is_shutting_down && is_idle && self.running.is_none() {
                    self.close(CloseReason::ShuttingDown);
                }
            }
        }
        if self.is_shutting_down && self.open.is_none() {
            self.close(CloseReason::ShuttingDown);
        }
    }
}

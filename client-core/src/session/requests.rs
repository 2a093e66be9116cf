//! Requests that wait for an answer. The protocol numbers neither requests nor answers, so an answer belongs to
//! the oldest request it fits. Some requests are answered by nothing; then the answer to a fence (a packet
//! that is always answered, written right after the request) or the passing of time settles them.

use std::collections::VecDeque;
use std::time::Duration;

use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::{TimAck, TimMessage, TimReq};
use tim_protocol::{Encoding, Node};

use super::RequestTicket;
use super::config::Secret;
use crate::error::{Refusal, RequestError};
use crate::message::{self, Conversation, Incoming, Mid, Removal, Timestamp};

/// Largest page of history that is asked for.
const MAX_PAGE: u16 = 1000;

/// Largest greeting, in bytes.
const MAX_GREETING: usize = 16 << 10;

/// Where a page of history starts, going back in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryStart {
    /// At the newest message.
    #[default]
    Newest,
    /// At this message, included.
    At(Mid),
    /// At the newest message that was stored at or before that time.
    Time(Timestamp),
}

/// Something to ask of the server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// The friends.
    Friends,
    /// The blocked users.
    Blocked,
    /// Ask for friendship, or accept somebody's request.
    AddFriend {
        /// Whom.
        node: Node,
        /// Greeting, may be empty.
        text: String,
    },
    /// End a friendship, withdraw or decline a request, lift a block.
    RemoveFriend {
        /// Whom.
        node: Node,
    },
    /// Block a user.
    Block {
        /// Whom.
        node: Node,
    },
    /// Change the password.
    ChangePassword {
        /// The old one.
        old: Secret,
        /// The new one.
        new: Secret,
    },
    /// A page of the history with a user, newest first.
    History {
        /// The other user.
        peer: Node,
        /// Where to start.
        start: HistoryStart,
        /// At most so many messages, 1 to 1000. The server may send fewer.
        limit: u16,
    },
    /// Take an own message back.
    Recall {
        /// The other user.
        peer: Node,
        /// Number of the message.
        mid: Mid,
    },
    /// Destroy a received message.
    Burn {
        /// The author.
        peer: Node,
        /// Number of the message.
        mid: Mid,
    },
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// It was carried out.
    Done,
    /// [`Request::Friends`], [`Request::Blocked`].
    Nodes(Vec<Node>),
    /// [`Request::AddFriend`].
    Added(Added),
    /// [`Request::History`], newest first. Empty: there is nothing at or before the start.
    History(Vec<Incoming>),
}

/// What asking for friendship led to, as far as the server told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Added {
    /// The request was accepted for delivery. When the other side had asked before, you are friends now, but this
    /// server did not say so.
    Requested,
    /// The other side had asked before: you are friends now.
    FriendsNow,
}

/// What an answer looks like.
pub(crate) enum Answer<'a> {
    Success(&'a TimAck),
    Refusal(&'a TimAck),
    Nodes { ntype: i32, nodes: &'a [Node] },
    History(&'a [Incoming]),
    Recalled(&'a Removal),
    Burned(&'a Removal),
}

impl Request {
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        match self {
            Self::History { limit, .. } if !(1..=MAX_PAGE).contains(limit) => {
                Err(RequestError::Invalid("a page of history has 1 to 1000 messages"))
            }
            Self::AddFriend { text, .. } if text.len() > MAX_GREETING => {
                Err(RequestError::Invalid("a greeting has at most 16 KiB"))
            }
            Self::ChangePassword { new, .. } if new.expose().is_empty() => {
                Err(RequestError::Invalid("the new password is empty"))
            }
            _ => Ok(()),
        }
    }

    fn packet_type(&self) -> PacketType {
        match self {
            Self::History { .. } => PacketType::PullMessage,
            Self::Recall { .. } => PacketType::RevokeMessage,
            Self::Burn { .. } => PacketType::BurnMessage,
            _ => PacketType::Business,
        }
    }

    fn rtype(&self) -> i32 {
        match self {
            Self::Friends | Self::History { .. } => 1,
            Self::AddFriend { .. } => 4,
            Self::RemoveFriend { .. } => 6,
            Self::Block { .. } => 7,
            Self::Blocked => 18,
            Self::ChangePassword { .. } => 21,
            Self::Recall { .. } | Self::Burn { .. } => 0,
        }
    }

    /// Can be repeated after a lost connection.
    fn only_reads(&self) -> bool {
        matches!(self, Self::Friends | Self::Blocked | Self::History { .. })
    }

    /// What no answer at all means.
    fn silence(&self) -> Option<Reply> {
        match self {
            Self::Friends | Self::Blocked => Some(Reply::Nodes(Vec::new())),
            Self::AddFriend { .. } => Some(Reply::Added(Added::Requested)),
            Self::History { .. } => Some(Reply::History(Vec::new())),
            Self::RemoveFriend { .. }
            | Self::Block { .. }
            | Self::ChangePassword { .. }
            | Self::Recall { .. }
            | Self::Burn { .. } => None,
        }
    }

    fn encode(&self, encoding: Encoding) -> Vec<u8> {
        let mut wire = TimReq {
            rtype: Some(self.rtype()),
            ..TimReq::default()
        };
        match self {
            Self::Friends | Self::Blocked => {}
            Self::AddFriend { node, text } => {
                wire.node = Some(node.to_string());
                wire.req_str = Some(text.clone());
            }
            Self::RemoveFriend { node } | Self::Block { node } => wire.node = Some(node.to_string()),
            Self::ChangePassword { old, new } => {
                wire.req_str = Some(old.expose().to_owned());
                wire.req_str2 = Some(new.expose().to_owned());
            }
            Self::History { peer, start, limit } => {
                wire.node = Some(peer.to_string());
                wire.req_int = Some(0);
                wire.req_int2 = Some(i64::from(*limit));
                match start {
                    HistoryStart::Newest => {}
                    HistoryStart::At(mid) => wire.req_int = Some(mid.get()),
                    HistoryStart::Time(time) => wire.node2 = Some(time.nanos().to_string()),
                }
            }
            Self::Recall { peer, mid } => return removal(peer, *mid, PacketType::RevokeMessage, 2, encoding),
            Self::Burn { peer, mid } => return removal(peer, *mid, PacketType::BurnMessage, 3, encoding),
        }
        packet::client_packet(self.packet_type(), encoding, &wire)
    }

    /// The reply, when the answer fits this request.
    fn reply(&self, answer: &Answer<'_>) -> Option<Result<Reply, RequestError>> {
        let done = Some(Ok(Reply::Done));
        match (self, answer) {
            (_, Answer::Refusal(ack)) => {
                let is_type = ack.tim_type == self.packet_type().as_i8();
                let is_operation = ack.t.is_none_or(|t| t == i64::from(self.rtype()));
                (is_type && is_operation).then(|| Err(RequestError::Refused(Refusal::from_ack(ack))))
            }
            (Self::AddFriend { node, .. }, Answer::Success(ack)) if is_about(ack, node) => match ack.t {
                Some(4) => Some(Ok(Reply::Added(Added::Requested))),
                Some(5) => Some(Ok(Reply::Added(Added::FriendsNow))),
                _ => None,
            },
            (Self::RemoveFriend { node } | Self::Block { node }, Answer::Success(ack)) => {
                done.filter(|_| is_about(ack, node) && ack.t == Some(i64::from(self.rtype())))
            }
            (Self::ChangePassword { .. }, Answer::Success(ack)) => done.filter(|_| ack.t == Some(21)),
            (Self::Friends, Answer::Nodes { ntype: 1, nodes })
            | (Self::Blocked, Answer::Nodes { ntype: 8, nodes }) => Some(Ok(Reply::Nodes(nodes.to_vec()))),
            (Self::History { peer, .. }, Answer::History(page)) => {
                let fits = page
                    .first()
                    .is_none_or(|first| is_with(&first.conversation, peer));
                fits.then(|| Ok(Reply::History(page.to_vec())))
            }
            (Self::Recall { peer, mid }, Answer::Recalled(removal))
            | (Self::Burn { peer, mid }, Answer::Burned(removal)) => done
                .filter(|_| removal.outgoing && removal.mid == *mid && is_with(&removal.conversation, peer)),
            _ => None,
        }
    }
}

fn is_about(ack: &TimAck, node: &Node) -> bool {
    ack.tim_type == PacketType::Business.as_i8() && ack.n.as_ref().is_none_or(|n| n == node.as_str())
}

fn is_with(conversation: &Conversation, peer: &Node) -> bool {
    matches!(conversation, Conversation::Peer(other) if other == peer)
}

fn removal(peer: &Node, mid: Mid, packet_type: PacketType, od_type: i8, encoding: Encoding) -> Vec<u8> {
    let wire = TimMessage {
        od_type,
        mid: Some(mid.get()),
        ..message::Outgoing::application(od_type).into_wire(peer, None)
    };
    packet::client_packet(packet_type, encoding, &wire)
}

#[derive(Debug)]
struct Waiting {
    ticket: RequestTicket,
    request: Request,
    deadline: Duration,
    /// When it was written to the current connection.
    written: Option<Duration>,
    /// A fence follows it.
    fenced: bool,
}

/// What became of a request.
pub(crate) type Settled = (RequestTicket, Request, Result<Reply, RequestError>);

#[derive(Debug, Default)]
pub(crate) struct Requests {
    waiting: VecDeque<Waiting>,
}

/// A request to be written, and whether a fence must follow it.
pub(crate) struct Written {
    pub(crate) packet: Vec<u8>,
    pub(crate) fence: Option<RequestTicket>,
}

impl Requests {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn push(&mut self, ticket: RequestTicket, request: Request, deadline: Duration) {
        self.waiting.push_back(Waiting {
            ticket,
            request,
            deadline,
            written: None,
            fenced: false,
        });
    }

    /// The next request that has not been written to this connection.
    pub(crate) fn next(&mut self, now: Duration, encoding: Encoding, ordered: bool) -> Option<Written> {
        let waiting = self
            .waiting
            .iter_mut()
            .find(|waiting| waiting.written.is_none())?;
        waiting.written = Some(now);
        waiting.fenced = ordered && waiting.request.silence().is_some();
        Some(Written {
            packet: waiting.request.encode(encoding),
            fence: waiting.fenced.then_some(waiting.ticket),
        })
    }

    /// Whether a request waits to be written.
    pub(crate) fn has_next(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.written.is_none())
    }

    /// Settles the oldest request that the answer fits.
    pub(crate) fn answered(&mut self, answer: &Answer<'_>) -> Option<Settled> {
        let written = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, waiting)| waiting.written.is_some());
        let (at, reply) = written
            .into_iter()
            .find_map(|(at, waiting)| Some((at, waiting.request.reply(answer)?)))?;
        self.waiting
            .remove(at)
            .map(|waiting| (waiting.ticket, waiting.request, reply))
    }

    /// The fence behind a request was answered: the request will not be.
    pub(crate) fn fence_passed(&mut self, ticket: RequestTicket) -> Option<Settled> {
        let at = self
            .waiting
            .iter()
            .position(|waiting| waiting.ticket == ticket && waiting.fenced)?;
        let reply = self.waiting[at].request.silence()?;
        self.waiting
            .remove(at)
            .map(|waiting| (waiting.ticket, waiting.request, Ok(reply)))
    }

    /// Settles what has waited long enough.
    pub(crate) fn timed_out(&mut self, now: Duration, quiet: Duration) -> Vec<Settled> {
        let mut settled = Vec::new();
        let mut at = 0;
        while let Some(waiting) = self.waiting.get(at) {
            let result = match waiting.request.silence() {
                Some(reply) if waiting.quiet_at(quiet).is_some_and(|time| now >= time) => Ok(reply),
                _ if now >= waiting.deadline => Err(RequestError::TimedOut),
                _ => {
                    at += 1;
                    continue;
                }
            };
            if let Some(waiting) = self.waiting.remove(at) {
                settled.push((waiting.ticket, waiting.request, result));
            }
        }
        settled
    }

    /// When [`Requests::timed_out`] has something to do.
    pub(crate) fn deadline(&self, quiet: Duration) -> Option<Duration> {
        self.waiting
            .iter()
            .map(|waiting| {
                waiting
                    .quiet_at(quiet)
                    .map_or(waiting.deadline, |time| time.min(waiting.deadline))
            })
            .min()
    }

    /// The connection is gone. Requests that only read will be written again, others fail.
    pub(crate) fn connection_lost(&mut self) -> Vec<Settled> {
        let mut settled = Vec::new();
        for mut waiting in std::mem::take(&mut self.waiting) {
            if waiting.written.take().is_some() && !waiting.request.only_reads() {
                settled.push((waiting.ticket, waiting.request, Err(RequestError::ConnectionLost)));
            } else {
                waiting.fenced = false;
                self.waiting.push_back(waiting);
            }
        }
        settled
    }

    /// Ends everything.
    pub(crate) fn fail_all(&mut self) -> Vec<Settled> {
        self.waiting
            .drain(..)
            .map(|waiting| (waiting.ticket, waiting.request, Err(RequestError::Closed)))
            .collect()
    }
}

impl Waiting {
    /// When silence counts as an answer, unless a fence tells earlier.
    fn quiet_at(&self, quiet: Duration) -> Option<Duration> {
        let written = self.written.filter(|_| !self.fenced)?;
        self.request.silence().map(|_| written + quiet)
    }
}

//! Requests that wait for an answer. The protocol numbers neither requests nor answers, so an answer belongs to
//! the oldest request it fits. Some requests are answered by nothing; then the answer to a fence (a packet
//! that is always answered, written right after the request) or the passing of time settles them.
//!
//! The original refuses some requests twice, in two forms. The second refusal is recognised and ignored, so that it
//! does not hit the next request.

use std::collections::VecDeque;
use std::time::Duration;

use tim_protocol::Encoding;
use tim_protocol::wire::TimAck;

use super::RequestTicket;
use super::request::{Answer, Reply, Request};
use crate::error::{Refusal, RequestError};

/// Nodes of one list that are collected.
const MAX_NODES: usize = 1 << 20;

/// Second refusals that are waited for at the same time.
const MAX_ECHOES: usize = 64;

/// A second refusal of something that was refused before.
#[derive(Debug)]
struct RefusalEcho {
    tim_type: i8,
    code: i32,
    /// The second one may carry any code.
    any_code: bool,
    until: Duration,
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
    /// What has arrived of a list that may come in several packets. The fence ends it.
    list: Option<Reply>,
}

/// What became of a request.
pub(crate) type Settled = (RequestTicket, Request, Result<Reply, RequestError>);

#[derive(Debug, Default)]
pub(crate) struct Requests {
    waiting: VecDeque<Waiting>,
    /// Only used with the original.
    echoes: VecDeque<RefusalEcho>,
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

    /// Whether the same request waits already.
    pub(crate) fn is_waiting(&self, request: &Request) -> bool {
        self.waiting.iter().any(|waiting| waiting.request == *request)
    }

    pub(crate) fn push(&mut self, ticket: RequestTicket, request: Request, deadline: Duration) {
        self.waiting.push_back(Waiting {
            ticket,
            request,
            deadline,
            written: None,
            fenced: false,
            list: None,
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
        let waiting = self.waiting.get_mut(at)?;
        let reply = match reply {
            Ok(more @ (Reply::Nodes(_) | Reply::Rooms(_))) if waiting.fenced => {
                match extended(waiting.list.take(), more) {
                    Ok(list) => {
                        waiting.list = Some(list);
                        return None;
                    }
                    Err(error) => Err(error),
                }
            }
            other => other,
        };
        self.waiting
            .remove(at)
            .map(|waiting| (waiting.ticket, waiting.request, reply))
    }

    /// The fence behind a request was answered: nothing more will come.
    pub(crate) fn fence_passed(&mut self, ticket: RequestTicket) -> Option<Settled> {
        let at = self
            .waiting
            .iter()
            .position(|waiting| waiting.ticket == ticket && waiting.fenced)?;
        let waiting = self.waiting.remove(at)?;
        let reply = waiting.list.or_else(|| waiting.request.silence())?;
        Some((waiting.ticket, waiting.request, Ok(reply)))
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

    /// Whether this refusal is the second one of a request that has been settled by the first.
    pub(crate) fn is_refusal_echo(&mut self, ack: &TimAck, now: Duration) -> bool {
        self.echoes.retain(|echo| echo.until > now);
        if ack.t.is_some() {
            return false;
        }
        let code = Refusal::from_ack(ack).code;
        let at = self
            .echoes
            .iter()
            .position(|echo| echo.tim_type == ack.tim_type && (echo.any_code || echo.code == code));
        at.and_then(|at| self.echoes.remove(at)).is_some()
    }

    /// The first refusal came in the form after which the original sends a second one.
    pub(crate) fn expect_refusal_echo(&mut self, ack: &TimAck, request: &Request, until: Duration) {
        if ack.t.is_none() {
            return;
        }
        if self.echoes.len() >= MAX_ECHOES {
            self.echoes.pop_front();
        }
        self.echoes.push_back(RefusalEcho {
            tim_type: ack.tim_type,
            code: Refusal::from_ack(ack).code,
            any_code: matches!(request, Request::ChangePassword { .. }),
            until,
        });
    }

    /// The connection is gone. Requests that may be repeated will be written again, others fail.
    pub(crate) fn connection_lost(&mut self) -> Vec<Settled> {
        self.echoes.clear();
        let mut settled = Vec::new();
        for mut waiting in std::mem::take(&mut self.waiting) {
            if waiting.written.take().is_some() && !waiting.request.is_repeatable() {
                settled.push((waiting.ticket, waiting.request, Err(RequestError::ConnectionLost)));
            } else {
                waiting.fenced = false;
                waiting.list = None;
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

/// A list with the next part of it.
fn extended(list: Option<Reply>, more: Reply) -> Result<Reply, RequestError> {
    let whole = match (list, more) {
        (Some(Reply::Nodes(mut nodes)), Reply::Nodes(more)) => {
            nodes.extend(more);
            Reply::Nodes(nodes)
        }
        (Some(Reply::Rooms(mut rooms)), Reply::Rooms(more)) => {
            rooms.extend(more);
            Reply::Rooms(rooms)
        }
        (_, more) => more,
    };
    match &whole {
        Reply::Nodes(nodes) if nodes.len() > MAX_NODES => Err(RequestError::Invalid("the list is too long")),
        Reply::Rooms(rooms) if rooms.len() > MAX_NODES => Err(RequestError::Invalid("the list is too long")),
        _ => Ok(whole),
    }
}

impl Waiting {
    /// When silence counts as an answer, unless a fence tells earlier.
    fn quiet_at(&self, quiet: Duration) -> Option<Duration> {
        let written = self.written.filter(|_| !self.fenced)?;
        self.request.silence().map(|_| written + quiet)
    }
}

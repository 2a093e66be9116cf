//! Big data (wire-protocol 7.9): puts packets of types 95 to 97 together after login, within the bytes
//! that this session and all sessions together may hold unfinished.
//!
//! While a packet is in pieces, every message of the connection belongs to it, whatever its first byte:
//! delivery acks and pings too, because a piece may look like one. A client that sends pieces
//! acknowledges deliveries before or after them; the published clients send one piece only. For the same
//! reason the rest of a refused packet is thrown away and never read as packets of its own: pieces
//! are content, and whoever made that content must not speak in the name of the session.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tim_protocol::bigdata::{self, BigDataError, BigKind, BigPacket, Reassembler};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::{ClientPacket, PacketType};
use tokio::time::Instant;

use super::{CloseReason, Finished, Session, answers};

/// Something a session has to handle in its turn.
#[derive(Debug)]
pub(super) enum Request {
    /// An ordinary message.
    Packet(Bytes),
    /// Big data that is complete or was refused.
    Big(BigKind, Result<BigPacket, BigDataRefusal>),
}

/// How big data is refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct BigDataRefusal {
    /// `timType` of the answer.
    kind: PacketType,
    code: ErrorCode,
}

impl Request {
    /// Bytes it holds.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Packet(message) => message.len(),
            Self::Big(_, Ok(packet)) => packet.data.len(),
            Self::Big(_, Err(_)) => 0,
        }
    }
}

/// Whether a message starts a packet of big data.
pub(super) fn starts_big_data(message: &[u8]) -> Option<BigKind> {
    let kind = ClientPacket::parse(message)?.packet_type()?;
    BigKind::from_packet_type(kind)
}

/// A share of the unfinished bytes of all sessions, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    total: Arc<AtomicUsize>,
    limit: usize,
    bytes: usize,
}

impl Share {
    pub(super) fn new(total: &Arc<AtomicUsize>, limit: usize) -> Self {
        Self {
            total: Arc::clone(total),
            limit,
            bytes: 0,
        }
    }

    /// Changes it to so many bytes. `false`: there are not so many left, and it is unchanged.
    pub(super) fn resize(&mut self, bytes: usize) -> bool {
        if let Some(less) = self.bytes.checked_sub(bytes) {
            self.total.fetch_sub(less, Ordering::Relaxed);
        } else {
            let more = bytes - self.bytes;
            if self.total.fetch_add(more, Ordering::Relaxed) + more > self.limit {
                self.total.fetch_sub(more, Ordering::Relaxed);
                return false;
            }
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A packet of big data that is not complete. Exists only as long as it is not.
#[derive(Debug)]
pub(super) struct Assembly {
    reassembler: Reassembler,
    share: Share,
    kind: BigKind,
    /// Bytes still to come of the packet.
    missing: usize,
    /// The packet is refused already; what is missing is thrown away.
    is_refused: bool,
}

impl Assembly {
    fn new(kind: BigKind, limit: usize, share: Share) -> Self {
        Self {
            reassembler: Reassembler::new(limit),
            share,
            kind,
            missing: 0,
            is_refused: false,
        }
    }

    /// Takes the first or the next message. `None`: more has to come, or there is nothing to say.
    fn push(&mut self, message: &[u8]) -> Option<Result<BigPacket, BigDataRefusal>> {
        if self.is_refused {
            self.missing = self.missing.saturating_sub(message.len());
            return None;
        }
        let announced = match self.missing {
            0 => announced(message),
            missing => missing,
        };
        match self.reassembler.push(message) {
            Ok(Some(packet)) => {
                self.missing = 0;
                Some(Ok(packet))
            }
            Ok(None) => {
                self.missing = announced.saturating_sub(message.len());
                if self.share.resize(self.reassembler.buffered()) {
                    return None;
                }
                self.reassembler.clear();
                self.is_refused = true;
                Some(Err(BigDataRefusal {
                    kind: self.kind.packet_type(),
                    code: ErrorCode::Overload,
                }))
            }
            Err(error) => {
                self.is_refused = error == BigDataError::TooLarge;
                self.missing = if self.is_refused {
                    announced.saturating_sub(message.len())
                } else {
                    0
                };
                error.error_code().map(|code| Err(refusal(self.kind, code)))
            }
        }
    }

    fn is_unfinished(&self) -> bool {
        self.missing > 0
    }
}

/// The length a first message announces; 0 when it is none.
fn announced(message: &[u8]) -> usize {
    let length = message.get(1..5).and_then(|bytes| bytes.try_into().ok());
    let length = length.map_or(0, |bytes| usize::try_from(i32::from_be_bytes(bytes)).unwrap_or(0));
    if length > bigdata::MAX_LIMIT { 0 } else { length }
}

/// A wrong length is always answered with type 96 (wire-protocol 7.9); a malformed virtual room like
/// one in type 94 (7.12).
fn refusal(kind: BigKind, code: ErrorCode) -> BigDataRefusal {
    match (kind, code) {
        (_, ErrorCode::BigData) => BigDataRefusal {
            kind: PacketType::BigBinary,
            code,
        },
        (BigKind::Stream, ErrorCode::Account) => BigDataRefusal {
            kind: PacketType::Stream,
            code: ErrorCode::Params,
        },
        _ => BigDataRefusal {
            kind: kind.packet_type(),
            code,
        },
    }
}

impl Session {
    /// Makes a request of a message. `None`: it is a piece of something, or to be ignored.
    pub(super) fn assemble(&mut self, message: Bytes) -> Option<Request> {
        if self.open.is_none() {
            return Some(Request::Packet(message));
        }
        let kind = match &self.big {
            Some(assembly) => assembly.kind,
            None => match starts_big_data(&message) {
                Some(kind) => kind,
                None => return Some(Request::Packet(message)),
            },
        };
        let (limits, engine) = (&self.context.limits, &self.context.engine);
        let assembly = self.big.get_or_insert_with(|| {
            let share = Share::new(engine.unfinished_bytes(), limits.big_data_total_bytes);
            Box::new(Assembly::new(kind, limits.big_data_bytes, share))
        });
        let outcome = assembly.push(&message);
        if !assembly.is_unfinished() {
            self.big = None;
        }
        outcome.map(|outcome| Request::Big(kind, outcome))
    }

    /// Whether the next message is a piece of an unfinished packet.
    pub(super) fn is_assembling(&self) -> bool {
        self.big.is_some()
    }

    /// What arrived during the login is sorted like what comes after it.
    pub(super) fn assemble_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        for request in waiting {
            let request = match request {
                Request::Packet(message) => self.assemble(message),
                big @ Request::Big(..) => Some(big),
            };
            if let Some(request) = request {
                self.waiting_bytes += request.len();
                self.waiting.push_back(request);
            }
        }
    }

    /// Handles complete or refused big data.
    pub(super) fn big_request(
        &mut self,
        kind: BigKind,
        outcome: Result<BigPacket, BigDataRefusal>,
        now: Instant,
    ) {
        let Some(open) = &self.open else { return };
        if self.context.limits.disabled.contains(kind.packet_type()) {
            return;
        }
        let encoding = open.encoding;
        let packet = match outcome {
            Ok(packet) => packet,
            Err(BigDataRefusal { kind, code }) => return self.refuse(kind.as_i8(), encoding, code),
        };
        if kind == BigKind::Stream {
            return self.publish(packet.node.as_str(), None, Some(packet.data), now);
        }
        let login = Arc::clone(&open.login);
        self.running = Some(Box::pin(async move {
            let kind = packet.kind.packet_type().as_i8();
            Finished::Answers(match login.engine().send_big(&login, packet).await {
                Ok(()) => Vec::new(),
                Err(code) => vec![answers::refusal(kind, code, encoding)],
            })
        }));
    }

    /// A message of which so many bytes have arrived is not complete. What exceeds an ordinary packet
    /// counts like big data in pieces.
    pub fn reading(&mut self, bytes: usize) {
        let limits = &self.context.limits;
        if bytes <= limits.packet_bytes {
            self.reading = None;
            return;
        }
        let engine = &self.context.engine;
        let share = self.reading.get_or_insert_with(|| {
            Box::new(Share::new(engine.unfinished_bytes(), limits.big_data_total_bytes))
        });
        if !share.resize(bytes) && self.closing.is_none() {
            self.reading = None;
            let encoding = self
                .open
                .as_ref()
                .map_or_else(Default::default, |open| open.encoding);
            self.refuse(PacketType::BigBinary.as_i8(), encoding, ErrorCode::Overload);
            self.close(CloseReason::Overloaded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assembly(total: &Arc<AtomicUsize>, limit: usize) -> Assembly {
        Assembly::new(BigKind::Text, 1_000, Share::new(total, limit))
    }

    fn first(length: u32, rest: &[u8]) -> Vec<u8> {
        [&[95], &length.to_be_bytes()[..], rest].concat()
    }

    #[test]
    fn pieces_are_put_together_and_their_share_is_given_back() {
        let total = Arc::new(AtomicUsize::new(0));
        let mut assembly = assembly(&total, 1_000);
        assert!(assembly.push(&first(15, b"abc|de")).is_none());
        assert!(assembly.is_unfinished() && total.load(Ordering::Relaxed) > 0);
        let packet = assembly.push(&[12, 13, 0, 0]).unwrap().unwrap();
        assert_eq!(&packet.data[..], b"de\x0c\x0d\0\0");
        assert!(!assembly.is_unfinished());
        drop(assembly);
        assert_eq!(total.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_rest_of_a_refused_packet_is_thrown_away() {
        let total = Arc::new(AtomicUsize::new(0));
        for (length, limit, code) in [(100, 10, ErrorCode::Overload), (5_000, 1_000, ErrorCode::BigData)] {
            let mut assembly = assembly(&total, limit);
            let refused = assembly.push(&first(length, &[b'a'; 15])).unwrap().unwrap_err();
            assert_eq!(refused.code, code);
            let mut left = length as usize - 20;
            while left > 0 {
                assert!(assembly.is_unfinished());
                assert!(assembly.push(&[90; 10]).is_none());
                left -= 10;
            }
            assert!(!assembly.is_unfinished());
        }
        assert_eq!(total.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_length_that_reads_as_a_node_swallows_nothing() {
        let total = Arc::new(AtomicUsize::new(0));
        let mut assembly = assembly(&total, 1_000);
        let packet = assembly.push(b"\x5fabcdefgh|data").unwrap().unwrap();
        assert_eq!(
            (packet.node.as_str(), &packet.data[..]),
            ("abcdefgh", &b"data"[..])
        );
        assert!(assembly.push(b"\x5f\xff\xff\xff\xffxx|data").unwrap().is_err());
        assert!(!assembly.is_unfinished());
    }
}

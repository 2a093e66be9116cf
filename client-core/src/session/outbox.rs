//! Messages on their way to the server. Chat messages stay here until their echo arrives, which in rooms is the own
//! copy of the message, and are repeated with the same id after a lost connection, in their order. Other kinds get no answer and leave when they are written.
//!
//! A refusal names the message by its id on servers that do so. Otherwise it is assigned when the echoes of
//! all other candidates have arrived.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use tim_protocol::packet::{ClientPacket, PacketType, client_packet};
use tim_protocol::wire::TimMessage;
use tim_protocol::{Encoding, WireStruct};

use super::SendTicket;
use crate::error::{Refusal, SendError};
use crate::message::{MessageKind, Mid, Sent, Timestamp};

/// Fixed cost of a message in the byte budget.
const OVERHEAD: usize = 256;

#[derive(Debug)]
struct Entry {
    /// Ascending in the order of writing.
    sequence: u64,
    ticket: SendTicket,
    /// The server confirms it.
    has_echo: bool,
    id: Option<i64>,
    /// Of receiver and content, to recognise the echo.
    fingerprint: u64,
    packet: Bytes,
    written: Duration,
}

impl Entry {
    fn cost(&self) -> usize {
        self.packet.len() + OVERHEAD
    }
}

/// What to write next.
#[derive(Debug, PartialEq)]
pub(crate) struct Next {
    pub(crate) packet: Bytes,
    /// Set when the message gets no answer: it is resolved by being written.
    pub(crate) resolved: Option<(SendTicket, Sent)>,
}

/// What became of a message.
pub(crate) type Settled = (SendTicket, Result<Sent, SendError>);

/// What an answer of the server settled.
#[derive(Debug, Default)]
pub(crate) struct Settlement {
    pub(crate) settled: Vec<Settled>,
    /// Refusals of messages that nobody waits for.
    pub(crate) unmatched: Vec<Refusal>,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    /// The first `in_flight` entries have been written to this connection and wait for their echo.
    entries: VecDeque<Entry>,
    in_flight: usize,
    bytes: usize,
    next_sequence: u64,
    /// Refusals without id that are not yet assigned, with the last message that can be meant.
    refusals: VecDeque<(u64, Refusal)>,
    /// The server answers in order. Otherwise messages are written one at a time.
    ordered: bool,
    max_entries: usize,
    max_bytes: usize,
}

impl Outbox {
    pub(crate) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            in_flight: 0,
            bytes: 0,
            next_sequence: 0,
            refusals: VecDeque::new(),
            ordered: false,
            max_entries: max_entries.max(1),
            max_bytes,
        }
    }

    pub(crate) fn set_ordered(&mut self, ordered: bool) {
        self.ordered = ordered;
    }

    /// Whether a packet of so many bytes fits. One always does.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.entries.is_empty()
            || self.entries.len() < self.max_entries
                && self.bytes.saturating_add(bytes).saturating_add(OVERHEAD) <= self.max_bytes
    }

    /// Adds a message, already encoded.
    pub(crate) fn push(
        &mut self,
        ticket: SendTicket,
        kind: MessageKind,
        message: &TimMessage,
        packet: Bytes,
    ) {
        self.push_entry(Entry {
            sequence: 0,
            ticket,
            has_echo: kind == MessageKind::Chat,
            id: message.id,
            fingerprint: fingerprint(message),
            packet,
            written: Duration::ZERO,
        });
    }

    /// Adds a packet that is no message, has no number and gets no answer.
    pub(crate) fn push_bare(&mut self, ticket: SendTicket, packet: Bytes) {
        self.push_entry(Entry {
            sequence: 0,
            ticket,
            has_echo: false,
            id: None,
            fingerprint: 0,
            packet,
            written: Duration::ZERO,
        });
    }

    fn push_entry(&mut self, entry: Entry) {
        self.bytes += entry.cost();
        self.entries.push_back(entry);
    }

    /// The next packet to write on the current connection.
    pub(crate) fn next(&mut self, now: Duration) -> Option<Next> {
        let in_flight = self.in_flight;
        let entry = self.entries.get_mut(in_flight)?;
        if entry.has_echo {
            if in_flight > 0 && !self.ordered {
                return None;
            }
            self.next_sequence += 1;
            entry.sequence = self.next_sequence;
            entry.written = now;
            self.in_flight += 1;
            return Some(Next {
                packet: entry.packet.clone(),
                resolved: None,
            });
        }
        let entry = self.entries.remove(in_flight)?;
        self.bytes -= entry.cost();
        let sent = Sent {
            id: entry.id,
            ..Sent::default()
        };
        Some(Next {
            packet: entry.packet,
            resolved: Some((entry.ticket, sent)),
        })
    }

    /// Whether something can be written now.
    pub(crate) fn has_next(&self) -> bool {
        self.entries
            .get(self.in_flight)
            .is_some_and(|entry| !entry.has_echo || self.in_flight == 0 || self.ordered)
    }

    /// A chat message of the own account arrived. When it is one of those here, that is resolved, even if its repeat
    /// has not been written yet. `fresh_id` makes a number for a message whose number turns out to be taken by
    /// another device.
    pub(crate) fn echoed(
        &mut self,
        echo: &TimMessage,
        encoding: Encoding,
        fresh_id: impl FnOnce() -> i64,
    ) -> Settlement {
        let mut outcome = Settlement::default();
        let Some(id) = echo.id else { return outcome };
        let Some(at) = self
            .entries
            .iter()
            .position(|entry| entry.has_echo && entry.id == Some(id))
        else {
            return outcome;
        };
        if self.entries[at].fingerprint == fingerprint(echo) {
            let sent = Sent {
                id: Some(id),
                mid: echo.mid.and_then(Mid::new),
                timestamp: echo.timestamp.map(Timestamp::from_nanos),
            };
            if let Some(entry) = self.remove(at) {
                outcome.settled.push((entry.ticket, Ok(sent)));
            }
        } else if let Some(mut entry) = self.remove(at) {
            // Another device of this account used the number. Send under a new one.
            let id = fresh_id();
            entry.id = Some(id);
            entry.packet = renumbered(&entry.packet, encoding, id).unwrap_or(entry.packet);
            self.bytes += entry.cost();
            self.entries.insert(at.max(self.in_flight), entry);
        }
        self.assign_refusals(&mut outcome);
        outcome
    }

    /// The server refused a message, with its id if the server told.
    pub(crate) fn refused(&mut self, id: Option<i64>, refusal: Refusal) -> Settlement {
        let mut outcome = Settlement::default();
        if let Some(id) = id {
            let at = self
                .entries
                .iter()
                .take(self.in_flight)
                .position(|entry| entry.id == Some(id));
            match at.and_then(|at| self.remove(at)) {
                Some(entry) => outcome
                    .settled
                    .push((entry.ticket, Err(SendError::Refused(refusal)))),
                None => outcome.unmatched.push(refusal),
            }
            self.assign_refusals(&mut outcome);
            return outcome;
        }
        match self.in_flight.checked_sub(1).and_then(|at| self.entries.get(at)) {
            Some(last) => {
                self.refusals.push_back((last.sequence, refusal));
                self.assign_refusals(&mut outcome);
            }
            None => outcome.unmatched.push(refusal),
        }
        outcome
    }

    /// Assigns refusals whose candidates are as many as they are.
    fn assign_refusals(&mut self, outcome: &mut Settlement) {
        let mut count = 1;
        while count <= self.refusals.len() {
            let upto = self.refusals[count - 1].0;
            let written = self.entries.iter().take(self.in_flight);
            let candidates = written.filter(|entry| entry.sequence <= upto).count();
            if candidates > count {
                count += 1;
                continue;
            }
            let refusals: Vec<_> = self.refusals.drain(..count).collect();
            for (nth, (_, refusal)) in refusals.into_iter().enumerate() {
                match (nth < candidates).then(|| self.remove(0)).flatten() {
                    Some(entry) => outcome
                        .settled
                        .push((entry.ticket, Err(SendError::Refused(refusal)))),
                    None => outcome.unmatched.push(refusal),
                }
            }
            count = 1;
        }
    }

    /// When the oldest written message was written.
    pub(crate) fn oldest_written(&self) -> Option<Duration> {
        if self.in_flight == 0 {
            None
        } else {
            self.entries.front().map(|entry| entry.written)
        }
    }

    /// The server closed the connection because a packet was too large: the largest one written must be it, and
    /// repeating it would only break the next connection.
    pub(crate) fn too_large(&mut self) -> Option<Settled> {
        let written = self.entries.iter().take(self.in_flight).enumerate();
        let (at, _) = written.max_by_key(|(_, entry)| entry.packet.len())?;
        let entry = self.remove(at)?;
        let bytes = entry.packet.len();
        Some((entry.ticket, Err(SendError::TooLargeForServer { bytes })))
    }

    /// The connection is gone: what had no echo will be written again. When the server cannot recognise repeats,
    /// that fails instead.
    pub(crate) fn connection_lost(&mut self, repeat: bool) -> Vec<Settled> {
        self.refusals.clear();
        let mut failed = Vec::new();
        while !repeat && self.in_flight > 0 {
            let Some(entry) = self.remove(0) else { break };
            failed.push((entry.ticket, Err(SendError::Unconfirmed)));
        }
        self.in_flight = 0;
        failed
    }

    /// Ends everything.
    pub(crate) fn fail_all(&mut self) -> Vec<Settled> {
        self.in_flight = 0;
        self.bytes = 0;
        self.refusals.clear();
        self.entries
            .drain(..)
            .map(|entry| (entry.ticket, Err(SendError::Closed)))
            .collect()
    }

    fn remove(&mut self, at: usize) -> Option<Entry> {
        let entry = self.entries.remove(at)?;
        self.in_flight -= usize::from(at < self.in_flight);
        self.bytes -= entry.cost();
        Some(entry)
    }
}

/// Tells messages of one account apart that carry the same id. Not for security.
fn fingerprint(message: &TimMessage) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.to_tid.as_ref().map(|tid| &tid.node).hash(&mut hasher);
    message.room_tid.as_ref().map(|tid| &tid.node).hash(&mut hasher);
    message.data_string.hash(&mut hasher);
    message.data_binary.hash(&mut hasher);
    hasher.finish()
}

/// The packet with another message id.
fn renumbered(packet: &[u8], encoding: Encoding, id: i64) -> Option<Bytes> {
    let packet = ClientPacket::parse(packet)?;
    let mut message = TimMessage::decode(packet.payload, encoding).ok()?;
    message.id = Some(id);
    Some(client_packet(PacketType::Message, encoding, &message).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Conversation;
    use crate::message::Outgoing;
    use tim_protocol::Node;

    const NOW: Duration = Duration::ZERO;

    fn outbox() -> Outbox {
        let mut outbox = Outbox::new(100, 1 << 20);
        outbox.set_ordered(true);
        outbox
    }

    fn peer() -> Conversation {
        Node::new("peer").unwrap().into()
    }

    fn chat(id: i64) -> TimMessage {
        Outgoing::text(format!("text {id}")).into_wire(&peer(), Some(id))
    }

    fn push(outbox: &mut Outbox, id: u64) {
        let message = chat(id.cast_signed());
        let packet = client_packet(PacketType::Message, Encoding::Compact, &message).into();
        outbox.push(SendTicket(id), MessageKind::Chat, &message, packet);
    }

    fn push_stream(outbox: &mut Outbox, id: u64) {
        let wire = Outgoing::stream(vec![1]).into_wire(&peer(), Some(id.cast_signed()));
        outbox.push(
            SendTicket(id),
            MessageKind::Stream,
            &wire,
            Bytes::from_static(b"stream"),
        );
    }

    fn write_all(outbox: &mut Outbox) -> Vec<Next> {
        std::iter::from_fn(|| outbox.next(NOW)).collect()
    }

    fn echo(outbox: &mut Outbox, id: i64) -> Vec<(u64, bool)> {
        tickets(&outbox.echoed(&chat(id), Encoding::Compact, || 0).settled)
    }

    fn refusal(code: i32) -> Refusal {
        Refusal {
            code,
            info: String::new(),
        }
    }

    fn tickets(settled: &[Settled]) -> Vec<(u64, bool)> {
        settled
            .iter()
            .map(|(ticket, result)| (ticket.0, result.is_ok()))
            .collect()
    }

    #[test]
    fn a_refusal_with_an_id_settles_that_message_at_once() {
        let mut outbox = outbox();
        for id in 1..=3 {
            push(&mut outbox, id);
        }
        write_all(&mut outbox);
        assert_eq!(
            tickets(&outbox.refused(Some(2), refusal(4105)).settled),
            [(2, false)]
        );
        assert_eq!(outbox.refused(Some(2), refusal(4105)).unmatched.len(), 1);
        assert_eq!(echo(&mut outbox, 1), [(1, true)]);
        assert_eq!(echo(&mut outbox, 3), [(3, true)]);
    }

    #[test]
    fn a_refusal_without_id_that_overtakes_an_echo_still_meets_its_message() {
        let mut outbox = outbox();
        for id in 1..=3 {
            push(&mut outbox, id);
        }
        assert_eq!(write_all(&mut outbox).len(), 3);
        // The refusal of 2 arrives while 1 and 3 are being stored.
        assert!(outbox.refused(None, refusal(4105)).settled.is_empty());
        assert_eq!(echo(&mut outbox, 1), [(1, true)]);
        assert_eq!(echo(&mut outbox, 3), [(3, true), (2, false)]);
    }

    #[test]
    fn refusals_of_all_written_messages_are_assigned_in_order() {
        let mut outbox = outbox();
        push(&mut outbox, 1);
        push(&mut outbox, 2);
        write_all(&mut outbox);
        assert!(outbox.refused(None, refusal(4105)).settled.is_empty());
        let Settlement { settled, unmatched } = outbox.refused(None, refusal(4106));
        assert_eq!(tickets(&settled), [(1, false), (2, false)]);
        assert!(unmatched.is_empty());
        assert!(matches!(&settled[1].1, Err(SendError::Refused(refusal)) if refusal.code == 4106));
    }

    #[test]
    fn a_message_written_after_a_refusal_is_no_candidate_for_it() {
        let mut outbox = outbox();
        push(&mut outbox, 1);
        push(&mut outbox, 2);
        write_all(&mut outbox);
        outbox.refused(None, refusal(4105));
        push(&mut outbox, 3);
        write_all(&mut outbox);
        assert_eq!(echo(&mut outbox, 2), [(2, true), (1, false)]);
        assert_eq!(echo(&mut outbox, 3), [(3, true)]);
    }

    #[test]
    fn live_data_between_chat_messages_is_resolved_by_writing() {
        let mut outbox = outbox();
        push(&mut outbox, 1);
        push_stream(&mut outbox, 2);
        push(&mut outbox, 3);
        let written = write_all(&mut outbox);
        let resolved: Vec<_> = written
            .iter()
            .map(|next| next.resolved.map(|(ticket, sent)| (ticket.0, sent.id)))
            .collect();
        assert_eq!(resolved, [None, Some((2, Some(2))), None]);
        assert_eq!(outbox.refused(Some(2), refusal(4105)).unmatched, [refusal(4105)]);
        assert_eq!(echo(&mut outbox, 1), [(1, true)]);
        assert_eq!(echo(&mut outbox, 3), [(3, true)]);
        assert_eq!(outbox.bytes, 0);
    }

    #[test]
    fn unconfirmed_messages_are_repeated_in_order_with_their_ids() {
        let mut outbox = outbox();
        for id in 1..=3 {
            push(&mut outbox, id);
        }
        let first = write_all(&mut outbox);
        echo(&mut outbox, 1);
        assert!(outbox.connection_lost(true).is_empty());
        assert_eq!(write_all(&mut outbox), first[1..]);
    }

    #[test]
    fn an_id_that_another_device_used_is_replaced() {
        let mut outbox = outbox();
        push(&mut outbox, 1);
        write_all(&mut outbox);
        let mut foreign = chat(1);
        foreign.data_string = Some("written elsewhere".into());
        assert!(
            outbox
                .echoed(&foreign, Encoding::Compact, || 77)
                .settled
                .is_empty()
        );
        let again = write_all(&mut outbox);
        assert_eq!(again.len(), 1);
        let sent = TimMessage::decode(&again[0].packet[1..], Encoding::Compact).unwrap();
        assert_eq!((sent.id, sent.data_string.as_deref()), (Some(77), Some("text 1")));
        let mut echo = chat(1);
        echo.id = Some(77);
        assert_eq!(
            tickets(&outbox.echoed(&echo, Encoding::Compact, || 0).settled),
            [(1, true)]
        );
        assert_eq!(outbox.bytes, 0);
    }

    #[test]
    fn a_server_without_order_gets_one_message_at_a_time() {
        let mut outbox = outbox();
        outbox.set_ordered(false);
        push(&mut outbox, 1);
        push(&mut outbox, 2);
        assert_eq!(write_all(&mut outbox).len(), 1);
        assert_eq!(tickets(&outbox.connection_lost(false)), [(1, false)]);
        assert_eq!(write_all(&mut outbox).len(), 1);
    }

    #[test]
    fn the_message_that_was_too_large_for_the_server_is_not_repeated() {
        let mut outbox = outbox();
        push(&mut outbox, 1);
        let message = Outgoing::text("x".repeat(5000)).into_wire(&peer(), Some(2));
        let packet = client_packet(PacketType::Message, Encoding::Compact, &message).into();
        outbox.push(SendTicket(2), MessageKind::Chat, &message, packet);
        push(&mut outbox, 3);
        write_all(&mut outbox);
        let settled = outbox.too_large().unwrap();
        assert!(
            matches!(settled, (SendTicket(2), Err(SendError::TooLargeForServer { bytes })) if bytes > 5000)
        );
        outbox.connection_lost(true);
        assert_eq!(write_all(&mut outbox).len(), 2);
    }

    #[test]
    fn room_is_counted_in_messages_and_bytes() {
        let mut outbox = Outbox::new(2, 2000);
        assert!(outbox.has_room(1 << 30), "one message always fits");
        push(&mut outbox, 1);
        assert!(outbox.has_room(100));
        assert!(!outbox.has_room(1900));
        push(&mut outbox, 2);
        assert!(!outbox.has_room(1));
        outbox.set_ordered(true);
        write_all(&mut outbox);
        echo(&mut outbox, 1);
        echo(&mut outbox, 2);
        assert_eq!(outbox.bytes, 0);
    }
}

//! Events on their way to the application, and the acknowledgements that wait for them. A delivery is
//! acknowledged only when every event that came with it has been taken; a repeat of an event that still waits
//! is acknowledged together with it, a repeat of one that was taken at once.
//!
//! The queue is bounded. Deliveries that do not fit are refused without acknowledgement, so the server keeps
//! them; everything after them is refused too, until there is room and the connection is made anew, which keeps
//! conversations in order.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::config::Acknowledge;
use super::seen::{Identity, Seen};
use crate::event::Event;

/// Events about the connection that may exceed the capacity.
const STATE_RESERVE: usize = 16;

/// An acknowledgement that waited this long may have come too late for the server.
const STALE_AFTER: Duration = Duration::from_secs(9);

/// Shortest time between two questions for what the server still has.
const ASK_INTERVAL: Duration = Duration::from_secs(5);

/// One synchronous packet.
#[derive(Debug)]
struct Delivery {
    send_id: i32,
    /// Events of the packet that have not been taken.
    waiting: usize,
    arrived: Duration,
}

/// Names a synchronous packet of the current connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeliveryId(u64);

#[derive(Debug)]
struct Queued {
    event: Event,
    identity: Option<Identity>,
    deliveries: Vec<DeliveryId>,
    /// It came with a delivery.
    is_delivered: bool,
}

/// What became of an offered event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    Queued,
    Repeat,
    Dropped,
}

/// How to get deliveries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resync {
    /// Ask for the offline queue: everything received so far was in order.
    Ask,
    /// Start over: what was refused may be followed by newer deliveries that are already on their way.
    Reconnect,
}

#[derive(Debug)]
pub(crate) struct Inbox {
    queue: VecDeque<Queued>,
    /// Sequence number of the first element of `queue`.
    first: u64,
    /// Sequence numbers of queued events that can be recognised.
    waiting: HashMap<Identity, u64>,
    /// Queued events that came with a delivery.
    delivered: usize,
    seen: Seen,
    deliveries: HashMap<DeliveryId, Delivery>,
    next_delivery: u64,
    /// Taken, but acknowledged only with the next one.
    held: Vec<DeliveryId>,
    capacity: usize,
    policy: Acknowledge,
    /// Deliveries were refused for lack of room.
    refusing: bool,
    /// An acknowledgement may have come too late: it was slow, or the server had begun to repeat.
    stale: bool,
    /// Earliest time to ask the server again.
    not_before: Duration,
    acks: Vec<i32>,
}

impl Inbox {
    pub(crate) fn new(capacity: usize, policy: Acknowledge) -> Self {
        Self {
            queue: VecDeque::new(),
            first: 0,
            waiting: HashMap::new(),
            delivered: 0,
            seen: Seen::default(),
            deliveries: HashMap::new(),
            next_delivery: 0,
            held: Vec::new(),
            capacity: capacity.max(1),
            policy,
            refusing: false,
            stale: false,
            not_before: Duration::ZERO,
            acks: Vec::new(),
        }
    }

    /// Starts a delivery of up to `events` events. `None`: no room, the packet must be ignored.
    pub(crate) fn begin(&mut self, send_id: i32, events: usize, now: Duration) -> Option<DeliveryId> {
        // Other events do not count, and one delivery always fits: otherwise a small capacity would never be enough.
        let is_full = self.delivered > 0 && self.delivered + events > self.capacity;
        self.refusing |= is_full;
        if self.refusing {
            return None;
        }
        let id = DeliveryId(self.next_delivery);
        self.next_delivery += 1;
        self.deliveries.insert(
            id,
            Delivery {
                send_id,
                waiting: 0,
                arrived: now,
            },
        );
        Some(id)
    }

    /// An event that came with a delivery.
    pub(crate) fn offer(
        &mut self,
        delivery: DeliveryId,
        event: Event,
        identity: Option<Identity>,
    ) -> Offered {
        if let Some(known) = &identity {
            self.stale |= self.waiting.contains_key(known) || self.seen.contains(known);
            if let Some(sequence) = self.waiting.get(known) {
                let at = usize::try_from(sequence - self.first).unwrap_or(usize::MAX);
                if let Some(queued) = self.queue.get_mut(at)
                    && let Some(pending) = self.deliveries.get_mut(&delivery)
                {
                    pending.waiting += 1;
                    queued.deliveries.push(delivery);
                }
                return Offered::Repeat;
            }
            if self.seen.contains(known) {
                return Offered::Repeat;
            }
        }
        if let Some(pending) = self.deliveries.get_mut(&delivery) {
            pending.waiting += 1;
        }
        self.push(event, identity, vec![delivery]);
        Offered::Queued
    }

    /// All events of the delivery have been offered.
    pub(crate) fn finish(&mut self, delivery: DeliveryId, now: Duration) {
        if self
            .deliveries
            .get(&delivery)
            .is_some_and(|pending| pending.waiting == 0)
        {
            self.acknowledge(delivery, now);
        }
    }

    /// An event that the server does not repeat.
    pub(crate) fn offer_once(&mut self, event: Event, identity: Option<Identity>) -> Offered {
        if let Some(known) = &identity
            && (self.waiting.contains_key(known) || self.seen.contains(known))
        {
            return Offered::Repeat;
        }
        if self.queue.len() >= self.capacity {
            self.count_dropped();
            return Offered::Dropped;
        }
        self.push(event, identity, Vec::new());
        Offered::Queued
    }

    /// An event about the session itself.
    pub(crate) fn report(&mut self, event: Event) {
        if let Event::Disconnected { .. } = event
            && let Some(last) = self.queue.back_mut()
            && let Event::Disconnected { .. } = last.event
        {
            last.event = event;
            return;
        }
        let is_final = matches!(event, Event::LoggedOut { .. });
        if self.queue.len() >= self.capacity + STATE_RESERVE && !is_final {
            self.count_dropped();
            return;
        }
        self.push(event, None, Vec::new());
    }

    /// Something was received by another way than an event, for example the echo of an own message.
    pub(crate) fn mark_seen(&mut self, identity: Identity) {
        self.seen.insert(identity);
    }

    /// Whether it waits for the application or was taken before.
    pub(crate) fn knows(&self, identity: &Identity) -> bool {
        self.waiting.contains_key(identity) || self.seen.contains(identity)
    }

    /// The next event for the application.
    pub(crate) fn take(&mut self, now: Duration) -> Option<Event> {
        self.release_held(now);
        let Queued {
            event,
            identity,
            deliveries,
            is_delivered,
        } = self.queue.pop_front()?;
        self.first += 1;
        self.delivered -= usize::from(is_delivered);
        if let Some(identity) = identity {
            self.waiting.remove(&identity);
            self.seen.insert(identity);
        }
        for delivery in deliveries {
            let Some(pending) = self.deliveries.get_mut(&delivery) else {
                continue;
            };
            pending.waiting -= 1;
            if pending.waiting == 0 {
                match self.policy {
                    Acknowledge::WhenTaken => self.acknowledge(delivery, now),
                    Acknowledge::WhenNextIsTaken => self.held.push(delivery),
                }
            }
        }
        if self.queue.is_empty() && self.queue.capacity() > 64 {
            self.queue = VecDeque::new();
        }
        Some(event)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Acknowledges what was taken before.
    pub(crate) fn release_held(&mut self, now: Duration) {
        for delivery in std::mem::take(&mut self.held) {
            self.acknowledge(delivery, now);
        }
    }

    /// Send ids to be acknowledged now.
    pub(crate) fn take_acks(&mut self) -> Vec<i32> {
        std::mem::take(&mut self.acks)
    }

    /// How to get again what the server still has: deliveries were refused, or an acknowledgement may have been too
    /// late, and there is room now. Answered once.
    pub(crate) fn wants_resync(&mut self, now: Duration) -> Option<Resync> {
        if self.refusing && self.delivered <= self.capacity / 2 {
            Some(Resync::Reconnect)
        } else if self.resync_at().is_some_and(|at| now >= at) {
            self.stale = false;
            self.not_before = now + ASK_INTERVAL;
            Some(Resync::Ask)
        } else {
            None
        }
    }

    /// When [`Inbox::wants_resync`] answers something that it does not answer now.
    pub(crate) fn resync_at(&self) -> Option<Duration> {
        (self.stale && self.queue.is_empty()).then_some(self.not_before)
    }

    /// Send ids belong to a connection; this one is gone.
    pub(crate) fn connection_lost(&mut self) {
        self.deliveries.clear();
        for queued in &mut self.queue {
            queued.deliveries = Vec::new();
        }
        self.held.clear();
        self.acks.clear();
        self.refusing = false;
        self.stale = false;
    }

    /// Forgets the events that wait. They were not acknowledged, so they come again in the next session.
    pub(crate) fn discard(&mut self) {
        self.queue.clear();
        self.waiting.clear();
        self.delivered = 0;
    }

    fn push(&mut self, event: Event, identity: Option<Identity>, deliveries: Vec<DeliveryId>) {
        if let Some(identity) = &identity {
            let sequence = self.first + self.queue.len() as u64;
            self.waiting.insert(identity.clone(), sequence);
        }
        let is_delivered = !deliveries.is_empty();
        self.delivered += usize::from(is_delivered);
        self.queue.push_back(Queued {
            event,
            identity,
            deliveries,
            is_delivered,
        });
    }

    fn count_dropped(&mut self) {
        if let Some(Queued {
            event: Event::Dropped { count },
            ..
        }) = self.queue.back_mut()
        {
            *count += 1;
        } else {
            self.push(Event::Dropped { count: 1 }, None, Vec::new());
        }
    }

    fn acknowledge(&mut self, delivery: DeliveryId, now: Duration) {
        if let Some(done) = self.deliveries.remove(&delivery) {
            self.stale |= now.saturating_sub(done.arrived) >= STALE_AFTER;
            self.acks.push(done.send_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Conversation, Incoming, MessageKind};
    use tim_protocol::Node;

    const NOW: Duration = Duration::ZERO;

    fn message(mid: i64) -> (Event, Option<Identity>) {
        let peer = Node::new("peer").unwrap();
        let identity = Identity::Stored {
            conversation: Conversation::Peer(peer.clone()),
            mid,
        };
        (
            Event::Message(Box::new(Incoming::bare(peer, MessageKind::Chat))),
            Some(identity),
        )
    }

    fn deliver(inbox: &mut Inbox, send_id: i32, mids: &[i64]) -> bool {
        let Some(delivery) = inbox.begin(send_id, mids.len(), NOW) else {
            return false;
        };
        for mid in mids {
            let (event, identity) = message(*mid);
            inbox.offer(delivery, event, identity);
        }
        inbox.finish(delivery, NOW);
        true
    }

    #[test]
    fn a_list_is_acknowledged_when_its_last_message_was_taken() {
        let mut inbox = Inbox::new(10, Acknowledge::WhenTaken);
        deliver(&mut inbox, 7, &[1, 2, 3]);
        for expected in [vec![], vec![], vec![7]] {
            assert!(inbox.take(NOW).is_some());
            assert_eq!(inbox.take_acks(), expected);
        }
    }

    #[test]
    fn a_repeat_of_a_waiting_message_is_acknowledged_together_with_it() {
        let mut inbox = Inbox::new(10, Acknowledge::WhenTaken);
        deliver(&mut inbox, 1, &[1]);
        deliver(&mut inbox, 2, &[1]);
        assert!(inbox.take_acks().is_empty());
        assert!(inbox.take(NOW).is_some());
        assert_eq!(inbox.take_acks(), [1, 2]);
        assert!(inbox.take(NOW).is_none());
        deliver(&mut inbox, 3, &[1]);
        assert_eq!(inbox.take_acks(), [3]);
    }

    #[test]
    fn processing_before_acknowledging_holds_the_last_one_back() {
        let mut inbox = Inbox::new(10, Acknowledge::WhenNextIsTaken);
        deliver(&mut inbox, 1, &[1]);
        deliver(&mut inbox, 2, &[2]);
        inbox.take(NOW);
        assert!(inbox.take_acks().is_empty());
        inbox.take(NOW);
        assert_eq!(inbox.take_acks(), [1]);
        assert!(inbox.take(NOW).is_none());
        assert_eq!(inbox.take_acks(), [2]);
    }

    #[test]
    fn after_the_first_refused_delivery_all_are_refused_until_there_is_room() {
        let mut inbox = Inbox::new(4, Acknowledge::WhenTaken);
        for mid in 1..=4 {
            assert!(deliver(&mut inbox, 0, &[mid]));
        }
        assert!(!deliver(&mut inbox, 5, &[5]));
        inbox.take(NOW);
        assert!(!deliver(&mut inbox, 6, &[6]), "6 must not overtake 5");
        assert_eq!(inbox.wants_resync(NOW), None);
        inbox.take(NOW);
        assert_eq!(inbox.wants_resync(NOW), Some(Resync::Reconnect));
        inbox.connection_lost();
        assert_eq!(inbox.wants_resync(NOW), None);
        assert!(deliver(&mut inbox, 7, &[5]));
    }

    #[test]
    fn events_that_are_not_repeated_are_counted_when_they_are_dropped() {
        let mut inbox = Inbox::new(2, Acknowledge::WhenTaken);
        for id in 0..5 {
            inbox.offer_once(message(0).0, Some(Identity::Numbered { from: None, id }));
        }
        inbox.take(NOW);
        inbox.take(NOW);
        assert_eq!(inbox.take(NOW), Some(Event::Dropped { count: 3 }));
    }

    #[test]
    fn an_acknowledgement_of_a_lost_connection_is_not_sent() {
        let mut inbox = Inbox::new(10, Acknowledge::WhenTaken);
        deliver(&mut inbox, 1, &[1]);
        inbox.connection_lost();
        deliver(&mut inbox, 9, &[1]);
        inbox.take(NOW);
        assert_eq!(inbox.take_acks(), [9]);
    }

    #[test]
    fn a_late_acknowledgement_asks_for_a_resync_when_nothing_waits() {
        let mut inbox = Inbox::new(10, Acknowledge::WhenTaken);
        deliver(&mut inbox, 1, &[1, 2]);
        inbox.take(STALE_AFTER);
        assert_eq!(inbox.wants_resync(STALE_AFTER), None);
        inbox.take(STALE_AFTER);
        assert_eq!(inbox.wants_resync(STALE_AFTER), Some(Resync::Ask));
        assert_eq!(inbox.wants_resync(STALE_AFTER), None);
    }

    #[test]
    fn repeats_ask_for_a_resync_but_not_too_often() {
        let mut inbox = Inbox::new(10, Acknowledge::WhenTaken);
        for _ in 0..2 {
            deliver(&mut inbox, 1, &[1]);
        }
        inbox.take(NOW);
        assert_eq!(inbox.wants_resync(NOW), Some(Resync::Ask));
        deliver(&mut inbox, 2, &[1]);
        assert_eq!(inbox.wants_resync(NOW), None);
        assert_eq!(inbox.resync_at(), Some(ASK_INTERVAL));
        assert_eq!(inbox.wants_resync(ASK_INTERVAL), Some(Resync::Ask));
    }
}

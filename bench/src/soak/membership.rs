//! What one member of one room must see while it joins, leaves, is cut off and comes back: from
//! the message after its joining on, every message of the room in order, and nothing after its
//! leaving. Messages of a room are numbered 1, 2, 3, … without holes. No clock, no sockets.

/// Where somebody stands with a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Outside,
    Joining,
    Member,
    Leaving,
}

/// What was wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// So many messages before it were not delivered.
    Lost(u64),
    /// It, or one after it, had arrived on the same connection before.
    Doubled,
    /// It was sent before the member asked to join.
    TooEarly,
    /// Its receiver is not a member.
    Outside,
}

/// What a delivery was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Seen for the first time; otherwise repeated after a reconnection, or faulty.
    pub is_new: bool,
    /// What was wrong.
    pub fault: Option<Fault>,
}

/// One member's view of one room.
#[derive(Clone, Debug)]
pub struct Membership {
    state: State,
    /// The next message to be seen for the first time; unknown before the first one.
    next: Option<u64>,
    /// Messages up to this one were sent before joining, or before having left.
    before: u64,
    /// Messages after this one were sent after joining; unknown while that is under way.
    after: Option<u64>,
    /// The next message on the present connection; unknown before its first one.
    on_connection: Option<u64>,
}

impl Membership {
    /// Somebody who is not a member.
    pub fn outside() -> Self {
        Self {
            state: State::Outside,
            next: None,
            before: 0,
            after: None,
            on_connection: None,
        }
    }

    /// A member of a room without messages.
    pub fn from_the_start() -> Self {
        Self {
            state: State::Member,
            after: Some(0),
            ..Self::outside()
        }
    }

    /// Whether it is a member for certain.
    pub fn is_member(&self) -> bool {
        self.state == State::Member
    }

    /// Whether it is not a member for certain.
    pub fn is_outside(&self) -> bool {
        self.state == State::Outside
    }

    /// It asks to join; all messages up to `seen` were stored before.
    pub fn asks_to_join(&mut self, seen: u64) {
        *self = Self {
            state: State::Joining,
            before: seen,
            ..Self::outside()
        };
    }

    /// The answer says that it is a member; messages up to `sent` were sent before that.
    pub fn has_joined(&mut self, sent: u64) {
        self.state = State::Member;
        self.after = Some(sent);
    }

    /// It asks to leave.
    pub fn asks_to_leave(&mut self) {
        self.state = State::Leaving;
    }

    /// The answer says that it is not a member any more; messages up to `sent` were sent before.
    pub fn has_left(&mut self, sent: u64) {
        *self = Self {
            before: sent,
            ..Self::outside()
        };
    }

    /// Its connection is a new one.
    pub fn has_reconnected(&mut self) {
        self.on_connection = None;
    }

    /// Message `mid` arrived.
    pub fn observe(&mut self, mid: u64) -> Seen {
        if self.state == State::Outside {
            return Seen {
                is_new: false,
                fault: Some(Fault::Outside),
            };
        }
        let fault = match (self.on_connection, self.next) {
            (Some(expected), _) if mid < expected => Some(Fault::Doubled),
            (Some(expected), _) => lost(expected, mid),
            (None, Some(next)) => lost(next, mid),
            (None, None) if mid <= self.before => Some(Fault::TooEarly),
            (None, None) => self.after.and_then(|after| lost(after + 1, mid)),
        };
        if fault == Some(Fault::TooEarly) || fault == Some(Fault::Doubled) {
            return Seen { is_new: false, fault };
        }
        self.on_connection = Some(mid + 1);
        let is_new = self.next.is_none_or(|next| mid >= next);
        if is_new {
            self.next = Some(mid + 1);
        }
        Seen { is_new, fault }
    }

    /// How many of the messages 1 to `sent` it still has to see.
    pub fn outstanding(&self, sent: u64) -> u64 {
        match (self.state, self.next, self.after) {
            (State::Member, Some(next), _) => (sent + 1).saturating_sub(next),
            (State::Member, None, Some(after)) => sent.saturating_sub(after),
            _ => 0,
        }
    }
}

/// At most up to `at_most` may come next.
fn lost(at_most: u64, mid: u64) -> Option<Fault> {
    (mid > at_most).then(|| Fault::Lost(mid - at_most))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Seen = Seen {
        is_new: true,
        fault: None,
    };
    const REPEATED: Seen = Seen {
        is_new: false,
        fault: None,
    };

    fn fault(membership: &mut Membership, mid: u64) -> Option<Fault> {
        membership.observe(mid).fault
    }

    #[test]
    fn member_from_the_start_sees_everything_once() {
        let mut member = Membership::from_the_start();
        assert_eq!(member.outstanding(3), 3);
        for mid in 1..=3 {
            assert_eq!(member.observe(mid), NEW);
        }
        assert_eq!(member.outstanding(3), 0);
    }

    #[test]
    fn hole_double_and_wrong_order_are_faults() {
        let mut member = Membership::from_the_start();
        assert_eq!(fault(&mut member, 2), Some(Fault::Lost(1)));
        assert_eq!(fault(&mut member, 2), Some(Fault::Doubled));
        assert_eq!(fault(&mut member, 1), Some(Fault::Doubled));
        assert_eq!(fault(&mut member, 5), Some(Fault::Lost(2)));
        assert_eq!(member.observe(6), NEW);
    }

    #[test]
    fn first_message_after_joining_may_be_any_that_was_under_way() {
        for first in 8..=11 {
            let mut member = Membership::outside();
            member.asks_to_join(7);
            member.has_joined(10);
            assert_eq!(member.observe(first), NEW);
            assert_eq!(member.outstanding(12), 12 - first);
        }
    }

    #[test]
    fn messages_from_before_joining_and_a_late_first_one_are_faults() {
        let mut member = Membership::outside();
        member.asks_to_join(7);
        assert_eq!(fault(&mut member, 7), Some(Fault::TooEarly));
        member.has_joined(10);
        assert_eq!(fault(&mut member, 12), Some(Fault::Lost(1)));
    }

    #[test]
    fn message_may_arrive_before_the_answer_to_joining() {
        let mut member = Membership::outside();
        member.asks_to_join(7);
        assert_eq!(member.observe(9), NEW);
        member.has_joined(10);
        assert_eq!(member.observe(10), NEW);
        assert_eq!(member.outstanding(10), 0);
    }

    #[test]
    fn nothing_seen_since_joining_is_outstanding() {
        let mut member = Membership::outside();
        member.asks_to_join(7);
        assert_eq!(member.outstanding(20), 0);
        member.has_joined(10);
        assert_eq!(member.outstanding(10), 0);
        assert_eq!(member.outstanding(12), 2);
    }

    #[test]
    fn unacknowledged_messages_may_be_repeated_on_the_next_connection_only() {
        let mut member = Membership::from_the_start();
        (1..=5).for_each(|mid| assert_eq!(member.observe(mid), NEW));
        member.has_reconnected();
        assert_eq!(member.observe(4), REPEATED);
        assert_eq!(fault(&mut member, 4), Some(Fault::Doubled));
        assert_eq!(member.observe(5), REPEATED);
        assert_eq!(member.observe(6), NEW);
    }

    #[test]
    fn loss_across_a_reconnection_is_a_fault() {
        let mut member = Membership::from_the_start();
        assert_eq!(member.observe(1), NEW);
        member.has_reconnected();
        assert_eq!(fault(&mut member, 3), Some(Fault::Lost(1)));
        let mut member = Membership::from_the_start();
        assert_eq!(member.observe(1), NEW);
        member.has_reconnected();
        assert_eq!(member.observe(1), REPEATED);
        assert_eq!(fault(&mut member, 3), Some(Fault::Lost(1)));
    }

    #[test]
    fn messages_may_arrive_until_the_answer_to_leaving_and_not_after_it() {
        let mut member = Membership::from_the_start();
        assert_eq!(member.observe(1), NEW);
        member.asks_to_leave();
        assert_eq!(member.observe(2), NEW);
        member.has_left(2);
        assert_eq!(fault(&mut member, 3), Some(Fault::Outside));
        assert_eq!(member.outstanding(3), 0);
    }
}

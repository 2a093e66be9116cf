//! When messages are meant to be sent. Latencies are counted from these moments and not from
//! the moments of sending, so that a stalled server (or generator) cannot hide the messages it
//! held up: there is no coordinated omission. Pure arithmetic, no clock.

use std::ops::Range;
use std::time::Duration;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// An open-loop schedule with a constant rate: message `n` is meant to leave at `n / rate`.
#[derive(Clone, Debug)]
pub struct Schedule {
    per_second: u64,
    total: u64,
    taken: u64,
}

impl Schedule {
    /// A schedule of `per_second` messages a second (at least 1) over `length`.
    pub fn new(per_second: u64, length: Duration) -> Self {
        let per_second = per_second.max(1);
        let total = length.as_nanos() * u128::from(per_second) / NANOS_PER_SECOND;
        Self {
            per_second,
            total: u64::try_from(total).unwrap_or(u64::MAX),
            taken: 0,
        }
    }

    /// Time of message `n` after the start. Computed from `n` alone: rounding never adds up.
    pub fn intended(&self, n: u64) -> Duration {
        let nanos = u128::from(n) * NANOS_PER_SECOND / u128::from(self.per_second);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The messages that have become due since the last call, all of them after a stall.
    pub fn take_due(&mut self, elapsed: Duration) -> Range<u64> {
        let reached = elapsed.as_nanos() * u128::from(self.per_second) / NANOS_PER_SECOND + 1;
        let reached = u64::try_from(reached)
            .unwrap_or(u64::MAX)
            .min(self.total)
            .max(self.taken);
        let due = self.taken..reached;
        self.taken = reached;
        due
    }

    /// Time of the next message that was not taken yet; `None` at the end.
    pub fn next_due(&self) -> Option<Duration> {
        (self.taken < self.total).then(|| self.intended(self.taken))
    }

    /// Number of messages of the whole schedule.
    pub fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_message_is_due_at_the_start() {
        let mut schedule = Schedule::new(1000, Duration::from_secs(1));
        assert_eq!(schedule.take_due(Duration::ZERO), 0..1);
        assert_eq!(schedule.next_due(), Some(Duration::from_millis(1)));
    }

    #[test]
    fn nothing_is_due_twice() {
        let mut schedule = Schedule::new(1000, Duration::from_secs(1));
        assert_eq!(schedule.take_due(Duration::from_micros(2500)), 0..3);
        assert!(schedule.take_due(Duration::from_micros(2600)).is_empty());
        assert_eq!(schedule.take_due(Duration::from_micros(3000)), 3..4);
    }

    #[test]
    fn messages_missed_during_a_stall_keep_their_intended_times() {
        let mut schedule = Schedule::new(100, Duration::from_secs(10));
        assert_eq!(schedule.take_due(Duration::ZERO), 0..1);
        let late = schedule.take_due(Duration::from_secs(2));
        assert_eq!(late, 1..201);
        assert_eq!(schedule.intended(late.start), Duration::from_millis(10));
    }

    #[test]
    fn awkward_rate_does_not_drift() {
        let schedule = Schedule::new(7, Duration::from_secs(3600));
        assert_eq!(schedule.total(), 25_200);
        assert_eq!(schedule.intended(7 * 3599), Duration::from_secs(3599));
    }

    #[test]
    fn schedule_ends_after_its_length() {
        let mut schedule = Schedule::new(10, Duration::from_secs(1));
        assert_eq!(schedule.take_due(Duration::from_secs(60)), 0..10);
        assert_eq!(schedule.next_due(), None);
        assert!(schedule.take_due(Duration::from_secs(61)).is_empty());
    }

    #[test]
    fn every_moment_that_next_due_names_makes_exactly_one_message_due() {
        let mut schedule = Schedule::new(30_011, Duration::from_millis(500));
        let mut seen = 0;
        while let Some(moment) = schedule.next_due() {
            // Rounded down to whole nanoseconds: one more makes the message due for certain.
            let due = schedule.take_due(moment + Duration::from_nanos(1));
            assert_eq!(due, seen..seen + 1);
            seen += 1;
        }
        assert_eq!(seen, schedule.total());
    }
}

//! Keeps a session below the number of packets per second that servers close connections for.

use std::time::Duration;

/// A bucket that fills with the configured rate and holds one second of it.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Time one packet stands for. Zero: no limit.
    interval: Duration,
    /// When the bucket was, or will be, empty.
    empty: Duration,
}

impl Pace {
    pub(crate) fn new(per_second: u32) -> Self {
        let interval = if per_second == 0 {
            Duration::ZERO
        } else {
            Duration::from_secs(1) / per_second
        };
        Self {
            interval,
            empty: Duration::ZERO,
        }
    }

    /// When the next packet may be written. In the past: now.
    pub(crate) fn ready_at(&self) -> Duration {
        (self.empty + self.interval).saturating_sub(Duration::from_secs(1))
    }

    /// A packet is written.
    pub(crate) fn spend(&mut self, now: Duration) {
        self.empty = self.empty.max(now) + self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_may_be_spent_at_once_and_then_the_rate() {
        let mut pace = Pace::new(100);
        let now = Duration::from_secs(50);
        let mut count = 0;
        while pace.ready_at() <= now {
            pace.spend(now);
            count += 1;
        }
        assert_eq!(count, 100);
        assert!(pace.ready_at() > now && pace.ready_at() <= now + Duration::from_millis(10));
    }

    #[test]
    fn no_limit_never_waits() {
        let mut pace = Pace::new(0);
        for _ in 0..100_000 {
            pace.spend(Duration::ZERO);
        }
        assert_eq!(pace.ready_at(), Duration::ZERO);
    }
}

//! A token bucket that may be overdrawn and says how long to wait before more is taken. Pure: the
//! time is passed in.

use std::time::Duration;

use tokio::time::Instant;

/// The bucket.
#[derive(Debug)]
pub struct Pace {
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
}

impl Pace {
    /// `per_second` (at least 1) in the long run, and at once what comes together in `burst`.
    #[must_use]
    pub fn new(per_second: u32, burst: Duration, now: Instant) -> Self {
        let per_second = f64::from(per_second.max(1));
        let burst = per_second * burst.as_secs_f64();
        Self {
            per_second,
            burst,
            tokens: burst,
            filled: now,
        }
    }

    /// Takes `count`, whether there are as many or not; how long to wait before taking more.
    pub fn take(&mut self, count: usize, now: Instant) -> Duration {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        #[allow(clippy::cast_precision_loss, reason = "a limit, not a count")]
        let count = count as f64;
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.burst) - count;
        Duration::try_from_secs_f64(-self.tokens / self.per_second).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept_whatever_the_steps() {
        let start = Instant::now();
        for step in [1, 64, 1_000] {
            let mut pace = Pace::new(1_000, Duration::from_millis(20), start);
            let mut now = start;
            for _ in 0..10_000 / step {
                now += pace.take(step, now);
            }
            let seconds = now.duration_since(start).as_secs_f64();
            assert!(
                (9.0..=10.1).contains(&seconds),
                "{seconds} s for 10,000 at 1,000/s"
            );
        }
    }

    #[test]
    fn a_pause_does_not_save_up_more_than_the_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(1_000, Duration::from_millis(20), start);
        let later = start + Duration::from_secs(60);
        assert_eq!(pace.take(20, later), Duration::ZERO);
        assert!(pace.take(20, later) >= Duration::from_millis(19));
    }
}

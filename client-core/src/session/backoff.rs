//! How long to wait before the next attempt to connect: exponential growth with full jitter, so that clients
//! that lost the same server do not come back in step.

use std::time::Duration;

use super::config::Reconnect;
use super::random::Random;

#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause before the next attempt, and counts a failure.
    pub(crate) fn pause(&mut self, policy: &Reconnect, random: &mut Random) -> Duration {
        let factor = 1_u32.checked_shl(self.failures.min(31)).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let ceiling = policy.first.saturating_mul(factor).min(policy.longest);
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(random.up_to(millis)).max(policy.shortest.min(policy.longest))
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_between_the_limits_and_spread() {
        let policy = Reconnect::default();
        let mut random = Random::new(7);
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..200).map(|_| backoff.pause(&policy, &mut random)).collect();
        assert!(
            pauses
                .iter()
                .all(|pause| *pause >= policy.shortest && *pause <= policy.longest)
        );
        assert!(pauses.iter().skip(20).any(|pause| *pause > policy.longest / 2));
        assert!(pauses.iter().skip(20).any(|pause| *pause < policy.longest / 2));
    }

    #[test]
    fn success_makes_the_next_pause_short_again() {
        let policy = Reconnect::default();
        let mut random = Random::new(7);
        let mut backoff = Backoff::default();
        for _ in 0..50 {
            backoff.pause(&policy, &mut random);
        }
        backoff.reset();
        assert!(backoff.pause(&policy, &mut random) <= policy.first.max(policy.shortest));
    }
}

//! Limits against guessing: buckets of attempts per key, refilled with time. The memory is
//! bounded; when it is full the keys unused for longest are forgotten.

use std::hash::Hash;
use std::net::IpAddr;

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use std::sync::Arc;

use super::settings::AttemptLimit;
use crate::store::Timestamp;

/// Keys remembered at most.
const CAPACITY: usize = 65_536;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: f64,
    at: Timestamp,
}

/// Counts attempts per key.
pub struct Attempts<K> {
    limit: AttemptLimit,
    buckets: Cache<K, Arc<Mutex<Bucket>>>,
}

impl<K> std::fmt::Debug for Attempts<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempts")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone> Attempts<K> {
    /// A counter with the given limit.
    #[must_use]
    pub fn new(limit: AttemptLimit) -> Self {
        Self {
            limit,
            buckets: Cache::new(CAPACITY),
        }
    }

    /// Whether one more attempt is allowed now. Does not count it.
    #[must_use]
    pub fn is_allowed(&self, key: &K, now: Timestamp) -> bool {
        self.limit.burst == 0
            || self
                .buckets
                .get(key)
                .is_none_or(|bucket| self.has_room(*bucket.lock(), now))
    }

    /// Counts one attempt, allowed or not.
    pub fn count(&self, key: &K, now: Timestamp) {
        self.change(key, now, |used| {
            Some((used + 1.0).min(f64::from(self.limit.burst)))
        });
    }

    /// Counts one attempt if it is allowed now.
    #[must_use]
    pub fn take(&self, key: &K, now: Timestamp) -> bool {
        self.change(key, now, |used| {
            (used + 1.0 <= f64::from(self.limit.burst)).then_some(used + 1.0)
        })
    }

    /// Counts one attempt if it is allowed now, and takes that back when the reservation is
    /// dropped without having [`Reservation::failed`]. Attempts at the same time cannot exceed
    /// the limit this way.
    #[must_use]
    pub fn reserve(&self, key: K, now: Timestamp) -> Option<Reservation<'_, K>> {
        self.take(&key, now).then(|| Reservation {
            attempts: self,
            key: Some(key),
        })
    }

    /// Runs `change` on the attempts counted; `None` leaves them. Answers whether it changed them.
    fn change(&self, key: &K, now: Timestamp, change: impl FnOnce(f64) -> Option<f64>) -> bool {
        if self.limit.burst == 0 {
            return true;
        }
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(Bucket { used: 0.0, at: now })));
        let Ok(bucket) = self.buckets.get_or_insert_with(key, fresh);
        let mut bucket = bucket.lock();
        let changed = change(self.leaked(*bucket, now));
        if let Some(used) = changed {
            *bucket = Bucket {
                used,
                at: now.max(bucket.at),
            };
        }
        changed.is_some()
    }

    fn has_room(&self, bucket: Bucket, now: Timestamp) -> bool {
        self.leaked(bucket, now) + 1.0 <= f64::from(self.limit.burst)
    }

    fn leaked(&self, bucket: Bucket, now: Timestamp) -> f64 {
        let elapsed = now.0.saturating_sub(bucket.at.0).max(0);
        #[allow(
            clippy::cast_precision_loss,
            reason = "a fraction of an attempt does not matter"
        )]
        let refilled = elapsed as f64 / self.limit.refill.as_nanos().max(1) as f64;
        (bucket.used - refilled).max(0.0)
    }
}

/// An attempt that is being carried out.
#[must_use]
pub struct Reservation<'a, K: Hash + Eq + Clone> {
    attempts: &'a Attempts<K>,
    key: Option<K>,
}

impl<K: Hash + Eq + Clone> Reservation<'_, K> {
    /// It failed and counts.
    pub fn failed(mut self) {
        self.key = None;
    }
}

impl<K: Hash + Eq + Clone> Drop for Reservation<'_, K> {
    fn drop(&mut self) {
        if let Some(bucket) = self.key.take().and_then(|key| self.attempts.buckets.get(&key)) {
            let mut bucket = bucket.lock();
            bucket.used = (bucket.used - 1.0).max(0.0);
        }
    }
}

/// The address that limits count: IPv6 hosts choose freely within their /64.
#[must_use]
pub fn limited_address(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => IpAddr::V4(four),
            None => {
                let [a, b, c, d, ..] = six.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    #[test]
    fn a_full_bucket_refuses_until_it_has_leaked() {
        let attempts = Attempts::new(AttemptLimit {
            burst: 3,
            refill: Duration::from_secs(10),
        });
        for _ in 0..3 {
            assert!(attempts.take(&"key", at(100)));
        }
        assert!(!attempts.take(&"key", at(105)));
        assert!(attempts.take(&"other", at(105)));
        assert!(attempts.take(&"key", at(110)));
        assert!(!attempts.take(&"key", at(111)));
    }

    #[test]
    fn only_failures_count_but_no_more_than_the_limit_are_tried_at_once() {
        let attempts = Attempts::new(AttemptLimit {
            burst: 2,
            refill: Duration::from_secs(10),
        });
        for _ in 0..5 {
            assert!(
                attempts.reserve("key", at(1)).is_some(),
                "dropped at once, so it does not count"
            );
        }
        let (first, second) = (
            attempts.reserve("key", at(1)).unwrap(),
            attempts.reserve("key", at(1)).unwrap(),
        );
        assert!(attempts.reserve("key", at(1)).is_none());
        first.failed();
        drop(second);
        let last = attempts.reserve("key", at(1)).unwrap();
        last.failed();
        assert!(!attempts.is_allowed(&"key", at(1)));
    }

    #[test]
    fn counting_never_exceeds_the_burst() {
        let attempts = Attempts::new(AttemptLimit {
            burst: 2,
            refill: Duration::from_secs(10),
        });
        for _ in 0..100 {
            attempts.count(&"key", at(1));
        }
        assert!(!attempts.is_allowed(&"key", at(2)) && attempts.is_allowed(&"key", at(11)));
    }

    #[test]
    fn a_limit_of_zero_is_off() {
        let attempts = Attempts::new(AttemptLimit {
            burst: 0,
            refill: Duration::from_secs(1),
        });
        assert!((0..1000).all(|_| attempts.take(&1, at(0))));
    }

    #[test]
    fn a_clock_set_back_does_not_panic_or_refill() {
        let attempts = Attempts::new(AttemptLimit {
            burst: 1,
            refill: Duration::from_secs(1),
        });
        assert!(attempts.take(&1, at(1000)));
        assert!(!attempts.take(&1, at(10)));
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_limit() {
        let a: IpAddr = "2001:db8:1:2:3::1".parse().unwrap();
        let b: IpAddr = "2001:db8:1:2:ffff::9".parse().unwrap();
        let c: IpAddr = "2001:db8:1:3::1".parse().unwrap();
        assert_eq!(limited_address(a), limited_address(b));
        assert_ne!(limited_address(a), limited_address(c));
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(limited_address(mapped), "10.0.0.1".parse::<IpAddr>().unwrap());
    }
}

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

    /// Counts one attempt if it is allowed now. Counting comes before the attempt is carried out,
    /// so that many at once cannot exceed the limit; [`Attempts::give_back`] takes it back.
    #[must_use]
    pub fn take(&self, key: &K, now: Timestamp) -> bool {
        if self.limit.burst == 0 {
            return true;
        }
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(Bucket { used: 0.0, at: now })));
        let Ok(bucket) = self.buckets.get_or_insert_with(key, fresh);
        let mut bucket = bucket.lock();
        let used = self.leaked(*bucket, now);
        let is_allowed = used + 1.0 <= f64::from(self.limit.burst);
        if is_allowed {
            *bucket = Bucket { used: used + 1.0, at: now.max(bucket.at) };
        }
        is_allowed
    }

    /// An attempt that was taken does not count after all: it succeeded, or was not carried out.
    pub fn give_back(&self, key: &K) {
        if let Some(bucket) = self.buckets.get(key) {
            let mut bucket = bucket.lock();
            bucket.used = (bucket.used - 1.0).max(0.0);
        }
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
        let attempts = Attempts::new(AttemptLimit { burst: 3, refill: Duration::from_secs(10) });
        for _ in 0..3 {
            assert!(attempts.take(&"key", at(100)));
        }
        assert!(!attempts.take(&"key", at(105)));
        assert!(attempts.take(&"other", at(105)));
        assert!(attempts.take(&"key", at(110)));
        assert!(!attempts.take(&"key", at(111)));
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let attempts = Attempts::new(AttemptLimit { burst: 1, refill: Duration::from_secs(10) });
        for _ in 0..5 {
            assert!(attempts.take(&"key", at(1)));
            attempts.give_back(&"key");
        }
        assert!(attempts.take(&"key", at(1)) && !attempts.take(&"key", at(1)));
        attempts.give_back(&"nobody");
    }

    #[test]
    fn a_limit_of_zero_is_off() {
        let attempts = Attempts::new(AttemptLimit { burst: 0, refill: Duration::from_secs(1) });
        assert!((0..1000).all(|_| attempts.take(&1, at(0))));
    }

    #[test]
    fn a_clock_set_back_does_not_panic_or_refill() {
        let attempts = Attempts::new(AttemptLimit { burst: 1, refill: Duration::from_secs(1) });
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

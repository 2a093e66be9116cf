//! Numbers for outgoing messages. The server stores one message per number, so a number must be the same when a
//! send is repeated and different for everything else this account sends.

use super::random::Random;

/// 2020-01-01T00:00:00Z in milliseconds since the Unix epoch.
const EPOCH_MILLIS: u64 = 1_577_836_800_000;

/// Low bits that are not time.
const RANDOM_BITS: u32 = 12;

/// Numbers stay below 2^53, the largest range that JavaScript reads exactly.
const LIMIT: u64 = 1 << 53;

/// Makes numbers that increase: 41 bits of milliseconds since 2020 (until 2089), 12 random bits.
#[derive(Debug)]
pub(crate) struct MessageIds {
    last: u64,
}

impl MessageIds {
    pub(crate) fn new() -> Self {
        Self { last: 0 }
    }

    /// The next number, at the given milliseconds since the Unix epoch.
    pub(crate) fn next(&mut self, unix_millis: u64, random: &mut Random) -> i64 {
        let time = unix_millis.saturating_sub(EPOCH_MILLIS) << RANDOM_BITS;
        let fresh = time | random.up_to((1 << RANDOM_BITS) - 1);
        // A clock that stands still or runs backwards must not repeat a number.
        self.last = fresh.max(self.last + 1) % LIMIT;
        self.last = self.last.max(1);
        self.last.cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_460_123_980;

    #[test]
    fn numbers_increase_even_when_the_clock_goes_back() {
        let mut random = Random::new(1);
        let mut ids = MessageIds::new();
        let mut last = 0;
        for step in 0..10_000_u64 {
            let id = ids.next(NOW - step / 3, &mut random);
            assert!(id > last && id < 1 << 53);
            last = id;
        }
    }

    #[test]
    fn two_devices_rarely_choose_the_same_number_in_one_millisecond() {
        let mut collisions = 0;
        for seed in 0..1_000 {
            let a = MessageIds::new().next(NOW, &mut Random::new(seed));
            let b = MessageIds::new().next(NOW, &mut Random::new(seed + 1_000_000));
            collisions += u32::from(a == b);
        }
        assert!(collisions < 5, "{collisions}");
    }

    #[test]
    fn a_clock_before_2020_still_gives_positive_numbers() {
        let id = MessageIds::new().next(0, &mut Random::new(9));
        assert!(id > 0);
    }
}

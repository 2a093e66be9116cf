//! Limits of one session.

use std::time::Duration;

use tim_protocol::packet::PacketType;
use tokio::time::Instant;

/// A set of packet types that are dropped without an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct DisabledOperations(u128);

impl DisabledOperations {
    /// Whether packets of that type are switched off.
    #[must_use]
    pub fn contains(self, kind: PacketType) -> bool {
        self.0 >> kind.as_u8() & 1 == 1
    }
}

impl FromIterator<PacketType> for DisabledOperations {
    fn from_iter<T: IntoIterator<Item = PacketType>>(kinds: T) -> Self {
        // The numbers of packet types are below 128.
        Self(kinds.into_iter().fold(0, |set, kind| set | 1 << kind.as_u8()))
    }
}

/// What one session may use.
#[derive(Clone, Debug)]
pub struct SessionLimits {
    /// Time from the upgrade to a successful login.
    pub login_timeout: Duration,
    /// A session from which nothing is heard for so long is closed.
    pub silence_timeout: Duration,
    /// Largest packet before login, in bytes.
    pub packet_bytes_before_login: usize,
    /// Largest packet after login, in bytes.
    pub packet_bytes: usize,
    /// Operations that are switched off (wire-protocol 6.7).
    pub disabled: DisabledOperations,
    /// Largest packet of big data (types 95 to 97), in bytes, in one piece or several.
    pub big_data_bytes: usize,
    /// Bytes of unfinished messages above `packet_bytes` of all sessions together.
    pub big_data_total_bytes: usize,
    /// Packets per second, with as many at once; acks are free. 0: no limit.
    pub packets_per_second: u32,
    /// The same for all sessions of one account together. They are slowed down before anything is
    /// refused.
    pub packets_per_second_per_account: u32,
    /// Requests that may wait behind a running one.
    pub waiting_packets: usize,
    /// The same in bytes; one request may always wait.
    pub waiting_bytes: usize,
    /// Bytes that may wait to be written before nothing more is read.
    pub outgoing_bytes: usize,
    /// Messages that may wait for their echo before nothing more is read.
    pub unanswered_sends: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            login_timeout: Duration::from_secs(5),
            silence_timeout: Duration::from_secs(600),
            packet_bytes_before_login: 64 << 10,
            packet_bytes: 1 << 20,
            disabled: DisabledOperations::default(),
            big_data_bytes: 8 << 20,
            big_data_total_bytes: 256 << 20,
            packets_per_second: 5_000,
            packets_per_second_per_account: 10_000,
            waiting_packets: 64,
            waiting_bytes: 256 << 10,
            outgoing_bytes: 1 << 20,
            unanswered_sends: 256,
        }
    }
}

/// A token bucket of packets.
#[derive(Debug)]
pub(super) struct PacketRate {
    per_second: u32,
    tokens: f32,
    filled: Instant,
}

impl PacketRate {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "a limit, not a count")]
        Self {
            per_second,
            tokens: per_second as f32,
            filled: now,
        }
    }

    /// Takes one token if there is one.
    pub(super) fn allow(&mut self, now: Instant) -> bool {
        if self.per_second == 0 {
            return true;
        }
        #[allow(clippy::cast_precision_loss, reason = "a limit, not a count")]
        let rate = self.per_second as f32;
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f32();
        self.filled = now;
        self.tokens = (self.tokens + elapsed * rate).min(rate);
        let has_token = self.tokens >= 1.0;
        if has_token {
            self.tokens -= 1.0;
        }
        has_token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_is_allowed_and_then_the_rate() {
        let start = Instant::now();
        let mut rate = PacketRate::new(10, start);
        assert_eq!((0..20).filter(|_| rate.allow(start)).count(), 10);
        let later = start + Duration::from_millis(350);
        assert_eq!((0..20).filter(|_| rate.allow(later)).count(), 3);
        let mut free = PacketRate::new(0, start);
        assert!((0..100_000).all(|_| free.allow(start)));
    }
}

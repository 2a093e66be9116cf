//! Who may open a socket: a limit on all sockets, and one per address on those that are not
//! logged in, so that nobody can take all places without an account.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use crate::engine::attempts::Attempts;
use crate::engine::settings::AttemptLimit;
use crate::store::Timestamp;

/// Counts sockets.
#[derive(Debug)]
pub(super) struct Admission {
    sockets: AtomicUsize,
    socket_limit: usize,
    strangers: Mutex<HashMap<IpAddr, usize>>,
    stranger_limit: usize,
    arrivals: Attempts<IpAddr>,
}

impl Admission {
    pub(super) fn new(socket_limit: usize, stranger_limit: usize, arrivals_per_second: u32) -> Arc<Self> {
        let arrivals = AttemptLimit {
            burst: arrivals_per_second,
            refill: Duration::from_secs(1) / arrivals_per_second.max(1),
        };
        Arc::new(Self {
            sockets: AtomicUsize::new(0),
            socket_limit,
            strangers: Mutex::default(),
            stranger_limit,
            arrivals: Attempts::new(arrivals),
        })
    }

    /// Sockets open now.
    pub(super) fn sockets(&self) -> usize {
        self.sockets.load(Ordering::Relaxed)
    }

    /// Takes one of the places for sockets. `None`: all are taken.
    pub(super) fn socket(self: &Arc<Self>) -> Option<SocketPlace> {
        self.sockets
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
                (count < self.socket_limit).then_some(count + 1)
            })
            .ok()
            .map(|_| SocketPlace(Arc::clone(self)))
    }

    /// Takes one of the places of an address. `None`: all are taken, or it comes too often.
    pub(super) fn stranger(self: &Arc<Self>, address: IpAddr) -> Option<StrangerPlace> {
        let network = network(address);
        if !self
            .arrivals
            .take(&network, Timestamp::from_system(SystemTime::now()))
        {
            return None;
        }
        let mut strangers = self.strangers.lock();
        let count = strangers.entry(network).or_default();
        if *count >= self.stranger_limit {
            return None;
        }
        *count += 1;
        Some(StrangerPlace {
            admission: Arc::clone(self),
            network,
        })
    }
}

/// What counts as one address: a whole /64 in IPv6, because that is what one customer gets.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address @ IpAddr::V4(_) => address,
    }
}

/// The place of one socket; free again when dropped.
#[derive(Debug)]
pub(super) struct SocketPlace(Arc<Admission>);

impl Drop for SocketPlace {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The place of one socket that is not logged in; free again when dropped.
#[derive(Debug)]
pub(super) struct StrangerPlace {
    admission: Arc<Admission>,
    network: IpAddr,
}

impl Drop for StrangerPlace {
    fn drop(&mut self) {
        let mut strangers = self.admission.strangers.lock();
        if let Some(count) = strangers.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                strangers.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_come_back() {
        let admission = Admission::new(2, 1, 0);
        let first = admission.socket().unwrap();
        let _second = admission.socket().unwrap();
        assert!(admission.socket().is_none());
        drop(first);
        assert!(admission.socket().is_some());
        assert_eq!(admission.sockets(), 1);
    }

    #[test]
    fn an_address_that_comes_too_often_is_refused_and_others_are_not() {
        let admission = Admission::new(99, 99, 3);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let accepted = (0..9).filter(|_| admission.stranger(address("10.0.0.1")).is_some());
        assert_eq!(accepted.count(), 3, "closed again or not");
        assert!(admission.stranger(address("10.0.0.2")).is_some());
    }

    #[test]
    fn strangers_count_by_address_or_by_network() {
        let admission = Admission::new(9, 1, 0);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = admission.stranger(address("10.0.0.1")).unwrap();
        assert!(admission.stranger(address("10.0.0.1")).is_none());
        assert!(admission.stranger(address("::ffff:10.0.0.1")).is_none());
        let _other = admission.stranger(address("10.0.0.2")).unwrap();
        let _six = admission.stranger(address("2001:db8::1")).unwrap();
        assert!(admission.stranger(address("2001:db8::ffff:2")).is_none());
        assert!(admission.stranger(address("2001:db8:0:1::1")).is_some());
        drop(first);
        assert!(admission.stranger(address("10.0.0.1")).is_some());
        assert_eq!(admission.strangers.lock().len(), 2, "no entry is left behind");
    }
}

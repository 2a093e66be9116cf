//! Running on tokio.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Something under way.
pub(crate) type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Starts something as often as it is asked to.
pub(crate) type Source<T> = Arc<dyn Fn() -> Task<T> + Send + Sync>;

/// Counts the time since it was made.
#[derive(Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(&self) -> Duration {
        self.0.elapsed()
    }

    /// The wall-clock time, in milliseconds since the Unix epoch.
    pub(crate) fn unix_millis() -> u64 {
        let unix = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)
    }
}

pub(crate) async fn sleep_until(clock: &Clock, at: Duration) {
    tokio::time::sleep_until(clock.0 + at).await;
}

pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

pub(crate) fn random_seed() -> u64 {
    rand::random()
}

/// Operating systems tell nothing that all of them would tell: applications nudge their client themselves.
#[derive(Debug)]
pub(crate) struct WakeSignals;

impl WakeSignals {
    pub(crate) fn listen(_wake: impl Fn() + 'static) -> Self {
        Self
    }
}

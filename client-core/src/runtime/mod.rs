//! What the asynchronous client needs from where it runs: time, tasks, randomness, and a sign when the device wakes up.
//! Everything else is the same everywhere. With `native` that is tokio, otherwise a JavaScript host.

#[cfg(all(feature = "browser", not(feature = "native")))]
mod browser;
#[cfg(feature = "native")]
mod native;
#[cfg(feature = "browser")]
pub(crate) mod script;

#[cfg(all(feature = "browser", not(feature = "native")))]
pub(crate) use self::browser::{Clock, Source, Task, WakeSignals, random_seed, sleep_until, spawn};
#[cfg(feature = "native")]
pub(crate) use self::native::{Clock, Source, Task, WakeSignals, random_seed, sleep_until, spawn};

//! The sockets over real TCP, with scripted sessions behind them.

mod flow;
mod limits;
mod requests;
mod script;
mod shutdown;
mod tls;
mod wire;

use std::time::Duration;

/// Longer than any test should take.
const SECONDS: Duration = Duration::from_secs(30);

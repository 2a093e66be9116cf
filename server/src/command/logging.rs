//! Log output on standard error.

use std::io::IsTerminal as _;

use tim_server::config::{Log, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Begins to log. Panics are logged too, so that they appear in the same form as everything else.
pub(crate) fn start(settings: &Log) -> Result<(), ParseError> {
    let filter: EnvFilter = settings.level.parse()?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Human => {
            builder
                .with_target(false)
                .with_ansi(std::io::stderr().is_terminal())
                .init();
        }
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(location, message, "internal error, please report it");
    }));
    Ok(())
}

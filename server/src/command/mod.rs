//! What the program does for each command.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod keys;
mod logging;
mod presence;
pub(crate) mod run;

use std::io::Write as _;

/// A command that failed, and the exit code that says so.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    /// What to tell the operator.
    pub(crate) error: anyhow::Error,
}

impl Failure {
    /// A failure with the given exit code.
    pub(crate) fn new(code: u8, error: impl Into<anyhow::Error>) -> Self {
        Self {
            code,
            error: error.into(),
        }
    }
}

/// Writes text to standard output; it has left the process when this returns.
pub(crate) fn show(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes()).and_then(|()| output.flush())
}

/// Writes text to standard output, where nobody needs to read it.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match show(text) {
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::new(1, error)),
    }
}

/// Tells the operator on standard error why a command failed.
pub(crate) fn print_error(failure: &Failure) {
    let mut output = std::io::stderr().lock();
    if writeln!(output, "tim-server: {:#}", failure.error).is_err() {
        // There is nowhere left to say it; the exit code does.
    }
}

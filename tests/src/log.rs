//! What the server process writes, on standard output and standard error, as it comes.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::{PATIENCE, secrets};

#[derive(Debug, Default)]
struct Collected {
    lines: Vec<String>,
    open_streams: usize,
    /// Lines that [`Log::assert_discreet`] has looked at.
    examined: usize,
}

/// Collected lines of all starts of one server.
#[derive(Clone, Debug, Default)]
pub struct Log {
    shared: Arc<(Mutex<Collected>, Condvar)>,
}

impl Log {
    /// Follows a stream until it ends, on a thread of its own.
    pub fn follow(&self, stream: impl Read + Send + 'static) {
        self.lock().open_streams += 1;
        let log = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                log.lock().lines.push(text);
                log.shared.1.notify_all();
            }
            log.lock().open_streams -= 1;
            log.shared.1.notify_all();
        });
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many lines there are: where the next start begins.
    pub fn len(&self) -> usize {
        self.lock().lines.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lines from number `from` on, joined.
    pub fn text_from(&self, from: usize) -> String {
        self.lock().lines.get(from..).unwrap_or_default().join("\n")
    }

    /// Waits for a line, from number `from` on, out of which `pick` makes something. `None` when the process
    /// ended without one.
    ///
    /// # Panics
    /// When nothing of that kind happens within [`PATIENCE`].
    pub fn wait_for<T>(&self, from: usize, pick: impl Fn(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = from;
        let mut collected = self.lock();
        loop {
            while seen < collected.lines.len() {
                if let Some(found) = pick(&collected.lines[seen]) {
                    return Some(found);
                }
                seen += 1;
            }
            if collected.open_streams == 0 {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "the expected line was not written; the log:\n{}",
                collected.lines.join("\n")
            );
            collected = self.shared.1.wait_timeout(collected, left).unwrap().0;
        }
    }

    /// Checks that the lines written since the last check contain no secret and tell of no panic.
    ///
    /// # Panics
    /// With the line that does.
    pub fn assert_discreet(&self, further: &[String]) {
        let mut collected = self.lock();
        let from = std::mem::replace(&mut collected.examined, 0);
        collected.examined = collected.lines.len();
        for line in &collected.lines[from..] {
            assert!(!line.contains("panicked at"), "the server panicked: {line}");
            if let Some(secret) = secrets::found_in(line.as_bytes(), further.iter().map(String::as_str)) {
                panic!("the log contains the secret {secret:?}: {line}");
            }
        }
    }
}

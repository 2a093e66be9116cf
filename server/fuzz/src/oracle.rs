//! Notices what no answer shows: panics in any task or thread, and errors that the server logs.

use std::io;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Instant;

use tracing_subscriber::fmt::MakeWriter;

/// Troubles kept until somebody asks.
const KEPT: usize = 100;

static TROUBLES: Mutex<Vec<String>> = Mutex::new(Vec::new());

static PLAYING: Mutex<Option<(Instant, String)>> = Mutex::new(None);

/// Notes which script begins now, for a watch that finds the process stuck.
pub fn playing(script: String) {
    *PLAYING.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), script));
}

/// The script that began last, and when.
pub fn last_begun() -> Option<(Instant, String)> {
    PLAYING.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn troubles() -> MutexGuard<'static, Vec<String>> {
    TROUBLES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(trouble: String) {
    let mut troubles = troubles();
    if troubles.len() < KEPT {
        troubles.push(trouble);
    }
}

/// Takes what was noticed since the last call.
pub fn take() -> Vec<String> {
    std::mem::take(&mut troubles())
}

/// Begins to notice, in the whole process.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            note(format!("panic: {panic}"));
            before(panic);
        }));
        // Another subscriber would hear the errors instead; then the program has its own way to show them.
        drop(
            tracing_subscriber::fmt()
                .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
                .with_ansi(false)
                .without_time()
                .with_writer(Ear)
                .try_init(),
        );
    });
}

struct Ear;

impl<'a> MakeWriter<'a> for Ear {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        note(format!("logged: {}", String::from_utf8_lossy(bytes).trim_end()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_anywhere_is_noticed_once() {
        install();
        let other = std::thread::spawn(|| assert!(std::hint::black_box(false), "as asked"));
        assert!(other.join().is_err());
        let noticed = take();
        assert!(
            noticed.iter().any(|trouble| trouble.contains("as asked")),
            "{noticed:?}"
        );
        assert!(take().is_empty());
    }
}

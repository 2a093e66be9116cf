//! Which places of the server were reached. `cargo xtask fuzz session` compiles the server and the protocol with counters
//! of LLVM; compiled without, nothing is ever new here and the search goes by sightings alone.

#![allow(unsafe_code, reason = "the counters are handed over as bare memory")]

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

struct Counters {
    counters: &'static [AtomicU8],
    seen: Vec<u8>,
}

static ALL: Mutex<Vec<Counters>> = Mutex::new(Vec::new());

/// Called by instrumented code for every piece of it before `main`.
#[unsafe(no_mangle)]
extern "C" fn __sanitizer_cov_8bit_counters_init(start: *const AtomicU8, stop: *const AtomicU8) {
    let length = (stop as usize).saturating_sub(start as usize);
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    if length == 0
        || all
            .iter()
            .any(|known| std::ptr::eq(known.counters.as_ptr(), start))
    {
        return;
    }
    all.push(Counters {
        // SAFETY: the compiler put the counters there for the life of the process; every access of this program is atomic,
        // and those of the instrumented code may lose counts but never read them.
        counters: unsafe { std::slice::from_raw_parts(start, length) },
        seen: vec![0; length],
    });
}

/// Places in the code, 0 when it is not instrumented.
pub fn places() -> usize {
    let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().map(|counters| counters.counters.len()).sum()
}

/// Places reached since the start.
pub fn reached() -> usize {
    let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter()
        .map(|counters| counters.seen.iter().filter(|&&seen| seen != 0).count())
        .sum()
}

/// Whether something was reached since the last call that never was before, or more often than ever by an order. Begins
/// to count anew.
pub fn is_new() -> bool {
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let mut is_new = false;
    for Counters { counters, seen } in all.iter_mut() {
        for (counter, seen) in counters.iter().zip(seen) {
            if counter.load(Ordering::Relaxed) == 0 {
                continue;
            }
            // Once, a few times, many times.
            let order = match counter.swap(0, Ordering::Relaxed) {
                0 => 0,
                1 => 1,
                2..16 => 2,
                _ => 4,
            };
            is_new |= *seen & order != order;
            *seen |= order;
        }
    }
    is_new
}

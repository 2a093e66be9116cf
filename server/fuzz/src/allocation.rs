//! Counts the bytes that are allocated now, so that growth is seen exactly and not through what the operating system
//! thinks of it.

#![allow(unsafe_code, reason = "counting what is allocated needs an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

static LIVE: AtomicIsize = AtomicIsize::new(0);

/// The allocator of the operating system with a counter.
#[derive(Debug)]
pub struct Counting;

fn count(change: usize, sign: isize) {
    LIVE.fetch_add(sign * change.cast_signed(), Ordering::Relaxed);
}

// SAFETY: every call is passed on unchanged to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller keeps the promises of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the caller keeps the promises of this very function.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), -1);
        count(size, 1);
        // SAFETY: the caller keeps the promises of this very function.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Bytes allocated now; 0 where [`Counting`] is not the allocator of the program.
pub fn live() -> usize {
    usize::try_from(LIVE.load(Ordering::Relaxed)).unwrap_or(0)
}

//! Buffers that a worker thread lends to the connection it is just serving, so that connections
//! at rest own none.

use std::cell::Cell;

/// Bytes read from a socket at a time.
const READ: usize = 16 * 1024;
/// A write buffer that has grown beyond this is given back to the allocator.
const KEPT_WRITE: usize = 64 * 1024;

thread_local! {
    static LENT: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Buffers for one visit to a connection.
pub(super) struct Scratch {
    /// What is being read.
    pub(super) read: Box<[u8]>,
    /// Frames being put together.
    pub(super) write: Vec<u8>,
}

impl Scratch {
    /// Calls `visit` with the buffers of this thread.
    pub(super) fn lend<T>(visit: impl FnOnce(&mut Self) -> T) -> T {
        let mut scratch = LENT.take().unwrap_or_else(|| {
            Box::new(Self {
                read: vec![0; READ].into_boxed_slice(),
                write: Vec::new(),
            })
        });
        let result = visit(&mut scratch);
        scratch.write.clear();
        scratch.write.shrink_to(KEPT_WRITE);
        LENT.set(Some(scratch));
        result
    }
}

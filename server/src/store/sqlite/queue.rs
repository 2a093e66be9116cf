//! A bounded queue between the asynchronous callers and a database thread. A full queue refuses
//! work at once instead of letting callers wait: overload is answered, not stored.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::store::StoreError;

/// Limits of a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueLimits {
    /// Most jobs that wait.
    pub(super) jobs: usize,
    /// Most bytes that waiting jobs hold. One job is always admitted.
    pub(super) bytes: usize,
}

/// The queue.
#[derive(Debug)]
pub(super) struct JobQueue<J> {
    limits: QueueLimits,
    state: Mutex<State<J>>,
    filled: Condvar,
}

#[derive(Debug)]
struct State<J> {
    jobs: VecDeque<(J, usize)>,
    bytes: usize,
    closed: bool,
}

impl<J> JobQueue<J> {
    pub(super) fn new(limits: QueueLimits) -> Self {
        let state = State {
            jobs: VecDeque::new(),
            bytes: 0,
            closed: false,
        };
        Self {
            limits,
            state: Mutex::new(state),
            filled: Condvar::new(),
        }
    }

    /// Adds a job that holds about `bytes` of memory.
    pub(super) fn push(&self, job: J, bytes: usize) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StoreError::Unavailable("the store is closed".to_owned()));
        }
        let full = state.jobs.len() >= self.limits.jobs || state.bytes + bytes > self.limits.bytes;
        if full && !state.jobs.is_empty() {
            return Err(StoreError::Overloaded);
        }
        state.bytes += bytes;
        state.jobs.push_back((job, bytes));
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for work, at most `patience` when given, and moves jobs of up to `bytes` in total, at
    /// least one, into `group`. `false` when the queue is closed and empty. No job after the time.
    pub(super) fn take_group(&self, bytes: usize, patience: Option<Duration>, group: &mut Vec<J>) -> bool {
        let mut state = self.state.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return false;
            }
            match patience {
                None => self.filled.wait(&mut state),
                Some(patience) => {
                    if self.filled.wait_for(&mut state, patience).timed_out() && state.jobs.is_empty() {
                        return true;
                    }
                }
            }
        }
        let mut taken = 0;
        while let Some((_, size)) = state.jobs.front() {
            if taken + size > bytes && !group.is_empty() {
                break;
            }
            taken += size;
            if let Some((job, _)) = state.jobs.pop_front() {
                group.push(job);
            }
        }
        state.bytes -= taken;
        true
    }

    /// Waits for one job; `None` when the queue is closed and empty.
    pub(super) fn take(&self) -> Option<J> {
        let mut state = self.state.lock();
        loop {
            if let Some((job, size)) = state.jobs.pop_front() {
                state.bytes -= size;
                return Some(job);
            }
            if state.closed {
                return None;
            }
            self.filled.wait(&mut state);
        }
    }

    /// Number of waiting jobs.
    pub(super) fn len(&self) -> usize {
        self.state.lock().jobs.len()
    }

    /// Admits no more jobs; those waiting are still worked off.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
    }

    /// Admits no more jobs and drops those waiting.
    pub(super) fn abandon(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.bytes = 0;
        let dropped = std::mem::take(&mut state.jobs);
        drop(state);
        drop(dropped);
        self.filled.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(jobs: usize, bytes: usize) -> JobQueue<u32> {
        JobQueue::new(QueueLimits { jobs, bytes })
    }

    #[test]
    fn a_full_queue_refuses_work() {
        let by_number = queue(2, 1000);
        by_number.push(1, 1).unwrap();
        by_number.push(2, 1).unwrap();
        assert!(matches!(by_number.push(3, 1), Err(StoreError::Overloaded)));
        assert_eq!(by_number.take(), Some(1));
        by_number.push(3, 1).unwrap();

        let by_size = queue(10, 1000);
        by_size.push(1, 5000).unwrap();
        assert!(matches!(by_size.push(2, 1), Err(StoreError::Overloaded)));
    }

    #[test]
    fn groups_keep_the_order_and_their_size() {
        let queue = queue(10, 1000);
        (0..4).for_each(|job| queue.push(job, 100).unwrap());
        let mut group = vec![];
        assert!(queue.take_group(250, None, &mut group));
        assert_eq!(group, [0, 1]);
        group.clear();
        assert!(queue.take_group(1, None, &mut group));
        assert_eq!(group, [2], "one job is taken whatever its size");
    }

    #[test]
    fn waiting_for_a_group_ends_with_the_patience() {
        let queue = queue(10, 1000);
        let mut group = vec![];
        assert!(queue.take_group(1, Some(Duration::from_millis(1)), &mut group));
        assert!(group.is_empty());
    }

    #[test]
    fn a_closed_queue_is_emptied_first() {
        let queue = queue(10, 1000);
        queue.push(1, 1).unwrap();
        queue.close();
        assert!(matches!(queue.push(2, 1), Err(StoreError::Unavailable(_))));
        assert_eq!(queue.take(), Some(1));
        assert_eq!(queue.take(), None);
        assert!(!queue.take_group(1, None, &mut vec![]));
    }
}

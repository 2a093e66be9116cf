//! Checks that numbered messages arrive all, once and in order. Memory grows with the number
//! of gaps, not with the number of messages.

use std::collections::BTreeMap;

/// Detector of gaps, doubles and wrong order in numbers that should arrive as 0, 1, 2, ….
#[derive(Clone, Debug, Default)]
pub struct SequenceCheck {
    next: u64,
    /// Numbers below `next` that have not arrived: start → end (exclusive).
    missing: BTreeMap<u64, u64>,
    received: u64,
    doubled: u64,
    reordered: u64,
}

/// What [`SequenceCheck`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Different numbers that arrived.
    pub received: u64,
    /// Numbers that never arrived.
    pub missing: u64,
    /// Arrivals of numbers that had arrived before.
    pub doubled: u64,
    /// Numbers that arrived after a higher one.
    pub reordered: u64,
    /// Numbers beyond the expected ones.
    pub unexpected: u64,
}

impl SequenceCheck {
    /// Notes the arrival of number `n`; true when it was the next one.
    pub fn observe(&mut self, n: u64) -> bool {
        if n == self.next {
            self.next = n.saturating_add(1);
            self.received += 1;
            return true;
        }
        if n > self.next {
            self.missing.insert(self.next, n);
            self.next = n.saturating_add(1);
            self.received += 1;
        } else if self.fill(n) {
            self.received += 1;
            self.reordered += 1;
        } else {
            self.doubled += 1;
        }
        false
    }

    /// Takes `n` out of the missing ones; false when it was not missing.
    fn fill(&mut self, n: u64) -> bool {
        let Some((&start, &end)) = self.missing.range(..=n).next_back() else {
            return false;
        };
        if n >= end {
            return false;
        }
        self.missing.remove(&start);
        if start < n {
            self.missing.insert(start, n);
        }
        if n + 1 < end {
            self.missing.insert(n + 1, end);
        }
        true
    }

    /// Different numbers that have arrived so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The number behind the highest that has arrived.
    pub fn end(&self) -> u64 {
        self.next
    }

    /// Whether exactly the same numbers have arrived in both.
    pub fn same_numbers(&self, other: &Self) -> bool {
        self.next == other.next && self.missing == other.missing
    }

    /// The result when the numbers 0 to `expected` - 1 were sent.
    pub fn verdict(&self, expected: u64) -> Verdict {
        let gaps = |below: u64| -> u64 {
            self.missing
                .range(..below)
                .map(|(start, end)| end.min(&below) - start)
                .sum()
        };
        let tail = expected.saturating_sub(self.next);
        let missing = gaps(expected) + tail;
        Verdict {
            received: self.received,
            missing,
            doubled: self.doubled,
            reordered: self.reordered,
            unexpected: self.received.saturating_sub(expected - missing),
        }
    }
}

impl Verdict {
    /// Every expected number arrived exactly once and in order.
    pub fn is_perfect(&self) -> bool {
        self.missing + self.doubled + self.reordered + self.unexpected == 0
    }

    /// Sums of both.
    pub fn and(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            missing: self.missing + other.missing,
            doubled: self.doubled + other.doubled,
            reordered: self.reordered + other.reordered,
            unexpected: self.unexpected + other.unexpected,
        }
    }
}

/// Checks numbers that a server gives out: each higher than the one before.
#[derive(Clone, Debug, Default)]
pub struct RisingCheck {
    highest: i64,
    violations: u64,
}

impl RisingCheck {
    /// Notes a number; numbers start at 1.
    pub fn observe(&mut self, n: i64) {
        if n <= self.highest {
            self.violations += 1;
        }
        self.highest = self.highest.max(n);
    }

    /// The highest number so far, 0 before the first.
    pub fn highest(&self) -> i64 {
        self.highest
    }

    /// Numbers that were not higher than all before them.
    pub fn violations(&self) -> u64 {
        self.violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[u64], expected: u64) -> Verdict {
        let mut sequence = SequenceCheck::default();
        numbers.iter().for_each(|&n| {
            sequence.observe(n);
        });
        sequence.verdict(expected)
    }

    #[test]
    fn complete_ordered_sequence_is_perfect() {
        let verdict = check(&[0, 1, 2, 3], 4);
        assert!(verdict.is_perfect());
        assert_eq!(verdict.received, 4);
    }

    #[test]
    fn same_numbers_are_told_from_as_many_others() {
        let of = |numbers: &[u64]| {
            let mut sequence = SequenceCheck::default();
            numbers.iter().for_each(|&n| {
                sequence.observe(n);
            });
            sequence
        };
        assert!(of(&[0, 2, 3]).same_numbers(&of(&[3, 0, 2, 2])));
        assert!(!of(&[0, 2, 3]).same_numbers(&of(&[0, 1, 3])));
        assert!(!of(&[0, 1]).same_numbers(&of(&[0, 1, 2])));
        assert_eq!(of(&[0, 7]).end(), 8);
    }

    #[test]
    fn gap_in_the_middle_is_missing() {
        let verdict = check(&[0, 1, 4], 5);
        assert_eq!(
            verdict,
            Verdict {
                received: 3,
                missing: 2,
                ..Verdict::default()
            }
        );
    }

    #[test]
    fn lost_tail_is_missing() {
        assert_eq!(check(&[0, 1], 10).missing, 8);
        assert_eq!(check(&[], 10).missing, 10);
    }

    #[test]
    fn repeated_number_is_doubled_not_received_twice() {
        let verdict = check(&[0, 1, 1, 2, 0], 3);
        assert_eq!(
            verdict,
            Verdict {
                received: 3,
                doubled: 2,
                ..Verdict::default()
            }
        );
    }

    #[test]
    fn late_arrival_is_reordered_and_no_longer_missing() {
        let verdict = check(&[0, 3, 2, 1, 4], 5);
        assert_eq!(
            verdict,
            Verdict {
                received: 5,
                reordered: 2,
                ..Verdict::default()
            }
        );
    }

    #[test]
    fn late_arrival_repeated_is_reordered_once_and_doubled_once() {
        let verdict = check(&[0, 5, 3, 3], 6);
        assert_eq!(
            verdict,
            Verdict {
                received: 3,
                missing: 3,
                doubled: 1,
                reordered: 1,
                unexpected: 0
            }
        );
    }

    #[test]
    fn number_that_was_never_sent_is_unexpected() {
        let verdict = check(&[0, 1, 7], 2);
        assert_eq!(
            verdict,
            Verdict {
                received: 3,
                unexpected: 1,
                ..Verdict::default()
            }
        );
        assert!(!verdict.is_perfect());
    }

    #[test]
    fn absurd_number_costs_neither_memory_nor_a_panic() {
        let mut sequence = SequenceCheck::default();
        sequence.observe(u64::MAX);
        sequence.observe(u64::MAX);
        assert_eq!(sequence.missing.len(), 1);
        assert_eq!(sequence.verdict(3).missing, 3);
    }

    #[test]
    fn agrees_with_a_naive_count_on_random_sequences() {
        let mut state = 1_u64;
        for _ in 0..200 {
            let mut numbers = Vec::new();
            for _ in 0..60 {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                numbers.push((state >> 33) % 40);
            }
            let verdict = check(&numbers, 40);
            let distinct = numbers.iter().collect::<std::collections::HashSet<_>>().len() as u64;
            assert_eq!(verdict.received, distinct);
            assert_eq!(verdict.missing, 40 - distinct);
            assert_eq!(verdict.doubled, 60 - distinct);
            assert_eq!(verdict.unexpected, 0);
        }
    }

    #[test]
    fn equal_or_lower_server_number_is_a_violation() {
        let mut rising = RisingCheck::default();
        [1, 2, 5, 5, 3, 6].into_iter().for_each(|n| rising.observe(n));
        assert_eq!((rising.violations(), rising.highest()), (2, 6));
    }
}

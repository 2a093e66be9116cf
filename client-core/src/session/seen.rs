//! Recognises what was received before. Stored messages are known by their number in the conversation, kept as
//! ranges; everything else by sender and id in a window of the newest. Memory is bounded, and when a bound is
//! reached the oldest knowledge goes: a repeat may then be shown again, but nothing new is ever taken for a repeat.

use std::collections::{HashMap, HashSet, VecDeque};

use tim_protocol::Node;

use crate::message::Conversation;

/// Ranges remembered per conversation (16 bytes each). Every recalled message makes one more, and so does every
/// own message that is confirmed while older ones of the other side still wait in the offline queue.
const MAX_RANGES: usize = 4096;
/// Conversations remembered.
const MAX_CONVERSATIONS: usize = 4096;
/// Other packets remembered.
const MAX_OTHERS: usize = 8192;

/// What makes two packets the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// A stored message.
    Stored { conversation: Conversation, mid: i64 },
    /// Recall or burn of a stored message, which can happen only once.
    Change {
        conversation: Conversation,
        mid: i64,
        od_type: i8,
    },
    /// Anything else with an id.
    Numbered { from: Option<Node>, id: i64 },
    /// A notice without id.
    Notice {
        from: Option<Node>,
        kind: i32,
        timestamp: i64,
    },
}

/// Numbers of one conversation as ascending, disjoint, not adjacent ranges.
#[derive(Debug, Default)]
struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    fn contains(&self, number: i64) -> bool {
        let after = self.0.partition_point(|(start, _)| *start <= number);
        after > 0 && self.0[after - 1].1 >= number
    }

    fn insert(&mut self, number: i64) {
        let after = self.0.partition_point(|(start, _)| *start <= number);
        if after > 0 && self.0[after - 1].1 >= number {
            return;
        }
        let joins_left = after > 0 && self.0[after - 1].1.checked_add(1) == Some(number);
        let joins_right = self
            .0
            .get(after)
            .is_some_and(|(start, _)| number.checked_add(1) == Some(*start));
        match (joins_left, joins_right) {
            (true, true) => {
                self.0[after - 1].1 = self.0[after].1;
                self.0.remove(after);
            }
            (true, false) => self.0[after - 1].1 = number,
            (false, true) => self.0[after].0 = number,
            (false, false) => self.0.insert(after, (number, number)),
        }
        if self.0.len() > MAX_RANGES {
            self.0.remove(0);
        }
    }
}

#[derive(Debug, Default)]
struct Known {
    ranges: Ranges,
    used: u64,
}

/// Everything received in this session, within bounds.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    conversations: HashMap<Conversation, Known>,
    others: HashSet<Identity>,
    order: VecDeque<Identity>,
    clock: u64,
}

impl Seen {
    pub(crate) fn contains(&self, identity: &Identity) -> bool {
        match identity {
            Identity::Stored { conversation, mid } => self
                .conversations
                .get(conversation)
                .is_some_and(|known| known.ranges.contains(*mid)),
            other => self.others.contains(other),
        }
    }

    pub(crate) fn insert(&mut self, identity: Identity) {
        match identity {
            Identity::Stored { conversation, mid } => {
                self.clock += 1;
                if self.conversations.len() >= MAX_CONVERSATIONS
                    && !self.conversations.contains_key(&conversation)
                {
                    self.forget_oldest_conversations();
                }
                let known = self.conversations.entry(conversation).or_default();
                known.used = self.clock;
                known.ranges.insert(mid);
            }
            other => {
                if self.others.insert(other.clone()) {
                    self.order.push_back(other);
                }
                if self.order.len() > MAX_OTHERS
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.others.remove(&oldest);
                }
            }
        }
    }

    /// Forgets an eighth at once, so that the cost is spread over many insertions.
    fn forget_oldest_conversations(&mut self) {
        let mut ages: Vec<u64> = self.conversations.values().map(|known| known.used).collect();
        let at = ages.len() / 8;
        let (_, limit, _) = ages.select_nth_unstable(at);
        let limit = *limit;
        self.conversations.retain(|_, known| known.used > limit);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn peer(name: &str) -> Conversation {
        Conversation::Peer(Node::new(name).unwrap())
    }

    fn stored(name: &str, mid: i64) -> Identity {
        Identity::Stored {
            conversation: peer(name),
            mid,
        }
    }

    #[test]
    fn a_gap_left_by_a_recalled_message_does_not_hide_a_late_one() {
        let mut seen = Seen::default();
        for mid in [1, 2, 4, 5, 9] {
            seen.insert(stored("a", mid));
        }
        assert!(!seen.contains(&stored("a", 3)));
        assert!(!seen.contains(&stored("a", 8)));
        assert!(seen.contains(&stored("a", 5)));
        assert!(!seen.contains(&stored("b", 5)));
    }

    #[test]
    fn own_messages_confirmed_during_a_long_drain_do_not_push_out_what_was_seen() {
        let mut seen = Seen::default();
        for mid in 1..=1_000 {
            seen.insert(stored("a", mid));
        }
        // Every second number is an own message; the others still wait.
        for mid in 501..1_500 {
            seen.insert(stored("a", mid * 2));
        }
        assert!(seen.contains(&stored("a", 1)) && seen.contains(&stored("a", 1_000)));
        assert!(!seen.contains(&stored("a", 1_001)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut seen = Seen::default();
        for conversation in 0..MAX_CONVERSATIONS + 500 {
            seen.insert(stored(&format!("n{conversation}"), 1));
        }
        assert!(seen.conversations.len() <= MAX_CONVERSATIONS);
        assert!(seen.contains(&stored(&format!("n{}", MAX_CONVERSATIONS + 499), 1)));
        for mid in 0..10_000 {
            seen.insert(stored("gaps", mid * 2));
        }
        assert!(seen.conversations[&peer("gaps")].ranges.0.len() <= MAX_RANGES);
        for id in 0..20_000 {
            seen.insert(Identity::Numbered { from: None, id });
        }
        assert_eq!(seen.others.len(), MAX_OTHERS);
        assert_eq!(seen.order.len(), MAX_OTHERS);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut ranges = Ranges::default();
        for number in [i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1] {
            ranges.insert(number);
            assert!(ranges.contains(number));
        }
        assert_eq!(ranges.0.len(), 2);
    }

    proptest! {
        #[test]
        fn ranges_behave_like_a_set(numbers in prop::collection::vec(0_i64..60, 0..200)) {
            let mut ranges = Ranges::default();
            let mut model = BTreeSet::new();
            for number in numbers {
                prop_assert_eq!(ranges.contains(number), model.contains(&number));
                ranges.insert(number);
                model.insert(number);
                prop_assert!(ranges.0.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            }
            for number in 0..60 {
                prop_assert_eq!(ranges.contains(number), model.contains(&number));
            }
        }
    }
}

//! Which slot a record belongs to and which database holds the slot. Every access of a back end
//! goes through the map, so that splitting the data over several databases later changes the map
//! and not the access paths. The slot of a record never changes.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::ids::{AccountId, ConversationId, RoomId, Slot};
use super::keys::InstallationKey;

/// Number of a database in the configuration, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseIndex(pub usize);

/// Why a list of ranges is not a slot map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotMapError {
    /// There is no range.
    #[error("the slot map has no range")]
    Empty,
    /// A range ends before or where it starts.
    #[error("the slot range {start}..{end} is empty")]
    EmptyRange {
        /// First slot.
        start: u32,
        /// Slot after the last.
        end: u32,
    },
    /// Slots that no range contains.
    #[error("no database holds the slots {start}..{end}")]
    Gap {
        /// First slot.
        start: u32,
        /// Slot after the last.
        end: u32,
    },
    /// Slots that two ranges contain.
    #[error("two databases hold the slots {start}..{end}")]
    Overlap {
        /// First slot.
        start: u32,
        /// Slot after the last.
        end: u32,
    },
    /// A range reaches beyond the last slot.
    #[error("the slot range ends at {end}, above {}", Slot::COUNT)]
    Outside {
        /// Slot after the last.
        end: u32,
    },
}

/// A half-open range of slots and the database that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRange {
    /// First slot.
    pub start: u32,
    /// Slot after the last.
    pub end: u32,
    /// The database.
    pub database: DatabaseIndex,
}

/// Complete, non-overlapping assignment of all slots to databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotMap {
    /// Sorted by start; the first starts at 0, the last ends at [`Slot::COUNT`].
    ranges: Vec<SlotRange>,
}

impl SlotMap {
    /// Everything in database 0.
    #[must_use]
    pub fn single() -> Self {
        Self {
            ranges: vec![SlotRange {
                start: 0,
                end: Slot::COUNT,
                database: DatabaseIndex(0),
            }],
        }
    }

    /// Checks that the ranges, in any order, hold every slot exactly once.
    pub fn new(mut ranges: Vec<SlotRange>) -> Result<Self, SlotMapError> {
        if ranges.is_empty() {
            return Err(SlotMapError::Empty);
        }
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut next = 0;
        for range in &ranges {
            let SlotRange { start, end, .. } = *range;
            if end <= start {
                return Err(SlotMapError::EmptyRange { start, end });
            }
            if end > Slot::COUNT {
                return Err(SlotMapError::Outside { end });
            }
            if start > next {
                return Err(SlotMapError::Gap {
                    start: next,
                    end: start,
                });
            }
            if start < next {
                return Err(SlotMapError::Overlap {
                    start,
                    end: next.min(end),
                });
            }
            next = end;
        }
        if next < Slot::COUNT {
            return Err(SlotMapError::Gap {
                start: next,
                end: Slot::COUNT,
            });
        }
        Ok(Self { ranges })
    }

    /// The database that holds a slot.
    #[must_use]
    pub fn database(&self, slot: Slot) -> DatabaseIndex {
        let after = self.ranges.partition_point(|range| range.start <= slot.get());
        self.ranges[after.saturating_sub(1)].database
    }

    /// The only database, when there is just one; spares computing slots.
    #[must_use]
    pub fn only_database(&self) -> Option<DatabaseIndex> {
        let first = self.ranges[0].database;
        self.ranges
            .iter()
            .all(|range| range.database == first)
            .then_some(first)
    }

    /// The ranges, ascending.
    #[must_use]
    pub fn ranges(&self) -> &[SlotRange] {
        &self.ranges
    }
}

/// Computes slots with a keyed hash: whoever chooses names cannot choose slots.
#[derive(Clone)]
pub struct SlotHasher {
    keyed: Hmac<Sha256>,
}

impl fmt::Debug for SlotHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlotHasher(..)")
    }
}

impl SlotHasher {
    /// The hasher of an installation.
    #[must_use]
    pub fn new(key: &InstallationKey) -> Self {
        Self {
            keyed: key.keyed_hash("slot"),
        }
    }

    /// Slot of everything that belongs to an account: the account, its contacts, memberships,
    /// devices, inbox.
    #[must_use]
    pub fn of_account(&self, id: &AccountId) -> Slot {
        self.hash(b'a', id.as_str().as_bytes())
    }

    /// Slot of the log of a conversation.
    #[must_use]
    pub fn of_conversation(&self, id: &ConversationId) -> Slot {
        self.hash(b'c', &id.0)
    }

    /// Slot of a room and of its lists.
    #[must_use]
    pub fn of_room(&self, id: &RoomId) -> Slot {
        self.hash(b'r', id.as_str().as_bytes())
    }

    /// Slot of a login token.
    #[must_use]
    pub fn of_token(&self, hash: &[u8; 32]) -> Slot {
        self.hash(b't', hash)
    }

    fn hash(&self, kind: u8, key: &[u8]) -> Slot {
        let mut mac = self.keyed.clone();
        mac.update(&[kind]);
        mac.update(key);
        let tag = mac.finalize().into_bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&tag[..8]);
        Slot::from_hash(u64::from_be_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u32, end: u32, database: usize) -> SlotRange {
        SlotRange {
            start,
            end,
            database: DatabaseIndex(database),
        }
    }

    #[test]
    fn every_slot_of_a_valid_map_has_its_database() {
        let map = SlotMap::new(vec![
            range(700_000, Slot::COUNT, 2),
            range(0, 300_000, 0),
            range(300_000, 700_000, 1),
        ])
        .unwrap();
        for (slot, database) in [
            (0, 0),
            (299_999, 0),
            (300_000, 1),
            (699_999, 1),
            (700_000, 2),
            (Slot::COUNT - 1, 2),
        ] {
            assert_eq!(
                map.database(Slot::from_hash(slot.into())),
                DatabaseIndex(database),
                "slot {slot}"
            );
        }
        assert_eq!(map.only_database(), None);
        assert_eq!(SlotMap::single().only_database(), Some(DatabaseIndex(0)));
    }

    #[test]
    fn gaps_overlaps_and_nonsense_are_refused() {
        let refused = |ranges: Vec<SlotRange>| SlotMap::new(ranges).unwrap_err();
        assert_eq!(refused(vec![]), SlotMapError::Empty);
        assert_eq!(
            refused(vec![range(0, 10, 0)]),
            SlotMapError::Gap {
                start: 10,
                end: Slot::COUNT
            }
        );
        assert_eq!(
            refused(vec![range(5, Slot::COUNT, 0)]),
            SlotMapError::Gap { start: 0, end: 5 }
        );
        assert_eq!(
            refused(vec![range(0, 10, 0), range(9, Slot::COUNT, 1)]),
            SlotMapError::Overlap { start: 9, end: 10 }
        );
        assert_eq!(
            refused(vec![range(0, 10, 0), range(11, Slot::COUNT, 1)]),
            SlotMapError::Gap { start: 10, end: 11 }
        );
        assert_eq!(
            refused(vec![range(3, 3, 0)]),
            SlotMapError::EmptyRange { start: 3, end: 3 }
        );
        assert_eq!(
            refused(vec![range(0, Slot::COUNT + 1, 0)]),
            SlotMapError::Outside { end: Slot::COUNT + 1 }
        );
    }

    #[test]
    fn slots_depend_on_the_installation_key_and_on_the_kind_of_record() {
        let one = SlotHasher::new(&InstallationKey::from_bytes([7; 32]));
        let two = SlotHasher::new(&InstallationKey::from_bytes([8; 32]));
        let hash = [9; 32];
        assert_eq!(one.of_token(&hash), one.clone().of_token(&hash));
        assert_ne!(one.of_token(&hash), two.of_token(&hash));
        let id = ConversationId([9; 16]);
        assert_ne!(one.hash(b'a', &id.0), one.of_conversation(&id));
    }
}

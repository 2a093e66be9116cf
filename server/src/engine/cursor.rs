//! How far one device has acknowledged its account's inbox. Acknowledgements may come in any
//! order; the position is the largest number below which everything is acknowledged.

use std::collections::BTreeSet;

use crate::store::Seq;

/// Position of a device. Bounded by the windows of the device's sessions.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    position: Seq,
    above: BTreeSet<Seq>,
    moved: bool,
}

impl Cursor {
    /// A device that has acknowledged everything up to `position`.
    #[must_use]
    pub fn new(position: Seq) -> Self {
        Self {
            position,
            above: BTreeSet::new(),
            moved: false,
        }
    }

    /// Everything up to this number is acknowledged.
    #[must_use]
    pub fn position(&self) -> Seq {
        self.position
    }

    /// Whether this number is acknowledged.
    #[must_use]
    pub fn is_acknowledged(&self, seq: Seq) -> bool {
        seq <= self.position || self.above.contains(&seq)
    }

    /// Counts a number as acknowledged.
    pub fn acknowledge(&mut self, seq: Seq) {
        if seq <= self.position {
            return;
        }
        if seq != self.position.next() {
            self.above.insert(seq);
            return;
        }
        self.position = seq;
        self.moved = true;
        while self.above.first() == Some(&self.position.next()) {
            self.above.pop_first();
            self.position = self.position.next();
        }
    }

    /// Moves the position forward to what the store knows.
    pub fn raise(&mut self, position: Seq) {
        if position > self.position {
            self.position = position;
            self.above = self.above.split_off(&position.next());
            while self.above.first() == Some(&self.position.next()) {
                self.above.pop_first();
                self.position = self.position.next();
            }
        }
    }

    /// Whether the position moved since the last call.
    pub fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_out_of_order_move_the_position_only_over_a_closed_row() {
        let mut cursor = Cursor::new(Seq(3));
        cursor.acknowledge(Seq(5));
        cursor.acknowledge(Seq(6));
        assert_eq!(cursor.position(), Seq(3));
        assert!(cursor.is_acknowledged(Seq(5)) && !cursor.is_acknowledged(Seq(4)));
        cursor.acknowledge(Seq(4));
        assert_eq!(cursor.position(), Seq(6));
        assert!(cursor.take_moved() && !cursor.take_moved());
    }

    #[test]
    fn raising_drops_what_it_passes_and_joins_what_follows() {
        let mut cursor = Cursor::new(Seq(0));
        for seq in [2, 4, 5, 9] {
            cursor.acknowledge(Seq(seq));
        }
        cursor.raise(Seq(3));
        assert_eq!(cursor.position(), Seq(5));
        cursor.raise(Seq(1));
        assert_eq!(cursor.position(), Seq(5));
        assert!(cursor.is_acknowledged(Seq(9)));
    }
}

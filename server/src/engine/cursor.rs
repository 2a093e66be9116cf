//! How far one device has acknowledged the logs it follows: its account's inbox and its rooms. Acknowledgements may come in any
//! order; the position is the largest number below which everything is acknowledged.

use std::collections::{BTreeSet, HashMap};

use super::feed::Source;
use crate::store::{RoomId, Seq};

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

/// Positions of one device in all its logs.
#[derive(Debug, Default)]
pub struct Cursors {
    /// In the inbox of its account.
    pub inbox: Cursor,
    rooms: HashMap<RoomId, Cursor>,
}

impl Cursors {
    /// A device that has acknowledged its inbox up to `position`.
    #[must_use]
    pub fn new(position: Seq) -> Self {
        Self {
            inbox: Cursor::new(position),
            rooms: HashMap::new(),
        }
    }

    /// The position in the log of a room.
    #[must_use]
    pub fn room(&self, room: &RoomId) -> Option<&Cursor> {
        self.rooms.get(room)
    }

    /// Positions in the logs of rooms.
    pub fn rooms(&self) -> impl Iterator<Item = (&RoomId, &Cursor)> {
        self.rooms.iter()
    }

    /// The position in a log; `None` for a room that is not followed.
    pub fn get_mut(&mut self, source: &Source) -> Option<&mut Cursor> {
        match source {
            Source::Inbox => Some(&mut self.inbox),
            Source::Room(room) => self.rooms.get_mut(room),
        }
    }

    /// Follows a room, from `position` on at least; answers where the device is.
    pub fn follow(&mut self, room: &RoomId, position: Seq) -> Seq {
        let cursor = self.rooms.entry(room.clone()).or_default();
        cursor.raise(position);
        cursor.position()
    }

    /// Starts a room anew: the account has joined it again.
    pub fn restart(&mut self, room: &RoomId, position: Seq) {
        self.rooms.insert(room.clone(), Cursor::new(position));
    }

    /// Follows a room no longer.
    pub fn leave(&mut self, room: &RoomId) {
        self.rooms.remove(room);
    }

    /// Calls `visit` for every room in which the position moved since the last call.
    pub fn take_moved_rooms(&mut self, mut visit: impl FnMut(&RoomId, Seq)) {
        for (room, cursor) in &mut self.rooms {
            if cursor.take_moved() {
                visit(room, cursor.position());
            }
        }
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

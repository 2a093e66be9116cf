//! Where the rows of a long list of different heights are. Heights that have not been measured are estimated.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::RowId;

/// Pixels drawn beyond each edge of what is in sight.
const MARGIN: f64 = 600.0;

/// What is held in place while the list changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hold {
    /// The end of the list stays at the lower edge.
    Bottom,
    /// That row stays so many pixels below the upper edge (above it when negative).
    Row(RowId, f64),
}

/// Rows from top to bottom and what is known of their heights.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    rows: Vec<RowId>,
    /// Where each row starts, and where the last one ends.
    starts: Vec<f64>,
    heights: HashMap<RowId, f64>,
    estimate: f64,
}

impl Layout {
    pub(super) fn new(estimate: f64) -> Self {
        Self {
            rows: Vec::new(),
            starts: vec![0.0],
            heights: HashMap::new(),
            estimate,
        }
    }

    /// The rows are these now. What was measured is kept.
    pub(super) fn set_rows(&mut self, rows: impl IntoIterator<Item = RowId>) {
        self.rows.clear();
        self.rows.extend(rows);
        if self.heights.len() > self.rows.len() + 1000 {
            let present: std::collections::HashSet<RowId> = self.rows.iter().copied().collect();
            self.heights.retain(|row, _| present.contains(row));
        }
        self.sum();
    }

    /// Rows have been measured. `true`: something moves by that.
    pub(super) fn measured(&mut self, heights: impl IntoIterator<Item = (RowId, f64)>) -> bool {
        let mut moved = false;
        for (row, height) in heights {
            let before = self.heights.insert(row, height).unwrap_or(self.estimate);
            moved |= (before - height).abs() > 0.1;
        }
        if moved {
            self.sum();
        }
        moved
    }

    /// Another width: all heights are unknown again.
    pub(super) fn forget(&mut self) {
        self.heights.clear();
        self.sum();
    }

    fn sum(&mut self) {
        self.starts.clear();
        self.starts.push(0.0);
        let mut at = 0.0;
        for row in &self.rows {
            at += self.heights.get(row).copied().unwrap_or(self.estimate);
            self.starts.push(at);
        }
    }

    pub(super) fn total(&self) -> f64 {
        self.starts.last().copied().unwrap_or(0.0)
    }

    /// Where that row starts; for the number of rows, where the last one ends.
    pub(super) fn start(&self, index: usize) -> f64 {
        self.starts.get(index).copied().unwrap_or_else(|| self.total())
    }

    /// The row at that distance from the top.
    pub(super) fn at(&self, distance: f64) -> Option<(usize, RowId)> {
        let index = self
            .starts
            .partition_point(|start| *start <= distance)
            .saturating_sub(1);
        let index = index.min(self.rows.len().checked_sub(1)?);
        Some((index, *self.rows.get(index)?))
    }

    fn index(&self, row: RowId) -> Option<usize> {
        self.rows.iter().position(|other| *other == row)
    }

    /// How far to scroll so that what is held is in its place. A row that is gone leaves the end.
    pub(super) fn scroll(&self, hold: Hold, height: f64) -> f64 {
        let most = (self.total() - height).max(0.0);
        match hold {
            Hold::Bottom => most,
            Hold::Row(row, offset) => match self.index(row) {
                Some(index) => (self.start(index) - offset).clamp(0.0, most),
                None => most,
            },
        }
    }

    /// What is held after scrolling: the end when it is in sight (within a few pixels), else the first row in sight.
    pub(super) fn hold(&self, scrolled: f64, height: f64) -> Hold {
        if scrolled + height >= self.total() - 24.0 {
            return Hold::Bottom;
        }
        match self.at(scrolled) {
            Some((index, row)) => Hold::Row(row, self.start(index) - scrolled),
            None => Hold::Bottom,
        }
    }

    /// The rows to draw.
    pub(super) fn drawn(&self, scrolled: f64, height: f64) -> Range<usize> {
        if self.rows.is_empty() {
            return 0..0;
        }
        let first = self
            .at((scrolled - MARGIN).max(0.0))
            .map_or(0, |(index, _)| index);
        let last = self.at(scrolled + height + MARGIN).map_or(0, |(index, _)| index);
        first..last + 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layout(rows: std::ops::Range<RowId>) -> Layout {
        let mut layout = Layout::new(50.0);
        layout.set_rows(rows);
        layout
    }

    #[test]
    fn older_rows_above_do_not_move_what_is_in_sight() {
        let mut list = layout(100..200);
        list.measured([(100, 80.0), (101, 120.0)]);
        let hold = list.hold(100.0, 500.0);
        assert_eq!(hold, Hold::Row(101, -20.0));
        list.set_rows(50..200);
        assert_eq!(list.scroll(hold, 500.0), 50.0 * 50.0 + 100.0);
    }

    #[test]
    fn the_end_stays_in_sight_when_rows_come_below() {
        let mut list = layout(0..100);
        let hold = list.hold(list.total() - 500.0, 500.0);
        assert_eq!(hold, Hold::Bottom);
        list.set_rows(0..101);
        assert_eq!(list.scroll(hold, 500.0), 101.0 * 50.0 - 500.0);
    }

    #[test]
    fn a_list_that_fits_or_is_empty_stays_where_it_is() {
        assert_eq!(layout(0..3).scroll(Hold::Row(1, 10.0), 500.0), 0.0);
        assert_eq!(layout(0..0).hold(0.0, 500.0), Hold::Bottom);
        assert_eq!(layout(0..0).drawn(0.0, 500.0), 0..0);
        assert_eq!(layout(0..10).scroll(Hold::Row(99, 0.0), 200.0), 300.0);
    }

    #[test]
    fn ten_thousand_rows_draw_a_screenful_and_a_margin() {
        let drawn = layout(0..10_000).drawn(250_000.0, 800.0);
        assert!(
            drawn.len() < 50 && drawn.contains(&5000) && drawn.contains(&5015),
            "{drawn:?}"
        );
    }

    proptest! {
        #[test]
        fn what_is_held_is_found_again(
            heights in prop::collection::vec(20.0..300.0_f64, 1..200), part in 0.0..1.0_f64, height in 100.0..900.0_f64,
        ) {
            let mut list = layout(0..heights.len() as RowId);
            list.measured(heights.iter().enumerate().map(|(row, height)| (row as RowId, *height)));
            let scrolled = part * (list.total() - height).max(0.0);
            let again = list.scroll(list.hold(scrolled, height), height);
            prop_assert!((again - scrolled).abs() <= 24.0, "{scrolled} became {again}");
            let drawn = list.drawn(scrolled, height);
            prop_assert!(list.start(drawn.start) <= scrolled && list.start(drawn.end) >= (scrolled + height).min(list.total()));
        }
    }
}

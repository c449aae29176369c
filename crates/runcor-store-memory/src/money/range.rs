//! Ranges of time, cut into whole days, whole hours and pieces of hours.

use std::ops::RangeInclusive;

use runcor_core::LedgerFilter;

use super::buckets::{DAY, HOUR};

/// A range of instants, both ends included.
pub(super) type Span = RangeInclusive<i64>;

/// The pieces of a range; days and hours by their number, both ends included.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    pub(super) days: Vec<RangeInclusive<i64>>,
    pub(super) hours: Vec<RangeInclusive<i64>>,
    pub(super) parts: Vec<Span>,
}

impl Pieces {
    /// Cuts the range of a filter.
    pub(super) fn of(filter: &LedgerFilter) -> Self {
        let from = filter.from.map_or(i64::MIN, runcor_core::Timestamp::as_millis);
        let to = filter.to.map_or(i64::MAX, runcor_core::Timestamp::as_millis);
        let mut pieces = Self::default();
        pieces.cut(from, to);
        pieces
    }

    fn cut(&mut self, from: i64, to: i64) {
        let (Some(days), true) = (whole(from, to, DAY), from <= to) else {
            return self.cut_day(from, to);
        };
        // Ends that are open reach to the first and the last day.
        let (first, last) = days.clone().into_inner();
        if from > i64::MIN {
            self.cut_day(from, first * DAY - 1);
        }
        if to < i64::MAX {
            self.cut_day((last + 1) * DAY, to);
        }
        self.days.push(days);
    }

    fn cut_day(&mut self, from: i64, to: i64) {
        if from > to {
            return;
        }
        let Some(hours) = whole(from, to, HOUR) else {
            return self.parts.push(from..=to);
        };
        let (first, last) = hours.clone().into_inner();
        self.part(from, first * HOUR - 1);
        self.part((last + 1) * HOUR, to);
        self.hours.push(hours);
    }

    fn part(&mut self, from: i64, to: i64) {
        if from <= to {
            self.parts.push(from..=to);
        }
    }
}

/// Returns the whole pieces of a length between two instants.
fn whole(from: i64, to: i64, length: i64) -> Option<RangeInclusive<i64>> {
    let first = if from == i64::MIN {
        i64::MIN
    } else {
        from.div_euclid(length) + i64::from(from.rem_euclid(length) > 0)
    };
    let last = if to == i64::MAX { i64::MAX / length } else { (to + 1).div_euclid(length) - 1 };
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use runcor_core::Timestamp;

    use super::*;

    fn pieces(from: i64, to: i64) -> Pieces {
        let at = |millis| Some(Timestamp::from_millis(millis));
        Pieces::of(&LedgerFilter { from: at(from), to: at(to), ..LedgerFilter::default() })
    }

    proptest! {
        #[test]
        fn the_pieces_hold_each_instant_of_the_range_once_and_no_other(
            from in -3 * DAY..3 * DAY, length in 0..4 * DAY, at in -4 * DAY..8 * DAY,
            edge in any::<bool>(),
        ) {
            let (from, to) = (from, from + length);
            let at = if edge { [from, to, from - 1, to + 1][at.rem_euclid(4) as usize] } else { at };
            let pieces = pieces(from, to);
            let of = |ranges: &[RangeInclusive<i64>], length: i64| {
                ranges.iter().filter(|range| range.contains(&at.div_euclid(length))).count()
            };
            let found = of(&pieces.days, DAY) + of(&pieces.hours, HOUR) + of(&pieces.parts, 1);
            prop_assert_eq!(found, usize::from((from..=to).contains(&at)));
            prop_assert!(pieces.parts.len() <= 2 && pieces.hours.len() <= 2);
        }
    }

    #[test]
    fn open_ends_are_whole_days_and_an_empty_range_has_no_pieces() {
        assert_eq!(Pieces::of(&LedgerFilter::default()).days.len(), 1);
        assert_eq!(pieces(10, 9), Pieces::default());
        let all = pieces(0, DAY - 1);
        assert_eq!((all.days, all.hours, all.parts), (vec![0..=0], vec![], vec![]));
    }
}

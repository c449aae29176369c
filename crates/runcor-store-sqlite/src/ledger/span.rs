//! Spans of time as whole hours, days and months, and the rows at their edges.

use runcor_core::{BudgetWindow, LedgerFilter, Timestamp};

/// How coarse a piece of time is; the number stands in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Level {
    Hour = 1,
    Day = 2,
    Month = 3,
}

pub(crate) const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// The years 1 to 9999, within which there are calendars.
const CALENDAR: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000;

impl Level {
    /// Every level, the finest first.
    pub(crate) const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    pub(crate) fn code(self) -> i64 {
        self as i64
    }

    /// Returns the beginning of the piece that an instant lies in.
    pub(crate) fn floor(self, at: i64) -> i64 {
        let at = at.clamp(CALENDAR.start, CALENDAR.end - 1);
        match self {
            Self::Hour => at - at.rem_euclid(HOUR),
            Self::Day => at - at.rem_euclid(DAY),
            Self::Month => bounds(BudgetWindow::Monthly, at).0,
        }
    }

    /// Returns the first beginning of a piece that is no earlier than an instant.
    fn ceil(self, at: i64) -> i64 {
        let floor = self.floor(at);
        match self {
            _ if floor == at => at,
            Self::Hour => floor + HOUR,
            Self::Day => floor + DAY,
            Self::Month => bounds(BudgetWindow::Monthly, floor).1.unwrap_or(i64::MAX),
        }
    }

    fn coarser(self) -> Option<Self> {
        match self {
            Self::Hour => Some(Self::Day),
            Self::Day => Some(Self::Month),
            Self::Month => None,
        }
    }
}

fn bounds(window: BudgetWindow, at: i64) -> (i64, Option<i64>) {
    let (since, until) = window.bounds(Timestamp::from_millis(at));
    (since.as_millis(), until.map(Timestamp::as_millis))
}

/// Instants from the first one on, before the second one.
pub(crate) type Interval = (i64, i64);

/// The parts of a span of time, to be added up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// Whole pieces that begin in an interval.
    pub(crate) whole: Vec<(Level, Interval)>,
    /// Rows to be added to them.
    pub(crate) added: Option<Interval>,
    /// Rows that the pieces have and the span does not.
    pub(crate) left_out: Option<Interval>,
}

impl Span {
    /// Takes the span of a filter apart into pieces no coarser than `coarsest`.
    ///
    /// The last hour is a whole one without the rows behind the end, so that
    /// what removed rows have added counts at the beginning of their hour.
    pub(crate) fn of(filter: &LedgerFilter, coarsest: Level) -> Self {
        let from = filter.from.map(Timestamp::as_millis).filter(|from| *from > CALENDAR.start);
        let to = filter.to.map(Timestamp::as_millis).filter(|to| *to < CALENDAR.end - 1);
        let (from, end) = (from.unwrap_or(i64::MIN), to.map_or(i64::MAX, |to| to + 1));
        let mut span = Self::default();
        if from >= end || from >= CALENDAR.end || end <= CALENDAR.start {
            return span;
        }
        let ceil =
            |at: i64| if at == i64::MIN || at == i64::MAX { at } else { Level::Hour.ceil(at) };
        let (first, last) = (ceil(from), ceil(end));
        if first >= last {
            span.added = Some((from, end));
            return span;
        }
        span.added = (from < first).then_some((from, first));
        span.left_out = (end < last).then_some((end, last));
        span.split(Level::Hour, (first, last), coarsest);
        span
    }

    /// Adds an interval whose ends lie between pieces of a level.
    fn split(&mut self, level: Level, (first, last): Interval, coarsest: Level) {
        let coarser = level.coarser().filter(|_| level != coarsest);
        let inner = coarser.map(|coarser| {
            let start = if first == i64::MIN { first } else { coarser.ceil(first) };
            let end = if last == i64::MAX { last } else { coarser.floor(last) };
            (coarser, (start, end))
        });
        match inner {
            Some((coarser, (start, end))) if start < end => {
                self.piece(level, (first, start));
                self.split(coarser, (start, end), coarsest);
                self.piece(level, (end, last));
            }
            _ => self.piece(level, (first, last)),
        }
    }

    fn piece(&mut self, level: Level, interval: Interval) {
        if interval.0 < interval.1 {
            self.whole.push((level, interval));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        serde_json::from_value(serde_json::json!(text)).unwrap()
    }

    fn filter(from: Option<Timestamp>, to: Option<Timestamp>) -> LedgerFilter {
        LedgerFilter { from, to, ..LedgerFilter::default() }
    }

    /// The instants that a span covers, checked to be covered once.
    fn covered(span: &Span) -> Vec<Interval> {
        let mut all: Vec<_> = span.whole.iter().map(|(_, interval)| *interval).collect();
        all.extend(span.added);
        all.sort_unstable();
        for pair in all.windows(2) {
            assert_eq!(pair[0].1, pair[1].0, "{span:?}");
        }
        all
    }

    #[test]
    fn a_long_span_has_few_pieces_and_exact_edges() {
        let (from, to) = (at("2026-01-30T10:20:00.000Z"), at("2026-11-03T02:30:00.000Z"));
        let span = Span::of(&filter(Some(from), Some(to)), Level::Month);
        let levels: Vec<_> = span.whole.iter().map(|(level, _)| *level).collect();
        let expected = [Level::Hour, Level::Day, Level::Month, Level::Day, Level::Hour];
        assert_eq!(levels, expected);
        let all = covered(&span);
        assert_eq!(all.first().unwrap().0, from.as_millis());
        assert_eq!(all.last().unwrap().1, span.left_out.unwrap().1);
        assert_eq!(span.left_out.unwrap().0, to.as_millis() + 1);
    }

    #[test]
    fn a_span_within_an_hour_is_only_rows_and_an_open_one_has_no_edges() {
        let (from, to) = (at("2026-01-30T10:20:00.000Z"), at("2026-01-30T10:30:00.000Z"));
        let span = Span::of(&filter(Some(from), Some(to)), Level::Month);
        let rows = (from.as_millis(), to.as_millis() + 1);
        assert_eq!(span, Span { added: Some(rows), ..Span::default() });
        let open = Span::of(&filter(None, None), Level::Month);
        assert_eq!(open.whole, [(Level::Month, (i64::MIN, i64::MAX))]);
        let ends = (Some(Timestamp::from_millis(i64::MIN)), Some(Timestamp::MAX));
        assert_eq!(Span::of(&filter(ends.0, ends.1), Level::Month), open);
        assert_eq!(Span::of(&filter(Some(to), Some(from)), Level::Month), Span::default());
    }

    proptest::proptest! {
        #[test]
        fn every_span_is_covered_once_and_exactly(
            from in proptest::option::of(0_i64..100 * DAY),
            length in proptest::option::of(0_i64..100 * DAY),
            coarsest in proptest::sample::select(&Level::ALL[..]),
        ) {
            let to = length.map(|length| from.unwrap_or(0) + length);
            let [wanted, until] = [from, to].map(|at| at.map(Timestamp::from_millis));
            let span = Span::of(&filter(wanted, until), coarsest);
            let all = covered(&span);
            let end = to.map_or(i64::MAX, |to| to + 1);
            proptest::prop_assert_eq!(all[0].0, from.unwrap_or(i64::MIN));
            let last = all.last().unwrap().1;
            proptest::prop_assert_eq!(span.left_out.map_or(last, |(start, _)| start), end);
            proptest::prop_assert!(span.left_out.is_none_or(|(_, stop)| stop == last));
            for (level, (start, stop)) in &span.whole {
                for edge in [*start, *stop] {
                    let open = edge == i64::MIN || edge == i64::MAX;
                    proptest::prop_assert!(open || level.floor(edge) == edge);
                }
            }
        }
    }
}

//! A comparison as rows of text, for a table.

use runcor_core::{Comparison, ComparisonRow};

/// One row of a table that shows a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// What is compared, with its unit.
    pub metric: String,
    /// The mean of the first set, and of how many.
    pub first: String,
    /// The mean of the second set, and of how many.
    pub second: String,
    /// The difference, with its sign.
    pub difference: String,
    /// Where the true difference lies with a confidence of 95 %.
    pub interval: String,
    /// What follows for the second set.
    pub verdict: String,
}

impl TableRow {
    /// What stands above the columns.
    pub const HEAD: [&'static str; 6] =
        ["metric", "first", "second", "difference", "95 % interval", "second is"];

    /// Returns the columns.
    #[must_use]
    pub fn cells(self) -> [String; 6] {
        [self.metric, self.first, self.second, self.difference, self.interval, self.verdict]
    }
}

/// Writes a comparison as rows of text.
#[must_use]
pub fn table(comparison: &Comparison) -> Vec<TableRow> {
    comparison.rows.iter().map(written).collect()
}

fn written(row: &ComparisonRow) -> TableRow {
    let (unit, digits) = match row.metric.as_str() {
        "cost" => (" ($)", 6),
        "latency" => (" (ms)", 0),
        _ => ("", 3),
    };
    let none = || "-".to_owned();
    let mean = |mean: Option<f64>, n: usize| {
        mean.map_or_else(none, |mean| format!("{mean:.digits$} (n={n})"))
    };
    let [first, second] = row.means;
    let [n, m] = row.counts;
    TableRow {
        metric: format!("{}{unit}", row.metric),
        first: mean(first, n),
        second: mean(second, m),
        difference: row.difference.map_or_else(none, |it| format!("{it:+.digits$}")),
        interval: row
            .interval
            .map_or_else(none, |[low, high]| format!("{low:+.digits$} to {high:+.digits$}")),
        verdict: row.verdict.as_str().to_owned(),
    }
}

//! Two sets of executions against each other.

use serde_json::{Value, json};

use crate::args::Set;
use crate::console::{Console, Paint};
use crate::failure::Failure;
use crate::figures::count;
use crate::remote::Remote;
use crate::summary::text;
use crate::table::{Cell, Table};

/// Compares the second set with the first.
pub(super) async fn compare(api: &Remote, first: &Set, second: &Set) -> Result<Value, Failure> {
    api.work("/evaluations/compare", json!({ "first": wish(first), "second": wish(second) })).await
}

fn wish(set: &Set) -> Value {
    let mut wish = json!({ "executions": set.executions });
    for (field, value) in [("flow", &set.flow), ("since", &set.since), ("until", &set.until)] {
        if let Some(value) = value {
            wish[field] = json!(value);
        }
    }
    wish
}

/// Prints a comparison as a table, with its intervals.
pub(super) fn print(console: &Console, found: &Value) {
    let size = |at: usize| found["sizes"][at].as_u64().unwrap_or(0);
    let many = |at| count(size(at), "execution", "executions");
    let pairs = match found["pairs"].as_u64() {
        Some(pairs) => format!(", compared in {}", count(pairs, "pair", "pairs")),
        None => String::new(),
    };
    console.line(format!("A: {}, B: {}{pairs}", many(0), many(1)));
    console.line("");
    let mut table =
        Table::new(&["METRIC", ">A", ">B", ">B - A", "95 % INTERVAL", "B IS", ">N", "METHOD"]);
    for row in found["rows"].as_array().into_iter().flatten() {
        let metric = text(&row["metric"]);
        let verdict = text(&row["verdict"]);
        table.add([
            metric.into(),
            figure(metric, &row["means"][0], false).into(),
            figure(metric, &row["means"][1], false).into(),
            figure(metric, &row["difference"], true).into(),
            interval(metric, &row["interval"]).into(),
            Cell::painted(verdict.replace('_', " "), paint(verdict)),
            format!("{}/{}", row["counts"][0], row["counts"][1]).into(),
            text(&row["method"]).into(),
        ]);
    }
    table.print(console);
}

fn interval(metric: &str, interval: &Value) -> String {
    if interval.is_null() {
        return String::new();
    }
    let end = |at: usize| figure(metric, &interval[at], true);
    format!("{} … {}", end(0), end(1))
}

/// Tells a value in the unit of its metric.
fn figure(metric: &str, value: &Value, signed: bool) -> String {
    let Some(value) = value.as_f64() else { return String::new() };
    let sign = match (signed, value < 0.0) {
        (_, true) => "-",
        (true, false) => "+",
        (false, false) => "",
    };
    let size = value.abs();
    match metric {
        "cost" => format!("{sign}${size:.6}"),
        "latency" => format!("{sign}{size:.0} ms"),
        "successRate" => format!("{sign}{:.1} %", size * 100.0),
        _ => format!("{sign}{size:.3}"),
    }
}

fn paint(verdict: &str) -> Option<Paint> {
    match verdict {
        "better" => Some(Paint::Green),
        "worse" => Some(Paint::Red),
        _ => Some(Paint::Dim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_unit_of_their_metric_and_differences_a_sign() {
        assert_eq!(figure("overall", &json!(0.8125), false), "0.812");
        assert_eq!(figure("score:style", &json!(-0.1), true), "-0.100");
        assert_eq!(figure("cost", &json!(0.000_25), true), "+$0.000250");
        assert_eq!(figure("latency", &json!(1234.4), false), "1234 ms");
        assert_eq!(figure("successRate", &json!(0.995), false), "99.5 %");
        assert_eq!(figure("overall", &Value::Null, true), "");
        assert_eq!(interval("overall", &json!([-0.1, 0.2])), "-0.100 … +0.200");
    }
}

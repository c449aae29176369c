//! Costs as tables, with a bar for each share where a terminal shows them.

use runcor::engine::{Clock, SystemClock};
use serde_json::Value;

use crate::console::{Console, Paint};
use crate::figures::{bar, count, money};
use crate::summary::{age, text};
use crate::table::{Cell, Table};

/// How the shares of a summary are told apart.
const SHARES: [(&str, &str); 3] =
    [("byFlow", "FLOW"), ("byUser", "USER"), ("byProvider", "PROVIDER")];
/// The most shares of one kind that are shown.
const MOST_SHARES: usize = 10;

pub(super) fn print_summary(console: &Console, summary: &Value) {
    let number = |field: &str| summary[field].as_u64().unwrap_or(0);
    let requests = count(number("entryCount"), "request", "requests");
    let total = console.paint(Paint::Bold, &money(&summary["totalNanos"]));
    console.line(format!("Total: {total} for {requests}"));
    if number("unpricedCount") > 0 {
        let requests = count(number("unpricedCount"), "request has", "requests have");
        let note = format!("       {requests} no known price, so this is too little");
        console.line(console.paint(Paint::Yellow, &note));
    }
    if number("replayedCount") > 0 {
        let answers = count(number("replayedCount"), "answer", "answers");
        let tokens = count(number("savedTokens"), "token", "tokens");
        console.line(format!("Saved: {answers} came from journals, {tokens} in all"));
    }
    for (field, title) in SHARES {
        let shares = summary[field].as_array().map(Vec::as_slice).unwrap_or_default();
        if shares.is_empty() {
            continue;
        }
        console.line("");
        let most = dearest(shares);
        let mut table = Table::new(&[title, ">COST", ">REQUESTS", ""]);
        for share in shares.iter().take(MOST_SHARES) {
            table.add([
                text(&share["name"]).into(),
                money(&share["costNanos"]).into(),
                share["count"].to_string().into(),
                drawn(console, share, most),
            ]);
        }
        table.print(console);
        if let Some(more) = shares.len().checked_sub(MOST_SHARES).filter(|more| *more > 0) {
            console.line(console.paint(Paint::Dim, &format!(" and {more} more")));
        }
    }
}

pub(super) fn print_totals(console: &Console, found: &Value) {
    let totals = found["totals"].as_array().map(Vec::as_slice).unwrap_or_default();
    if totals.is_empty() {
        console.line("No costs found.");
        return;
    }
    let most = dearest(totals);
    let mut table = Table::new(&[
        "NAME",
        ">COST",
        ">REQUESTS",
        ">TOKENS IN",
        ">OUT",
        ">SAVED",
        ">UNPRICED",
        "",
    ]);
    for total in totals {
        let shown = |field: &str| total[field].as_u64().filter(|number| *number > 0);
        let number =
            |field: &str| shown(field).map(|number| number.to_string()).unwrap_or_default();
        table.add([
            total["name"].as_str().unwrap_or("–").into(),
            money(&total["costNanos"]).into(),
            total["count"].to_string().into(),
            number("promptTokens").into(),
            number("completionTokens").into(),
            number("savedTokens").into(),
            number("unpriced").into(),
            drawn(console, total, most),
        ]);
    }
    table.print(console);
}

pub(super) fn print_entries(console: &Console, found: &Value) {
    let entries = found["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        console.line("No costs found.");
        return;
    }
    let now = SystemClock.now().as_millis();
    let mut table = Table::new(&[
        "AGE",
        "FLOW",
        "USER",
        "TENANT",
        "MODEL",
        "OUTCOME",
        ">TOKENS",
        ">COST",
        "EXECUTION",
    ]);
    for entry in entries {
        let unpriced = entry["unpriced"] == true;
        let cost = if unpriced { "not known".to_owned() } else { money(&entry["costNanos"]) };
        let outcome = text(&entry["outcome"]);
        let paint = (!matches!(outcome, "answered" | "replayed")).then_some(Paint::Yellow);
        table.add([
            age(now, &entry["timestamp"]).into(),
            text(&entry["flowName"]).into(),
            text(&entry["userId"]).into(),
            text(&entry["tenantId"]).into(),
            format!("{}/{}", text(&entry["provider"]), text(&entry["model"])).into(),
            Cell::painted(outcome, paint),
            format!("{}+{}", entry["promptTokens"], entry["completionTokens"]).into(),
            Cell::painted(cost, unpriced.then_some(Paint::Yellow)),
            text(&entry["executionId"]).into(),
        ]);
    }
    table.print(console);
}

fn dearest(shares: &[Value]) -> i64 {
    shares.iter().filter_map(|share| share["costNanos"].as_i64()).max().unwrap_or(0)
}

/// Draws a share against the largest; nothing where nobody looks.
fn drawn(console: &Console, share: &Value, most: i64) -> Cell {
    match share["costNanos"].as_i64() {
        Some(cost) if console.is_on_a_terminal() => {
            Cell::painted(bar(cost, most), Some(Paint::Cyan))
        }
        _ => Cell::default(),
    }
}

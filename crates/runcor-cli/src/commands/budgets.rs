//! `runcor budgets` and `runcor top-up`: how budgets stand, and adding to them.

use std::path::Path;
use std::process::ExitCode;

use reqwest::Method;
use runcor::engine::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::args::{Budgets, TopUp};
use crate::console::{Console, Paint};
use crate::failure::Failure;
use crate::figures::{ahead, bar, count, millis, money, span};
use crate::summary::text;
use crate::table::{Cell, Table};
use crate::target::Target;

pub(crate) async fn list(
    args: Budgets,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, false, console).await?;
    let found = match target.api().await {
        Ok(api) => api.call(Method::GET, "/budgets", &[], None).await,
        Err(failure) => Err(failure),
    };
    target.leave().await?;
    let found = found?;
    if console.json {
        console.value(&found);
        return Ok(ExitCode::SUCCESS);
    }
    let budgets = found["budgets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if budgets.is_empty() {
        console.line("Nothing has been spent from any budget in its present window.");
    } else {
        print(console, budgets);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn top_up(
    args: TopUp,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let (scope, subject) = match args.budget.split_once(':') {
        Some((scope, subject)) => (scope, Some(subject)),
        None => (args.budget.as_str(), None),
    };
    let mut wish = json!({ "scope": scope, "amount": args.amount });
    if let Some(subject) = subject {
        wish["subject"] = json!(subject);
    }
    if let Some(tenant) = &args.connect.tenant {
        wish["tenant"] = json!(tenant);
    }
    // Whose the budget is, is no matter of who asks.
    let target = Target::find(&args.connect.as_operator(), config, true, console).await?;
    let found = match target.api().await {
        Ok(api) => api.call(Method::POST, "/budgets/top-up", &[], Some(wish)).await,
        Err(failure) => Err(failure),
    };
    target.leave().await?;
    let found = found?;
    if console.json {
        console.value(&found);
        return Ok(ExitCode::SUCCESS);
    }
    print(console, std::slice::from_ref(&found["budget"]));
    let woken = found["woken"].as_u64().unwrap_or(0);
    if woken > 0 {
        let many = count(woken, "execution that waited goes on", "executions that waited go on");
        console.line(format!("\n{many}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn print(console: &Console, budgets: &[Value]) {
    let now = SystemClock.now().as_millis();
    let titles =
        ["BUDGET", "TENANT", "WINDOW", ">LIMIT", ">SPENT", ">RESERVED", ">LEFT", "ENDS", "", ""];
    let mut table = Table::new(&titles);
    for budget in budgets {
        let added = budget["toppedUpNanos"].as_i64().filter(|added| *added > 0);
        let limit = budget["limitNanos"].as_i64().unwrap_or(0) + added.unwrap_or(0);
        let left = budget["leftNanos"].as_i64().unwrap_or(0);
        let paint = match (left, budget["warned"] == true) {
            (..=0, _) => Some(Paint::Red),
            (_, true) => Some(Paint::Yellow),
            _ => None,
        };
        let ends = millis(&budget["until"]).map(|at| ahead(now, at)).unwrap_or_default();
        let used = bar(limit - left, limit);
        table.add([
            text(&budget["scopeKey"]).into(),
            text(&budget["tenantId"]).into(),
            window(&budget["window"]).into(),
            money(&json!(limit)).into(),
            money(&budget["spentNanos"]).into(),
            reserved(&budget["reservedNanos"]).into(),
            Cell::painted(money(&budget["leftNanos"]), paint),
            ends.into(),
            remark(budget).into(),
            Cell::painted(if console.is_on_a_terminal() { used } else { String::new() }, paint),
        ]);
    }
    table.print(console);
}

fn reserved(nanos: &Value) -> String {
    if nanos == 0 { String::new() } else { money(nanos) }
}

fn window(window: &Value) -> String {
    match (text(&window["type"]), window["durationMs"].as_i64()) {
        (_, Some(length)) => format!("each {}", span(length)),
        (kind, None) => kind.to_owned(),
    }
}

/// Tells what is not as usual.
fn remark(budget: &Value) -> String {
    let soft = (budget["enforcement"] == "soft").then(|| "soft".to_owned());
    let pausing = (budget["onExceed"] == "pause").then(|| "pauses".to_owned());
    let added = budget["toppedUpNanos"].as_i64().filter(|added| *added > 0);
    let added = added.map(|added| format!("{} added", money(&json!(added))));
    [soft, pausing, added].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_remarks_are_told_in_words() {
        assert_eq!(window(&json!({ "type": "daily" })), "daily");
        assert_eq!(window(&json!({ "type": "custom", "durationMs": 60_000 })), "each 1m 0s");
        let budget = json!({
            "enforcement": "soft", "onExceed": "pause", "toppedUpNanos": 2_500_000_000_i64,
        });
        assert_eq!(remark(&budget), "soft, pauses, $2.50 added");
        assert_eq!(remark(&json!({ "enforcement": "hard", "toppedUpNanos": 0 })), "");
    }
}

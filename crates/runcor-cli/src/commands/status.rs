//! `runcor status`: what there is, or all about one.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use reqwest::Method;
use runcor::engine::{Clock, SystemClock};
use runcor::execution::ExecutionState;
use serde_json::{Value, json};

use super::{evaluations, flags};
use crate::args::Status;
use crate::console::{Console, Paint, harmless};
use crate::failure::Failure;
use crate::figures::{count, money};
use crate::summary::{self, text};
use crate::table::{Cell, Table};
use crate::target::{ListQuery, Target};
use crate::waiting;

pub(crate) async fn run(
    args: Status,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    if let Some(state) = &args.state {
        ExecutionState::from_str(state)
            .map_err(|error| Failure::new("VALIDATION_ERROR", error.to_string()))?;
    }
    let query = ListQuery { state: args.state, flow: args.flow, limit: args.limit };
    let target = Target::find(&args.connect, config, false, console).await?;
    warn_of_trouble(&target, console).await;
    let Some(id) = &args.id else {
        let found = target.list(&query).await;
        target.leave().await?;
        print_list(console, &found?, query.limit);
        return Ok(ExitCode::SUCCESS);
    };
    let found = one(&target, id).await;
    target.leave().await?;
    print_one(console, &found?);
    Ok(ExitCode::SUCCESS)
}

/// Returns an execution with its evaluation, its flag, and all that it has cost.
async fn one(target: &Target, id: &str) -> Result<Value, Failure> {
    let api = target.api().await?;
    let mut detail = api.detail(id).await?;
    if detail["costEntries"].is_array() {
        let query = [("executionId", id.to_owned())];
        let mut totals = api.call(Method::GET, "/cost/totals", &query, None).await?;
        detail["cost"] = match totals["totals"][0].take() {
            // It has asked for nothing yet.
            Value::Null => json!({ "cost": 0.0, "costNanos": 0, "count": 0 }),
            total => total,
        };
    }
    Ok(detail)
}

/// Tells of a store in trouble. An older server does not know; then there is nothing to tell.
async fn warn_of_trouble(target: &Target, console: &Console) {
    let Ok(trouble) = target.trouble().await else { return };
    if !trouble.is_null() {
        let (code, since) = (text(&trouble["code"]), text(&trouble["since"]));
        let message = text(&trouble["message"]);
        console.warn(format!("degraded since {since}, no new work is taken: {message} ({code})"));
    }
}

fn print_one(console: &Console, detail: &Value) {
    if console.json {
        console.value(detail);
        return;
    }
    let execution = &detail["execution"];
    console.line(format!("Execution: {}", text(&execution["id"])));
    console
        .line(format!("Flow:      {}", console.paint(Paint::Bold, text(&execution["flowName"]))));
    console.line(format!("Key:       {}", harmless(text(&execution["idempotencyKey"]))));
    console.line(format!("Input:     {:#}", execution["input"]));
    for transition in execution["timestamps"]["transitions"].as_array().into_iter().flatten() {
        let (from, to) = (text(&transition["from"]), console.state(text(&transition["to"])));
        console.line(format!("           {}  {from} → {to}", text(&transition["at"])));
    }
    summary::print_outcome(console, execution);
    if !detail["cost"].is_null() {
        console.line(format!("Cost:      {}", cost(&detail["cost"])));
    }
    if !detail["evaluation"].is_null() {
        let (found, confidence) = (&detail["evaluation"], &detail["evaluation"]["confidence"]);
        let score = evaluations::score(&found["overallScore"]);
        console.line(format!("Score:     {score} ({} confidence)", text(confidence)));
    }
    if !detail["flag"].is_null() {
        flags::print_one(console, &detail["flag"]);
    }
}

/// Tells what the requests of an execution have cost.
fn cost(total: &Value) -> String {
    let number = |field: &str| total[field].as_u64().unwrap_or(0);
    let requests = count(number("count"), "request", "requests");
    let mut told = format!("{} for {requests}", money(&total["costNanos"]));
    if number("unpriced") > 0 {
        let _ = write!(told, ", {} without a known price", number("unpriced"));
    }
    if number("replayed") > 0 {
        let answers = count(number("replayed"), "answer", "answers");
        let _ = write!(told, ", {answers} from the journal");
    }
    told
}

fn print_list(console: &Console, executions: &[Value], limit: usize) {
    if console.json {
        let short: Vec<_> = executions.iter().map(summary::short).collect();
        console.value(&json!({ "executions": short }));
        return;
    }
    if executions.is_empty() {
        console.line("No executions found.");
        return;
    }
    let now = SystemClock.now().as_millis();
    let mut table = Table::new(&["ID", "FLOW", "STATE", "AGE", "WAITS FOR"]);
    for execution in executions {
        let state = text(&execution["state"]);
        table.add([
            text(&execution["id"]).into(),
            text(&execution["flowName"]).into(),
            Cell::painted(state, Some(Console::paint_of(state))),
            summary::age(now, &execution["timestamps"]["queued"]).into(),
            waiting::brief(execution).into(),
        ]);
    }
    table.print(console);
    console.line("");
    console.line(console.paint(Paint::Dim, &counts(executions)));
    if executions.len() == limit {
        console.line(
            console.paint(Paint::Dim, &format!("showing the newest {limit}; more with --limit")),
        );
    }
}

fn counts(executions: &[Value]) -> String {
    let of_states: Vec<_> = ExecutionState::ALL
        .into_iter()
        .map(|state| {
            (
                state,
                executions.iter().filter(|execution| execution["state"] == state.as_str()).count(),
            )
        })
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let noun = if executions.len() == 1 { "execution" } else { "executions" };
    format!("{} {noun} ({})", executions.len(), of_states.join(", "))
}

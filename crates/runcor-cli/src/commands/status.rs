//! `runcor status`: what there is, or all about one.

use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use runcor::engine::{Clock, SystemClock};
use runcor::execution::ExecutionState;
use serde_json::{Value, json};

use crate::args::Status;
use crate::console::{Console, Paint, harmless};
use crate::failure::Failure;
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
    let found = match &args.id {
        Some(id) => target.get(id).await.map(|execution| vec![execution]),
        None => target.list(&query).await,
    };
    target.leave().await?;
    let executions = found?;
    match (&args.id, executions.first()) {
        (Some(_), Some(execution)) => print_one(console, execution),
        _ => print_list(console, &executions, query.limit),
    }
    Ok(ExitCode::SUCCESS)
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

fn print_one(console: &Console, execution: &Value) {
    if console.json {
        console.value(&json!({ "execution": execution }));
        return;
    }
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

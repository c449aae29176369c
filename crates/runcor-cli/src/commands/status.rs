//! `runcor status`: what there is, or all about one.

use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use comfy_table::{Table, presets};
use runcor::engine::{Clock, SystemClock};
use runcor::execution::ExecutionState;
use serde_json::{Value, json};

use crate::args::Status;
use crate::console::{Console, Paint, harmless};
use crate::failure::Failure;
use crate::summary::{self, text};
use crate::target::{ListQuery, Target};

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
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "FLOW", "STATE", "AGE"]);
    for execution in executions {
        table.add_row([
            text(&execution["id"]).to_owned(),
            text(&execution["flowName"]).to_owned(),
            // Not painted: the escape codes would count as width.
            text(&execution["state"]).to_owned(),
            summary::age(now, &execution["timestamps"]["queued"]),
        ]);
    }
    console.line(table.to_string());
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

//! `runcor flags`, `flag`, `review` and `resolve`: the review list, and the way through it.

use std::path::Path;
use std::process::ExitCode;

use reqwest::Method;
use runcor::engine::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::args::{Flag, FlagStatus, Flags, Review};
use crate::console::{Console, Paint, harmless};
use crate::failure::Failure;
use crate::remote::{Remote, segment};
use crate::summary::{age, text};
use crate::table::{Cell, Table};
use crate::target::Target;

pub(crate) async fn list(
    args: Flags,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, false, console).await?;
    let found = match target.api().await {
        Ok(api) => wanted(api, &args).await,
        Err(failure) => Err(failure),
    };
    target.leave().await?;
    let found = found?;
    if console.json {
        console.value(&json!({ "flags": found }));
    } else {
        print(console, &found);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the flags that are asked for, oldest first: what nobody needs to look
/// at any more is left out, unless it is asked for.
async fn wanted(api: &Remote, args: &Flags) -> Result<Vec<Value>, Failure> {
    let statuses = match (args.status, args.all) {
        (Some(status), _) => vec![Some(status)],
        (None, true) => vec![None],
        (None, false) => vec![Some(FlagStatus::Pending), Some(FlagStatus::Reviewed)],
    };
    let mut flags = Vec::new();
    for status in statuses {
        let mut query = Vec::new();
        query.extend(status.map(|status| ("status", status.as_str().to_owned())));
        query.extend(args.flow.clone().map(|flow| ("flowName", flow)));
        let mut page = api.pages("/flags", "flags", &query, args.limit).await?;
        flags.extend(page["flags"].as_array_mut().map(std::mem::take).unwrap_or_default());
    }
    flags.sort_by(|a, b| text(&a["createdAt"]).cmp(text(&b["createdAt"])));
    flags.truncate(args.limit);
    Ok(flags)
}

/// Puts a flag on an execution.
pub(crate) async fn put(
    args: Flag,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, false, console).await?;
    let body = json!({ "reason": args.reason });
    change(target, Method::POST, &args.id, body, console).await
}

/// Moves a flag on.
pub(crate) async fn update(
    args: Review,
    status: &str,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, false, console).await?;
    change(target, Method::PATCH, &args.id, json!({ "status": status }), console).await
}

async fn change(
    target: Target,
    method: Method,
    id: &str,
    body: Value,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let path = format!("/executions/{}/flag", segment(id));
    let found = match target.api().await {
        Ok(api) => api.call(method, &path, &[], Some(body)).await,
        Err(failure) => Err(failure),
    };
    target.leave().await?;
    let found = found?;
    if console.json {
        console.value(&found);
    } else {
        print_one(console, &found["flag"]);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the flag of an execution in a line.
pub(super) fn print_one(console: &Console, flag: &Value) {
    let status = text(&flag["status"]);
    let shown = paint(status).map_or_else(|| status.to_owned(), |one| console.paint(one, status));
    let reason = match text(&flag["reason"]) {
        "" => String::new(),
        reason => format!(": {}", harmless(reason)),
    };
    console.line(format!("Flag:      {shown}{reason}"));
}

fn print(console: &Console, flags: &[Value]) {
    if flags.is_empty() {
        console.line("No flags found.");
        return;
    }
    let now = SystemClock.now().as_millis();
    let mut table = Table::new(&["EXECUTION", "FLOW", "STATUS", "AGE", "BY", "REASON"]);
    for flag in flags {
        let status = text(&flag["status"]);
        table.add([
            text(&flag["executionId"]).into(),
            text(&flag["flowName"]).into(),
            Cell::painted(status, paint(status)),
            age(now, &flag["createdAt"]).into(),
            text(&flag["source"]).into(),
            text(&flag["reason"]).into(),
        ]);
    }
    table.print(console);
}

fn paint(status: &str) -> Option<Paint> {
    match status {
        "pending" => Some(Paint::Yellow),
        "resolved" => Some(Paint::Green),
        _ => None,
    }
}

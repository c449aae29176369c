//! `runcor compare`: executions side by side, such as one and its forks.

mod columns;
mod report;
mod sets;

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::Compare;
use crate::console::Console;
use crate::failure::Failure;
use crate::summary;
use crate::target::Target;

pub(crate) async fn run(
    args: Compare,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, false, console).await?;
    if let (Some(first), Some(second)) = (&args.set_a, &args.set_b) {
        let found = match target.api().await {
            Ok(api) => sets::compare(api, first, second).await,
            Err(failure) => Err(failure),
        };
        target.leave().await?;
        print_sets(&found?, console);
        return Ok(ExitCode::SUCCESS);
    }
    let found = timelines(&target, &args.ids).await;
    target.leave().await?;
    let timelines = found?;
    if console.json {
        let all: Vec<_> = timelines.iter().map(document).collect();
        console.value(&json!({ "executions": all }));
    } else {
        report::print(console, &timelines);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_sets(found: &Value, console: &Console) {
    if console.json {
        console.value(found);
    } else {
        sets::print(console, found);
    }
}

async fn timelines(target: &Target, ids: &[String]) -> Result<Vec<Value>, Failure> {
    let mut timelines = Vec::with_capacity(ids.len());
    for id in ids {
        timelines.push(target.timeline(id).await?);
    }
    Ok(timelines)
}

fn document(timeline: &Value) -> Value {
    let execution = &timeline["execution"];
    let mut short = summary::short(execution);
    short["input"] = execution["input"].clone();
    short["fork"] = execution["fork"].clone();
    short["durationMs"] = json!(summary::duration(execution));
    short["total"] = timeline["total"].clone();
    short["reused"] = json!(reused(timeline));
    short["entries"] = timeline["entries"].clone();
    short
}

/// Returns how many entries an execution took over from the one that it forks.
fn reused(timeline: &Value) -> usize {
    let entries = timeline["entries"].as_array().into_iter().flatten();
    entries.filter(|entry| entry["reused"] == true).count()
}

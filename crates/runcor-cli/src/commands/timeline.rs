//! `runcor timeline`: everything that an execution has done.

mod entries;

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::args::Timeline;
use crate::console::{Console, Paint, harmless};
use crate::failure::Failure;
use crate::figures::{count, money};
use crate::summary::{self, text};
use crate::target::Target;

pub(super) use entries::{model, state, tokens};

pub(crate) async fn run(
    args: Timeline,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, false, console).await?;
    let found = match &args.value {
        Some(place) => value_at(&target, &args.id, place).await,
        None => target.timeline(&args.id).await,
    };
    target.leave().await?;
    let found = found?;
    if console.json || args.value.is_some() {
        console.value(&found);
    } else {
        print(console, &found);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the whole result at a place, which a path or a number names.
async fn value_at(target: &Target, id: &str, place: &str) -> Result<Value, Failure> {
    let timeline = target.timeline(id).await?;
    let entries = timeline["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let number: Option<u64> = place.parse().ok();
    let named = |entry: &&Value| entry["path"] == *place;
    let numbered = |entry: &&Value| number.is_some() && entry["number"].as_u64() == number;
    let found = entries.iter().find(named).or_else(|| entries.iter().find(numbered));
    let path = found.map_or(place, |entry| text(&entry["path"]));
    target.journal_value(id, path).await
}

fn print(console: &Console, timeline: &Value) {
    let execution = &timeline["execution"];
    console.line(format!("Execution: {}", text(&execution["id"])));
    let flow = harmless(text(&execution["flowName"]));
    console.line(format!("Flow:      {}", console.paint(Paint::Bold, &flow)));
    print_origin(console, execution);
    console.line("");
    entries::print(console, timeline);
    console.line("");
    for transition in execution["timestamps"]["transitions"].as_array().into_iter().flatten() {
        let (from, to) = (text(&transition["from"]), console.state(text(&transition["to"])));
        console.line(format!("           {}  {from} → {to}", text(&transition["at"])));
    }
    summary::print_outcome(console, execution);
    console.line(format!("Total:     {}", total(timeline)));
}

/// Prints where a called or forked execution comes from.
fn print_origin(console: &Console, execution: &Value) {
    let parent = &execution["parent"];
    if !parent.is_null() {
        let path = harmless(text(&parent["path"]));
        console.line(format!("Called by: {} at {path}", text(&parent["id"])));
    }
    let fork = &execution["fork"];
    if !fork.is_null() {
        console.line(format!("Fork of:   {}{}", text(&fork["of"]), place(fork)));
        let changes = changes(fork);
        if !changes.is_empty() {
            console.line(format!("With:      {changes}"));
        }
    }
}

fn place(fork: &Value) -> String {
    match text(&fork["at"]) {
        "" => String::new(),
        at => format!(" at {}", harmless(at)),
    }
}

/// Tells what a fork does differently.
pub(in crate::commands) fn changes(fork: &Value) -> String {
    let told = [
        ("model", "model"),
        ("provider", "provider"),
        ("systemPrompt", "system prompt"),
        ("prompt", "prompt"),
    ]
    .map(|(field, name)| fork["changes"][field].as_str().map(|value| format!("{name} {value:?}")));
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn total(timeline: &Value) -> String {
    let total = &timeline["total"];
    let number = |field: &str| total[field].as_u64().unwrap_or(0);
    let mut parts = vec![count(number("calls"), "model call", "model calls")];
    if number("calls") > 0 {
        let (prompt, completion) = (number("promptTokens"), number("completionTokens"));
        parts.push(format!("{} tokens ({prompt} in, {completion} out)", prompt + completion));
        parts.push(money(&total["costNanos"]));
    }
    if number("unpriced") > 0 {
        let calls = count(number("unpriced"), "call", "calls");
        parts.push(format!("{calls} without a known price"));
    }
    let entries = timeline["entries"].as_array().into_iter().flatten();
    match entries.filter(|entry| entry["reused"] == true).count() {
        0 => {}
        reused => parts.push(format!("{reused} reused")),
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_total_tells_what_was_paid_and_what_was_not() {
        let none = json!({ "total": { "calls": 0 }, "entries": [] });
        assert_eq!(total(&none), "0 model calls");
        let some = json!({
            "total": {
                "calls": 2, "promptTokens": 10, "completionTokens": 5, "costNanos": 1_000_000,
                "unpriced": 1,
            },
            "entries": [{ "reused": true }, {}],
        });
        let expected = "2 model calls, 15 tokens (10 in, 5 out), $0.001, 1 call without a known price, 1 reused";
        assert_eq!(total(&some), expected);
    }
}

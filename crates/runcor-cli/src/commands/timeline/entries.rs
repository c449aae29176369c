//! The entries of a timeline as a table.

use std::collections::HashSet;

use serde_json::Value;

use crate::console::{Console, Paint};
use crate::figures::{millis, money, size, span};
use crate::summary::text;
use crate::table::{Cell, Table};

/// Prints what an execution has done, one line for each entry.
pub(super) fn print(console: &Console, timeline: &Value) {
    let entries = timeline["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        console.line("It has done nothing that is remembered.");
        return;
    }
    let titles =
        [">#", "PATH", "KIND", "STATE", ">TRIES", ">BEGAN", ">TOOK", ">TOKENS", ">COST", "RESULT"];
    let mut table = Table::new(&titles);
    let queued = millis(&timeline["execution"]["timestamps"]["queued"]);
    let mut above = HashSet::new();
    for entry in entries {
        let path = text(&entry["path"]);
        let (state, paint) = state(entry);
        table.add([
            entry["number"].to_string().into(),
            label(path, &above).into(),
            text(&entry["kind"]).into(),
            Cell::painted(state, paint),
            entry["attempts"].to_string().into(),
            began(entry, queued).into(),
            entry["durationMs"].as_i64().map(span).unwrap_or_default().into(),
            tokens(entry).into(),
            money(&entry["spend"]["costNanos"]).into(),
            result(entry),
        ]);
        above.insert(path);
    }
    table.print(console);
}

/// Returns a path without what it shares with entries above it, indented by their number.
fn label(path: &str, above: &HashSet<&str>) -> String {
    let mut rest = path;
    let mut depth = 0;
    for (at, _) in path.match_indices('/') {
        if let Some(outer) = path.get(..at)
            && above.contains(outer)
        {
            rest = path.get(at + 1..).unwrap_or_default();
            depth += 1;
        }
    }
    format!("{}{rest}", "  ".repeat(depth))
}

/// Returns how an entry stands, as people say it.
pub(in crate::commands) fn state(entry: &Value) -> (&'static str, Option<Paint>) {
    let waits = matches!(text(&entry["kind"]), "wait" | "sleep" | "approval" | "call");
    match text(&entry["state"]) {
        "done" if entry["reused"] == true => ("reused", Some(Paint::Dim)),
        "done" => ("done", Some(Paint::Green)),
        "failed" if entry["reused"] == true => ("failed, reused", Some(Paint::Red)),
        "failed" => ("failed", Some(Paint::Red)),
        "not_done" => ("not done", Some(Paint::Yellow)),
        "begun" if waits => ("waits", Some(Paint::Yellow)),
        "begun" => ("begun", Some(Paint::Yellow)),
        _ => ("?", None),
    }
}

/// Tells when an entry began, counted from when its execution was accepted.
fn began(entry: &Value, queued: Option<i64>) -> String {
    if entry["reused"] == true {
        return String::new();
    }
    match (millis(&entry["begunAt"]), queued) {
        (Some(begun), Some(queued)) => format!("+{}", span(begun - queued)),
        _ => String::new(),
    }
}

/// Tells the tokens of a model call, those that were asked with and those of the answer.
pub(in crate::commands) fn tokens(entry: &Value) -> String {
    let usage = &entry["spend"]["usage"];
    let about = if usage["estimated"] == true { "~" } else { "" };
    match (usage["promptTokens"].as_u64(), usage["completionTokens"].as_u64()) {
        (Some(prompt), Some(completion)) => format!("{about}{prompt}+{completion}"),
        _ => String::new(),
    }
}

fn result(entry: &Value) -> Cell {
    let error = &entry["error"];
    if !error.is_null() {
        let code = error["code"].as_str().map(|code| format!("{code} ")).unwrap_or_default();
        return Cell::painted(format!("{code}{}", text(&error["message"])), Some(Paint::Red));
    }
    let child = entry["child"].as_str().map(|child| format!("→ {child} ")).unwrap_or_default();
    let value = match (entry.get("value"), entry["bytes"].as_u64()) {
        (Some(value), _) if entry["kind"] == "model" => answer(value),
        (Some(value), _) => value.to_string(),
        (None, Some(bytes)) => {
            format!("({}; see it with --value {})", size(bytes), entry["number"])
        }
        (None, None) => String::new(),
    };
    let who = model(entry).map(|model| format!("{model}: ")).unwrap_or_default();
    Cell::from(format!("{child}{who}{value}"))
}

/// Returns what a model said, without what belongs to it.
fn answer(value: &Value) -> String {
    match value["text"].as_str() {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => value.to_string(),
    }
}

/// Returns who answered a model call, as `provider/model`.
pub(in crate::commands) fn model(entry: &Value) -> Option<String> {
    let spend = &entry["spend"];
    Some(format!("{}/{}", spend["provider"].as_str()?, spend["model"].as_str()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_call_tells_who_said_what() {
        let spend = json!({ "provider": "openai", "model": "small" });
        let entry = json!({ "kind": "model", "value": { "text": "low\nrisk" }, "spend": spend });
        assert_eq!(
            format!("{:?}", result(&entry)),
            format!("{:?}", Cell::from("openai/small: low risk"))
        );
        let no_text = json!({ "kind": "model", "value": { "text": "", "toolCalls": [] } });
        assert!(format!("{:?}", result(&no_text)).contains("toolCalls"));
    }

    #[test]
    fn a_path_is_shown_below_what_it_lies_in() {
        let above = HashSet::from(["risk#1", "risk#1/a#1"]);
        assert_eq!(label("risk#1", &HashSet::new()), "risk#1");
        assert_eq!(label("risk#1/model#1", &above), "  model#1");
        assert_eq!(label("risk#1/a#1/b#2/c#1", &above), "    b#2/c#1");
        assert_eq!(label("other#1/model#1", &above), "other#1/model#1");
        assert_eq!(label("risk#10/model#1", &above), "risk#10/model#1");
    }
}

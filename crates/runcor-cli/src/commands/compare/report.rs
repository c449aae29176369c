//! What executions have in common and where they differ.

use serde_json::Value;

use super::columns::{self, Row};
use super::reused;
use crate::commands::timeline::{changes, model, state, tokens};
use crate::console::Console;
use crate::figures::{money, span};
use crate::summary::{self, text};
use crate::waiting;

/// Prints executions side by side.
pub(super) fn print(console: &Console, timelines: &[Value]) {
    let mut rows = heads(timelines);
    rows.push(Row::empty());
    rows.extend(paths(timelines).into_iter().map(|path| entry_row(path, timelines)));
    rows.push(Row::empty());
    rows.extend(outputs(timelines));
    columns::print(console, &rows, timelines.len());
}

fn heads(timelines: &[Value]) -> Vec<Row> {
    let of = |tell: fn(&Value) -> String| timelines.iter().map(tell).collect::<Vec<_>>();
    let mut rows = vec![
        Row::new("Execution", of(|one| text(&one["execution"]["id"]).to_owned())).differing(false),
        Row::new("Flow", of(|one| text(&one["execution"]["flowName"]).to_owned())),
    ];
    if timelines.iter().any(|one| !one["execution"]["fork"].is_null()) {
        rows.push(Row::new("Fork at", of(|one| place(&one["execution"]["fork"]))).differing(false));
        rows.push(Row::new("With", of(|one| changes(&one["execution"]["fork"]))));
    }
    rows.push(Row::new("Input", of(|one| one["execution"]["input"].to_string())));
    rows.push(Row::new("State", of(|one| text(&one["execution"]["state"]).to_owned())));
    let took = |one: &Value| summary::duration(&one["execution"]).map(span).unwrap_or_default();
    rows.push(Row::new("Took", of(took)).differing(false));
    rows.push(Row::new("Model calls paid", of(|one| one["total"]["calls"].to_string())));
    rows.push(Row::new("Entries reused", of(|one| reused(one).to_string())));
    rows.push(Row::new("Tokens, in+out", of(total_tokens)));
    rows.push(Row::new("Cost", of(cost)));
    rows
}

fn place(fork: &Value) -> String {
    match fork["at"].as_str() {
        None => String::new(),
        Some("") => "the beginning".to_owned(),
        Some(at) => at.to_owned(),
    }
}

fn total_tokens(timeline: &Value) -> String {
    format!("{}+{}", timeline["total"]["promptTokens"], timeline["total"]["completionTokens"])
}

fn cost(timeline: &Value) -> String {
    let known = money(&timeline["total"]["costNanos"]);
    match timeline["total"]["unpriced"].as_u64() {
        None | Some(0) => known,
        Some(unpriced) if timeline["total"]["calls"] == unpriced => "not known".to_owned(),
        Some(unpriced) => format!("{known}, {unpriced} not known"),
    }
}

/// Returns the paths of all executions, each in the order in which it has them.
fn paths(timelines: &[Value]) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for timeline in timelines {
        let mut place = 0;
        for entry in timeline["entries"].as_array().into_iter().flatten() {
            let path = text(&entry["path"]);
            match all.iter().position(|known| *known == path) {
                Some(at) => place = at + 1,
                None => {
                    all.insert(place, path);
                    place += 1;
                }
            }
        }
    }
    all
}

fn entry_row(path: &str, timelines: &[Value]) -> Row {
    let entries: Vec<Option<&Value>> = timelines.iter().map(|one| entry(one, path)).collect();
    let told = entries.iter().map(|entry| entry.map_or_else(|| "–".to_owned(), tell)).collect();
    // How long it took is never the same; what came of it is what counts.
    let came = |entry: Option<&Value>| {
        entry.map(|entry| {
            [&entry["state"], &entry["value"], &entry["bytes"], &entry["error"]].map(Value::clone)
        })
    };
    let differs = entries.windows(2).any(|pair| came(pair[0]) != came(pair[1]));
    Row::new(path, told).differing(differs)
}

fn entry<'a>(timeline: &'a Value, path: &str) -> Option<&'a Value> {
    timeline["entries"].as_array()?.iter().find(|entry| entry["path"] == *path)
}

/// Tells how an entry stands, and what it took where this execution has done it itself.
fn tell(entry: &Value) -> String {
    let (word, _) = state(entry);
    if entry["reused"] == true {
        return word.to_owned();
    }
    let took = entry["durationMs"].as_i64().map(span);
    let tokens = Some(tokens(entry)).filter(|tokens| !tokens.is_empty());
    let cost = Some(money(&entry["spend"]["costNanos"])).filter(|cost| !cost.is_empty());
    let parts = [Some(word.to_owned()), took, tokens, cost, model(entry)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// Returns the outputs line by line.
fn outputs(timelines: &[Value]) -> Vec<Row> {
    let told: Vec<String> = timelines.iter().map(|one| output(&one["execution"])).collect();
    let lines: Vec<Vec<&str>> = told.iter().map(|text| text.lines().collect()).collect();
    let height = lines.iter().map(Vec::len).max().unwrap_or(0);
    let line = |at: usize| {
        let texts = lines.iter().map(|lines| (*lines.get(at).unwrap_or(&"")).to_owned()).collect();
        Row::new(if at == 0 { "Output" } else { "" }, texts)
    };
    (0..height).map(line).collect()
}

fn output(execution: &Value) -> String {
    match text(&execution["state"]) {
        "complete" => format!("{:#}", execution["result"]),
        "failed" => {
            let error = &execution["error"];
            format!("{} {}", error["code"].as_str().unwrap_or("ERROR"), text(&error["message"]))
        }
        "waiting" => format!("waits for {}", waiting::brief(execution)),
        _ => "none yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(paths: &[&str]) -> Value {
        let entries: Vec<_> = paths.iter().map(|path| json!({ "path": path })).collect();
        json!({ "entries": entries })
    }

    #[test]
    fn paths_of_all_executions_stand_where_each_has_them() {
        let all = [with(&["a", "b", "d"]), with(&["a", "c", "d", "e"])];
        assert_eq!(paths(&all), ["a", "c", "b", "d", "e"]);
        assert!(paths(&[with(&[])]).is_empty());
    }

    #[test]
    fn what_came_of_an_entry_counts_and_not_how_long_it_took() {
        let one = |value: Value, took: u64| json!({ "entries": [{ "path": "a", "state": "done", "value": value, "durationMs": took }] });
        let marked =
            |a: Value, b: Value| format!("{:?}", entry_row("a", &[a, b])).contains("differs: true");
        assert!(!marked(one(json!(1), 5), one(json!(1), 9)));
        assert!(marked(one(json!(1), 5), one(json!(2), 5)));
        assert!(marked(one(json!(1), 5), with(&[])));
    }
}

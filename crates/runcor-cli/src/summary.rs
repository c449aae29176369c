//! How an execution is shown: short JSON, lines, durations, ages.

use serde_json::{Value, json};

use crate::console::{Console, Paint, harmless};
use crate::figures::millis;
use crate::waiting;

/// The documented short form of an execution for `--json`.
pub(crate) fn short(execution: &Value) -> Value {
    json!({
        "id": execution["id"],
        "flowName": execution["flowName"],
        "state": execution["state"],
        "result": execution["result"],
        "error": execution["error"],
        "createdAt": execution["timestamps"]["queued"],
        "completedAt": execution["timestamps"]["completed"],
    })
}

/// Prints what became of an execution.
pub(crate) fn print_outcome(console: &Console, execution: &Value) {
    let state = text(&execution["state"]);
    console.line(format!("State:     {}", console.state(state)));
    if let Some(millis) = duration(execution) {
        console.line(format!("Duration:  {millis} ms"));
    }
    if !execution["error"].is_null() {
        let error = &execution["error"];
        let code = error["code"].as_str().unwrap_or("ERROR");
        let message = harmless(text(&error["message"]));
        let code = console.paint(Paint::Red, &harmless(code));
        console.line(format!("Error:     {code} — {message}"));
    }
    if state == "complete" {
        console.line(format!("Result:    {:#}", execution["result"]));
    }
    waiting::print(console, execution);
}

/// Returns the text of a JSON string, or nothing.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Returns how long an ended execution took from its start, in milliseconds.
pub(crate) fn duration(execution: &Value) -> Option<i64> {
    let times = &execution["timestamps"];
    Some(millis(&times["completed"])? - millis(&times["started"])?)
}

/// Returns how long ago an instant was: `5s ago`, `3m ago`.
pub(crate) fn age(now: i64, at: &Value) -> String {
    let seconds = (now - millis(at).unwrap_or(now)).max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds}s ago"),
        60..3_600 => format!("{}m ago", seconds / 60),
        3_600..86_400 => format!("{}h ago", seconds / 3_600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_the_largest_unit() {
        let at = json!("2026-01-01T00:00:00.000Z");
        let start = millis(&at).unwrap();
        for (later, expected) in
            [(5, "5s ago"), (125, "2m ago"), (7_300, "2h ago"), (200_000, "2d ago")]
        {
            assert_eq!(age(start + later * 1_000, &at), expected);
        }
        assert_eq!(age(start - 10_000, &at), "0s ago");
    }
}

//! `runcor evaluations`: what evaluators thought.

use std::path::Path;
use std::process::ExitCode;

use runcor::engine::{Clock, SystemClock};
use serde_json::Value;

use crate::args::Evaluations;
use crate::console::{Console, Paint};
use crate::failure::Failure;
use crate::summary::{age, text};
use crate::table::{Cell, Table};
use crate::target::Target;

pub(crate) async fn run(
    args: Evaluations,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, false, console).await?;
    let mut query = vec![("order", "desc".to_owned())];
    query.extend(args.flow.map(|flow| ("flowName", flow)));
    query.extend(args.since.map(|since| ("since", since)));
    let found = match target.api().await {
        Ok(api) => api.pages("/evaluations", "evaluations", &query, args.limit).await,
        Err(failure) => Err(failure),
    };
    target.leave().await?;
    let found = found?;
    if console.json {
        console.value(&found);
    } else {
        print(console, found["evaluations"].as_array().map(Vec::as_slice).unwrap_or_default());
    }
    Ok(ExitCode::SUCCESS)
}

fn print(console: &Console, evaluations: &[Value]) {
    if evaluations.is_empty() {
        console.line("No evaluations found.");
        return;
    }
    let now = SystemClock.now().as_millis();
    let mut table = Table::new(&["EXECUTION", "FLOW", ">SCORE", "CONFIDENCE", "AGE", "DIMENSIONS"]);
    for evaluation in evaluations {
        let confidence = text(&evaluation["confidence"]);
        table.add([
            text(&evaluation["executionId"]).into(),
            text(&evaluation["flowName"]).into(),
            score(&evaluation["overallScore"]).into(),
            Cell::painted(confidence, paint(confidence)),
            age(now, &evaluation["timestamp"]).into(),
            dimensions(evaluation).into(),
        ]);
    }
    table.print(console);
}

pub(super) fn score(score: &Value) -> String {
    score.as_f64().map(|score| format!("{score:.2}")).unwrap_or_default()
}

fn paint(confidence: &str) -> Option<Paint> {
    match confidence {
        "low" => Some(Paint::Red),
        "medium" => Some(Paint::Yellow),
        "high" => Some(Paint::Green),
        _ => None,
    }
}

/// Tells each dimension with its score, and who failed.
fn dimensions(evaluation: &Value) -> String {
    let scores = evaluation["aggregateScores"].as_object().into_iter().flatten();
    let mut told: Vec<_> = scores.map(|(name, found)| format!("{name} {}", score(found))).collect();
    let errors = evaluation["errors"].as_array().into_iter().flatten();
    told.extend(errors.map(|error| format!("{} failed", text(&error["evaluatorName"]))));
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dimensions_and_failures_stand_in_one_line() {
        let evaluation = json!({
            "aggregateScores": { "safety": 1.0, "style": 0.456 },
            "errors": [{ "evaluatorName": "judge" }],
        });
        assert_eq!(dimensions(&evaluation), "safety 1.00, style 0.46, judge failed");
    }
}

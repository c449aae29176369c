//! `runcor eval`: judge executions of the past.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::args::Eval;
use crate::console::{Console, Paint, harmless};
use crate::failure::Failure;
use crate::figures::count;
use crate::remote::Remote;
use crate::summary::text;
use crate::target::Target;

/// How many executions one request judges; few, since a judge may be a model.
const CHUNK: usize = 10;

/// What came of all of it.
#[derive(Debug, Default)]
struct Judged {
    looked_at: u64,
    skipped: u64,
    failed: Vec<Value>,
    scores: Vec<f64>,
    low: u64,
}

pub(crate) async fn run(
    args: Eval,
    config: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connect, config, false, console).await?;
    let judged = match target.api().await {
        Ok(api) => judge(api, &args, console).await,
        Err(failure) => Err(failure),
    };
    target.leave().await?;
    let judged = judged?;
    if judged.looked_at == 0 {
        console.warn(format!(
            "there is no execution of a flow {:?} in that time; check its name",
            args.flow
        ));
    }
    if console.json {
        console.value(&judged.document());
    } else {
        judged.print(console, &args.flow);
    }
    Ok(if judged.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn judge(api: &Remote, args: &Eval, console: &Console) -> Result<Judged, Failure> {
    let mut judged = Judged::default();
    let progress = progress(console);
    let mut wish = json!({
        "flowName": args.flow, "since": args.since, "until": args.until, "again": args.again,
        "limit": CHUNK,
    });
    loop {
        let chunk = api.work("/evaluations/run", wish.clone()).await?;
        judged.add(&chunk);
        progress.set_message(format!(
            "{} looked at, {} judged",
            judged.looked_at,
            judged.scores.len()
        ));
        if chunk["nextCursor"].is_null() {
            progress.finish_and_clear();
            return Ok(judged);
        }
        wish["cursor"] = chunk["nextCursor"].clone();
    }
}

fn progress(console: &Console) -> ProgressBar {
    if !console.is_watched() {
        return ProgressBar::hidden();
    }
    let progress = ProgressBar::new_spinner();
    progress.enable_steady_tick(Duration::from_millis(100));
    progress
}

impl Judged {
    fn add(&mut self, chunk: &Value) {
        self.looked_at += chunk["lookedAt"].as_u64().unwrap_or(0);
        self.skipped += chunk["skipped"].as_u64().unwrap_or(0);
        self.failed.extend(chunk["failed"].as_array().into_iter().flatten().cloned());
        for evaluation in chunk["evaluations"].as_array().into_iter().flatten() {
            self.scores.extend(evaluation["overallScore"].as_f64());
            self.low += u64::from(evaluation["confidence"] == "low");
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody judges so many that it would show")]
    fn mean(&self) -> Option<f64> {
        let sum: f64 = self.scores.iter().sum();
        (!self.scores.is_empty()).then(|| sum / self.scores.len() as f64)
    }

    fn document(&self) -> Value {
        json!({
            "lookedAt": self.looked_at,
            "evaluated": self.scores.len(),
            "skipped": self.skipped,
            "failed": self.failed,
            "meanScore": self.mean(),
            "lowConfidence": self.low,
        })
    }

    fn print(&self, console: &Console, flow: &str) {
        let looked_at = count(self.looked_at, "execution", "executions");
        console.line(format!("Looked at: {looked_at} of {}", console.paint(Paint::Bold, flow)));
        console.line(format!("Judged:    {}", self.scores.len()));
        if let Some(mean) = self.mean() {
            console.line(format!("Score:     {mean:.2} on average, {} low", self.low));
        }
        if self.skipped > 0 {
            console.line(format!("Skipped:   {} (not complete, or judged before)", self.skipped));
        }
        for failed in &self.failed {
            let (id, error) = (text(&failed["executionId"]), harmless(text(&failed["error"])));
            console.line(format!("{}    {id}: {error}", console.paint(Paint::Red, "Failed:")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_add_up() {
        let mut judged = Judged::default();
        assert_eq!(judged.document()["meanScore"], Value::Null);
        for (score, confidence) in [(0.9, "high"), (0.3, "low")] {
            judged.add(&json!({
                "lookedAt": 2, "skipped": 1, "failed": [],
                "evaluations": [{ "overallScore": score, "confidence": confidence }],
            }));
        }
        let shown = judged.document();
        assert_eq!((&shown["lookedAt"], &shown["evaluated"]), (&json!(4), &json!(2)));
        assert_eq!((&shown["meanScore"], &shown["lowConfidence"]), (&json!(0.6), &json!(1)));
    }
}

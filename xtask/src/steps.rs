//! A list of steps that are run, timed and summed up.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::project::{Project, count};

/// One step.
pub(crate) struct Step {
    /// Its name, as `--only` takes it.
    pub(crate) name: &'static str,
    /// What to do when it fails.
    pub(crate) what_to_do: &'static str,
    /// What it does.
    pub(crate) run: fn(&Project) -> Result<()>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

struct Report {
    name: &'static str,
    outcome: Outcome,
    time: Duration,
}

/// Runs the steps in order and prints a table of them.
///
/// The first failure ends the run unless `keep_going` is set.
///
/// # Errors
/// Fails when a step failed.
pub(crate) fn run<'a>(
    project: &Project,
    steps: impl IntoIterator<Item = &'a Step>,
    keep_going: bool,
) -> Result<()> {
    let mut reports = Vec::new();
    let mut stopped = false;
    for step in steps {
        let report = if stopped {
            Report { name: step.name, outcome: Outcome::Skipped, time: Duration::ZERO }
        } else {
            run_one(project, step)
        };
        stopped |= report.outcome == Outcome::Failed && !keep_going;
        reports.push(report);
    }
    print!("\n{}", table(&reports));
    let summary = summary(&reports);
    if reports.iter().any(|report| report.outcome == Outcome::Failed) {
        bail!("{summary}");
    }
    println!("{summary}");
    Ok(())
}

fn run_one(project: &Project, step: &Step) -> Report {
    println!("\n=== {}", step.name);
    let start = Instant::now();
    let result = (step.run)(project);
    let time = start.elapsed();
    let outcome = match result {
        Ok(()) => Outcome::Passed,
        Err(error) => {
            println!("{}: {error:#}", step.name);
            println!("what to do: {}", step.what_to_do);
            Outcome::Failed
        }
    };
    println!("=== {} {} in {}", step.name, word(outcome), seconds(time));
    Report { name: step.name, outcome, time }
}

fn table(reports: &[Report]) -> String {
    let mut table = String::from("step        result      time\n");
    for report in reports {
        let time = seconds(report.time);
        let _ = writeln!(table, "{:<10}  {:<7} {time:>8}", report.name, word(report.outcome));
    }
    table
}

fn summary(reports: &[Report]) -> String {
    let total: Duration = reports.iter().map(|report| report.time).sum();
    let named = |outcome| -> Vec<&str> {
        reports.iter().filter(|report| report.outcome == outcome).map(|r| r.name).collect()
    };
    let (failed, skipped) = (named(Outcome::Failed), named(Outcome::Skipped));
    let steps = count(reports.len(), "step", "steps");
    if failed.is_empty() {
        return format!("ci: {steps} passed in {}", seconds(total));
    }
    let rest = if skipped.is_empty() {
        String::new()
    } else {
        format!(", {} not run (see --keep-going)", skipped.len())
    };
    format!("ci: {} of {steps} failed: {}{rest}", failed.len(), failed.join(", "))
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "FAILED",
        Outcome::Skipped => "not run",
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &'static str, outcome: Outcome) -> Report {
        Report { name, outcome, time: Duration::from_millis(1_500) }
    }

    #[test]
    fn the_summary_names_what_failed_and_what_was_not_run() {
        let reports = [
            report("fmt", Outcome::Passed),
            report("clippy", Outcome::Failed),
            report("test", Outcome::Skipped),
        ];
        assert_eq!(
            summary(&reports),
            "ci: 1 of 3 steps failed: clippy, 1 not run (see --keep-going)"
        );
        assert!(table(&reports).contains("clippy      FAILED     1.5 s"));
    }

    #[test]
    fn the_summary_of_success_adds_the_times_up() {
        let reports = [report("fmt", Outcome::Passed), report("tidy", Outcome::Passed)];
        assert_eq!(summary(&reports), "ci: 2 steps passed in 3.0 s");
    }

    #[test]
    fn a_failure_ends_the_run_unless_told_to_keep_going() {
        let project = Project::find().unwrap();
        let steps = [
            Step { name: "a", what_to_do: "nothing", run: |_| bail!("on purpose") },
            Step { name: "b", what_to_do: "nothing", run: |_| Ok(()) },
        ];
        let stopped = run(&project, &steps, false).unwrap_err().to_string();
        assert!(stopped.contains("1 not run"), "{stopped}");
        let kept = run(&project, &steps, true).unwrap_err().to_string();
        assert_eq!(kept, "ci: 1 of 2 steps failed: a");
    }
}

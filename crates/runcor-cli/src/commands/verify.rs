//! `runcor verify`: check a database file against the rules.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use runcor::store::{Report, verify};
use serde_json::json;

use crate::args::Verify;
use crate::console::{Console, Paint, harmless};
use crate::failure::Failure;
use crate::figures::count;

/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(120);

pub(crate) fn run(args: &Verify, console: &Console) -> Result<ExitCode, Failure> {
    let name = args.database.display().to_string();
    let sign = sign_of_life(&name, console);
    let checked = verify(&args.database).map_err(runcor::Error::from);
    sign.finish_and_clear();
    let report = checked?;
    if console.json {
        console.value(&json!({
            "database": name, "sound": report.is_sound(), "version": report.version,
            "checked": report.checked, "findings": report.findings, "leftOut": report.left_out,
        }));
    } else {
        print(&name, &report, console);
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn sign_of_life(name: &str, console: &Console) -> ProgressBar {
    if !console.is_watched() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let sign = ProgressBar::new_spinner().with_message(format!("Checking {name}"));
    sign.enable_steady_tick(TICK);
    sign
}

fn print(name: &str, report: &Report, console: &Console) {
    let checked = &report.checked;
    let looked_at = format!(
        "{}, {}, {}",
        count(checked.executions, "execution", "executions"),
        count(checked.journal_entries, "journal entry", "journal entries"),
        count(checked.events, "event", "events"),
    );
    if report.is_sound() {
        let mark = console.paint(Paint::Green, "✓");
        console.line(format!("{mark} {name} keeps every rule: {looked_at}"));
        return;
    }
    for finding in &report.findings {
        let rule = console.paint(Paint::Red, finding.rule);
        let (place, message) = (harmless(&finding.place), harmless(&finding.message));
        console.line(format!("{rule}  {place}: {message}"));
    }
    let listed = u64::try_from(report.findings.len()).unwrap_or(u64::MAX);
    let broken = count(listed.saturating_add(report.left_out), "finding", "findings");
    let mark = console.paint(Paint::Red, "✗");
    console.line(format!("{mark} {name}: {broken} in {looked_at}"));
    if report.left_out > 0 {
        console.line(format!("  the first {listed} are listed"));
    }
}

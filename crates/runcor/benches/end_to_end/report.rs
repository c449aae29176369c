//! Figures as they are measured: a line for programs, and a line for people.

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::json;

/// What a figure should come to.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    /// Larger is better.
    AtLeast(f64),
    /// Smaller is better.
    AtMost(f64),
    /// It is there for comparison.
    None,
}

/// Takes figures.
pub(crate) struct Report {
    part: &'static str,
    failed: bool,
}

impl Report {
    pub(crate) fn begin() -> Self {
        let mut report = Self { part: "machine", failed: false };
        report.load("load average at the start");
        report
    }

    /// Begins a part.
    pub(crate) fn part(&mut self, name: &'static str) {
        self.part = name;
        say(&format!("\n{name}"));
    }

    /// Takes one figure; the note says how it came about and what it leaves out.
    pub(crate) fn figure(&mut self, name: &str, value: f64, unit: &str, aim: Aim, note: &str) {
        let (number, sign) = match aim {
            Aim::AtLeast(aim) => (Some(aim), "at least"),
            Aim::AtMost(aim) => (Some(aim), "at most"),
            Aim::None => (None, ""),
        };
        let line = json!({
            "figure": name, "value": rounded(value), "unit": unit, "aim": number,
            "aimIs": number.map(|_| sign), "part": self.part, "note": note,
        });
        // Who closed the pipe wants no more figures.
        let _ = writeln!(io::stdout(), "{line}");
        let aim = number.map(|aim| format!("(aim: {sign} {})", readable(aim))).unwrap_or_default();
        say(&format!("  {name:<58} {:>12} {unit:<4} {aim}", readable(value)));
    }

    /// Says why something was not measured.
    pub(crate) fn skip(&self, name: &str, reason: &str) {
        let line = json!({
            "figure": name, "value": null, "unit": "skipped", "aim": null,
            "part": self.part, "note": reason,
        });
        let _ = writeln!(io::stdout(), "{line}");
        say(&format!("  {name:<58} skipped: {reason}"));
    }

    /// Notes that work got lost; the run fails in the end.
    pub(crate) fn fail(&mut self, problem: &str) {
        self.failed = true;
        say(&format!("  FAILED: {problem}"));
    }

    pub(crate) fn end(mut self) -> ExitCode {
        self.part("machine");
        self.load("load average at the end");
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn load(&mut self, name: &str) {
        let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        if let Some(load) = text.split(' ').next().and_then(|load| load.parse().ok()) {
            self.figure(name, load, "", Aim::None, "of one minute");
        }
    }
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Keeps four digits that say something.
fn rounded(value: f64) -> f64 {
    let digits = if value.abs() >= 100.0 { 1.0 } else { 10_000.0 };
    (value * digits).round() / digits
}

/// Writes a number with separators between the thousands.
fn readable(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n) % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

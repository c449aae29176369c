//! The report of a run of the benches.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::criterion::Estimate;
use super::figures::{Figure, readable};
use super::machine::Machine;

/// Everything that a run of the benches found.
pub(crate) struct Report {
    /// Where it ran.
    pub(crate) machine: Machine,
    /// Whether it was a short run, good for a look and not for a claim.
    pub(crate) quick: bool,
    /// The figures of the whole.
    pub(crate) end_to_end: Vec<Figure>,
    /// The figures of single parts.
    pub(crate) criterion: Vec<Estimate>,
}

impl Report {
    /// Returns the report for programs.
    pub(crate) fn to_json(&self) -> Value {
        let parts: Vec<_> = self
            .criterion
            .iter()
            .map(|part| {
                json!({
                    "name": part.name, "meanNs": part.mean_ns,
                    "medianNs": part.median_ns, "deviationNs": part.deviation_ns,
                })
            })
            .collect();
        let whole: Vec<_> = self.end_to_end.iter().map(|figure| figure.json.clone()).collect();
        json!({
            "machine": self.machine.to_json(), "quick": self.quick,
            "endToEnd": whole, "criterion": parts,
        })
    }

    /// Returns the report for people.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::from("# Benchmarks\n\n");
        if self.quick {
            text.push_str("A quick run: good for a look, not for a claim.\n\n");
        }
        let Machine { cpu, cores, memory_mib, kernel, commit, date, rustc } = &self.machine;
        let _ = write!(
            text,
            "| | |\n|---|---|\n| CPU | {cpu} |\n| cores | {cores} |\n| memory | {memory_mib} MiB |\n\
             | kernel | {kernel} |\n| compiler | {rustc} |\n| commit | {commit} |\n| date | {date} |\n",
        );
        if !self.end_to_end.is_empty() {
            text.push_str(
                "\n## End to end\n\n| figure | value | unit | aim |\n|---|--:|---|--:|\n",
            );
        }
        for figure in &self.end_to_end {
            let [name, value, unit, aim] =
                ["figure", "value", "unit", "aim"].map(|key| figure.field(key));
            let _ = writeln!(text, "| {name} | {value} | {unit} | {aim} |");
        }
        if !self.criterion.is_empty() {
            text.push_str(
                "\n## Parts\n\n| bench | mean | median | deviation |\n|---|--:|--:|--:|\n",
            );
        }
        for part in &self.criterion {
            let [mean, median, deviation] =
                [part.mean_ns, part.median_ns, part.deviation_ns].map(time);
            let _ = writeln!(text, "| {} | {mean} | {median} | {deviation} |", part.name);
        }
        text
    }
}

/// Writes nanoseconds in a unit that reads well.
fn time(ns: f64) -> String {
    let (size, unit) = match ns {
        ns if ns >= 1e9 => (1e9, "s"),
        ns if ns >= 1e6 => (1e6, "ms"),
        ns if ns >= 1e3 => (1e3, "µs"),
        _ => (1.0, "ns"),
    };
    format!("{} {unit}", readable(ns / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            machine: Machine {
                cpu: "Fast 9000".to_owned(),
                cores: 2,
                memory_mib: 2048,
                kernel: "Linux 6".to_owned(),
                commit: "abc".to_owned(),
                date: "2026-11-21T02:00:00Z".to_owned(),
                rustc: "rustc 1.95.0".to_owned(),
            },
            quick: false,
            end_to_end: Figure::parse(
                r#"{"figure":"durable","value":5100,"unit":"1/s","aim":5000}"#,
            )
            .into_iter()
            .collect(),
            criterion: vec![Estimate {
                name: "route/one".to_owned(),
                mean_ns: 1_234.0,
                median_ns: 900.0,
                deviation_ns: 12.0,
            }],
        }
    }

    #[test]
    fn the_report_shows_machine_and_figures_side_by_side() {
        let text = report().to_markdown();
        for line in [
            "| CPU | Fast 9000 |",
            "| durable | 5100 | 1/s | 5000 |",
            "| route/one | 1.23 µs | 900 ns | 12 ns |",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("quick"));
    }

    #[test]
    fn programs_get_the_same_figures() {
        let json = report().to_json();
        assert_eq!(json.pointer("/endToEnd/0/value"), Some(&json!(5100)));
        assert_eq!(json.pointer("/criterion/0/meanNs"), Some(&json!(1234.0)));
        assert_eq!(json.pointer("/machine/cores"), Some(&json!(2)));
    }
}

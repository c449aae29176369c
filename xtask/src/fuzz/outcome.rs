//! What libFuzzer's thousands of lines say, in one.

use std::fmt;
use std::path::PathBuf;

use crate::project::count;

/// How the run of a target ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// No input broke it.
    Held { inputs: usize, kept: usize, seed: String },
    /// Some input did, or the target did not run at all.
    Broken { input: Option<PathBuf>, reason: String, log: PathBuf },
}

impl Outcome {
    /// Reads what libFuzzer wrote.
    pub(super) fn read(text: &str, success: bool, log: PathBuf) -> Self {
        let after = |mark: &str| text.lines().rev().find_map(|line| line.split_once(mark));
        let number = |mark: &str| {
            after(mark).and_then(|(_, number)| number.trim().parse().ok()).unwrap_or_default()
        };
        if success {
            return Self::Held {
                inputs: number("stat::number_of_executed_units:"),
                kept: number("stat::new_units_added:"),
                seed: after("INFO: Seed: ").map_or("?", |(_, seed)| seed).to_owned(),
            };
        }
        let input = after("Test unit written to ").map(|(_, path)| PathBuf::from(path.trim()));
        Self::Broken { input, reason: reason(text), log }
    }
}

/// The message of the panic, or else what libFuzzer says of it.
fn reason(text: &str) -> String {
    let mut lines = text.lines().skip_while(|line| !line.contains(" panicked at "));
    if let (Some(place), Some(message)) = (lines.next(), lines.next()) {
        let place = place.rsplit(" panicked at ").next().unwrap_or_default();
        return format!("{message} ({})", place.trim_end_matches(':'));
    }
    let summary = text.lines().rev().find_map(|line| line.split_once("SUMMARY: "));
    let last = text.lines().next_back().unwrap_or("nothing was written");
    summary.map_or(last, |(_, summary)| summary).to_owned()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { inputs, kept, seed } => {
                let inputs = count(*inputs, "input", "inputs");
                write!(f, "held for {inputs}, kept {kept} new ones (seed {seed})")
            }
            Self::Broken { input, reason, log } => {
                writeln!(f, "BROKEN: {reason}")?;
                if let Some(input) = input {
                    writeln!(f, "  input:  {}", input.display())?;
                }
                write!(f, "  log:    {}", log.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, success: bool) -> Outcome {
        Outcome::read(text, success, PathBuf::from("t.log"))
    }

    #[test]
    fn a_run_without_finding_tells_how_much_was_tried() {
        let text = "INFO: Seed: 42\n#2 INITED\nstat::number_of_executed_units: 900\n\
                    stat::new_units_added:          7\n";
        let held = read(text, true);
        assert_eq!(held, Outcome::Held { inputs: 900, kept: 7, seed: "42".to_owned() });
        assert_eq!(held.to_string(), "held for 900 inputs, kept 7 new ones (seed 42)");
    }

    #[test]
    fn a_panic_is_told_with_its_input() {
        let text = "thread '<unnamed>' (1) panicked at src/a.rs:5:6:\nleft != right\nstack\n\
                    SUMMARY: libFuzzer: deadly signal\n\
                    artifact_prefix='x/'; Test unit written to x/crash-1\nBase64: AA==\n";
        let broken = read(text, false);
        let told = "BROKEN: left != right (src/a.rs:5:6)\n  input:  x/crash-1\n  log:    t.log";
        assert_eq!(broken.to_string(), told);
    }

    #[test]
    fn a_hang_and_a_program_that_does_not_start_are_told_too() {
        let hang = read("ALARM\nSUMMARY: libFuzzer: timeout\n", false);
        assert!(hang.to_string().contains("libFuzzer: timeout"));
        let dead = read("", false).to_string();
        assert_eq!(dead, "BROKEN: nothing was written\n  log:    t.log");
    }
}

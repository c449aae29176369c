//! The planner: what to do next, as a pure function of the flow and its state.

use serde_json::Value;

use super::state::RunState;
use crate::spec::StepSpec;

/// What the driver has to do next.
#[derive(Debug)]
pub(crate) enum Command<'s> {
    /// Run this step and note its result.
    Run(&'s StepSpec),
    /// Note these steps, all that are left, as skipped.
    Skip(&'s [StepSpec]),
    /// End the run with this result.
    Finish(Value),
}

/// Decides what comes next.
pub(crate) fn plan<'s>(steps: &'s [StepSpec], state: &RunState) -> Command<'s> {
    let rest = steps.get(state.done()..).unwrap_or_default();
    match rest {
        [] => Command::Finish(state.result()),
        rest if state.is_stopped() => Command::Skip(rest),
        [next, ..] => Command::Run(next),
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::{ExecutionId, ExecutionSpec, FlowName, IdempotencyKey, Timestamp};
    use serde_json::json;

    use super::*;
    use crate::FlowFile;
    use crate::run::record::StepRecord;

    fn steps(kinds: &str) -> Vec<StepSpec> {
        let mut yaml = "name: f\nsteps:\n".to_owned();
        for (index, kind) in kinds.chars().enumerate() {
            let line = match kind {
                'a' => format!("  - {{ name: s{index}, kind: agent, preamble: p }}\n"),
                'w' => {
                    format!("  - {{ name: s{index}, kind: webhook, url: 'https://example.com' }}\n")
                }
                _ => format!("  - {{ name: s{index}, kind: condition, when: $.input.go }}\n"),
            };
            yaml.push_str(&line);
        }
        if kinds.is_empty() {
            yaml = "name: f\nsteps: []\n".to_owned();
        }
        FlowFile::parse(&yaml, "f.yaml").unwrap().steps
    }

    /// Plays a run whose conditions answer as `kinds` says: `t` and `f`; other steps give their index.
    fn play(kinds: &str) -> (Vec<String>, Value) {
        let steps = steps(kinds);
        let spec = ExecutionSpec::new(
            ExecutionId::mint(Timestamp::from_millis(0)),
            FlowName::new("f").unwrap(),
            IdempotencyKey::new("k").unwrap(),
            json!("input"),
            Timestamp::from_millis(0),
        );
        let mut state = RunState::new(&spec);
        let mut seen = Vec::new();
        loop {
            match plan(&steps, &state) {
                Command::Run(step) => {
                    seen.push(step.name.clone());
                    let output = match kinds.as_bytes()[state.done()] {
                        b't' => json!({ "result": true }),
                        b'f' => json!({ "result": false }),
                        _ => json!(state.done()),
                    };
                    state.complete(step, StepRecord::plain(output));
                }
                Command::Skip(rest) => {
                    seen.extend(rest.iter().map(|step| format!("-{}", step.name)));
                    state.skip(rest);
                }
                Command::Finish(output) => return (seen, output),
            }
        }
    }

    #[test]
    fn a_run_follows_its_steps_and_its_conditions() {
        for (kinds, order, output) in [
            ("", "", json!("input")),
            ("a", "s0", json!(0)),
            ("aw", "s0 s1", json!(1)),
            ("ata", "s0 s1 s2", json!(2)),
            ("at", "s0 s1", json!(0)),
            ("afaw", "s0 s1 -s2 -s3", json!(0)),
            ("fa", "s0 -s1", json!({ "result": false })),
            ("tfa", "s0 s1 -s2", json!({ "result": false })),
            ("f", "s0", json!({ "result": false })),
            ("t", "s0", json!({ "result": true })),
            ("taft", "s0 s1 s2 -s3", json!(1)),
        ] {
            let (seen, result) = play(kinds);
            assert_eq!((seen.join(" ").as_str(), result), (order, output), "{kinds}");
        }
    }
}

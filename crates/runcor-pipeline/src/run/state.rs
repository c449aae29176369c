//! The state of a run: the document that expressions read, and how far the run has come.

use runcor_core::ExecutionSpec;
use serde_json::{Map, Value, json};

use super::record::StepRecord;
use crate::spec::{Action, StepSpec};

/// What a path may name behind `$`.
pub(crate) const CONTEXT_KEYS: &[&str] = &["input", "steps", "run", "trigger"];

/// How far a run has come; a pure value, rebuilt from the journal in every run.
#[derive(Debug, Clone)]
pub(crate) struct RunState {
    document: Value,
    done: usize,
    last: Last,
    /// The output of the last step that was no condition.
    result: Option<Value>,
}

/// How the latest step ended.
#[derive(Debug, Clone)]
enum Last {
    Nothing,
    Done,
    Condition { holds: bool, output: Value },
    Skipped(Value),
}

impl RunState {
    /// Begins a run of what was asked.
    pub(crate) fn new(asked: &ExecutionSpec) -> Self {
        let document = json!({
            "input": asked.input,
            "steps": {},
            "run": {
                "id": asked.id.to_string(),
                "flow": asked.flow,
                "queued_at": asked.queued_at,
            },
            "trigger": trigger(asked),
        });
        Self { document, done: 0, last: Last::Nothing, result: None }
    }

    /// Returns `{input, steps, run, trigger}`.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    /// Returns how many steps are done or skipped.
    pub(crate) fn done(&self) -> usize {
        self.done
    }

    /// Returns whether the latest step says that the rest is to be skipped.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.last, Last::Condition { holds: false, .. })
    }

    /// Returns the run's result if it ended here.
    pub(crate) fn result(&self) -> Value {
        match (&self.result, &self.last) {
            (Some(result), _) => result.clone(),
            (None, Last::Condition { output, .. } | Last::Skipped(output)) => output.clone(),
            (None, Last::Nothing | Last::Done) => self.document["input"].clone(),
        }
    }

    /// Notes that the next step has finished.
    pub(crate) fn complete(&mut self, step: &StepSpec, record: StepRecord) {
        self.enter(&step.name, record.entry());
        self.last = match step.action {
            Action::Condition(_) => Last::Condition {
                holds: record.output["result"] == Value::Bool(true),
                output: record.output,
            },
            Action::Call(_) => {
                self.result = Some(record.output);
                Last::Done
            }
        };
        self.done += 1;
    }

    /// Notes that the given steps, all that are left, are skipped.
    pub(crate) fn skip(&mut self, steps: &[StepSpec]) {
        for step in steps {
            self.enter(&step.name, json!({ "status": "skipped" }));
        }
        self.done += steps.len();
        if let Last::Condition { output, .. } = &self.last {
            self.last = Last::Skipped(output.clone());
        }
    }

    fn enter(&mut self, name: &str, entry: Value) {
        if let Some(steps) = self.document["steps"].as_object_mut() {
            steps.insert(name.to_owned(), entry);
        }
    }
}

/// What started the run, as far as the execution knows it.
fn trigger(asked: &ExecutionSpec) -> Value {
    let mut trigger = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        trigger.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("kind", Some(json!("api")));
    put("payload", Some(asked.input.clone()));
    put("metadata", asked.metadata.clone());
    put("user_id", asked.user_id.as_ref().map(|id| json!(id)));
    put("session_id", asked.session_id.as_ref().map(|id| json!(id)));
    put("tenant_id", asked.tenant_id.as_ref().map(|id| json!(id)));
    Value::Object(trigger)
}

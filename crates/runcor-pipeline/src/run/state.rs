//! The state of a run: the document that expressions read, and how far the run has come.

use runcor_core::ExecutionSpec;
use serde_json::{Map, Value, json};

use super::record::StepRecord;
use crate::spec::{Action, OnReject, StepSpec};

/// What a path may name behind `$`.
pub(crate) const CONTEXT_KEYS: &[&str] = &["input", "steps", "run", "trigger"];
/// What a path may name behind `$` in a branch for an item.
pub(crate) const ITEM_KEYS: &[&str] = &["input", "steps", "run", "trigger", "item", "index"];

/// How far a list of steps has come; a pure value, rebuilt from the journal in every run.
#[derive(Debug, Clone)]
pub(crate) struct RunState {
    document: Value,
    done: usize,
    is_stopped: bool,
    /// The output of the last step that has one which counts.
    result: Option<Value>,
    /// The output of the last condition.
    verdict: Option<Value>,
    /// The result where no step has any.
    otherwise: Value,
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
        Self { otherwise: asked.input.clone(), ..Self::branch(&document) }
    }

    /// Begins a branch that sees what `document` holds.
    pub(crate) fn branch(document: &Value) -> Self {
        Self {
            document: document.clone(),
            done: 0,
            is_stopped: false,
            result: None,
            verdict: None,
            otherwise: Value::Null,
        }
    }

    /// Begins the branch of an item.
    pub(crate) fn item(document: &Value, index: usize, item: Value) -> Self {
        let mut state = Self::branch(document);
        if let Some(document) = state.document.as_object_mut() {
            document.insert("item".to_owned(), item);
            document.insert("index".to_owned(), json!(index));
        }
        state
    }

    /// Returns `{input, steps, run, trigger}`, and in the branch of an item `{item, index}` too.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    /// Returns how many steps are done or skipped.
    pub(crate) fn done(&self) -> usize {
        self.done
    }

    /// Returns whether a step says that the rest is to be skipped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Returns the result if it ended here.
    pub(crate) fn result(&self) -> Value {
        self.result.as_ref().or(self.verdict.as_ref()).unwrap_or(&self.otherwise).clone()
    }

    /// Notes that the next step has finished.
    pub(crate) fn complete(&mut self, step: &StepSpec, record: StepRecord) {
        self.enter(&step.name, record.entry());
        self.done += 1;
        match &step.action {
            Action::Condition(_) => {
                self.is_stopped = record.output["result"] != Value::Bool(true);
                self.verdict = Some(record.output);
            }
            Action::Sleep(_) => {}
            Action::Approval(approval) => {
                let is_rejected = record.output["approved"] != Value::Bool(true);
                self.is_stopped = is_rejected && approval.on_reject == OnReject::Stop;
                self.result = Some(record.output);
            }
            Action::Ask(_)
            | Action::Wait(_)
            | Action::Call(_)
            | Action::Memory(_)
            | Action::Parallel(_) => {
                self.result = Some(record.output);
            }
        }
    }

    /// Notes that the given steps, all that are left, are skipped.
    pub(crate) fn skip(&mut self, steps: &[StepSpec]) {
        for step in steps {
            self.enter(&step.name, json!({ "status": "skipped" }));
        }
        self.done += steps.len();
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

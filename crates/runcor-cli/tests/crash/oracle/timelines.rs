//! Timelines: what the journal says, held against what was called and answered.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::{Oracle, State, receipt};

impl Oracle {
    /// Takes the timeline of an execution that has ended.
    pub(crate) fn recounts(&self, id: Uuid, timeline: &Value) {
        let known = &mut *self.known();
        let Some(execution) = known.executions.get(&id) else { return };
        let is_complete = execution.state == State::Complete;
        let Some(work) = execution.work else { return };
        let used: Vec<_> = execution.steps.iter().map(|step| step.used).collect();
        let mut paths = HashSet::new();
        let mut problems = Vec::new();
        for (entry, number) in timeline["entries"].as_array().into_iter().flatten().zip(1_u64..) {
            let path = entry["path"].as_str().unwrap_or_default();
            if entry["number"] != number || !paths.insert(path) {
                problems.push(format!("entry {number} of its timeline is {entry}"));
            }
            if is_complete && entry["state"] != "done" {
                problems.push(format!("it is complete, and {path:?} is {}", entry["state"]));
            }
            let name = path.rsplit('/').next().and_then(|name| name.strip_suffix("#1"));
            let place = name.and_then(|name| work.flow.place(name));
            let used = place.and_then(|place| used.get(place).copied().flatten());
            let kept = kept(&entry["value"]);
            if used.is_some() && kept != used {
                problems
                    .push(format!("{path:?} has {kept:?} in the journal, and {used:?} was used"));
            }
        }
        for what in problems {
            known.broken("R3", Some(id), what);
        }
    }
}

/// Returns the receipt in an entry: of a webhook, of a model, of an answer or of an approval.
fn kept(value: &Value) -> Option<u64> {
    let places = ["/output/receipt", "/parsed/receipt", "/receipt", "/note"];
    places.iter().find_map(|place| receipt(value.pointer(place)?))
}

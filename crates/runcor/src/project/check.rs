//! What can be found wrong with a project before it starts.

use std::collections::BTreeSet;
use std::sync::Arc;

use runcor_core::{Error, NopSink, SystemClock};
use runcor_eval::Evaluators;
use runcor_policy::Policies;
use runcor_policy::guardrail::GuardrailParts;
use runcor_store_memory::MemoryStore;
use serde_json::Value;

use super::evaluation::evaluator;
use super::{Project, ProjectFlows};
use crate::models::Models;

/// What is wrong, or probably not meant, in the sections that a start would carry out.
#[derive(Debug, Default)]
pub struct ProjectCheck {
    /// What keeps the project from starting.
    pub errors: Vec<Error>,
    /// What is allowed and probably not meant.
    pub warnings: Vec<String>,
}

impl Project {
    /// Puts everything together that a start does, providers and store aside.
    ///
    /// Names of flows that no file gives are warned of: a guardrail for a flow
    /// that is misspelt never looks.
    #[must_use]
    pub fn check(&self, flows: &ProjectFlows) -> ProjectCheck {
        let errors = [self.check_policies(), self.check_guardrails(), self.check_evaluators()];
        let errors = errors.into_iter().flatten().collect();
        ProjectCheck { errors, warnings: self.unknown_flows(flows) }
    }

    fn check_policies(&self) -> Option<Error> {
        let config = self.policy_config().transpose()?;
        let built = config.and_then(|config| {
            Policies::from_config(config, Arc::new(NopSink)).map_err(Error::from)
        });
        built.err()
    }

    fn check_guardrails(&self) -> Option<Error> {
        let config = self.guardrail_config().transpose()?;
        let parts = GuardrailParts { models: Some(Arc::new(no_models())), meter: None };
        let built = config.and_then(|config| config.into_builder(&parts)?.build());
        built.err()
    }

    fn check_evaluators(&self) -> Option<Error> {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(SystemClock));
        let evaluators = Evaluators::new(store, clock);
        let section = self.config.evaluation.iter();
        let mut entries = section.flat_map(|section| &section.evaluators);
        let added = entries.try_for_each(|entry| {
            evaluators.add(evaluator(entry, Arc::new(no_models()), None, None)?)
        });
        added.err()
    }

    fn unknown_flows(&self, flows: &ProjectFlows) -> Vec<String> {
        let known: BTreeSet<_> = flows.flows.iter().map(|flow| flow.info.name.as_str()).collect();
        let config = self.config.to_masked_json();
        let mut named = Vec::new();
        for section in ["policy", "evaluation"] {
            names_of_flows(&config[section], section, &mut named);
        }
        named.retain(|(_, name)| name != "*" && !known.contains(name.as_str()));
        let warning = |(place, name): (String, String)| {
            format!("{place}: no file gives a flow {name:?}, so this holds for nothing")
        };
        named.into_iter().map(warning).collect()
    }
}

/// Finds what stands under the keys that name flows, and where.
fn names_of_flows(value: &Value, place: &str, found: &mut Vec<(String, String)>) {
    const KEYS: [&str; 5] = ["flowName", "flowNames", "allowedFlows", "deniedFlows", "flows"];
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let place = format!("{place}.{key}");
                if KEYS.contains(&key.as_str()) {
                    let names =
                        value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
                    let names = names.iter().filter_map(Value::as_str);
                    found.extend(names.map(|name| (place.clone(), name.to_owned())));
                } else {
                    names_of_flows(value, &place, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                names_of_flows(item, &format!("{place}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn no_models() -> Models {
    Models::new(Arc::new(SystemClock), Arc::new(NopSink))
}

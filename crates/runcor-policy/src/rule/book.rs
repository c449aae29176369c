//! All rules in their order, and what they say together.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use runcor_core::{Operation, PolicyRequest};
use serde_json::Value;

use super::{DeclaredRule, Rule, RuleSpec, Verdict};
use crate::error::Error;

/// The rules, in the order in which they are asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleBook {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    spec: RuleSpec,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Coded(Arc<dyn Rule>),
    Declared(Arc<DeclaredRule>),
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coded(_) => "Coded",
            Self::Declared(_) => "Declared",
        })
    }
}

/// What one rule says.
pub(super) enum Outcome {
    Pass,
    /// The later rules of the file need not be asked.
    Settled,
    Deny(Option<String>),
    Modify(Value),
}

/// A rule has denied an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial<'a> {
    /// The rule.
    pub(crate) rule: &'a str,
    /// Why, on one line.
    pub(crate) reason: Option<String>,
}

impl RuleBook {
    pub(crate) fn add(&mut self, spec: RuleSpec, rule: Arc<dyn Rule>) -> Result<(), Error> {
        self.insert(Entry { spec, kind: Kind::Coded(rule) })
    }

    pub(crate) fn declare(&mut self, rule: DeclaredRule) -> Result<(), Error> {
        let spec = rule.spec();
        self.insert(Entry { spec, kind: Kind::Declared(Arc::new(rule)) })
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.spec.name != name);
        self.entries.len() < before
    }

    /// Asks the rules one after the other; returns the input where they have changed it.
    pub(crate) fn judge(&self, request: &PolicyRequest<'_>) -> Result<Option<Value>, Denial<'_>> {
        let (mut input, mut is_settled) = (None, false);
        for entry in &self.entries {
            let is_declared = matches!(entry.kind, Kind::Declared(_));
            if !entry.spec.operations.contains(request.operation) || is_settled && is_declared {
                continue;
            }
            let seen = input.as_ref().unwrap_or(request.input);
            match entry.judge(&PolicyRequest { input: seen, ..request.clone() }) {
                Outcome::Pass => {}
                Outcome::Settled => is_settled = true,
                Outcome::Modify(value) if request.operation == Operation::Trigger => {
                    input = Some(value);
                }
                Outcome::Modify(_) => {}
                Outcome::Deny(reason) => return Err(Denial { rule: &entry.spec.name, reason }),
            }
        }
        Ok(input)
    }

    fn insert(&mut self, entry: Entry) -> Result<(), Error> {
        let spec = &entry.spec;
        if spec.name.trim().is_empty() {
            return Err(Error::invalid("a rule has no name; give it one"));
        }
        if spec.operations.is_empty() {
            let message = format!("rule {:?} judges nothing; name an operation", spec.name);
            return Err(Error::invalid(message));
        }
        if self.entries.iter().any(|other| other.spec.name == spec.name) {
            return Err(Error::DuplicateRule { name: spec.name.clone() });
        }
        let place = self.entries.partition_point(|other| other.spec.priority <= spec.priority);
        self.entries.insert(place, entry);
        Ok(())
    }
}

impl Entry {
    fn judge(&self, request: &PolicyRequest<'_>) -> Outcome {
        match &self.kind {
            Kind::Declared(rule) => rule.judge(request),
            Kind::Coded(rule) => match catch_unwind(AssertUnwindSafe(|| rule.judge(request))) {
                Ok(Ok(Verdict::Allow)) => Outcome::Pass,
                Ok(Ok(Verdict::Modify { input })) => Outcome::Modify(input),
                Ok(Ok(Verdict::Deny { reason })) => Outcome::Deny(reason.as_deref().map(one_line)),
                Ok(Err(error)) => {
                    tracing::error!(rule = self.spec.name, error, "a rule failed");
                    Outcome::Deny(Some("the rule failed".to_owned()))
                }
                Err(_) => Outcome::Deny(Some("the rule panicked".to_owned())),
            },
        }
    }
}

/// Returns a text without line breaks and runs of blanks.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

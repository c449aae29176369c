//! Rules that are written down instead of programmed.

use std::collections::BTreeMap;

use runcor_core::{Operation, PolicyRequest};
use serde::Deserialize;
use serde_json::Value;

use super::book::Outcome;
use super::condition::{Condition, Unfit};
use super::pointer::Pointer;
use super::{PRIORITY, RuleSpec};
use crate::error::Error;
use crate::names::Names;
use crate::operations::Operations;

/// A rule as `policy.rules` of `runcor.yaml` writes it.
///
/// ```
/// # use runcor_policy::DeclaredRule;
/// let rule = serde_json::json!({
///     "name": "no-large-exports",
///     "operations": ["trigger"],
///     "flows": ["bulk-export"],
///     "when": [{ "input": "/rows", "greaterThan": 1000 }],
///     "action": "deny",
///     "reason": "exports have at most 1000 rows",
/// });
/// let rule: DeclaredRule = serde_json::from_value(rule)?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Wire")]
pub struct DeclaredRule {
    wire: Wire,
}

/// A declared rule before it is checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    name: String,
    priority: Option<i32>,
    operations: Operations,
    flows: Option<Names>,
    users: Option<Names>,
    tenants: Option<Names>,
    #[serde(default)]
    when: Vec<Condition>,
    action: Action,
    reason: Option<String>,
    #[serde(default)]
    set: BTreeMap<Pointer, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Allow,
    Deny,
    Modify,
}

impl TryFrom<Wire> for DeclaredRule {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self, Error> {
        let modifies = wire.action == Action::Modify;
        let only_triggers = [Operation::Trigger].into_iter().collect();
        let problem = if modifies == wire.set.is_empty() {
            "has \"set\" if its action is modify, and only then"
        } else if modifies && wire.operations != only_triggers {
            "can modify the input of a trigger alone"
        } else {
            return Ok(Self { wire });
        };
        Err(Error::invalid(format!("rule {:?} {problem}", wire.name)))
    }
}

impl DeclaredRule {
    pub(super) fn spec(&self) -> RuleSpec {
        RuleSpec {
            name: self.wire.name.clone(),
            priority: self.wire.priority.unwrap_or(PRIORITY),
            operations: self.wire.operations,
        }
    }

    /// Judges an operation; what can't be judged is denied.
    pub(super) fn judge(&self, request: &PolicyRequest<'_>) -> Outcome {
        match self.applies(request) {
            Ok(false) => Outcome::Pass,
            Ok(true) => self.act(request),
            Err(Unfit { at, wanted }) => {
                Outcome::Deny(Some(format!("it can't be judged: at {at:?} is {wanted}")))
            }
        }
    }

    fn applies(&self, request: &PolicyRequest<'_>) -> Result<bool, Unfit<'_>> {
        let Wire { flows, users, tenants, .. } = &self.wire;
        let is_for = |names: &Option<Names>, name: Option<&str>| match (names, name) {
            (None, _) => true,
            (Some(names), Some(name)) => names.contains(name),
            (Some(_), None) => false,
        };
        let caller = request.caller;
        if !(is_for(flows, request.flow.map(AsRef::as_ref))
            && is_for(users, caller.user.as_ref().map(AsRef::as_ref))
            && is_for(tenants, caller.tenant.as_ref().map(AsRef::as_ref)))
        {
            return Ok(false);
        }
        for condition in &self.wire.when {
            if !condition.holds(request)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn act(&self, request: &PolicyRequest<'_>) -> Outcome {
        match self.wire.action {
            Action::Allow => Outcome::Settled,
            Action::Deny => Outcome::Deny(self.wire.reason.as_deref().map(super::book::one_line)),
            Action::Modify => {
                let mut input = request.input.clone();
                for (at, value) in &self.wire.set {
                    if at.set(&mut input, value.clone()).is_none() {
                        let message =
                            format!("it can't be applied: at {:?} is no room", at.as_str());
                        return Outcome::Deny(Some(message));
                    }
                }
                Outcome::Modify(input)
            }
        }
    }
}

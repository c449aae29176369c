//! `policy.rules`: what is judged case by case.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Any;
use super::Operation;

/// What is judged case by case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyRule {
    /// The name of the rule.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Lower is asked earlier; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: Option<i32>,
    /// What it judges.
    pub operations: Vec<Operation>,
    /// The flows that it is for; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flows: Option<Vec<String>>,
    /// The users that it is for; everybody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// The tenants that it is for; all and none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<String>>,
    /// What has to hold besides; all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<RuleCondition>,
    /// What it does then.
    pub action: RuleAction,
    /// Why, for those who are denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1_000))]
    pub reason: Option<String>,
    /// What `modify` puts into the input: JSON pointers and values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Any>,
}

/// What a rule does where it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// Spares the operation the later rules of the file.
    Allow,
    /// Refuses the operation.
    Deny,
    /// Changes the input of a trigger.
    Modify,
}

/// What has to hold of one value; all that is said of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RuleCondition {
    /// Where the value is in the input: a JSON pointer, empty for the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Where the value is in the metadata; in place of `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Whether it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
    /// It is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<Any>,
    /// It is not this, or not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_equals: Option<Any>,
    /// It is one of these.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Any>>,
    /// It is none of these, or not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_in: Option<Vec<Any>>,
    /// It is a text with this in it, or a list with this among its values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<Any>,
    /// It is a number above this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greater_than: Option<f64>,
    /// It is this number or one above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// It is a number below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub less_than: Option<f64>,
    /// It is this number or one below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
}

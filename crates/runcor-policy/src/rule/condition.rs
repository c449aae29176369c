//! Conditions: what a declared rule says of one value.

use runcor_core::PolicyRequest;
use serde::Deserialize;
use serde_json::Value;

use super::number::same;
use super::pointer::Pointer;
use crate::error::Error;

/// Something that has to hold of one value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Wire")]
pub(super) struct Condition {
    document: Document,
    at: Pointer,
    tests: Vec<Test>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Document {
    Input,
    Metadata,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Exists(bool),
    OneOf(Vec<Value>),
    NoneOf(Vec<Value>),
    Contains(Value),
    Number(Comparison, f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// A value is of a kind of which a condition can't be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit<'a> {
    pub(super) at: &'a str,
    pub(super) wanted: &'static str,
}

impl Condition {
    /// Returns whether it holds.
    pub(super) fn holds(&self, request: &PolicyRequest<'_>) -> Result<bool, Unfit<'_>> {
        let document = match self.document {
            Document::Input => Some(request.input),
            Document::Metadata => request.metadata,
        };
        let value = document.and_then(|document| self.at.find(document));
        for test in &self.tests {
            let unfit = |wanted| Unfit { at: self.at.as_str(), wanted };
            if !test.holds(value).map_err(unfit)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> Result<bool, &'static str> {
        let is_among =
            |list: &[Value]| value.is_some_and(|value| list.iter().any(|other| same(value, other)));
        match self {
            Self::Exists(wanted) => Ok(value.is_some() == *wanted),
            Self::OneOf(list) => Ok(is_among(list)),
            Self::NoneOf(list) => Ok(!is_among(list)),
            Self::Contains(part) => value.map_or(Ok(false), |value| contains(value, part)),
            Self::Number(comparison, other) => match value {
                None => Ok(false),
                Some(value) => {
                    let number = value.as_f64().ok_or("no number")?;
                    Ok(comparison.holds(number, *other))
                }
            },
        }
    }
}

fn contains(value: &Value, part: &Value) -> Result<bool, &'static str> {
    match (value, part) {
        (Value::String(text), Value::String(part)) => Ok(text.contains(part.as_str())),
        (Value::String(_), _) => Ok(false),
        (Value::Array(items), part) => Ok(items.iter().any(|item| same(item, part))),
        _ => Err("no text and no list"),
    }
}

impl Comparison {
    fn holds(self, number: f64, other: f64) -> bool {
        match self {
            Self::Above => number > other,
            Self::AtLeast => number >= other,
            Self::Below => number < other,
            Self::AtMost => number <= other,
        }
    }
}

/// A condition as configurations write it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    input: Option<Pointer>,
    metadata: Option<Pointer>,
    exists: Option<bool>,
    equals: Option<Value>,
    not_equals: Option<Value>,
    #[serde(rename = "in")]
    one_of: Option<Vec<Value>>,
    not_in: Option<Vec<Value>>,
    contains: Option<Value>,
    greater_than: Option<f64>,
    at_least: Option<f64>,
    less_than: Option<f64>,
    at_most: Option<f64>,
}

impl TryFrom<Wire> for Condition {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self, Error> {
        let (document, at) = match (wire.input, wire.metadata) {
            (Some(at), None) => (Document::Input, at),
            (None, Some(at)) => (Document::Metadata, at),
            _ => return Err(Error::invalid("a condition needs \"input\" or \"metadata\"")),
        };
        let compared = |comparison| move |number| Test::Number(comparison, number);
        let tests: Vec<_> = [
            wire.exists.map(Test::Exists),
            wire.equals.map(|value| Test::OneOf(vec![value])),
            wire.not_equals.map(|value| Test::NoneOf(vec![value])),
            wire.one_of.map(Test::OneOf),
            wire.not_in.map(Test::NoneOf),
            wire.contains.map(Test::Contains),
            wire.greater_than.map(compared(Comparison::Above)),
            wire.at_least.map(compared(Comparison::AtLeast)),
            wire.less_than.map(compared(Comparison::Below)),
            wire.at_most.map(compared(Comparison::AtMost)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if tests.is_empty() {
            let message = format!("the condition at {:?} says nothing of the value", at.as_str());
            return Err(Error::invalid(message));
        }
        Ok(Self { document, at, tests })
    }
}

//! Texts, numbers and truth values against their schema.

use serde_json::{Map, Number, Value};

use super::{mismatch, schema_type, suggest, type_in_words};
use crate::node::{Content, Node};
use crate::schema::words;

/// What is wrong with a value.
pub(super) struct Fault<'s> {
    pub(super) message: String,
    pub(super) suggestion: Option<&'s str>,
}

impl Fault<'_> {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), suggestion: None }
    }
}

/// Reads a node as the text, number or truth value that the schema wants.
pub(super) fn read<'s>(node: &Node, schema: &'s Map<String, Value>) -> Result<Value, Fault<'s>> {
    if let Some(words) = words(schema) {
        return word(node, &words);
    }
    match schema_type(schema) {
        "boolean" => flag(node),
        "integer" | "number" => number(node, schema),
        _ => text(node, schema),
    }
}

fn word<'s>(node: &Node, words: &[&'s str]) -> Result<Value, Fault<'s>> {
    let wanted = format!("one of {}", words.join(", "));
    let Some(text) = node.text() else { return Err(Fault::new(mismatch(node, &wanted))) };
    if words.contains(&text) {
        return Ok(Value::from(text));
    }
    let suggestion = match node.content {
        Content::Text(_) => suggest::nearest(text, words.iter().copied()),
        _ => None,
    };
    Err(Fault { message: format!("expected {wanted}"), suggestion })
}

fn flag(node: &Node) -> Result<Value, Fault<'static>> {
    if let Some(flag) = node.flag() {
        return Ok(Value::from(flag));
    }
    let suggestion = match &node.content {
        Content::Text(text) => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" => Some("true"),
            "no" | "off" => Some("false"),
            _ => None,
        },
        _ => None,
    };
    Err(Fault { message: mismatch(node, type_in_words("boolean")), suggestion })
}

fn number(node: &Node, schema: &Map<String, Value>) -> Result<Value, Fault<'static>> {
    let wanted = type_in_words(schema_type(schema));
    let is_whole = schema_type(schema) == "integer";
    let number = if is_whole { whole(node).map(Number::from) } else { any(node) };
    let number = number.ok_or_else(|| Fault::new(mismatch(node, wanted)))?;
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let value = number.as_f64().unwrap_or(0.0);
    if let Some(least) = bound("minimum").filter(|least| value < *least) {
        return Err(Fault::new(format!("must be at least {least}")));
    }
    if let Some(most) = bound("maximum").filter(|most| value > *most) {
        return Err(Fault::new(format!("must be at most {most}")));
    }
    Ok(Value::Number(number))
}

/// Numbers up to this size are exact as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn whole(node: &Node) -> Option<i64> {
    match &node.content {
        Content::Int(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range, as just checked")]
        Content::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
            Some(*number as i64)
        }
        Content::Filled(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn any(node: &Node) -> Option<Number> {
    match &node.content {
        Content::Int(number) => Some(Number::from(*number)),
        Content::Float(number) => Number::from_f64(*number),
        Content::Filled(text) => Number::from_f64(text.trim().parse().ok()?),
        _ => None,
    }
}

fn text(node: &Node, schema: &Map<String, Value>) -> Result<Value, Fault<'static>> {
    let Some(text) = node.text() else {
        let hint = match node.content {
            Content::Int(_) | Content::Float(_) | Content::Bool(_) => "; put it in quotes",
            _ => "",
        };
        return Err(Fault::new(mismatch(node, type_in_words("string")) + hint));
    };
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    if bound("minLength").is_some_and(|least| length < least) {
        return Err(Fault::new("must not be empty; give a value or remove the key"));
    }
    if let Some(most) = bound("maxLength").filter(|most| length > *most) {
        return Err(Fault::new(format!("must have at most {most} characters")));
    }
    Ok(Value::from(text))
}

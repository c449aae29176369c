//! The texts of content: strings anywhere in lists and objects.

use runcor_core::{GuardPhase, Result};
use serde_json::{Map, Value};

/// Looks at texts and may change them.
pub(super) trait Texts {
    /// Whether whole numbers are looked at like texts.
    const NUMBERS: bool = false;

    /// Returns whether there is anything about a text, so that most are not copied.
    fn concerns(&self, text: &str) -> bool;

    /// Looks at a text, and may change it.
    fn text(&mut self, text: &mut String) -> Result<()>;

    /// Returns whether texts are looked at that the application has written itself.
    fn wants_trusted(&self) -> bool {
        true
    }
}

/// What the parts of a value are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Anything; names of fields are texts like others.
    Free,
    /// What a model is asked.
    Request,
    /// What a model has answered.
    Answer,
    /// Turns of a conversation, or one.
    Message,
    /// Calls of tools, or one.
    Call,
}

/// Has `texts` look at every text of content.
///
/// In requests and answers of models, names and identities that belong to the
/// protocol are left alone.
pub(super) fn visit(phase: GuardPhase, content: &mut Value, texts: &mut impl Texts) -> Result<()> {
    let part = match phase {
        GuardPhase::ModelRequest => Part::Request,
        GuardPhase::ModelResponse => Part::Answer,
        _ => Part::Free,
    };
    walk(part, content, texts)
}

fn walk<T: Texts>(part: Part, value: &mut Value, texts: &mut T) -> Result<()> {
    match value {
        Value::String(text) => texts.text(text),
        Value::Number(number) if T::NUMBERS && !number.is_f64() => {
            let mut text = number.to_string();
            if texts.concerns(&text) {
                let before = text.clone();
                texts.text(&mut text)?;
                if text != before {
                    *value = Value::String(text);
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| walk(part, item, texts)),
        Value::Object(fields) => walk_fields(part, fields, texts),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn walk_fields<T: Texts>(part: Part, fields: &mut Map<String, Value>, texts: &mut T) -> Result<()> {
    if part == Part::Message && is_trusted(fields) && !texts.wants_trusted() {
        return Ok(());
    }
    for (name, value) in fields.iter_mut() {
        let Some(part) = part_of(part, name, texts.wants_trusted()) else { continue };
        walk(part, value, texts)?;
    }
    let are_names_texts = part == Part::Free && fields.keys().any(|name| texts.concerns(name));
    if are_names_texts { rename(fields, texts) } else { Ok(()) }
}

/// Returns what a field is; `None` for one that belongs to the protocol.
fn part_of(part: Part, name: &str, wants_trusted: bool) -> Option<Part> {
    match (part, name) {
        (Part::Request, "systemPrompt") => wants_trusted.then_some(Part::Free),
        (Part::Request, "messages") => Some(Part::Message),
        (Part::Answer | Part::Message, "toolCalls") => Some(Part::Call),
        (Part::Message, "role" | "toolCallId" | "toolName") | (Part::Call, "id" | "name") => None,
        _ => Some(Part::Free),
    }
}

fn is_trusted(message: &Map<String, Value>) -> bool {
    let role = message.get("role").and_then(Value::as_str);
    matches!(role, Some("system" | "assistant"))
}

/// Changes names of fields, none of which is lost over it.
fn rename(fields: &mut Map<String, Value>, texts: &mut impl Texts) -> Result<()> {
    for (mut name, value) in std::mem::take(fields) {
        texts.text(&mut name)?;
        let mut unique = name.clone();
        let mut count = 1;
        while fields.contains_key(&unique) {
            count += 1;
            unique = format!("{name} {count}");
        }
        fields.insert(unique, value);
    }
    Ok(())
}

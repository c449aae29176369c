//! Memory steps: looks into memories and changes of them, each done once.

use runcor_core::{ErrorCode, FlowError, FlowMemory};
use serde_json::{Number, Value, json};

use super::driver::Run;
use super::record::StepRecord;
use crate::expression::Mapping;
use crate::spec::{MemoryAct, MemoryScope, MemorySpec};

/// The most entries that a step lists.
const MAX_LISTED: usize = 100;

impl Run<'_> {
    pub(crate) async fn memory(
        self,
        name: &str,
        spec: &MemorySpec,
        document: &Value,
    ) -> Result<StepRecord, FlowError> {
        let key = match &spec.act {
            // Every key begins with nothing.
            MemoryAct::List => prefix_of(&spec.key, document)?,
            _ => key_of(&spec.key, document)?,
        };
        let memories = self.ctx.memory();
        let memory = match spec.scope {
            MemoryScope::Tool => memories.tool(),
            MemoryScope::User => memories.user()?,
            MemoryScope::Session => memories.session(),
        };
        let memory = memory.named(name);
        let output = match &spec.act {
            MemoryAct::Get => memory.get(&key).await?.unwrap_or_default(),
            MemoryAct::Set { value, ttl } => {
                let value = value.resolve(document).unwrap_or_default();
                let memory = memory.request(json!([value, ttl]));
                memory.set_for(&key, value, ttl.unwrap_or_default()).await?;
                Value::Null
            }
            MemoryAct::Delete => {
                memory.delete(&key).await?;
                Value::Null
            }
            MemoryAct::List => self.list(name, spec.scope, memory, key).await?,
            MemoryAct::Add(by) => add(memory, &key, amount(by.as_ref(), document)?).await?,
            MemoryAct::Append { value, keep } => {
                let value = value.resolve(document).unwrap_or_default();
                append(memory, &key, value, *keep).await?
            }
        };
        Ok(StepRecord::plain(output))
    }

    /// Lists once: what core lists is no part of the journal, so a step keeps it.
    async fn list(
        self,
        name: &str,
        scope: MemoryScope,
        memory: FlowMemory,
        prefix: String,
    ) -> Result<Value, FlowError> {
        let asked = json!(["list", scope.as_str(), prefix]);
        let step = self.ctx.describe_step(name).request(&asked);
        step.run(|_| async move {
            let page = memory.list(&prefix, None, MAX_LISTED).await?;
            let entry =
                |entry: runcor_core::MemoryEntry| json!({ "key": entry.key, "value": entry.value });
            Ok(page.items.into_iter().map(entry).collect())
        })
        .await
    }
}

async fn add(memory: FlowMemory, key: &str, by: Number) -> Result<Value, FlowError> {
    let memory = memory.request(json!(by));
    let change = move |before: Option<Number>| sum(&before.unwrap_or_else(|| 0.into()), &by);
    Ok(memory.update_as(key, change).await?.map_or(Value::Null, Value::Number))
}

async fn append(
    memory: FlowMemory,
    key: &str,
    value: Value,
    keep: Option<usize>,
) -> Result<Value, FlowError> {
    let memory = memory.request(json!([value, keep]));
    let change = move |before: Option<Vec<Value>>| {
        let mut items = before.unwrap_or_default();
        items.push(value.clone());
        let surplus = keep.map_or(0, |keep| items.len().saturating_sub(keep));
        items.drain(..surplus);
        Some(items)
    };
    Ok(memory.update_as(key, change).await?.map_or(Value::Null, Value::Array))
}

/// Adds whole numbers exactly, and others, or too large ones, as floating ones.
fn sum(left: &Number, right: &Number) -> Option<Number> {
    let whole = left.as_i64().zip(right.as_i64()).and_then(|(left, right)| left.checked_add(right));
    match whole {
        Some(whole) => Some(whole.into()),
        None => {
            let sum = left.as_f64().zip(right.as_f64()).and_then(|(l, r)| Number::from_f64(l + r));
            // Nothing would remove the number; what has no sum stays as it was.
            sum.or_else(|| Some(left.clone()))
        }
    }
}

fn amount(by: Option<&Mapping>, document: &Value) -> Result<Number, FlowError> {
    match by.map(|by| by.resolve(document)) {
        None => Ok(1.into()),
        Some(Some(Value::Number(by))) => Ok(by),
        Some(_) => Err(failed("by must lead to a number")),
    }
}

/// Works out a key; the parts of a list are joined by colons.
fn key_of(key: &Mapping, document: &Value) -> Result<String, FlowError> {
    match key.resolve(document) {
        Some(Value::Array(parts)) => {
            let parts: Result<Vec<_>, _> = parts.into_iter().map(|part| text(Some(part))).collect();
            Ok(parts?.join(":"))
        }
        value => text(value),
    }
}

fn prefix_of(key: &Mapping, document: &Value) -> Result<String, FlowError> {
    match key.resolve(document) {
        Some(Value::String(text)) if text.is_empty() => Ok(text),
        _ => key_of(key, document),
    }
}

fn text(value: Option<Value>) -> Result<String, FlowError> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(failed("each part of a memory's key must lead to a text or a number")),
    }
}

fn failed(message: &str) -> FlowError {
    FlowError::new(ErrorCode::StepFailed, message)
}

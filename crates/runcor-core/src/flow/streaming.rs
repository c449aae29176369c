//! Guardrails around model calls of a flow, whole and in pieces.

mod pieces;

use serde_json::{Map, Value, json};

use self::pieces::GuardedPieces;
use super::context::FlowContext;
use crate::cost::Caller;
use crate::error::{Error, ErrorCode, Result};
use crate::guard::{Guard, GuardPhase, GuardScope};
use crate::model::{ModelRequest, ModelResponse, ModelStream};
use crate::policy::{Operation, PolicyRequest};

impl FlowContext {
    /// Returns the guard of a phase, where one looks at it.
    fn guard_of(&self, phase: GuardPhase) -> Option<(&dyn Guard, GuardScope)> {
        let guard = self.governance().guard.as_deref()?;
        let scope = GuardScope::of(self.spec());
        guard.watches(phase, &scope).then_some((guard, scope))
    }

    /// Returns content as guardrails let it go on.
    pub(crate) async fn guarded(&self, phase: GuardPhase, content: Value) -> Result<Value> {
        match self.guard_of(phase) {
            Some((guard, scope)) => guard.check(phase, content, &scope).await,
            None => Ok(content),
        }
    }

    /// Returns a request as guardrails let it go to a model: its texts, nothing else.
    pub(crate) async fn guarded_request(&self, mut request: ModelRequest) -> Result<ModelRequest> {
        let phase = GuardPhase::ModelRequest;
        let Some((guard, scope)) = self.guard_of(phase) else { return Ok(request) };
        let texts = json!({
            "prompt": request.prompt.take(),
            "systemPrompt": request.system_prompt.take(),
            "messages": std::mem::take(&mut request.messages),
        });
        let mut checked = Checked(guard.check(phase, texts, &scope).await?, phase);
        request.prompt = checked.text("prompt");
        request.system_prompt = checked.text("systemPrompt");
        request.messages = checked.list("messages")?;
        Ok(request)
    }

    /// Returns an answer as guardrails let it go to the flow: its text, its tool
    /// calls and what was made of its text.
    pub(crate) async fn guarded_response(
        &self,
        mut answer: ModelResponse,
    ) -> Result<ModelResponse> {
        let phase = GuardPhase::ModelResponse;
        let Some((guard, scope)) = self.guard_of(phase) else { return Ok(answer) };
        let content = content_of(&mut answer);
        let checked = guard.check(phase, content, &scope).await?;
        with_content(answer, checked)
    }

    /// Returns an answer in pieces as guardrails let it go to the flow.
    pub(crate) fn guarded_stream(&self, pieces: ModelStream) -> ModelStream {
        let Some((guard, scope)) = self.guard_of(GuardPhase::ModelResponse) else { return pieces };
        let window = guard.stream(&scope);
        Box::pin(GuardedPieces::new(self.clone(), pieces, window))
    }

    /// Asks whether the flow may call a tool.
    pub(crate) async fn check_tool_call(&self, tool: &str, arguments: &Value) -> Result<()> {
        let Some(policy) = &self.governance().policy else { return Ok(()) };
        let (caller, metadata) = (Caller::of(self.spec()), json!({ "tool": tool }));
        let request = PolicyRequest {
            operation: Operation::CallTool,
            flow: Some(&self.spec().flow),
            caller: &caller,
            input: arguments,
            execution: Some(self.execution_id()),
            metadata: Some(&metadata),
            now: self.now(),
        };
        policy.admit(&request).await.map(drop)
    }
}

/// Takes what guardrails look at out of an answer: the text alone, or with
/// whatever else there is.
fn content_of(answer: &mut ModelResponse) -> Value {
    let text = std::mem::take(&mut answer.text);
    if answer.tool_calls.is_empty() && answer.parsed.is_none() {
        return Value::String(text);
    }
    let mut content = Map::new();
    content.insert("text".to_owned(), Value::String(text));
    content.insert("toolCalls".to_owned(), json!(std::mem::take(&mut answer.tool_calls)));
    if let Some(parsed) = answer.parsed.take() {
        content.insert("parsed".to_owned(), parsed);
    }
    Value::Object(content)
}

/// Puts back what [`content_of`] took.
fn with_content(mut answer: ModelResponse, content: Value) -> Result<ModelResponse> {
    let Value::Object(fields) = content else {
        answer.text = text_of(content).unwrap_or_default();
        return Ok(answer);
    };
    let is_parsed = fields.contains_key("parsed");
    let mut checked = Checked(Value::Object(fields), GuardPhase::ModelResponse);
    answer.text = checked.text("text").unwrap_or_default();
    answer.tool_calls = checked.list("toolCalls")?;
    answer.parsed = is_parsed.then(|| checked.field("parsed"));
    Ok(answer)
}

/// What guardrails made of content that had fields.
///
/// A field that they took away is gone: it is never taken from what they were shown.
struct Checked(Value, GuardPhase);

impl Checked {
    fn field(&mut self, name: &str) -> Value {
        self.0.get_mut(name).map(Value::take).unwrap_or_default()
    }

    fn text(&mut self, name: &str) -> Option<String> {
        text_of(self.field(name))
    }

    fn list<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Result<Vec<T>> {
        let list = self.field(name);
        if list.is_null() {
            return Ok(Vec::new());
        }
        // The parser's own words would repeat the content.
        serde_json::from_value(list).map_err(|_| {
            let phase = self.1.as_str();
            let message = format!("a guardrail made something else of {name:?} in {phase}");
            Error::new(ErrorCode::GuardrailBlocked, message)
        })
    }
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

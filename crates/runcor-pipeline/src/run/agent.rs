//! Agent steps: one model call.

use runcor_core::{
    ErrorCode, FlowError, ModelRequest, ModelResponse, ModelService, ResponseFormat,
};
use serde_json::{Value, json};

use super::record::StepRecord;
use crate::spec::AgentSpec;

/// Asks the model once and makes a record of its answer.
pub(crate) async fn ask(
    models: &dyn ModelService,
    agent: &AgentSpec,
    default_model: Option<&str>,
    input: &Value,
) -> Result<StepRecord, FlowError> {
    let answer = models.complete(request(agent, default_model, input)).await?;
    record(agent, answer)
}

fn request(agent: &AgentSpec, default_model: Option<&str>, input: &Value) -> ModelRequest {
    let words = match input {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut request = ModelRequest::prompt(words);
    request.system_prompt.clone_from(&agent.preamble);
    request.model = agent.model.as_deref().or(default_model).map(str::to_owned);
    request.max_tokens = agent.max_tokens;
    request.temperature = agent.temperature;
    request.provider.clone_from(&agent.provider);
    request.strategy = agent.strategy;
    if let Some(schema) = &agent.output_schema {
        request.response_format = ResponseFormat::Schema(schema.clone());
    }
    request
}

/// With a schema the parsed answer is the output, without one `{"text": …}`.
fn record(agent: &AgentSpec, mut answer: ModelResponse) -> Result<StepRecord, FlowError> {
    let output = match agent.output_schema {
        Some(_) => answer.parsed.take().ok_or_else(|| {
            let message = "the model's answer was not checked against output_schema";
            FlowError::new(ErrorCode::ValidationFailed, message)
        })?,
        None => json!({ "text": std::mem::take(&mut answer.text) }),
    };
    Ok(StepRecord::of_answer(output, answer))
}

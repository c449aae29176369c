//! What the fuzz targets see of Anthropic.

use runcor_core::{ModelRequest, ModelResponse, ResponseFormat};
use serde_json::{Value, json};

use super::config::StructuredOutput;
use super::request::body;
use super::response;
use super::stream::EventDecoder;
use super::structured::Structured;
use crate::fuzzing::{agree, asked};
use crate::http::Fault;
use crate::wire::Asked;

pub(crate) fn stream(data: &[u8]) {
    for structured in [free, in_a_tool, wrapped] {
        agree(data, || EventDecoder::new(asked(), structured()));
    }
}

pub(crate) fn answer(body: &Value) -> Result<ModelResponse, Fault> {
    let asked = asked();
    for structured in [in_a_tool(), wrapped()] {
        // Whether it is an answer of that form does not matter.
        let _ = response::answer(body, &asked, &structured);
    }
    response::answer(body, &asked, &free()).map(|answer| answer.into_response(&asked))
}

pub(crate) fn bodies(request: &ModelRequest) -> Vec<Value> {
    let model = request.model.as_deref().unwrap_or("m");
    let asked = Asked::new(&"anthropic".into(), model, request);
    [StructuredOutput::Auto, StructuredOutput::Tool, StructuredOutput::Native]
        .map(|way| body(request, &asked, &Structured::of(request, model, way), true))
        .to_vec()
}

fn free() -> Structured {
    Structured::No
}

fn in_a_tool() -> Structured {
    held_to(json!({ "type": "object" }))
}

fn wrapped() -> Structured {
    held_to(json!({ "type": "array" }))
}

fn held_to(schema: Value) -> Structured {
    let request = ModelRequest::prompt("x").with_response_format(ResponseFormat::Schema(schema));
    Structured::of(&request, "m", StructuredOutput::Tool)
}

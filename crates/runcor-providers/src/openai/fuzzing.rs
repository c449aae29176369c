//! What the fuzz targets see of OpenAI.

use runcor_core::{ModelRequest, ModelResponse};
use serde_json::Value;

use super::request::{Dialect, body};
use super::response;
use super::stream::ChunkDecoder;
use crate::fuzzing::{agree, asked};
use crate::http::Fault;
use crate::wire::Asked;

pub(crate) fn stream(data: &[u8]) {
    agree(data, || ChunkDecoder::new(asked()));
}

pub(crate) fn answer(body: &Value) -> Result<ModelResponse, Fault> {
    let asked = asked();
    response::answer(body, &asked).map(|answer| answer.into_response(&asked))
}

pub(crate) fn bodies(request: &ModelRequest) -> Vec<Value> {
    let asked = Asked::new(&"openai".into(), request.model.as_deref().unwrap_or("m"), request);
    let dialect = |is_openai| Dialect { new_field: is_openai, is_openai, reasoning_effort: None };
    vec![body(request, &asked, &dialect(true), false), body(request, &asked, &dialect(false), true)]
}

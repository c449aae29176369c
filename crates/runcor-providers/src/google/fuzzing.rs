//! What the fuzz targets see of Google.

use runcor_core::{ModelRequest, ModelResponse};
use serde_json::Value;

use super::request::body;
use super::response;
use super::stream::ContentDecoder;
use crate::fuzzing::{agree, asked};
use crate::http::Fault;
use crate::wire::Asked;

pub(crate) fn stream(data: &[u8]) {
    agree(data, || ContentDecoder::new(asked()));
}

pub(crate) fn answer(body: &Value) -> Result<ModelResponse, Fault> {
    let asked = asked();
    response::answer(body, &asked).map(|answer| answer.into_response(&asked))
}

pub(crate) fn bodies(request: &ModelRequest) -> Vec<Value> {
    ["gemini-2.5-flash", "gemini-3.5-flash"]
        .map(|model| body(request, &Asked::new(&"google".into(), model, request), Some("low")))
        .to_vec()
}

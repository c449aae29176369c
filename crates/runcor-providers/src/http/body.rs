//! Reads a whole body, within bounds.

use reqwest::Response;
use serde_json::Value;

use super::classify::from_error_object;
use super::fault::Fault;

/// The most bytes that a whole answer may have.
pub(crate) const MAX_BODY: usize = 16 << 20;

/// Reads a JSON object; an error object in a success's clothes is an error.
pub(crate) async fn read_json(response: Response) -> Result<Value, Fault> {
    json_object(&read(response, MAX_BODY).await?)
}

/// Makes sense of a whole body.
pub(crate) fn json_object(bytes: &[u8]) -> Result<Value, Fault> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|_| Fault::malformed("the answer is not JSON; is baseUrl the API's address?"))?;
    match value.get("error") {
        Some(error) if !error.is_null() => Err(from_error_object(error)),
        _ if value.is_object() => Ok(value),
        _ => Err(Fault::malformed("the answer is not a JSON object")),
    }
}

/// Reads at most `limit` bytes; more is an error.
async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(Fault::transport)? {
        if bytes.len() + piece.len() > limit {
            return Err(Fault::too_large(limit));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Reads the beginning of an error's body, whatever happens on the way.
pub(crate) async fn read_beginning(mut response: Response, enough: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        bytes.extend_from_slice(&piece);
        if bytes.len() >= enough {
            bytes.truncate(enough);
            break;
        }
    }
    bytes
}

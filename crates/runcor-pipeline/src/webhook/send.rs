//! One attempt of a webhook.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use runcor_core::{Clock, Error, ErrorCode, FlowError};
use serde_json::Value;

use super::answer::{ERROR_BODY_BYTES, failure, output};
use super::http::SafeHttp;
use super::policy::Refused;
use super::retry_after;
use crate::spec::WebhookSpec;

/// The largest answer that is read, in bytes after decompression.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Whether an attempt has failed before anything was sent.
#[derive(Debug, Default)]
pub(crate) struct Unsent(AtomicBool);

impl Unsent {
    fn note(&self, is_unsent: bool) {
        self.0.store(is_unsent, Ordering::Relaxed);
    }

    /// Returns whether nobody can have received anything.
    pub(crate) fn is_certain(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Posts `input` once and returns what came back; `unsent` tells of a failure
/// that came before anything was sent.
///
/// Neither the path of the address nor a header ever stands in an error: both
/// may be secrets.
pub(crate) async fn post(
    http: &SafeHttp,
    webhook: &WebhookSpec,
    input: &Value,
    key: &str,
    clock: &dyn Clock,
    unsent: &Unsent,
) -> Result<Value, FlowError> {
    http.vet(&webhook.url).map_err(Error::from)?;
    let answer = http
        .client()
        .post(webhook.url.clone())
        .headers(webhook.headers.clone())
        .header(CONTENT_TYPE, "application/json")
        .header("idempotency-key", key)
        .body(input.to_string())
        .send()
        .await
        .map_err(|error| {
            unsent.note(error.is_connect());
            unreachable(webhook, &error)
        })?;
    let status = answer.status();
    if !status.is_success() {
        let delay = asked_delay(&answer, clock);
        // A body that breaks off does not change what the status says.
        let body = read(answer, ERROR_BODY_BYTES).await.unwrap_or_default();
        return Err(failure(status, &body, delay));
    }
    let body =
        read(answer, MAX_BODY_BYTES + 1).await.map_err(|error| unreachable(webhook, &error))?;
    if body.len() > MAX_BODY_BYTES {
        let message = "the webhook answered with more than 1 MiB";
        return Err(FlowError::new(ErrorCode::WebhookFailed, message));
    }
    Ok(output(&body))
}

fn asked_delay(answer: &Response, clock: &dyn Clock) -> Option<std::time::Duration> {
    let header = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    retry_after::delay(header, clock.now())
}

/// Reads up to `limit` bytes of the body.
async fn read(mut answer: Response, limit: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        let room = limit.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() >= limit {
            break;
        }
    }
    Ok(body)
}

/// Tells apart an address that was refused from a network that failed.
fn unreachable(webhook: &WebhookSpec, error: &reqwest::Error) -> FlowError {
    let mut cause: &dyn StdError = error;
    loop {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return Error::from(refused.clone()).into();
        }
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    let host = webhook.url.host_str().unwrap_or("the webhook");
    // The innermost cause tells what happened and never repeats the address.
    let message = format!("can't reach {host}: {cause}");
    Error::new(ErrorCode::WebhookFailed, message).retryable(None).into()
}

//! What a webhook's answer means.

use std::time::Duration;

use reqwest::StatusCode;
use runcor_core::{Error, ErrorCode, FlowError};
use serde_json::{Value, json};

/// How much of an answer's body is told in an error.
pub(crate) const ERROR_BODY_BYTES: usize = 2048;

/// Makes the output of the body of a successful answer.
pub(crate) fn output(body: &[u8]) -> Value {
    if body.trim_ascii().is_empty() {
        return json!({});
    }
    serde_json::from_slice(body)
        .unwrap_or_else(|_| json!({ "text": String::from_utf8_lossy(body) }))
}

/// Returns whether an answer may be different next time.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Makes the error of an unsuccessful answer.
pub(crate) fn failure(status: StatusCode, body: &[u8], delay: Option<Duration>) -> FlowError {
    let body = body.get(..ERROR_BODY_BYTES).unwrap_or(body);
    let text = one_line(&String::from_utf8_lossy(body));
    let mut message = format!("the webhook answered {}", status.as_u16());
    if status.is_redirection() {
        message.push_str(", and redirects are not followed");
    }
    if !text.is_empty() {
        message = format!("{message}: {text}");
    }
    let error = Error::new(ErrorCode::WebhookFailed, message);
    if may_pass(status) { error.retryable(delay).into() } else { error.into() }
}

fn one_line(text: &str) -> String {
    let visible = |char: char| if char.is_control() { ' ' } else { char };
    text.chars().map(visible).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use runcor_core::Retry;

    use super::*;

    #[test]
    fn json_text_and_nothing_become_outputs() {
        assert_eq!(output(b"{\"a\":1}"), json!({ "a": 1 }));
        assert_eq!(output(b"[1]"), json!([1]));
        assert_eq!(output(b"ok"), json!({ "text": "ok" }));
        assert_eq!(output(b""), json!({}));
        assert_eq!(output(b" \r\n"), json!({}));
        assert_eq!(output(b"\xff"), json!({ "text": "\u{fffd}" }));
        let deep = "[".repeat(100_000);
        assert_eq!(output(deep.as_bytes()), json!({ "text": deep }));
    }

    #[test]
    fn an_error_tells_status_and_the_beginning_of_the_body_on_one_line() {
        let error = failure(StatusCode::NOT_FOUND, b"no\nsuch\thook", None);
        assert_eq!(error.message(), "the webhook answered 404: no such hook");
        assert_eq!((error.code(), error.retry()), (Some("WEBHOOK_FAILED"), Retry::Never));
        let long = failure(StatusCode::BAD_REQUEST, &[b'x'; 9000], None);
        assert!(long.message().len() < 2200);
    }

    #[test]
    fn only_answers_that_may_change_are_retried() {
        for (status, retried) in [
            (408, true),
            (429, true),
            (500, true),
            (503, true),
            (301, false),
            (400, false),
            (401, false),
            (404, false),
            (410, false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(may_pass(status), retried, "{status}");
        }
    }
}

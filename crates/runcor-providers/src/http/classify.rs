//! Sorts a vendor's failures into the kinds that the router acts on.

use reqwest::StatusCode;
use runcor_core::ProviderErrorKind as Kind;
use serde_json::Value;

use super::fault::Fault;
use super::retry_after;

/// The kind of failure that an HTTP status means.
pub(crate) fn from_status(status: u16) -> Kind {
    match status {
        429 => Kind::RateLimited,
        408 => Kind::Timeout,
        401 | 403 => Kind::Auth,
        500.. => Kind::Unavailable,
        _ => Kind::Rejected,
    }
}

/// The kind of failure that a vendor's own word means.
fn from_word(word: &str) -> Option<Kind> {
    Some(match word {
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "insufficient_quota"
        | "RESOURCE_EXHAUSTED" => Kind::RateLimited,
        "overloaded_error"
        | "overloaded"
        | "api_error"
        | "server_error"
        | "internal_server_error"
        | "service_unavailable"
        | "UNAVAILABLE"
        | "INTERNAL" => Kind::Unavailable,
        "timeout_error" | "DEADLINE_EXCEEDED" => Kind::Timeout,
        "authentication_error"
        | "permission_error"
        | "invalid_api_key"
        | "UNAUTHENTICATED"
        | "PERMISSION_DENIED" => Kind::Auth,
        "invalid_request_error"
        | "not_found_error"
        | "request_too_large"
        | "billing_error"
        | "INVALID_ARGUMENT"
        | "FAILED_PRECONDITION"
        | "NOT_FOUND" => Kind::Rejected,
        _ => return None,
    })
}

/// Makes a fault of a response whose status is not a success.
pub(crate) fn from_response(status: StatusCode, body: &[u8]) -> Fault {
    let code = status.as_u16();
    let error = error_object(body);
    let said = error.as_ref().map_or_else(|| plain_text(body), message);
    let mut kind = from_status(code);
    // Google answers 400 to a key it does not know.
    if code == 400 && said.to_ascii_lowercase().contains("api key") {
        kind = Kind::Auth;
    }
    let mut fault = Fault::new(kind, explained(status, &said));
    fault.status = Some(code);
    fault.retry_after = error.as_ref().and_then(retry_after::from_details);
    fault
}

fn explained(status: StatusCode, said: &str) -> String {
    let reason = status.canonical_reason().unwrap_or("error");
    match said {
        "" if status.is_redirection() => {
            format!("HTTP {} {reason}: redirects are not followed; check baseUrl", status.as_u16())
        }
        "" => format!("HTTP {} {reason}", status.as_u16()),
        said => format!("HTTP {}: {said}", status.as_u16()),
    }
}

/// Makes a fault of an error that came where an answer was due: in a success's
/// body, or in a stream.
pub(crate) fn from_error_object(error: &Value) -> Fault {
    let word = |field: &str| error.get(field)?.as_str().and_then(from_word);
    let number = error.get("code").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
    let kind = word("type")
        .or_else(|| word("code"))
        .or_else(|| word("status"))
        .or_else(|| number.filter(|code| *code >= 400).map(from_status))
        .unwrap_or(Kind::Unavailable);
    let said = message(error);
    let said = if said.is_empty() { "no message".to_owned() } else { said };
    let mut fault = Fault::new(kind, format!("the vendor reports an error: {said}"));
    fault.status = number.filter(|code| (400..600).contains(code));
    fault.retry_after = retry_after::from_details(error);
    fault
}

fn error_object(body: &[u8]) -> Option<Value> {
    let mut body = serde_json::from_slice::<Value>(body).ok()?;
    // Google wraps the errors of streams into an array.
    let inner = body.get_mut(0).map(Value::take).unwrap_or(body);
    match inner {
        Value::Object(mut fields) => fields.remove("error").or(Some(Value::Object(fields))),
        _ => None,
    }
}

fn message(error: &Value) -> String {
    let text = error.get("message").or_else(|| error.get("detail")).unwrap_or(error);
    text.as_str().unwrap_or_default().to_owned()
}

/// A proxy's page is of no use to anybody, its plain text is.
fn plain_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('<') { String::new() } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(status: u16, body: &Value) -> Fault {
        from_response(StatusCode::from_u16(status).unwrap(), body.to_string().as_bytes())
    }

    #[test]
    fn each_status_has_its_kind() {
        for (status, kind) in [
            (400, Kind::Rejected),
            (401, Kind::Auth),
            (403, Kind::Auth),
            (404, Kind::Rejected),
            (408, Kind::Timeout),
            (413, Kind::Rejected),
            (429, Kind::RateLimited),
            (500, Kind::Unavailable),
            (503, Kind::Unavailable),
            (529, Kind::Unavailable),
        ] {
            assert_eq!(from_status(status), kind, "{status}");
        }
    }

    #[test]
    fn the_vendors_message_is_found_in_each_shape() {
        for body in [
            json!({ "error": { "message": "too many" } }),
            json!({ "type": "error", "error": { "type": "rate_limit_error", "message": "too many" } }),
            json!([{ "error": { "message": "too many" } }]),
            json!({ "error": "too many" }),
            json!({ "message": "too many" }),
            json!({ "detail": "too many" }),
        ] {
            assert_eq!(fault(429, &body).message, "HTTP 429: too many");
        }
        let page = from_response(StatusCode::BAD_GATEWAY, b"<html>oops</html>");
        assert_eq!(page.message, "HTTP 502 Bad Gateway");
    }

    #[test]
    fn googles_unknown_key_is_an_auth_error() {
        let body = json!({ "error": { "code": 400, "message": "API key not valid." } });
        assert_eq!(fault(400, &body).kind, Kind::Auth);
    }

    #[test]
    fn an_error_without_a_status_is_sorted_by_its_words() {
        let kind = |error: Value| from_error_object(&error).kind;
        assert_eq!(kind(json!({ "type": "overloaded_error", "message": "x" })), Kind::Unavailable);
        assert_eq!(kind(json!({ "status": "RESOURCE_EXHAUSTED" })), Kind::RateLimited);
        assert_eq!(kind(json!({ "code": 401, "message": "x" })), Kind::Auth);
        assert_eq!(kind(json!("just words")), Kind::Unavailable);
    }
}

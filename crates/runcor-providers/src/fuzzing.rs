//! Fuzz targets: what holds for every input, however strange. No part of the API.
//!
//! `cargo xtask fuzz` looks for inputs that break them; the tests below run them
//! over the inputs that are kept in `tests/fuzz`.

mod connection;
mod conversation;
mod events;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use runcor_core::{ModelRequest, Timestamp};

use self::connection::{HTTP, KEY};
use crate::http::{Fault, error_answer, json_object, retry_wish};
use crate::{anthropic, google, openai};

pub(crate) use self::connection::asked;
pub(crate) use self::events::agree;

/// A stream of events is the same however the network cuts it.
pub fn event_stream(data: &[u8]) {
    agree(data, events::Texts::default);
}

/// The same for OpenAI's events, and the chunks add up to the answer.
pub fn openai_stream(data: &[u8]) {
    openai::fuzzing::stream(data);
}

/// The same for Anthropic's events.
pub fn anthropic_stream(data: &[u8]) {
    anthropic::fuzzing::stream(data);
}

/// The same for Google's events.
pub fn google_stream(data: &[u8]) {
    google::fuzzing::stream(data);
}

/// The body of a success is an answer that can be answered in turn, or an error.
pub fn answer(data: &[u8]) {
    let body = match json_object(data) {
        Ok(body) => body,
        Err(fault) => return shows_no_key(&fault),
    };
    let answers = [
        openai::fuzzing::answer(&body),
        anthropic::fuzzing::answer(&body),
        google::fuzzing::answer(&body),
    ];
    for answer in answers {
        match answer {
            Ok(response) => conversation::goes_on(&response),
            Err(fault) => shows_no_key(&fault),
        }
    }
}

/// A status, a wish to wait and a body, a line each, make an error that shows no key.
pub fn failure(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (status, wish, body) = (line(), line(), line());
    let status = str::from_utf8(status).ok().and_then(|text| text.parse().ok());
    let status = status.and_then(|code| StatusCode::from_u16(code).ok());
    shows_no_key(&error_answer(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body));

    let Ok(wish) = HeaderValue::from_bytes(wish) else { return };
    let headers = HeaderMap::from_iter([(RETRY_AFTER, wish)]);
    let wish = retry_wish(&headers, Timestamp::from_millis(1_445_412_400_000));
    assert!(wish.is_none_or(|wish| wish.as_secs() <= 24 * 3600), "{wish:?}");
}

/// Any request can be written for every vendor, and what its names become can be undone.
pub fn request(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (text, instance) = text.split_once('\n').unwrap_or((text, "null"));
    let Ok(request) = serde_json::from_str::<ModelRequest>(text) else { return };
    conversation::can_be_written(&request);
    if let Ok(instance) = serde_json::from_str(instance) {
        conversation::closing_allows_no_more(&request.response_format, &instance);
    }
}

/// Whatever a vendor says, the error has one short line and no credentials.
fn shows_no_key(fault: &Fault) {
    let shown = HTTP.fail(fault).message;
    assert!(!shown.contains(KEY), "{shown}");
    assert!(shown.len() <= 2048 + '…'.len_utf8() && shown.lines().count() <= 1, "{shown:?}");
}

#[cfg(test)]
mod tests {
    use runcor_testkit::replay_inputs;

    const INPUTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz");

    #[test]
    fn event_streams_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/event_stream"), super::event_stream);
    }

    #[test]
    fn streams_of_openai_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/openai_stream"), super::openai_stream);
    }

    #[test]
    fn streams_of_anthropic_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/anthropic_stream"), super::anthropic_stream);
    }

    #[test]
    fn streams_of_google_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/google_stream"), super::google_stream);
    }

    #[test]
    fn answers_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/answer"), super::answer);
    }

    #[test]
    fn failures_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/failure"), super::failure);
    }

    #[test]
    fn requests_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/request"), super::request);
    }
}

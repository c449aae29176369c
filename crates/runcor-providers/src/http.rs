//! What the three vendors share: the HTTP client, its limits, and its failures.

mod body;
mod classify;
mod client;
mod drive;
mod fault;
mod lines;
mod retry_after;
mod scrub;
mod timeouts;

pub(crate) use body::read_json;
pub(crate) use classify::from_error_object;
pub(crate) use client::{Http, Settings, is_event_stream};
pub(crate) use drive::{Decoder, Progress, drive, replay};
pub(crate) use fault::Fault;
pub use timeouts::Timeouts;

#[cfg(all(any(test, fuzzing), feature = "anthropic", feature = "google", feature = "openai"))]
pub(crate) use {
    body::json_object, classify::from_response as error_answer,
    retry_after::from_headers as retry_wish,
};

//! What the vendors' formats have in common beyond HTTP.

mod answer;
mod call_id;
mod names;
mod prompt;
mod schema;

pub(crate) use answer::{Answer, Asked, append, arguments};
pub(crate) use call_id::{CallIds, wire_id};
pub(crate) use names::{RESERVED as STRUCTURED_OUTPUT, WireNames};
pub(crate) use prompt::{JSON_INSTRUCTION, system_prompt, turns};
pub(crate) use schema::{Closing, close, keep_known};

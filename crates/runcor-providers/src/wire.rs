//! What the vendors' formats have in common beyond HTTP.

mod answer;
#[cfg(any(feature = "anthropic", feature = "openai"))]
mod arguments;
mod call_id;
mod family;
mod names;
#[cfg(test)]
mod noise;
mod prompt;
#[cfg(any(feature = "anthropic", feature = "openai"))]
mod strict;
mod tool_schema;

pub(crate) use answer::{Answer, Asked};
pub(crate) use call_id::CallIds;
pub(crate) use family::Family;
#[cfg(feature = "anthropic")]
pub(crate) use names::RESERVED as STRUCTURED_OUTPUT;
pub(crate) use names::WireNames;
pub(crate) use prompt::{JSON_INSTRUCTION, system_prompt, turns};
pub(crate) use tool_schema::tool_schema;
#[cfg(any(feature = "anthropic", feature = "openai"))]
pub(crate) use {
    answer::append,
    arguments::arguments,
    call_id::wire_id,
    strict::{Closing, close},
};

#[cfg(test)]
pub(crate) use noise::{chunks_add_up, events};

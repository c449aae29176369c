//! Anthropic's Messages API.

mod config;
#[cfg(all(any(test, fuzzing), feature = "anthropic", feature = "google", feature = "openai"))]
pub(crate) mod fuzzing;
mod model;
mod provider;
mod request;
mod response;
mod stream;
mod structured;

pub use config::{AnthropicConfig, StructuredOutput};
pub use provider::Anthropic;

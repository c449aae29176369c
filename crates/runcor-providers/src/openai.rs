//! OpenAI's Chat Completions, and everybody who speaks them.

mod config;
#[cfg(all(any(test, fuzzing), feature = "anthropic", feature = "google", feature = "openai"))]
pub(crate) mod fuzzing;
mod provider;
mod request;
mod response;
mod stream;

pub use config::{MaxTokensField, OpenAiConfig};
pub use provider::OpenAi;

//! OpenAI's Chat Completions, and everybody who speaks them.

mod config;
mod provider;
mod request;
mod response;
mod stream;

pub use config::{MaxTokensField, OpenAiConfig};
pub use provider::OpenAi;

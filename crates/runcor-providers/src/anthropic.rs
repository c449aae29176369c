//! Anthropic's Messages API.

mod config;
mod model;
mod provider;
mod request;
mod response;
mod stream;
mod structured;

pub use config::{AnthropicConfig, StructuredOutput};
pub use provider::Anthropic;

//! Models: requests, responses, and the seams to whoever answers them.

mod provider;
mod request;
mod response;

pub use provider::{ModelCapabilities, ModelProvider, ModelService, ModelStream, ProviderStream};
pub use provider::{ProviderError, ProviderErrorKind};
pub use request::{Message, ModelRequest, ResponseFormat, Role, Strategy, ToolDefinition};
pub use response::{FinishReason, ModelChunk, ModelResponse, ToolCall, Usage};

//! Wire clients for foundation models, each a [`ModelProvider`](runcor_core::ModelProvider).
//!
//! | provider | feature | speaks |
//! |---|---|---|
//! | [`OpenAi`] | `openai` | Chat Completions: OpenAI and, by `baseUrl`, Ollama, llama.cpp, vLLM, `OpenRouter`, Azure |
//! | [`Anthropic`] | `anthropic` | the Messages API |
//! | [`Google`] | `google` | Gemini's `generateContent` |
//! | [`Mock`] | always | nothing: it answers by itself, without key and network |
//!
//! One call is one HTTP request: retries, fallback and circuit breaking belong
//! to the router. Dropping a call or a stream cancels the request. A stream
//! ends with [`ModelChunk::Finished`](runcor_core::ModelChunk::Finished) or with
//! an error, so that a cut connection never looks like a short answer. Neither
//! keys nor prompts nor answers appear in errors or logs.
//!
//! ```
//! use runcor_core::{ModelProvider, ModelRequest};
//! use runcor_providers::Mock;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let mock = Mock::new();
//! let answer = mock.complete(&ModelRequest::prompt("hello")).await?;
//! assert_eq!(answer.text, "Mock response to: hello");
//! # Ok::<(), runcor_core::ProviderError>(())
//! # }).unwrap();
//! ```

mod error;
#[cfg(all(any(test, fuzzing), feature = "anthropic", feature = "google", feature = "openai"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(any(feature = "anthropic", feature = "google", feature = "openai"))]
mod http;
mod mock;
#[cfg(doctest)]
mod readme;
#[cfg(any(feature = "anthropic", feature = "google", feature = "openai"))]
mod wire;

#[cfg(feature = "anthropic")]
mod anthropic;
#[cfg(feature = "google")]
mod google;
#[cfg(feature = "openai")]
mod openai;

#[cfg(feature = "anthropic")]
pub use anthropic::{Anthropic, AnthropicConfig, StructuredOutput};
pub use error::Error;
#[cfg(feature = "google")]
pub use google::{Google, GoogleConfig};
#[cfg(any(feature = "anthropic", feature = "google", feature = "openai"))]
pub use http::Timeouts;
pub use mock::{Mock, MockConfig, MockReply};
#[cfg(feature = "openai")]
pub use openai::{MaxTokensField, OpenAi, OpenAiConfig};
#[cfg(feature = "http")]
pub use secrecy::SecretString;

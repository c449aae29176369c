//! Google's Gemini API.

mod config;
#[cfg(all(any(test, fuzzing), feature = "anthropic", feature = "google", feature = "openai"))]
pub(crate) mod fuzzing;
mod model;
mod provider;
mod request;
mod response;
mod schema;
mod signature;
mod stream;

pub use config::GoogleConfig;
pub use provider::Google;

//! Google's Gemini API.

mod config;
mod model;
mod provider;
mod request;
mod response;
mod schema;
mod signature;
mod stream;

pub use config::GoogleConfig;
pub use provider::Google;

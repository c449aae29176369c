//! A provider that answers by itself: no key, no network, no cost.

mod config;
mod provider;
mod quote;
mod sample;
mod text;

pub use config::MockConfig;
pub use provider::{Mock, MockReply};

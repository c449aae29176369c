//! Webhook steps: an HTTP client that can't be led astray, and one call with it.

mod address;
mod answer;
mod http;
mod policy;
mod resolver;
mod retry_after;
mod send;
mod target;

pub use http::SafeHttp;
pub use policy::WebhookPolicy;
pub use resolver::{NameLookup, SystemLookup};
pub(crate) use send::{Unsent, post};
pub(crate) use target::{check_header, check_url, check_variables};

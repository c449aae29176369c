//! What runcor can look for by itself.

mod injection;
mod json_schema;
mod keywords;
mod length;
mod model;
mod pii;
mod regex;
mod secrets;

pub(super) use injection::Injection;
pub use injection::PromptInjection;
pub use json_schema::JsonSchema;
pub(super) use json_schema::problem;
pub use keywords::Keywords;
pub use length::Length;
pub use model::ModelJudge;
pub use pii::{Pii, PiiKind};
pub use regex::Patterns;
pub use secrets::Secrets;

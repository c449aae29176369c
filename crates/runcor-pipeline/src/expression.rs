//! Expressions of flow files: paths into the run's document, conditions, mappings.

mod condition;
mod mapping;
mod path;
mod scan;

pub(crate) use condition::Condition;
pub(crate) use mapping::{Mapping, See};
pub(crate) use path::{Path, Reference};

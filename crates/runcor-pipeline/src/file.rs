//! Flow files: from YAML to a checked specification, every mistake with its place.

mod asks;
mod budget;
mod duration;
mod folder;
mod keys;
mod memory;
mod names;
mod nearest;
mod object;
mod parallel;
mod read;
mod reader;
mod report;
mod schema;
mod scope;
mod step;
mod step_keys;
mod syntax;
mod waits;
mod yaml;

pub use folder::{Loaded, load_dir};
pub use read::FlowFile;
pub use schema::schema;
pub(crate) use yaml::{Node, Yaml};

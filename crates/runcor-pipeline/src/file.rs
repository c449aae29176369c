//! Flow files: from YAML to a checked specification, every mistake with its place.

mod folder;
mod keys;
mod nearest;
mod object;
mod read;
mod report;
mod schema;
mod scope;
mod step;
mod syntax;
mod yaml;

pub use folder::{Loaded, load_dir};
pub use read::FlowFile;
pub use schema::schema;
pub(crate) use yaml::{Node, Yaml};

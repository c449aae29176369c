//! Loading of `runcor.yaml`.
//!
//! [`load`] finds the file, reads it as YAML, fills in `${VAR}` from the
//! environment, checks everything against the file's JSON Schema and gives a
//! [`Config`]: plain data, one struct a [`section`], that the facade turns into
//! running parts. All mistakes of a file come back in one [`Error`], each with
//! its path, line and column.
//!
//! ```
//! let text = "
//! engine: { concurrency: '${SLOTS:-8}' }
//! providers:
//!   - type: mock
//! ";
//! let loaded = runcor_config::parse(text, &|_| None)?;
//! assert_eq!(loaded.config.engine.concurrency, 8);
//!
//! let error = runcor_config::parse("engine:\n  concurency: 8\n", &|_| None).unwrap_err();
//! assert_eq!(error.problems()[0].suggestion.as_deref(), Some("concurrency"));
//! # Ok::<(), runcor_config::Error>(())
//! ```
//!
//! The way of a file: text, nodes with places (`yaml`), placeholders filled in
//! (`interpolate`), nodes checked against the schema and turned into JSON
//! (`check`), rules that a schema can't say (`rules`), [`Config`]. Values never
//! appear in messages, since any value may be a secret.

mod check;
mod config;
mod discover;
mod error;
mod findings;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod interpolate;
mod load;
mod node;
mod path;
mod rules;
mod schema;
mod secret;
pub mod section;
mod yaml;

pub use config::Config;
pub use discover::discover;
pub use error::{Error, Problem, Warning};
pub use load::{Env, LoadOptions, Loaded, MAX_FILE_BYTES, load, parse, process_env};
pub use schema::schema;

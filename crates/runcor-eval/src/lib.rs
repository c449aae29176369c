//! (Say in one line what the crate is.)
//!
//! (Say what it does, what it leaves to others, and where to begin.)

mod error;

pub use error::Error;

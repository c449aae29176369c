//! Policy for runcor: who may do what, how often, and what may go in and out.
//!
//! [`Error`] says why something can't be set up.

mod error;

pub use error::Error;

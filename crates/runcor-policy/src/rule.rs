//! Rules: what is judged case by case.

mod book;
mod condition;
mod declared;
mod number;
mod pointer;

pub(crate) use book::{Denial, RuleBook};
pub use declared::DeclaredRule;

use std::error::Error as StdError;

use runcor_core::{Operation, PolicyRequest};
use serde_json::Value;

use crate::operations::Operations;

/// The priority of a rule that names none.
const PRIORITY: i32 = 100;

/// What a rule says of an operation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It has nothing against it; the next rule is asked.
    Allow,
    /// It must not happen.
    Deny {
        /// Why; the caller gets to read it.
        reason: Option<String>,
    },
    /// It may happen with another input; counts for triggers alone.
    Modify {
        /// The input.
        input: Value,
    },
}

impl Verdict {
    /// Denies an operation for a reason that the caller gets to read.
    #[must_use]
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::Deny { reason: Some(reason.into()) }
    }

    /// Lets a trigger happen with another input.
    #[must_use]
    pub const fn modify(input: Value) -> Self {
        Self::Modify { input }
    }
}

/// Judges operations; closures that take a [`PolicyRequest`] and give a [`Verdict`] are rules.
///
/// # Contract
/// `judge` sees the input as earlier rules have changed it. It MUST NOT block.
/// An error or a panic denies the operation.
pub trait Rule: Send + Sync {
    /// Judges an operation.
    ///
    /// # Errors
    /// Any error denies the operation; its text goes to the log, not to the caller.
    fn judge(
        &self,
        request: &PolicyRequest<'_>,
    ) -> Result<Verdict, Box<dyn StdError + Send + Sync>>;
}

impl<F: Fn(&PolicyRequest<'_>) -> Verdict + Send + Sync> Rule for F {
    fn judge(
        &self,
        request: &PolicyRequest<'_>,
    ) -> Result<Verdict, Box<dyn StdError + Send + Sync>> {
        Ok(self(request))
    }
}

/// The name of a rule, its place among the others, and what it judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSpec {
    name: String,
    priority: i32,
    operations: Operations,
}

impl RuleSpec {
    /// Describes a rule of priority 100.
    #[must_use]
    pub fn new(name: impl Into<String>, operations: impl IntoIterator<Item = Operation>) -> Self {
        let operations = operations.into_iter().collect();
        Self { name: name.into(), priority: PRIORITY, operations }
    }

    /// Sets the priority: lower is asked earlier, and of two equal ones the one added earlier.
    #[must_use]
    pub const fn with_priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }
}

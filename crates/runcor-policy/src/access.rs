//! Access control: what an identity may do.

mod identity;
mod matching;
mod reach;
mod table;

pub use identity::Identity;
pub(crate) use matching::{Matching, Why};
pub(crate) use reach::Reach;
pub(crate) use table::AccessTable;

use runcor_core::Operation;
use serde::Deserialize;

use crate::names::Names;
use crate::operations::Operations;

/// What one identity may do.
///
/// A list that is absent says nothing. How policies go together is told in
/// `docs/policy.md`: every deny list of every policy that matches a caller
/// holds, and of the allow lists that of the most specific policy that has one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessPolicy {
    identity: Identity,
    allowed_flows: Option<Names>,
    denied_flows: Option<Names>,
    allowed_operations: Option<Operations>,
    denied_operations: Option<Operations>,
}

impl AccessPolicy {
    /// Makes a policy that lets its identity in and says nothing else.
    #[must_use]
    pub const fn new(identity: Identity) -> Self {
        Self {
            identity,
            allowed_flows: None,
            denied_flows: None,
            allowed_operations: None,
            denied_operations: None,
        }
    }

    /// Allows these flows and no others; `*` stands for all.
    #[must_use]
    pub fn with_allowed_flows<I: Into<String>>(
        mut self,
        flows: impl IntoIterator<Item = I>,
    ) -> Self {
        self.allowed_flows = Some(flows.into_iter().collect());
        self
    }

    /// Denies these flows; `*` stands for all.
    #[must_use]
    pub fn with_denied_flows<I: Into<String>>(
        mut self,
        flows: impl IntoIterator<Item = I>,
    ) -> Self {
        self.denied_flows = Some(flows.into_iter().collect());
        self
    }

    /// Allows these operations and no others.
    #[must_use]
    pub fn with_allowed_operations(
        mut self,
        operations: impl IntoIterator<Item = Operation>,
    ) -> Self {
        self.allowed_operations = Some(operations.into_iter().collect());
        self
    }

    /// Denies these operations.
    #[must_use]
    pub fn with_denied_operations(
        mut self,
        operations: impl IntoIterator<Item = Operation>,
    ) -> Self {
        self.denied_operations = Some(operations.into_iter().collect());
        self
    }

    /// Returns whose policy it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }
}

//! The access policies that match one caller, and what they say together.

use runcor_core::Operation;

use super::AccessPolicy;
use crate::names::Names;
use crate::operations::Operations;

/// The policies of a caller: of the user, of the tenant, of everybody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matching<'a> {
    levels: [[Option<&'a AccessPolicy>; 2]; 3],
}

/// Why an operation is denied, and by whose policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why<'a> {
    /// No policy matches the caller.
    Unnamed,
    /// A policy denies the operation.
    DeniedOperation(&'a AccessPolicy),
    /// The policy whose list counts allows other operations only.
    OtherOperations(&'a AccessPolicy),
    /// A policy denies the flow.
    DeniedFlow(&'a AccessPolicy),
    /// The policy whose list counts allows other flows only.
    OtherFlows(&'a AccessPolicy),
}

impl<'a> Matching<'a> {
    pub(super) const fn new(levels: [[Option<&'a AccessPolicy>; 2]; 3]) -> Self {
        Self { levels }
    }

    /// Judges an operation; the flow is judged by [`flow`](Self::flow).
    pub(crate) fn operation(&self, operation: Operation) -> Result<(), Why<'a>> {
        if self.policies().next().is_none() {
            return Err(Why::Unnamed);
        }
        let has = |list: &Option<Operations>| {
            list.as_ref().is_some_and(|operations| operations.contains(operation))
        };
        if let Some(policy) = self.policies().find(|policy| has(&policy.denied_operations)) {
            return Err(Why::DeniedOperation(policy));
        }
        let mut decisive = self.decisive(|policy| policy.allowed_operations.is_some());
        match decisive.find(|policy| !has(&policy.allowed_operations)) {
            Some(policy) => Err(Why::OtherOperations(policy)),
            None => Ok(()),
        }
    }

    /// Judges a flow, whatever is done with it.
    pub(crate) fn flow(&self, flow: &str) -> Result<(), Why<'a>> {
        if self.policies().next().is_none() {
            return Err(Why::Unnamed);
        }
        let has = |list: &Option<Names>| list.as_ref().is_some_and(|names| names.contains(flow));
        if let Some(policy) = self.policies().find(|policy| has(&policy.denied_flows)) {
            return Err(Why::DeniedFlow(policy));
        }
        let mut decisive = self.decisive(|policy| policy.allowed_flows.is_some());
        match decisive.find(|policy| !has(&policy.allowed_flows)) {
            Some(policy) => Err(Why::OtherFlows(policy)),
            None => Ok(()),
        }
    }

    /// Returns whether every flow is denied.
    pub(super) fn denies_all_flows(&self) -> bool {
        let denies =
            |policy: &AccessPolicy| policy.denied_flows.as_ref().is_some_and(Names::is_all);
        self.policies().any(denies)
    }

    /// Returns the lists of allowed flows that count.
    pub(super) fn allowed_flows(&self) -> impl Iterator<Item = &'a Names> + use<'a> {
        self.decisive(|policy| policy.allowed_flows.is_some())
            .filter_map(|policy| policy.allowed_flows.as_ref())
    }

    fn policies(&self) -> impl Iterator<Item = &'a AccessPolicy> + use<'a> {
        self.levels.into_iter().flatten().flatten()
    }

    /// Returns the policies of the most specific level at which any has a list.
    fn decisive(
        &self,
        has_list: fn(&AccessPolicy) -> bool,
    ) -> impl Iterator<Item = &'a AccessPolicy> + use<'a> {
        let has_any = |level: &[Option<&'a AccessPolicy>; 2]| {
            level.iter().flatten().any(|policy| has_list(policy))
        };
        let level = self.levels.into_iter().find(has_any).unwrap_or_default();
        level.into_iter().flatten().filter(move |policy| has_list(policy))
    }
}

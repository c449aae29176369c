//! Tenants: what binds all callers of one.

use runcor_core::TenantId;
use serde::Deserialize;

use crate::access::{AccessPolicy, AccessTable, Identity};
use crate::error::Error;
use crate::limit::RateLimit;
use crate::names::Names;

/// What binds all callers of one tenant, and nobody else.
///
/// Its guardrails are told to [`Guardrails`](crate::Guardrails).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantPolicy {
    tenant_id: TenantId,
    allowed_flows: Option<Names>,
    #[serde(default)]
    rate_limits: Vec<RateLimit>,
    #[serde(default)]
    access_policies: Vec<AccessPolicy>,
}

impl TenantPolicy {
    /// Makes the policy of a tenant that may do what everybody may.
    #[must_use]
    pub const fn new(tenant_id: TenantId) -> Self {
        Self {
            tenant_id,
            allowed_flows: None,
            rate_limits: Vec::new(),
            access_policies: Vec::new(),
        }
    }

    /// Allows these flows and no others.
    #[must_use]
    pub fn with_allowed_flows<I: Into<String>>(
        mut self,
        flows: impl IntoIterator<Item = I>,
    ) -> Self {
        self.allowed_flows = Some(flows.into_iter().collect());
        self
    }

    /// Adds a limit that counts this tenant's doings alone.
    #[must_use]
    pub fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limits.push(limit);
        self
    }

    /// Adds a policy that holds for this tenant's callers alone.
    #[must_use]
    pub fn with_access_policy(mut self, policy: AccessPolicy) -> Self {
        self.access_policies.push(policy);
        self
    }

    /// Returns the tenant.
    #[must_use]
    pub const fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }

    /// Returns its flows; `None` where they are not restricted.
    pub(crate) const fn allowed_flows(&self) -> Option<&Names> {
        self.allowed_flows.as_ref()
    }

    /// Returns its own limits.
    pub(crate) fn rate_limits(&self) -> &[RateLimit] {
        &self.rate_limits
    }

    /// Returns its own access policies, found by whom they are for.
    ///
    /// # Errors
    /// Refuses limits that can't work, and policies that never hold or stand twice.
    pub(crate) fn checked(&self) -> Result<AccessTable, Error> {
        for (index, limit) in self.rate_limits.iter().enumerate() {
            limit.check()?;
            if self.rate_limits.iter().take(index).any(|other| other.name() == limit.name()) {
                return Err(Error::DuplicateRateLimit { name: limit.name().to_owned() });
            }
        }
        let mut table = AccessTable::default();
        for policy in &self.access_policies {
            if table.set(policy.clone()).is_some() {
                return Err(self.problem(policy.identity(), "stands twice; join the two"));
            }
            if matches!(policy.identity(), Identity::Tenant(other) if *other != *self.tenant_id.as_str())
            {
                return Err(self.problem(policy.identity(), "never holds within it"));
            }
        }
        Ok(table)
    }

    fn problem(&self, identity: &Identity, problem: &str) -> Error {
        let (tenant, identity) = (&self.tenant_id, identity.to_string());
        Error::invalid(format!("tenant {tenant:?}: the access policy of {identity:?} {problem}"))
    }
}

/// What callers may do whose tenant has no policy, once any tenant has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownTenants {
    /// What callers without a tenant may.
    Allow,
    /// Nothing.
    #[default]
    Deny,
}

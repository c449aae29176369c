//! Everything that holds at one instant.

use std::collections::HashMap;
use std::sync::Arc;

use runcor_core::{PolicyRequest, RateTake, TenantId};

use crate::access::AccessTable;
use crate::error::Error;
use crate::limit::RateLimit;
use crate::rule::RuleBook;
use crate::tenant::{TenantPolicy, UnknownTenants};

/// Everything that holds at one instant.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) rules: RuleBook,
    pub(super) access: AccessTable,
    pub(super) unknown_tenants: UnknownTenants,
    limits: Vec<RateLimit>,
    tenants: HashMap<TenantId, Tenant>,
}

/// A tenant, with its access policies found by whom they are for.
#[derive(Debug, Clone)]
pub(super) struct Tenant {
    pub(super) policy: Arc<TenantPolicy>,
    pub(super) access: AccessTable,
}

impl State {
    pub(super) fn tenant(&self, tenant: &TenantId) -> Option<&Tenant> {
        self.tenants.get(tenant)
    }

    pub(super) fn has_tenants(&self) -> bool {
        !self.tenants.is_empty()
    }

    pub(super) fn add_rate_limit(&mut self, limit: RateLimit) -> Result<(), Error> {
        limit.check()?;
        let own = self.tenants.values().flat_map(|tenant| tenant.policy.rate_limits());
        if self.limits.iter().chain(own).any(|other| other.name() == limit.name()) {
            return Err(Error::DuplicateRateLimit { name: limit.name().to_owned() });
        }
        self.limits.push(limit);
        Ok(())
    }

    pub(super) fn remove_rate_limit(&mut self, name: &str) -> bool {
        let before = self.limits.len();
        self.limits.retain(|limit| limit.name() != name);
        self.limits.len() < before
    }

    pub(super) fn set_tenant(&mut self, policy: TenantPolicy) -> Result<(), Error> {
        let access = policy.checked()?;
        // Counters are told apart by the names of their limits.
        let shared =
            |limit: &&RateLimit| self.limits.iter().any(|other| other.name() == limit.name());
        if let Some(limit) = policy.rate_limits().iter().find(shared) {
            return Err(Error::DuplicateRateLimit { name: limit.name().to_owned() });
        }
        let tenant = Tenant { access, policy: Arc::new(policy) };
        self.tenants.insert(tenant.policy.tenant_id().clone(), tenant);
        Ok(())
    }

    pub(super) fn remove_tenant(&mut self, tenant: &TenantId) -> bool {
        self.tenants.remove(tenant).is_some()
    }

    /// Returns what rate limits have to count for an operation: everybody's, then the tenant's.
    pub(super) fn takes(
        &self,
        request: &PolicyRequest<'_>,
        tenant: Option<&Tenant>,
    ) -> Vec<RateTake> {
        let shared = self.limits.iter().filter_map(|limit| limit.take(request, None));
        let own = tenant.into_iter().flat_map(|tenant| {
            let owner = Some(tenant.policy.tenant_id());
            let limits = tenant.policy.rate_limits().iter();
            limits.filter_map(move |limit| limit.take(request, owner))
        });
        shared.chain(own).collect()
    }

    /// Finds a limit that holds for the callers of `tenant`.
    pub(super) fn limit(&self, name: &str, tenant: Option<&TenantId>) -> Option<&RateLimit> {
        let own = tenant.and_then(|tenant| self.tenant(tenant));
        let own = own.into_iter().flat_map(|tenant| tenant.policy.rate_limits());
        self.limits.iter().chain(own).find(|limit| limit.name() == name)
    }
}

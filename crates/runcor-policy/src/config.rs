//! The policy as configurations write it.

use serde::Deserialize;

use crate::access::AccessPolicy;
use crate::limit::RateLimit;
use crate::rule::DeclaredRule;
use crate::tenant::{TenantPolicy, UnknownTenants};

/// The section `policy` of `runcor.yaml`, as far as it is about operations.
///
/// It reads the JSON of that section; what it does not know, it leaves alone.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyConfig {
    /// What is judged case by case.
    pub rules: Vec<DeclaredRule>,
    /// How often something may happen.
    pub rate_limits: Vec<RateLimit>,
    /// Who may do what.
    pub access_policies: Vec<AccessPolicy>,
    /// What binds single tenants.
    pub tenants: Vec<TenantPolicy>,
    /// What callers may do whose tenant is not among them.
    pub unknown_tenants: UnknownTenants,
}

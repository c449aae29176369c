//! The policies of a runtime: set up at the start, changed while it runs.

mod admit;
mod denied;
mod state;

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use runcor_core::{EventSink, TenantId};

use crate::access::{AccessPolicy, Identity};
use crate::config::PolicyConfig;
use crate::error::Error;
use crate::limit::RateLimit;
use crate::rule::{DeclaredRule, Rule, RuleSpec};
use crate::tenant::{TenantPolicy, UnknownTenants};
use state::State;

/// Judges every operation: access control, tenants, rate limits, rules, in this order.
///
/// Without any policy everything is allowed. Changes hold for operations that
/// are judged afterwards. Rate limits are not counted here: what is to be
/// counted goes out with the [`Admission`](runcor_core::Admission), and the
/// engine commits it with what was admitted, so that what is denied, or was
/// done already, uses nothing up.
pub struct Policies {
    state: RwLock<Arc<State>>,
    events: Arc<dyn EventSink>,
}

impl Policies {
    /// Makes policies that allow everything; events go to `events`.
    #[must_use]
    pub fn new(events: Arc<dyn EventSink>) -> Self {
        Self { state: RwLock::default(), events }
    }

    /// Makes the policies of a configuration.
    ///
    /// # Errors
    /// As the methods that add the parts; an identity may stand once.
    pub fn from_config(config: PolicyConfig, events: Arc<dyn EventSink>) -> Result<Self, Error> {
        let mut state = State::default();
        state.unknown_tenants = config.unknown_tenants;
        for rule in config.rules {
            state.rules.declare(rule)?;
        }
        for limit in config.rate_limits {
            state.add_rate_limit(limit)?;
        }
        for policy in config.access_policies {
            let identity = policy.identity().clone();
            if state.access.set(policy).is_some() {
                let message =
                    format!("there are two access policies for \"{identity}\"; join them");
                return Err(Error::invalid(message));
            }
        }
        for tenant in config.tenants {
            if state.tenant(tenant.tenant_id()).is_some() {
                let message = format!("there are two tenants {:?}; join them", tenant.tenant_id());
                return Err(Error::invalid(message));
            }
            state.set_tenant(tenant)?;
        }
        Ok(Self { state: RwLock::new(Arc::new(state)), events })
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// Refuses a name that another rule has, and a rule without name or operations.
    pub fn add_rule(&self, spec: RuleSpec, rule: impl Rule + 'static) -> Result<(), Error> {
        self.change(|state| state.rules.add(spec, Arc::new(rule)))
    }

    /// Adds a rule that is written down.
    ///
    /// # Errors
    /// As [`add_rule`](Self::add_rule).
    pub fn add_declared_rule(&self, rule: DeclaredRule) -> Result<(), Error> {
        self.change(|state| state.rules.declare(rule))
    }

    /// Removes a rule; returns whether there was one.
    pub fn remove_rule(&self, name: &str) -> bool {
        self.change(|state| Ok::<_, Error>(state.rules.remove(name))).unwrap_or_default()
    }

    /// Adds a rate limit.
    ///
    /// # Errors
    /// Refuses a name that another limit has, a tenant's included, and a limit that can't work.
    pub fn add_rate_limit(&self, limit: RateLimit) -> Result<(), Error> {
        self.change(|state| state.add_rate_limit(limit))
    }

    /// Removes a rate limit; returns whether there was one.
    ///
    /// What waits for its turn keeps it; what was counted is counted on if a
    /// limit of the same name and scope is added.
    pub fn remove_rate_limit(&self, name: &str) -> bool {
        self.change(|state| Ok::<_, Error>(state.remove_rate_limit(name))).unwrap_or_default()
    }

    /// Sets what an identity may do, in place of what was set for it before.
    pub fn set_access_policy(&self, policy: AccessPolicy) {
        let _ = self.change(|state| Ok::<_, Error>(state.access.set(policy)));
    }

    /// Removes what was set for an identity; returns whether there was anything.
    ///
    /// With the last policy, access control ends.
    pub fn remove_access_policy(&self, identity: &Identity) -> bool {
        let removed = self.change(|state| Ok::<_, Error>(state.access.remove(identity)));
        removed.is_ok_and(|policy| policy.is_some())
    }

    /// Sets what binds a tenant, in place of what was set for it before.
    ///
    /// # Errors
    /// Refuses limits that can't work or share a name, and access policies that
    /// never hold or stand twice.
    pub fn set_tenant(&self, tenant: TenantPolicy) -> Result<(), Error> {
        self.change(|state| state.set_tenant(tenant))
    }

    /// Removes what was set for a tenant, which is unknown then; returns whether there was anything.
    pub fn remove_tenant(&self, tenant: &TenantId) -> bool {
        self.change(|state| Ok::<_, Error>(state.remove_tenant(tenant))).unwrap_or_default()
    }

    /// Says what callers may do whose tenant has no policy.
    pub fn set_unknown_tenants(&self, unknown: UnknownTenants) {
        let _ = self.change(|state| {
            state.unknown_tenants = unknown;
            Ok::<_, Error>(())
        });
    }

    /// Returns what binds a tenant.
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId) -> Option<Arc<TenantPolicy>> {
        self.state().tenant(tenant).map(|tenant| Arc::clone(&tenant.policy))
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read())
    }

    /// Changes a copy and puts it in the place of what holds; nothing where that fails.
    fn change<T, E>(&self, change: impl FnOnce(&mut State) -> Result<T, E>) -> Result<T, E> {
        let mut held = self.state.write();
        let mut state = State::clone(&held);
        let result = change(&mut state)?;
        *held = Arc::new(state);
        Ok(result)
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies").field("state", &self.state()).finish_non_exhaustive()
    }
}

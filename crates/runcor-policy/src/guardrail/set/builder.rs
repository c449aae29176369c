//! Putting guardrails together.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use runcor_core::{Clock, Error, ErrorCode, EventSink, NopSink, Result, SystemClock, TenantId};

use super::{Guardrails, Parts, insert};
use crate::guardrail::rail::{Guardrail, Rail};
use crate::guardrail::tenant::TenantGuardrails;

/// Puts guardrails together.
#[derive(Clone)]
pub struct GuardrailsBuilder {
    guardrails: Vec<Guardrail>,
    tenants: Vec<TenantGuardrails>,
    clock: Arc<dyn Clock>,
    events: Arc<dyn EventSink>,
}

impl Default for GuardrailsBuilder {
    fn default() -> Self {
        let (guardrails, tenants) = (Vec::new(), Vec::new());
        Self { guardrails, tenants, clock: Arc::new(SystemClock), events: Arc::new(NopSink) }
    }
}

impl GuardrailsBuilder {
    /// Adds a guardrail that holds for everybody.
    #[must_use]
    pub fn guardrail(mut self, guardrail: Guardrail) -> Self {
        self.guardrails.push(guardrail);
        self
    }

    /// Says what is different for a tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: TenantGuardrails) -> Self {
        self.tenants.push(tenant);
        self
    }

    /// Sets the time.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Says who takes warnings.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// Checks everything and makes it ready.
    ///
    /// # Errors
    /// `DUPLICATE_GUARDRAIL`, and `INVALID_POLICY_CONFIG` for a guardrail that
    /// can't work, or a tenant that switches one off that is mandatory or not there.
    pub fn build(self) -> Result<Guardrails> {
        let mut rails = Vec::new();
        for guardrail in self.guardrails {
            let mut rail = Rail::new(guardrail, None)?;
            rail.off = off(&rail, &self.tenants)?;
            insert(&mut rails, rail)?;
        }
        for tenant in self.tenants {
            for name in &tenant.off {
                if !rails.iter().any(|rail| rail.owner.is_none() && rail.name == *name) {
                    return Err(invalid(&tenant.tenant, name, "is not there"));
                }
            }
            for guardrail in tenant.added {
                insert(&mut rails, Rail::new(guardrail, Some(tenant.tenant.clone()))?)?;
            }
        }
        let rails = RwLock::new(rails.into());
        let parts = Parts { rails, clock: self.clock, events: self.events };
        Ok(Guardrails { parts: Arc::new(parts) })
    }
}

/// Returns which tenants switch a guardrail off.
fn off(rail: &Rail, tenants: &[TenantGuardrails]) -> Result<Vec<TenantId>> {
    let off = tenants.iter().filter(|tenant| tenant.off.contains(&rail.name));
    off.map(|tenant| {
        let tenant = tenant.tenant.clone();
        if rail.mandatory { Err(invalid(&tenant, &rail.name, "is mandatory")) } else { Ok(tenant) }
    })
    .collect()
}

fn invalid(tenant: &TenantId, name: &str, problem: &str) -> Error {
    let message =
        format!("tenant {:?} can't switch off guardrail {name:?}: it {problem}", tenant.as_str());
    Error::new(ErrorCode::InvalidPolicyConfig, message)
}

impl fmt::Debug for GuardrailsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardrailsBuilder")
            .field("guardrails", &self.guardrails)
            .field("tenants", &self.tenants)
            .finish_non_exhaustive()
    }
}

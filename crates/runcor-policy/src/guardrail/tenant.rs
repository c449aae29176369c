//! What guardrails a tenant has of its own.

use runcor_core::TenantId;

use super::rail::Guardrail;

/// Guardrails that hold for one tenant beside the others, and others that don't hold for it.
#[derive(Debug, Clone)]
pub struct TenantGuardrails {
    pub(super) tenant: TenantId,
    pub(super) added: Vec<Guardrail>,
    pub(super) off: Vec<String>,
}

impl TenantGuardrails {
    /// Begins with a tenant for which everything holds.
    #[must_use]
    pub fn new(tenant: TenantId) -> Self {
        Self { tenant, added: Vec::new(), off: Vec::new() }
    }

    /// Adds a guardrail that holds for the tenant alone.
    #[must_use]
    pub fn guardrail(mut self, guardrail: Guardrail) -> Self {
        self.added.push(guardrail);
        self
    }

    /// Switches a guardrail off for the tenant, unless that is mandatory.
    #[must_use]
    pub fn off(mut self, name: impl Into<String>) -> Self {
        self.off.push(name.into());
        self
    }
}

//! All guardrails of a `runcor.yaml`.

use runcor_core::{Result, TenantId};
use serde::Deserialize;

use super::rail::Guardrail;
use super::set::{Guardrails, GuardrailsBuilder};
use super::spec::{GuardrailParts, GuardrailSpec};
use super::tenant::TenantGuardrails;

/// The section `policy` of `runcor.yaml`, as far as it is about guardrails.
///
/// It reads the JSON of that section; what it does not know, it leaves alone.
///
/// ```
/// # use runcor_policy::guardrail::{GuardrailConfig, GuardrailParts};
/// # use serde_json::json;
/// let section = json!({ "guardrails": [
///     { "name": "no-cards", "type": "pii", "kinds": ["card"], "phases": ["output"] },
/// ]});
/// let config: GuardrailConfig = serde_json::from_value(section)?;
/// let guardrails = config.into_builder(&GuardrailParts::default())?.build()?;
/// assert!(!guardrails.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GuardrailConfig {
    /// Those that hold for everybody.
    pub guardrails: Vec<GuardrailSpec>,
    /// What is different for single tenants.
    pub tenants: Vec<TenantGuardrailConfig>,
}

/// What is different for one tenant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantGuardrailConfig {
    /// The tenant.
    pub tenant_id: TenantId,
    /// What is different.
    #[serde(default)]
    pub guardrail_overrides: GuardrailOverrides,
}

/// Guardrails that a tenant has of its own, and others that don't hold for it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GuardrailOverrides {
    /// Guardrails that hold for the tenant alone.
    pub add: Vec<GuardrailSpec>,
    /// The names of guardrails that don't hold for it.
    pub off: Vec<String>,
}

impl GuardrailConfig {
    /// Returns whether nothing is described.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.guardrails.is_empty()
            && self.tenants.iter().all(|it| it.guardrail_overrides.add.is_empty())
    }

    /// Begins to put together what is described.
    ///
    /// # Errors
    /// `INVALID_POLICY_CONFIG`.
    pub fn into_builder(self, parts: &GuardrailParts) -> Result<GuardrailsBuilder> {
        let built = |specs: Vec<GuardrailSpec>| {
            specs.into_iter().map(|spec| spec.build(parts)).collect::<Result<Vec<Guardrail>>>()
        };
        let everybody = built(self.guardrails)?.into_iter();
        let mut builder = everybody.fold(Guardrails::builder(), GuardrailsBuilder::guardrail);
        for tenant in self.tenants {
            let GuardrailOverrides { add, off } = tenant.guardrail_overrides;
            let own = TenantGuardrails::new(tenant.tenant_id);
            let own = built(add)?.into_iter().fold(own, TenantGuardrails::guardrail);
            builder = builder.tenant(off.into_iter().fold(own, TenantGuardrails::off));
        }
        Ok(builder)
    }
}

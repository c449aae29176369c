//! What governs a runtime: money, policy, quality, put together from their settings.

use std::sync::Arc;

#[cfg(feature = "cost")]
use runcor_core::Meter;
use runcor_core::{Clock, EventSink, Governance, Guard, Hook, MemoryLimits, Policy, Result, Store};
#[cfg(feature = "cost")]
use runcor_cost::{CostConfig, CostKeeper};
#[cfg(feature = "policy")]
use runcor_policy::{Policies, PolicyConfig};

/// The settings of what governs; what is absent is not there.
#[derive(Debug, Default)]
pub(crate) struct Governing {
    #[cfg(feature = "cost")]
    pub(crate) cost: Option<CostConfig>,
    #[cfg(feature = "policy")]
    pub(crate) policies: Option<PolicyConfig>,
    pub(crate) policy: Option<Arc<dyn Policy>>,
    pub(crate) guard: Option<Arc<dyn Guard>>,
    pub(crate) hooks: Vec<Arc<dyn Hook>>,
    pub(crate) memory_limits: Option<MemoryLimits>,
}

/// What governs a runtime, as its users reach it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Governors {
    #[cfg(feature = "cost")]
    pub(crate) costs: Option<Arc<CostKeeper>>,
    #[cfg(feature = "policy")]
    pub(crate) policies: Option<Arc<Policies>>,
}

/// Where what governs keeps its books, tells the time and announces.
pub(crate) struct Ground {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Arc<dyn EventSink>,
}

impl Governing {
    /// Puts everything together: what the engine asks, and what users reach.
    pub(crate) fn build(
        self,
        ground: &Ground,
    ) -> Result<(Governance, Vec<Arc<dyn Hook>>, Governors)> {
        let mut governors = Governors::default();
        let mut governance = Governance {
            policy: self.policy,
            guard: self.guard,
            memory_limits: self.memory_limits.unwrap_or_default(),
            ..Governance::default()
        };
        #[cfg(feature = "cost")]
        if let Some(config) = self.cost {
            let (store, clock) = (Arc::clone(&ground.store), Arc::clone(&ground.clock));
            let keeper = CostKeeper::new(config, store, clock, Arc::clone(&ground.events));
            governance.meter = Some(Arc::clone(&keeper) as Arc<dyn Meter>);
            governors.costs = Some(keeper);
        }
        #[cfg(feature = "policy")]
        if let Some(config) = self.policies {
            let policies = Arc::new(Policies::from_config(config, Arc::clone(&ground.events))?);
            governance.policy = Some(Arc::clone(&policies) as Arc<dyn Policy>);
            governors.policies = Some(policies);
        }
        Ok((governance, self.hooks, governors))
    }
}

//! What governs a runtime: money, policy, quality, put together from their settings.

use std::sync::Arc;

#[cfg(feature = "cost")]
use runcor_core::Meter;
use runcor_core::{
    Clock, EventSink, Governance, Guard, Hook, MemoryLimits, ModelService, Policy, Result, Store,
};
#[cfg(feature = "cost")]
use runcor_cost::{CostConfig, CostKeeper};
#[cfg(feature = "eval")]
use runcor_eval::Evaluators;
#[cfg(feature = "policy")]
use runcor_policy::guardrail::{GuardrailConfig, GuardrailParts, Guardrails, GuardrailsBuilder};
#[cfg(feature = "policy")]
use runcor_policy::{Policies, PolicyConfig};
#[cfg(feature = "eval")]
use tokio_util::{sync::CancellationToken, sync::DropGuard, task::TaskTracker};

/// The settings of what governs; what is absent is not there.
#[derive(Debug, Default)]
pub(crate) struct Governing {
    #[cfg(feature = "cost")]
    pub(crate) cost: Option<CostConfig>,
    #[cfg(feature = "policy")]
    pub(crate) policies: Option<PolicyConfig>,
    #[cfg(feature = "policy")]
    pub(crate) guardrails: Option<GuardrailSettings>,
    #[cfg(feature = "eval")]
    pub(crate) evaluation: Option<EvaluationSettings>,
    pub(crate) policy: Option<Arc<dyn Policy>>,
    pub(crate) guard: Option<Arc<dyn Guard>>,
    pub(crate) hooks: Vec<Arc<dyn Hook>>,
    pub(crate) memory_limits: Option<MemoryLimits>,
}

/// Guardrails in code, or as a file describes them.
#[cfg(feature = "policy")]
#[derive(Debug)]
pub(crate) enum GuardrailSettings {
    Built(GuardrailsBuilder),
    Described(GuardrailConfig),
}

/// What is told to the evaluation, evaluators aside.
#[cfg(feature = "eval")]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EvaluationSettings {
    /// The score below which a dimension has a result flagged; none when absent.
    pub auto_flag_below: Option<f64>,
    /// How many executions are judged at the same time; a few when absent.
    pub concurrency: Option<usize>,
}

/// What governs a runtime, as its users reach it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Governors {
    #[cfg(feature = "cost")]
    pub(crate) costs: Option<Arc<CostKeeper>>,
    #[cfg(feature = "policy")]
    pub(crate) policies: Option<Arc<Policies>>,
    #[cfg(feature = "policy")]
    pub(crate) guardrails: Option<Arc<Guardrails>>,
    #[cfg(feature = "eval")]
    pub(crate) evaluation: Option<Arc<Judging>>,
}

/// The evaluation and the task that does its work.
#[cfg(feature = "eval")]
#[derive(Debug)]
pub(crate) struct Judging {
    pub(crate) evaluators: Arc<Evaluators>,
    tasks: TaskTracker,
    /// Stops the task, at the latest when nobody has the runtime any more.
    stop: CancellationToken,
    _stops: DropGuard,
}

/// What what governs stands on.
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "not every part needs all of it"))]
pub(crate) struct Ground {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) models: Arc<dyn ModelService>,
}

/// Everything that the engine asks, and what its users reach.
pub(crate) struct Built {
    pub(crate) governance: Governance,
    pub(crate) hooks: Vec<Arc<dyn Hook>>,
    pub(crate) governors: Governors,
}

impl Governing {
    /// Puts everything together.
    pub(crate) fn build(self, ground: &Ground) -> Result<Built> {
        let governance = Governance {
            policy: self.policy,
            guard: self.guard,
            memory_limits: self.memory_limits.unwrap_or_default(),
            ..Governance::default()
        };
        let governors = Governors::default();
        #[cfg_attr(not(feature = "full"), allow(unused_mut, reason = "perhaps nothing governs"))]
        let mut built = Built { governance, hooks: self.hooks, governors };
        #[cfg(feature = "cost")]
        if let Some(config) = self.cost {
            built.add_costs(config, ground);
        }
        #[cfg(feature = "policy")]
        {
            if let Some(config) = self.policies {
                built.add_policies(config, ground)?;
            }
            if let Some(settings) = self.guardrails {
                built.add_guardrails(settings, ground)?;
            }
        }
        #[cfg(feature = "eval")]
        if let Some(settings) = self.evaluation {
            built.add_evaluation(settings, ground);
        }
        let _ = ground;
        Ok(built)
    }
}

impl Built {
    #[cfg(feature = "cost")]
    fn add_costs(&mut self, config: CostConfig, ground: &Ground) {
        let (store, clock) = (Arc::clone(&ground.store), Arc::clone(&ground.clock));
        let keeper = CostKeeper::new(config, store, clock, Arc::clone(&ground.events));
        self.governance.meter = Some(Arc::clone(&keeper) as Arc<dyn Meter>);
        self.governors.costs = Some(keeper);
    }

    #[cfg(feature = "policy")]
    fn add_policies(&mut self, config: PolicyConfig, ground: &Ground) -> Result<()> {
        let policies = Arc::new(Policies::from_config(config, Arc::clone(&ground.events))?);
        self.governance.policy = Some(Arc::clone(&policies) as Arc<dyn Policy>);
        self.governors.policies = Some(policies);
        Ok(())
    }

    #[cfg(feature = "policy")]
    fn add_guardrails(&mut self, settings: GuardrailSettings, ground: &Ground) -> Result<()> {
        let parts = GuardrailParts {
            models: Some(Arc::clone(&ground.models)),
            meter: self.governance.meter.clone(),
        };
        let builder = match settings {
            GuardrailSettings::Built(builder) => builder,
            GuardrailSettings::Described(config) => config.into_builder(&parts)?,
        };
        let builder = builder.clock(Arc::clone(&ground.clock)).events(Arc::clone(&ground.events));
        let guardrails = Arc::new(builder.build()?);
        self.governance.guard = Some(Arc::clone(&guardrails) as Arc<dyn Guard>);
        self.governors.guardrails = Some(guardrails);
        Ok(())
    }

    #[cfg(feature = "eval")]
    fn add_evaluation(&mut self, settings: EvaluationSettings, ground: &Ground) {
        let (store, clock) = (Arc::clone(&ground.store), Arc::clone(&ground.clock));
        let evaluators = Evaluators::new(store, clock);
        let evaluators = evaluators.with_auto_flag_threshold(settings.auto_flag_below);
        let evaluators = match settings.concurrency {
            Some(concurrency) => evaluators.with_concurrency(concurrency),
            None => evaluators,
        };
        let judging = Judging::begin(Arc::new(evaluators));
        self.hooks.push(Arc::clone(&judging.evaluators) as Arc<dyn Hook>);
        self.governors.evaluation = Some(Arc::new(judging));
    }
}

#[cfg(feature = "eval")]
impl Judging {
    fn begin(evaluators: Arc<Evaluators>) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(Arc::clone(&evaluators).run(stop.clone()));
        tasks.close();
        Self { evaluators, tasks, _stops: stop.clone().drop_guard(), stop }
    }

    /// Stops judging; what is under way is judged after the next start.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

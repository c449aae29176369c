//! Putting an engine, a router and a store together.

use std::ops::Deref;
use std::sync::Arc;

use runcor_core::{
    Clock, Guard, Hook, MemoryLimits, ModelProvider, ModelService, NoTools, Policy, ProviderReport,
    Result, Store, SystemClock, ToolProvider,
};
use runcor_engine::{Engine, EngineConfig, EngineParts, EventPipe};
use runcor_router::{Registration, Router, RouterBuilder};
use runcor_store_memory::MemoryStore;

#[cfg(feature = "policy")]
use crate::governing::GuardrailSettings;
use crate::governing::{Built, Governing, Governors, Ground};
use crate::models::Models;

/// A running runtime: an [`Engine`], its store, and the router behind its model calls.
///
/// It dereferences to the engine, so everything that an engine does is a call
/// away. Clones are handles of the same runtime.
#[derive(Debug, Clone)]
pub struct Runcor {
    engine: Engine,
    store: Arc<dyn Store>,
    models: Arc<Models>,
    #[cfg_attr(not(feature = "full"), allow(dead_code, reason = "perhaps nothing governs"))]
    governors: Governors,
}

impl Runcor {
    /// Begins to put a runtime together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Returns who counts the money, if anybody does.
    #[cfg(feature = "cost")]
    #[must_use]
    pub fn costs(&self) -> Option<&Arc<runcor_cost::CostKeeper>> {
        self.governors.costs.as_ref()
    }

    /// Returns the policies, if there are any; rules and limits may be added while it runs.
    #[cfg(feature = "policy")]
    #[must_use]
    pub fn policies(&self) -> Option<&Arc<runcor_policy::Policies>> {
        self.governors.policies.as_ref()
    }

    /// Returns the guardrails, if there are any; more may be added while it runs.
    #[cfg(feature = "policy")]
    #[must_use]
    pub fn guardrails(&self) -> Option<&Arc<runcor_policy::Guardrails>> {
        self.governors.guardrails.as_ref()
    }

    /// Returns the evaluators, if results are judged; more may be added while it runs.
    #[cfg(feature = "eval")]
    #[must_use]
    pub fn evaluators(&self) -> Option<&Arc<runcor_eval::Evaluators>> {
        self.governors.evaluation.as_ref().map(|judging| &judging.evaluators)
    }

    /// Returns the models, as judges and guardrails ask them.
    #[must_use]
    pub fn models(&self) -> Arc<dyn ModelService> {
        Arc::clone(&self.models) as _
    }

    /// Stops the runtime as [`Engine::shutdown`] does, and what judges results before that.
    ///
    /// # Errors
    /// `STORAGE_…` when the store can't be closed cleanly.
    pub async fn shutdown(&self) -> Result<()> {
        #[cfg(feature = "eval")]
        if let Some(judging) = &self.governors.evaluation {
            judging.end().await;
        }
        self.engine.shutdown().await
    }

    /// Returns the router, unless there is no provider.
    #[must_use]
    pub fn router(&self) -> Option<Arc<Router>> {
        self.models.router()
    }

    /// Returns the report about providers, which follows every change of the router.
    #[must_use]
    pub fn provider_report(&self) -> Arc<dyn ProviderReport> {
        Arc::clone(&self.models) as _
    }

    /// Routes model calls by other providers from now on; calls under way end as they began.
    ///
    /// # Errors
    /// `DUPLICATE_PROVIDER` and `INVALID_CONFIG`; the router stays as it was then.
    pub fn set_providers(&self, providers: Vec<Registration>, routes: RouterBuilder) -> Result<()> {
        install(&self.models, providers, routes)
    }
}

impl Deref for Runcor {
    type Target = Engine;
    fn deref(&self) -> &Engine {
        &self.engine
    }
}

/// What a runtime is put together from; everything has a default.
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `start`"]
pub struct Builder {
    store: Option<Arc<dyn Store>>,
    providers: Vec<Registration>,
    routes: Option<RouterBuilder>,
    tools: Option<Arc<dyn ToolProvider>>,
    clock: Option<Arc<dyn Clock>>,
    limits: EngineConfig,
    seed: Option<u64>,
    governing: Governing,
}

impl Builder {
    /// Counts the money of model calls, and keeps to budgets.
    #[cfg(feature = "cost")]
    pub fn costs(mut self, config: runcor_cost::CostConfig) -> Self {
        self.governing.cost = Some(config);
        self
    }

    /// Judges every operation by these policies, to which more may be added later.
    #[cfg(feature = "policy")]
    pub fn policies(mut self, config: runcor_policy::PolicyConfig) -> Self {
        self.governing.policies = Some(config);
        self
    }

    /// Lets guardrails look at what goes in and out; more may be added later.
    #[cfg(feature = "policy")]
    pub fn guardrails(mut self, guardrails: runcor_policy::guardrail::GuardrailsBuilder) -> Self {
        self.governing.guardrails = Some(GuardrailSettings::Built(guardrails));
        self
    }

    /// Lets guardrails look as a file describes them, also such as ask a model.
    #[cfg(feature = "policy")]
    pub fn guardrail_config(mut self, config: runcor_policy::guardrail::GuardrailConfig) -> Self {
        self.governing.guardrails = Some(GuardrailSettings::Described(config));
        self
    }

    /// Has results judged by the evaluators that are added to
    /// [`Runcor::evaluators`] after the start.
    #[cfg(feature = "eval")]
    pub fn evaluation(mut self, settings: crate::EvaluationSettings) -> Self {
        self.governing.evaluation = Some(settings);
        self
    }

    /// Judges every operation by a policy of your own, in place of any other.
    pub fn policy(mut self, policy: impl Policy + 'static) -> Self {
        self.governing.policy = Some(Arc::new(policy));
        self
    }

    /// Lets a guard of your own look at what goes in and out, in place of any other.
    pub fn guard(mut self, guard: impl Guard + 'static) -> Self {
        self.governing.guard = Some(Arc::new(guard));
        self
    }

    /// Tells somebody of executions that are complete.
    pub fn hook(mut self, hook: impl Hook + 'static) -> Self {
        self.governing.hooks.push(Arc::new(hook));
        self
    }

    /// Sets how much the memories of flows may hold.
    pub fn memory_limits(mut self, limits: MemoryLimits) -> Self {
        self.governing.memory_limits = Some(limits);
        self
    }

    /// Keeps executions in `store` instead of in memory.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Adds a model provider with the defaults; without any, flows can't call models.
    pub fn provider(self, provider: impl ModelProvider + 'static) -> Self {
        self.registration(Registration::new(Arc::new(provider)))
    }

    /// Adds a model provider with its priority, price and models.
    pub fn registration(mut self, registration: Registration) -> Self {
        self.providers.push(registration);
        self
    }

    /// Routes by `routes` instead of the defaults; clock and events are set at the start.
    pub fn router(mut self, routes: RouterBuilder) -> Self {
        self.routes = Some(routes);
        self
    }

    /// Gives flows these tools; without them, `ctx.tools()` has none.
    pub fn tools(mut self, tools: impl ToolProvider + 'static) -> Self {
        self.tools = Some(Arc::new(tools));
        self
    }

    /// Sets the engine's limits.
    pub fn limits(mut self, limits: EngineConfig) -> Self {
        self.limits = limits;
        self
    }

    /// Tells the time by `clock` instead of the machine's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Makes the jitter of retries repeatable.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    /// `DUPLICATE_PROVIDER` and `INVALID_CONFIG` for parts that don't fit,
    /// `STORAGE_…` when the store fails.
    pub async fn start(self) -> Result<Runcor> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let events = EventPipe::new();
        let models = Arc::new(Models::new(Arc::clone(&clock), events.sink()));
        install(&models, self.providers, self.routes.unwrap_or_else(Router::builder))?;
        let ground = Ground {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            events: events.sink(),
            models: Arc::clone(&models) as _,
        };
        let Built { governance, hooks, governors } = self.governing.build(&ground)?;
        let parts = EngineParts {
            store: Arc::clone(&store),
            governance,
            hooks,
            models: Arc::clone(&models) as _,
            tools: self.tools.unwrap_or_else(|| Arc::new(NoTools)),
            clock,
            config: self.limits,
            seed: self.seed,
            events,
        };
        Ok(Runcor { engine: Engine::start(parts).await?, store, models, governors })
    }
}

fn install(models: &Models, providers: Vec<Registration>, routes: RouterBuilder) -> Result<()> {
    if providers.is_empty() {
        models.clear();
        return Ok(());
    }
    models.install(providers.into_iter().fold(routes, RouterBuilder::provider))
}

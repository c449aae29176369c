//! The engine as its users see it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64};
use std::time::Duration;

use async_trait::async_trait;
use runcor_core::{
    Batch, Caller, Clock, Decision, EngineHealth, EngineStatus, Error, ErrorCode, Event,
    EventRecord, EventSink, EventSubscription, Execution, ExecutionId, ExecutionQuery, Flow,
    FlowChange, FlowInfo, FlowName, Fork, Governance, Hook, ModelRequest, ModelResponse,
    ModelService, ModelStream, NoTools, Op, Operation, Page, Result, Runtime, Store, SystemClock,
    Timeline, ToolProvider, Trigger, Triggered, WorkerId,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::Admission;
use crate::config::EngineConfig;
use crate::dispatcher;
use crate::emitter::{self, Emitter};
use crate::health::Health;
use crate::housekeeping;
use crate::lease;
use crate::policy::sign;
use crate::registry::Registry;
use crate::shared::{Jitter, Shared};
use crate::steady::{self, Steady};
use crate::waiters::Waiters;
use crate::watched::Watched;

/// What an engine is put together from.
#[derive(Debug)]
pub struct EngineParts {
    /// Where executions are kept.
    pub store: Arc<dyn Store>,
    /// Who answers the model calls of flows.
    pub models: Arc<dyn ModelService>,
    /// Who answers the tool calls of flows.
    pub tools: Arc<dyn ToolProvider>,
    /// Who counts, allows and looks at what flows do.
    pub governance: Governance,
    /// Who hears of executions that are complete.
    pub hooks: Vec<Arc<dyn Hook>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The limits and habits.
    pub config: EngineConfig,
    /// The seed of the jitter of retries; chosen by the time when absent.
    pub seed: Option<u64>,
    /// Takes and commits events that belong to no execution, such as those of a router.
    pub events: EventPipe,
}

/// The way of events from parts that exist before the engine to the engine's store.
///
/// A router needs a sink for its events when it is built, and the engine needs
/// the router: so the pipe is made first and given to both.
#[derive(Debug)]
pub struct EventPipe {
    emitter: Emitter,
    events: tokio::sync::mpsc::Receiver<Event>,
}

impl EventPipe {
    /// Makes a pipe.
    #[must_use]
    pub fn new() -> Self {
        let (emitter, events) = Emitter::new();
        Self { emitter, events }
    }

    /// Returns the end into which parts emit.
    #[must_use]
    pub fn sink(&self) -> Arc<dyn EventSink> {
        Arc::new(self.emitter.clone())
    }
}

impl Default for EventPipe {
    fn default() -> Self {
        Self::new()
    }
}

impl EngineParts {
    /// Makes parts with a store, the machine's clock, the default limits and no models.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            models: Arc::new(NoModels),
            tools: Arc::new(NoTools),
            governance: Governance::default(),
            hooks: Vec::new(),
            clock: Arc::new(SystemClock),
            config: EngineConfig::default(),
            seed: None,
            events: EventPipe::new(),
        }
    }
}

/// Runs executions. Clones are handles of the same engine.
///
/// Dropping every handle does not stop the engine; [`shutdown`](Self::shutdown) does.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    /// On whose behalf this handle is used, where it is not the operator's own.
    caller: Option<Caller>,
}

impl Engine {
    /// Puts an engine together, takes its lease, recovers what an earlier
    /// process left, and accepts work.
    ///
    /// Executions of flows that are not registered yet stay where they are
    /// until their flow is.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use runcor_core::{Flow, FlowContext, FlowName, FlowOutcome, Runtime, Trigger};
    /// use runcor_engine::{Engine, EngineParts};
    /// use runcor_store_memory::MemoryStore;
    /// use serde_json::json;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = Engine::start(EngineParts::new(Arc::new(MemoryStore::new()))).await?;
    /// engine.register(Flow::new(FlowName::new("double")?, async |ctx: FlowContext| {
    ///     let number = ctx.input()["number"].as_i64().unwrap_or(0);
    ///     Ok(FlowOutcome::Complete(json!(number * 2)))
    /// }))?;
    ///
    /// let accepted = engine.trigger("double", Trigger::new("order-123", json!({ "number": 21 }))).await?;
    /// let ended = engine.finished(accepted.execution.id()).await?;
    /// assert_eq!(ended.status.result.as_deref(), Some(&json!(42)));
    /// engine.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `INVALID_CONFIG` for limits that can't work, `STORAGE_…` when the store fails.
    pub async fn start(parts: EngineParts) -> Result<Self> {
        let EngineParts { store, models, tools, governance, hooks, clock, config, seed, events } =
            parts;
        config.check()?;
        let host = Arc::clone(&clock);
        let clock = Arc::new(Steady::new(clock));
        steady::catch_up(&clock, &*store).await;
        let health = Arc::new(Health::new(Arc::clone(&clock) as _, config.slow_commit));
        let store: Arc<dyn Store> = Arc::new(Watched::new(store, Arc::clone(&health)));
        let now = clock.now();
        let worker = WorkerId::mint(now);
        let (lease, leased_until) = lease::operation(worker, &config, now);
        let ready = Op::Emit(Event::Ready);
        store.commit(Batch::new().with(lease).with(ready)).await?;
        let capabilities = store.capabilities();
        if capabilities.durable && !capabilities.shared {
            housekeeping::lapse_all(&*store).await?;
        }

        let shared = Arc::new(Shared {
            durable: store.capabilities().durable,
            admission: Arc::new(Admission::new(config.concurrency, config.max_queued)),
            config,
            store: Arc::clone(&store),
            health,
            models,
            tools,
            governance: Governance { store: Some(Arc::clone(&store)), ..governance },
            hooks,
            top_ups: AtomicU64::new(0),
            clock,
            host,
            worker,
            started_at: now,
            registry: Registry::default(),
            running: Arc::default(),
            claiming: tokio::sync::RwLock::default(),
            strays: AtomicBool::new(false),
            waiters: Waiters::default(),
            emitter: events.emitter,
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
            status: AtomicU8::new(0),
            renewing: tokio::sync::Mutex::default(),
            leased_until: AtomicI64::new(leased_until.as_millis()),
            next_wake: AtomicI64::new(i64::MAX),
            timers_changed: AtomicBool::new(false),
            jitter: Jitter::new(seed.unwrap_or_else(|| now.as_millis().unsigned_abs())),
            shutting_down: tokio::sync::Mutex::new(()),
        });
        shared.tasks.spawn(dispatcher::work(Arc::clone(&shared)));
        shared.tasks.spawn(emitter::drain(events.events, store, shared.stopping.clone()));
        shared.set_status(EngineStatus::Ready);
        Ok(Self { shared, caller: None })
    }

    /// Adds a flow.
    ///
    /// # Errors
    /// `DUPLICATE_FLOW`, `RESERVED_FLOW_NAME`, `INVALID_CONFIG` (a schema that
    /// can't be compiled), `ENGINE_SHUTTING_DOWN`.
    pub fn register(&self, flow: Flow) -> Result<()> {
        self.shared.check_ready()?;
        let (name, budget) = (flow.info.name.clone(), flow.info.budget);
        self.shared.registry.add(flow)?;
        self.shared.set_flow_budget(&name, budget);
        self.shared.emitter.emit(Event::FlowRegistered(FlowChange { name }));
        self.shared.look_for_work();
        Ok(())
    }

    /// Adds a flow or puts it in the place of the one with the same name.
    ///
    /// Handlers that run go on with the code they have; their next attempt uses the new one.
    ///
    /// # Errors
    /// `INVALID_CONFIG` (a schema that can't be compiled), `ENGINE_SHUTTING_DOWN`.
    pub fn register_or_replace(&self, flow: Flow) -> Result<()> {
        self.shared.check_ready()?;
        let (name, budget) = (flow.info.name.clone(), flow.info.budget);
        let replaced = self.shared.registry.replace(flow)?;
        self.shared.set_flow_budget(&name, budget);
        if replaced {
            self.shared.emitter.emit(Event::FlowUnregistered(FlowChange { name: name.clone() }));
        }
        self.shared.emitter.emit(Event::FlowRegistered(FlowChange { name }));
        self.shared.look_for_work();
        Ok(())
    }

    /// Takes a flow away. It accepts no more triggers; what it has accepted still runs.
    ///
    /// # Errors
    /// `FLOW_NOT_FOUND`, `ENGINE_SHUTTING_DOWN`.
    pub fn unregister(&self, name: &str) -> Result<()> {
        self.shared.check_ready()?;
        let name = self.shared.registry.remove(name)?;
        self.shared.set_flow_budget(&name, None);
        self.shared.emitter.emit(Event::FlowUnregistered(FlowChange { name }));
        Ok(())
    }

    /// Triggers a flow and returns its execution once it has ended.
    ///
    /// # Errors
    /// As [`Runtime::trigger`] and [`Runtime::finished`].
    pub async fn run(&self, flow: &str, trigger: Trigger) -> Result<Execution> {
        self.shared.run(flow, sign(self.caller.as_ref(), trigger)?).await
    }

    async fn judge(&self, operation: Operation, id: ExecutionId) -> Result<()> {
        self.shared.judge(self.caller.as_ref(), operation, id).await
    }

    /// Returns how many handlers run at present.
    #[must_use]
    pub fn active(&self) -> usize {
        self.shared.admission.active()
    }

    /// Stops the engine: no more work is accepted or claimed, handlers get the
    /// drain timeout to finish, and the store is closed.
    ///
    /// What has not finished by then is given back to a durable store, to go on
    /// after the next start; with a store in memory it fails with `SHUTDOWN`.
    /// A second call waits for the first.
    ///
    /// # Errors
    /// `STORAGE_…` when the store can't be closed cleanly.
    pub async fn shutdown(&self) -> Result<()> {
        Box::pin(self.shared.shutdown()).await
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("status", &self.shared.status())
            .field("active", &self.active())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Runtime for Engine {
    async fn trigger(&self, flow: &str, trigger: Trigger) -> Result<Triggered> {
        self.shared.trigger(flow, sign(self.caller.as_ref(), trigger)?).await
    }

    async fn execution(&self, id: ExecutionId) -> Result<Execution> {
        self.judge(Operation::Read, id).await?;
        self.shared.execution(id).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>> {
        let (caller, mut query) = (self.caller.as_ref(), query.clone());
        self.shared.judge_list(caller, &mut query).await?;
        let mut page = self.shared.executions(&query).await?;
        page.items.retain(|execution| self.shared.sees_flow(caller, &execution.spec.flow));
        Ok(page)
    }

    async fn finished(&self, id: ExecutionId) -> Result<Execution> {
        self.judge(Operation::Read, id).await?;
        self.shared.finished(id).await
    }

    async fn resume(&self, id: ExecutionId, data: Option<Value>) -> Result<Execution> {
        self.judge(Operation::Resume, id).await?;
        self.shared.resume(id, data).await
    }

    async fn replay(&self, id: ExecutionId) -> Result<Execution> {
        let allowed = self.shared.judged_again(self.caller.as_ref(), id, None).await?;
        self.shared.replay(id, allowed).await
    }

    async fn decide(&self, id: ExecutionId, decision: Decision) -> Result<Execution> {
        self.judge(Operation::Resume, id).await?;
        self.shared.decide(id, decision).await
    }

    async fn fork(&self, id: ExecutionId, mut fork: Fork) -> Result<Execution> {
        let (caller, input) = (self.caller.as_ref(), fork.input.as_mut());
        let allowed = self.shared.judged_again(caller, id, input).await?;
        self.shared.fork(id, fork, allowed).await
    }

    async fn timeline(&self, id: ExecutionId) -> Result<Timeline> {
        self.judge(Operation::Read, id).await?;
        self.shared.timeline(id).await
    }

    async fn journal_value(&self, id: ExecutionId, path: &str) -> Result<Value> {
        self.judge(Operation::Read, id).await?;
        self.shared.journal_value(id, path).await
    }

    async fn cancel(&self, id: ExecutionId, reason: Option<String>) -> Result<Execution> {
        self.judge(Operation::Cancel, id).await?;
        self.shared.cancel(id, reason).await
    }

    async fn delete(&self, id: ExecutionId) -> Result<()> {
        self.judge(Operation::Delete, id).await?;
        self.shared.delete(id).await
    }

    async fn wake_budget_waits(&self) -> Result<usize> {
        let tenant = self.caller.as_ref().and_then(|caller| caller.tenant.clone());
        self.shared.wake_budget_waits(tenant).await
    }

    fn as_caller(&self, caller: Caller) -> Arc<dyn Runtime> {
        // What is somebody's already is never made somebody else's, or everybody's.
        let caller = match self.caller.clone() {
            Some(own) => {
                let (user, tenant) = (own.user.or(caller.user), own.tenant.or(caller.tenant));
                Caller { user, tenant }
            }
            None => caller,
        };
        Arc::new(Self { shared: Arc::clone(&self.shared), caller: Some(caller) })
    }

    fn sees_flow(&self, flow: &FlowName) -> bool {
        self.shared.sees_flow(self.caller.as_ref(), flow)
    }

    fn flows(&self) -> Vec<FlowInfo> {
        let mut flows = self.shared.registry.infos();
        flows.retain(|flow| self.shared.sees_flow(self.caller.as_ref(), &flow.name));
        flows
    }

    fn status(&self) -> EngineStatus {
        self.shared.status()
    }

    fn health(&self) -> EngineHealth {
        EngineHealth { degraded: self.shared.health.trouble() }
    }

    fn uptime(&self) -> Duration {
        self.shared.now().since(self.shared.started_at)
    }

    fn subscribe(&self) -> EventSubscription {
        let feed = self.shared.store.feed().subscribe();
        match &self.caller {
            Some(caller) => {
                feed.as_caller(caller.clone()).under(self.shared.governance.policy.clone())
            }
            None => feed,
        }
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>> {
        let Some(caller) = &self.caller else {
            return Ok(self.shared.store.events(after, limit).await?);
        };
        let (mut seen, mut after) = (Vec::new(), after);
        loop {
            let events = self.shared.store.events(after, limit).await?;
            let Some(last) = events.last() else { return Ok(seen) };
            after = last.seq;
            seen.extend(
                events.into_iter().filter(|record| self.shared.sees_event(caller, &record.event)),
            );
            if seen.len() >= limit {
                seen.truncate(limit);
                return Ok(seen);
            }
        }
    }
}

/// Answers every model call with the advice to configure a provider.
#[derive(Debug)]
struct NoModels;

impl NoModels {
    fn error() -> Error {
        Error::new(
            ErrorCode::NoHealthyProviders,
            "no model provider is configured; give the engine a router, or add `providers` to runcor.yaml",
        )
    }
}

#[async_trait]
impl ModelService for NoModels {
    async fn complete(&self, _request: ModelRequest) -> Result<ModelResponse> {
        Err(Self::error())
    }

    async fn stream(&self, _request: ModelRequest) -> Result<ModelStream> {
        Err(Self::error())
    }
}

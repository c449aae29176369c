//! What all parts of one engine share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};

use runcor_core::{
    Applied, Batch, BudgetLimit, Change, Clock, EngineStatus, Error, ErrorCode, Execution,
    ExecutionState, FlowName, Governance, Hook, MemoryOwner, MemorySpace, ModelService, Op, Result,
    Store, StoreError, Timestamp, ToolProvider, WorkerId,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::Admission;
use crate::config::EngineConfig;
use crate::crash_points;
use crate::emitter::Emitter;
use crate::family::{Family, may_have_called};
use crate::health::Health;
use crate::registry::Registry;
use crate::running::{Run, Running};
use crate::strays::is_same_change;
use crate::waiters::Waiters;

/// How often an operation begins anew when somebody else was faster.
pub(crate) const MAX_RACES: usize = 100;

/// What all parts of one engine share.
pub(crate) struct Shared {
    pub(crate) config: EngineConfig,
    /// The store, through which its health is watched.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) health: Arc<Health>,
    pub(crate) durable: bool,
    pub(crate) models: Arc<dyn ModelService>,
    pub(crate) tools: Arc<dyn ToolProvider>,
    pub(crate) governance: Governance,
    pub(crate) hooks: Vec<Arc<dyn Hook>>,
    /// How often somebody said that there may be more money.
    pub(crate) top_ups: AtomicU64,
    pub(crate) clock: Arc<dyn Clock>,
    /// The time of the host, by which requests to vendors are reserved.
    pub(crate) host: Arc<dyn Clock>,
    pub(crate) worker: WorkerId,
    pub(crate) started_at: Timestamp,
    pub(crate) registry: Registry,
    pub(crate) admission: Arc<Admission>,
    pub(crate) running: Arc<Running>,
    /// Held for reading while something is claimed and for writing while strays are looked for.
    pub(crate) claiming: tokio::sync::RwLock<()>,
    /// Whether the store may call something ours that nobody here runs.
    pub(crate) strays: AtomicBool,
    pub(crate) waiters: Waiters,
    pub(crate) emitter: Emitter,
    /// Handlers and detached operations.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when no more work is to be claimed.
    pub(crate) draining: CancellationToken,
    /// Cancelled when handlers have to stop.
    pub(crate) stopping: CancellationToken,
    pub(crate) status: AtomicU8,
    /// Held by whoever renews the lease.
    pub(crate) renewing: tokio::sync::Mutex<()>,
    /// When this worker's lease ends, in milliseconds.
    pub(crate) leased_until: AtomicI64,
    /// When the dispatcher looks at timers next, in milliseconds.
    pub(crate) next_wake: AtomicI64,
    /// Whether a timer was set that comes before that.
    pub(crate) timers_changed: AtomicBool,
    pub(crate) jitter: Jitter,
    /// Held by the one call that shuts the engine down.
    pub(crate) shutting_down: tokio::sync::Mutex<()>,
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn status(&self) -> EngineStatus {
        match self.status.load(Ordering::SeqCst) {
            0 => EngineStatus::Initializing,
            1 => EngineStatus::Ready,
            2 => EngineStatus::ShuttingDown,
            _ => EngineStatus::Stopped,
        }
    }

    pub(crate) fn set_status(&self, status: EngineStatus) {
        let number = match status {
            EngineStatus::Initializing => 0,
            EngineStatus::Ready => 1,
            EngineStatus::ShuttingDown => 2,
            EngineStatus::Stopped => 3,
        };
        self.status.store(number, Ordering::SeqCst);
    }

    /// Fails unless the engine accepts work.
    pub(crate) fn check_ready(&self) -> Result<()> {
        match self.status() {
            EngineStatus::Ready => Ok(()),
            EngineStatus::Initializing => {
                Err(Error::new(ErrorCode::EngineNotReady, "the engine is still starting")
                    .retryable(None))
            }
            EngineStatus::ShuttingDown | EngineStatus::Stopped => {
                Err(Error::new(ErrorCode::EngineShuttingDown, "the engine is shutting down")
                    .retryable(None))
            }
        }
    }

    /// Sends the dispatcher to look for executions that have waited for a flow,
    /// which new triggers must not overtake.
    pub(crate) fn look_for_work(&self) {
        if self.durable {
            self.admission.raise_backlog();
        }
        self.admission.wake();
    }

    /// Runs an operation that must not stop halfway when its caller goes away.
    ///
    /// A commit to a durable store takes time, in which the caller's future may
    /// be dropped; the commit would still become true, and what has to follow
    /// it would be lost. A store in memory commits without a pause.
    pub(crate) async fn detached<T: Send + 'static, F>(
        self: &Arc<Self>,
        // Not the future itself: it is large, and would be copied on its way.
        operation: impl FnOnce() -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        if !self.durable {
            return operation().await;
        }
        self.tasks.spawn(operation()).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorCode::InternalError, "the operation did not come to its end"))
        })
    }

    /// Applies a change to `execution` in the store, and then to the copy at hand.
    pub(crate) async fn change(
        &self,
        execution: &mut Execution,
        change: Change,
    ) -> Result<(), ChangeError> {
        self.change_with(execution, change, |_, batch| batch).await
    }

    /// As [`change`](Self::change), together with what `add` adds for the changed execution.
    pub(crate) async fn change_with(
        &self,
        execution: &mut Execution,
        change: Change,
        add: impl Fn(&Execution, Batch) -> Batch + Send + Sync,
    ) -> Result<(), ChangeError> {
        let applied = execution.apply(change, self.now())?;
        let changed =
            Execution { spec: Arc::clone(&execution.spec), status: applied.status.clone() };
        let after = add(&changed, Batch::new());
        self.commit(execution, &applied, &Around { after, ..Around::default() }).await?;
        Ok(())
    }

    /// Notes that `execution`, as it stands or is about to stand, is run here.
    pub(crate) fn begin(&self, execution: Execution) -> Run {
        self.running.begin(execution, self.stopping.child_token())
    }

    /// Commits an applied change, what belongs around it and what it means for
    /// others, and does what follows from it.
    ///
    /// A store that fails may have applied the batch all the same, so it is
    /// asked once more what has become of it.
    pub(crate) async fn commit(
        &self,
        execution: &mut Execution,
        applied: &Applied,
        around: &Around,
    ) -> Result<(), StoreError> {
        let mut family = Family::default();
        match self.commit_with_family(execution, applied, around, &mut family).await {
            Ok(()) => {}
            Err(error) if error.is_temporary() => {
                match self.took_effect(execution, applied).await {
                    Ok(true) => {}
                    Ok(false) => return Err(error),
                    Err(_) => {
                        self.suspect_strays();
                        return Err(error);
                    }
                }
            }
            Err(error) => return Err(error),
        }
        execution.status = applied.status.clone();
        self.committed(execution);
        self.family_committed(&family).await;
        if may_have_called(execution) {
            self.end_late_children(execution, &family).await;
        }
        Ok(())
    }

    /// Commits a change and what it means for others, anew as often as one of those has changed.
    async fn commit_with_family(
        &self,
        execution: &Execution,
        applied: &Applied,
        around: &Around,
        family: &mut Family,
    ) -> Result<(), StoreError> {
        for _ in 0..MAX_RACES {
            *family = self.family(execution, applied).await?;
            let mut batch = around.before.clone().update(execution, applied.clone());
            batch.ops.extend(around.after.ops.iter().cloned());
            batch.ops.append(&mut self.at_end(execution, applied));
            batch.ops.append(&mut family.batch.ops);
            crash_points::before(applied.status.state);
            match self.store.commit(batch).await {
                Ok(_) => {
                    crash_points::after(applied.status.state);
                    return Ok(());
                }
                Err(StoreError::Conflict { id, .. })
                    if id != execution.id() && applied.status.state.is_terminal() => {}
                Err(error) => return Err(error),
            }
        }
        let message = "the executions that called it, or that it has called, change too fast";
        Err(StoreError::Unavailable { message: message.to_owned() })
    }

    /// Returns what belongs to an end: its own memory goes with a failed
    /// execution, and hooks get to know a complete one.
    fn at_end(&self, execution: &Execution, applied: &Applied) -> Vec<Op> {
        match applied.status.state {
            ExecutionState::Failed if execution.status.epoch > 0 => vec![forget_session(execution)],
            ExecutionState::Complete if !self.hooks.is_empty() => {
                let (spec, status) = (Arc::clone(&execution.spec), applied.status.clone());
                let ended = Execution { spec, status };
                self.hooks.iter().flat_map(|hook| hook.before_end(&ended)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Looks whether a change whose answer was lost has been applied.
    ///
    /// Whoever waits for the end learns here of one that was reported to nobody.
    pub(crate) async fn took_effect(
        &self,
        execution: &Execution,
        applied: &Applied,
    ) -> Result<bool, StoreError> {
        let Some(stored) = self.store.execution(execution.id()).await? else { return Ok(false) };
        if stored.state().is_terminal() {
            self.waiters.ended(&stored);
        }
        Ok(is_same_change(&stored.status, &applied.status))
    }

    /// Does what follows from a committed status: timers are set, waiters told.
    pub(crate) fn committed(&self, execution: &Execution) {
        if let Some(due) = execution.status.due {
            self.timer_set(due);
        }
        if execution.state().is_terminal() {
            self.waiters.ended(execution);
        }
        if execution.state() == ExecutionState::Complete {
            self.hooks.iter().for_each(|hook| hook.after_end(execution));
        }
    }

    /// Tells who counts the money what a flow may spend.
    pub(crate) fn set_flow_budget(&self, flow: &FlowName, budget: Option<BudgetLimit>) {
        if let Some(meter) = &self.governance.meter {
            meter.set_flow_budget(flow, budget);
        }
    }

    /// Commits what model calls have cost whose end nobody was there to see.
    pub(crate) async fn flush_bills(&self) {
        let Some(meter) = &self.governance.meter else { return };
        if let Err(error) = meter.flush().await {
            tracing::debug!(%error, "bills that were left can't be stored yet");
        }
    }

    /// Has something that has just become runnable claimed.
    pub(crate) fn runnable_now(&self) {
        self.admission.raise_backlog();
        self.admission.wake();
    }

    /// Makes the dispatcher look at its timers again when `due` comes before its next look.
    pub(crate) fn timer_set(&self, due: Timestamp) {
        if due.as_millis() < self.next_wake.load(Ordering::SeqCst) {
            self.timers_changed.store(true, Ordering::SeqCst);
            self.admission.wake();
        }
    }

    /// Returns when a record that ends now may be removed.
    ///
    /// The instant is rounded up, so that many records are removed in one commit.
    pub(crate) fn expiry(&self, now: Timestamp) -> Option<Timestamp> {
        if self.config.retention.is_zero() {
            return None;
        }
        let exact = now.after(self.config.retention).as_millis();
        let step = i64::try_from(self.config.sweep_interval().as_millis()).unwrap_or(1).max(1);
        Some(Timestamp::from_millis(exact.saturating_add(step - 1) / step * step))
    }

    /// Returns whether a record is past its retention, though it may not be removed yet.
    pub(crate) fn is_expired(&self, execution: &Execution) -> bool {
        let retention = self.config.retention;
        !retention.is_zero()
            && execution.status.completed.is_some_and(|at| self.now() >= at.after(retention))
    }
}

/// Returns the operation that empties an execution's own memory.
pub(crate) fn forget_session(execution: &Execution) -> Op {
    let tenant = execution.spec.tenant_id.clone();
    let owner = MemoryOwner::Session(execution.id());
    Op::ForgetAll(Box::new(MemorySpace { tenant, owner }))
}

/// What is committed together with a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    /// What comes before it.
    pub(crate) before: Batch,
    /// What comes after it.
    pub(crate) after: Batch,
}

/// Why a change did not come about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error(transparent)]
    Illegal(#[from] runcor_core::InvalidTransition),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChangeError {
    /// Returns whether somebody else changed the execution first.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(StoreError::Conflict { .. }))
    }
}

/// Numbers for the jitter of retries: `splitmix64` from a seed, so that a test can repeat them.
#[derive(Debug)]
pub(crate) struct Jitter {
    state: AtomicU64,
}

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// Returns the next number in `[0, 1)`.
    pub(crate) fn next(&self) -> f64 {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.state.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let bits = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(0);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_repeats_with_its_seed_and_stays_below_one() {
        let (a, b) = (Jitter::new(7), Jitter::new(7));
        for _ in 0..1_000 {
            let number = a.next();
            assert!((0.0..1.0).contains(&number));
            assert_eq!(number.to_bits(), b.next().to_bits());
        }
    }
}

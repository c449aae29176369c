//! Accepting work: from a trigger to a stored execution, once for each key.

use std::sync::Arc;

use fail::fail_point;
use runcor_core::{
    Batch, Change, Error, ErrorCode, Execution, ExecutionId, ExecutionSpec, FlowName,
    IdempotencyKey, InvalidId, Op, Operation, Result, SessionId, StoreError, TenantId, Timestamp,
    Trigger, Triggered, UserId,
};
use serde_json::json;

use crate::admission::Slot;
use crate::policy::Allowed;
use crate::runner;
use crate::shared::Shared;

impl Shared {
    /// Accepts a trigger, or finds what its key stands for.
    pub(crate) async fn trigger(
        self: &Arc<Self>,
        flow: &str,
        trigger: Trigger,
    ) -> Result<Triggered> {
        self.check_ready()?;
        self.accept(spec_of(flow, trigger, self.now())?).await
    }

    /// Accepts a trigger and returns its execution once it has ended.
    pub(crate) async fn run(self: &Arc<Self>, flow: &str, trigger: Trigger) -> Result<Execution> {
        self.check_ready()?;
        let spec = spec_of(flow, trigger, self.now())?;
        let id = spec.id;
        // Who waits from before the beginning misses no end, and has no need to look.
        let waiting = self.waiters.wait(id);
        let Triggered { execution, .. } = self.accept(spec).await?;
        if execution.state().is_terminal() {
            return Ok(execution);
        }
        if execution.id() != id {
            return self.finished(execution.id()).await;
        }
        waiting.ended().await.ok_or_else(|| self.no_end(id))
    }

    async fn accept(self: &Arc<Self>, mut spec: ExecutionSpec) -> Result<Triggered> {
        // Before anything else: who may not trigger learns nothing, not even what a key stands for.
        let allowed = self.judge_trigger(Operation::Trigger, &mut spec).await?;
        let flow = self.registry.active(spec.flow.as_str());
        let accepted = flow.and_then(|flow| flow.check_input(&spec.input));
        match accepted {
            Ok(()) => self.admit(spec, allowed, Batch::new()).await,
            // A known key is answered whatever has become of the flow or its schema.
            Err(refusal) => match self.known(&spec).await? {
                Some(execution) => Ok(Triggered { execution, replayed: true }),
                None => Err(refusal),
            },
        }
    }

    async fn known(&self, spec: &ExecutionSpec) -> Result<Option<Execution>> {
        let (tenant, flow, key) = (spec.tenant_id.as_ref(), &spec.flow, &spec.idempotency_key);
        let found = self.store.execution_by_key(tenant, flow, key).await?;
        Ok(found.filter(|execution| !self.is_expired(execution)))
    }

    /// Stores a new execution together with `also`, claimed at once where a
    /// slot is free and no rate limit lets it wait for its turn, and runs it.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        spec: ExecutionSpec,
        allowed: Allowed,
        also: Batch,
    ) -> Result<Triggered> {
        if let Some(known) = self.refuse_in_trouble(&spec).await? {
            return Ok(known);
        }
        let shared = Arc::clone(self);
        self.detached(|| async move {
            let new = New { execution: Execution::queued(spec), allowed, also };
            let Some(slot) = shared.admission.take_unless_backlog() else {
                return shared.insert_queued(new).await;
            };
            match shared.insert_running(&new, slot).await {
                Err(StoreError::RateLimited(_)) if new.allowed.may_wait() => {
                    shared.insert_queued(new).await
                }
                Err(error) => shared.refused_unless_known(&new.execution.spec, error).await,
                Ok(triggered) => Ok(triggered),
            }
        })
        .await
    }

    /// Tells why a trigger was refused; a key that is known already is answered
    /// however often something may happen.
    async fn refused_unless_known(
        &self,
        spec: &ExecutionSpec,
        error: StoreError,
    ) -> Result<Triggered> {
        if matches!(error, StoreError::RateLimited(_))
            && let Some(execution) = self.known(spec).await?
        {
            return Ok(Triggered { execution, replayed: true });
        }
        Err(self.refuse_trigger(spec, error))
    }

    /// Stores a new execution that is claimed later, together with `also`.
    pub(crate) async fn enqueue(
        self: &Arc<Self>,
        spec: ExecutionSpec,
        allowed: Allowed,
        also: Batch,
    ) -> Result<Triggered> {
        if let Some(known) = self.refuse_in_trouble(&spec).await? {
            return Ok(known);
        }
        let shared = Arc::clone(self);
        let new = New { execution: Execution::queued(spec), allowed, also };
        self.detached(|| async move { shared.insert_queued(new).await }).await
    }

    /// Refuses what is new while the store has trouble; what is known is a read, and answered.
    async fn refuse_in_trouble(&self, spec: &ExecutionSpec) -> Result<Option<Triggered>> {
        let Some(refusal) = self.health.refusal() else { return Ok(None) };
        match self.known(spec).await {
            Ok(Some(execution)) => Ok(Some(Triggered { execution, replayed: true })),
            Ok(None) | Err(_) => Err(refusal),
        }
    }

    async fn insert_running(
        self: &Arc<Self>,
        new: &New,
        slot: Slot,
    ) -> Result<Triggered, StoreError> {
        let mut execution = new.execution.clone();
        let claim = Change::Claim { worker: self.worker };
        let Ok(applied) = execution.apply(claim, self.now()) else {
            let message = "a new execution can't be claimed".to_owned();
            return Err(StoreError::Unstorable { message });
        };
        execution.status = applied.status;
        let run = self.begin(execution.clone());
        let after = new.also.clone().emit_all(applied.events);
        let triggered = self.insert(execution, new.allowed.now(), after).await;
        match &triggered {
            Ok(Triggered { replayed: false, .. }) => runner::spawn(self, run, slot),
            Ok(_) => {}
            Err(error) => {
                drop(run);
                if error.is_temporary() {
                    self.suspect_strays();
                }
            }
        }
        triggered
    }

    async fn insert_queued(self: &Arc<Self>, new: New) -> Result<Triggered> {
        if !self.admission.enqueue() {
            let message = format!(
                "{} executions are queued already; try again later",
                self.config.max_queued
            );
            return Err(Error::new(ErrorCode::QueueFull, message).retryable(None));
        }
        self.admission.raise_backlog();
        let New { execution, allowed, also } = new;
        let spec = Arc::clone(&execution.spec);
        let inserted = self.insert(execution, allowed.in_turn(), also).await;
        match &inserted {
            Ok(Triggered { execution, replayed: false }) => {
                // Its turn may come later.
                if let Some(due) = execution.status.due {
                    self.timer_set(due);
                }
            }
            _ => self.admission.dequeue(1),
        }
        self.admission.wake();
        match inserted {
            Ok(triggered) => Ok(triggered),
            Err(error) => self.refused_unless_known(&spec, error).await,
        }
    }

    async fn insert(
        &self,
        mut execution: Execution,
        takes: Vec<Op>,
        after: Batch,
    ) -> Result<Triggered, StoreError> {
        let mut expired: Option<ExecutionId> = None;
        let mut before = Batch { ops: takes };
        loop {
            let mut batch = before.clone().insert(execution.clone());
            batch.ops.extend(after.ops.iter().cloned());
            fail_point!("trigger.before_commit");
            match self.store.commit(batch).await {
                Ok(receipt) => {
                    fail_point!("trigger.after_commit_before_ack");
                    execution.status.due = receipt.turn.or(execution.status.due);
                    return Ok(Triggered { execution, replayed: false });
                }
                Err(StoreError::Duplicate { existing }) if self.is_expired(&existing) => {
                    // Its retention is over, it just has not been swept away yet.
                    let delete = Op::Delete { id: existing.id(), expect: existing.fence() };
                    expired = Some(existing.id());
                    before.ops.push(delete);
                }
                Err(StoreError::Duplicate { existing }) => {
                    return Ok(Triggered { execution: *existing, replayed: true });
                }
                Err(error) if error.is_temporary() => {
                    // It may be there all the same.
                    return match self.store.execution(execution.id()).await {
                        Ok(Some(_)) => Ok(Triggered { execution, replayed: false }),
                        Ok(None) | Err(_) => Err(error),
                    };
                }
                // It was swept away in the meantime.
                Err(StoreError::Conflict { id, .. }) if Some(id) == expired => {
                    before.ops.retain(|op| !matches!(op, Op::Delete { .. }));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// A new execution, what was allowed of it, and what becomes true with it.
struct New {
    execution: Execution,
    allowed: Allowed,
    also: Batch,
}

fn spec_of(flow: &str, trigger: Trigger, now: Timestamp) -> Result<ExecutionSpec> {
    if trigger.idempotency_key.trim().is_empty() {
        let message = "every trigger needs an idempotency key that is not blank";
        let details = json!({ "field": "idempotencyKey", "reason": "required" });
        return Err(Error::new(ErrorCode::MissingIdempotencyKey, message).with_details(details));
    }
    let key = checked("idempotencyKey", IdempotencyKey::new(&trigger.idempotency_key))?;
    let flow = FlowName::new(flow)
        .map_err(|error| Error::new(ErrorCode::FlowNotFound, error.to_string()))?;
    let mut spec = ExecutionSpec::new(ExecutionId::mint(now), flow, key, trigger.input, now);
    spec.user_id = trigger.user_id.map(|id| checked("userId", UserId::new(id))).transpose()?;
    spec.session_id =
        trigger.session_id.map(|id| checked("sessionId", SessionId::new(id))).transpose()?;
    spec.tenant_id =
        trigger.tenant_id.map(|id| checked("tenantId", TenantId::new(id))).transpose()?;
    spec.metadata = trigger.metadata;
    spec.timeout = trigger.timeout;
    spec.wait_timeout = trigger.wait_timeout;
    Ok(spec)
}

fn checked<T>(field: &str, id: Result<T, InvalidId>) -> Result<T> {
    id.map_err(|error| {
        Error::new(ErrorCode::ValidationError, error.to_string())
            .with_details(json!({ "field": field, "reason": "invalid" }))
    })
}

pub(crate) fn internal(error: impl std::error::Error) -> Error {
    Error::new(ErrorCode::InternalError, error.to_string())
}

//! Operations on executions that exist: read, resume, replay, cancel, delete.

use std::sync::Arc;

use fail::fail_point;
use runcor_core::{
    Batch, Change, EngineStatus, Error, ErrorCode, Execution, ExecutionError, ExecutionId,
    ExecutionQuery, ExecutionSpec, ExecutionState, Fence, IdempotencyKey, JournalEntry,
    JournalKind, Op, Outcome, Page, Result, StoreError, Timestamp, WaitKind,
};
use serde_json::Value;

use crate::policy::Allowed;
use crate::runner;
use crate::shared::{ChangeError, MAX_RACES, Shared};
use crate::strays::is_same_change;
use crate::trigger::internal;

impl Shared {
    pub(crate) async fn execution(&self, id: ExecutionId) -> Result<Execution> {
        let found = self.store.execution(id).await?;
        found.filter(|execution| !self.is_expired(execution)).ok_or_else(|| not_found(id))
    }

    pub(crate) async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>> {
        let mut page = self.store.executions(query).await?;
        page.items.retain(|execution| !self.is_expired(execution));
        Ok(page)
    }

    pub(crate) async fn finished(&self, id: ExecutionId) -> Result<Execution> {
        // Waiting begins before the look, or an end in between would be missed.
        let waiting = self.waiters.wait(id);
        let execution = self.execution(id).await?;
        if execution.state().is_terminal() {
            return Ok(execution);
        }
        waiting.ended().await.ok_or_else(|| self.no_end(id))
    }

    /// Returns why nobody will tell of an execution's end any more.
    pub(crate) fn no_end(&self, id: ExecutionId) -> Error {
        match self.status() {
            EngineStatus::Stopped => {
                Error::new(ErrorCode::EngineShuttingDown, "the engine has stopped").retryable(None)
            }
            _ => not_found(id),
        }
    }

    pub(crate) async fn resume(
        self: &Arc<Self>,
        id: ExecutionId,
        data: Option<Value>,
    ) -> Result<Execution> {
        self.check_ready()?;
        let shared = Arc::clone(self);
        self.detached(|| async move {
            for _ in 0..MAX_RACES {
                let execution = shared.execution(id).await?;
                if execution.state() != ExecutionState::Waiting {
                    return already_resumed(execution, data.as_ref());
                }
                check_resumable(&execution)?;
                let answer = data.clone().unwrap_or_default();
                let entry = answered_wait(&execution, answer, shared.now());
                if let Some(resumed) = shared.resume_waiting(execution, data.clone(), entry).await?
                {
                    return Ok(resumed);
                }
            }
            Err(too_many_races(id))
        })
        .await
    }

    /// Resumes a waiting execution and writes the answer into its journal;
    /// `None` when somebody else changed it first.
    pub(crate) async fn resume_waiting(
        self: &Arc<Self>,
        mut execution: Execution,
        data: Option<Value>,
        answer: Option<JournalEntry>,
    ) -> Result<Option<Execution>> {
        if execution.status.due.is_some_and(|due| due <= self.now()) {
            self.end_due_wait(&mut execution).await?;
            return Ok(None);
        }
        let waited_at = execution.fence();
        let slot = self.admission.take_unless_backlog();
        let mut batch = self.apply_next(Batch::new(), &mut execution, Change::Resume { data })?;
        if let Some(answer) = answer {
            batch = batch.journal(&execution, answer);
        }
        if slot.is_some() {
            let claim = Change::Claim { worker: self.worker };
            batch = self.apply_next(batch, &mut execution, claim)?;
        } else {
            self.admission.raise_backlog();
        }
        let run = slot.map(|slot| (self.begin(execution.clone()), slot));
        match self.commit_resume(batch, waited_at, &execution).await {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                drop(run);
                self.suspect_strays();
                return Err(error.into());
            }
        }
        match run {
            Some((run, slot)) => runner::spawn(self, run, slot),
            None => self.admission.wake(),
        }
        Ok(Some(execution))
    }

    /// Applies a change to the copy at hand and adds it to a batch.
    fn apply_next(&self, batch: Batch, execution: &mut Execution, change: Change) -> Result<Batch> {
        let applied = execution.apply(change, self.now()).map_err(internal)?;
        let status = applied.status.clone();
        let batch = batch.update(execution, applied);
        execution.status = status;
        Ok(batch)
    }

    /// Commits a resume; false when somebody else has changed the execution, or
    /// when it took effect and more has happened since, though the store could not say so.
    async fn commit_resume(
        &self,
        batch: Batch,
        waited_at: Fence,
        resumed: &Execution,
    ) -> Result<bool, StoreError> {
        fail_point!("resume.before_commit");
        let error = match self.store.commit(batch).await {
            Ok(_) => {
                fail_point!("resume.after_commit");
                return Ok(true);
            }
            Err(StoreError::Conflict { .. }) => return Ok(false),
            Err(error) if error.is_temporary() => error,
            Err(error) => return Err(error),
        };
        match self.store.execution(resumed.id()).await {
            Ok(Some(stored)) if is_same_change(&stored.status, &resumed.status) => Ok(true),
            Ok(Some(stored)) if stored.fence() != waited_at => Ok(false),
            _ => Err(error),
        }
    }

    /// Wakes an execution whose timer has come, or fails one whose wait took too long.
    pub(crate) async fn end_due_wait(&self, execution: &mut Execution) -> Result<(), StoreError> {
        let wakes = execution.status.wait.as_ref().is_some_and(|wait| wait.wakes(self.now()));
        if !wakes {
            return self.fail_expired_wait(execution).await;
        }
        match self.change(execution, Change::Wake).await {
            Ok(()) => self.runnable_now(),
            Err(error) if error.is_conflict() => {}
            Err(ChangeError::Store(error)) => return Err(error),
            Err(ChangeError::Illegal(error)) => {
                tracing::error!(execution = %execution.id(), %error, "it does not wait");
            }
        }
        Ok(())
    }

    /// Fails an execution whose wait took too long, unless somebody else changed it first.
    pub(crate) async fn fail_expired_wait(
        &self,
        execution: &mut Execution,
    ) -> Result<(), StoreError> {
        let error = ExecutionError {
            message: "nobody resumed the execution in time".to_owned(),
            retryable: false,
            retry_count: execution.status.retry_count,
            code: Some(ErrorCode::WaitTimeout.as_str().to_owned()),
        };
        let fail = Change::Fail { error, expires: self.expiry(self.now()) };
        match self.change(execution, fail).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_conflict() => Ok(()),
            Err(ChangeError::Store(error)) => Err(error),
            Err(ChangeError::Illegal(error)) => {
                tracing::error!(execution = %execution.id(), %error, "it does not wait");
                Ok(())
            }
        }
    }

    pub(crate) async fn replay(
        self: &Arc<Self>,
        id: ExecutionId,
        allowed: Allowed,
    ) -> Result<Execution> {
        self.check_ready()?;
        let original = self.execution(id).await?;
        if !original.state().is_terminal() {
            return Err(invalid_state(&original, "replayed"));
        }
        self.registry.active(original.spec.flow.as_str())?;
        let now = self.now();
        let new = ExecutionId::mint(now);
        let key = format!("replay:{id}:{}:{new}", now.as_millis());
        let spec = ExecutionSpec {
            id: new,
            idempotency_key: IdempotencyKey::new(key).map_err(internal)?,
            replay_of: Some(id),
            parent: None,
            fork: None,
            queued_at: now,
            ..(*original.spec).clone()
        };
        Ok(self.admit(spec, allowed, Batch::new()).await?.execution)
    }

    pub(crate) async fn cancel(
        self: &Arc<Self>,
        id: ExecutionId,
        reason: Option<String>,
    ) -> Result<Execution> {
        self.check_ready()?;
        let message = reason.unwrap_or_else(|| "the execution was cancelled".to_owned());
        let shared = Arc::clone(self);
        self.detached(|| async move {
            for _ in 0..MAX_RACES {
                let mut execution = shared.execution(id).await?;
                let was_queued = execution.state() == ExecutionState::Queued;
                if execution.state().is_terminal() {
                    return Err(invalid_state(&execution, "cancelled"));
                }
                let error = ExecutionError {
                    message: message.clone(),
                    retryable: false,
                    retry_count: execution.status.retry_count,
                    code: Some(ErrorCode::Cancelled.as_str().to_owned()),
                };
                let fail = Change::Fail { error, expires: shared.expiry(shared.now()) };
                match shared.change(&mut execution, fail).await {
                    Ok(()) => {
                        shared.admission.dequeue(usize::from(was_queued));
                        shared.stop_run(&execution).await;
                        return Ok(execution);
                    }
                    Err(error) if error.is_conflict() => {}
                    Err(ChangeError::Store(error)) => return Err(error.into()),
                    Err(ChangeError::Illegal(error)) => return Err(internal(error)),
                }
            }
            Err(too_many_races(id))
        })
        .await
    }

    /// Stops the handler of an execution that was just cancelled.
    pub(crate) async fn stop_run(&self, execution: &Execution) {
        let has_run = execution.status.epoch > 0;
        if has_run && !self.running.stop(execution) {
            // It may be claimed right now: then it is known here once that is over.
            drop(self.claiming.write().await);
            self.running.forget(execution);
        }
    }

    pub(crate) async fn delete(self: &Arc<Self>, id: ExecutionId) -> Result<()> {
        self.check_ready()?;
        let execution = self.execution(id).await?;
        if !execution.state().is_terminal() {
            let message = format!(
                "execution {id} is {} and can't be deleted; cancel it first",
                execution.state()
            );
            return Err(Error::new(ErrorCode::InvalidTransition, message));
        }
        let delete = Op::Delete { id, expect: execution.fence() };
        match self.store.commit(Batch::new().with(delete)).await {
            Ok(_) => {}
            // An ended execution changes no more; it can only have been deleted.
            Err(StoreError::Conflict { .. }) => return Err(not_found(id)),
            Err(error) => return Err(error.into()),
        }
        self.waiters.gone(id);
        Ok(())
    }
}

/// Answers a resume of an execution that does not wait: fine when it was resumed with the same data.
fn already_resumed(execution: Execution, data: Option<&Value>) -> Result<Execution> {
    let status = &execution.status;
    if status.resume_count > 0 && status.resume_data.as_ref() == data {
        return Ok(execution);
    }
    Err(invalid_state(&execution, "resumed"))
}

/// Refuses a plain resume of what has to be answered in another way.
fn check_resumable(execution: &Execution) -> Result<()> {
    let kind = execution.status.wait.as_ref().map(|wait| wait.kind).unwrap_or_default();
    let advice = match kind {
        WaitKind::Signal => return Ok(()),
        WaitKind::Approval => "waits for an approval; approve or reject it with its token",
        WaitKind::Decision => "waits for a decision whether a step has happened; decide it",
        WaitKind::Sleep => "sleeps and goes on by itself",
        WaitKind::Call => "waits for a flow that it has called and goes on by itself",
        WaitKind::Budget => "waits for money; add to its budget, and it goes on by itself",
        _ => "waits for something else",
    };
    let message = format!("execution {} {advice}", execution.id());
    Err(Error::new(ErrorCode::InvalidState, message))
}

/// Returns the journal entry by which a resume answers the wait, where it has a place there.
fn answered_wait(execution: &Execution, answer: Value, now: Timestamp) -> Option<JournalEntry> {
    let wait = execution.status.wait.as_ref()?;
    let path = wait.path.as_ref()?;
    let intent = JournalEntry::intent(path, JournalKind::Wait, wait.waiting_since);
    Some(intent.with_outcome(Outcome::Done(answer), now))
}

pub(crate) fn not_found(id: ExecutionId) -> Error {
    Error::new(ErrorCode::ExecutionNotFound, format!("there is no execution {id}"))
}

pub(crate) fn invalid_state(execution: &Execution, verb: &str) -> Error {
    let message =
        format!("execution {} is {} and can't be {verb}", execution.id(), execution.state());
    Error::new(ErrorCode::InvalidState, message)
}

pub(crate) fn too_many_races(id: ExecutionId) -> Error {
    let message = format!("execution {id} changes too fast; try again");
    Error::new(ErrorCode::InvalidState, message).retryable(None)
}

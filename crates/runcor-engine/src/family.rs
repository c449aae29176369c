//! Families: what the end of an execution means for its caller and for what it has called.

use runcor_core::{
    Applied, Batch, Change, ErrorCode, Execution, ExecutionError, ExecutionId, ExecutionQuery,
    ExecutionState, ExecutionStatus, JournalEntry, JournalKind, Op, Outcome, Parent, StepFailure,
    StoreError, WaitContext,
};
use serde_json::Value;

use crate::shared::{MAX_RACES, Shared, forget_session};

/// How many children are looked at a time.
const PAGE: usize = 256;

/// What has to be committed together with the end of an execution.
#[derive(Debug, Default)]
pub(crate) struct Family {
    /// The operations, with their preconditions.
    pub(crate) batch: Batch,
    /// The caller, if it goes on.
    pub(crate) woken: Option<Execution>,
    /// The children that end as well, as they then stand, and whether each was queued.
    pub(crate) ended: Vec<(Execution, bool)>,
}

impl Shared {
    /// Gathers what the end of `execution` means for others; nothing, when it does not end.
    pub(crate) async fn family(
        &self,
        execution: &Execution,
        applied: &Applied,
    ) -> Result<Family, StoreError> {
        let mut family = Family::default();
        if !applied.status.state.is_terminal() {
            return Ok(family);
        }
        if let Some(parent) = &execution.spec.parent {
            self.tell_parent(&mut family, execution, parent, applied).await?;
        }
        let has_run = execution.status.epoch > 0;
        if applied.status.state == ExecutionState::Failed && has_run {
            self.end_children(&mut family, vec![execution.id()]).await?;
        }
        Ok(family)
    }

    /// Wakes the caller with the child's result, if it waits for it; if it does
    /// not wait yet, it must not begin to before this end is known.
    async fn tell_parent(
        &self,
        family: &mut Family,
        child: &Execution,
        link: &Parent,
        applied: &Applied,
    ) -> Result<(), StoreError> {
        let Some(mut parent) = self.store.execution(link.id).await? else { return Ok(()) };
        if parent.state().is_terminal() {
            return Ok(());
        }
        let awaits = |wait: &WaitContext| wait.awaits.contains(&child.id());
        if !parent.status.wait.as_ref().is_some_and(awaits) {
            let fence = parent.fence();
            family.batch.ops.push(Op::Expect { id: link.id, fence });
            return Ok(());
        }
        let now = self.now();
        let Ok(woken) = parent.apply(Change::Wake, now) else { return Ok(()) };
        let status = woken.status.clone();
        let batch = std::mem::take(&mut family.batch).update(&parent, woken);
        parent.status = status;
        let entry = JournalEntry {
            request: link.request,
            note: Some(JournalEntry::child_note(child.id())),
            ..JournalEntry::intent(&link.path, JournalKind::Call, child.spec.queued_at)
        };
        family.batch = batch.journal(&parent, entry.with_outcome(outcome_of(&applied.status), now));
        family.woken = Some(parent);
        Ok(())
    }

    /// Ends everything that an execution has called and that has not ended, down to the last.
    async fn end_children(
        &self,
        family: &mut Family,
        mut parents: Vec<ExecutionId>,
    ) -> Result<(), StoreError> {
        while let Some(parent) = parents.pop() {
            for child in self.live_children(parent).await? {
                parents.push(child.id());
                self.end_child(family, child);
            }
        }
        Ok(())
    }

    fn end_child(&self, family: &mut Family, mut child: Execution) {
        let error = left_alone(&child);
        let was_queued = child.state() == ExecutionState::Queued;
        let fail = Change::Fail { error, expires: self.expiry(self.now()) };
        let Ok(failed) = child.apply(fail, self.now()) else { return };
        let status = failed.status.clone();
        family.batch = std::mem::take(&mut family.batch).update(&child, failed);
        child.status = status;
        if child.status.epoch > 0 {
            family.batch.ops.push(forget_session(&child));
        }
        family.ended.push((child, was_queued));
    }

    async fn live_children(&self, parent: ExecutionId) -> Result<Vec<Execution>, StoreError> {
        let mut query =
            ExecutionQuery { parent: Some(parent), limit: PAGE, ..ExecutionQuery::default() };
        let mut live = Vec::new();
        loop {
            let page = self.store.executions(&query).await?;
            live.extend(page.items.into_iter().filter(|child| !child.state().is_terminal()));
            query.after = page.next;
            if query.after.is_none() {
                return Ok(live);
            }
        }
    }

    /// Ends what was called between the look at the children and the commit of
    /// the end: nothing is called any more after that.
    pub(crate) async fn end_late_children(&self, execution: &Execution, family: &Family) {
        let ended =
            family.ended.iter().map(|(child, _)| child).filter(|child| may_have_called(child));
        let mut parents: Vec<_> = ended.chain([execution]).map(Execution::id).collect();
        for _ in 0..MAX_RACES {
            let mut late = Family::default();
            let ended = match self.end_children(&mut late, parents.clone()).await {
                Ok(()) if late.ended.is_empty() => return,
                Ok(()) => self.store.commit(std::mem::take(&mut late.batch)).await.map(|_| ()),
                Err(error) => Err(error),
            };
            match ended {
                Ok(()) => {
                    self.family_committed(&late).await;
                    parents.extend(late.ended.iter().map(|(child, _)| child.id()));
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => {
                    // Each of them looks once more when it is run again.
                    tracing::warn!(execution = %execution.id(), %error, "late children can't be ended");
                    return self.suspect_strays();
                }
            }
        }
    }

    /// Returns whether the execution that called this one has failed, and this one may not run.
    pub(crate) async fn is_orphan(&self, execution: &Execution) -> bool {
        let Some(link) = &execution.spec.parent else { return false };
        let parent = self.store.execution(link.id).await.ok().flatten();
        parent.is_some_and(|parent| parent.state() == ExecutionState::Failed)
    }

    /// Does what follows once a family's batch is committed.
    pub(crate) async fn family_committed(&self, family: &Family) {
        for (child, was_queued) in &family.ended {
            self.admission.dequeue(usize::from(*was_queued));
            self.committed(child);
            self.stop_run(child).await;
        }
        if family.woken.is_some() {
            self.runnable_now();
        }
    }
}

/// Returns whether something that an execution has called may have to end with it.
pub(crate) fn may_have_called(ended: &Execution) -> bool {
    ended.state() == ExecutionState::Failed && ended.status.epoch > 0
}

/// Returns why a child ends with the execution that called it.
pub(crate) fn left_alone(child: &Execution) -> ExecutionError {
    ExecutionError {
        message: "the execution that called it has ended".to_owned(),
        retryable: false,
        retry_count: child.status.retry_count,
        code: Some(ErrorCode::Cancelled.as_str().to_owned()),
    }
}

/// Returns how an ended execution answers the call that began it.
pub(crate) fn outcome_of(status: &ExecutionStatus) -> Outcome {
    match (&status.result, &status.error) {
        (Some(result), _) => Outcome::Done(Value::clone(result)),
        (None, Some(error)) => Outcome::Failed(StepFailure {
            code: error.code.clone(),
            message: error.message.clone(),
        }),
        (None, None) => Outcome::Done(Value::Null),
    }
}

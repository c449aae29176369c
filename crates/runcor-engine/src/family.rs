//! Families: what the end of an execution means for its caller and for what it has called.

use runcor_core::{
    Applied, Batch, Change, ErrorCode, Execution, ExecutionError, ExecutionId, ExecutionQuery,
    ExecutionState, ExecutionStatus, JournalEntry, JournalKind, Op, Outcome, Parent, StepFailure,
    StoreError, WaitContext,
};
use serde_json::Value;

use crate::shared::Shared;

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
        let may_have_called = execution.status.epoch > 0;
        if applied.status.state == ExecutionState::Failed && may_have_called {
            self.end_children(&mut family, execution.id()).await?;
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
        parent: ExecutionId,
    ) -> Result<(), StoreError> {
        let mut parents = vec![parent];
        while let Some(parent) = parents.pop() {
            for child in self.live_children(parent).await? {
                parents.push(child.id());
                self.end_child(family, child);
            }
        }
        Ok(())
    }

    fn end_child(&self, family: &mut Family, mut child: Execution) {
        let error = ExecutionError {
            message: "the execution that called it has ended".to_owned(),
            retryable: false,
            retry_count: child.status.retry_count,
            code: Some(ErrorCode::Cancelled.as_str().to_owned()),
        };
        let was_queued = child.state() == ExecutionState::Queued;
        let fail = Change::Fail { error, expires: self.expiry(self.now()) };
        let Ok(failed) = child.apply(fail, self.now()) else { return };
        let status = failed.status.clone();
        family.batch = std::mem::take(&mut family.batch).update(&child, failed);
        child.status = status;
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

    /// Does what follows once a family's batch is committed.
    pub(crate) async fn family_committed(&self, family: Family) {
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

//! Executions that wait for money go on when there may be some.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use runcor_core::{
    Change, Execution, ExecutionQuery, ExecutionState, Result, StoreError, TenantId, WaitKind,
};

use crate::shared::{ChangeError, Shared};

/// How many executions are looked at a time.
const PAGE: usize = 256;

impl Shared {
    /// Wakes everything of a tenant, or of all, that waits for money; what still
    /// finds too little waits again.
    pub(crate) async fn wake_budget_waits(
        self: &Arc<Self>,
        tenant: Option<TenantId>,
    ) -> Result<usize> {
        self.check_ready()?;
        // Before the look: who begins to wait after it sees that this has changed.
        self.top_ups.fetch_add(1, Ordering::SeqCst);
        let state = Some(ExecutionState::Waiting);
        let mut query = ExecutionQuery { state, tenant, limit: PAGE, ..ExecutionQuery::default() };
        let mut woken = 0;
        loop {
            let page = self.store.executions(&query).await?;
            for mut execution in page.items {
                woken += usize::from(self.wake_if_it_waits_for_money(&mut execution).await?);
            }
            query.after = page.next;
            if query.after.is_none() {
                return Ok(woken);
            }
        }
    }

    /// Wakes an execution that has begun to wait for money while somebody added some.
    pub(crate) async fn look_again_for_money(&self, execution: &mut Execution, top_ups: u64) {
        if self.top_ups.load(Ordering::SeqCst) == top_ups {
            return;
        }
        if let Err(error) = self.wake_if_it_waits_for_money(execution).await {
            // It looks again by itself after a while.
            tracing::debug!(execution = %execution.id(), %error, "it can't be woken yet");
        }
    }

    async fn wake_if_it_waits_for_money(
        &self,
        execution: &mut Execution,
    ) -> Result<bool, StoreError> {
        let kind = execution.status.wait.as_ref().map(|wait| wait.kind);
        if execution.state() != ExecutionState::Waiting || kind != Some(WaitKind::Budget) {
            return Ok(false);
        }
        match self.change(execution, Change::Wake).await {
            Ok(()) => {
                self.runnable_now();
                Ok(true)
            }
            Err(error) if error.is_conflict() => Ok(false),
            Err(ChangeError::Store(error)) => Err(error),
            Err(ChangeError::Illegal(_)) => Ok(false),
        }
    }
}

//! Parallel steps: branches with documents and places of their own.

use runcor_core::{ErrorCode, FlowError};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::driver::Run;
use super::record::StepRecord;
use super::state::RunState;
use crate::spec::{Branches, ParallelSpec, StepSpec};

/// How many items a list may have.
const MAX_ITEMS: usize = 1000;

impl<'r> Run<'r> {
    pub(crate) async fn parallel(
        self,
        name: &str,
        spec: &'r ParallelSpec,
        document: &Value,
    ) -> Result<StepRecord, FlowError> {
        let gate = Semaphore::new(spec.at_once);
        let output = match &spec.branches {
            Branches::Named(branches) => self.named(name, &gate, branches, document).await?,
            Branches::Each { items, steps } => {
                let items = items.items(document).map_err(|found| {
                    failed(format!("for_each must lead to a list, but leads to {found}"))
                })?;
                self.each(name, &gate, items, steps, document).await?
            }
        };
        Ok(StepRecord::plain(output))
    }

    async fn named(
        self,
        name: &str,
        gate: &Semaphore,
        branches: &'r [(String, Vec<StepSpec>)],
        document: &Value,
    ) -> Result<Value, FlowError> {
        let work = branches.iter().map(|(branch, steps)| {
            let run = self.branch(gate, steps, || RunState::branch(document));
            let work = async move {
                run.await.map_err(|error| error.context(format_args!("branch '{branch}'")))
            };
            (branch, work)
        });
        let results = self.ctx.join_named(name, work).await?;
        let names = branches.iter().map(|(branch, _)| branch.clone());
        Ok(Value::Object(names.zip(results).collect::<Map<_, _>>()))
    }

    async fn each(
        self,
        name: &str,
        gate: &Semaphore,
        items: Vec<Value>,
        steps: &'r [StepSpec],
        document: &Value,
    ) -> Result<Value, FlowError> {
        if items.len() > MAX_ITEMS {
            let message =
                format!("for_each leads to {} items; {MAX_ITEMS} are allowed", items.len());
            return Err(failed(message));
        }
        let work = items.into_iter().enumerate().map(|(index, item)| async move {
            let state = || RunState::item(document, index, item);
            let result = self.branch(gate, steps, state).await;
            result.map_err(|error| error.context(format_args!("item {index}")))
        });
        Ok(Value::Array(self.ctx.join(name, work).await?))
    }

    /// Runs a branch once there is room for it; its document is made only then.
    async fn branch(
        self,
        gate: &Semaphore,
        steps: &'r [StepSpec],
        state: impl FnOnce() -> RunState,
    ) -> Result<Value, FlowError> {
        // The gate is never closed, and a branch that has paused makes room for the next.
        let _room = gate.acquire().await;
        self.steps(steps, state()).await
    }
}

fn failed(message: String) -> FlowError {
    FlowError::new(ErrorCode::StepFailed, message)
}

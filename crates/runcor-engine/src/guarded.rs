//! Guardrails around a handler: its input in every run, and its result.

use async_trait::async_trait;
use runcor_core::{
    FlowContext, FlowError, FlowHandler, FlowOutcome, Guard, GuardPhase, GuardScope,
};

/// A handler whose input and result are looked at.
pub(crate) struct Guarded<'a> {
    pub(crate) handler: &'a dyn FlowHandler,
    pub(crate) guard: &'a dyn Guard,
}

#[async_trait]
impl FlowHandler for Guarded<'_> {
    async fn run(&self, ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
        let scope = GuardScope::of(ctx.spec());
        let ctx = if self.guard.watches(GuardPhase::Input, &scope) {
            let input = ctx.input().clone();
            let checked = self.guard.check(GuardPhase::Input, input, &scope).await?;
            ctx.with_input(checked)
        } else {
            ctx
        };
        let outcome = self.handler.run(ctx).await?;
        match outcome {
            FlowOutcome::Complete(result) if self.guard.watches(GuardPhase::Output, &scope) => {
                let checked = self.guard.check(GuardPhase::Output, result, &scope).await?;
                Ok(FlowOutcome::Complete(checked))
            }
            outcome => Ok(outcome),
        }
    }
}

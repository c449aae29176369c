//! Guardrails: the input of every run and the result, whatever run it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use runcor_core::{
    Error, ErrorCode, ExecutionState, FlowContext, FlowError, FlowOutcome, Guard, GuardPhase,
    GuardScope, Result, Runtime, StreamGuard, Trigger, WaitSignal,
};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, echo, on_every_store};

on_every_store![
    an_input_is_guarded_on_first_runs_retries_and_resumes_and_stored_as_it_came,
    a_result_is_guarded_also_after_a_resume,
    a_blocked_input_or_result_fails_the_execution_with_its_code,
];

/// Replaces `secret`, refuses `forbidden`, and counts its looks.
#[derive(Debug, Default)]
struct Censor {
    inputs: AtomicUsize,
}

#[async_trait]
impl Guard for Censor {
    fn watches(&self, phase: GuardPhase, _: &GuardScope) -> bool {
        matches!(phase, GuardPhase::Input | GuardPhase::Output)
    }

    async fn check(&self, phase: GuardPhase, content: Value, _: &GuardScope) -> Result<Value> {
        if phase == GuardPhase::Input {
            self.inputs.fetch_add(1, Ordering::SeqCst);
        }
        match content.as_str() {
            Some("forbidden") => {
                Err(Error::new(ErrorCode::GuardrailBlocked, "a guardrail blocked it"))
            }
            Some("secret") => Ok(json!("[hidden]")),
            _ => Ok(content),
        }
    }

    fn stream(&self, _: &GuardScope) -> Option<Box<dyn StreamGuard>> {
        None
    }
}

async fn bed(kind: Kind) -> (Bed, Arc<Censor>) {
    let censor = Arc::new(Censor::default());
    let guard = Arc::clone(&censor);
    let bed = Bed::of_parts(kind, |mut parts| {
        parts.governance.guard = Some(guard);
        parts
    })
    .await;
    bed.register("echo", echo);
    (bed, censor)
}

async fn an_input_is_guarded_on_first_runs_retries_and_resumes_and_stored_as_it_came(kind: Kind) {
    let (bed, censor) = bed(kind).await;
    bed.register("tries", async |ctx: FlowContext| {
        assert_eq!(ctx.input(), &json!("[hidden]"));
        if ctx.retry_count() == 0 {
            return Err(FlowError::retryable("once more"));
        }
        ctx.wait_for(WaitSignal::new("for somebody")).await?;
        Ok(FlowOutcome::Complete(ctx.input().clone()))
    });
    let id = bed.trigger_with("tries", Trigger::new("k", json!("secret"))).await.id();
    bed.until_retry(id, 1).await;
    bed.advance(std::time::Duration::from_secs(2)).await;
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.resume(id, None).await.unwrap();
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!("[hidden]")));
    assert_eq!(ended.spec.input, json!("secret"));
    assert_eq!(censor.inputs.load(Ordering::SeqCst), 3);
}

async fn a_result_is_guarded_also_after_a_resume(kind: Kind) {
    let (bed, _) = bed(kind).await;
    bed.register("leaks", async |ctx: FlowContext| {
        ctx.wait_for(WaitSignal::new("for somebody")).await?;
        Ok(FlowOutcome::Complete(json!("secret")))
    });
    let id = bed.trigger("leaks", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.resume(id, None).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!("[hidden]")));
}

async fn a_blocked_input_or_result_fails_the_execution_with_its_code(kind: Kind) {
    let (bed, _) = bed(kind).await;
    bed.register("bad", async |_: FlowContext| Ok(FlowOutcome::Complete(json!("forbidden"))));
    let blocked = bed.trigger_with("echo", Trigger::new("k", json!("forbidden"))).await.id();
    assert_eq!(code(&bed.ended(blocked).await), "GUARDRAIL_BLOCKED");
    let blocked = bed.trigger("bad", "k").await.id();
    let ended = bed.ended(blocked).await;
    assert_eq!(code(&ended), "GUARDRAIL_BLOCKED");
    assert_eq!(ended.status.result, None);
}

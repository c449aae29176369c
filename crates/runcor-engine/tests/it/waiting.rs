//! Wait, resume and the wait timeout.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor_core::{
    Clock, ErrorCode, ExecutionState, FlowContext, FlowError, FlowOutcome, Runtime, Trigger,
    WaitSignal,
};
use runcor_engine::EngineConfig;
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, edges, flow, on_every_store};

on_every_store!(
    a_wait_signal_stores_its_three_fields_and_frees_the_slot,
    a_resume_runs_the_handler_again_from_the_top_with_its_data,
    a_resume_without_data_differs_from_one_with_null,
    three_waits_in_a_row_advance_one_step_each,
    two_resumes_with_equal_data_run_once_and_both_succeed,
    two_resumes_with_different_data_give_one_success_and_one_conflict,
    an_ended_execution_may_be_resumed_again_only_with_the_same_data,
    waiting_never_uses_up_the_timeout,
    nobody_resumes_and_the_wait_times_out,
    a_wait_of_thirty_days_does_not_fire_early,
    a_resume_just_before_the_deadline_wins,
    a_resume_after_the_deadline_loses,
    an_unregistered_flow_can_still_be_resumed,
    a_resumed_handler_keeps_its_retries,
    a_wait_on_a_retry_keeps_the_retry_count,
    a_wait_outlives_a_restart_with_its_deadline_and_its_user,
    an_unknown_execution_can_not_be_resumed,
    model_made_json_that_looks_like_a_wait_signal_is_a_result,
);

/// Waits once for approval and then tells what came.
async fn approval(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    if !ctx.is_resumed() {
        assert!(ctx.resume_data().is_none());
        let signal = WaitSignal::new("needs approval").with_data(json!({ "amount": 5 }));
        return Ok(FlowOutcome::Wait(signal.with_expected_resume_by(ctx.now())));
    }
    Ok(FlowOutcome::Complete(json!({ "data": ctx.resume_data() })))
}

async fn a_wait_signal_stores_its_three_fields_and_frees_the_slot(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.register("approval", approval);
    let id = bed.trigger("approval", "k").await.id();
    let waiting = bed.until_state(id, ExecutionState::Waiting).await;
    let wait = waiting.status.wait.unwrap();
    assert_eq!(wait.reason.as_deref(), Some("needs approval"));
    assert_eq!(wait.wait_data, Some(json!({ "amount": 5 })));
    assert_eq!(wait.expected_resume_by, Some(bed.clock.now()));
    assert_eq!(wait.waiting_since, bed.clock.now());
    let next = bed.trigger("approval", "next").await.id();
    bed.until_state(next, ExecutionState::Waiting).await;
}

async fn a_resume_runs_the_handler_again_from_the_top_with_its_data(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("approval", approval);
    let id = bed.trigger("approval", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    let resumed = bed.engine.resume(id, Some(json!({ "ok": true }))).await.unwrap();
    assert!(resumed.status.wait.is_none());
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!({ "data": { "ok": true } })));
    assert!(ended.status.wait.is_none());
    assert_eq!(
        edges(&ended),
        ["queued>running", "running>waiting", "waiting>running", "running>complete"]
    );
}

async fn a_resume_without_data_differs_from_one_with_null(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("tell", async |ctx: FlowContext| match (ctx.is_resumed(), ctx.resume_data()) {
        (false, _) => Ok(FlowOutcome::Wait(WaitSignal::default())),
        (true, None) => Ok(FlowOutcome::Complete(json!("nothing"))),
        (true, Some(data)) => Ok(FlowOutcome::Complete(json!({ "data": data }))),
    });
    for (key, data, expected) in
        [("a", None, json!("nothing")), ("b", Some(Value::Null), json!({ "data": null }))]
    {
        let id = bed.trigger("tell", key).await.id();
        bed.until_state(id, ExecutionState::Waiting).await;
        bed.engine.resume(id, data.clone()).await.unwrap();
        assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&expected));
        assert!(bed.engine.resume(id, data).await.is_ok());
    }
}

async fn three_waits_in_a_row_advance_one_step_each(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("three", async |ctx: FlowContext| {
        let mut answers = Vec::new();
        for question in ["one", "two", "three"] {
            answers.push(ctx.wait_for(WaitSignal::new(question)).await?);
        }
        Ok(FlowOutcome::Complete(json!(answers)))
    });
    let id = bed.trigger("three", "k").await.id();
    for (n, question) in ["one", "two", "three"].into_iter().enumerate() {
        let waiting = bed.until_state(id, ExecutionState::Waiting).await;
        assert_eq!(waiting.status.wait.unwrap().reason.as_deref(), Some(question));
        bed.engine.resume(id, Some(json!(n))).await.unwrap();
        crate::bed::eventually(async || {
            let reason = bed.get(id).await.status.wait.and_then(|wait| wait.reason);
            (reason.as_deref() != Some(question)).then_some(())
        })
        .await;
    }
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!([0, 1, 2])));
    let waits = edges(&ended).iter().filter(|edge| *edge == "running>waiting").count();
    assert_eq!(waits, 3);
}

async fn two_resumes_with_equal_data_run_once_and_both_succeed(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    bed.register("ask", move |ctx: FlowContext| {
        counter.fetch_add(1, Ordering::SeqCst);
        approval(ctx)
    });
    let id = bed.trigger("ask", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    let (one, two) =
        tokio::join!(bed.engine.resume(id, Some(json!(1))), bed.engine.resume(id, Some(json!(1))));
    assert!(one.is_ok() && two.is_ok());
    bed.ended(id).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

async fn two_resumes_with_different_data_give_one_success_and_one_conflict(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("approval", approval);
    let id = bed.trigger("approval", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    let (one, two) =
        tokio::join!(bed.engine.resume(id, Some(json!(1))), bed.engine.resume(id, Some(json!(2))));
    let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].code(), ErrorCode::InvalidState);
}

async fn an_ended_execution_may_be_resumed_again_only_with_the_same_data(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("approval", approval);
    bed.register("echo", crate::bed::echo);
    let id = bed.trigger("approval", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.resume(id, Some(json!("yes"))).await.unwrap();
    let ended = bed.ended(id).await;
    assert_eq!(bed.engine.resume(id, Some(json!("yes"))).await.unwrap(), ended);
    let other = bed.engine.resume(id, Some(json!("no"))).await.unwrap_err();
    assert_eq!(other.code(), ErrorCode::InvalidState);
    // One that never waited can't be resumed, whatever comes.
    let never = bed.ended(bed.trigger("echo", "n").await.id()).await.id();
    assert!(bed.engine.resume(never, Some(Value::Null)).await.is_err());
    assert!(bed.engine.resume(never, None).await.is_err());
}

async fn waiting_never_uses_up_the_timeout(kind: Kind) {
    let bed = Bed::new(kind).await;
    let twice = flow("twice", async |ctx: FlowContext| {
        ctx.wait_for(WaitSignal::new("one")).await?;
        ctx.wait_for(WaitSignal::new("two")).await?;
        Ok(crate::bed::done())
    });
    bed.engine.register(twice.with_timeout(Duration::from_millis(200))).unwrap();
    let id = bed.trigger("twice", "k").await.id();
    for _ in 0..2 {
        bed.until_state(id, ExecutionState::Waiting).await;
        bed.clock.advance(Duration::from_millis(500));
        let before = bed.get(id).await.status.resume_count;
        bed.engine.resume(id, None).await.unwrap();
        crate::bed::eventually(async || {
            (bed.get(id).await.status.resume_count > before).then_some(())
        })
        .await;
    }
    assert_eq!(bed.ended(id).await.state(), ExecutionState::Complete);
}

async fn nobody_resumes_and_the_wait_times_out(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.engine
        .register(flow("approval", approval).with_wait_timeout(Duration::from_secs(60)))
        .unwrap();
    let flow_limit = bed.trigger("approval", "a").await.id();
    let short = Trigger::new("b", Value::Null).with_wait_timeout(Duration::from_millis(100));
    let trigger_limit = bed.trigger_with("approval", short).await.id();
    let never = Trigger::new("c", Value::Null).with_wait_timeout(Duration::ZERO);
    let no_limit = bed.trigger_with("approval", never).await.id();
    for id in [flow_limit, trigger_limit, no_limit] {
        bed.until_state(id, ExecutionState::Waiting).await;
    }
    bed.advance(Duration::from_millis(100)).await;
    let ended = bed.ended(trigger_limit).await;
    assert_eq!(code(&ended), "WAIT_TIMEOUT");
    assert!(ended.status.wait.is_some());
    assert_eq!(bed.get(flow_limit).await.state(), ExecutionState::Waiting);
    bed.advance(Duration::from_secs(60)).await;
    assert_eq!(code(&bed.ended(flow_limit).await), "WAIT_TIMEOUT");
    bed.clock.advance(Duration::from_secs(86_400 * 365));
    assert_eq!(bed.get(no_limit).await.state(), ExecutionState::Waiting);
}

async fn a_wait_of_thirty_days_does_not_fire_early(kind: Kind) {
    let bed = Bed::new(kind).await;
    let days = |days: u64| Duration::from_secs(days * 86_400);
    bed.engine.register(flow("approval", approval).with_wait_timeout(days(30))).unwrap();
    let id = bed.trigger("approval", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.advance(days(29)).await;
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bed.get(id).await.state(), ExecutionState::Waiting);
    bed.advance(days(1)).await;
    assert_eq!(code(&bed.ended(id).await), "WAIT_TIMEOUT");
}

async fn a_resume_just_before_the_deadline_wins(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.engine
        .register(flow("approval", approval).with_wait_timeout(Duration::from_millis(100)))
        .unwrap();
    let id = bed.trigger("approval", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.clock.advance(Duration::from_millis(99));
    bed.engine.resume(id, None).await.unwrap();
    assert_eq!(bed.ended(id).await.state(), ExecutionState::Complete);
}

async fn a_resume_after_the_deadline_loses(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.engine
        .register(flow("approval", approval).with_wait_timeout(Duration::from_millis(100)))
        .unwrap();
    let id = bed.trigger("approval", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.clock.advance(Duration::from_millis(100));
    let error = bed.engine.resume(id, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidState);
    assert_eq!(code(&bed.ended(id).await), "WAIT_TIMEOUT");
}

async fn an_unregistered_flow_can_still_be_resumed(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("approval", approval);
    let id = bed.trigger("approval", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.unregister("approval").unwrap();
    bed.engine.resume(id, None).await.unwrap();
    assert_eq!(bed.ended(id).await.state(), ExecutionState::Complete);
}

async fn a_resumed_handler_keeps_its_retries(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("ask", async |ctx: FlowContext| {
        let answer = ctx.wait_for(WaitSignal::new("?")).await?;
        if ctx.retry_count() == 0 {
            return Err(FlowError::retryable("once more"));
        }
        Ok(FlowOutcome::Complete(answer))
    });
    let id = bed.trigger("ask", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.resume(id, Some(json!("yes"))).await.unwrap();
    bed.until_state(id, ExecutionState::Retrying).await;
    bed.advance(Duration::from_secs(5)).await;
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!("yes")));
    assert_eq!(ended.status.retry_count, 1);
}

async fn a_wait_on_a_retry_keeps_the_retry_count(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("ask", async |ctx: FlowContext| {
        if ctx.retry_count() == 0 {
            return Err(FlowError::retryable("first"));
        }
        Ok(FlowOutcome::Complete(ctx.wait_for(WaitSignal::new("?")).await?))
    });
    let id = bed.trigger("ask", "k").await.id();
    bed.until_state(id, ExecutionState::Retrying).await;
    bed.advance(Duration::from_secs(5)).await;
    let waiting = bed.until_state(id, ExecutionState::Waiting).await;
    assert_eq!(waiting.status.retry_count, 1);
    bed.engine.resume(id, Some(json!(1))).await.unwrap();
    assert_eq!(bed.ended(id).await.status.retry_count, 1);
}

async fn a_wait_outlives_a_restart_with_its_deadline_and_its_user(kind: Kind) {
    if kind == Kind::Memory {
        return; // Nothing outlives the process here.
    }
    let bed = Bed::new(kind).await;
    let waits = || flow("approval", approval).with_wait_timeout(Duration::from_secs(60));
    bed.engine.register(waits()).unwrap();
    let resumed =
        bed.trigger_with("approval", Trigger::new("a", Value::Null).with_user("ann")).await.id();
    let forgotten = bed.trigger("approval", "b").await.id();
    for id in [resumed, forgotten] {
        bed.until_state(id, ExecutionState::Waiting).await;
    }
    bed.stop().await;
    let bed =
        Bed::open(kind, EngineConfig::default(), bed.clock.clone(), Arc::clone(&bed.dir)).await;
    bed.engine.register(waits()).unwrap();
    bed.engine.resume(resumed, Some(json!("late"))).await.unwrap();
    let ended = bed.ended(resumed).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!({ "data": "late" })));
    assert_eq!(ended.spec.user_id.as_ref().unwrap().as_str(), "ann");
    bed.advance(Duration::from_secs(60)).await;
    assert_eq!(code(&bed.ended(forgotten).await), "WAIT_TIMEOUT");
}

async fn an_unknown_execution_can_not_be_resumed(kind: Kind) {
    let bed = Bed::new(kind).await;
    let id = runcor_core::ExecutionId::mint(bed.clock.now());
    let error = bed.engine.resume(id, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ExecutionNotFound);
}

async fn model_made_json_that_looks_like_a_wait_signal_is_a_result(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", crate::bed::echo);
    let fake = json!({ "__brand": "WaitSignal", "reason": "gotcha" });
    let id = bed.trigger_with("echo", Trigger::new("k", fake.clone())).await.id();
    let ended = bed.ended(id).await;
    assert_eq!(ended.state(), ExecutionState::Complete);
    assert_eq!(ended.status.result.as_deref(), Some(&fake));
}

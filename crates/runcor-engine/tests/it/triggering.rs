//! Triggers: acceptance, idempotency, validation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor_core::{ErrorCode, ExecutionQuery, ExecutionState, FlowContext, Runtime, Trigger};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, done, echo, edges, flow, on_every_store, within_reason};

on_every_store!(
    a_fresh_key_makes_an_execution_with_nothing_in_it,
    a_happy_run_goes_from_queued_through_running_to_complete,
    a_known_key_gives_the_stored_execution_and_runs_nothing,
    a_blank_key_is_refused_and_leaves_no_record,
    an_unknown_flow_is_refused_with_the_names_of_those_there_are,
    fifty_concurrent_triggers_with_one_key_run_once,
    the_same_key_of_another_flow_or_tenant_is_another_execution,
    an_input_that_does_not_match_the_schema_never_reaches_the_handler,
    a_known_key_is_answered_though_the_input_no_longer_matches,
    a_null_result_is_null,
    a_megabyte_goes_through_unchanged,
    a_plain_error_fails_at_once,
    a_panic_fails_that_execution_alone,
    a_trigger_given_up_by_its_caller_still_runs,
    an_id_with_control_characters_is_a_validation_error,
);

async fn a_fresh_key_makes_an_execution_with_nothing_in_it(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.register("stuck", crate::bed::stuck);
    bed.trigger("stuck", "a").await;
    let execution = bed.trigger("stuck", "b").await;
    let status = &execution.status;
    assert_eq!(status.state, ExecutionState::Queued);
    assert_eq!(status.retry_count, 0);
    assert!(status.result.is_none() && status.error.is_none() && status.wait.is_none());
    assert!(status.resume_data.is_none() && execution.spec.replay_of.is_none());
    assert!(status.transitions.is_empty());
    assert_eq!(bed.get(execution.id()).await, execution);
}

async fn a_happy_run_goes_from_queued_through_running_to_complete(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let trigger =
        Trigger::new("k", json!({ "n": 1 })).with_user("u").with_session("s").with_tenant("t");
    let execution =
        bed.trigger_with("echo", trigger.with_metadata(json!({ "from": "test" }))).await;
    let ended = bed.ended(execution.id()).await;
    assert_eq!(edges(&ended), ["queued>running", "running>complete"]);
    assert_eq!(ended.status.result.as_deref(), Some(&json!({ "n": 1 })));
    assert_eq!(ended.status.started, Some(ended.status.transitions[0].at));
    assert_eq!(ended.status.completed, Some(ended.status.transitions[1].at));
    let spec = &bed.get(ended.id()).await.spec;
    assert_eq!(spec.user_id.as_ref().unwrap().as_str(), "u");
    assert_eq!(spec.session_id.as_ref().unwrap().as_str(), "s");
    assert_eq!(spec.tenant_id.as_ref().unwrap().as_str(), "t");
    assert_eq!(spec.metadata, Some(json!({ "from": "test" })));
}

async fn a_known_key_gives_the_stored_execution_and_runs_nothing(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    bed.register("count", move |_ctx: FlowContext| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(done()) }
    });
    let first = bed.trigger("count", "k").await;
    bed.ended(first.id()).await;
    let again = bed.engine.trigger("count", Trigger::new("k", json!("other"))).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.execution.id(), first.id());
    assert_eq!(again.execution.status.result.as_deref(), Some(&json!({ "done": true })));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

async fn a_blank_key_is_refused_and_leaves_no_record(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    for key in ["", "  ", "\t"] {
        let error = bed.engine.trigger("echo", Trigger::new(key, Value::Null)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::MissingIdempotencyKey);
    }
    assert!(bed.engine.executions(&ExecutionQuery::default()).await.unwrap().items.is_empty());
}

async fn an_unknown_flow_is_refused_with_the_names_of_those_there_are(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let error = bed.engine.trigger("ecco", Trigger::new("k", Value::Null)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FlowNotFound);
    assert!(error.message().contains("echo"), "{error}");
}

async fn fifty_concurrent_triggers_with_one_key_run_once(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    bed.register("count", move |_ctx: FlowContext| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(done()) }
    });
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let engine = bed.engine.clone();
            tokio::spawn(
                async move { engine.trigger("count", Trigger::new("one", Value::Null)).await },
            )
        })
        .collect();
    let mut ids = Vec::new();
    let mut fresh = 0;
    for call in calls {
        let triggered = call.await.unwrap().unwrap();
        fresh += usize::from(!triggered.replayed);
        ids.push(triggered.execution.id());
    }
    ids.dedup();
    assert_eq!((ids.len(), fresh), (1, 1));
    bed.ended(ids[0]).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(bed.engine.executions(&ExecutionQuery::default()).await.unwrap().items.len(), 1);
}

async fn the_same_key_of_another_flow_or_tenant_is_another_execution(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("a", echo);
    bed.register("b", echo);
    let one = bed.trigger("a", "k").await;
    let two = bed.trigger("b", "k").await;
    let three = bed.trigger_with("a", Trigger::new("k", Value::Null).with_tenant("t")).await;
    assert!(one.id() != two.id() && two.id() != three.id() && one.id() != three.id());
}

async fn an_input_that_does_not_match_the_schema_never_reaches_the_handler(kind: Kind) {
    let bed = Bed::new(kind).await;
    let schema = json!({ "type": "object", "required": ["url"] });
    bed.engine.register(flow("fetch", echo).with_input_schema(schema)).unwrap();
    let error = bed.engine.trigger("fetch", Trigger::new("k", json!({}))).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInput);
    assert_eq!(error.details().unwrap()["errors"][0]["keyword"], "required");
    assert!(bed.engine.executions(&ExecutionQuery::default()).await.unwrap().items.is_empty());
    let broken = flow("broken", echo).with_input_schema(json!({ "type": 7 }));
    assert_eq!(bed.engine.register(broken).unwrap_err().code(), ErrorCode::InvalidConfig);
}

async fn a_known_key_is_answered_though_the_input_no_longer_matches(kind: Kind) {
    let bed = Bed::new(kind).await;
    let schema = json!({ "type": "object" });
    bed.engine.register(flow("fetch", echo).with_input_schema(schema)).unwrap();
    let first = bed.trigger_with("fetch", Trigger::new("k", json!({}))).await;
    let again = bed.engine.trigger("fetch", Trigger::new("k", json!(7))).await.unwrap();
    assert_eq!(again.execution.id(), first.id());
    bed.engine.unregister("fetch").unwrap();
    let gone = bed.engine.trigger("fetch", Trigger::new("k", json!(7))).await.unwrap();
    assert_eq!(gone.execution.id(), first.id());
}

async fn a_null_result_is_null(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let ended = bed.ended(bed.trigger("echo", "k").await.id()).await;
    assert_eq!(ended.status.result.as_deref(), Some(&Value::Null));
    assert_eq!(bed.get(ended.id()).await.status.result.as_deref(), Some(&Value::Null));
}

async fn a_megabyte_goes_through_unchanged(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let large = json!("ü".repeat(500_000));
    let execution = bed.trigger_with("echo", Trigger::new("k", large.clone())).await;
    bed.ended(execution.id()).await;
    let stored = bed.get(execution.id()).await;
    assert!(stored.spec.input == large && stored.status.result.as_deref() == Some(&large));
}

async fn a_plain_error_fails_at_once(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("fails", async |_ctx: FlowContext| {
        let number: u8 = "x".parse()?;
        Ok(runcor_core::FlowOutcome::Complete(json!(number)))
    });
    let ended = bed.ended(bed.trigger("fails", "k").await.id()).await;
    let error = ended.status.error.unwrap();
    assert!(!error.retryable && error.code.is_none() && error.retry_count == 0);
    assert!(error.message.contains("invalid digit"), "{}", error.message);
}

async fn a_panic_fails_that_execution_alone(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.register("panics", async |ctx: FlowContext| {
        assert!(ctx.input().is_object(), "not an object");
        Ok(done())
    });
    let bad = bed.ended(bed.trigger("panics", "a").await.id()).await;
    assert_eq!(code(&bad), "HANDLER_PANICKED");
    assert!(bad.status.error.unwrap().message.contains("not an object"));
    let good = bed.trigger_with("panics", Trigger::new("b", json!({}))).await;
    assert_eq!(bed.ended(good.id()).await.state(), ExecutionState::Complete);
}

async fn a_trigger_given_up_by_its_caller_still_runs(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.register("echo", echo);
    // The caller polls once and goes away, like a client that disconnects.
    for key in 0..20 {
        let trigger = Trigger::new(format!("k{key}"), Value::Null);
        let call = bed.engine.trigger("echo", trigger);
        let _ = tokio::time::timeout(Duration::ZERO, call).await;
    }
    within_reason(async {
        loop {
            let complete = ExecutionQuery {
                state: Some(ExecutionState::Complete),
                ..ExecutionQuery::default()
            };
            let page = bed.engine.executions(&complete).await.unwrap();
            let all = bed.engine.executions(&ExecutionQuery::default()).await.unwrap();
            if page.items.len() == all.items.len()
                && bed.engine.active() == 0
                && !all.items.is_empty()
            {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let last = bed.trigger("echo", "last").await;
    bed.ended(last.id()).await;
}

async fn an_id_with_control_characters_is_a_validation_error(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let trigger = Trigger::new("k", Value::Null).with_user("a\nb");
    let error = bed.engine.trigger("echo", trigger).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ValidationError);
    assert_eq!(error.details().unwrap()["field"], "userId");
}

//! What the journal remembers: results, failures, requests, and what it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use runcor_core::{
    Divergence, EntryState, ErrorCode, ExecutionState, FlowContext, FlowError, FlowOutcome,
    Runtime, WaitKind, WaitSignal,
};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, echo, eventually, flow, on_every_store};

on_every_store!(
    a_failure_for_good_is_remembered_like_a_result,
    a_retryable_failure_leaves_its_place_to_the_next_attempt,
    a_request_that_has_changed_is_a_divergence_that_names_both_hashes,
    a_request_that_has_changed_runs_again_where_that_is_asked_for,
    whatever_has_changed_is_done_anew_where_that_is_asked_for,
    another_kind_of_thing_at_the_same_place_is_a_divergence,
    a_remembered_result_of_another_shape_says_so,
    what_a_step_does_inside_is_nested_below_it,
    a_step_inside_a_step_is_remembered_though_the_outer_one_is_not,
    large_results_come_back_whole,
    the_timeline_tells_of_every_entry,
    a_wait_inside_a_step_pauses_the_flow_and_the_step_goes_on_afterwards,
);

/// Runs `handler` to its first wait, and again after a resume.
async fn run_twice(
    kind: Kind,
    handler: impl runcor_core::FlowHandler + 'static,
) -> (Bed, runcor_core::Execution) {
    let bed = Bed::new(kind).await;
    bed.register("twice", handler);
    let id = bed.trigger("twice", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.resume(id, None).await.unwrap();
    let ended = bed.ended(id).await;
    (bed, ended)
}

async fn pause(ctx: &FlowContext) -> Result<(), FlowError> {
    ctx.wait_for(WaitSignal::default()).await.map(|_| ())
}

async fn a_failure_for_good_is_remembered_like_a_result(kind: Kind) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let (_, ended) = run_twice(kind, move |ctx: FlowContext| {
        let counter = Arc::clone(&counter);
        async move {
            let work = async {
                counter.fetch_add(1, Ordering::SeqCst);
                Err::<(), _>(FlowError::new(ErrorCode::WebhookFailed, "card declined"))
            };
            let failed = ctx.step("charge", work).await.unwrap_err();
            pause(&ctx).await?;
            Ok(FlowOutcome::Complete(json!([failed.code(), failed.message()])))
        }
    })
    .await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(["WEBHOOK_FAILED", "card declined"])));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

async fn a_retryable_failure_leaves_its_place_to_the_next_attempt(kind: Kind) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let (bed, ended) = run_twice(kind, move |ctx: FlowContext| {
        let counter = Arc::clone(&counter);
        async move {
            let result = loop {
                let attempt = async {
                    let n = counter.fetch_add(1, Ordering::SeqCst);
                    if n < 2 { Err(FlowError::retryable("busy")) } else { Ok(n) }
                };
                if let Ok(result) = ctx.step("call", attempt).await {
                    break result;
                }
            };
            pause(&ctx).await?;
            Ok(FlowOutcome::Complete(json!(result)))
        }
    })
    .await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(2)));
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    let paths: Vec<_> =
        bed.store.journal(ended.id()).await.unwrap().into_iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["call#1", "wait#1"]);
}

/// A flow whose question differs from run to run.
async fn changing(kind: Kind, divergence: Divergence) -> (Bed, runcor_core::Execution) {
    let asked = Arc::new(AtomicUsize::new(0));
    let bed = Bed::new(kind).await;
    let handler = move |ctx: FlowContext| {
        let question = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            let step = ctx.describe_step("ask").request(&json!({ "question": question }));
            let answer: usize = step.run(|_| async move { Ok(question) }).await?;
            pause(&ctx).await?;
            Ok(FlowOutcome::Complete(json!(answer)))
        }
    };
    bed.engine.register(flow("twice", handler).with_on_divergence(divergence)).unwrap();
    let id = bed.trigger("twice", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.resume(id, None).await.unwrap();
    let ended = bed.ended(id).await;
    (bed, ended)
}

async fn a_request_that_has_changed_is_a_divergence_that_names_both_hashes(kind: Kind) {
    let (bed, ended) = changing(kind, Divergence::Fail).await;
    assert_eq!(code(&ended), "JOURNAL_DIVERGED");
    let message = ended.status.error.as_ref().unwrap().message.clone();
    let stored = bed.store.journal(ended.id()).await.unwrap()[0].request.unwrap();
    let asked = runcor_core::RequestHash::of(&json!({ "question": 1 }));
    for word in ["ask#1", &stored.to_string(), &asked.to_string(), "on_divergence"] {
        assert!(message.contains(word), "{word} is not in {message}");
    }
}

async fn a_request_that_has_changed_runs_again_where_that_is_asked_for(kind: Kind) {
    let (bed, ended) = changing(kind, Divergence::Rerun).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(1)));
    assert_eq!(bed.store.journal(ended.id()).await.unwrap().len(), 2);
}

async fn whatever_has_changed_is_done_anew_where_that_is_asked_for(kind: Kind) {
    let versions = Arc::new(AtomicUsize::new(0));
    let present = Arc::clone(&versions);
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let handler = move |ctx: FlowContext| {
        let version = present.load(Ordering::SeqCst);
        async move {
            let slow = async move || {
                tokio::task::yield_now().await;
                Ok(version)
            };
            ctx.describe_step("a").request(&version).run(|_| slow()).await?;
            let once = ctx.describe_step("b").request(&version).non_idempotent();
            once.run(|_| slow()).await?;
            let answer = ctx.call_named("c", "echo", version).await?;
            if version == 0 {
                ctx.step("d", async { Ok(()) }).await?;
                ctx.step("e", async { Ok(()) }).await?;
            } else {
                ctx.sleep_until("d", ctx.now().after(Duration::from_secs(1))).await?;
                ctx.wait_named("e", WaitSignal::default()).await?;
            }
            pause(&ctx).await?;
            Ok(FlowOutcome::Complete(answer))
        }
    };
    bed.engine.register(flow("twice", handler).with_on_divergence(Divergence::Rerun)).unwrap();
    let id = bed.trigger("twice", "k").await.id();
    let waits = async |kind: WaitKind, path: &str| {
        eventually(async || {
            let wait = bed.get(id).await.status.wait?;
            (wait.kind == kind && wait.path.as_deref() == Some(path)).then_some(())
        })
        .await;
    };
    waits(WaitKind::Signal, "wait#1").await;
    versions.store(1, Ordering::SeqCst);
    bed.engine.resume(id, None).await.unwrap();
    waits(WaitKind::Sleep, "d#1").await;
    bed.clock.advance(Duration::from_secs(1));
    waits(WaitKind::Signal, "e#1").await;
    bed.engine.resume(id, Some(json!("go"))).await.unwrap();
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(1)), "{:?}", ended.status.error);
}

async fn another_kind_of_thing_at_the_same_place_is_a_divergence(kind: Kind) {
    let runs = Arc::new(AtomicUsize::new(0));
    let (_, ended) = run_twice(kind, move |ctx: FlowContext| {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        async move {
            if run == 0 {
                ctx.step("sleep", async { Ok(()) }).await?;
            } else {
                ctx.sleep(Duration::ZERO).await?;
            }
            pause(&ctx).await?;
            Ok(FlowOutcome::Complete(Value::Null))
        }
    })
    .await;
    assert_eq!(code(&ended), "JOURNAL_DIVERGED");
}

async fn a_remembered_result_of_another_shape_says_so(kind: Kind) {
    let runs = Arc::new(AtomicUsize::new(0));
    let (_, ended) = run_twice(kind, move |ctx: FlowContext| {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        async move {
            if run == 0 {
                ctx.step("n", async { Ok("text".to_owned()) }).await?;
            } else {
                ctx.step("n", async { Ok(7) }).await?;
            }
            pause(&ctx).await?;
            Ok(FlowOutcome::Complete(Value::Null))
        }
    })
    .await;
    assert_eq!(code(&ended), "INVALID_RESULT");
    assert!(ended.status.error.unwrap().message.contains("n#1"));
}

async fn what_a_step_does_inside_is_nested_below_it(kind: Kind) {
    let (bed, ended) = run_twice(kind, async |ctx: FlowContext| {
        for _ in 0..2 {
            let inner = ctx.clone();
            ctx.step("outer", async move {
                inner.step("inner", async { Ok(1) }).await?;
                inner.step("inner", async { Ok(2) }).await
            })
            .await?;
        }
        ctx.step("inner", async { Ok(3) }).await?;
        pause(&ctx).await?;
        Ok(FlowOutcome::Complete(Value::Null))
    })
    .await;
    assert_eq!(ended.state(), ExecutionState::Complete);
    let mut paths: Vec<_> =
        bed.store.journal(ended.id()).await.unwrap().into_iter().map(|entry| entry.path).collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "inner#1",
            "outer#1",
            "outer#1/inner#1",
            "outer#1/inner#2",
            "outer#2",
            "outer#2/inner#1",
            "outer#2/inner#2",
            "wait#1"
        ]
    );
}

async fn a_step_inside_a_step_is_remembered_though_the_outer_one_is_not(kind: Kind) {
    let bed = Bed::new(kind).await;
    let payments = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&payments);
    bed.register("nested", move |ctx: FlowContext| {
        let counter = Arc::clone(&counter);
        async move {
            let inner = ctx.clone();
            let attempt = ctx.retry_count();
            let result = ctx
                .step("outer", async move {
                    let pay = async { Ok(counter.fetch_add(1, Ordering::SeqCst)) };
                    let paid: usize = inner.step("pay", pay).await?;
                    if attempt == 0 {
                        return Err(FlowError::retryable("mail is down"));
                    }
                    Ok(paid)
                })
                .await?;
            Ok(FlowOutcome::Complete(json!(result)))
        }
    });
    let id = bed.trigger("nested", "k").await.id();
    bed.until_retry(id, 1).await;
    bed.advance(Duration::from_secs(5)).await;
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!(0)));
    assert_eq!(payments.load(Ordering::SeqCst), 1);
}

async fn large_results_come_back_whole(kind: Kind) {
    let (bed, ended) = run_twice(kind, async |ctx: FlowContext| {
        let text = ctx.step("big", async { Ok("x".repeat(300_000)) }).await?;
        pause(&ctx).await?;
        Ok(FlowOutcome::Complete(json!(text.len())))
    })
    .await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(300_000)));
    let timeline = bed.engine.timeline(ended.id()).await.unwrap();
    assert_eq!((timeline.entries[0].bytes, &timeline.entries[0].value), (Some(300_002), &None));
    let value = bed.engine.journal_value(ended.id(), "big#1").await.unwrap();
    assert_eq!(value.as_str().map(str::len), Some(300_000));
}

async fn the_timeline_tells_of_every_entry(kind: Kind) {
    let bed = Bed::new(kind).await;
    let clock = bed.clock.clone();
    bed.register("tell", move |ctx: FlowContext| {
        let clock = clock.clone();
        async move {
            ctx.step("slow", async {
                tokio::task::yield_now().await;
                clock.advance(Duration::from_millis(250));
                Ok(json!({ "answer": 42 }))
            })
            .await?;
            let failing = async { Err::<(), _>(FlowError::permanent("no")) };
            let _ = ctx.step("fails", failing).await;
            pause(&ctx).await?;
            Ok(FlowOutcome::Complete(Value::Null))
        }
    });
    let id = bed.trigger("tell", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    let lines = bed.engine.timeline(id).await.unwrap().entries;
    let told: Vec<_> = lines.iter().map(|l| (l.number, l.path.as_str(), l.state)).collect();
    assert_eq!(
        told,
        [
            (1, "slow#1", EntryState::Done),
            (2, "fails#1", EntryState::Failed),
            (3, "wait#1", EntryState::Begun)
        ]
    );
    assert_eq!(lines[0].duration, Some(Duration::from_millis(250)));
    assert_eq!(lines[0].value, Some(json!({ "answer": 42 })));
    assert_eq!(lines[1].error.as_ref().unwrap().message, "no");
    assert!(lines.iter().all(|line| line.attempts == 1));
    let missing = bed.engine.journal_value(id, "nothing#1").await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::EntryNotFound);
}

async fn a_wait_inside_a_step_pauses_the_flow_and_the_step_goes_on_afterwards(kind: Kind) {
    let runs = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&runs);
    let (_, ended) = run_twice(kind, move |ctx: FlowContext| {
        let log = Arc::clone(&log);
        async move {
            let inner = ctx.clone();
            ctx.step("outer", async move {
                let note = async {
                    log.lock().push("before");
                    Ok(())
                };
                inner.step("before", note).await?;
                inner.wait_for(WaitSignal::default()).await?;
                log.lock().push("after");
                Ok(())
            })
            .await?;
            Ok(FlowOutcome::Complete(Value::Null))
        }
    })
    .await;
    assert_eq!(ended.state(), ExecutionState::Complete);
    assert_eq!(*runs.lock(), ["before", "after"]);
}

#[tokio::test]
async fn a_step_that_is_dropped_while_its_result_is_written_is_not_run_again() {
    let (bed, store) = Bed::fickle(Kind::Sqlite, runcor_engine::EngineConfig::default()).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let written = Arc::new(tokio::sync::Notify::new());
    let begun = Arc::new(tokio::sync::Notify::new());
    bed.register("hasty", {
        let begun = Arc::clone(&begun);
        move |ctx: FlowContext| {
            let (counter, begun) = (Arc::clone(&counter), Arc::clone(&begun));
            async move {
                let pay = || async { Ok(counter.fetch_add(1, Ordering::SeqCst)) };
                tokio::select! {
                    _ = ctx.step("pay", pay()) => {}
                    () = begun.notified() => {}
                }
                let paid: usize = ctx.step("pay", pay()).await?;
                Ok(FlowOutcome::Complete(json!(paid)))
            }
        }
    });
    let held = Arc::clone(&written);
    let is_answer = |call: &crate::fickle::Call<'_>| match call {
        crate::fickle::Call::Commit(batch) => {
            batch.ops.iter().any(|op| matches!(op, runcor_core::Op::Journal { .. }))
        }
        _ => false,
    };
    let hold = crate::fickle::once(is_answer, crate::fickle::Fate::Hold(held));
    store.decide(hold);
    let id = bed.trigger("hasty", "k").await.id();
    eventually(async || (bed.store.journal(id).await.unwrap().len() == 1).then_some(())).await;
    begun.notify_one();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!(0)));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

//! Parallel branches: paths that do not depend on which is faster, and one end for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor_core::{
    Clock, ExecutionState, FlowContext, FlowError, FlowOutcome, Runtime, WaitSignal,
};
use serde_json::json;

use crate::bed::{Bed, Kind, eventually, on_every_store};

on_every_store!(
    branches_run_side_by_side_and_answer_in_their_order,
    hundreds_of_branches_are_remembered_each,
    a_failed_branch_lets_the_others_finish_and_only_it_runs_again,
    several_waiting_branches_are_answered_one_after_the_other,
    the_shortest_of_several_sleeps_wakes_the_flow,
);

async fn branches_run_side_by_side_and_answer_in_their_order(kind: Kind) {
    let bed = Bed::new(kind).await;
    let clock = bed.clock.clone();
    bed.register("race", move |ctx: FlowContext| {
        let clock = clock.clone();
        async move {
            let branch = |millis: u64| {
                let (ctx, clock) = (ctx.clone(), clock.clone());
                async move {
                    ctx.step("nap", async move {
                        clock.sleep(Duration::from_millis(millis)).await;
                        Ok(millis)
                    })
                    .await
                }
            };
            let naps = Box::pin(ctx.join("naps", [300, 100, 200].map(branch))).await?;
            Ok(FlowOutcome::Complete(json!(naps)))
        }
    });
    let begin = bed.clock.now();
    let id = bed.trigger("race", "k").await.id();
    for _ in 0..3 {
        bed.advance(Duration::from_millis(100)).await;
    }
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!([300, 100, 200])));
    assert_eq!(ended.status.completed, Some(begin.after(Duration::from_millis(300))));
    let journal = bed.store.journal(id).await.unwrap();
    let mut paths: Vec<_> = journal.into_iter().map(|entry| entry.path).collect();
    paths.sort();
    assert_eq!(paths, ["naps#1/0/nap#1", "naps#1/1/nap#1", "naps#1/2/nap#1"]);
}

async fn hundreds_of_branches_are_remembered_each(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    bed.register("many", move |ctx: FlowContext| {
        let counter = Arc::clone(&counter);
        async move {
            let branches = (0..300_u64).map(|n| {
                let (ctx, counter) = (ctx.clone(), Arc::clone(&counter));
                async move {
                    ctx.step("square", async move {
                        tokio::task::yield_now().await;
                        counter.fetch_add(1, Ordering::SeqCst);
                        Ok(n * n)
                    })
                    .await
                }
            });
            let sum: u64 = ctx.join("squares", branches).await?.into_iter().sum();
            ctx.wait_for(WaitSignal::default()).await?;
            Ok(FlowOutcome::Complete(json!(sum)))
        }
    });
    let id = bed.trigger("many", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.resume(id, None).await.unwrap();
    let expected: u64 = (0..300_u64).map(|n| n * n).sum();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!(expected)));
    assert_eq!(runs.load(Ordering::SeqCst), 300);
}

async fn a_failed_branch_lets_the_others_finish_and_only_it_runs_again(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let counters = Arc::clone(&runs);
    bed.register("three", move |ctx: FlowContext| {
        let counters = Arc::clone(&counters);
        async move {
            let branches = (0..3_usize).map(|n| {
                let (ctx, counters) = (ctx.clone(), Arc::clone(&counters));
                async move {
                    let retry = ctx.retry_count();
                    ctx.step("work", async move {
                        counters[n].fetch_add(1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        if n == 0 && retry == 0 {
                            return Err(FlowError::retryable("no"));
                        }
                        Ok(n)
                    })
                    .await
                }
            });
            Ok(FlowOutcome::Complete(json!(ctx.join("all", branches).await?)))
        }
    });
    let id = bed.trigger("three", "k").await.id();
    bed.until_retry(id, 1).await;
    bed.advance(Duration::from_secs(5)).await;
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!([0, 1, 2])));
    let runs: Vec<_> = runs.iter().map(|count| count.load(Ordering::SeqCst)).collect();
    assert_eq!(runs, [2, 1, 1]);
}

async fn several_waiting_branches_are_answered_one_after_the_other(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("ask", async |ctx: FlowContext| {
        let branches = ["a", "b", "c"].map(|question| {
            let ctx = ctx.clone();
            async move { ctx.wait_for(WaitSignal::new(question)).await }
        });
        Ok(FlowOutcome::Complete(json!(ctx.join("ask", branches).await?)))
    });
    let id = bed.trigger("ask", "k").await.id();
    for question in ["a", "b", "c"] {
        eventually(async || {
            let wait = bed.get(id).await.status.wait?;
            (wait.reason.as_deref() == Some(question)).then_some(())
        })
        .await;
        bed.engine.resume(id, Some(json!(question.to_uppercase()))).await.unwrap();
    }
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!(["A", "B", "C"])));
}

async fn the_shortest_of_several_sleeps_wakes_the_flow(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("nap", async |ctx: FlowContext| {
        let branches = [30, 10, 20].map(|seconds| {
            let ctx = ctx.clone();
            async move { ctx.sleep(Duration::from_secs(seconds)).await }
        });
        Box::pin(ctx.join("naps", branches)).await?;
        Ok(FlowOutcome::Complete(json!("awake")))
    });
    let begin = bed.clock.now();
    let id = bed.trigger("nap", "k").await.id();
    for seconds in [10, 20, 30] {
        let wake = begin.after(Duration::from_secs(seconds));
        eventually(async || (bed.get(id).await.status.wait?.wake_at == Some(wake)).then_some(()))
            .await;
        bed.advance(Duration::from_secs(10)).await;
    }
    assert_eq!(bed.ended(id).await.status.completed, Some(begin.after(Duration::from_secs(30))));
}

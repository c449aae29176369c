//! Child executions: called once, awaited without a slot, ended with their caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor_core::{
    ExecutionQuery, ExecutionState, FlowContext, FlowError, FlowOutcome, Runtime, Trigger,
    WaitKind, WaitSignal,
};
use runcor_engine::EngineConfig;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::bed::{
    Bed, Kind, code, done, echo, eventually, flow, on_every_store, stuck, within_reason,
};
use crate::fickle::{Call, Fate, leads_to, once, unavailable};

on_every_store!(
    a_child_answers_its_caller,
    a_caller_holds_no_slot_while_it_waits,
    a_child_that_fails_is_an_error_of_the_call,
    a_child_that_was_called_is_not_called_again_by_another_run,
    many_children_answer_one_caller,
    a_child_belongs_to_the_users_and_tenants_of_its_caller,
    cancelling_a_caller_cancels_all_that_it_has_called,
    a_child_that_is_called_at_the_moment_of_the_cancel_is_cancelled_too,
    children_learn_of_a_cancel_whose_answer_was_lost,
    a_caller_that_times_out_takes_its_children_along,
    a_flow_that_calls_itself_comes_to_an_end,
    a_call_of_an_unknown_flow_is_an_error,
    a_child_that_waits_keeps_its_caller_waiting,
);

fn caller(child: &'static str) -> impl runcor_core::FlowHandler + 'static {
    move |ctx: FlowContext| async move {
        let answer = ctx.call(child, ctx.input()).await?;
        Ok(FlowOutcome::Complete(json!({ "child": answer })))
    }
}

async fn children(bed: &Bed, parent: runcor_core::ExecutionId) -> Vec<runcor_core::Execution> {
    let query = ExecutionQuery { parent: Some(parent), limit: 1_000, ..ExecutionQuery::default() };
    bed.engine.executions(&query).await.unwrap().items
}

async fn a_child_answers_its_caller(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    bed.register("call", caller("echo"));
    let id = bed.trigger_with("call", Trigger::new("k", json!(7))).await.id();
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!({ "child": 7 })));
    let children = children(&bed, id).await;
    assert_eq!(children.len(), 1);
    let link = children[0].spec.parent.clone().unwrap();
    assert_eq!((link.id, link.path.as_str(), link.depth), (id, "echo#1", 1));
    let timeline = bed.engine.timeline(id).await.unwrap();
    assert_eq!(timeline.entries[0].child, Some(children[0].id()));
    assert_eq!(timeline.entries.len(), 1);
}

async fn a_caller_holds_no_slot_while_it_waits(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.register("echo", echo);
    bed.register("call", caller("echo"));
    let ids: Vec<_> = {
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.push(bed.trigger("call", &format!("k{n}")).await.id());
        }
        ids
    };
    for id in ids {
        assert_eq!(bed.ended(id).await.state(), ExecutionState::Complete);
    }
}

async fn a_child_that_fails_is_an_error_of_the_call(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("fail", async |_ctx: FlowContext| {
        Err::<FlowOutcome, _>(FlowError::new(runcor_core::ErrorCode::WebhookFailed, "no luck"))
    });
    bed.register("call", async |ctx: FlowContext| match ctx.call("fail", Value::Null).await {
        Err(error) if !error.is_suspended() => {
            Ok(FlowOutcome::Complete(json!([error.code(), error.message()])))
        }
        other => other.map(FlowOutcome::Complete),
    });
    let id = bed.trigger("call", "k").await.id();
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(["WEBHOOK_FAILED", "no luck"])));
}

async fn a_child_that_was_called_is_not_called_again_by_another_run(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    bed.register("count", move |_ctx: FlowContext| {
        let run = counter.fetch_add(1, Ordering::SeqCst);
        async move { Ok(FlowOutcome::Complete(json!(run))) }
    });
    bed.register("call", async |ctx: FlowContext| {
        let first = ctx.call("count", Value::Null).await?;
        ctx.wait_for(WaitSignal::default()).await?;
        let second = ctx.call("count", Value::Null).await?;
        Ok(FlowOutcome::Complete(json!([first, second])))
    });
    let id = bed.trigger("call", "k").await.id();
    eventually(async || {
        let wait = bed.get(id).await.status.wait?;
        (wait.kind == WaitKind::Signal).then_some(())
    })
    .await;
    bed.engine.resume(id, None).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!([0, 1])));
    assert_eq!(children(&bed, id).await.len(), 2);
}

async fn many_children_answer_one_caller(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 7).await;
    bed.register("echo", echo);
    bed.register("call", async |ctx: FlowContext| {
        let calls = (0..60).map(|n| {
            let ctx = ctx.clone();
            async move { ctx.call("echo", n).await }
        });
        Ok(FlowOutcome::Complete(json!(ctx.join("calls", calls).await?)))
    });
    let id = bed.trigger("call", "k").await.id();
    let ended = bed.ended(id).await;
    let expected: Vec<_> = (0..60).collect();
    assert_eq!(ended.status.result.as_deref(), Some(&json!(expected)));
    assert_eq!(children(&bed, id).await.len(), 60);
}

async fn a_child_belongs_to_the_users_and_tenants_of_its_caller(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    bed.register("call", caller("echo"));
    let trigger =
        Trigger::new("k", Value::Null).with_user("ann").with_tenant("acme").with_session("s");
    let id = bed.trigger_with("call", trigger).await.id();
    bed.ended(id).await;
    let child = children(&bed, id).await.remove(0).spec;
    assert_eq!(child.user_id.as_ref().map(ToString::to_string).as_deref(), Some("ann"));
    assert_eq!(child.tenant_id.as_ref().map(ToString::to_string).as_deref(), Some("acme"));
    assert_eq!(child.session_id.as_ref().map(ToString::to_string).as_deref(), Some("s"));
}

async fn cancelling_a_caller_cancels_all_that_it_has_called(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("stuck", stuck);
    bed.register("middle", caller("stuck"));
    bed.register("top", async |ctx: FlowContext| {
        let calls = ["middle", "stuck"].map(|flow| {
            let ctx = ctx.clone();
            async move { ctx.call(flow, Value::Null).await }
        });
        Ok(FlowOutcome::Complete(json!(ctx.join("calls", calls).await?)))
    });
    let id = bed.trigger("top", "k").await.id();
    let family = eventually(async || {
        let mut family = children(&bed, id).await;
        let middle = family.iter().find(|child| child.spec.flow.as_str() == "middle")?.id();
        family.extend(children(&bed, middle).await);
        (family.len() == 3).then_some(family)
    })
    .await;
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.cancel(id, None).await.unwrap();
    for member in family {
        assert_eq!(code(&bed.ended(member.id()).await), "CANCELLED");
    }
    eventually(async || (bed.engine.active() == 0).then_some(())).await;
}

async fn a_caller_that_times_out_takes_its_children_along(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.engine.register(flow("stuck", stuck).with_timeout(Duration::ZERO)).unwrap();
    let handler = async |ctx: FlowContext| {
        let calls = [true, false].map(|calls| {
            let ctx = ctx.clone();
            async move {
                if calls {
                    ctx.call("stuck", Value::Null).await
                } else {
                    std::future::pending().await
                }
            }
        });
        ctx.join("both", calls).await.map(|all| FlowOutcome::Complete(json!(all)))
    };
    bed.engine.register(flow("top", handler).with_timeout(Duration::from_secs(5))).unwrap();
    let id = bed.trigger("top", "k").await.id();
    let child = eventually(async || children(&bed, id).await.pop()).await;
    bed.advance(Duration::from_secs(5)).await;
    assert_eq!(code(&bed.ended(id).await), "TIMEOUT");
    assert_eq!(code(&bed.ended(child.id()).await), "CANCELLED");
}

async fn a_flow_that_calls_itself_comes_to_an_end(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("self", caller("self"));
    let id = bed.trigger("self", "k").await.id();
    assert_eq!(code(&bed.ended(id).await), "CALL_TOO_DEEP");
}

async fn a_call_of_an_unknown_flow_is_an_error(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("call", caller("nobody"));
    let id = bed.trigger("call", "k").await.id();
    assert_eq!(code(&bed.ended(id).await), "FLOW_NOT_FOUND");
}

async fn a_child_that_waits_keeps_its_caller_waiting(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("ask", async |ctx: FlowContext| {
        Ok(FlowOutcome::Complete(ctx.wait_for(WaitSignal::new("?")).await?))
    });
    bed.register("call", caller("ask"));
    let id = bed.trigger("call", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    let child = children(&bed, id).await.remove(0).id();
    bed.until_state(child, ExecutionState::Waiting).await;
    let bed = bed.reopened(kind).await;
    bed.register("ask", async |ctx: FlowContext| {
        Ok(FlowOutcome::Complete(ctx.wait_for(WaitSignal::new("?")).await?))
    });
    bed.register("call", caller("ask"));
    bed.engine.resume(child, Some(json!("yes"))).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!({ "child": "yes" })));
}

async fn a_child_that_is_called_at_the_moment_of_the_cancel_is_cancelled_too(kind: Kind) {
    let (bed, fickle) = Bed::fickle(kind, EngineConfig::default()).await;
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    bed.register("stuck", stuck);
    bed.register("call", move |ctx: FlowContext| {
        let gate = Arc::clone(&opened);
        async move {
            gate.notified().await;
            let branches = [true, false].map(|calls| {
                let ctx = ctx.clone();
                async move {
                    match calls {
                        true => ctx.call("stuck", Value::Null).await,
                        // The caller does not wait yet.
                        false => std::future::pending().await,
                    }
                }
            });
            ctx.join("both", branches).await.map(|_| done())
        }
    });
    let id = bed.trigger("call", "k").await.id();
    eventually(async || (bed.engine.active() == 1).then_some(())).await;
    // The second read of a cancel looks for children.
    let (reads, told) = (AtomicUsize::new(0), Arc::new(Notify::new()));
    let second = move |call: &Call<'_>| {
        matches!(call, Call::Read) && reads.fetch_add(1, Ordering::SeqCst) == 1
    };
    fickle.decide(once(second, Fate::Hold(Arc::clone(&told))));
    let engine = bed.engine.clone();
    let cancel = tokio::spawn(async move { engine.cancel(id, None).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.notify_one();
    let child = eventually(async || children(&bed, id).await.pop()).await;
    assert_eq!(bed.get(id).await.state(), ExecutionState::Running);
    told.notify_one();
    cancel.await.unwrap().unwrap();
    assert_eq!(code(&bed.ended(child.id()).await), "CANCELLED");
    eventually(async || (bed.engine.active() == 0).then_some(())).await;
}

async fn children_learn_of_a_cancel_whose_answer_was_lost(kind: Kind) {
    let (bed, fickle) = Bed::fickle(kind, EngineConfig::default()).await;
    bed.register("stuck", stuck);
    bed.register("call", caller("stuck"));
    let id = bed.trigger("call", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    let child = children(&bed, id).await.remove(0).id();
    let engine = bed.engine.clone();
    let ended = tokio::spawn(async move { engine.finished(child).await });
    eventually(async || (bed.engine.active() == 1).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let fails = |call: &Call<'_>| leads_to(call, ExecutionState::Failed);
    fickle.decide(once(fails, Fate::Lose(unavailable())));
    bed.engine.cancel(id, None).await.unwrap();
    eventually(async || (bed.engine.active() == 0).then_some(())).await;
    assert_eq!(code(&within_reason(ended).await.unwrap().unwrap()), "CANCELLED");
}

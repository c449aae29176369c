//! Forks: what was done before is reused, and everything else done anew.

use runcor_core::{
    ErrorCode, ExecutionState, FlowContext, FlowOutcome, Fork, ForkChanges, ModelRequest, Runtime,
    Trigger, WaitSignal,
};
use serde_json::json;

use crate::asking_models::Models;
use crate::bed::{Bed, Kind, on_every_store};

on_every_store!(
    a_fork_reuses_what_came_before_its_place_and_pays_for_the_rest,
    a_fork_asks_another_model_from_its_place_on,
    a_fork_asks_another_prompt_at_its_place,
    a_fork_with_another_input_reuses_all_the_same,
    a_fork_without_a_place_does_everything_anew,
    a_fork_of_a_fork_knows_where_it_comes_from,
    a_place_that_is_not_there_is_an_error,
    a_fork_survives_a_restart_before_it_has_begun,
);

async fn setup(kind: Kind) -> (Bed, Models, runcor_core::ExecutionId) {
    let models = Models::default();
    let bed = models.bed(kind).await;
    register(&bed);
    let id = bed.trigger_with("flow", Trigger::new("k", json!("in"))).await.id();
    bed.ended(id).await;
    (bed, models, id)
}

fn register(bed: &Bed) {
    bed.register("flow", async |ctx: FlowContext| {
        let mut answers = vec![ctx.input().as_str().unwrap_or_default().to_owned()];
        for prompt in ["one", "two", "three"] {
            let model = ctx.model().named(prompt);
            answers.push(model.complete(ModelRequest::prompt(prompt)).await?.text);
        }
        Ok(FlowOutcome::Complete(json!(answers)))
    });
}

fn at(place: &str) -> Fork {
    Fork { at: Some(place.to_owned()), ..Fork::default() }
}

async fn forked(bed: &Bed, id: runcor_core::ExecutionId, fork: Fork) -> runcor_core::Execution {
    let fork = bed.engine.fork(id, fork).await.unwrap();
    bed.ended(fork.id()).await
}

async fn a_fork_reuses_what_came_before_its_place_and_pays_for_the_rest(kind: Kind) {
    let (bed, models, id) = setup(kind).await;
    let ended = forked(&bed, id, at("two#1")).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(["in", "one!", "two!", "three!"])));
    assert_eq!(models.count(), 5);
    let timeline = bed.engine.timeline(ended.id()).await.unwrap();
    let reused: Vec<_> = timeline.entries.iter().map(|entry| entry.reused).collect();
    assert_eq!(reused, [true, false, false]);
    assert_eq!(timeline.total.calls, 2);
    assert_eq!(bed.engine.timeline(id).await.unwrap().total.calls, 3);
    let origin = ended.spec.fork.clone().unwrap();
    assert_eq!((origin.of, origin.at.as_str()), (id, "two#1"));
}

async fn a_fork_asks_another_model_from_its_place_on(kind: Kind) {
    let (bed, models, id) = setup(kind).await;
    let changes = ForkChanges { model: Some("large".to_owned()), ..ForkChanges::default() };
    forked(&bed, id, Fork { changes, ..at("2") }).await;
    let asked: Vec<_> = models.asked.lock().iter().map(|request| request.model.clone()).collect();
    let large = Some("large".to_owned());
    assert_eq!(asked, [None, None, None, large.clone(), large]);
}

async fn a_fork_asks_another_prompt_at_its_place(kind: Kind) {
    let (bed, _, id) = setup(kind).await;
    let changes = ForkChanges { prompt: Some("zwei".to_owned()), ..ForkChanges::default() };
    let ended = forked(&bed, id, Fork { changes, ..at("two#1") }).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(["in", "one!", "zwei!", "three!"])));
}

async fn a_fork_with_another_input_reuses_all_the_same(kind: Kind) {
    let (bed, models, id) = setup(kind).await;
    let ended = forked(&bed, id, Fork { input: Some(json!("out")), ..at("three#1") }).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(["out", "one!", "two!", "three!"])));
    assert_eq!(models.count(), 4);
}

async fn a_fork_without_a_place_does_everything_anew(kind: Kind) {
    let (bed, models, id) = setup(kind).await;
    forked(&bed, id, Fork::default()).await;
    assert_eq!(models.count(), 6);
}

async fn a_fork_of_a_fork_knows_where_it_comes_from(kind: Kind) {
    let (bed, models, id) = setup(kind).await;
    let first = forked(&bed, id, at("three#1")).await;
    let second = forked(&bed, first.id(), at("three#1")).await;
    assert_eq!(second.spec.fork.as_ref().unwrap().of, first.id());
    assert_eq!(models.count(), 5);
}

async fn a_place_that_is_not_there_is_an_error(kind: Kind) {
    let (bed, _, id) = setup(kind).await;
    let error = bed.engine.fork(id, at("four#1")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::EntryNotFound);
    assert!(error.message().contains("three#1"), "{error}");
}

async fn a_fork_survives_a_restart_before_it_has_begun(kind: Kind) {
    let (bed, _, _) = setup(kind).await;
    bed.register("ask", async |ctx: FlowContext| {
        let n = ctx.step("n", async { Ok(1) }).await?;
        ctx.wait_for(WaitSignal::default()).await?;
        Ok(FlowOutcome::Complete(json!(n)))
    });
    let id = bed.trigger("ask", "a").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    let bed = bed.reopened(kind).await;
    bed.register("ask", async |ctx: FlowContext| {
        let n = ctx.step("n", async { Ok(2) }).await?;
        ctx.wait_for(WaitSignal::default()).await?;
        Ok(FlowOutcome::Complete(json!(n)))
    });
    let fork = bed.engine.fork(id, at("wait#1")).await.unwrap().id();
    bed.until_state(fork, ExecutionState::Waiting).await;
    bed.engine.resume(fork, None).await.unwrap();
    assert_eq!(bed.ended(fork).await.status.result.as_deref(), Some(&json!(1)));
}

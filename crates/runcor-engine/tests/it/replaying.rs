//! Replay.

use std::time::Duration;

use runcor_core::{ErrorCode, ExecutionState, Runtime, Trigger};
use serde_json::json;

use crate::bed::{Bed, Kind, echo, on_every_store, stuck};

on_every_store!(
    a_replay_is_a_new_execution_with_the_same_input_and_identity,
    a_replay_of_a_replay_points_to_its_parent,
    what_has_not_ended_can_not_be_replayed,
    a_replay_needs_its_flow,
);

async fn a_replay_is_a_new_execution_with_the_same_input_and_identity(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let trigger = Trigger::new("k", json!([1, 2])).with_user("ann").with_tenant("t");
    let trigger = trigger.with_session("s").with_timeout(Duration::from_secs(7));
    let original = bed.ended(bed.trigger_with("echo", trigger).await.id()).await;
    let replay = bed.engine.replay(original.id()).await.unwrap();
    let replayed = bed.ended(replay.id()).await;
    assert_eq!(replayed.spec.replay_of, Some(original.id()));
    assert_eq!(replayed.status.result.as_deref(), Some(&json!([1, 2])));
    assert_eq!(replayed.spec.user_id, original.spec.user_id);
    assert_eq!(replayed.spec.tenant_id, original.spec.tenant_id);
    assert_eq!(replayed.spec.session_id, original.spec.session_id);
    assert_eq!(replayed.spec.timeout, Some(Duration::from_secs(7)));
    let key = replayed.spec.idempotency_key.to_string();
    assert!(key.starts_with(&format!("replay:{}:", original.id())), "{key}");
    assert_eq!(bed.get(original.id()).await, original);
}

async fn a_replay_of_a_replay_points_to_its_parent(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let original = bed.ended(bed.trigger("echo", "k").await.id()).await.id();
    let child = bed.ended(bed.engine.replay(original).await.unwrap().id()).await.id();
    let grandchild = bed.engine.replay(child).await.unwrap();
    assert_eq!(grandchild.spec.replay_of, Some(child));
}

async fn what_has_not_ended_can_not_be_replayed(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("stuck", stuck);
    let id = bed.trigger("stuck", "k").await.id();
    bed.until_state(id, ExecutionState::Running).await;
    assert_eq!(bed.engine.replay(id).await.unwrap_err().code(), ErrorCode::InvalidState);
}

async fn a_replay_needs_its_flow(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let id = bed.ended(bed.trigger("echo", "k").await.id()).await.id();
    bed.engine.unregister("echo").unwrap();
    assert_eq!(bed.engine.replay(id).await.unwrap_err().code(), ErrorCode::FlowNotFound);
}

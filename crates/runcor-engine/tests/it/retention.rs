//! Retention, delete, list and filter.

use std::time::Duration;

use runcor_core::{
    Cursor, ErrorCode, ExecutionQuery, ExecutionState, FlowName, Order, Runtime, TenantId, Trigger,
    UserId,
};
use runcor_engine::EngineConfig;
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, echo, eventually, on_every_store, stuck};

on_every_store!(
    after_its_retention_an_execution_is_gone_and_its_key_is_free,
    what_has_not_ended_never_expires,
    a_retention_of_zero_keeps_everything,
    expired_records_leave_the_store,
    a_deleted_execution_is_gone_and_its_key_is_free,
    only_ended_executions_can_be_deleted,
    lists_filter_by_state_flow_user_and_tenant,
    pages_follow_each_other_without_gap_or_repetition,
);

fn keep(retention: Duration) -> EngineConfig {
    EngineConfig { retention, ..EngineConfig::default() }
}

async fn after_its_retention_an_execution_is_gone_and_its_key_is_free(kind: Kind) {
    let bed = Bed::with(kind, keep(Duration::from_secs(1))).await;
    bed.register("echo", echo);
    let id = bed.ended(bed.trigger("echo", "k").await.id()).await.id();
    bed.clock.advance(Duration::from_millis(999));
    assert_eq!(bed.get(id).await.id(), id);
    bed.clock.advance(Duration::from_millis(1));
    let gone = bed.engine.execution(id).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::ExecutionNotFound);
    assert!(bed.engine.executions(&ExecutionQuery::default()).await.unwrap().items.is_empty());
    let again = bed.engine.trigger("echo", Trigger::new("k", json!("new"))).await.unwrap();
    assert!(!again.replayed && again.execution.id() != id);
    assert_eq!(bed.ended(again.execution.id()).await.status.result.as_deref(), Some(&json!("new")));
}

async fn what_has_not_ended_never_expires(kind: Kind) {
    let bed = Bed::with(kind, keep(Duration::from_secs(1))).await;
    bed.engine.register(crate::bed::flow("stuck", stuck).with_timeout(Duration::ZERO)).unwrap();
    let id = bed.trigger("stuck", "k").await.id();
    bed.advance(Duration::from_secs(100)).await;
    assert_eq!(bed.get(id).await.state(), ExecutionState::Running);
}

async fn a_retention_of_zero_keeps_everything(kind: Kind) {
    let bed = Bed::with(kind, keep(Duration::ZERO)).await;
    bed.register("echo", echo);
    let id = bed.ended(bed.trigger("echo", "k").await.id()).await.id();
    bed.clock.advance(Duration::from_secs(86_400 * 3_650));
    assert_eq!(bed.get(id).await.id(), id);
}

async fn expired_records_leave_the_store(kind: Kind) {
    let bed = Bed::with(kind, keep(Duration::from_secs(1))).await;
    bed.register("echo", echo);
    let mut ids = Vec::new();
    for n in 0..10 {
        ids.push(bed.ended(bed.trigger("echo", &format!("k{n}")).await.id()).await.id());
    }
    eventually(async || {
        bed.clock.advance(Duration::from_millis(200));
        tokio::task::yield_now().await;
        let mut left = 0;
        for id in &ids {
            left += usize::from(bed.store.execution(*id).await.unwrap().is_some());
        }
        (left == 0).then_some(())
    })
    .await;
}

async fn a_deleted_execution_is_gone_and_its_key_is_free(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let id = bed.ended(bed.trigger("echo", "k").await.id()).await.id();
    bed.engine.delete(id).await.unwrap();
    assert_eq!(bed.engine.execution(id).await.unwrap_err().code(), ErrorCode::ExecutionNotFound);
    assert_eq!(bed.engine.delete(id).await.unwrap_err().code(), ErrorCode::ExecutionNotFound);
    assert_ne!(bed.trigger("echo", "k").await.id(), id);
}

async fn only_ended_executions_can_be_deleted(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("stuck", stuck);
    let id = bed.trigger("stuck", "k").await.id();
    assert_eq!(bed.engine.delete(id).await.unwrap_err().code(), ErrorCode::InvalidTransition);
}

async fn lists_filter_by_state_flow_user_and_tenant(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    bed.register("stuck", stuck);
    let ann = Trigger::new("a", Value::Null).with_user("ann").with_tenant("t");
    let ann = bed.trigger_with("echo", ann).await.id();
    bed.ended(ann).await;
    let bob = bed.trigger_with("stuck", Trigger::new("b", Value::Null).with_user("bob")).await.id();
    bed.until_state(bob, ExecutionState::Running).await;
    let all = ExecutionQuery::default();
    let by_state = ExecutionQuery { state: Some(ExecutionState::Running), ..all.clone() };
    let by_flow = ExecutionQuery { flow: Some(FlowName::new("echo").unwrap()), ..all.clone() };
    let by_user = ExecutionQuery { user: Some(UserId::new("bob").unwrap()), ..all.clone() };
    let by_tenant = ExecutionQuery { tenant: Some(TenantId::new("t").unwrap()), ..all.clone() };
    for (query, expected) in [
        (all, vec![ann, bob]),
        (by_state, vec![bob]),
        (by_flow, vec![ann]),
        (by_user, vec![bob]),
        (by_tenant, vec![ann]),
    ] {
        let page = bed.engine.executions(&query).await.unwrap();
        let ids: Vec<_> = page.items.iter().map(|execution| execution.id()).collect();
        assert_eq!(ids, expected, "{query:?}");
    }
}

async fn pages_follow_each_other_without_gap_or_repetition(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let mut expected = Vec::new();
    for n in 0..25 {
        expected.push(bed.trigger("echo", &format!("k{n}")).await.id());
    }
    for order in [Order::Oldest, Order::Newest] {
        let (mut seen, mut after) = (Vec::new(), None::<Cursor>);
        loop {
            let query = ExecutionQuery { order, after, limit: 10, ..ExecutionQuery::default() };
            let page = bed.engine.executions(&query).await.unwrap();
            seen.extend(page.items.iter().map(|execution| execution.id()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected);
        expected.reverse();
    }
}

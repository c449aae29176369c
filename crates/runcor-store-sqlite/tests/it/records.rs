//! What is written is what is read, in every field.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    Change, Execution, ExecutionError, ExecutionId, ForkChanges, ForkOrigin, Parent, RequestHash,
    SessionId, Store, StoreError, Suspension, TenantId, UserId, WaitKind, WaitSignal,
};
use serde_json::json;

use crate::support::{Home, at, claimed, complete, step, with_input, worker};

/// An execution in which every optional field of the spec is set.
fn elaborate(key: &str) -> Execution {
    let mut execution = with_input("f", key, json!({ "text": "ü\u{0}x", "n": 1.25e-7 }));
    let mut spec = (*execution.spec).clone();
    spec.user_id = Some(UserId::new("ada").unwrap());
    spec.session_id = Some(SessionId::new("s-1").unwrap());
    spec.tenant_id = Some(TenantId::new("acme").unwrap());
    spec.metadata = Some(json!(null));
    spec.timeout = Some(Duration::from_micros(1_500));
    spec.wait_timeout = Some(Duration::MAX);
    spec.replay_of = Some(ExecutionId::mint(at(-5)));
    spec.parent = Some(Parent {
        id: ExecutionId::mint(at(-4)),
        path: "call/f#1".to_owned(),
        request: Some(RequestHash::of(&json!("x"))),
        depth: 3,
    });
    spec.fork = Some(Box::new(ForkOrigin {
        of: ExecutionId::mint(at(-3)),
        at: "model#2".to_owned(),
        changes: ForkChanges { model: Some("m-2".to_owned()), ..ForkChanges::default() },
    }));
    execution.spec = Arc::new(spec);
    execution
}

#[tokio::test]
async fn every_field_comes_back_as_it_was_written_also_after_reopening() {
    let home = Home::new();
    let store = home.open();
    let mut written = Vec::new();

    let mut execution = elaborate("wait");
    store.commit(runcor_core::Batch::new().insert(execution.clone())).await.unwrap();
    let signal = WaitSignal {
        reason: Some("approval".to_owned()),
        expected_resume_by: Some(runcor_core::Timestamp::MAX),
        wait_data: Some(json!(null)),
        timeout: None,
    };
    let pause = Suspension {
        kind: WaitKind::Approval,
        signal,
        path: Some("approve#1".to_owned()),
        since: Some(at(11)),
        wake_at: Some(at(70)),
        awaits: vec![ExecutionId::mint(at(8))],
        intents: Vec::new(),
    };
    for (change, now) in [
        (Change::Claim { worker: worker() }, 3),
        (Change::Retry { due: at(9) }, 5),
        (Change::Continue, 9),
        (Change::Wait { pause: Box::new(pause), due: Some(at(77)) }, 12),
    ] {
        store.commit(step(&mut execution, change, at(now))).await.unwrap();
        let found = store.execution(execution.id()).await.unwrap().unwrap();
        assert_eq!(found.status, execution.status);
    }
    written.push(execution.clone());

    let mut resumed = elaborate("resume");
    resumed.status = execution.status.clone();
    store.commit(runcor_core::Batch::new().insert(resumed.clone())).await.unwrap();
    let resume = Change::Resume { data: Some(json!(null)) };
    store.commit(step(&mut resumed, resume, at(20))).await.unwrap();
    let error = ExecutionError {
        message: "because\nof it".to_owned(),
        retryable: true,
        retry_count: 1,
        code: Some("CANCELLED".to_owned()),
    };
    let fail = Change::Fail { error, expires: None };
    store.commit(step(&mut resumed, fail, at(21))).await.unwrap();
    written.push(resumed);

    store.close().await.unwrap();
    let store = home.open();
    for execution in written {
        let mut found = store.execution(execution.id()).await.unwrap().unwrap();
        // 292 years and more are kept in whole seconds.
        let mut spec = (*found.spec).clone();
        assert!(spec.wait_timeout >= Some(Duration::from_secs(i64::MAX.unsigned_abs())));
        spec.wait_timeout = Some(Duration::MAX);
        found.spec = Arc::new(spec);
        assert_eq!(found, execution);
    }
}

#[tokio::test]
async fn large_and_deeply_nested_values_come_back() {
    let home = Home::new();
    let store = home.open();
    let mut deep = json!(1);
    for _ in 0..127 {
        deep = json!([deep]);
    }
    for (key, value) in [("large", json!("x".repeat(300_000))), ("deep", deep)] {
        let mut execution = with_input("f", key, value.clone());
        store.commit(runcor_core::Batch::new().insert(execution.clone())).await.unwrap();
        let claim = Change::Claim { worker: worker() };
        store.commit(step(&mut execution, claim, at(1))).await.unwrap();
        store.commit(step(&mut execution, complete(value), at(2))).await.unwrap();
        assert_eq!(store.execution(execution.id()).await.unwrap(), Some(execution));
    }
    let events = store.events(0, 100).await.unwrap();
    assert_eq!(events.len(), 6);
}

#[tokio::test]
async fn a_value_that_could_not_be_read_back_is_refused() {
    let home = Home::new();
    let store = home.open();
    let mut deep = json!("[[{\\\"");
    for _ in 0..128 {
        deep = json!({ "a": deep });
    }
    let (mut execution, insert) = claimed("f", "k", worker());
    store.commit(insert).await.unwrap();
    let running = execution.clone();
    let error = store.commit(step(&mut execution, complete(deep), at(2))).await.unwrap_err();
    assert!(matches!(error, StoreError::Unstorable { .. }), "{error}");
    assert!(!error.is_temporary());
    assert_eq!(store.execution(running.id()).await.unwrap(), Some(running));
    assert_eq!(store.last_event().await.unwrap(), 1);
}

#[tokio::test]
async fn a_result_of_null_is_told_from_none_in_the_record_and_in_the_event() {
    let home = Home::new();
    let store = home.open();
    let (mut execution, insert) = claimed("f", "k", worker());
    store.commit(insert).await.unwrap();
    let batch = step(&mut execution, complete(json!(null)), at(2));
    let sent: Vec<_> = batch.ops.iter().skip(1).map(|op| format!("{op:?}")).collect();
    store.commit(batch).await.unwrap();
    assert_eq!(store.execution(execution.id()).await.unwrap(), Some(execution));
    let stored = store.events(1, 10).await.unwrap();
    let stored: Vec<_> = stored.iter().map(|record| format!("Emit({:?})", record.event)).collect();
    assert_eq!(stored, sent);
}

//! Inserts, and the idempotency key that makes a trigger happen once.

use runcor_core::{Batch, Change, Execution, IdempotencyKey, TenantId};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::subject::{
    Subject, at, complete, expect_conflict, expect_duplicate, fail, flow, sample, worker,
};

async fn by_key(
    subject: &Subject,
    tenant: Option<&str>,
    flow_name: &str,
    key: &str,
) -> Option<Execution> {
    let tenant = tenant.and_then(|tenant| TenantId::new(tenant).ok());
    let key = IdempotencyKey::new(key).unwrap_or_else(|error| fail(error.to_string()));
    let found = subject.store.execution_by_key(tenant.as_ref(), &flow(flow_name), &key).await;
    found.unwrap_or_else(|error| fail(format!("execution_by_key(): {error}")))
}

pub(crate) async fn an_inserted_execution_is_found_by_its_id(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample()).await;
    let other = subject.insert(sample()).await;
    subject.expect(&execution, "after the insert").await;
    subject.expect(&other, "after the insert").await;
}

pub(crate) async fn an_unknown_id_finds_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    subject.insert(sample()).await;
    let found = subject.find(sample().build().id()).await;
    assert_eq!(found, None, "expected nothing under an id that was never inserted");
}

pub(crate) async fn an_execution_is_found_by_tenant_flow_and_key(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let plain = subject.insert(sample().key("k")).await;
    let tenants = subject.insert(sample().key("k").tenant("t")).await;
    assert_eq!(by_key(&subject, None, "f", "k").await, Some(plain), "expected no tenant's");
    assert_eq!(by_key(&subject, Some("t"), "f", "k").await, Some(tenants), "expected tenant t's");
}

pub(crate) async fn an_unknown_key_finds_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    subject.insert(sample().key("k").tenant("t")).await;
    for (tenant, flow, key) in
        [(None, "f", "k"), (Some("u"), "f", "k"), (Some("t"), "g", "k"), (Some("t"), "f", "l")]
    {
        let found = by_key(&subject, tenant, flow, key).await;
        assert_eq!(found, None, "expected nothing under {tenant:?} {flow} {key}");
    }
}

pub(crate) async fn a_second_insert_with_the_key_brings_the_first_execution(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let first = subject.insert(sample().key("k").tenant("t")).await;
    let second = sample().key("k").tenant("t").build();
    let refused = subject.refuse(Batch::new().insert(second.clone())).await;
    expect_duplicate(refused, &first);
    assert_eq!(subject.find(second.id()).await, None, "expected the second not to be stored");
}

pub(crate) async fn a_duplicate_brings_the_execution_as_it_stands_now(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut first = subject.insert(sample().key("k")).await;
    subject.change(&mut first, Change::Claim { worker: worker() }, at(1)).await;
    let refused = subject.refuse(Batch::new().insert(sample().key("k").build())).await;
    expect_duplicate(refused, &first);
}

pub(crate) async fn the_same_key_is_free_in_another_flow(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let first = subject.insert(sample().key("k")).await;
    let second = crate::ExecutionBuilder::new("g").key("k");
    let second = subject.insert(second).await;
    assert_eq!(by_key(&subject, None, "f", "k").await, Some(first), "expected that of flow f");
    assert_eq!(by_key(&subject, None, "g", "k").await, Some(second), "expected that of flow g");
}

pub(crate) async fn the_same_key_is_free_for_another_tenant(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let nobody = subject.insert(sample().key("k")).await;
    let first = subject.insert(sample().key("k").tenant("a")).await;
    let second = subject.insert(sample().key("k").tenant("b")).await;
    for execution in [nobody, first, second] {
        let again = sample().key("k").build();
        let mut spec = (*again.spec).clone();
        spec.tenant_id.clone_from(&execution.spec.tenant_id);
        let refused = subject.refuse(Batch::new().insert(Execution::queued(spec))).await;
        expect_duplicate(refused, &execution);
    }
}

pub(crate) async fn keys_are_compared_exactly(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let keys = ["k", "K", "k ", " k", "ｋ", "é", "e\u{301}", "k%", "k_", "'k'"];
    let mut inserted = Vec::new();
    for key in keys {
        inserted.push(subject.insert(sample().key(key)).await);
    }
    for (key, execution) in keys.into_iter().zip(inserted) {
        let found = by_key(&subject, None, "f", key).await;
        assert_eq!(found, Some(execution), "expected the key {key:?} to stand for its own only");
    }
}

pub(crate) async fn the_same_id_is_not_inserted_twice(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let first = subject.insert(sample().key("k")).await;
    let mut spec = (*first.spec).clone();
    spec.idempotency_key = IdempotencyKey::new("other").unwrap_or_else(|e| fail(e.to_string()));
    let refused = subject.refuse(Batch::new().insert(Execution::queued(spec))).await;
    expect_conflict(&refused, first.id(), Some(first.fence()));
    subject.expect(&first, "after an insert with its id was refused").await;
    assert_eq!(by_key(&subject, None, "f", "other").await, None, "expected the key to be free");
}

pub(crate) async fn a_key_stays_taken_when_its_execution_has_ended(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut first = subject.running(sample().key("k"), worker(), at(1)).await;
    subject.change(&mut first, complete(None), at(2)).await;
    let refused = subject.refuse(Batch::new().insert(sample().key("k").build())).await;
    expect_duplicate(refused, &first);
}

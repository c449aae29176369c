//! Closing: what is closed says so.

use runcor_core::{
    Batch, ClaimRequest, EvaluationQuery, ExecutionId, ExecutionQuery, FlagQuery, LedgerFilter,
    LedgerQuery, SharedStore, StoreError,
};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::{of_flow, page_of};
use crate::store_suite::money_ops::daily;
use crate::store_suite::subject::{Subject, at, fail, flow, sample, worker};

fn expect_closed<T>(outcome: Result<T, StoreError>, call: &str) {
    match outcome {
        Err(StoreError::Closed) => {}
        Err(other) => fail(format!("expected {call} to fail with Closed, got: {other}")),
        Ok(_) => fail(format!("expected {call} to fail after closing, it succeeded")),
    }
}

pub(crate) async fn everything_fails_after_closing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample().key("k")).await;
    let store = &subject.store;
    if let Err(error) = store.close().await {
        fail(format!("expected closing to succeed, got: {error}"));
    }
    let (spec, now) = (&execution.spec, at(1));
    let request = ClaimRequest { worker: worker(), now, limit: 1, flows: vec![flow("f")] };
    expect_closed(store.commit(Batch::new()).await, "an empty commit()");
    expect_closed(store.commit(Batch::new().insert(sample().build())).await, "commit()");
    expect_closed(store.claim(request).await, "claim()");
    expect_closed(store.execution(spec.id).await, "execution()");
    let by_key = store.execution_by_key(None, &spec.flow, &spec.idempotency_key).await;
    expect_closed(by_key, "execution_by_key()");
    expect_closed(store.executions(&ExecutionQuery::default()).await, "executions()");
    expect_closed(store.journal(spec.id).await, "journal()");
    expect_closed(store.journal_value(spec.id, "a#1").await, "journal_value()");
    expect_closed(store.due_waits(now, 1).await, "due_waits()");
    expect_closed(store.next_due(now).await, "next_due()");
    expect_closed(store.events(0, 1).await, "events()");
    expect_closed(store.last_event().await, "last_event()");
    expect_reads_closed(store, spec.id).await;
}

async fn expect_reads_closed(store: &SharedStore, id: ExecutionId) {
    let ledger = store.ledger();
    expect_closed(ledger.ledger(&LedgerQuery::default()).await, "ledger()");
    let filter = LedgerFilter::default();
    expect_closed(ledger.ledger_totals(&filter, None).await, "ledger_totals()");
    expect_closed(ledger.budget_account(&daily("a")).await, "budget_account()");
    expect_closed(ledger.budget_accounts(None, at(0), 1).await, "budget_accounts()");
    let (memories, space) = (store.memories(), of_flow("f"));
    expect_closed(memories.memory(&space, "k", at(0)).await, "memory()");
    expect_closed(memories.memories(&page_of(&space)).await, "memories()");
    let quality = store.quality();
    expect_closed(quality.evaluation(id).await, "evaluation()");
    expect_closed(quality.evaluations(&EvaluationQuery::default()).await, "evaluations()");
    expect_closed(quality.unevaluated(1).await, "unevaluated()");
    expect_closed(quality.flag(id).await, "flag()");
    expect_closed(quality.flags(&FlagQuery::default()).await, "flags()");
}

pub(crate) async fn closing_twice_does_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    subject.insert(sample()).await;
    for time in ["first", "second"] {
        if let Err(error) = subject.store.close().await {
            fail(format!("expected the {time} closing to succeed, got: {error}"));
        }
    }
}

//! Updates, and the fences that keep those out who have missed something.

use std::time::Duration;

use serde_json::json;

use runcor_core::{Batch, Change, ExecutionError, Fence, Op, WaitSignal};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::subject::{
    Subject, applied, at, complete, expect_conflict, sample, worker,
};

pub(crate) async fn an_update_replaces_the_status_and_nothing_else(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.insert(sample().input(json!({ "n": 1 })).user("u")).await;
    let other = subject.insert(sample()).await;
    subject.change(&mut execution, Change::Claim { worker: worker() }, at(1)).await;
    subject.expect(&execution, "but for its status").await;
    subject.expect(&other, "by another one's update").await;
}

pub(crate) async fn an_update_with_an_old_version_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    let old = execution.clone();
    subject.change(&mut execution, Change::Retry { due: at(9) }, at(2)).await;
    let late = applied(&old, complete(None), at(3));
    let refused = subject.refuse(Batch::new().update(&old, late)).await;
    expect_conflict(&refused, execution.id(), Some(execution.fence()));
    subject.expect(&execution, "after a late update was refused").await;
}

pub(crate) async fn an_update_with_an_old_epoch_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let done = applied(&execution, complete(None), at(2));
    let Fence { version, epoch } = execution.fence();
    for expect in [Fence { version, epoch: epoch - 1 }, Fence { version, epoch: epoch + 1 }] {
        let status = Box::new(done.status.clone());
        let op = Op::Update { id: execution.id(), expect, status };
        let refused = subject.refuse(Batch::new().with(op)).await;
        expect_conflict(&refused, execution.id(), Some(execution.fence()));
    }
    subject.expect(&execution, "after updates of other epochs were refused").await;
}

pub(crate) async fn an_update_of_an_unknown_execution_tells_that_it_is_gone(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let stranger = sample().build();
    let claim = applied(&stranger, Change::Claim { worker: worker() }, at(1));
    let refused = subject.refuse(Batch::new().update(&stranger, claim)).await;
    expect_conflict(&refused, stranger.id(), None);
    assert_eq!(subject.find(stranger.id()).await, None, "expected an update to insert nothing");
}

pub(crate) async fn an_update_that_skips_a_version_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    for version in [execution.status.version, execution.status.version + 2] {
        let mut done = applied(&execution, complete(None), at(2));
        done.status.version = version;
        let refused = subject.refuse(Batch::new().update(&execution, done)).await;
        expect_conflict(&refused, execution.id(), Some(execution.fence()));
    }
    subject.expect(&execution, "after updates that skip versions were refused").await;
}

pub(crate) async fn the_same_update_is_refused_the_second_time(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample()).await;
    let claim = applied(&execution, Change::Claim { worker: worker() }, at(1));
    let batch = Batch::new().update(&execution, claim);
    subject.commit(batch.clone()).await;
    let events = subject.last_event().await;
    let refused = subject.refuse(batch).await;
    expect_conflict(&refused, execution.id(), Some(Fence { version: 2, epoch: 1 }));
    assert_eq!(subject.last_event().await, events, "expected no event of the second time");
}

pub(crate) async fn a_whole_life_is_stored_step_by_step(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.insert(sample()).await;
    let signal = WaitSignal { reason: Some("asks".to_owned()), ..WaitSignal::default() };
    let error = ExecutionError {
        message: "no".to_owned(),
        retryable: true,
        retry_count: 1,
        code: Some("TIMEOUT".to_owned()),
    };
    let life = [
        Change::Claim { worker: worker() },
        Change::Retry { due: at(500) },
        Change::Continue,
        Change::Wait { pause: Box::new(signal.into()), due: Some(at(9_000)) },
        Change::Resume { data: Some(json!(["yes"])) },
        Change::Claim { worker: worker() },
        Change::Release,
        Change::Claim { worker: worker() },
        Change::Abandon,
        Change::Fail { error, expires: Some(at(99_000)) },
    ];
    for (step, change) in (1_i64..).zip(life) {
        let shown = format!("after {change:?}");
        subject.change(&mut execution, change, at(step * 100)).await;
        subject.expect(&execution, &shown).await;
    }
    let active = execution.status.active_before;
    assert!(active > Duration::ZERO, "the scenario itself is wrong: no active time");
}

//! Claims: what is runnable, and in which order it is given away.

use runcor_core::{Change, Event, ExecutionState};

use crate::ExecutionBuilder;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::subject::{
    Subject, applied, at, claimed, complete, must, sample, wait, worker,
};

pub(crate) async fn a_claim_is_the_change_of_the_state_machine_and_is_stored(
    fixture: StoreFixture,
) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.insert(sample().user("u")).await;
    let worker = subject.leased().await;
    let claims = subject.claim(worker, at(5), 1).await;
    execution.status = applied(&execution, Change::Claim { worker }, at(5)).status;
    let claim = must(claims.first(), "one claim");
    assert_eq!(claim.execution, execution, "expected what the state machine makes of a claim");
    assert!(!claim.interrupted, "expected nobody to be interrupted by a first claim");
    subject.expect(&execution, "after the claim").await;
}

pub(crate) async fn a_claim_announces_its_events(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample()).await;
    let worker = subject.leased().await;
    subject.claim(worker, at(5), 1).await;
    let expected = applied(&execution, Change::Claim { worker }, at(5)).events;
    let events: Vec<Event> =
        subject.events(0, 10).await.into_iter().map(|record| record.event).collect();
    assert_eq!(events, expected, "expected the events of the change");
}

pub(crate) async fn the_oldest_due_is_claimed_first(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let third = subject.insert(sample().queued_at(at(30))).await;
    let first = subject.insert(sample().queued_at(at(10))).await;
    let second = subject.insert(sample().queued_at(at(20))).await;
    let claims = claimed(&subject.claim_newly(at(99), 9).await);
    assert_eq!(claims, [first.id(), second.id(), third.id()], "expected them by due");
}

pub(crate) async fn ties_are_claimed_in_order_of_creation(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut expected = Vec::new();
    let mut builders: Vec<_> = (0..20).map(|_| sample()).collect();
    // The order of ids must not matter, only that of inserts.
    builders.reverse();
    for builder in builders {
        expected.push(subject.insert(builder).await.id());
    }
    let mut claims = claimed(&subject.claim_newly(at(1), 7).await);
    claims.extend(claimed(&subject.claim_newly(at(1), 100).await));
    assert_eq!(claims, expected, "expected executions of one due in order of creation");
}

pub(crate) async fn the_order_goes_across_flows(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut expected = Vec::new();
    for (millis, flow) in [(10, "f"), (20, "g"), (20, "f"), (20, "h"), (30, "g"), (31, "f")] {
        let builder = ExecutionBuilder::new(flow).queued_at(at(millis));
        expected.push(subject.insert(builder).await.id());
    }
    let claims = subject.claim_of(subject.leased().await, at(99), 5, &["h", "g", "f"]).await;
    assert_eq!(claimed(&claims), expected[..5], "expected one order over all wanted flows");
}

pub(crate) async fn what_is_due_later_is_not_claimed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample().queued_at(at(100))).await;
    let claims = claimed(&subject.claim_newly(at(99), 9).await);
    assert!(claims.is_empty(), "expected nothing a millisecond too early, got {claims:?}");
    let claims = claimed(&subject.claim_newly(at(100), 9).await);
    assert_eq!(claims, [execution.id()], "expected it at the instant when it is due");
}

pub(crate) async fn only_wanted_flows_are_claimed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for _ in 0..30 {
        subject.insert(ExecutionBuilder::new("backlog").queued_at(at(0))).await;
    }
    let wanted = subject.insert(sample().queued_at(at(5))).await;
    let claims = claimed(&subject.claim_newly(at(9), 10).await);
    assert_eq!(claims, [wanted.id()], "expected that of the wanted flow behind a backlog");
}

pub(crate) async fn a_flow_that_is_wanted_twice_is_claimed_once(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample()).await;
    let claims = subject.claim_of(subject.leased().await, at(1), 9, &["f", "f"]).await;
    assert_eq!(claimed(&claims), [execution.id()], "expected one claim of it");
}

pub(crate) async fn a_claim_takes_no_more_than_its_limit(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for _ in 0..5 {
        subject.insert(sample()).await;
    }
    let counts = [
        subject.claim_newly(at(1), 2).await.len(),
        subject.claim_newly(at(1), 2).await.len(),
        subject.claim_newly(at(1), 2).await.len(),
        subject.claim_newly(at(1), 2).await.len(),
    ];
    assert_eq!(counts, [2, 2, 1, 0], "expected five executions in twos");
}

pub(crate) async fn a_claim_of_nothing_gives_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample()).await;
    assert!(subject.claim_newly(at(9), 0).await.is_empty(), "expected nothing for limit 0");
    let claims = subject.claim_of(subject.leased().await, at(9), 9, &[]).await;
    assert!(claims.is_empty(), "expected nothing where no flow is wanted");
    let claims = subject.claim_of(subject.leased().await, at(9), 9, &["unknown"]).await;
    assert!(claims.is_empty(), "expected nothing of an unknown flow");
    subject.expect(&execution, "after claims of nothing").await;
}

pub(crate) async fn a_claimed_execution_is_not_claimed_again(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(1_000)).await;
    subject.insert(sample()).await;
    assert_eq!(subject.claim(owner, at(1), 9).await.len(), 1, "expected the first claim");
    for again in [owner, subject.leased().await] {
        let claims = claimed(&subject.claim(again, at(2), 9).await);
        assert!(claims.is_empty(), "expected nothing left to claim, got {claims:?}");
    }
}

pub(crate) async fn waiting_and_ended_executions_are_not_claimed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for change in [wait(None), wait(Some(at(5))), complete(None), complete(Some(at(5)))] {
        let mut execution = subject.running(sample(), worker(), at(1)).await;
        subject.change(&mut execution, change, at(2)).await;
    }
    let claims = claimed(&subject.claim_newly(at(1_000), 9).await);
    assert!(claims.is_empty(), "expected nothing that waits or has ended, got {claims:?}");
}

pub(crate) async fn a_resumed_execution_is_claimed_without_interruption(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    subject.change(&mut execution, wait(None), at(2)).await;
    subject.change(&mut execution, Change::Resume { data: None }, at(3)).await;
    let before = subject.last_event().await;
    let claims = subject.claim_newly(at(3), 9).await;
    let claim = must(claims.first(), "the resumed execution to be claimed");
    assert_eq!(claim.execution.id(), execution.id(), "expected the resumed execution");
    assert!(!claim.interrupted, "expected a resumed execution not to count as interrupted");
    assert_eq!(claim.execution.status.epoch, 2, "expected a new epoch");
    assert_eq!(subject.last_event().await, before, "expected no event: it was running already");
}

pub(crate) async fn a_released_execution_is_claimed_without_interruption(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    subject.change(&mut execution, Change::Release, at(2)).await;
    let claims = subject.claim_newly(at(2), 9).await;
    let claim = must(claims.first(), "the released execution to be claimed");
    assert!(!claim.interrupted, "expected a released execution not to count as interrupted");
}

pub(crate) async fn a_released_retry_is_claimed_when_it_is_due(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    subject.change(&mut execution, Change::Retry { due: at(100) }, at(2)).await;
    subject.change(&mut execution, Change::Release, at(3)).await;
    let claims = claimed(&subject.claim_newly(at(99), 9).await);
    assert!(claims.is_empty(), "expected the retry to keep its due, got {claims:?}");
    let claims = subject.claim_newly(at(100), 9).await;
    let claim = must(claims.first(), "the released retry to be claimed when it is due");
    assert_eq!(claim.execution.state(), ExecutionState::Running, "expected it to run");
    assert!(!claim.interrupted, "expected a retry not to count as interrupted");
}

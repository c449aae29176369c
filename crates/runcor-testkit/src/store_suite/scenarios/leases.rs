//! Leases: who owns what, and for how long.

use runcor_core::{Batch, Change};

use crate::ExecutionBuilder;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{entry, journal_op};
use crate::store_suite::subject::{
    Subject, applied, at, claimed, complete, expect_conflict, must, sample, worker,
};

pub(crate) async fn a_live_lease_protects_what_its_worker_owns(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(1_000)).await;
    let execution = subject.running(sample(), owner, at(1)).await;
    let claims = claimed(&subject.claim_newly(at(999), 9).await);
    assert!(claims.is_empty(), "expected nothing under a live lease, got {claims:?}");
    subject.expect(&execution, "under its live owner").await;
}

pub(crate) async fn an_expired_lease_makes_running_executions_claimable(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    let execution = subject.running(sample(), owner, at(1)).await;
    let heir = worker();
    subject.lease(heir, at(1_000)).await;
    let claims = subject.claim(heir, at(101), 9).await;
    let claim = must(claims.first(), "a claim of what the vanished worker owned");
    assert!(claim.interrupted, "expected the claim to tell that its owner vanished while it ran");
    assert_eq!(claim.execution.status.owner, Some(heir), "expected the heir to own it");
    assert_eq!(claim.execution.status.epoch, execution.status.epoch + 1, "expected a new epoch");
    subject.expect(&claim.execution, "as the claim gave it").await;
    let again = claimed(&subject.claim_newly(at(102), 9).await);
    assert!(again.is_empty(), "expected the heir's lease to protect it, got {again:?}");
}

pub(crate) async fn a_lease_ends_exactly_at_its_end(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    subject.running(sample(), owner, at(1)).await;
    let early = subject.claim_newly(at(99), 9).await.len();
    let due = subject.claim_newly(at(100), 9).await.len();
    assert_eq!((early, due), (0, 1), "expected the lease to hold before its end, not at it");
}

pub(crate) async fn a_renewed_lease_protects_longer(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    subject.running(sample(), owner, at(1)).await;
    subject.lease(owner, at(200)).await;
    let early = subject.claim_newly(at(150), 9).await.len();
    let due = subject.claim_newly(at(250), 9).await.len();
    assert_eq!((early, due), (0, 1), "expected the renewed end to count");
}

pub(crate) async fn a_retired_worker_gives_everything_back_at_once(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(1_000)).await;
    let first = subject.running(sample(), owner, at(1)).await;
    let second = subject.running(sample(), owner, at(2)).await;
    subject.retire(owner, at(10)).await;
    let claims = subject.claim_newly(at(10), 9).await;
    assert_eq!(claimed(&claims), [first.id(), second.id()], "expected both, by creation");
    let interrupted = claims.iter().all(|claim| claim.interrupted);
    assert!(interrupted, "expected running executions of a retired worker to be interrupted");
}

pub(crate) async fn retiring_touches_nobody_else(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let (owner, other) = (worker(), worker());
    subject.lease(owner, at(1_000)).await;
    subject.running(sample(), owner, at(1)).await;
    subject.retire(other, at(2)).await;
    let claims = claimed(&subject.claim_newly(at(3), 9).await);
    assert!(claims.is_empty(), "expected the other's lease to hold, got {claims:?}");
}

pub(crate) async fn a_retrying_execution_stays_with_its_owner(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(1_000)).await;
    let mut execution = subject.running(sample(), owner, at(1)).await;
    subject.change(&mut execution, Change::Retry { due: at(50) }, at(2)).await;
    for claimer in [subject.leased().await, owner] {
        let claims = claimed(&subject.claim(claimer, at(60), 9).await);
        assert!(claims.is_empty(), "expected the retry to stay with its owner, got {claims:?}");
    }
    subject.change(&mut execution, Change::Continue, at(60)).await;
}

pub(crate) async fn a_retry_of_a_vanished_owner_is_claimed_when_it_is_due(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    let mut execution = subject.running(sample(), owner, at(1)).await;
    subject.change(&mut execution, Change::Retry { due: at(200) }, at(2)).await;
    let claims = claimed(&subject.claim_newly(at(150), 9).await);
    assert!(claims.is_empty(), "expected nothing before the retry is due, got {claims:?}");
    let claims = subject.claim_newly(at(200), 9).await;
    let claim = must(claims.first(), "the retry of the vanished owner when it is due");
    assert!(!claim.interrupted, "expected no interruption: nothing ran");
}

pub(crate) async fn an_abandoned_execution_is_never_claimed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    let mut running = subject.running(sample(), owner, at(1)).await;
    subject.change(&mut running, Change::Abandon, at(2)).await;
    let mut retrying = subject.running(sample(), owner, at(1)).await;
    subject.change(&mut retrying, Change::Retry { due: at(50) }, at(2)).await;
    subject.change(&mut retrying, Change::Abandon, at(3)).await;
    for now in [at(60), at(100), at(1_000_000)] {
        let claims = claimed(&subject.claim_newly(now, 9).await);
        assert!(claims.is_empty(), "expected nobody to claim what was abandoned: {claims:?}");
    }
    subject.retire(owner, at(1_000_001)).await;
    let claims = claimed(&subject.claim_newly(at(2_000_000), 9).await);
    assert!(claims.is_empty(), "expected abandoned ones to stay after retiring: {claims:?}");
    subject.expect(&running, "after it was abandoned").await;
}

pub(crate) async fn an_owner_that_was_replaced_can_not_write(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    let zombie = subject.running(sample(), owner, at(1)).await;
    let heir = worker();
    subject.lease(heir, at(1_000)).await;
    let claims = subject.claim(heir, at(200), 9).await;
    let current = must(claims.first(), "a claim by the heir").execution.clone();
    let late = Batch::new().update(&zombie, applied(&zombie, complete(None), at(201)));
    let late_entry = Batch::new().with(journal_op(&zombie, entry("a#1")));
    for batch in [late, late_entry] {
        let refused = subject.refuse(batch).await;
        expect_conflict(&refused, zombie.id(), Some(current.fence()));
    }
    subject.expect(&current, "after the former owner tried to write").await;
    assert!(subject.journal(zombie.id()).await.is_empty(), "expected no entry of the former owner");
}

pub(crate) async fn a_worker_that_comes_back_in_time_keeps_what_it_owns(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    let execution = subject.running(sample(), owner, at(1)).await;
    subject.insert(ExecutionBuilder::new("g").queued_at(at(0))).await;
    let claims = subject.claim_of(subject.leased().await, at(150), 9, &["g"]).await;
    assert_eq!(claims.len(), 1, "expected the claim of another flow, which notices the lease");
    subject.lease(owner, at(300)).await;
    let claims = claimed(&subject.claim_newly(at(200), 9).await);
    assert!(claims.is_empty(), "expected the new lease to protect it again, got {claims:?}");
    subject.expect(&execution, "under its owner").await;
    assert_eq!(subject.claim_newly(at(300), 9).await.len(), 1, "expected it once that ends");
}

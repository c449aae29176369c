//! Packing journals of ended executions: what is read from them does not change.

use serde_json::json;

use runcor_core::{
    Batch, Change, EventRecord, Execution, ExecutionQuery, JournalEntry, Op, Timestamp,
};

use super::entries::{expect_same, full};
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{done, entry, impossible, intent, journal_op};
use crate::store_suite::subject::{Subject, at, complete, failed, sample, wait, worker};

/// Inserts an execution with that journal that ended at `millis`.
async fn ended(subject: &Subject, entries: &[JournalEntry], end: Change, millis: i64) -> Execution {
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    let ops = entries.iter().map(|entry| journal_op(&execution, entry.clone()));
    subject.commit(ops.fold(Batch::new(), Batch::with)).await;
    subject.change(&mut execution, end, at(millis)).await;
    execution
}

/// Everything that can be read.
async fn everything(
    subject: &Subject,
) -> (Vec<Execution>, Vec<(JournalEntry, Option<serde_json::Value>)>, Vec<EventRecord>) {
    let executions = subject.list(&ExecutionQuery::default()).await.items;
    let mut journals = Vec::new();
    for execution in &executions {
        for entry in subject.journal(execution.id()).await {
            let value = subject.journal_value(execution.id(), &entry.path).await;
            journals.push((entry, value));
        }
    }
    (executions, journals, subject.events(0, 1_000).await)
}

pub(crate) async fn packing_changes_nothing_that_is_read(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    ended(&subject, &full(), complete(None), 5).await;
    ended(&subject, &[], complete(None), 6).await;
    ended(&subject, &[intent("a#1"), done("b#1", json!(1))], failed(), 7).await;
    let many: Vec<_> = (0..300).map(|n| entry(&format!("step#{n}"))).collect();
    ended(&subject, &many, complete(None), 8).await;
    let before = everything(&subject).await;
    for _ in 0..2 {
        let packed = subject.compact(Timestamp::MAX, 100).await;
        assert!(packed <= 4, "expected to pack no more than there is, packed {packed}");
        let after = everything(&subject).await;
        assert!(after == before, "expected everything to be read as before");
    }
}

pub(crate) async fn only_what_has_ended_is_packed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut running = subject.running(sample(), worker(), at(1)).await;
    subject.write(&running, intent("a#1")).await;
    let mut waiting = subject.running(sample(), worker(), at(1)).await;
    subject.write(&waiting, entry("a#1")).await;
    subject.change(&mut waiting, wait(Some(at(5))), at(2)).await;
    let packed = subject.compact(Timestamp::MAX, 100).await;
    assert_eq!(packed, 0, "expected nothing to be packed that goes on");
    subject.write(&running, entry("a#1")).await;
    assert_eq!(subject.journal(running.id()).await, [entry("a#1")], "expected it to go on");
    subject.change(&mut waiting, Change::Wake, at(6)).await;
    subject.write(&waiting, entry("b#1")).await;
    let found = subject.journal(waiting.id()).await;
    assert_eq!(found, [entry("a#1"), entry("b#1")], "expected it to go on after its wait");
    subject.change(&mut running, complete(None), at(7)).await;
}

pub(crate) async fn packing_keeps_to_its_instant_and_limit(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for millis in [10, 20, 30] {
        ended(&subject, &[entry("a#1"), entry("b#1")], complete(None), millis).await;
    }
    assert_eq!(subject.compact(at(10), 9).await, 0, "expected nothing that ended just then");
    assert_eq!(subject.compact(at(99), 0).await, 0, "expected nothing for limit 0");
    let packed = subject.compact(at(21), 9).await;
    assert!(packed <= 2, "expected only what ended before, packed {packed}");
    let packed = subject.compact(at(99), 1).await;
    assert!(packed <= 1, "expected no more than the limit, packed {packed}");
}

pub(crate) async fn what_is_packed_is_swept_and_deleted_whole(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let swept = ended(&subject, &full(), complete(Some(at(50))), 5).await;
    let deleted = ended(&subject, &full(), complete(None), 5).await;
    let kept = ended(&subject, &full(), complete(None), 5).await;
    subject.compact(Timestamp::MAX, 100).await;
    let sweep = Op::Sweep { now: at(50), limit: 9, max_bytes: None };
    let delete = Op::Delete { id: deleted.id(), expect: deleted.fence() };
    subject.commit(Batch::new().with(sweep).with(delete)).await;
    for gone in [swept, deleted] {
        assert!(subject.journal(gone.id()).await.is_empty(), "expected the journal to be gone");
        let value = subject.journal_value(gone.id(), "full/all#1").await;
        assert!(value.is_none(), "expected a result that was kept apart to be gone too");
    }
    expect_same(&subject.journal(kept.id()).await, &full());
}

pub(crate) async fn a_refused_operation_takes_back_a_packing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    ended(&subject, &full(), complete(None), 5).await;
    let before = everything(&subject).await;
    let pack = Op::Compact { ended_before: Timestamp::MAX, limit: 9 };
    subject.refuse(Batch::new().with(pack).with(impossible())).await;
    assert!(everything(&subject).await == before, "expected everything as it was");
}

//! The store under test, with calls that must succeed and say so when they don't.

use serde_json::{Value, json};

use runcor_core::{
    Answer, Batch, Change, Claim, ClaimRequest, Execution, ExecutionError, ExecutionId,
    ExecutionQuery, Fence, FlowName, JournalEntry, Op, Outcome, Page, Receipt, SharedStore,
    StoreError, Timestamp, WorkerId,
};

use super::fixture::StoreFixture;
use super::ops::{journal_op, name_of};
use crate::builder::ExecutionBuilder;

/// The store of a scenario.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) store: SharedStore,
}

#[expect(clippy::panic, reason = "a scenario fails by panicking, as tests do")]
pub(super) fn fail(message: impl AsRef<str>) -> ! {
    panic!("{}", message.as_ref())
}

/// Returns what must be there, or fails with what it is.
pub(super) fn must<T>(value: Option<T>, what: &str) -> T {
    value.unwrap_or_else(|| fail(format!("expected {what}")))
}

/// The scenarios' time: milliseconds since an instant when nothing has happened yet.
pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + millis)
}

/// Begins an execution of the flow `f` that is due at `at(0)`.
pub(super) fn sample() -> ExecutionBuilder {
    ExecutionBuilder::new("f").queued_at(at(0))
}

pub(super) fn worker() -> WorkerId {
    WorkerId::mint(at(0))
}

pub(super) fn flow(name: &str) -> FlowName {
    FlowName::new(name).unwrap_or_else(|error| fail(error.to_string()))
}

pub(super) fn complete(expires: Option<Timestamp>) -> Change {
    Change::Complete { result: json!({ "done": true }), expires }
}

/// A failure that is never swept away.
pub(super) fn failed() -> Change {
    let message = "gave up".to_owned();
    let error = ExecutionError { message, retryable: false, retry_count: 0, code: None };
    Change::Fail { error, expires: None }
}

pub(super) fn wait(due: Option<Timestamp>) -> Change {
    Change::Wait { pause: Box::default(), due }
}

/// Applies a change that the state machine allows, without storing it.
pub(super) fn applied(
    execution: &Execution,
    change: Change,
    now: Timestamp,
) -> runcor_core::Applied {
    let applied = execution.apply(change, now);
    applied.unwrap_or_else(|error| fail(format!("the scenario itself is wrong: {error}")))
}

/// Checks that an operation on `id` was refused, and what it tells of the present.
pub(super) fn expect_conflict(error: &StoreError, id: ExecutionId, current: Option<Fence>) {
    match error {
        StoreError::Conflict { id: found, current: told } => {
            assert_eq!(*found, id, "a conflict should name the execution");
            assert_eq!(*told, current, "a conflict should tell the present fence");
        }
        other => fail(format!("expected a conflict on {id}, got: {other}")),
    }
}

/// Checks that an insert was refused because of `existing`.
pub(super) fn expect_duplicate(error: StoreError, existing: &Execution) {
    match error {
        StoreError::Duplicate { existing: told } => {
            assert_eq!(*told, *existing, "a duplicate should bring the existing execution");
        }
        other => fail(format!("expected a duplicate of {}, got: {other}", existing.id())),
    }
}

impl Subject {
    pub(super) fn new(fixture: &StoreFixture) -> Self {
        Self { store: fixture.store() }
    }

    pub(super) async fn commit(&self, batch: Batch) -> Receipt {
        let shown = format!("{:?}", batch.ops.iter().map(name_of).collect::<Vec<_>>());
        let receipt = self.store.commit(batch).await;
        receipt.unwrap_or_else(|error| fail(format!("expected {shown} to be applied: {error}")))
    }

    pub(super) async fn refuse(&self, batch: Batch) -> StoreError {
        let shown = format!("{:?}", batch.ops.iter().map(name_of).collect::<Vec<_>>());
        match self.store.commit(batch).await {
            Err(error) => error,
            Ok(_) => fail(format!("expected {shown} to be refused, it was applied")),
        }
    }

    pub(super) async fn insert(&self, builder: ExecutionBuilder) -> Execution {
        let execution = builder.build();
        self.commit(Batch::new().insert(execution.clone())).await;
        execution
    }

    /// Stores a change and its events, and brings `execution` up to date.
    pub(super) async fn change(&self, execution: &mut Execution, change: Change, now: Timestamp) {
        let applied = applied(execution, change, now);
        let status = applied.status.clone();
        self.commit(Batch::new().update(execution, applied)).await;
        execution.status = status;
    }

    /// Inserts an execution that `worker` has claimed at `now`.
    pub(super) async fn running(
        &self,
        builder: ExecutionBuilder,
        worker: WorkerId,
        now: Timestamp,
    ) -> Execution {
        let mut execution = self.insert(builder).await;
        self.change(&mut execution, Change::Claim { worker }, now).await;
        execution
    }

    pub(super) async fn find(&self, id: ExecutionId) -> Option<Execution> {
        self.store.execution(id).await.unwrap_or_else(|error| fail(format!("execution(): {error}")))
    }

    /// Checks that the stored execution is exactly this one.
    pub(super) async fn expect(&self, execution: &Execution, when: &str) {
        let found = self.find(execution.id()).await;
        assert_eq!(found.as_ref(), Some(execution), "expected the execution unchanged {when}");
    }

    pub(super) async fn lease(&self, worker: WorkerId, until: Timestamp) {
        self.commit(Batch::new().with(Op::Lease { worker, until })).await;
    }

    pub(super) async fn retire(&self, worker: WorkerId, now: Timestamp) {
        self.commit(Batch::new().with(Op::Retire { worker, now })).await;
    }

    /// Makes a worker whose lease outlives every scenario.
    pub(super) async fn leased(&self) -> WorkerId {
        let worker = worker();
        self.lease(worker, at(1_000_000_000)).await;
        worker
    }

    /// Claims from the flow `f` for a worker of its own.
    pub(super) async fn claim_newly(&self, now: Timestamp, limit: usize) -> Vec<Claim> {
        self.claim(self.leased().await, now, limit).await
    }

    /// Claims from the flow `f`.
    pub(super) async fn claim(&self, worker: WorkerId, now: Timestamp, limit: usize) -> Vec<Claim> {
        self.claim_of(worker, now, limit, &["f"]).await
    }

    pub(super) async fn claim_of(
        &self,
        worker: WorkerId,
        now: Timestamp,
        limit: usize,
        flows: &[&str],
    ) -> Vec<Claim> {
        let flows = flows.iter().map(|name| flow(name)).collect();
        let claims = self.store.claim(ClaimRequest { worker, now, limit, flows }).await;
        claims.unwrap_or_else(|error| fail(format!("claim(): {error}")))
    }

    /// Writes an entry of the journal of a running execution.
    pub(super) async fn write(&self, execution: &Execution, entry: JournalEntry) {
        self.commit(Batch::new().with(journal_op(execution, entry))).await;
    }

    /// Checks that an entry is refused as a conflict with the execution as it stands here.
    pub(super) async fn refuse_entry(&self, op: Op, current: &Execution) {
        let refused = self.refuse(Batch::new().with(op)).await;
        expect_conflict(&refused, current.id(), Some(current.fence()));
    }

    /// Returns the journal with every result in its place, also those that are kept apart.
    pub(super) async fn journal(&self, id: ExecutionId) -> Vec<JournalEntry> {
        let journal = self.store.journal(id).await;
        let mut journal = journal.unwrap_or_else(|error| fail(format!("journal(): {error}")));
        for entry in &mut journal {
            if let Some(Outcome::Spilled { bytes }) = entry.outcome() {
                let value = must(self.journal_value(id, &entry.path).await, "a spilled result");
                let size = u64::try_from(value.to_string().len()).ok();
                assert_eq!(Some(*bytes), size, "expected the size of the result at {}", entry.path);
                entry.answer = entry
                    .answer
                    .take()
                    .map(|answer| Answer { outcome: Outcome::Done(value), ..answer });
            }
        }
        journal
    }

    pub(super) async fn journal_value(&self, id: ExecutionId, path: &str) -> Option<Value> {
        let value = self.store.journal_value(id, path).await;
        value.unwrap_or_else(|error| fail(format!("journal_value(): {error}")))
    }

    pub(super) async fn list(&self, query: &ExecutionQuery) -> Page<Execution> {
        let page = self.store.executions(query).await;
        page.unwrap_or_else(|error| fail(format!("executions(): {error}")))
    }

    pub(super) async fn ids(&self, query: &ExecutionQuery) -> Vec<ExecutionId> {
        ids(&self.list(query).await.items)
    }

    pub(super) async fn last_event(&self) -> u64 {
        self.store.last_event().await.unwrap_or_else(|e| fail(format!("last_event(): {e}")))
    }

    pub(super) async fn events(&self, after: u64, limit: usize) -> Vec<runcor_core::EventRecord> {
        let events = self.store.events(after, limit).await;
        events.unwrap_or_else(|error| fail(format!("events(): {error}")))
    }

    pub(super) async fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.store.next_due(now).await.unwrap_or_else(|error| fail(format!("next_due(): {error}")))
    }

    pub(super) async fn compact(&self, ended_before: Timestamp, limit: usize) -> usize {
        self.commit(Batch::new().with(Op::Compact { ended_before, limit })).await.compacted
    }

    pub(super) async fn due_waits(&self, now: Timestamp, limit: usize) -> Vec<ExecutionId> {
        let waits = self.store.due_waits(now, limit).await;
        ids(&waits.unwrap_or_else(|error| fail(format!("due_waits(): {error}"))))
    }
}

pub(super) fn ids(executions: &[Execution]) -> Vec<ExecutionId> {
    executions.iter().map(Execution::id).collect()
}

pub(super) fn claimed(claims: &[Claim]) -> Vec<ExecutionId> {
    claims.iter().map(|claim| claim.execution.id()).collect()
}

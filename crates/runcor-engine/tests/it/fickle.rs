//! A store whose answers a test decides: refused, lost on the way back, held back, or true.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    ExecutionState, FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryReads, Op, Page,
    QualityReads, Receipt, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};
use serde_json::Value;
use tokio::sync::Notify;

/// What a test may decide about.
pub(crate) enum Call<'a> {
    Commit(&'a Batch),
    Claim,
    Read,
}

/// What becomes of a call.
pub(crate) enum Fate {
    /// It is done and answered.
    Pass,
    /// It is not done.
    Refuse(StoreError),
    /// It is done, but the answer says otherwise.
    Lose(StoreError),
    /// It is done and answered once the test says so.
    Hold(Arc<Notify>),
}

type Decide = Box<dyn FnMut(&Call<'_>) -> Fate + Send>;

/// A store in front of another one.
pub(crate) struct Fickle {
    inner: Arc<dyn Store>,
    decide: Mutex<Decide>,
}

impl Fickle {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, decide: Mutex::new(Box::new(|_| Fate::Pass)) })
    }

    /// Puts `decide` in charge of every call from now on.
    pub(crate) fn decide(&self, decide: impl FnMut(&Call<'_>) -> Fate + Send + 'static) {
        *self.decide.lock() = Box::new(decide);
    }

    /// Lets everything pass again.
    pub(crate) fn recover(&self) {
        self.decide(|_| Fate::Pass);
    }

    async fn meet<T>(
        &self,
        call: Call<'_>,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let fate = (self.decide.lock())(&call);
        match fate {
            Fate::Pass => work.await,
            Fate::Refuse(error) => Err(error),
            Fate::Lose(error) => work.await.and(Err(error)),
            Fate::Hold(until) => {
                let answer = work.await;
                until.notified().await;
                answer
            }
        }
    }
}

/// The error of a store that does not answer.
pub(crate) fn unavailable() -> StoreError {
    StoreError::Unavailable { message: "the line is dead".to_owned() }
}

/// The error of a full disk.
pub(crate) fn full() -> StoreError {
    StoreError::Full { message: "no space left".to_owned() }
}

/// Decides on the first call that `is_meant`, and lets everything else pass.
pub(crate) fn once(
    is_meant: impl Fn(&Call<'_>) -> bool + Send + 'static,
    fate: Fate,
) -> impl FnMut(&Call<'_>) -> Fate + Send + 'static {
    let mut fate = Some(fate);
    move |call| if is_meant(call) { fate.take().unwrap_or(Fate::Pass) } else { Fate::Pass }
}

/// Returns whether a call is a commit that brings an execution into `state`.
pub(crate) fn leads_to(call: &Call<'_>, state: ExecutionState) -> bool {
    let Call::Commit(batch) = call else { return false };
    batch.ops.iter().any(|op| match op {
        Op::Insert(execution) => execution.state() == state,
        Op::Update { status, .. } => status.state == state,
        _ => false,
    })
}

impl fmt::Debug for Fickle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fickle").field(&self.inner).finish()
    }
}

#[async_trait]
impl Store for Fickle {
    fn capabilities(&self) -> StoreCapabilities {
        self.inner.capabilities()
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let call = batch.clone();
        self.meet(Call::Commit(&call), self.inner.commit(batch)).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        self.meet(Call::Claim, self.inner.claim(request)).await
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.meet(Call::Read, self.inner.execution(id)).await
    }

    async fn execution_by_key(
        &self,
        tenant: Option<&TenantId>,
        flow: &FlowName,
        key: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError> {
        self.meet(Call::Read, self.inner.execution_by_key(tenant, flow, key)).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        self.meet(Call::Read, self.inner.executions(query)).await
    }

    async fn journal(&self, id: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        self.meet(Call::Read, self.inner.journal(id)).await
    }

    async fn journal_value(
        &self,
        id: ExecutionId,
        path: &str,
    ) -> Result<Option<Value>, StoreError> {
        self.meet(Call::Read, self.inner.journal_value(id, path)).await
    }

    async fn due_waits(&self, now: Timestamp, limit: usize) -> Result<Vec<Execution>, StoreError> {
        self.inner.due_waits(now, limit).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_due(now).await
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.inner.events(after, limit).await
    }

    async fn last_event(&self) -> Result<u64, StoreError> {
        self.inner.last_event().await
    }

    fn ledger(&self) -> Arc<dyn LedgerReads> {
        self.inner.ledger()
    }

    fn memories(&self) -> Arc<dyn MemoryReads> {
        self.inner.memories()
    }

    fn quality(&self) -> Arc<dyn QualityReads> {
        self.inner.quality()
    }

    fn feed(&self) -> &EventFeed {
        self.inner.feed()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}

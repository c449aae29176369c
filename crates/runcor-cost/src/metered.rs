//! A layer that counts the money of models that are called without an engine.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;

use runcor_core::{
    CallScope, Caller, Error, FlowName, ModelChunk, ModelRequest, ModelResponse, ModelService,
    ModelStream,
};

use crate::keeper::CostKeeper;

/// A [`ModelService`] over another one whose requests are counted by a [`CostKeeper`].
///
/// It commits what a call has cost before it hands the answer on. An answer
/// whose bill the store does not take at once is handed on all the same: it is
/// paid for. Its bill is committed with a later call, or by
/// [`Meter::flush`](runcor_core::Meter::flush).
///
/// Calls of flows pass through, since the engine commits their bills together
/// with their answers.
///
/// ```
/// # use std::sync::Arc;
/// use runcor_core::{
///     Caller, CostSummary, FlowName, LedgerFilter, ModelRequest, ModelService, NopSink, Store,
///     SystemClock,
/// };
/// use runcor_cost::{CostConfig, CostKeeper, Metered, price_per_million};
/// use runcor_router::{Registration, Router};
/// # use runcor_store_memory::MemoryStore;
/// # use runcor_testkit::ScriptedProvider;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let vendor = Arc::new(ScriptedProvider::new("vendor").answers("It is sunny."));
/// let price = price_per_million(3.0, 15.0, Some(0.3), None);
/// let router = Router::builder().provider(Registration::new(vendor).with_price(price)).build()?;
///
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let (config, clock) = (CostConfig::default(), Arc::new(SystemClock));
/// let keeper = CostKeeper::new(config, store.clone(), clock, Arc::new(NopSink));
/// let models = Metered::new(Arc::new(router), keeper, FlowName::new("weather")?);
/// models.complete(ModelRequest::prompt("How is the weather?")).await?;
///
/// let (ledger, filter) = (store.ledger(), LedgerFilter::default());
/// let spent = CostSummary::read(&*ledger, filter, &Caller::default()).await?;
/// assert_eq!((spent.entry_count, spent.by_flow[0].name.as_str()), (1, "weather"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Metered {
    inner: Arc<dyn ModelService>,
    keeper: Arc<CostKeeper>,
    flow: FlowName,
    caller: Caller,
}

impl Metered {
    /// Counts the requests of `inner` under the name `flow`, on nobody's behalf.
    #[must_use]
    pub fn new(inner: Arc<dyn ModelService>, keeper: Arc<CostKeeper>, flow: FlowName) -> Self {
        Self { inner, keeper, flow, caller: Caller::default() }
    }

    /// Says on whose behalf requests are made that do not say so themselves, by
    /// [`CostKeeper::scope`].
    #[must_use]
    pub fn on_behalf_of(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// Gives a request a scope, unless it has one.
    fn scoped(&self, request: ModelRequest) -> ModelRequest {
        if request.scope.meter().is_some() {
            return request;
        }
        let scope = self.keeper.scope(self.flow.clone(), self.caller.clone());
        request.with_scope(scope)
    }
}

/// Commits what a call has cost so far.
async fn settle(keeper: &CostKeeper, scope: &CallScope) {
    if scope.execution().is_some() {
        return;
    }
    let bill = scope.take_bill();
    if bill.is_empty() {
        return;
    }
    if let Err(error) = keeper.settle(bill).await {
        tracing::warn!(%error, "a bill waits until the store takes it");
    }
}

#[async_trait]
impl ModelService for Metered {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, Error> {
        let request = self.scoped(request);
        let scope = request.scope.clone();
        let answer = self.inner.complete(request).await;
        settle(&self.keeper, &scope).await;
        answer
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, Error> {
        let request = self.scoped(request);
        let scope = request.scope.clone();
        let pieces = match self.inner.stream(request).await {
            Ok(pieces) => pieces,
            Err(error) => {
                settle(&self.keeper, &scope).await;
                return Err(error);
            }
        };
        let keeper = Arc::clone(&self.keeper);
        Ok(Box::pin(pieces.then(move |piece| {
            let (keeper, scope) = (Arc::clone(&keeper), scope.clone());
            async move {
                if matches!(piece, Ok(ModelChunk::Finished { .. }) | Err(_)) {
                    settle(&keeper, &scope).await;
                }
                piece
            }
        })))
    }
}

//! Bills of model calls that are paid for reach the ledger, whatever becomes of the handler.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use runcor_core::{
    AttemptOutcome, AttemptPlan, BudgetLimit, BudgetScope, BudgetWindow, Budgets, Caller, Clock,
    Error, ExecutionId, ExecutionState, Flow, FlowContext, FlowError, FlowName, FlowOutcome,
    Governance, LedgerEntry, LedgerQuery, ManualClock, Meter, ModelChunk, ModelRequest,
    ModelResponse, ModelService, ModelStream, Money, NopSink, Op, Runtime, Store, StoreError,
    TokenPrice, TopUp, Trigger, Usage,
};
use runcor_cost::{BudgetLimits, CostConfig, CostKeeper};
use runcor_engine::{Engine, EngineParts};
use runcor_store_memory::MemoryStore;
use runcor_testkit::{Fate, FaultStore, StoreCall};
use serde_json::{Value, json};

use crate::bed::{eventually, within_reason};

/// Reserves and books one request for each answer, as the router does.
#[derive(Debug)]
struct Vendor(ManualClock);

#[async_trait]
impl ModelService for Vendor {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, Error> {
        let price = Some(TokenPrice::per_token(0.001, 0.001));
        let plan = AttemptPlan { provider: "p", request: &request, price, now: self.0.now() };
        let held = request.scope.reserve(plan).await?;
        tokio::task::yield_now().await;
        let usage = Usage { completion_tokens: 3, ..Usage::default() };
        held.answered("m", usage, Duration::ZERO);
        Ok(ModelResponse { text: "yes".to_owned(), usage, ..ModelResponse::default() })
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, Error> {
        let response = Box::new(self.complete(request).await?);
        Ok(Box::pin(stream::iter([Ok(ModelChunk::Finished { response })])))
    }
}

struct Bed {
    engine: Engine,
    store: Arc<FaultStore>,
    clock: ManualClock,
    keeper: Arc<CostKeeper>,
}

fn is_expiry(op: &Op) -> bool {
    matches!(op, Op::Expire { .. })
}

impl Bed {
    async fn new() -> Self {
        Self::with(BudgetLimits::default()).await
    }

    async fn with(budgets: BudgetLimits) -> Self {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let clock = ManualClock::new();
        let at: Arc<dyn Clock> = Arc::new(clock.clone());
        let config = CostConfig { budgets, ..CostConfig::default() };
        let (config, books) = (config, Arc::clone(&store) as Arc<dyn Store>);
        let keeper = CostKeeper::new(config, books, Arc::clone(&at), Arc::new(NopSink));
        let meter = Arc::clone(&keeper) as Arc<dyn Meter>;
        let governance = Governance { meter: Some(meter), ..Governance::default() };
        let parts = EngineParts {
            models: Arc::new(Vendor(clock.clone())),
            clock: at,
            governance,
            seed: Some(1),
            ..EngineParts::new(Arc::clone(&store) as _)
        };
        let engine = Engine::start(parts).await.unwrap();
        engine.register(Flow::new(FlowName::new("asks").unwrap(), asks)).unwrap();
        engine.register(Flow::new(FlowName::new("streams").unwrap(), streams)).unwrap();
        engine.register(Flow::new(FlowName::new("asks-twice").unwrap(), asks_twice)).unwrap();
        Self { engine, store, clock, keeper }
    }

    /// Moves the clock on as far as housekeeping is done at least once.
    async fn tidied(&self) {
        let (expired, mut seen) = tokio::sync::mpsc::unbounded_channel();
        self.store.decide(move |call| {
            if matches!(call, StoreCall::Commit(batch) if batch.ops.iter().any(is_expiry)) {
                let _ = expired.send(());
            }
            Fate::Pass
        });
        within_reason(async {
            while seen.try_recv().is_err() {
                self.clock.advance(Duration::from_secs(5));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        // What is read now was asked for after that commit.
        self.store.recover();
    }

    async fn trigger(&self, flow: &str) -> ExecutionId {
        self.engine.trigger(flow, Trigger::new("k", Value::Null)).await.unwrap().execution.id()
    }

    async fn rows(&self) -> Vec<LedgerEntry> {
        let query = LedgerQuery { limit: 10, ..LedgerQuery::default() };
        self.store.ledger().ledger(&query).await.unwrap().items
    }
}

async fn asks(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let answer = ctx.model().complete(ModelRequest::prompt("may I?")).await?;
    Ok(FlowOutcome::Complete(json!(answer.text)))
}

async fn streams(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let mut pieces = ctx.model().stream(ModelRequest::prompt("may I?")).await?;
    while let Some(piece) = pieces.next().await {
        piece?;
    }
    Ok(FlowOutcome::Complete(Value::Null))
}

async fn asks_twice(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    for _ in 0..2 {
        ctx.model().complete(ModelRequest::prompt("may I?")).await?;
    }
    Ok(FlowOutcome::Complete(Value::Null))
}

fn is_paying(call: &StoreCall<'_>) -> bool {
    let StoreCall::Commit(batch) = call else { return false };
    let has = |wanted: fn(&Op) -> bool| batch.ops.iter().any(wanted);
    has(|op| matches!(op, Op::Settle(_))) && has(|op| matches!(op, Op::Journal { .. }))
}

/// Cancels an execution whose answer the store does not take, and looks what was booked.
async fn pays_though_it_is_cancelled(flow: &str) {
    let bed = Bed::new().await;
    let (refused, mut seen) = tokio::sync::mpsc::unbounded_channel();
    bed.store.decide(move |call| {
        if !is_paying(call) {
            return Fate::Pass;
        }
        let _ = refused.send(());
        Fate::Refuse(StoreError::Unavailable { message: "not now".to_owned() })
    });
    let id = bed.trigger(flow).await;
    within_reason(seen.recv()).await.unwrap();
    bed.store.recover();
    within_reason(async {
        while bed.engine.cancel(id, None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let ended = bed.store.execution(id).await.unwrap().unwrap();
    assert_eq!(ended.state(), ExecutionState::Failed);
    let rows = eventually(async || {
        let rows = bed.rows().await;
        (!rows.is_empty()).then_some(rows)
    })
    .await;
    assert_eq!((rows.len(), rows[0].usage.completion_tokens), (1, 3));
    drop(bed.clock);
}

#[tokio::test]
async fn a_bill_whose_commit_is_given_up_with_its_execution_is_booked_all_the_same() {
    pays_though_it_is_cancelled("asks").await;
}

#[tokio::test]
async fn the_bill_of_a_stream_whose_commit_is_given_up_is_booked_all_the_same() {
    pays_though_it_is_cancelled("streams").await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_ends_no_budget_and_takes_no_request_for_lost() {
    let limit = BudgetLimit::hard(Money::from_dollars(9.0)).within(BudgetWindow::Hourly);
    let bed = Bed::with(BudgetLimits { global: Some(limit), ..BudgetLimits::default() }).await;
    let start = bed.clock.now();
    bed.clock.advance(Duration::from_secs(5 * 3_600));
    bed.engine.finished(bed.trigger("streams").await).await.unwrap();
    bed.clock.set(start);
    bed.engine.finished(bed.trigger("asks").await).await.unwrap();

    let scope = bed.keeper.scope(FlowName::new("f").unwrap(), Caller::default());
    let request = ModelRequest::prompt("").with_max_tokens(1);
    let price = Some(TokenPrice::per_token(0.0, 0.001));
    let plan = AttemptPlan { provider: "p", request: &request, price, now: bed.clock.now() };
    let held = bed.keeper.reserve(&scope, plan).await.unwrap();
    bed.tidied().await;
    held.answered("m", Usage::default(), Duration::ZERO);
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    bed.tidied().await;

    let accounts = bed.store.ledger().budget_accounts(None, start, 10).await.unwrap();
    let spent: Vec<_> = accounts.iter().map(|(_, account)| account.spent).collect();
    assert_eq!(spent, [Money::from_dollars(0.003); 2]);
    assert!(bed.rows().await.iter().all(|row| row.outcome == AttemptOutcome::Answered));
}

#[tokio::test]
async fn a_bill_that_was_left_is_booked_before_the_store_is_closed() {
    let bed = Bed::new().await;
    let scope = bed.keeper.scope(FlowName::new("f").unwrap(), Caller::default());
    let request = ModelRequest::prompt("").with_max_tokens(1);
    let plan = AttemptPlan { provider: "p", request: &request, price: None, now: bed.clock.now() };
    drop(bed.keeper.reserve(&scope, plan).await.unwrap());
    drop(scope);
    assert_eq!(bed.keeper.waiting(), 1);
    within_reason(bed.engine.shutdown()).await.unwrap();
    assert_eq!(bed.keeper.waiting(), 0);
}

#[tokio::test]
async fn who_looks_for_money_again_and_again_fills_no_ledger() {
    // It covers the most of one request, and not what the first has cost besides.
    let limit = BudgetLimit::hard(Money::from_dollars(1.127)).pausing();
    let bed = Bed::with(BudgetLimits { global: Some(limit), ..BudgetLimits::default() }).await;
    let id = bed.trigger("asks-twice").await;
    let waits = async |seen: u64| {
        eventually(async || {
            let execution = bed.store.execution(id).await.unwrap().unwrap();
            let status = &execution.status;
            let waits = status.state == ExecutionState::Waiting && status.version > seen;
            waits.then_some(status.version)
        })
        .await
    };
    let mut seen = waits(0).await;
    for _ in 0..3 {
        // Nobody has anything set aside that might come back.
        bed.clock.advance(Duration::from_secs(301));
        seen = waits(seen).await;
    }
    assert_eq!(bed.rows().await.len(), 1);

    let amount = Money::from_dollars(9.0);
    let wish = TopUp { scope: BudgetScope::Global, subject: String::new(), tenant: None, amount };
    bed.keeper.top_up(&Caller::default(), &wish).await.unwrap();
    bed.clock.advance(Duration::from_secs(301));
    within_reason(bed.engine.finished(id)).await.unwrap();
    let is_replay = |row: &&LedgerEntry| row.outcome == AttemptOutcome::Replayed;
    let rows = bed.rows().await;
    assert_eq!((rows.len(), rows.iter().filter(is_replay).count()), (3, 1));
}

#[tokio::test]
async fn who_waits_for_money_that_others_have_set_aside_looks_after_half_a_minute() {
    let limit = BudgetLimit::hard(Money::from_dollars(1.127)).pausing();
    let bed = Bed::with(BudgetLimits { global: Some(limit), ..BudgetLimits::default() }).await;
    let scope = bed.keeper.scope(FlowName::new("f").unwrap(), Caller::default());
    let request = ModelRequest::prompt("").with_max_tokens(10);
    let price = Some(TokenPrice::per_token(0.001, 0.001));
    let plan = AttemptPlan { provider: "p", request: &request, price, now: bed.clock.now() };
    let held = bed.keeper.reserve(&scope, plan).await.unwrap();
    let id = bed.trigger("asks").await;
    eventually(async || {
        let execution = bed.store.execution(id).await.unwrap().unwrap();
        (execution.state() == ExecutionState::Waiting).then_some(())
    })
    .await;
    held.failed(Duration::ZERO);
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    bed.clock.advance(Duration::from_secs(31));
    within_reason(bed.engine.finished(id)).await.unwrap();
}

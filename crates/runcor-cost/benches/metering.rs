//! What metering adds to a model call: money set aside, and the truth booked in memory.

#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

use runcor_core::{
    AttemptPlan, BudgetLimit, Caller, Clock, ExecutionSpec, FlowName, Meter, ModelRequest, Money,
    NopSink, Store, SystemClock, TenantId, Usage, UserId,
};
use runcor_cost::{BudgetLimits, CostConfig, CostKeeper, PriceBook, ceiling, estimate};
use runcor_store_memory::MemoryStore;
use runcor_testkit::ExecutionBuilder;

/// A store gets a fresh start after so many calls, so that its size does not matter.
const CALLS_OF_A_STORE: u64 = 10_000;

fn keeper(budgets: &BudgetLimits) -> Arc<CostKeeper> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let config = CostConfig { budgets: budgets.clone(), ..CostConfig::default() };
    CostKeeper::new(config, store, Arc::new(SystemClock), Arc::new(NopSink))
}

/// Makes one call: what the router asks for, and what the engine commits.
async fn call(keeper: &Arc<CostKeeper>, caller: &Caller, flow: &FlowName, request: &ModelRequest) {
    let scope = keeper.scope(flow.clone(), caller.clone());
    let now = SystemClock.now();
    let plan = AttemptPlan { provider: "anthropic", request, price: None, now };
    let held = keeper.reserve(&scope, plan).await.expect("within the budget");
    let usage = Usage { prompt_tokens: 900, completion_tokens: 100, ..Usage::default() };
    held.answered("claude-haiku-4-5", usage, Duration::from_millis(1));
    keeper.settle(scope.take_bill()).await.expect("the store is well");
}

fn calls(c: &mut Criterion, runtime: &Runtime, name: &str, budgets: &BudgetLimits) {
    let spec: ExecutionSpec = (*ExecutionBuilder::new("brief").build().spec).clone();
    let (user, tenant) = (UserId::new("ada").ok(), TenantId::new("acme").ok());
    let caller = Caller { user, tenant };
    let request = ModelRequest::prompt("x".repeat(1_000)).with_model("claude-haiku-4-5");
    c.bench_function(name, |bench| {
        bench.iter_custom(|count| {
            let mut took = Duration::ZERO;
            for done in (0..count).step_by(usize::try_from(CALLS_OF_A_STORE).unwrap_or(1)) {
                let keeper = keeper(budgets);
                let part = CALLS_OF_A_STORE.min(count - done);
                let begun = Instant::now();
                runtime.block_on(async {
                    for _ in 0..part {
                        call(&keeper, &caller, &spec.flow, &request).await;
                    }
                });
                took += begun.elapsed();
            }
            took
        });
    });
}

fn metering(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let limit = Some(BudgetLimit::hard(Money::from_dollars(1e9)));
    let four = BudgetLimits {
        per_user: limit,
        per_flow: limit,
        per_tenant: limit,
        global: limit,
        ..BudgetLimits::default()
    };
    calls(c, &runtime, "reserve and settle, no budgets", &BudgetLimits::default());
    calls(c, &runtime, "reserve and settle, four budgets", &four);

    let request = ModelRequest::prompt("x".repeat(1_000));
    c.bench_function("estimate and ceiling of 1 KB", |bench| {
        bench.iter(|| (estimate(black_box(&request), 1_000), ceiling(black_box(&request))));
    });
    let (book, now) = (PriceBook::published(), SystemClock.now());
    c.bench_function("look a price up", |bench| {
        bench.iter(|| book.price("anthropic", black_box("claude-sonnet-4-5-20250929"), now));
    });
}

criterion_group!(benches, metering);
criterion_main!(benches);

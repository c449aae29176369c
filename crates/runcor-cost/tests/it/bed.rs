//! A keeper on a store, with a clock of the test's own and a price that is easy to reckon with.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    AccountId, AttemptPlan, Bill, BudgetAccount, BudgetKey, BudgetLimit, BudgetScope, BudgetWindow,
    CallScope, Caller, Clock, Event, ExecutionSpec, FlowName, Held, LedgerEntry, LedgerQuery,
    ManualClock, Meter, ModelRequest, Money, Result, Store, TenantId, TokenPrice, Usage, UserId,
};
use runcor_cost::{BudgetLimits, CostConfig, CostKeeper};
use runcor_store_memory::MemoryStore;
use runcor_testkit::{ExecutionBuilder, RecordingSink};

/// A thousand nano-dollars for a token of output, nothing for input: what a
/// request may cost is its `max_tokens` in micro-dollars.
pub(crate) const PRICE: TokenPrice = TokenPrice {
    input_picos: 0,
    output_picos: 1_000_000,
    cached_picos: None,
    reasoning_picos: None,
    long: None,
};

/// An amount of micro-dollars: of output tokens.
pub(crate) const fn micros(amount: i64) -> Money {
    Money::from_nanos(amount * 1_000)
}

pub(crate) struct Bed {
    pub(crate) keeper: Arc<CostKeeper>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: ManualClock,
    pub(crate) sink: RecordingSink,
}

impl Bed {
    pub(crate) fn new(budgets: BudgetLimits) -> Self {
        Self::with(CostConfig { budgets, ..CostConfig::default() })
    }

    pub(crate) fn with(config: CostConfig) -> Self {
        Self::on(config, Arc::new(MemoryStore::new()))
    }

    pub(crate) fn on(config: CostConfig, store: Arc<dyn Store>) -> Self {
        let (clock, sink) = (ManualClock::new(), RecordingSink::new());
        let at = Arc::new(clock.clone());
        let keeper = CostKeeper::new(config, Arc::clone(&store), at, Arc::new(sink.clone()));
        Self { keeper, store, clock, sink }
    }

    /// Sets money aside for a request that may have `tokens` of output.
    pub(crate) async fn reserve(&self, scope: &CallScope, tokens: u32) -> Result<Held> {
        let request = ModelRequest::prompt("hi").with_model("m").with_max_tokens(tokens);
        let now = self.clock.now();
        let plan = AttemptPlan { provider: "p", request: &request, price: Some(PRICE), now };
        self.keeper.reserve(scope, plan).await
    }

    /// Makes a request that uses `used` of `tokens`, and pays for it.
    pub(crate) async fn spend(&self, scope: &CallScope, tokens: u32, used: u64) -> Result<()> {
        self.reserve(scope, tokens).await?.answered("m-1", output(used), Duration::ZERO);
        self.keeper.settle(scope.take_bill()).await
    }

    pub(crate) async fn account(&self, key: BudgetKey, window: BudgetWindow) -> BudgetAccount {
        let id = AccountId::at(key, window, self.clock.now());
        self.store.ledger().budget_account(&id).await.unwrap().unwrap_or_default()
    }

    pub(crate) async fn global(&self) -> BudgetAccount {
        self.account(key(BudgetScope::Global, ""), BudgetWindow::Daily).await
    }

    pub(crate) async fn rows(&self) -> Vec<LedgerEntry> {
        let query = LedgerQuery { limit: 10_000, ..LedgerQuery::default() };
        self.store.ledger().ledger(&query).await.unwrap().items
    }

    /// Returns the events that were committed and those that were told.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let stored = self.store.events(0, 10_000).await.unwrap();
        let stored = stored.into_iter().map(|record| record.event);
        stored.chain(self.sink.take()).collect()
    }

    /// Makes the scope of a call that belongs to no execution.
    pub(crate) fn nobody(&self) -> CallScope {
        self.keeper.scope(flow("f"), Caller::default())
    }

    pub(crate) fn of(&self, flow_name: &str, user: Option<&str>) -> CallScope {
        self.keeper.scope(flow(flow_name), caller(user, None))
    }

    /// Makes the scope of a call inside of an execution.
    pub(crate) fn within(&self, spec: &ExecutionSpec, budget: Option<BudgetLimit>) -> CallScope {
        CallScope::of(spec, "model", budget, Arc::<CostKeeper>::clone(&self.keeper))
    }
}

pub(crate) fn spec(flow: &str) -> ExecutionSpec {
    let execution = ExecutionBuilder::new(flow).build();
    ExecutionSpec::clone(&execution.spec)
}

pub(crate) fn flow(name: &str) -> FlowName {
    FlowName::new(name).unwrap()
}

pub(crate) fn caller(user: Option<&str>, tenant: Option<&str>) -> Caller {
    Caller {
        user: user.map(|user| UserId::new(user).unwrap()),
        tenant: tenant.map(|tenant| TenantId::new(tenant).unwrap()),
    }
}

pub(crate) fn key(scope: BudgetScope, subject: &str) -> BudgetKey {
    BudgetKey { scope, tenant: None, subject: subject.to_owned() }
}

pub(crate) fn output(tokens: u64) -> Usage {
    Usage { completion_tokens: tokens, ..Usage::default() }
}

pub(crate) fn hard(amount: i64) -> Option<BudgetLimit> {
    Some(BudgetLimit::hard(micros(amount)))
}

pub(crate) fn soft(amount: i64) -> Option<BudgetLimit> {
    Some(BudgetLimit::soft(micros(amount)))
}

/// Makes the bill of one row, as a call that was given up leaves it.
pub(crate) fn bill_of(scope: &CallScope, held: Held) -> Bill {
    drop(held);
    scope.take_bill()
}

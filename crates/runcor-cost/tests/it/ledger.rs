//! Rows of the ledger, their reports, and how many commits they take.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    AttemptOutcome, AttemptPlan, Batch, Caller, Clock, CostSummary, LedgerFilter, LedgerQuery,
    Meter, ModelRequest, Money, Op, Usage,
};
use runcor_cost::{BudgetLimits, CostConfig, PriceBook, Vendor, price_per_million};
use runcor_store_memory::MemoryStore;
use runcor_testkit::FaultStore;

use crate::bed::{Bed, PRICE, caller, flow, hard, micros, output, spec};

#[tokio::test]
async fn a_row_says_who_asked_where_and_what_came_of_it() {
    let bed = Bed::new(BudgetLimits::default());
    let mut spec = spec("brief");
    let by = caller(Some("ada"), Some("acme"));
    (spec.user_id, spec.tenant_id) = (by.user.clone(), by.tenant.clone());
    let scope = bed.within(&spec, None);
    let held = bed.reserve(&scope, 9).await.unwrap();
    let usage = Usage { prompt_tokens: 5, cached_tokens: 2, ..output(3) };
    held.answered("m-2026", usage, Duration::from_millis(70));
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    let row = bed.rows().await.remove(0);
    assert_eq!((row.execution_id, row.path.as_deref()), (Some(spec.id), Some("model")));
    assert_eq!((row.user_id, row.tenant_id), (by.user, by.tenant));
    assert_eq!((row.provider.as_str(), row.model.as_str()), ("p", "m-2026"));
    assert_eq!((row.usage, row.cost), (usage, micros(3)));
    assert_eq!((row.outcome, row.unpriced), (AttemptOutcome::Answered, false));
    assert_eq!(row.duration, Duration::from_millis(70));
}

#[tokio::test]
async fn rates_of_the_contract_give_the_cost_of_the_contract() {
    let bed = Bed::new(BudgetLimits::default());
    let scope = bed.nobody();
    let request = ModelRequest::prompt("hi");
    let price = Some(runcor_core::TokenPrice::per_token(0.003, 0.015));
    let plan = AttemptPlan { provider: "p", request: &request, price, now: bed.clock.now() };
    let held = bed.keeper.reserve(&scope, plan).await.unwrap();
    let usage = Usage { prompt_tokens: 100, completion_tokens: 50, ..Usage::default() };
    held.answered("m", usage, Duration::ZERO);
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    assert_eq!(bed.rows().await[0].cost, Money::from_dollars(1.05));
}

#[tokio::test]
async fn the_price_of_the_registration_goes_before_the_book_and_the_book_knows_default_models() {
    let prices = PriceBook::published()
        .with_provider("main", Vendor::Anthropic, Some("claude-haiku-4-5".to_owned()))
        .with_price("mine", price_per_million(1.0, 2.0, None, None));
    let bed = Bed::with(CostConfig { prices, ..CostConfig::default() });
    let ask = |model: Option<&str>, price| {
        let mut request = ModelRequest::prompt("hi");
        request.model = model.map(str::to_owned);
        let (keeper, now) = (Arc::clone(&bed.keeper), bed.clock.now());
        async move {
            let scope = keeper.scope(flow("f"), Caller::default());
            let plan = AttemptPlan { provider: "main", request: &request, price, now };
            let held = keeper.reserve(&scope, plan).await.unwrap();
            let price = held.price();
            held.failed(Duration::ZERO);
            price
        }
    };
    assert_eq!(ask(Some("mine"), Some(PRICE)).await, Some(PRICE));
    assert_eq!(ask(Some("mine"), None).await.unwrap().input_picos, 1_000_000);
    assert_eq!(ask(None, None).await.unwrap().input_picos, 1_000_000);
    assert_eq!(ask(None, None).await.unwrap().output_picos, 5_000_000);
    assert_eq!(ask(Some("gpt-4o"), None).await, None);
}

#[tokio::test]
async fn without_budgets_there_is_no_commit_before_the_call_and_with_them_one() {
    for (limits, expected) in [
        (BudgetLimits::default(), 0),
        (BudgetLimits { per_request: hard(99), ..BudgetLimits::default() }, 0),
        (BudgetLimits { per_user: hard(99), ..BudgetLimits::default() }, 0),
        (BudgetLimits { per_flow: hard(99), global: hard(99), ..BudgetLimits::default() }, 1),
    ] {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let config = CostConfig { budgets: limits, ..CostConfig::default() };
        let bed = Bed::on(config, Arc::<FaultStore>::clone(&store));
        let held = bed.reserve(&bed.nobody(), 9).await.unwrap();
        assert_eq!(store.commits(), expected);
        held.failed(Duration::ZERO);
    }
}

#[tokio::test]
async fn what_costs_nothing_sets_nothing_aside() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let budgets = BudgetLimits { global: hard(0), ..BudgetLimits::default() };
    let config = CostConfig { budgets, ..CostConfig::default() };
    let bed = Bed::on(config, Arc::<FaultStore>::clone(&store));
    let request = ModelRequest::prompt("hi");
    let plan =
        AttemptPlan { provider: "mock", request: &request, price: None, now: bed.clock.now() };
    let held = bed.keeper.reserve(&bed.nobody(), plan).await.unwrap();
    assert_eq!((held.price().map(|price| price.combined_picos()), store.commits()), (Some(0), 0));
    held.failed(Duration::ZERO);
}

#[tokio::test]
async fn the_summary_has_the_documented_shape_and_keeps_tenants_apart() {
    let bed = Bed::new(BudgetLimits::default());
    for (flow_name, user, tenant, used) in [
        ("brief", Some("ada"), Some("acme"), 3),
        ("brief", None, Some("acme"), 5),
        ("other", Some("bob"), None, 4),
    ] {
        let scope = bed.keeper.scope(flow(flow_name), caller(user, tenant));
        bed.spend(&scope, 9, used).await.unwrap();
    }
    let ledger = bed.store.ledger();
    let all = LedgerFilter::default;
    let whole = CostSummary::read(&*ledger, all(), &Caller::default()).await.unwrap();
    let shown = serde_json::to_value(&whole).unwrap();
    assert_eq!((&shown["total"], &shown["entryCount"]), (&0.000_012.into(), &3.into()));
    let names: Vec<_> = whole.by_user.iter().map(|share| share.name.as_str()).collect();
    assert_eq!(names, ["system", "bob", "ada"]);
    assert_eq!(shown["byFlow"][0]["name"], "brief");
    assert_eq!(shown["byProvider"][0]["count"], 3);
    let acme = caller(None, Some("acme"));
    let own = CostSummary::read(&*ledger, all(), &acme).await.unwrap();
    assert_eq!((own.total_nanos, own.entry_count), (micros(8), 2));
    let nosy = LedgerFilter { tenant: caller(None, Some("umbrella")).tenant, ..all() };
    assert_eq!(CostSummary::read(&*ledger, nosy, &acme).await.unwrap(), CostSummary::default());
}

#[tokio::test]
async fn a_ledger_of_three_forgets_the_first_of_four_and_its_totals_do_not() {
    let config = CostConfig { max_ledger_entries: Some(3), ..CostConfig::default() };
    let bed = Bed::with(config);
    for used in 1..=4 {
        bed.spend(&bed.nobody(), 9, used).await.unwrap();
    }
    let op = Op::Expire {
        now: bed.clock.now(),
        limit: 100,
        keep_ledger: bed.keeper.config().max_ledger_entries,
        keep_evaluations: None,
    };
    bed.store.commit(Batch::new().with(op)).await.unwrap();
    let costs: Vec<_> = bed.rows().await.into_iter().map(|row| row.cost).collect();
    assert_eq!(costs, [micros(2), micros(3), micros(4)]);
    let totals = bed.store.ledger().ledger_totals(&LedgerFilter::default(), None).await.unwrap();
    assert_eq!((totals[0].cost, totals[0].count), (micros(10), 4));
}

#[tokio::test]
async fn filters_are_combined_and_a_range_of_time_includes_its_ends() {
    let bed = Bed::new(BudgetLimits::default());
    let mut times = Vec::new();
    for (flow_name, user) in [("a", "ada"), ("a", "bob"), ("b", "ada"), ("a", "ada")] {
        bed.spend(&bed.of(flow_name, Some(user)), 9, 1).await.unwrap();
        times.push(bed.clock.now());
        bed.clock.advance(Duration::from_secs(1));
    }
    let found = |filter: LedgerFilter| {
        let query = LedgerQuery { filter, ..LedgerQuery::default() };
        let ledger = bed.store.ledger();
        async move { ledger.ledger(&query).await.unwrap().items.len() }
    };
    let user = caller(Some("ada"), None).user;
    let both = LedgerFilter { user, flow: Some(flow("a")), ..LedgerFilter::default() };
    assert_eq!(found(both.clone()).await, 2);
    let range = LedgerFilter { from: Some(times[1]), to: Some(times[3]), ..both };
    assert_eq!(found(range.clone()).await, 1);
    assert_eq!(found(LedgerFilter { from: Some(times[0]), ..range }).await, 2);
}

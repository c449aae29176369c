//! Every read that there is, by one tenant, shows nothing of the other.

use futures_util::FutureExt;
use runcor::ErrorCode;
use runcor::event::EventSubscription;
use runcor::execution::{Cursor, ExecutionQuery, Order};
use runcor::flow::FlowName;
use runcor::governance::{
    Budgets, Caller, EvaluationQuery, FlagQuery, LedgerDimension, LedgerFilter, LedgerQuery,
    MemoryOwner, Quality,
};
use runcor::memory::Memories;

use super::{Side, World};

pub(crate) fn everything() -> ExecutionQuery {
    ExecutionQuery { limit: 10_000, ..ExecutionQuery::default() }
}

/// Both tenants listen from the beginning.
pub(crate) fn listen(world: &World) -> [EventSubscription; 2] {
    [0, 1].map(|which| {
        let caller = Caller::tenant(world.sides[which].tenant.clone());
        super::seen_by(world, &caller).subscribe()
    })
}

/// What was seen, to be searched for what must not be there.
struct Seen<'a> {
    other: &'a Side,
    /// How much of its own it has: a test that reads nothing proves nothing.
    own: usize,
    mark: &'a str,
}

impl Seen<'_> {
    fn look(&mut self, where_: &str, what: &impl std::fmt::Debug) {
        let text = format!("{what:?}");
        assert!(!text.contains(self.other.mark), "{where_} shows the other's: {text}");
        for id in &self.other.ids {
            assert!(!text.contains(&id.to_string()), "{where_} shows the other's {id}: {text}");
        }
        self.own += text.matches(self.mark).count();
    }
}

pub(crate) async fn show_nothing_of_others(
    world: &World,
    own: usize,
    other: usize,
    heard: &mut [EventSubscription; 2],
) {
    let (side, other) = (&world.sides[own], &world.sides[other]);
    let mut seen = Seen { other, own: 0, mark: side.mark };
    while let Some(Ok(Some(record))) = heard[own].next().now_or_never() {
        seen.look("the live stream of events", &record);
    }
    for caller in side.callers() {
        executions(world, side, &caller, &mut seen).await;
        events(world, &caller, &mut seen).await;
        money(world, side, &caller, &mut seen).await;
        quality(world, side, &caller, &mut seen).await;
    }
    memories(world, side, &mut seen).await;
    assert!(side.ids.is_empty() || seen.own > 0, "it sees its own");
}

async fn executions(world: &World, side: &Side, caller: &Caller, seen: &mut Seen<'_>) {
    let runtime = super::seen_by(world, caller);
    seen.look("flows", &runtime.flows());
    let all = runtime.executions(&everything()).await.unwrap().items;
    assert_eq!(all.len(), side.ids.len(), "a tenant sees all of its own");
    seen.look("the list", &all);
    for id in &side.ids {
        seen.look("an execution", &runtime.execution(*id).await);
        let timeline = runtime.timeline(*id).await.unwrap();
        for entry in &timeline.entries {
            seen.look("a value", &runtime.journal_value(*id, &entry.path).await);
        }
        seen.look("a timeline", &timeline);
    }
    let named = |query: ExecutionQuery| ExecutionQuery { limit: 10_000, ..query };
    let of_users = (0..3).map(|user| seen.other.user(user));
    for user in of_users {
        let query = named(ExecutionQuery { user: Some(user), ..everything() });
        seen.look("a list by the other's user", &runtime.executions(&query).await);
    }
    for id in &seen.other.ids {
        let query = named(ExecutionQuery { parent: Some(*id), ..everything() });
        assert!(runtime.executions(&query).await.unwrap().items.is_empty(), "no children of {id}");
    }
    for cursor in cursors(world, &seen.other.callers()[0]).await {
        for order in [Order::Oldest, Order::Newest] {
            let query = ExecutionQuery { after: Some(cursor), order, ..everything() };
            if let Ok(page) = runtime.executions(&query).await {
                seen.look("a list after the other's cursor", &page.items);
            }
        }
    }
    let foreign = ExecutionQuery { tenant: Some(seen.other.tenant.clone()), ..everything() };
    let refused = runtime.executions(&foreign).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AccessDenied);
    seen.look("a refused list", &refused);
}

/// Returns the ends of the pages that somebody gets.
async fn cursors(world: &World, caller: &Caller) -> Vec<Cursor> {
    let runtime = super::seen_by(world, caller);
    let mut found = Vec::new();
    let mut query = ExecutionQuery { limit: 1, ..ExecutionQuery::default() };
    while let Some(next) = runtime.executions(&query).await.unwrap().next {
        found.push(next);
        query.after = Some(next);
        if found.len() == 3 {
            break;
        }
    }
    found
}

async fn events(world: &World, caller: &Caller, seen: &mut Seen<'_>) {
    let runtime = super::seen_by(world, caller);
    let all = runtime.events(0, 1_000_000).await.unwrap();
    seen.look("the history of events", &all);
    let (mut after, mut paged) = (0, Vec::new());
    loop {
        let page = runtime.events(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.seq;
        paged.extend(page);
    }
    assert_eq!(paged, all, "page by page it is the same");
}

async fn money(world: &World, side: &Side, caller: &Caller, seen: &mut Seen<'_>) {
    let (costs, ledger) = (world.bed.runcor.costs().unwrap(), world.bed.store.ledger());
    let budgets = costs.budgets(caller).await.unwrap();
    assert!(budgets.iter().all(|it| it.account.key.tenant.as_ref() == Some(&side.tenant)));
    seen.look("budgets", &budgets);
    let summary =
        runcor::governance::CostSummary::read(&*ledger, LedgerFilter::default(), caller).await;
    let summary = summary.unwrap();
    seen.look("the summary", &summary);
    let filter = LedgerFilter::default().seen_by(caller).unwrap();
    let query = LedgerQuery { filter: filter.clone(), limit: 100_000, ..LedgerQuery::default() };
    let rows = ledger.ledger(&query).await.unwrap().items;
    seen.look("the ledger", &rows);
    let sum: i64 = rows.iter().map(|row| row.cost.as_nanos()).sum();
    assert_eq!(summary.total_nanos.as_nanos(), sum, "costs are its own alone");
    let price = if side.mark == "mkone" { 14_000 } else { 2_006_000 };
    let asked = rows.iter().filter(|row| row.cost.as_nanos() > 0);
    assert!(asked.clone().all(|row| row.cost.as_nanos() == price), "each is its own");
    for by in [LedgerDimension::Flow, LedgerDimension::User, LedgerDimension::Tenant] {
        seen.look("totals", &ledger.ledger_totals(&filter, Some(by)).await);
    }
    for user in (0..3).map(|user| seen.other.user(user)) {
        let filter = LedgerFilter { user: Some(user), ..filter.clone() };
        seen.look("totals of the other's user", &ledger.ledger_totals(&filter, None).await);
    }
    let foreign = Some(seen.other.tenant.clone());
    let foreign = LedgerFilter { tenant: foreign, ..LedgerFilter::default() };
    assert_eq!(foreign.seen_by(caller), None);
}

async fn quality(world: &World, side: &Side, caller: &Caller, seen: &mut Seen<'_>) {
    let quality = world.bed.runcor.evaluators().unwrap();
    let query = EvaluationQuery { limit: 10_000, ..EvaluationQuery::default() };
    seen.look("evaluations", &quality.evaluations(caller, &query).await.unwrap());
    let foreign = EvaluationQuery { tenant: Some(seen.other.tenant.clone()), ..query };
    assert!(quality.evaluations(caller, &foreign).await.unwrap().items.is_empty());
    let query = FlagQuery { limit: 10_000, ..FlagQuery::default() };
    seen.look("flags", &quality.flags(caller, &query).await.unwrap());
    let foreign = FlagQuery { tenant: Some(seen.other.tenant.clone()), ..query };
    assert!(quality.flags(caller, &foreign).await.unwrap().items.is_empty());
    for id in &side.ids {
        seen.look("an evaluation", &quality.evaluation(caller, *id).await);
        seen.look("a flag", &quality.flag_of(caller, *id).await);
    }
    let past = runcor::governance::PastQuery { limit: 500, ..Default::default() };
    let past = quality.evaluate_past(caller, &past).await.unwrap();
    assert!(past.looked_at <= side.ids.len(), "it judges its own alone");
    seen.look("the past", &past);
    let flow = |name: &str| runcor::governance::ExecutionSet {
        flow: Some(FlowName::new(name).unwrap()),
        ..Default::default()
    };
    let compared = quality.compare(caller, &flow("work"), &flow("child")).await.unwrap();
    assert!(compared.sizes.iter().sum::<usize>() <= side.ids.len(), "it compares its own alone");
}

/// Whoever they are said to belong to, memories are those of the tenant.
async fn memories(world: &World, side: &Side, seen: &mut Seen<'_>) {
    let clock = std::sync::Arc::new(world.bed.clock.clone());
    let store = std::sync::Arc::clone(&world.bed.store);
    let memories = Memories::new(store, clock).of_tenant(Some(side.tenant.clone()));
    let mut owners = Vec::new();
    for each in &world.sides {
        owners.extend((0..3).map(|user| MemoryOwner::User(each.user(user))));
        owners.extend(each.ids.iter().map(|id| MemoryOwner::Session(*id)));
        owners.push(MemoryOwner::Tool(FlowName::new(each.own_flow()).unwrap()));
    }
    for flow in ["work", "child"] {
        owners.push(MemoryOwner::Tool(FlowName::new(flow).unwrap()));
    }
    for owner in owners {
        let memory = memories.of(owner);
        let found: Vec<_> = memory.list("", None, 1_000).await.unwrap().items;
        seen.look("a memory", &found);
        seen.look("a key", &memory.get("a:b/%_").await.unwrap());
    }
}

//! What money costs: setting it aside, settling it, and totals over a long history.
//!
//! `RUNCOR_LEDGER_ROWS` says how many rows the history has (200,000 unless told);
//! they lie evenly over 180 days, of 20 tenants, 1,000 users, 5 flows and 6 models.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking and documents itself")]

mod bed;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runcor_core::{
    AccountId, AttemptId, AttemptOutcome, Batch, BudgetHold, BudgetKey, BudgetScope, BudgetWindow,
    ExecutionId, FlowName, LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery, Money, Op,
    Order, Reservation, Store, TenantId, Timestamp, Usage, UserId, WorkerId,
};
use runcor_store_sqlite::{Durability, SqliteStore};

use bed::{Bench, runtime, settings};

static ROWS: AtomicU64 = AtomicU64::new(0);
const BEGAN: i64 = 1_767_225_600_000;
const DAY: i64 = 86_400_000;
const DAYS: i64 = 180;

fn entry(row: u64, at: Timestamp) -> LedgerEntry {
    // Neighbours differ in everything.
    let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let user = mixed % 1_000;
    let model = mixed / 1_000 % 6;
    LedgerEntry {
        id: AttemptId::mint(at),
        timestamp: at,
        execution_id: Some(ExecutionId::mint(at)),
        path: Some("model#1".to_owned()),
        flow_name: FlowName::new(format!("flow-{}", mixed / 6_000 % 5)).unwrap(),
        user_id: Some(UserId::new(format!("user-{user:04}")).unwrap()),
        tenant_id: Some(TenantId::new(format!("tenant-{:02}", user % 20)).unwrap()),
        provider: format!("provider-{}", model % 3),
        model: format!("model-{model}"),
        usage: Usage { prompt_tokens: 812, completion_tokens: 140, ..Usage::default() },
        cost: Money::from_nanos(1_250_000 + i64::try_from(row % 1_000).unwrap()),
        outcome: AttemptOutcome::Answered,
        unpriced: false,
        duration: Duration::from_millis(830),
    }
}

/// A row as it is written now.
fn fresh() -> LedgerEntry {
    let row = ROWS.fetch_add(1, Ordering::Relaxed);
    entry(row, Timestamp::from_millis(BEGAN + DAYS * DAY + i64::try_from(row / 1_000).unwrap()))
}

fn reservation(entry: LedgerEntry) -> Reservation {
    let name = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let owners = [
        (BudgetScope::User, name(entry.user_id.as_ref().map(UserId::as_str))),
        (BudgetScope::Flow, entry.flow_name.as_str().to_owned()),
        (BudgetScope::Tenant, name(entry.tenant_id.as_ref().map(TenantId::as_str))),
        (BudgetScope::Global, String::new()),
    ];
    let hold = |(scope, subject)| BudgetHold {
        account: AccountId::at(
            BudgetKey { scope, tenant: None, subject },
            BudgetWindow::Daily,
            entry.timestamp,
        ),
        amount: entry.cost,
        limit: Money::from_nanos(i64::MAX / 2),
        hard: true,
        warn_at: Money::from_nanos(i64::MAX / 4),
    };
    let holds = owners.into_iter().map(hold).collect();
    let lapses = entry.timestamp.after(Duration::from_secs(900));
    Reservation { entry, holds, lapses }
}

async fn settle(store: Arc<SqliteStore>, _: WorkerId) {
    store.commit(Batch::new().with(Op::Settle(Box::new(fresh())))).await.unwrap();
}

async fn reserve_and_settle(store: Arc<SqliteStore>, _: WorkerId) {
    let entry = fresh();
    let reserve = Op::Reserve(Box::new(reservation(entry.clone())));
    store.commit(Batch::new().with(reserve)).await.unwrap();
    store.commit(Batch::new().with(Op::Settle(Box::new(entry)))).await.unwrap();
}

/// Writes the history, in batches as large as they may be.
async fn fill(bench: &Bench, rows: u64) {
    let step = DAYS * DAY / i64::try_from(rows.max(1)).unwrap().max(1);
    let mut written = 0;
    while written < rows {
        let end = rows.min(written + 5_000);
        let ops = (written..end).map(|row| {
            let at = BEGAN + i64::try_from(row).unwrap() * step;
            Op::Settle(Box::new(entry(row, Timestamp::from_millis(at))))
        });
        bench.store.commit(Batch { ops: ops.collect() }).await.unwrap();
        written = end;
    }
}

fn costs(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("money");
    group.throughput(Throughput::Elements(1));
    for clients in [1_u64, 64, 256] {
        let bench = Bench::new(Durability::Full);
        group.bench_function(BenchmarkId::new("settle", clients), |b| {
            b.iter_custom(|count| runtime.block_on(bench.run(clients, count, settle)));
        });
        group.bench_function(BenchmarkId::new("reserve-4-and-settle", clients), |b| {
            b.iter_custom(|count| runtime.block_on(bench.run(clients, count, reserve_and_settle)));
        });
    }
    group.finish();
}

fn at_day(day: i64, millis: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(BEGAN + day * DAY + millis))
}

/// The totals that are measured, by name.
fn filters() -> Vec<(&'static str, LedgerFilter, Option<LedgerDimension>)> {
    let all = LedgerFilter::default();
    let user = Some(UserId::new("user-0123").unwrap());
    let tenant = Some(TenantId::new("tenant-03").unwrap());
    let flow = Some(FlowName::new("flow-2").unwrap());
    let model = Some("model-4".to_owned());
    // From the middle of an hour to the middle of another.
    let (from, to) = (at_day(11, 37_777_777), at_day(171, 55_555_555));
    let odd = LedgerFilter { from, to, ..all.clone() };
    let today = LedgerFilter { from: at_day(DAYS - 1, 0), ..all.clone() };
    vec![
        ("all", all.clone(), None),
        ("all-by-day", all.clone(), Some(LedgerDimension::Day)),
        ("all-by-model", all.clone(), Some(LedgerDimension::Model)),
        ("all-by-user", all.clone(), Some(LedgerDimension::User)),
        ("user", LedgerFilter { user: user.clone(), ..all.clone() }, None),
        ("tenant-by-flow", LedgerFilter { tenant, ..all.clone() }, Some(LedgerDimension::Flow)),
        ("flow-and-model", LedgerFilter { flow: flow.clone(), model, ..all.clone() }, None),
        ("today", today.clone(), None),
        ("today-by-flow", today, Some(LedgerDimension::Flow)),
        ("160-odd-days", odd.clone(), None),
        ("160-odd-days-of-a-user", LedgerFilter { user, ..odd.clone() }, None),
        ("160-odd-days-of-a-flow", LedgerFilter { flow, ..odd.clone() }, None),
        ("160-odd-days-by-model", odd.clone(), Some(LedgerDimension::Model)),
        ("160-odd-days-by-user", odd, Some(LedgerDimension::User)),
    ]
}

fn totals(c: &mut Criterion) {
    let rows = std::env::var("RUNCOR_LEDGER_ROWS").ok().and_then(|rows| rows.parse().ok());
    let rows: u64 = rows.unwrap_or(200_000);
    let runtime = runtime();
    let bench = Bench::new(Durability::Normal);
    let began = Instant::now();
    runtime.block_on(fill(&bench, rows));
    let took = began.elapsed();
    report(&bench, rows, took);
    let mut group = c.benchmark_group(format!("ledger-of-{rows}"));
    let ledger = bench.store.ledger();
    for (name, filter, by) in filters() {
        group.bench_function(BenchmarkId::new("totals", name), |b| {
            b.iter(|| runtime.block_on(ledger.ledger_totals(&filter, by)).unwrap());
        });
    }
    for (name, filter, _) in filters() {
        let query = LedgerQuery { filter, order: Order::Newest, ..LedgerQuery::default() };
        group.bench_function(BenchmarkId::new("page-of-50", name), |b| {
            b.iter(|| runtime.block_on(ledger.ledger(&query)).unwrap());
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("reserve-4-and-settle/64", |b| {
        b.iter_custom(|count| runtime.block_on(bench.run(64, count, reserve_and_settle)));
    });
    group.finish();
}

#[expect(clippy::print_stdout, reason = "the sizes are read by people")]
fn report(bench: &Bench, rows: u64, took: Duration) {
    let size = std::fs::metadata(bench.path()).unwrap().len();
    let each = took / u32::try_from(rows.max(1)).unwrap();
    println!("{rows} rows in {took:?} ({each:?} each), {} bytes each", size / rows.max(1));
}

criterion_group! { name = benches; config = settings(); targets = costs, totals }
criterion_main!(benches);

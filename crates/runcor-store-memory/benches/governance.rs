//! What money and rate limits cost the store.
//!
//! One request to a vendor sets money aside in four accounts and is settled
//! with its row of the ledger; a rate limit counts for a hundred thousand
//! users; and totals of a ledger are asked for that has a million rows.

#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

use runcor_core::{
    AccountId, AttemptId, AttemptOutcome, Batch, BudgetHold, BudgetKey, BudgetScope, BudgetWindow,
    ExecutionId, FlowName, LedgerDimension, LedgerEntry, LedgerFilter, LedgerTotal, Money, Op,
    RateKey, RateScope, RateTake, Reservation, Store, TenantId, Timestamp, Usage, UserId,
};
use runcor_store_memory::MemoryStore;

const NOW: i64 = 1_767_225_600_000;
const ROWS: usize = 1_000_000;
const KEYS: usize = 100_000;
/// The time from one row to the next: a million of them span a hundred days.
const PAUSE: i64 = 8_640;

/// A store, and something to wait with.
struct Bench {
    runtime: Runtime,
    store: MemoryStore,
}

fn user(n: usize) -> UserId {
    UserId::new(format!("user-{}", n % 1_000)).expect("a name")
}

fn row(n: usize) -> LedgerEntry {
    let timestamp = Timestamp::from_millis(NOW + i64::try_from(n).unwrap_or(0) * PAUSE);
    LedgerEntry {
        id: AttemptId::mint(timestamp),
        timestamp,
        execution_id: Some(ExecutionId::mint(timestamp)),
        path: Some("ask#1/model#1".to_owned()),
        flow_name: FlowName::new(["brief", "digest", "support"][n % 3]).expect("a name"),
        user_id: Some(user(n)),
        tenant_id: TenantId::new(["acme", "globex"][n % 2]).ok(),
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-4-5".to_owned(),
        usage: Usage { prompt_tokens: 900, completion_tokens: 120, ..Usage::default() },
        cost: Money::from_nanos(4_500_000),
        outcome: AttemptOutcome::Answered,
        unpriced: false,
        duration: Duration::from_millis(800),
    }
}

fn hold(scope: BudgetScope, subject: &str, now: Timestamp) -> BudgetHold {
    let key = BudgetKey { scope, tenant: None, subject: subject.to_owned() };
    BudgetHold {
        account: AccountId::at(key, BudgetWindow::Daily, now),
        amount: Money::from_nanos(9_000_000),
        limit: Money::from_nanos(i64::MAX),
        hard: true,
        warn_at: Money::from_nanos(i64::MAX),
    }
}

/// A reservation in four accounts, and what becomes of it.
fn request(n: usize) -> (Batch, Batch) {
    let entry = row(n);
    let now = entry.timestamp;
    let holds = vec![
        hold(BudgetScope::User, &format!("user-{}", n % 1_000), now),
        hold(BudgetScope::Flow, entry.flow_name.as_str(), now),
        hold(BudgetScope::Tenant, "acme", now),
        hold(BudgetScope::Global, "", now),
    ];
    let lost = LedgerEntry { outcome: AttemptOutcome::Lost, ..entry.clone() };
    let lapses = now.after(Duration::from_secs(600));
    let reservation = Reservation { entry: lost, holds, lapses };
    let reserve = Batch::new().with(Op::Reserve(Box::new(reservation)));
    (reserve, Batch::new().with(Op::Settle(Box::new(entry))))
}

impl Bench {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        Self { runtime, store: MemoryStore::new() }
    }

    fn commit(&self, batch: Batch) {
        self.runtime.block_on(self.store.commit(batch)).expect("a commit");
    }

    fn both(&self, (reserve, settle): (Batch, Batch)) {
        self.runtime.block_on(async {
            self.store.commit(reserve).await.expect("a reservation");
            self.store.commit(settle).await.expect("a settlement");
        });
    }

    fn fill(&self, rows: usize) {
        for n in 0..rows {
            self.commit(Batch::new().with(Op::Settle(Box::new(row(n)))));
        }
    }

    fn totals(&self, filter: &LedgerFilter, by: Option<LedgerDimension>) -> Vec<LedgerTotal> {
        let ledger = self.store.ledger();
        self.runtime.block_on(ledger.ledger_totals(filter, by)).expect("totals")
    }
}

fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("reserve-and-settle");
    group.throughput(Throughput::Elements(1));
    for (name, stored) in [("empty", 0), ("million", ROWS)] {
        let bench = Bench::new();
        bench.fill(stored);
        let mut next = stored;
        group.bench_function(name, |b| {
            let made = || {
                next += 1;
                request(next)
            };
            b.iter_batched(made, |both| bench.both(black_box(both)), BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn takes(c: &mut Criterion) {
    let mut group = c.benchmark_group("take");
    group.throughput(Throughput::Elements(1));
    let bench = Bench::new();
    let take = |n: usize| {
        let key = RateKey {
            limit: "per-user".to_owned(),
            scope: RateScope::User,
            tenant: None,
            subject: format!("user-{}", n % KEYS),
        };
        // Each key has its next turn when the hundred thousand others had theirs.
        let now = Timestamp::from_millis(NOW + i64::try_from(n / KEYS).unwrap_or(0) * 1_000);
        let (limit, window) = (100, Duration::from_secs(60));
        Batch::new().with(Op::Take(Box::new(RateTake { key, limit, window, now, queue: None })))
    };
    (0..KEYS).for_each(|n| bench.commit(take(n)));
    let mut next = KEYS;
    group.bench_function("one of 100,000 keys", |b| {
        let made = || {
            // A stride that meets every key, in no order that a cache could guess.
            next += 61_803;
            take(next)
        };
        b.iter_batched(made, |batch| bench.commit(black_box(batch)), BatchSize::SmallInput);
    });
    group.finish();
}

fn totals(c: &mut Criterion) {
    let mut group = c.benchmark_group("totals");
    let bench = Bench::new();
    bench.fill(ROWS);
    let all = LedgerFilter::default();
    let one = LedgerFilter { user: Some(user(7)), ..all.clone() };
    let at = |millis| Some(Timestamp::from_millis(NOW + millis));
    let week = LedgerFilter { from: at(1_234_567_890), to: at(1_839_367_890), ..one.clone() };
    let weeks = LedgerFilter { user: None, ..week.clone() };
    for (name, filter, by) in [
        ("all", &all, None),
        ("all by user", &all, Some(LedgerDimension::User)),
        ("all by day", &all, Some(LedgerDimension::Day)),
        ("one user", &one, None),
        ("one user, by day", &one, Some(LedgerDimension::Day)),
        ("one user, a week", &week, None),
        ("a week, by flow", &weeks, Some(LedgerDimension::Flow)),
    ] {
        group.bench_function(name, |b| b.iter(|| bench.totals(black_box(filter), by)));
    }
    group.finish();
}

criterion_group!(benches, requests, takes, totals);
criterion_main!(benches);

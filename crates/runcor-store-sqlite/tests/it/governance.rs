//! Random histories of money, limits, memories and quality on this store and on the one in
//! memory: no difference may be seen, and the check finds nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use runcor_core::{
    AttemptOutcome, Batch, BudgetScope, BudgetWindow, Change, Confidence, Evaluation,
    EvaluationQuery, Execution, ExecutionId, Flag, FlagQuery, FlagSource, FlagStatus,
    LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery, MemoryEntry, MemoryExpectation,
    MemoryOwner, MemoryQuery, MemorySpace, MemoryWrite, Money, Op, Order, RateKey, RateQueue,
    RateScope, RateTake, Reservation, Store, TenantId, Timestamp, UserId,
};
use runcor_store_memory::MemoryStore;
use runcor_store_sqlite::{Durability, SqliteConfig, verify};
use serde_json::json;

use crate::support::{Home, at, flow, queued, worker};
use crate::wealth::{account, entry, reservation};

const HOUR: i64 = 3_600_000;

struct History {
    random: u64,
    now: i64,
    open: Vec<Reservation>,
    known: Vec<Execution>,
    rows: usize,
}

impl History {
    fn below(&mut self, end: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        usize::try_from(self.random >> 33).unwrap() % end
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn now(&self) -> Timestamp {
        at(self.now)
    }

    fn op(&mut self) -> Batch {
        let now = self.now();
        match self.below(20) {
            0..3 => self.reserve(),
            3..7 => self.settle(),
            7 => Batch::new().with(Op::Lapse { now, limit: self.below(3) }),
            8 => self.top_up(),
            9..11 => self.take(),
            11..14 => self.remember(),
            14 => Batch::new().with(Op::ForgetAll(Box::new(self.space()))),
            15 => self.insert(),
            16 => self.evaluate(),
            17 => self.flag(),
            18 => self.remove(),
            _ => self.expire(),
        }
    }

    fn entry(&mut self) -> LedgerEntry {
        let user = self.pick(&["ada", "bob", ""]);
        let cost = Money::from_nanos(i64::try_from(self.below(40)).unwrap());
        // Some began long ago, as what has lapsed did.
        let age = if self.below(5) == 0 { 50 * HOUR } else { HOUR };
        let age = i64::try_from(self.below(usize::try_from(age).unwrap())).unwrap();
        let mut entry = entry(user, cost, at(self.now - age));
        entry.tenant_id = self.pick(&[None, TenantId::new("t").ok()]);
        entry.flow_name = flow(self.pick(&["f", "g"]));
        entry.provider = self.pick(&["p", "q"]).to_owned();
        entry.model = self.pick(&["m", "n", ""]).to_owned();
        entry.outcome = self.pick(&AttemptOutcome::ALL);
        entry.unpriced = self.below(4) == 0;
        entry.usage.cached_tokens = 1;
        entry.execution_id = self.some().map(|execution| execution.id());
        entry
    }

    fn reserve(&mut self) -> Batch {
        let entry = self.entry();
        let limit = Money::from_nanos(200);
        let user = entry.user_id.as_ref().map_or("", UserId::as_str).to_owned();
        let mut new = reservation(&user, entry.cost, limit, entry.timestamp);
        for hold in &mut new.holds {
            hold.hard = self.below(3) > 0;
            hold.warn_at = Money::from_nanos(100);
        }
        if self.below(6) == 0 {
            // The same account twice.
            new.holds.push(new.holds[0].clone());
        }
        new.entry = entry;
        new.lapses = at(self.now + i64::try_from(self.below(2_000_000)).unwrap());
        if self.below(8) > 0 {
            self.open.push(new.clone());
        }
        Batch::new().with(Op::Reserve(Box::new(new)))
    }

    fn settle(&mut self) -> Batch {
        let mut entry = match self.open.pop() {
            Some(open) if self.below(4) > 0 => open.entry,
            _ => self.entry(),
        };
        entry.cost = Money::from_nanos(i64::try_from(self.below(40)).unwrap());
        self.rows += 1;
        let batch = Batch::new().with(Op::Settle(Box::new(entry.clone())));
        // Whoever does not know whether it was settled settles it again.
        if self.below(6) == 0 { batch.with(Op::Settle(Box::new(entry))) } else { batch }
    }

    fn top_up(&mut self) -> Batch {
        let account = account(BudgetScope::User, "ada", BudgetWindow::Hourly, self.now());
        Batch::new().with(Op::TopUp { account: Box::new(account), amount: Money::from_nanos(7) })
    }

    fn take(&mut self) -> Batch {
        let key = RateKey {
            limit: "l".to_owned(),
            scope: RateScope::User,
            tenant: self.pick(&[None, TenantId::new("t").ok()]),
            subject: self.pick(&["ada", "bob"]).to_owned(),
        };
        let queue = RateQueue { depth: 2, timeout: Duration::from_secs(4_000) };
        let queue = self.pick(&[None, Some(queue)]);
        let window = Duration::from_millis(3_000_000);
        let take = RateTake { key, limit: 3, window, now: self.now(), queue };
        let mut batch = Batch::new().with(Op::Take(Box::new(take)));
        batch.ops.extend(self.insert().ops);
        batch
    }

    fn space(&mut self) -> MemorySpace {
        let session = self.some().map(|execution| MemoryOwner::Session(execution.id()));
        let user = MemoryOwner::User(UserId::new(self.pick(&["a", "a:b"])).unwrap());
        let owner = match self.below(3) {
            0 => MemoryOwner::Tool(flow("a")),
            // It is of the execution's own tenant.
            1 => return MemorySpace { tenant: None, owner: session.unwrap_or(user) },
            _ => user,
        };
        MemorySpace { tenant: self.pick(&[None, TenantId::new("t").ok()]), owner }
    }

    fn remember(&mut self) -> Batch {
        let expires = self.now + i64::try_from(self.below(5_000_000)).unwrap();
        let write = MemoryWrite {
            space: self.space(),
            key: self.pick(&["k", "k/1", "k0", "l", "\u{e9}"]).to_owned(),
            value: (self.below(4) > 0).then(|| json!({ "n": self.now })),
            now: self.now(),
            expires: (self.below(2) == 0).then(|| at(expires)),
            expect: match self.below(6) {
                0 => MemoryExpectation::Absent,
                // Which numbers writings get is each store's own.
                1 => MemoryExpectation::Version(0),
                _ => MemoryExpectation::Anything,
            },
            max_entries: 3,
        };
        Batch::new().with(Op::Remember(Box::new(write)))
    }

    fn some(&mut self) -> Option<Execution> {
        let count = self.known.len();
        (count > 0).then(|| self.below(count)).and_then(|n| self.known.get(n).cloned())
    }

    /// An execution that waits, or one that has ended and is to be evaluated.
    fn insert(&mut self) -> Batch {
        let mut execution = queued("f", &self.known.len().to_string());
        if self.below(3) == 0 {
            self.known.push(execution.clone());
            return Batch::new().insert(execution);
        }
        for change in [
            Change::Claim { worker: worker() },
            Change::Complete { result: json!(1), expires: Some(at(self.now + 3 * HOUR)) },
        ] {
            execution.status = execution.apply(change, self.now()).unwrap().status;
        }
        self.known.push(execution.clone());
        let id = execution.id();
        Batch::new().insert(execution).with(Op::AwaitEvaluation { id })
    }

    fn evaluate(&mut self) -> Batch {
        let Some(execution) = self.some() else { return Batch::new() };
        let id = execution.id();
        if self.below(4) == 0 {
            return Batch::new().with(Op::SkipEvaluation { id });
        }
        let score = self.now as f64 / 7e9;
        let evaluation = Evaluation {
            execution_id: id,
            flow_name: flow(self.pick(&["f", "g"])),
            user_id: None,
            tenant_id: self.pick(&[None, TenantId::new("t").ok()]),
            timestamp: self.now(),
            evaluator_results: Vec::new(),
            aggregate_scores: BTreeMap::from([("tone".to_owned(), score)]),
            overall_score: score,
            confidence: Confidence::Medium,
            labels: vec!["x".to_owned()],
            errors: Vec::new(),
        };
        Batch::new().with(Op::Evaluate(Box::new(evaluation)))
    }

    fn flag(&mut self) -> Batch {
        let Some(execution) = self.some() else { return Batch::new() };
        let flag = Flag {
            execution_id: execution.id(),
            flow_name: flow("f"),
            tenant_id: self.pick(&[None, TenantId::new("t").ok()]),
            status: self.pick(&FlagStatus::ALL),
            reason: "look".to_owned(),
            source: self.pick(&[FlagSource::Auto, FlagSource::Manual]),
            created_at: self.now(),
            updated_at: self.now(),
        };
        let expect = self.pick(&[None, None, Some(FlagStatus::Pending), Some(flag.status)]);
        Batch::new().with(Op::Flag { flag: Box::new(flag), expect })
    }

    fn remove(&mut self) -> Batch {
        if self.below(2) == 0 {
            return Batch::new().with(Op::Sweep { now: self.now(), limit: 2, max_bytes: None });
        }
        let Some(execution) = self.some() else { return Batch::new() };
        Batch::new().with(Op::Delete { id: execution.id(), expect: execution.fence() })
    }

    fn expire(&mut self) -> Batch {
        let keep_evaluations = self.pick(&[None, Some(4)]);
        // Which of several are left out is each store's own.
        let (now, limit) = (self.now(), self.pick(&[0, 1_000]));
        Batch::new().with(Op::Expire { now, limit, keep_ledger: None, keep_evaluations })
    }

    /// One to three operations, of which any may make the batch fail.
    fn batch(&mut self) -> Batch {
        let mut batch = self.op();
        while self.below(3) == 0 {
            batch.ops.extend(self.op().ops);
        }
        batch
    }

    fn filter(&mut self) -> LedgerFilter {
        let chance = |history: &mut Self| history.below(3) == 0;
        let end = self.now + HOUR;
        let time = |history: &mut Self| {
            let back = usize::try_from(60 * HOUR).unwrap();
            at(end - i64::try_from(history.below(back)).unwrap())
        };
        LedgerFilter {
            execution: self.some().map(|execution| execution.id()).filter(|_| chance(self)),
            flow: chance(self).then(|| flow("f")),
            user: UserId::new("ada").ok().filter(|_| chance(self)),
            tenant: TenantId::new("t").ok().filter(|_| chance(self)),
            provider: chance(self).then(|| "q".to_owned()),
            model: chance(self).then(|| self.pick(&["m", ""]).to_owned()),
            from: chance(self).then(|| time(self)),
            to: chance(self).then(|| time(self)),
        }
    }

    fn spaces(&self) -> Vec<MemorySpace> {
        let user = |name| MemoryOwner::User(UserId::new(name).unwrap());
        let mut owners = vec![user("a"), user("a:b"), MemoryOwner::Tool(flow("a"))];
        let sessions = self.known.iter().map(Execution::id).map(MemoryOwner::Session);
        owners.extend(sessions);
        let tenants = [None, TenantId::new("t").ok()];
        owners
            .into_iter()
            .flat_map(|owner| {
                tenants.clone().map(|tenant| MemorySpace { tenant, owner: owner.clone() })
            })
            .collect()
    }
}

/// What both stores must tell in the same words; pages are walked to their end.
async fn answers(store: &dyn Store, history: &mut History) -> Vec<String> {
    let now = history.now();
    let mut answers = money(store, history).await;
    answers.extend(memories(store, history).await);
    let quality = store.quality();
    let ids: Vec<ExecutionId> = history.known.iter().map(Execution::id).collect();
    for id in ids {
        answers.push(format!("{:?}", quality.evaluation(id).await.unwrap()));
        answers.push(format!("{:?}", quality.flag(id).await.unwrap()));
        answers.push(format!("{:?}", store.execution(id).await.unwrap()));
    }
    answers.push(format!("{:?}", quality.unevaluated(100).await.unwrap()));
    for tenant in [None, TenantId::new("t").ok()] {
        for (flow, status) in [(None, None), (Some(flow("f")), Some(FlagStatus::Pending))] {
            let mut query =
                FlagQuery { status, flow, tenant: tenant.clone(), after: None, limit: 3 };
            loop {
                let page = quality.flags(&query).await.unwrap();
                answers.push(format!("{:?}", page.items));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
        }
        for (order, since) in [(Order::Oldest, Some(at(history.now / 2))), (Order::Newest, None)] {
            let (flow, tenant, limit) = (Some(flow("g")), tenant.clone(), 2);
            let mut query = EvaluationQuery { flow, tenant, since, order, after: None, limit };
            loop {
                let page = quality.evaluations(&query).await.unwrap();
                answers.push(format!("{:?}", page.items));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
        }
    }
    answers.push(format!("{:?}", store.next_due(now).await.unwrap()));
    answers
}

async fn money(store: &dyn Store, history: &mut History) -> Vec<String> {
    let (ledger, now) = (store.ledger(), history.now());
    let mut answers = Vec::new();
    for _ in 0..30 {
        let filter = history.filter();
        for by in [
            None,
            Some(LedgerDimension::Flow),
            Some(LedgerDimension::User),
            Some(LedgerDimension::Tenant),
            Some(LedgerDimension::Provider),
            Some(LedgerDimension::Model),
            Some(LedgerDimension::Day),
        ] {
            let mut totals = ledger.ledger_totals(&filter, by).await.unwrap();
            assert!(totals.is_sorted_by(|a, b| a.cost >= b.cost));
            // Which of two with the same cost comes first is each store's own.
            totals.sort_by(|a, b| a.name.cmp(&b.name));
            answers.push(format!("{filter:?} {by:?} {totals:?}"));
        }
        let order = history.pick(&[Order::Oldest, Order::Newest]);
        let mut query = LedgerQuery { filter, order, after: None, limit: 1 + history.below(9) };
        loop {
            let page = ledger.ledger(&query).await.unwrap();
            answers.push(format!("{query:?} {:?}", page.items));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
    }
    for scope in [None, Some(BudgetScope::User)] {
        for limit in [2, 100] {
            let accounts = ledger.budget_accounts(scope, now, limit).await.unwrap();
            answers.push(format!("{accounts:?}"));
        }
    }
    answers
}

async fn memories(store: &dyn Store, history: &History) -> Vec<String> {
    let (memories, now) = (store.memories(), history.now());
    let mut answers = Vec::new();
    for space in history.spaces() {
        let found = memories.memory(&space, "k", now).await.unwrap();
        answers.push(format!("{:?}", found.map(|entry| MemoryEntry { version: 0, ..entry })));
        for prefix in ["", "k", "k/"] {
            let (prefix, after) = (prefix.to_owned(), None);
            let mut query = MemoryQuery { space: space.clone(), prefix, after, limit: 2, now };
            loop {
                let mut page = memories.memories(&query).await.unwrap();
                page.items.iter_mut().for_each(|entry| entry.version = 0);
                answers.push(format!("{page:?}"));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
        }
    }
    answers
}

#[tokio::test]
async fn a_random_history_shows_no_difference_to_the_store_in_memory() {
    let (mut rows, mut refused) = (0, 0);
    for seed in 0..30 {
        let home = Home::new();
        let config = SqliteConfig { durability: Durability::Memory, ..SqliteConfig::default() };
        let (ours, theirs) = (home.open_with(config), MemoryStore::new());
        let (open, known) = (Vec::new(), Vec::new());
        let mut history = History { random: seed * 2 + 1, now: 0, open, known, rows: 0 };
        for turn in 0..150 {
            history.now += i64::try_from(history.below(1_500_000)).unwrap();
            let batch = history.batch();
            let mine = ours.commit(batch.clone()).await;
            let other = theirs.commit(batch).await;
            refused += usize::from(mine.is_err());
            assert_eq!(format!("{mine:?}"), format!("{other:?}"), "seed {seed}, turn {turn}");
        }
        // The same questions to both.
        let random = history.random;
        let mine = answers(&ours, &mut history).await;
        history.random = random;
        let other = answers(&theirs, &mut history).await;
        assert_eq!(mine.len(), other.len(), "seed {seed}");
        for (mine, other) in mine.iter().zip(&other) {
            assert_eq!(mine, other, "seed {seed}");
        }
        rows += history.rows;
        assert_eq!(verify(home.path()).unwrap().findings, [], "seed {seed}");
    }
    assert!(rows > 500 && refused > 100, "{rows} rows, {refused} refused");
}

//! The laws of money, over random histories of requests, crashes, windows and top-ups.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof, proptest};
use runcor_core::{
    AccountId, Batch, BudgetKey, BudgetLimit, BudgetScope, BudgetWindow, Budgets, CallScope,
    Caller, Clock, ErrorCode, Event, ExecutionSpec, Held, LedgerEntry, Meter, Money, Op, Store,
    TenantId, TopUp,
};
use runcor_cost::{BudgetLimits, CostConfig, CostKeeper};
use runcor_store_memory::MemoryStore;
use runcor_store_sqlite::{SqliteConfig, SqliteStore};

use crate::bed::{Bed, caller, hard, micros, output, soft, spec};

const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// One event of a history; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Act {
    /// Somebody wants to make a request.
    Reserve {
        who: usize,
        tokens: u32,
    },
    /// A request is answered, with this part of what it may use.
    Answer {
        which: usize,
        percent: u64,
    },
    Fail {
        which: usize,
    },
    /// A request is given up.
    Drop {
        which: usize,
    },
    /// A call ends: its bill is committed.
    Commit {
        who: usize,
    },
    /// The process ends and begins again; what it had in memory is gone.
    Crash,
    Wait {
        seconds: u64,
    },
    Lapse,
    TopUp {
        scope: usize,
        amount: i64,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => (any::<usize>(), 0..40_u32).prop_map(|(who, tokens)| Act::Reserve { who, tokens }),
        5 => (any::<usize>(), 0..=100_u64)
            .prop_map(|(which, percent)| Act::Answer { which, percent }),
        1 => any::<usize>().prop_map(|which| Act::Fail { which }),
        2 => any::<usize>().prop_map(|which| Act::Drop { which }),
        4 => any::<usize>().prop_map(|who| Act::Commit { who }),
        1 => proptest::strategy::Just(Act::Crash),
        2 => (0..3_000_u64).prop_map(|seconds| Act::Wait { seconds }),
        1 => proptest::strategy::Just(Act::Lapse),
        1 => (0..4_usize, 1..50_i64).prop_map(|(scope, amount)| Act::TopUp { scope, amount }),
    ];
    vec(act, 1..80)
}

fn limits() -> BudgetLimits {
    BudgetLimits {
        per_request: hard(35),
        per_execution: Some(BudgetLimit::hard(micros(60)).within(BudgetWindow::None)),
        per_user: Some(BudgetLimit::hard(micros(70)).within(BudgetWindow::Hourly)),
        per_flow: soft(50),
        per_tenant: Some(
            BudgetLimit::hard(micros(90))
                .within(BudgetWindow::Custom(Duration::from_millis(1_234_567))),
        ),
        global: hard(120),
    }
}

/// A flow that has a budget of its own, in another window.
fn own() -> BudgetLimit {
    BudgetLimit::hard(micros(40)).within(BudgetWindow::Hourly)
}

struct World {
    bed: Bed,
    specs: Vec<ExecutionSpec>,
    scopes: Vec<CallScope>,
    open: Vec<(u32, Held)>,
    accounts: BTreeSet<AccountId>,
}

impl World {
    fn new(store: Arc<dyn Store>) -> Self {
        let bed = Bed::on(CostConfig { budgets: limits(), ..CostConfig::default() }, store);
        let people = [
            (Some("ada"), Some("acme"), "brief"),
            (Some("ada"), None, "brief"),
            (None, Some("acme"), "rich"),
            (Some("bob"), Some("acme"), "rich"),
        ];
        let specs = people.map(|(user, tenant, flow)| {
            let (by, mut spec) = (caller(user, tenant), spec(flow));
            (spec.user_id, spec.tenant_id) = (by.user, by.tenant);
            spec
        });
        let mut world = Self {
            bed,
            specs: specs.into(),
            scopes: Vec::new(),
            open: Vec::new(),
            accounts: BTreeSet::new(),
        };
        world.begin_calls();
        world
    }

    fn begin_calls(&mut self) {
        let bed = &self.bed;
        let scope = |spec: &ExecutionSpec| {
            let budget = (spec.flow.as_str() == "rich").then(own);
            bed.within(spec, budget)
        };
        self.scopes = self.specs.iter().map(scope).collect();
        let nobody = crate::bed::flow("brief");
        self.scopes.push(bed.keeper.scope(nobody, Caller::default()));
    }

    fn take(&mut self, which: usize) -> Option<(u32, Held)> {
        let at = which.checked_rem(self.open.len())?;
        Some(self.open.swap_remove(at))
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Reserve { who, tokens } => {
                let scope = self.scopes[who % self.scopes.len()].clone();
                match self.bed.reserve(&scope, tokens).await {
                    Ok(held) => self.open.push((tokens, held)),
                    Err(error) => assert_is_justified(&error, &self.bed.sink.take()),
                }
            }
            Act::Answer { which, percent } => {
                let Some((tokens, held)) = self.take(which) else { return };
                let used = u64::from(tokens) * percent / 100;
                held.answered("m", output(used), Duration::ZERO);
            }
            Act::Fail { which } => {
                let Some((_, held)) = self.take(which) else { return };
                held.failed(Duration::ZERO);
            }
            Act::Drop { which } => drop(self.take(which)),
            Act::Commit { who } => {
                let bill = self.scopes[who % self.scopes.len()].take_bill();
                self.bed.keeper.settle(bill).await.unwrap();
            }
            Act::Crash => self.crash(),
            Act::Wait { seconds } => self.bed.clock.advance(Duration::from_secs(seconds)),
            Act::Lapse => self.lapse().await,
            Act::TopUp { scope, amount } => self.top_up(scope, micros(amount)).await,
        }
    }

    /// Loses everything but the store.
    fn crash(&mut self) {
        self.open.clear();
        self.scopes.clear();
        let config = self.bed.keeper.config().clone();
        let (store, clock) = (Arc::clone(&self.bed.store), Arc::new(self.bed.clock.clone()));
        self.bed.keeper = CostKeeper::new(config, store, clock, Arc::new(self.bed.sink.clone()));
        self.begin_calls();
    }

    async fn lapse(&self) {
        let op = Op::Lapse { now: self.bed.clock.now(), limit: 1_000 };
        self.bed.store.commit(Batch::new().with(op)).await.unwrap();
    }

    async fn top_up(&self, scope: usize, amount: Money) {
        let (scope, subject, tenant) = [
            (BudgetScope::Global, "", None),
            (BudgetScope::User, "ada", Some("acme")),
            (BudgetScope::Tenant, "acme", None),
            (BudgetScope::Flow, "brief", None),
        ][scope];
        let tenant = tenant.map(|tenant| TenantId::new(tenant).unwrap());
        let wish = TopUp { scope, subject: subject.to_owned(), tenant, amount };
        self.bed.keeper.top_up(&Caller::default(), &wish).await.unwrap();
    }

    /// No hard budget is exceeded, by what is spent and what is set aside.
    async fn check_limits(&mut self) {
        let (ledger, now) = (self.bed.store.ledger(), self.bed.clock.now());
        for (id, account) in ledger.budget_accounts(None, now, 10_000).await.unwrap() {
            let limit = limit_of(&id.key);
            let most = limit.limit + account.topped_up;
            let is_hard = limit.enforcement == runcor_core::Enforcement::Hard;
            assert!(!is_hard || account.used() <= most, "{id:?}: {account:?} beyond {most}");
            assert!(account.reserved >= Money::ZERO, "{id:?}: {account:?}");
            self.accounts.insert(id);
        }
    }

    /// At the end nothing is set aside, and accounts agree with the ledger.
    async fn check_sums(&mut self) {
        self.open.clear();
        self.scopes.clear();
        self.bed.keeper.flush().await.unwrap();
        self.bed.clock.advance(LIFETIME);
        self.lapse().await;
        let rows = self.bed.rows().await;
        for id in &self.accounts {
            let ledger = self.bed.store.ledger();
            let account = ledger.budget_account(id).await.unwrap().unwrap();
            let sum: Money =
                rows.iter().filter(|row| is_charged(id, row)).map(|row| row.cost).sum();
            assert_eq!((account.spent, account.reserved), (sum, Money::ZERO), "{id:?}");
        }
        let total = self.bed.store.ledger().ledger_totals(&Default::default(), None).await.unwrap();
        let sum: Money = rows.iter().map(|row| row.cost).sum();
        assert_eq!(total.first().map(|total| total.cost).unwrap_or_default(), sum);
    }
}

fn limit_of(key: &BudgetKey) -> BudgetLimit {
    if key.scope == BudgetScope::Flow && key.subject == "rich" {
        return own();
    }
    limits().of(key.scope).unwrap()
}

/// Returns whether a row belongs into an account.
fn is_charged(id: &AccountId, row: &LedgerEntry) -> bool {
    let tenant_of_row = row.tenant_id.as_ref();
    let is_owner = match id.key.scope {
        BudgetScope::Request => false,
        BudgetScope::Execution => {
            row.execution_id.is_some_and(|execution| execution.to_string() == id.key.subject)
        }
        BudgetScope::User => {
            id.key.tenant.as_ref() == tenant_of_row
                && row.user_id.as_ref().is_some_and(|user| user.as_str() == id.key.subject)
        }
        BudgetScope::Flow => row.flow_name.as_str() == id.key.subject,
        BudgetScope::Tenant => tenant_of_row.is_some_and(|own| own.as_str() == id.key.subject),
        BudgetScope::Global => true,
    };
    is_owner && AccountId::at(id.key.clone(), id.window, row.timestamp) == *id
}

/// Nobody is refused whose request would fit; what tenants are not told, the event has.
fn assert_is_justified(error: &runcor_core::Error, told: &[Event]) {
    assert_eq!(error.code(), ErrorCode::BudgetExceeded, "{error}");
    let details = error.details().unwrap();
    let amount = |key: &str| Money::from_dollars(details[key].as_f64().unwrap());
    let used = told.iter().rev().find_map(|event| match event {
        Event::BudgetExceeded(event) => Some(Money::from_dollars(event.current_spend)),
        _ => None,
    });
    let used = used.unwrap();
    assert!(details.get("currentSpend").is_none_or(|_| amount("currentSpend") == used));
    assert!(used + amount("estimatedCost") > amount("limit"), "{details}");
}

async fn live(store: Arc<dyn Store>, history: Vec<Act>) {
    let mut world = World::new(store);
    for act in history {
        world.act(act).await;
        world.check_limits().await;
    }
    world.check_sums().await;
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn hard_limits_hold_at_every_instant_and_the_ledger_agrees_to_the_nano_dollar(
        history in acts()
    ) {
        block_on(live(Arc::new(MemoryStore::new()), history));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn hard_limits_hold_and_the_ledger_agrees_on_sqlite(history in acts()) {
        block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let config = SqliteConfig::default();
            let store = SqliteStore::open(dir.path().join("money.db"), config).unwrap();
            live(Arc::new(store), history).await;
        });
    }
}

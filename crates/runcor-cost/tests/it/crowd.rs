//! Many at once, in two processes, against one hard budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use runcor_core::{ErrorCode, ModelRequest, ModelService, Money, NopSink, Store};
use runcor_cost::{BudgetLimits, CostConfig, CostKeeper, Metered};
use runcor_store_memory::MemoryStore;
use runcor_store_sqlite::{SqliteConfig, SqliteStore};
use tokio::task::JoinSet;

use crate::bed::{Bed, flow, hard, micros};
use crate::metered::Vendor;

const LIMIT: i64 = 1_000;
const MOST: u32 = 9;

/// Lets 50 tasks make 20 calls each, all of which would cost seven times the limit.
async fn rush(store: Arc<dyn Store>) {
    let budgets = BudgetLimits { global: hard(LIMIT), per_user: hard(300), ..Default::default() };
    let config = CostConfig { budgets, ..CostConfig::default() };
    let bed = Bed::on(config.clone(), Arc::clone(&store));
    // A second process has a keeper of its own on the same store.
    let (clock, events) = (Arc::new(bed.clock.clone()), Arc::new(NopSink));
    let keepers = [Arc::clone(&bed.keeper), CostKeeper::new(config, store, clock, events)];
    let paid = Arc::new(AtomicI64::new(0));
    let mut tasks = JoinSet::new();
    for task in 0..50_u64 {
        let used = task % 8 + 2;
        let vendor = Vendor { clock: bed.clock.clone(), used };
        let keeper = Arc::clone(if task % 2 == 0 { &keepers[0] } else { &keepers[1] });
        let models = Metered::new(Arc::new(vendor), keeper, flow("rush"));
        let models = models.on_behalf_of(crate::bed::caller(Some(&format!("u{}", task % 5)), None));
        let paid = Arc::clone(&paid);
        tasks.spawn(async move {
            for _ in 0..20 {
                let request = ModelRequest::prompt("hi").with_max_tokens(MOST);
                match models.complete(request).await {
                    Ok(_) => {
                        paid.fetch_add(i64::try_from(used).unwrap(), Ordering::SeqCst);
                    }
                    Err(error) => assert_eq!(error.code(), ErrorCode::BudgetExceeded, "{error}"),
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let global = bed.global().await;
    assert_eq!(global.spent, micros(paid.load(Ordering::SeqCst)), "every answer is booked");
    assert_eq!(keepers.map(|keeper| keeper.waiting()), [0, 0]);
    assert_eq!(global.reserved, Money::ZERO);
    assert!(global.spent <= micros(LIMIT), "{}", global.spent);
    // What is left does not pay for one more request, at the most that it can cost.
    assert!(global.spent > micros(LIMIT - i64::from(MOST)), "{}", global.spent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_spends_a_hard_budget_and_not_a_nano_dollar_more() {
    rush(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_spends_a_hard_budget_and_not_a_nano_dollar_more_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("money.db");
    let store = SqliteStore::open(path, SqliteConfig::default()).unwrap();
    rush(Arc::new(store)).await;
}

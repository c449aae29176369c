//! The books of a history: budgets hold at every look, and agree with the ledger in the end.

use runcor_core::{Clock, LedgerQuery, MemoryOwner, MemorySpace, Money, Outcome, Store};
use serde_json::json;

use super::life::everything;
use super::vendor::LIMIT;
use super::world::World;

/// Checks what holds after every power cut.
pub(crate) async fn look(world: &World) {
    let now = world.clock.now();
    for (id, account) in world.store.ledger().budget_accounts(None, now, 100).await.unwrap() {
        let limit = LIMIT + account.topped_up;
        assert!(account.used() <= limit, "R6: {} has {account:?}, {limit} allowed", id.key);
        assert!(account.reserved >= Money::ZERO, "R6: {} has {account:?}", id.key);
    }
    check_counter(world).await;
}

/// The counter is as high as there are journals that say so: a write to a
/// memory and its place in the journal become true together, and once.
async fn check_counter(world: &World) {
    let mut counted = 0;
    for execution in everything(world).await {
        let journal = world.store.journal(execution.id()).await.unwrap();
        let own = journal.iter().filter(|entry| !entry.reused && entry.path == "count#1");
        counted += own.filter(|entry| matches!(entry.outcome(), Some(Outcome::Done(_)))).count();
    }
    let owner = MemoryOwner::Tool("moody".parse().unwrap());
    let space = MemorySpace { tenant: None, owner };
    let entry = world.store.memories().memory(&space, "count", world.clock.now()).await.unwrap();
    let kept = entry.map_or_else(|| json!(0), |entry| entry.value);
    assert_eq!(kept, json!(counted), "R3: a count was lost or made twice");
}

/// Checks what holds when everything has ended.
pub(crate) async fn judge(world: &World) {
    look(world).await;
    let query = LedgerQuery { limit: 100_000, ..LedgerQuery::default() };
    let ledger = world.store.ledger().ledger(&query).await.unwrap().items;
    let sum: Money = ledger.iter().map(|row| row.cost).sum();
    let accounts = world.store.ledger().budget_accounts(None, world.clock.now(), 100).await;
    for (id, account) in accounts.unwrap() {
        assert_eq!(account.reserved, Money::ZERO, "R6: {} still holds money", id.key);
        assert_eq!(account.spent, sum, "R6: {} and the ledger differ", id.key);
    }
}

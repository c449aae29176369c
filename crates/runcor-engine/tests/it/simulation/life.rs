//! Lives: an engine each, between two power cuts.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    Decision, Execution, ExecutionId, ExecutionQuery, ExecutionState, Fork, Governance, Meter,
    Runtime, Store, Trigger, WaitKind,
};
use runcor_cost::CostKeeper;
use runcor_engine::{Engine, EngineConfig, EngineParts};
use serde_json::json;

use super::flows::{self, MOODS};
use super::oracle;
use super::vendor::{self, Vendor};
use super::world::World;

/// How many operations a life has before its power cut.
const OPERATIONS: u64 = 40;

/// How long an engine owns its executions without a sign of life.
const LEASE: Duration = Duration::from_secs(30);

/// Lives until the power is cut, somewhere in the middle of things.
pub(crate) fn short(world: &mut World) {
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tokio.block_on(async {
        let Some((engine, keeper)) = start(world).await else { return };
        for _ in 0..world.chance.below(OPERATIONS) {
            operate(world, &engine, &keeper).await;
            breathe(world).await;
        }
    });
    let after = world.store.crash();
    // Handlers and operations are dropped where they are.
    drop(tokio);
    world.store = after;
    world.totals.power_cuts += 1;
    let look = tokio::runtime::Builder::new_current_thread().build().unwrap();
    look.block_on(oracle::look(world));
}

/// Lives until everything has ended.
pub(crate) fn last(world: &mut World) {
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tokio.block_on(async {
        let (engine, keeper) = start(world).await.unwrap();
        for _ in 0..OPERATIONS {
            operate(world, &engine, &keeper).await;
            breathe(world).await;
        }
        for _ in 0..20_000 {
            let live = live(&engine).await;
            if live.is_empty() {
                // What was given up in the middle is booked at the next occasion.
                keeper.flush().await.unwrap();
                return oracle::look(world).await;
            }
            for execution in live {
                help(world, &engine, &execution).await;
            }
            vendor::top_up(&keeper).await;
            breathe(world).await;
            world.clock.advance(Duration::from_secs(60));
        }
        let left = live(&engine).await;
        panic!("R1: {} executions do not end, such as {:#?}", left.len(), left.first());
    });
}

async fn start(world: &World) -> Option<(Engine, Arc<CostKeeper>)> {
    // What the last process owned is free once its lease is over.
    world.clock.advance(LEASE + Duration::from_secs(1));
    let config = EngineConfig {
        concurrency: 4,
        retention: Duration::ZERO,
        lease: LEASE,
        ..EngineConfig::default()
    };
    let store: Arc<dyn Store> = Arc::new(world.store.clone());
    let keeper = vendor::keeper(Arc::clone(&store), &world.clock);
    let governance = Governance { meter: Some(Arc::clone(&keeper) as _), ..Governance::default() };
    let models = Vendor { effects: Arc::clone(&world.effects), clock: world.clock.clone() };
    let parts = EngineParts {
        governance,
        models: Arc::new(models),
        clock: Arc::new(world.clock.clone()),
        config,
        seed: Some(1),
        ..EngineParts::new(store)
    };
    let engine = Engine::start(parts).await.ok()?;
    flows::register(&engine, &world.effects);
    Some((engine, keeper))
}

/// Lets tasks run for a while that the seed decides.
async fn breathe(world: &mut World) {
    for _ in 0..world.chance.below(60) {
        tokio::task::yield_now().await;
    }
}

async fn operate(world: &mut World, engine: &Engine, keeper: &CostKeeper) {
    let ids: Vec<ExecutionId> = world.accepted.values().copied().collect();
    let some = world.chance.pick(&ids);
    match (world.chance.below(21), some) {
        (0..9, _) => trigger(world, engine).await,
        (9, Some(id)) => {
            if engine.cancel(id, None).await.is_ok() {
                world.cancelled.insert(id);
            }
        }
        (10..14, Some(id)) => {
            if let Ok(execution) = engine.execution(id).await {
                help(world, engine, &execution).await;
            }
        }
        (14, Some(id)) => {
            let at = (world.chance.below(2) == 0).then(|| "last#1".to_owned());
            if let Ok(fork) = engine.fork(id, Fork { at, ..Fork::default() }).await {
                world.forks.insert(fork.id());
            }
        }
        (15, _) => {
            // A caller that goes away in the middle.
            let key = format!("gone{}", world.chance.below(50));
            let call = engine.trigger("moody", Trigger::new(key, json!(0)));
            let _ = futures_util::FutureExt::now_or_never(call);
        }
        (16, _) => {
            vendor::top_up(keeper).await;
            drop(engine.wake_budget_waits().await);
        }
        _ => world.clock.advance(Duration::from_millis(world.chance.below(5_000))),
    }
}

async fn trigger(world: &mut World, engine: &Engine) {
    let key = format!("k{}", world.chance.below(30));
    let mood = world.chance.below(MOODS);
    let Ok(accepted) = engine.trigger("moody", Trigger::new(&key, json!(mood))).await else {
        return;
    };
    let id = accepted.execution.id();
    let known = *world.accepted.entry(key.clone()).or_insert(id);
    assert_eq!(known, id, "R5: {key} stands for two executions");
}

/// Does what people do for a waiting execution.
async fn help(world: &World, engine: &Engine, execution: &Execution) {
    let Some(wait) = &execution.status.wait else { return };
    let id = execution.id();
    match wait.kind {
        WaitKind::Signal => drop(engine.resume(id, Some(json!("yes"))).await),
        WaitKind::Approval => {
            let data = wait.wait_data.clone().unwrap_or_default();
            let token = data["approval"]["token"].as_str().unwrap_or_default().to_owned();
            drop(engine.decide(id, Decision::Approve { token, by: None, note: None }).await);
        }
        WaitKind::Decision => {
            let key = format!("{id}:{}", wait.path.as_deref().unwrap_or_default());
            let happened = world.effects.lock().contains_key(&key);
            let answer = if happened {
                Decision::Happened { result: json!(key) }
            } else {
                Decision::DidNotHappen
            };
            drop(engine.decide(id, answer).await);
        }
        _ => {}
    }
}

async fn live(engine: &Engine) -> Vec<Execution> {
    let query = ExecutionQuery { limit: 10_000, ..ExecutionQuery::default() };
    let mut all = engine
        .executions(&query)
        .await
        .unwrap_or(runcor_core::Page { items: Vec::new(), next: None });
    all.items.retain(|execution| !execution.state().is_terminal());
    all.items
}

/// Returns every execution in the world's store.
pub(crate) async fn everything(world: &World) -> Vec<Execution> {
    let query = ExecutionQuery { limit: 10_000, ..ExecutionQuery::default() };
    world.store.executions(&query).await.unwrap().items
}

/// Returns whether an execution has come to its end.
pub(crate) fn is_over(execution: &Execution) -> bool {
    matches!(execution.state(), ExecutionState::Complete | ExecutionState::Failed)
}

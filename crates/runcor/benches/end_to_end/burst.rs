//! Ten thousand triggers at the same moment: none may get lost.

use std::collections::HashSet;
use std::time::Instant;

use runcor::Runcor;
use runcor::engine::EngineConfig;
use runcor::execution::ExecutionState;
use runcor::store::{Durability, MemoryStore};

use crate::load::{FLOW, count, runtime, sqlite, start, trigger};
use crate::options::{Options, directory};
use crate::report::{Aim, Report};

const TRIGGERS: u64 = 10_000;

pub(crate) fn measure(_: &Options, report: &mut Report) {
    let slots = EngineConfig::default().concurrency;
    let tokio = runtime();
    let runcor = tokio.block_on(start(MemoryStore::new(), slots));
    tokio.block_on(burst(report, "memory", &runcor));
    let dir = directory();
    let runcor = tokio.block_on(start(sqlite(dir.path(), Durability::Full), slots));
    tokio.block_on(burst(report, "SQLite FULL", &runcor));
}

async fn burst(report: &mut Report, store: &str, runcor: &Runcor) {
    let began = Instant::now();
    let tasks: Vec<_> = (0..TRIGGERS)
        .map(|n| {
            let runcor = runcor.clone();
            tokio::spawn(async move { runcor.run(FLOW, trigger(n)).await })
        })
        .collect();
    let mut ended = HashSet::new();
    for task in tasks {
        if let Ok(Ok(execution)) = task.await
            && execution.state() == ExecutionState::Complete
        {
            ended.insert(execution.id());
        }
    }
    let time = began.elapsed();
    let stored = count(runcor, ExecutionState::Complete).await;
    runcor.shutdown().await.expect("it stops");

    let name = format!("{TRIGGERS} triggers at once, {store}");
    let note = "default limits: 100 run at once, the others are queued";
    let told = ended.len() as f64;
    report.figure(&format!("{name}, completed"), told, "", Aim::AtLeast(TRIGGERS as f64), note);
    report.figure(&format!("{name}, time"), time.as_secs_f64() * 1e3, "ms", Aim::None, note);
    if ended.len() as u64 != TRIGGERS || stored != TRIGGERS {
        report.fail(&format!("{} callers were told of an end, {stored} are stored", ended.len()));
    }
}

//! The oracle: looks at what a dead process left, and holds the next one to the promises.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use runcor::engine::{Clock, SystemClock};
use runcor::execution::{Execution, ExecutionQuery};
use runcor::store::{SqliteConfig, SqliteStore, Store};
use runcor::{Runcor, Runtime, Trigger};
use serde_json::Value;

use crate::books;
use crate::child::KEYS;
use crate::effects::Effects;
use crate::points::Passing;
use crate::runtime::{self, database};
use crate::scenario::Scenario;

/// What the database said when its process was dead.
struct Left {
    /// The effects whose results were in the journal.
    remembered: BTreeSet<String>,
    /// How often each effect had been caused.
    effects: BTreeMap<String, usize>,
    /// Which execution each acknowledged key stands for.
    accepted: BTreeMap<String, String>,
}

/// Opens what a child left, brings everything to its end, and checks the promises.
pub(crate) fn check(dir: &Path, scenario: Scenario, death: &Passing, port: u16) {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    tokio.unwrap().block_on(async {
        let place = format!("{scenario:?} that died at {death:?}");
        let left = look(dir, &place).await;
        let runtime = runtime::start(dir, scenario, port).await;
        let checked = judge(dir, scenario, &runtime, &left, &place);
        let in_time = tokio::time::timeout(Duration::from_secs(60), checked).await;
        assert!(in_time.is_ok(), "{place}: it does not come to its end");
        runtime.shutdown().await.unwrap();
        verify(dir, &place);
    });
}

fn verify(dir: &Path, place: &str) {
    // A process that died before its first commit leaves an empty file.
    let length = std::fs::metadata(database(dir)).map_or(0, |file| file.len());
    if length > 0 {
        let report = runcor::store::verify(database(dir)).unwrap();
        assert!(report.findings.is_empty(), "{place}: {:?}", report.findings);
    }
}

/// Looks before anything is done, so that what follows can be told from what was.
async fn look(dir: &Path, place: &str) -> Left {
    verify(dir, place);
    let store = SqliteStore::open(database(dir), SqliteConfig::default()).unwrap();
    let mut remembered = BTreeSet::new();
    for execution in all(&store).await {
        for entry in store.journal(execution.id()).await.unwrap() {
            if entry.outcome().is_some() {
                remembered.insert(format!("{}:{}", execution.id(), entry.path));
            }
        }
    }
    books::check_always(&store, SystemClock.now(), place).await;
    store.close().await.unwrap();
    let text = std::fs::read_to_string(dir.join("accepted")).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    let accepted = pairs.map(|(key, id)| (key.to_owned(), id.to_owned())).collect();
    Left { remembered, effects: Effects::of(dir).counts(), accepted }
}

async fn all(store: &SqliteStore) -> Vec<Execution> {
    let query = ExecutionQuery { limit: 1_000, ..ExecutionQuery::default() };
    store.executions(&query).await.unwrap().items
}

async fn judge(dir: &Path, scenario: Scenario, runtime: &Runcor, left: &Left, place: &str) {
    let effects = Effects::of(dir);
    for key in KEYS {
        // R1, R5: what was acknowledged is there, and its key stands for it still.
        let again = runtime.trigger("main", Trigger::new(key, Value::Null)).await.unwrap();
        let id = again.execution.id();
        if let Some(accepted) = left.accepted.get(key) {
            assert_eq!(
                &id.to_string(),
                accepted,
                "{place}: R5: {key} stands for another execution"
            );
            assert!(again.replayed, "{place}: R1: {key} was forgotten");
        }
        let ended = scenario.see_through(runtime, id, &effects).await;
        let result = ended.status.result.as_deref();
        assert_eq!(result, Some(&scenario.result()), "{place}: R1: {:?}", ended.status.error);
        check_edges(&ended, place);
    }
    check_effects(scenario, &effects.counts(), left, place);
    if scenario == Scenario::Governed {
        let now = SystemClock.now();
        books::check_in_the_end(&**runtime.store(), now, &effects.counts(), place).await;
    }
}

/// R7: every change of state is an edge of the table, and they follow each other.
fn check_edges(execution: &Execution, place: &str) {
    let mut state = runcor::execution::ExecutionState::Queued;
    for edge in &execution.status.transitions {
        assert_eq!(edge.from, state, "{place}: R7: the history has a gap");
        assert!(edge.from.may_become(edge.to), "{place}: R7: {} to {}", edge.from, edge.to);
        state = edge.to;
    }
    assert_eq!(state, execution.state(), "{place}: R7: the history ends elsewhere");
}

/// R3: what was remembered was not done again. R4: what was not was done once
/// more at most, and once in all where once is allowed.
fn check_effects(scenario: Scenario, now: &BTreeMap<String, usize>, left: &Left, place: &str) {
    for (key, count) in now {
        let before = left.effects.get(key).copied().unwrap_or(0);
        if left.remembered.contains(key) {
            assert_eq!(*count, before, "{place}: R3: {key} was done again");
        }
        assert!(
            *count <= before + 1,
            "{place}: R4: {key} was done {before} and then {count} times"
        );
        assert!(*count <= 2, "{place}: R4: {key} was done {count} times with one death");
        if scenario == Scenario::AtMostOnce {
            assert_eq!(*count, 1, "{place}: R4: {key} may be done once");
        }
    }
    // R8: no timer, wait or call was lost: everything was done, in both executions.
    let done = now.len();
    let expected = expected_effects(scenario);
    assert_eq!(done, expected, "{place}: R8: {now:?}");
}

fn expected_effects(scenario: Scenario) -> usize {
    let of_one = match scenario {
        Scenario::Steps | Scenario::Pipeline | Scenario::Wait | Scenario::Timer => 3,
        Scenario::Calls => 3,
        Scenario::Agent => 5,
        Scenario::AtMostOnce => 1,
        Scenario::Governed => 2,
    };
    of_one * KEYS.len()
}

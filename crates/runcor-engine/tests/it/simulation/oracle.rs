//! The oracle: holds a history to the promises.

use runcor_core::{Execution, ExecutionState, Store};

use super::books;
use super::life::{everything, is_over};
use super::world::World;

/// Looks at what a power cut, or the end, has left.
pub(crate) async fn look(world: &mut World) {
    let all = everything(world).await;
    for id in world.accepted.values().chain(&world.forks) {
        // R1: what was acknowledged is there.
        assert!(all.iter().any(|execution| execution.id() == *id), "R1: {id} is lost");
    }
    for execution in &all {
        check_edges(execution);
        if world.cancelled.contains(&execution.id()) {
            assert!(is_over(execution), "R7: {} was cancelled and lives", execution.id());
        }
        remember(world, execution).await;
    }
    books::look(world).await;
    let effects = world.effects.lock().clone();
    for (key, times) in &world.remembered {
        // R3: what was remembered was not done again.
        assert_eq!(effects.get(key), Some(times), "R3: {key} was done again");
    }
}

/// Notes which effects are remembered by now: no life may cause them again.
async fn remember(world: &mut World, execution: &Execution) {
    for entry in world.store.journal(execution.id()).await.unwrap() {
        let key = format!("{}:{}", execution.id(), entry.path);
        let times = world.effects.lock().get(&key).copied();
        if let (Some(_), Some(times)) = (entry.outcome(), times) {
            world.remembered.entry(key).or_insert(times);
        }
    }
}

/// R7: every change of state is an edge of the table, and they follow each other.
fn check_edges(execution: &Execution) {
    let mut state = ExecutionState::Queued;
    for edge in &execution.status.transitions {
        assert_eq!(edge.from, state, "R7: the history of {} has a gap", execution.id());
        assert!(edge.from.may_become(edge.to), "R7: {} to {}", edge.from, edge.to);
        state = edge.to;
    }
    assert_eq!(state, execution.state(), "R7: the history of {} ends elsewhere", execution.id());
}

/// Judges a history that has come to its end.
pub(crate) fn judge(world: &mut World) {
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let all = tokio.block_on(everything(world));
    tokio.block_on(books::judge(world));
    let cuts = world.totals.power_cuts;
    for execution in &all {
        assert!(is_over(execution), "R1: {} has not ended", execution.id());
        check_outcome(execution);
        check_caller(execution, &all);
    }
    count(world, &all);
    for (key, times) in &*world.effects.lock() {
        if key.ends_with("once#1") {
            assert_eq!(*times, 1, "R4: {key} may be done once");
        }
        assert!(*times <= cuts + 1, "R4: {key} was done {times} times with {cuts} power cuts");
    }
}

fn count(world: &mut World, all: &[Execution]) {
    let complete = all.iter().filter(|execution| execution.state() == ExecutionState::Complete);
    let complete = complete.count();
    let effects = world.effects.lock();
    world.totals.accepted = world.accepted.len() + world.forks.len();
    world.totals.complete = complete;
    world.totals.failed = all.len() - complete;
    world.totals.effects = effects.len();
    world.totals.effects_twice = effects.values().filter(|times| **times > 1).count();
}

/// Nothing fails that has no reason to.
fn check_outcome(execution: &Execution) {
    let Some(error) = &execution.status.error else { return };
    let code = error.code.as_deref().unwrap_or("none");
    let fails = execution.spec.input.as_u64() == Some(8) && execution.spec.parent.is_none();
    let expected = match code {
        "none" => fails,
        "CANCELLED" => true,
        "WAIT_TIMEOUT" => execution.spec.input.as_u64() == Some(4),
        _ => false,
    };
    assert!(expected, "{} failed: {code}: {}", execution.id(), error.message);
}

/// A caller that fails takes what it has called along.
fn check_caller(execution: &Execution, all: &[Execution]) {
    let Some(link) = &execution.spec.parent else { return };
    let Some(caller) = all.iter().find(|caller| caller.id() == link.id) else { return };
    if caller.state() == ExecutionState::Failed && execution.state() == ExecutionState::Complete {
        let (id, ends) = (execution.id(), (caller.status.completed, execution.status.completed));
        assert!(ends.1 <= ends.0, "R1: {id} outlived its caller, which failed: {ends:?}");
    }
}

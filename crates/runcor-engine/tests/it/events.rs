//! Events: in commit order, gapless, and never in the way.

use std::collections::HashMap;

use runcor_core::{Event, ExecutionState, FlowContext, FlowError, FlowOutcome, Runtime, Trigger};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, echo, on_every_store, within_reason};

on_every_store!(
    one_trigger_announces_running_complete_and_the_end,
    events_of_every_execution_come_in_the_order_of_its_states_with_consecutive_numbers,
    a_failure_announces_its_error,
    registrations_and_readiness_are_announced,
    stored_events_can_be_read_again_from_any_number,
);

async fn names_of_one_run(bed: &Bed, count: usize) -> Vec<Value> {
    let mut events = bed.engine.subscribe();
    let ended = bed.ended(bed.trigger("flow", "k").await.id()).await;
    let mut seen = Vec::new();
    within_reason(async {
        while seen.len() < count {
            let record = events.next().await.unwrap().unwrap();
            if record.event.execution_id() == Some(ended.id()) {
                seen.push(serde_json::to_value(&record.event).unwrap());
            }
        }
    })
    .await;
    seen
}

async fn one_trigger_announces_running_complete_and_the_end(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("flow", echo);
    let seen = names_of_one_run(&bed, 3).await;
    assert_eq!((&seen[0]["from"], &seen[0]["to"]), (&json!("queued"), &json!("running")));
    assert_eq!((&seen[1]["from"], &seen[1]["to"]), (&json!("running"), &json!("complete")));
    assert_eq!(seen[2]["type"], "execution:complete");
    assert_eq!(seen[2]["state"], "complete");
    assert!(seen[2]["error"].is_null());
}

async fn a_failure_announces_its_error(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("flow", async |_ctx: FlowContext| {
        Err::<FlowOutcome, _>(FlowError::permanent("broken"))
    });
    let seen = names_of_one_run(&bed, 3).await;
    assert_eq!(seen[2]["error"]["message"], "broken");
    assert!(seen[2]["error"]["stack"].is_null() && seen[2]["result"].is_null());
}

async fn events_of_every_execution_come_in_the_order_of_its_states_with_consecutive_numbers(
    kind: Kind,
) {
    let bed = Bed::with_concurrency(kind, 8).await;
    bed.register("echo", echo);
    let mut events = bed.engine.subscribe();
    let calls: Vec<_> = (0..300)
        .map(|n| {
            let engine = bed.engine.clone();
            tokio::spawn(async move {
                engine.run("echo", Trigger::new(format!("k{n}"), Value::Null)).await
            })
        })
        .collect();
    let mut last = None;
    let mut states = HashMap::new();
    let mut ended = 0;
    within_reason(async {
        while ended < 300 {
            let record = events.next().await.unwrap().unwrap();
            if let Some(before) = last.replace(record.seq) {
                assert_eq!(record.seq, before + 1);
            }
            match &record.event {
                Event::ExecutionStateChange(change) => {
                    let before = states.insert(change.execution_id, change.to);
                    assert_eq!(before.unwrap_or(ExecutionState::Queued), change.from);
                }
                Event::ExecutionComplete(end) => {
                    assert_eq!(states.get(&end.execution_id), Some(&end.state));
                    ended += 1;
                }
                _ => {}
            }
        }
    })
    .await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

async fn registrations_and_readiness_are_announced(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    bed.engine.unregister("echo").unwrap();
    let names = crate::bed::eventually(async || {
        let events = bed.engine.events(0, 100).await.unwrap();
        (events.len() == 3).then_some(events)
    })
    .await;
    let names: Vec<_> = names
        .iter()
        .map(|record| serde_json::to_value(&record.event).unwrap()["type"].clone())
        .collect();
    assert_eq!(names, ["ready", "flow:registered", "flow:unregistered"]);
}

async fn stored_events_can_be_read_again_from_any_number(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    bed.ended(bed.trigger("echo", "k").await.id()).await;
    let all = bed.engine.events(0, 100).await.unwrap();
    let numbers: Vec<_> = all.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let tail = bed.engine.events(2, 1).await.unwrap();
    assert_eq!(tail, all[2..3]);
}

//! Laws of memories: updates add up, values expire and come back as they went in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use runcor_core::{FlowError, FlowMemory};
use serde_json::json;

use super::{add_one, seen};
use crate::shelf::Shelf;
use crate::support::Bed;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn updates_of_a_hundred_executions_add_up() {
    let shelf = Shelf::default();
    let tries = Arc::new(AtomicU32::new(0));
    let mut tasks = Vec::new();
    for number in 0..100 {
        let (shelf, tries) = (shelf.clone(), Arc::clone(&tries));
        tasks.push(tokio::spawn(async move {
            let ctx = Bed::beside(&shelf, |_| {}).ctx();
            let memory = ctx.memory().tool();
            let count = move |before| {
                tries.fetch_add(1, Ordering::Relaxed);
                add_one(before)
            };
            if number % 2 == 0 {
                memory.update("n", count).await.unwrap();
            } else {
                let step = ctx.step("count", async { memory.update("n", count).await });
                step.await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(seen(&shelf, "n").await, Some(json!(100)));
    assert!(tries.load(Ordering::Relaxed) > 150, "nobody was in anybody's way");
}

/// What a random flow does to one memory.
#[derive(Debug, Clone)]
enum Act {
    Set(u8, i32),
    SetFor(u8, i32, u8),
    Delete(u8),
    Add(u8, i32),
    Tick(u8),
}

fn acts() -> impl Strategy<Value = Vec<(Act, bool)>> {
    let act = prop_oneof![
        (0..4_u8, any::<i32>()).prop_map(|(key, value)| Act::Set(key, value)),
        (0..4_u8, any::<i32>(), 1..5_u8).prop_map(|(key, value, ttl)| Act::SetFor(key, value, ttl)),
        (0..4_u8).prop_map(Act::Delete),
        (0..4_u8, any::<i32>()).prop_map(|(key, by)| Act::Add(key, by)),
        (1..4_u8).prop_map(Act::Tick),
    ];
    proptest::collection::vec((act, any::<bool>()), 1..25)
}

async fn act(bed: &Bed, memory: &FlowMemory, act: &Act) -> Result<(), FlowError> {
    match *act {
        Act::Set(key, value) => memory.set(&key.to_string(), value).await,
        Act::SetFor(key, value, ttl) => {
            memory.set_for(&key.to_string(), value, Duration::from_millis(ttl.into())).await
        }
        Act::Delete(key) => memory.delete(&key.to_string()).await,
        Act::Add(key, by) => {
            let add = move |before: Option<i32>| Some(before.unwrap_or(0).wrapping_add(by));
            memory.update_as(&key.to_string(), add).await.map(drop)
        }
        Act::Tick(by) => {
            bed.clock.advance(Duration::from_millis(by.into()));
            Ok(())
        }
    }
}

/// What the same does to a plain map.
fn act_on_model(model: &mut [Option<(i32, Option<u64>)>; 4], now: &mut u64, act: &Act) {
    let is_there = |entry: &Option<(i32, Option<u64>)>, now: u64| {
        entry.filter(|(_, until)| until.is_none_or(|until| now < until))
    };
    match *act {
        Act::Set(key, value) => model[usize::from(key)] = Some((value, None)),
        Act::SetFor(key, value, ttl) => {
            model[usize::from(key)] = Some((value, Some(*now + u64::from(ttl))));
        }
        Act::Delete(key) => model[usize::from(key)] = None,
        Act::Add(key, by) => {
            let (value, until) = is_there(&model[usize::from(key)], *now).unwrap_or((0, None));
            model[usize::from(key)] = Some((value.wrapping_add(by), until));
        }
        Act::Tick(by) => *now += u64::from(by),
    }
    for entry in model {
        *entry = is_there(entry, *now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_memory_is_a_map_whose_values_expire_in_steps_and_outside(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bed = Bed::new();
            let ctx = bed.ctx();
            let memory = ctx.memory().tool();
            let (mut model, mut now) = ([None; 4], 0);
            for (number, (it, in_step)) in acts.iter().enumerate() {
                if *in_step {
                    let name = format!("s{number}");
                    ctx.step(&name, act(&bed, &memory, it)).await.unwrap();
                } else {
                    act(&bed, &memory, it).await.unwrap();
                }
                act_on_model(&mut model, &mut now, it);
                for (key, expected) in model.iter().enumerate() {
                    let found: Option<i32> = memory.get_as(&key.to_string()).await.unwrap();
                    assert_eq!(found, expected.map(|(value, _)| value), "key {key} after {it:?}");
                }
            }
        });
    }

    #[test]
    fn values_come_back_as_they_went_in(
        number in any::<f64>().prop_filter("JSON has finite numbers only", |n| n.is_finite()),
        text in ".{0,40}",
        key in "[^\\pC]{1,40}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let value = json!({ "n": number, text.as_str(): [text, null, { "deep": [] }] });
            let ctx = Bed::new().ctx();
            ctx.memory().tool().set(&key, value.clone()).await.unwrap();
            assert_eq!(ctx.memory().tool().get(&key).await.unwrap(), Some(value));
        });
    }
}

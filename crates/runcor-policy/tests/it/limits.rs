//! Rate limits: what is counted, and what a refusal tells.

use std::time::Duration;

use runcor_core::{
    Batch, ErrorCode, Event, Op, Operation, Policy, RateScope, Retry, Store, StoreError, Timestamp,
};
use runcor_policy::RateLimit;
use runcor_store_memory::MemoryStore;
use serde_json::{Value, json};

use crate::support::{Ask, Bed};

/// Judges an operation and counts it, as the engine does.
async fn run(bed: &Bed, store: &MemoryStore, ask: &Ask) -> runcor_core::Result<Option<Timestamp>> {
    let admission = bed.admit(ask).await?;
    let ops = admission.takes.into_iter().map(|take| Op::Take(Box::new(take))).collect();
    match store.commit(Batch { ops }).await {
        Ok(receipt) => Ok(receipt.turn),
        Err(StoreError::RateLimited(refusal)) => {
            Err(bed.policies.refused(&ask.request(&bed.clock), &refusal))
        }
        Err(error) => Err(error.into()),
    }
}

/// Runs an operation several times; returns how often it was let through.
async fn times(bed: &Bed, store: &MemoryStore, ask: &Ask, count: usize) -> usize {
    let mut passed = 0;
    for _ in 0..count {
        passed += usize::from(run(bed, store, ask).await.is_ok());
    }
    passed
}

fn limit(name: &str, scope: &str, limit: u32, window_ms: u64) -> Value {
    json!({ "name": name, "scope": scope, "limit": limit, "windowMs": window_ms })
}

fn bed(limits: Value) -> (Bed, MemoryStore) {
    (Bed::with("rateLimits", limits), MemoryStore::new())
}

#[tokio::test]
async fn one_above_the_limit_is_refused_with_one_event_and_accepted_once_the_window_has_slid() {
    let (bed, store) = bed(json!([limit("per-user", "user", 3, 1_000)]));
    let alice = Ask::trigger("f").by("alice");
    assert_eq!(times(&bed, &store, &alice, 3).await, 3);
    bed.clock.advance(Duration::from_millis(400));
    let error = run(&bed, &store, &alice).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RateLimited);
    assert_eq!(error.retry(), Retry::After(Some(Duration::from_millis(600))));
    assert_eq!(error.details().unwrap()["rateLimit"], "per-user");
    let events = bed.events.take();
    let [Event::RateLimited(event)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.rate_limit_name.as_str(), event.scope), ("per-user", RateScope::User));
    assert_eq!((event.limit, event.window_ms, event.current_count), (3, 1_000, 3));
    assert_eq!((event.flow_name.as_str(), event.behavior.as_str()), ("f", "reject"));
    assert_eq!(event.user_id.as_ref().unwrap().as_str(), "alice");
    assert_eq!(times(&bed, &store, &Ask::trigger("f").by("bob"), 4).await, 3);
    bed.clock.advance(Duration::from_millis(600));
    assert_eq!(times(&bed, &store, &alice, 1).await, 1);
}

#[tokio::test]
async fn two_limits_of_one_scope_count_on_their_own() {
    let (bed, store) =
        bed(json!([limit("short", "user", 10, 1_000), limit("long", "user", 15, 60_000)]));
    let ask = Ask::trigger("f").by("alice");
    assert_eq!(times(&bed, &store, &ask, 12).await, 10);
    assert!(bed.events.take().iter().all(|event| name(event) == "short"));
    bed.clock.advance(Duration::from_secs(1));
    assert_eq!(times(&bed, &store, &ask, 12).await, 5, "what was refused was not counted");
    assert!(bed.events.take().iter().all(|event| name(event) == "long"), "the one that tripped");
}

fn name(event: &Event) -> &str {
    match event {
        Event::RateLimited(event) => &event.rate_limit_name,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_scope_says_whose_doings_are_counted_together() {
    for (scope, counted_together, apart) in [
        ("user", ["a@t f", "a@t g"], ["b@t f", "a@u f"]),
        ("flow", ["a@t f", "b@u f"], ["a@t g", "a@t h"]),
        ("tenant", ["a@t f", "b@t g"], ["a@u f", "a@v f"]),
    ] {
        let (bed, store) = bed(json!([limit("l", scope, 2, 1_000)]));
        let ask = |text: &str| {
            let (who, flow) = text.split_once(' ').unwrap();
            Ask::trigger(flow).by(who)
        };
        for text in counted_together {
            run(&bed, &store, &ask(text)).await.unwrap();
        }
        for text in counted_together {
            run(&bed, &store, &ask(text)).await.unwrap_err();
        }
        for text in apart {
            assert_eq!(times(&bed, &store, &ask(text), 3).await, 2, "{scope} {text}");
        }
    }
    let (bed, store) = bed(json!([limit("l", "global", 3, 1_000)]));
    assert_eq!(times(&bed, &store, &Ask::trigger("f").by("a@t"), 2).await, 2);
    assert_eq!(times(&bed, &store, &Ask::trigger("g"), 2).await, 1);
}

#[tokio::test]
async fn whom_a_limit_can_not_tell_it_does_not_count() {
    let (bed, _) = bed(json!([
        limit("u", "user", 1, 1_000),
        limit("t", "tenant", 1, 1_000),
        limit("f", "flow", 1, 1_000)
    ]));
    let count = async |ask: Ask| bed.admit(&ask).await.unwrap().takes.len();
    assert_eq!(count(Ask::trigger("f")).await, 1);
    assert_eq!(count(Ask::trigger("f").by("a")).await, 2);
    assert_eq!(count(Ask::trigger("f").by("a@t")).await, 3);
}

#[tokio::test]
async fn a_limit_of_one_flow_leaves_the_others_alone() {
    let (bed, store) = bed(json!([
        { "name": "f", "scope": "flow", "limit": 1, "windowMs": 1000, "flowName": "f" },
        { "name": "g", "scope": "global", "limit": 2, "windowMs": 1000, "flowName": "g" },
    ]));
    assert_eq!(times(&bed, &store, &Ask::trigger("f"), 5).await, 1);
    assert_eq!(times(&bed, &store, &Ask::trigger("g"), 5).await, 2);
    assert_eq!(times(&bed, &store, &Ask::trigger("h"), 5).await, 5);
}

#[tokio::test]
async fn a_limit_counts_its_operations() {
    let (bed, _) = bed(json!([
        limit("usual", "global", 9, 1_000),
        { "name": "reads", "scope": "global", "limit": 9, "windowMs": 1000, "operations": ["read"] },
    ]));
    for operation in Operation::ALL {
        let takes = bed.admit(&Ask::of(operation, Some("f"))).await.unwrap().takes;
        let names: Vec<_> = takes.iter().map(|take| take.key.limit.as_str()).collect();
        let wanted: &[&str] = match operation {
            Operation::Trigger | Operation::Resume | Operation::Replay => &["usual"],
            Operation::Read => &["reads"],
            _ => &[],
        };
        assert_eq!(names, wanted, "{operation:?}");
    }
}

#[tokio::test]
async fn triggers_wait_in_order_while_there_is_room_and_everything_else_is_refused() {
    let (bed, store) = bed(json!([{ "name": "q", "scope": "global", "limit": 1, "windowMs": 1000,
        "behavior": "queue", "maxQueueDepth": 2, "queueTimeoutMs": 5000 }]));
    let start = runcor_core::Clock::now(&bed.clock).as_millis();
    let mut turns = Vec::new();
    for _ in 0..3 {
        let turn = run(&bed, &store, &Ask::trigger("f")).await.unwrap();
        turns.push(turn.map_or(0, |turn| turn.as_millis() - start));
    }
    assert_eq!(turns, [0, 1_000, 2_000]);
    let full = run(&bed, &store, &Ask::trigger("f")).await.unwrap_err();
    assert_eq!(full.retry(), Retry::After(Some(Duration::from_secs(3))));
    let resume = Ask::of(Operation::Resume, Some("f"));
    assert!(bed.admit(&resume).await.unwrap().takes[0].queue.is_none());
    run(&bed, &store, &resume).await.unwrap_err();
    let behaviors: Vec<_> = bed.events.take().into_iter().map(behavior).collect();
    assert_eq!(behaviors, ["queue", "reject"]);
    bed.clock.advance(Duration::from_millis(2_999));
    run(&bed, &store, &resume).await.unwrap_err();
    bed.clock.advance(Duration::from_millis(1));
    run(&bed, &store, &resume).await.unwrap();
}

fn behavior(event: Event) -> String {
    match event {
        Event::RateLimited(event) => event.behavior,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_queue_has_a_hundred_places_and_thirty_seconds_unless_said_otherwise() {
    let (bed, _) = bed(json!([{ "name": "q", "scope": "global", "limit": 1, "windowMs": 1000,
        "behavior": "queue" }]));
    let queue = bed.admit(&Ask::trigger("f")).await.unwrap().takes[0].queue.unwrap();
    assert_eq!((queue.depth, queue.timeout), (100, Duration::from_secs(30)));
}

#[tokio::test]
async fn limits_come_and_go_while_it_runs() {
    let (bed, store) = bed(json!([limit("a", "global", 1, 1_000)]));
    let ask = Ask::trigger("f");
    assert_eq!(times(&bed, &store, &ask, 2).await, 1);
    assert!(bed.policies.remove_rate_limit("a") && !bed.policies.remove_rate_limit("a"));
    assert_eq!(times(&bed, &store, &ask, 2).await, 2);
    let second = Duration::from_secs(1);
    bed.policies.add_rate_limit(RateLimit::new("b", RateScope::Global, 1, second)).unwrap();
    assert_eq!(times(&bed, &store, &ask, 2).await, 1);
}

#[test]
fn a_limit_that_can_not_work_or_whose_name_is_taken_is_refused() {
    let (bed, second) = (Bed::empty(), Duration::from_secs(1));
    let code = |limit| {
        let error = bed.policies.add_rate_limit(limit).map_err(runcor_core::Error::from);
        error.map_or_else(|error| error.code().as_str(), |()| "ok")
    };
    let global = |name: &str, limit, window| RateLimit::new(name, RateScope::Global, limit, window);
    assert_eq!(code(global("a", 1, second)), "ok");
    assert_eq!(code(global("a", 2, second)), "DUPLICATE_RATE_LIMIT");
    for limit in [
        global("b", 0, second),
        global("b", 1, Duration::ZERO),
        global(" ", 1, second),
        global("b", 1, second).with_queue(0, second),
        global("b", 1, second).with_queue(1, Duration::ZERO),
        global("b", 1, second).with_operations([]),
        global("b", 1, second).with_operations([Operation::CallTool]),
    ] {
        assert_eq!(code(limit.clone()), "INVALID_POLICY_CONFIG", "{limit:?}");
    }
}

#[test]
fn a_limit_of_a_tenant_may_not_have_the_name_of_everybody_s() {
    let bed = Bed::empty();
    let limit = || RateLimit::new("a", RateScope::Global, 1, Duration::from_secs(1));
    let acme = || runcor_policy::TenantPolicy::new(crate::support::tenant("acme"));
    bed.policies.set_tenant(acme().with_rate_limit(limit())).unwrap();
    assert!(bed.policies.add_rate_limit(limit()).is_err());
    bed.policies.set_tenant(acme()).unwrap();
    bed.policies.add_rate_limit(limit()).unwrap();
    assert!(bed.policies.set_tenant(acme().with_rate_limit(limit())).is_err());
    let twice = acme().with_rate_limit(limit()).with_rate_limit(limit());
    assert!(Bed::empty().policies.set_tenant(twice).is_err());
}

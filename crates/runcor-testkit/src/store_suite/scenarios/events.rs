//! Events: numbered without a gap, kept, and brought to listeners in order.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use runcor_core::{
    Batch, Event, EventRecord, EventSubscription, ExecutionComplete, ExecutionError,
    ExecutionState, ExecutionStateChange, FlowChange, ModelValidationRetry, Op, ProviderHealth,
    ProviderHealthChange, TenantId, Violation,
};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::impossible;
use crate::store_suite::subject::{Subject, at, complete, fail, flow, must, sample, worker};

/// How long an event may be on its way before a scenario fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes an event that differs from those of other numbers.
pub(super) fn numbered(number: usize) -> Event {
    Event::FlowRegistered(FlowChange { name: flow(&format!("flow-{number}")) })
}

fn emit(events: impl IntoIterator<Item = Event>) -> Batch {
    Batch::new().emit_all(events.into_iter().collect())
}

/// Takes the next `count` events of a feed.
pub(super) async fn hear(feed: &mut EventSubscription, count: usize) -> Vec<Arc<EventRecord>> {
    let mut heard = Vec::new();
    while heard.len() < count {
        match tokio::time::timeout(PATIENCE, feed.next()).await {
            Ok(Ok(Some(record))) => heard.push(record),
            Ok(Ok(None)) => fail("expected the feed to go on, it ended"),
            Ok(Err(gap)) => fail(format!("expected the feed to bring everything: {gap}")),
            Err(_) => fail(format!("expected {count} events from the feed, got {heard:?}")),
        }
    }
    heard
}

pub(crate) async fn an_empty_store_has_no_events(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    assert_eq!(subject.last_event().await, 0, "expected the number zero");
    assert!(subject.events(0, 10).await.is_empty(), "expected no events");
}

pub(crate) async fn events_are_numbered_from_one_in_order(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    subject.commit(emit([numbered(1), numbered(2)])).await;
    subject.commit(Batch::new().insert(sample().build())).await;
    subject.commit(emit([numbered(3)])).await;
    let found = subject.events(0, 10).await;
    let expected: Vec<_> =
        (1..=3).map(|n| EventRecord { seq: n as u64, event: numbered(n) }).collect();
    assert_eq!(found, expected, "expected three events with consecutive numbers");
    assert_eq!(subject.last_event().await, 3, "expected the number of the newest");
}

pub(crate) async fn events_are_read_after_a_number_and_up_to_a_limit(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    subject.commit(emit((1..=10).map(numbered))).await;
    for (after, limit, expected) in [
        (0, 3, vec![1, 2, 3]),
        (3, 3, vec![4, 5, 6]),
        (8, 9, vec![9, 10]),
        (10, 9, vec![]),
        (99, 9, vec![]),
        (0, 0, vec![]),
    ] {
        let found = subject.events(after, limit).await;
        let numbers: Vec<u64> = found.iter().map(|record| record.seq).collect();
        assert_eq!(numbers, expected, "expected the events after {after}, at most {limit}");
    }
}

pub(crate) async fn a_refused_batch_leaves_no_gap_in_the_numbers(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    subject.commit(emit([numbered(1)])).await;
    subject.refuse(emit([numbered(2), numbered(3)]).with(impossible())).await;
    subject.commit(emit([numbered(4)])).await;
    let found = subject.events(1, 10).await;
    let expected = [EventRecord { seq: 2, event: numbered(4) }];
    assert_eq!(found, expected, "expected the next number to go to the next committed event");
}

pub(crate) async fn every_kind_of_event_is_kept_unchanged(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let id = sample().build().id();
    let error = ExecutionError {
        message: "broken „pipe“\nline".to_owned(),
        retryable: true,
        retry_count: 3,
        code: Some("TIMEOUT".to_owned()),
    };
    let ended = |state, result, error| {
        Event::ExecutionComplete(ExecutionComplete {
            execution_id: id,
            state,
            result,
            error,
            tenant_id: TenantId::new("t").ok(),
            flow_name: Some(flow("f")),
        })
    };
    let retry = |raw_text, execution_id, flow_name| {
        let errors = vec![Violation {
            path: "/a".to_owned(),
            message: "is missing".to_owned(),
            keyword: "required".to_owned(),
        }];
        Event::ModelValidationRetry(ModelValidationRetry {
            attempt: 1,
            errors,
            raw_text,
            execution_id,
            flow_name,
            tenant_id: None,
        })
    };
    let events = vec![
        Event::Ready,
        Event::Shutdown,
        Event::ExecutionStateChange(ExecutionStateChange {
            execution_id: id,
            from: ExecutionState::Waiting,
            to: ExecutionState::Running,
            timestamp: at(7),
            tenant_id: None,
            flow_name: None,
        }),
        ended(ExecutionState::Complete, Some(Arc::new(json!({ "n": [1, null] }))), None),
        ended(ExecutionState::Failed, None, Some(error)),
        Event::ProviderHealthChange(ProviderHealthChange {
            provider: "p".to_owned(),
            from: ProviderHealth::HalfOpen,
            to: ProviderHealth::Unhealthy,
            timestamp: at(8),
        }),
        retry(Some("{".to_owned()), Some(id), Some(flow("f"))),
        retry(None, None, None),
        Event::FlowRegistered(FlowChange { name: flow("f") }),
        Event::FlowUnregistered(FlowChange { name: flow("f") }),
    ];
    subject.commit(emit(events.clone())).await;
    let found: Vec<_> =
        subject.events(0, 99).await.into_iter().map(|record| record.event).collect();
    assert_eq!(found, events, "expected every kind of event to come back as it went in");
}

pub(crate) async fn the_feed_brings_the_events_of_commits_and_claims_in_order(
    fixture: StoreFixture,
) {
    let subject = Subject::new(&fixture);
    let mut feed = subject.store.feed().subscribe();
    subject.commit(emit([numbered(1), numbered(2)])).await;
    subject.insert(sample()).await;
    let claims = subject.claim_newly(at(1), 1).await;
    let mut execution = must(claims.first(), "a claim").execution.clone();
    subject.change(&mut execution, complete(None), at(2)).await;
    let heard = hear(&mut feed, 5).await;
    let stored = subject.events(0, 10).await;
    assert!(
        heard.iter().map(AsRef::as_ref).eq(&stored),
        "expected the feed to bring what is stored, in order: {heard:?} and {stored:?}"
    );
}

pub(crate) async fn an_event_of_the_feed_tells_of_what_can_be_read(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut feed = subject.store.feed().subscribe();
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    let done = subject.change(&mut execution, complete(None), at(2));
    let ((), heard) = futures_util::join!(done, hear(&mut feed, 3));
    for record in heard {
        assert!(subject.last_event().await >= record.seq, "expected the event to be readable");
    }
    subject.expect(&execution, "as the feed told").await;
}

pub(crate) async fn a_listener_hears_nothing_of_what_was_before(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    subject.commit(emit([numbered(1)])).await;
    let mut feed = subject.store.feed().subscribe();
    subject.commit(Batch::new().with(Op::Emit(numbered(2)))).await;
    let heard = hear(&mut feed, 1).await;
    let numbers: Vec<u64> = heard.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, [2], "expected the first event after subscribing");
}

//! A database that version 1 has written opens, and everything in it is still there.
//!
//! `tests/fixtures/version_1.rs` tells what is in it and how it was made.

use runcor_core::{
    Batch, ClaimRequest, Execution, ExecutionQuery, ExecutionSpec, JournalEntry, Op, Order,
    Outcome, Store, Timestamp,
};
use runcor_store_sqlite::{SqliteStore, verify};
use serde_json::{Value, json};

use crate::support::{Home, at, flow, queued, worker};

const DATABASE: &[u8] = include_bytes!("../fixtures/version-1.db");
const EXPECTED: &str = include_str!("../fixtures/version-1.json");

/// Where a wait that is under way will have its answer, by idempotency key.
const PLACES: [(&str, &str); 3] = [
    ("waiting-first", "wait#1"),
    ("waiting-second", "wait#2"),
    ("waiting-after-a-step-called-wait", "wait#2"),
];

fn old_home() -> Home {
    let home = Home::new();
    std::fs::write(home.path(), DATABASE).unwrap();
    home
}

/// Puts a record into the words in which version 1 told it.
async fn told(store: &SqliteStore, execution: &Execution) -> Value {
    let status = &execution.status;
    let mut journal = Vec::new();
    for entry in store.journal(execution.id()).await.unwrap() {
        let whole = JournalEntry { answer: None, ..entry.clone() };
        let answer = entry.answer.unwrap();
        let bare = JournalEntry::intent(&entry.path, entry.kind, answer.at);
        assert_eq!(whole, bare, "an old entry began when it ended");
        let value = store.journal_value(execution.id(), &entry.path).await.unwrap();
        match answer.outcome {
            Outcome::Spilled { bytes } => {
                assert_eq!(bytes, value.as_ref().unwrap().to_string().len() as u64)
            }
            outcome => assert_eq!(Some(outcome), value.clone().map(Outcome::Done)),
        }
        journal.push(
            json!({ "path": entry.path, "kind": entry.kind, "value": value, "at": answer.at }),
        );
    }
    json!({
        "spec": *execution.spec,
        "state": status.state.as_str(),
        "version": status.version,
        "epoch": status.epoch,
        "owner": status.owner.map(|owner| owner.to_string()),
        "due": status.due.map(Timestamp::as_millis),
        "retries": status.retry_count,
        "resumes": status.resume_count,
        "started": status.started.map(Timestamp::as_millis),
        "completed": status.completed.map(Timestamp::as_millis),
        "transitions": status.transitions,
        "hasResult": status.result.is_some(),
        "result": status.result.as_deref(),
        "error": status.error,
        "wait": status.wait,
        "hasResumeData": status.resume_data.is_some(),
        "resumeData": status.resume_data,
        "activeBefore": u64::try_from(status.active_before.as_millis()).unwrap(),
        "activeSince": status.active_since.map(Timestamp::as_millis),
        "journal": journal,
    })
}

/// What version 2 makes of what version 1 told.
fn expected() -> Vec<Value> {
    let whole: Value = serde_json::from_str(EXPECTED).unwrap();
    let mut executions = whole["executions"].as_array().unwrap().clone();
    for execution in &mut executions {
        let spec: ExecutionSpec = serde_json::from_value(execution["spec"].clone()).unwrap();
        execution["spec"] = json!(spec);
        let key = spec.idempotency_key.as_str();
        if let Some((_, place)) = PLACES.iter().find(|(of, _)| *of == key) {
            execution["wait"]["path"] = json!(place);
        }
        // What a resume brought, and the handler had not yet read.
        let answer =
            |path, value, at| json!({ "path": path, "kind": "wait", "value": value, "at": at });
        let journal = execution["journal"].as_array_mut().unwrap();
        match key {
            "resumed-twice" => journal.push(answer(
                "wait#2",
                json!({ "second": true }),
                "2026-01-01T00:00:00.112Z",
            )),
            "resumed-once" => {
                journal.push(answer("wait#1", json!(null), "2026-01-01T00:00:00.147Z"));
            }
            _ => {}
        }
    }
    executions
}

#[tokio::test]
async fn everything_in_it_is_read_back() {
    let home = old_home();
    for round in ["at first", "and again"] {
        let store = home.open();
        let query = ExecutionQuery { limit: 100, ..ExecutionQuery::default() };
        let found = store.executions(&query).await.unwrap().items;
        let expected = expected();
        assert_eq!(found.len(), expected.len());
        for (execution, expected) in found.iter().zip(&expected) {
            let key = execution.spec.idempotency_key.clone();
            assert_eq!(&told(&store, execution).await, expected, "{key}, {round}");
            let spec = &execution.spec;
            let by_key = store.execution_by_key(spec.tenant_id.as_ref(), &spec.flow, &key).await;
            assert_eq!(by_key.unwrap().as_ref(), Some(execution), "{round}");
        }
        store.close().await.unwrap();
        let report = verify(home.path()).unwrap();
        assert!(report.is_sound(), "{report:?}");
        assert_eq!(report.version, 3);
    }
}

#[tokio::test]
async fn its_events_and_numbers_go_on() {
    let home = old_home();
    let store = home.open();
    let whole: Value = serde_json::from_str(EXPECTED).unwrap();
    let events = store.events(0, 1_000).await.unwrap();
    let events: Vec<_> = events.iter().map(|record| json!([record.seq, record.event])).collect();
    assert_eq!(json!(events), whole["events"]);

    // Number 17 was deleted before the end.
    store.commit(Batch::new().insert(queued("refund", "new"))).await.unwrap();
    let query = ExecutionQuery { order: Order::Newest, limit: 1, ..ExecutionQuery::default() };
    let page = store.executions(&query).await.unwrap();
    assert_eq!(page.next.unwrap().number(), 18);
}

#[tokio::test]
async fn what_waits_and_what_is_due_is_found() {
    let home = old_home();
    let store = home.open();
    let due = store.due_waits(at(75_000), 10).await.unwrap();
    let keys: Vec<_> = due.iter().map(|found| found.spec.idempotency_key.as_str()).collect();
    assert_eq!(keys, ["waiting-first"]);

    let worker = worker();
    store.commit(Batch::new().with(Op::Lease { worker, until: at(99_000) })).await.unwrap();
    let flows = vec![flow("refund")];
    let request = ClaimRequest { worker, now: at(1_000), limit: 100, flows };
    let claims = store.claim(request).await.unwrap();
    let mut keys: Vec<_> = claims
        .iter()
        .map(|claim| (claim.execution.spec.idempotency_key.as_str(), claim.interrupted))
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            ("queued", false),
            ("queued-large", false),
            ("resumed-and-read", true),
            ("resumed-once", true),
            ("resumed-twice", false),
            ("running", true),
        ]
    );
}

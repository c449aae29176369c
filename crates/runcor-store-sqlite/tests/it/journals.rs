//! Journals in the file: large results, packs, and what goes with an execution.

use runcor_core::{
    Batch, Execution, ExecutionId, JournalEntry, JournalKind, Op, Outcome, RequestHash, Spend,
    StepFailure, Store, StoreError, Timestamp,
};
use runcor_store_sqlite::{SqliteStore, verify};
use serde_json::{Value, json};

use crate::support::{Home, at, claimed, complete, step, worker};

/// One entry of every form that there is.
fn every_form() -> Vec<JournalEntry> {
    let intent = |path: &str, kind| JournalEntry::intent(path, kind, at(3));
    let failure = StepFailure { code: Some("NO".to_owned()), message: "it can't\n".to_owned() };
    let spend = Spend {
        provider: "mock".to_owned(),
        model: "m-1".to_owned(),
        usage: Default::default(),
        cost: Some(runcor_core::Money::from_nanos(7)),
    };
    let mut deep = json!(1);
    for _ in 0..127 {
        deep = json!([deep]);
    }
    vec![
        JournalEntry::done("a#1", JournalKind::Step, json!({ "text": "ü\u{0}\"" }), at(4)),
        intent("sleep#1", JournalKind::Sleep).with_note(json!({ "until": 77 })),
        intent("b#1", JournalKind::Tool).with_outcome(Outcome::Failed(failure), at(5)),
        intent("b#2", JournalKind::Call).with_outcome(Outcome::NotDone, at(6)),
        JournalEntry {
            request: Some(RequestHash::of(&json!("q"))),
            attempts: 3,
            spend: Some(spend),
            reused: true,
            ..JournalEntry::done("large#1", JournalKind::Model, large(), at(7))
        },
        JournalEntry::done("deep#1", JournalKind::Step, deep, at(8)),
        JournalEntry::done("null#1", JournalKind::Wait, json!(null), at(9)),
        JournalEntry::done("random#1", JournalKind::Step, incompressible(), at(10)),
    ]
}

fn large() -> Value {
    json!({ "text": "lorem ipsum ".repeat(20_000) })
}

/// A large value that compression makes no smaller.
fn incompressible() -> Value {
    let mut state = 1_u64;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from_u32(0x4e00 + u32::try_from(state >> 52).unwrap()).unwrap()
    };
    json!((0..20_000).map(letter).collect::<String>())
}

/// Inserts an execution with a journal and ends it at `end`.
async fn ended(store: &SqliteStore, key: &str, entries: &[JournalEntry], end: i64) -> Execution {
    let (mut execution, insert) = claimed("f", key, worker());
    store.commit(insert).await.unwrap();
    for entry in entries {
        store.commit(Batch::new().journal(&execution, entry.clone())).await.unwrap();
    }
    store.commit(step(&mut execution, complete(json!(null)), at(end))).await.unwrap();
    execution
}

/// Everything that can be read of a journal.
async fn read(store: &SqliteStore, id: ExecutionId) -> (Vec<JournalEntry>, Vec<Option<Value>>) {
    let journal = store.journal(id).await.unwrap();
    let mut values = Vec::new();
    for entry in &journal {
        values.push(store.journal_value(id, &entry.path).await.unwrap());
    }
    (journal, values)
}

async fn compact(store: &SqliteStore, ended_before: Timestamp, limit: usize) -> usize {
    let receipt = store.commit(Batch::new().with(Op::Compact { ended_before, limit })).await;
    receipt.unwrap().compacted
}

fn count(home: &Home, table: &str) -> i64 {
    let conn = rusqlite::Connection::open(home.path()).unwrap();
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn an_entry_of_every_form_is_read_as_it_was_written_packed_or_not() {
    let home = Home::new();
    let store = home.open();
    let entries = every_form();
    let execution = ended(&store, "k", &entries, 20).await;
    let id = execution.id();
    let (journal, values) = read(&store, id).await;
    for ((written, found), value) in entries.iter().zip(&journal).zip(&values) {
        let answer = written.answer.as_ref().map(|answer| &answer.outcome);
        let done = match answer {
            Some(Outcome::Done(value)) => Some(value.clone()),
            _ => None,
        };
        assert_eq!(value, &done, "{}", written.path);
        match found.outcome() {
            Some(Outcome::Spilled { bytes }) => {
                assert_eq!(*bytes, done.unwrap().to_string().len() as u64);
                let at = written.answer.as_ref().unwrap().at;
                let spilled = written.clone().with_outcome(Outcome::Spilled { bytes: *bytes }, at);
                assert_eq!(found, &spilled);
            }
            _ => assert_eq!(found, written),
        }
    }
    let spilled = journal.iter().filter(|e| matches!(e.outcome(), Some(Outcome::Spilled { .. })));
    assert_eq!(spilled.count(), 2);

    assert_eq!(compact(&store, at(20), 10).await, 0, "it ended not before");
    assert_eq!(compact(&store, at(21), 10).await, 1);
    assert_eq!(compact(&store, at(21), 10).await, 0, "once is enough");
    assert_eq!((count(&home, "journal"), count(&home, "packs")), (2, 1));
    assert_eq!(read(&store, id).await, (journal.clone(), values.clone()));
    assert_eq!(store.journal_value(id, "nothing#1").await.unwrap(), None);
    store.close().await.unwrap();

    let store = home.open();
    assert_eq!(read(&store, id).await, (journal, values));
    let report = verify(home.path()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let delete = Op::Delete { id, expect: execution.fence() };
    store.commit(Batch::new().with(delete)).await.unwrap();
    assert_eq!((count(&home, "journal"), count(&home, "packs")), (0, 0));
    assert_eq!(read(&store, id).await, (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn the_oldest_ends_are_packed_first_and_no_more_than_asked_for() {
    let home = Home::new();
    let store = home.open();
    let entries = every_form();
    let mut executions = Vec::new();
    for (n, end) in [50, 20, 40, 30].into_iter().enumerate() {
        executions.push(ended(&store, &n.to_string(), &entries[..3], end).await);
    }
    ended(&store, "no journal", &[], 10).await;
    let packed = |home: &Home| {
        let conn = rusqlite::Connection::open(home.path()).unwrap();
        let mut statement = conn.prepare("SELECT number FROM packs ORDER BY number").unwrap();
        let numbers = statement.query_map([], |row| row.get(0)).unwrap();
        numbers.collect::<Result<Vec<i64>, _>>().unwrap()
    };
    assert_eq!(compact(&store, at(99), 2).await, 2);
    assert_eq!(packed(&home), [2, 4]);
    assert_eq!(compact(&store, at(45), 9).await, 1);
    assert_eq!(packed(&home), [2, 3, 4]);
    for execution in &executions {
        assert_eq!(read(&store, execution.id()).await.0, entries[..3]);
    }
}

#[tokio::test]
async fn a_very_large_result_is_left_out_of_the_journal_and_read_by_itself() {
    let home = Home::new();
    let store = home.open();
    let (execution, insert) = claimed("f", "k", worker());
    store.commit(insert).await.unwrap();
    let value = json!("x".repeat(20_000_000));
    let entry = JournalEntry::done("large#1", JournalKind::Step, value.clone(), at(2));
    store.commit(Batch::new().journal(&execution, entry)).await.unwrap();
    let id = execution.id();
    let journal = store.journal(id).await.unwrap();
    assert_eq!(journal[0].outcome(), Some(&Outcome::Spilled { bytes: 20_000_002 }));
    assert_eq!(store.journal_value(id, "large#1").await.unwrap(), Some(value));
}

#[tokio::test]
async fn a_result_that_was_left_out_can_not_be_written_back() {
    let home = Home::new();
    let store = home.open();
    let (execution, insert) = claimed("f", "k", worker());
    store.commit(insert).await.unwrap();
    let entry = JournalEntry::intent("a#1", JournalKind::Step, at(2))
        .with_outcome(Outcome::Spilled { bytes: 9 }, at(3));
    let error = store.commit(Batch::new().journal(&execution, entry)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unstorable { .. }), "{error}");
    assert_eq!(store.journal(execution.id()).await.unwrap(), []);
}

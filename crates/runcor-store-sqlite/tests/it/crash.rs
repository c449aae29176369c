//! Death at any moment: every commit that was answered is there afterwards.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use runcor_core::{
    Batch, ClaimRequest, Event, ExecutionId, ExecutionState, JournalEntry, JournalKind,
    LedgerEntry, LedgerFilter, MemoryOwner, MemorySpace, Money, Op, Store, StoreError, Timestamp,
};
use runcor_store_sqlite::{SqliteConfig, SqliteStore, verify};
use serde_json::json;

use crate::support::{Home, at, claimed, complete, flow, step, worker};
use crate::wealth::{global, remember, reservation};

const DATABASE: &str = "RUNCOR_TEST_CRASHING_DATABASE";
const ROUND: &str = "RUNCOR_TEST_CRASHING_ROUND";
const ROUNDS: u64 = 10;
const WRITERS: usize = 16;
/// What may be spent without anybody adding to it.
const LIMIT: Money = Money::from_nanos(500);

/// The process that dies: writes as fast as it can and tells of every answer.
#[test]
fn the_dying_process_writes_and_tells() {
    let Some(path) = std::env::var_os(DATABASE) else { return };
    let round = std::env::var(ROUND).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(SqliteStore::open(path, SqliteConfig::default()).unwrap());
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, round) = (Arc::clone(&store), round.clone());
                tokio::spawn(async move {
                    for n in 0.. {
                        run_once(&store, &format!("{round}/{writer}/{n}")).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn run_once(store: &SqliteStore, key: &str) {
    let (mut execution, insert) = claimed("f", key, worker());
    store.commit(insert).await.unwrap();
    tell("inserted", execution.id());
    let row = reserve(store, key).await;
    let entry = JournalEntry::done("step#1", JournalKind::Step, json!(key), at(2));
    let id = execution.id();
    let batch = Batch::new().journal(&execution, entry).with(Op::Settle(Box::new(row)));
    let note = Op::Remember(Box::new(remember(id, "k", at(2))));
    store.commit(batch.with(note)).await.unwrap();
    tell("recorded", id);
    store.commit(step(&mut execution, complete(json!({ "of": key })), at(3))).await.unwrap();
    tell("completed", id);
}

/// Sets money aside; where the budget has no room any more, somebody adds to it.
async fn reserve(store: &SqliteStore, key: &str) -> LedgerEntry {
    loop {
        let new = reservation(key, Money::from_nanos(3), LIMIT, at(2));
        let entry = new.entry.clone();
        match store.commit(Batch::new().with(Op::Reserve(Box::new(new)))).await {
            Ok(_) => return entry,
            Err(StoreError::OverBudget(_)) => {
                let (account, amount) = (Box::new(global(at(2))), Money::from_nanos(500));
                store.commit(Batch::new().with(Op::TopUp { account, amount })).await.unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn tell(what: &str, id: ExecutionId) {
    // One write a line, so that death can't cut a line in two.
    std::io::stdout().write_all(format!("{what} {id}\n").as_bytes()).unwrap();
}

/// Starts the process, kills it after so many answers, and returns all that it told.
fn kill_after(answers: usize, round: u64, home: &Home) -> HashMap<ExecutionId, String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::the_dying_process_writes_and_tells", "--nocapture"])
        .env(DATABASE, home.path())
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = HashMap::new();
    let mut seen = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        // The test harness shares the first line.
        let line = line.rsplit("... ").next().unwrap_or_default().to_owned();
        let Some((what, id)) = line.split_once(' ') else { continue };
        let Ok(id) = id.parse() else { continue };
        told.insert(id, what.to_owned());
        seen += 1;
        if seen == answers {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(seen >= answers, "the process ended by itself");
    told
}

#[tokio::test]
async fn every_answered_commit_is_there_after_the_process_was_killed() {
    let home = Home::new();
    let mut told = HashMap::new();
    for round in 0..ROUNDS {
        let answers = usize::try_from(1 + (round * 7_919) % 1_500).unwrap();
        told.extend(kill_after(answers, round, &home));
        assert_eq!(verify(home.path()).unwrap().findings, [], "as the death has left it");
        let store = home.open();
        check_answers(&store, &told).await;
        check_events(&store).await;
        check_money(&store, &told).await;
        check_claims(&store, &told).await;
    }
    assert_eq!(verify(home.path()).unwrap().findings, []);
}

async fn check_answers(store: &SqliteStore, told: &HashMap<ExecutionId, String>) {
    for (id, what) in told {
        let found = store.execution(*id).await.unwrap().expect("an answered insert is there");
        let journal = store.journal(*id).await.unwrap().len();
        match what.as_str() {
            "inserted" => {}
            "recorded" => assert_eq!(journal, 1, "an answered entry is there"),
            _ => assert_eq!((journal, found.state()), (1, ExecutionState::Complete)),
        }
    }
}

/// No limit is exceeded; a row of the ledger is there with the entry that it pays for;
/// and what the dead had set aside is settled as lost.
async fn check_money(store: &SqliteStore, told: &HashMap<ExecutionId, String>) {
    let lapse = Op::Lapse { now: Timestamp::MAX, limit: 1_000 };
    let lapsed = store.commit(Batch::new().with(lapse)).await.unwrap().lapsed;
    assert!(lapsed <= WRITERS, "{lapsed}");
    let ledger = store.ledger();
    let Some(account) = ledger.budget_account(&global(at(2))).await.unwrap() else { return };
    assert!(account.spent <= LIMIT + account.topped_up);
    assert_eq!(account.reserved, Money::ZERO);
    let total = ledger.ledger_totals(&LedgerFilter::default(), None).await.unwrap();
    assert_eq!(total[0].cost, account.spent);
    let paid = told.values().filter(|what| what.as_str() != "inserted").count();
    assert!(total[0].count >= u64::try_from(paid).unwrap());
    for (id, what) in told {
        if what != "inserted" {
            let space = MemorySpace { tenant: None, owner: MemoryOwner::Session(*id) };
            assert!(store.memories().memory(&space, "k", at(3)).await.unwrap().is_some());
        }
    }
}

/// A record and its events are one commit: they are there together or not at all.
async fn check_events(store: &SqliteStore) {
    let events = store.events(0, usize::MAX).await.unwrap();
    let first = events.first().unwrap().seq;
    let mut ended = 0;
    for (expected, record) in (first..).zip(&events) {
        assert_eq!(record.seq, expected);
        if let Event::ExecutionComplete(complete) = &record.event {
            ended += 1;
            let found = store.execution(complete.execution_id).await.unwrap().unwrap();
            assert_eq!((found.state(), &found.status.result), (complete.state, &complete.result));
        }
    }
    let query = runcor_core::ExecutionQuery {
        state: Some(ExecutionState::Complete),
        limit: usize::MAX,
        ..Default::default()
    };
    assert_eq!(store.executions(&query).await.unwrap().items.len(), ended);
}

/// What ran when the process died may be claimed at once, and is known as interrupted.
async fn check_claims(store: &SqliteStore, told: &HashMap<ExecutionId, String>) {
    let worker = worker();
    let lease = Op::Lease { worker, until: at(9_999_999) };
    store.commit(Batch::new().with(lease)).await.unwrap();
    let request = ClaimRequest { worker, now: at(10), limit: 1_000, flows: vec![flow("f")] };
    let claims = store.claim(request).await.unwrap();
    assert!(claims.len() <= WRITERS * usize::try_from(ROUNDS).unwrap());
    for claim in &claims {
        assert!(claim.interrupted);
        assert_ne!(told.get(&claim.execution.id()).map(String::as_str), Some("completed"));
        let mut execution = claim.execution.clone();
        store.commit(step(&mut execution, complete(json!(null)), at(11))).await.unwrap();
    }
}

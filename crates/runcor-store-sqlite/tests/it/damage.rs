//! Foreign, newer, cut off and damaged files: an answer that helps, and nothing overwritten.

use runcor_core::{Batch, Change, ClaimRequest, Execution, ExecutionQuery, Op, Store, StoreError};
use runcor_store_sqlite::{SqliteConfig, SqliteStore, verify};

use crate::support::{Home, at, flow, queued, run_to_end, step, worker};

fn refused(home: &Home) -> String {
    let before = std::fs::read(home.path()).unwrap();
    let error = SqliteStore::open(home.path(), SqliteConfig::default()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(std::fs::read(home.path()).unwrap(), before, "the file was touched");
    let text = error.to_string();
    assert!(text.contains("runcor.db") && !text.contains('\n'), "{text}");
    text
}

async fn closed_with_history(home: &Home) {
    let store = home.open();
    for n in 0..200 {
        run_to_end(&store, &n.to_string()).await;
    }
    store.close().await.unwrap();
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let home = Home::new();
    for text in ["x", "My diary. Dear diary, today I ", &"nothing of SQLite ".repeat(500)] {
        std::fs::write(home.path(), text).unwrap();
        let text = refused(&home);
        assert!(text.contains("not an SQLite database") && text.contains("move it"), "{text}");
    }
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let home = Home::new();
    home.meddle("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);");
    assert!(refused(&home).contains("another program"));
    home.meddle("PRAGMA application_id = 77; PRAGMA journal_mode = WAL;");
    assert!(refused(&home).contains("another program"));
}

#[tokio::test]
async fn a_newer_version_is_refused_and_left_alone() {
    let home = Home::new();
    closed_with_history(&home).await;
    home.meddle("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE);");
    let text = refused(&home);
    assert!(text.contains("version 99") && text.contains("newer runcor"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_refused_and_left_alone() {
    let home = Home::new();
    closed_with_history(&home).await;
    let whole = std::fs::read(home.path()).unwrap();
    for length in [whole.len() / 2, 4096, 50] {
        std::fs::write(home.path(), whole.get(..length).unwrap()).unwrap();
        let text = refused(&home);
        assert!(text.contains("cut off") || text.contains("not an SQLite"), "{text}");
    }
    std::fs::write(home.path(), whole).unwrap();
    home.open();
}

#[test]
fn an_empty_file_becomes_a_database() {
    let home = Home::new();
    std::fs::write(home.path(), "").unwrap();
    home.open();
    home.open();
}

#[tokio::test]
async fn damaged_pages_are_errors_and_never_panics() {
    let home = Home::new();
    closed_with_history(&home).await;
    let whole = std::fs::read(home.path()).unwrap();
    let mut random = 88_172_645_463_325_252_u64;
    let mut noticed = 0;
    for _ in 0..60 {
        let mut broken = whole.clone();
        for _ in 0..40 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let place = usize::try_from(random).unwrap() % broken.len();
            *broken.get_mut(place.max(100)).unwrap() = random.to_le_bytes()[0];
        }
        std::fs::write(home.path(), broken).unwrap();
        let checked = verify(home.path());
        noticed += usize::from(!checked.is_ok_and(|report| report.is_sound()));
        let Ok(store) = SqliteStore::open(home.path(), SqliteConfig::default()) else { continue };
        use_everything(&store).await;
    }
    // Some of the damage is to free space and to texts that stay readable.
    assert!(noticed > 40, "{noticed} of 60 were noticed");
}

/// Calls every method; answers and errors are both fine.
async fn use_everything(store: &SqliteStore) {
    let query = ExecutionQuery { limit: 1_000, flow: Some(flow("f")), ..Default::default() };
    for page in [store.executions(&query).await, store.executions(&Default::default()).await] {
        for execution in page.map(|page| page.items).unwrap_or_default() {
            let _ = store.execution(execution.id()).await;
            let _ = store.journal(execution.id()).await;
            let _ = store.journal_value(execution.id(), "step#1").await;
        }
    }
    let _ = store.events(0, 10_000).await;
    let _ = store.last_event().await;
    let _ = store.due_waits(at(99), 10).await;
    let _ = store.next_due(at(0)).await;
    let sweep = Op::Sweep { now: at(9_999_999), limit: 50, max_bytes: None };
    let _ = store.commit(Batch::new().with(sweep)).await;
    let compact = Op::Compact { ended_before: at(9_999_999), limit: 50 };
    let _ = store.commit(Batch::new().with(compact)).await;
    let _ = store.commit(Batch::new().insert(queued("f", "new"))).await;
    let _ = store.claim(claim(10)).await;
    store.close().await.unwrap();
}

fn claim(limit: usize) -> ClaimRequest {
    ClaimRequest { worker: worker(), now: at(50), limit, flows: vec![flow("f")] }
}

#[tokio::test]
async fn a_damaged_record_is_named_and_does_not_hide_the_others() {
    for damage in [
        "transitions = x'0102'",
        "transitions = x'ff0000000000000000'",
        "input = '{'",
        "state = CASE state WHEN 0 THEN 17 ELSE state END",
        "flow = ''",
        "owner = x'01'",
        "version = -1",
        "retries = 99999999999",
        "result = 'nope'",
        "wait = '[]'",
        "input = CAST(x'ff' AS TEXT)",
    ] {
        let home = Home::new();
        let store = home.open();
        let bad = queued("f", "bad");
        let good = queued("f", "good");
        for execution in [&bad, &good] {
            store.commit(Batch::new().insert(execution.clone())).await.unwrap();
        }
        home.meddle(&format!("UPDATE executions SET {damage} WHERE key = 'bad'"));
        let error = store.execution(bad.id()).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{damage}: {error}");
        assert!(error.to_string().contains(&bad.id().to_string()), "{damage}: {error}");
        assert!(store.executions(&ExecutionQuery::default()).await.is_err());
        let worker = worker();
        let lease = Op::Lease { worker, until: at(9_999) };
        store.commit(Batch::new().with(lease)).await.unwrap();
        let mut claimed = Vec::new();
        for _ in 0..2 {
            let claims = store.claim(ClaimRequest { worker, ..claim(1) }).await.unwrap();
            claimed.extend(claims.into_iter().map(|claim| claim.execution.id()));
        }
        assert_eq!(claimed, [good.id()], "{damage}");
    }
}

#[tokio::test]
async fn a_damaged_wait_does_not_keep_others_waiting() {
    let home = Home::new();
    let store = home.open();
    let mut waiting: Vec<Execution> = Vec::new();
    for key in ["bad", "good"] {
        let mut execution = queued("f", key);
        store.commit(Batch::new().insert(execution.clone())).await.unwrap();
        for change in [
            Change::Claim { worker: worker() },
            Change::Wait { pause: Default::default(), due: Some(at(5)) },
        ] {
            store.commit(step(&mut execution, change, at(1))).await.unwrap();
        }
        waiting.push(execution);
    }
    home.meddle("UPDATE executions SET wait_data = '}' WHERE key = 'bad'");
    let expired = store.due_waits(at(6), 1).await.unwrap();
    assert_eq!(expired, waiting.split_off(1));
}

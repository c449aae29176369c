//! The offline check: silent about what the store writes, and not about anything else.

use runcor_core::{
    Batch, Change, Execution, ExecutionId, JournalEntry, JournalKind, Money, Op, Parent, Spend,
    Store, StoreError, Suspension, WaitKind,
};
use runcor_store_sqlite::{SqliteStore, verify};
use serde_json::json;

use crate::support::{Home, at, claimed, complete, queued, step, worker};
use crate::wealth::{cents, evaluation, flag, remember, reservation, take};

async fn write(store: &SqliteStore, batch: Batch) {
    store.commit(batch).await.unwrap();
}

/// A database with something of everything: a caller that waits for its child,
/// journals packed and not, a large input, results, a failure.
async fn furnish(home: &Home) {
    let store = home.open();
    let (mut caller, insert) = claimed("f", "caller", worker());
    write(&store, insert).await;
    let call = JournalEntry::intent("call#1", JournalKind::Call, at(2));
    write(&store, Batch::new().journal(&caller, call)).await;
    let child = child_of(&caller);
    write(&store, Batch::new().insert(child.clone())).await;
    let pause = Suspension {
        kind: WaitKind::Call,
        path: Some("call#1".to_owned()),
        wake_at: Some(at(90)),
        awaits: vec![child.id()],
        ..Suspension::default()
    };
    let wait = Change::Wait { pause: Box::new(pause), due: Some(at(80)) };
    write(&store, step(&mut caller, wait, at(5))).await;

    for key in ["packed", "ended"] {
        let (mut execution, insert) = claimed("f", key, worker());
        write(&store, insert).await;
        for n in 1..4 {
            let spend = Spend {
                provider: "mock".to_owned(),
                model: "m".to_owned(),
                usage: Default::default(),
                cost: Some(Money::from_nanos(n)),
            };
            let entry = JournalEntry {
                spend: Some(spend),
                ..JournalEntry::done(format!("m#{n}"), JournalKind::Model, json!({ "n": n }), at(n))
            };
            write(&store, Batch::new().journal(&execution, entry)).await;
        }
        let large = json!("lorem ".repeat(3_000));
        let large = JournalEntry::done("large#1", JournalKind::Step, large, at(4));
        write(&store, Batch::new().journal(&execution, large)).await;
        write(&store, step(&mut execution, complete(json!(1)), at(6))).await;
        if key == "packed" {
            write(&store, Batch::new().with(Op::Compact { ended_before: at(7), limit: 1 })).await;
        }
    }
    let input = json!("x".repeat(5_000));
    write(&store, Batch::new().insert(crate::support::with_input("f", "large", input))).await;
    furnish_governance(&store, caller.id()).await;
    store.close().await.unwrap();
}

/// A settled and an open reservation, a window, memories, an evaluation and a flag.
async fn furnish_governance(store: &SqliteStore, id: ExecutionId) {
    let settled = reservation("ada", cents(5), cents(90), at(3));
    let entry = settled.entry.clone();
    write(store, Batch::new().with(Op::Reserve(Box::new(settled)))).await;
    write(store, Batch::new().with(Op::Settle(Box::new(entry)))).await;
    let open = reservation("bob", cents(7), cents(90), at(4));
    write(store, Batch::new().with(Op::Reserve(Box::new(open)))).await;
    write(store, Batch::new().with(Op::Take(Box::new(take(at(4)))))).await;
    for key in ["a", "b"] {
        write(store, Batch::new().with(Op::Remember(Box::new(remember(id, key, at(4)))))).await;
    }
    let judged = Op::Evaluate(Box::new(evaluation(id, at(5))));
    let flag = Op::Flag { flag: Box::new(flag(id, at(5))), expect: None };
    write(store, Batch::new().with(judged).with(flag)).await;
}

fn child_of(caller: &Execution) -> Execution {
    let mut child = queued("f", "child");
    let mut spec = (*child.spec).clone();
    spec.parent =
        Some(Parent { id: caller.id(), path: "call#1".to_owned(), request: None, depth: 1 });
    child.spec = spec.into();
    child
}

#[tokio::test]
async fn a_sound_database_has_no_findings_and_the_numbers_tell_what_is_in_it() {
    let home = Home::new();
    furnish(&home).await;
    let report = verify(home.path()).unwrap();
    assert_eq!(report.findings, []);
    let checked = &report.checked;
    assert_eq!((checked.executions, checked.journal_entries), (5, 9));
    assert_eq!((checked.packed_journals, checked.large_results, checked.events), (1, 2, 8));
    assert_eq!((checked.ledger_rows, checked.accounts, checked.reservations), (1, 3, 1));
    assert_eq!(checked.memories, 2);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["checked"]["journalEntries"], 9);
}

#[tokio::test]
async fn every_rule_is_broken_by_something_and_says_so() {
    let home = Home::new();
    furnish(&home).await;
    let sound = std::fs::read(home.path()).unwrap();
    let mut unnoticed = Vec::new();
    for (rule, damage) in [
        (
            "file-is-sound",
            "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'executions_user'",
        ),
        ("records-can-be-read", "UPDATE executions SET transitions = x'01' WHERE key = 'packed'"),
        ("records-can-be-read", "DELETE FROM inputs"),
        (
            "states-follow-the-edges",
            "UPDATE executions SET state = 0, ready = due WHERE key = 'caller'",
        ),
        ("states-follow-the-edges", "UPDATE executions SET transitions = x'' WHERE key = 'ended'"),
        ("ends-are-final", "UPDATE executions SET result = NULL WHERE key = 'ended'"),
        ("ends-are-final", "UPDATE executions SET completed_at = NULL WHERE key = 'packed'"),
        ("ends-are-final", "UPDATE executions SET owner = id WHERE key = 'ended'"),
        ("counts-are-sane", "UPDATE executions SET version = 2 WHERE key = 'ended'"),
        ("counts-are-sane", "UPDATE executions SET epoch = 0 WHERE key = 'ended'"),
        ("counts-are-sane", "UPDATE executions SET retries = 1 WHERE key = 'ended'"),
        ("counts-are-sane", "UPDATE executions SET resumes = 1 WHERE key = 'ended'"),
        ("waits-are-whole", "UPDATE executions SET wait = NULL WHERE key = 'caller'"),
        ("waits-are-whole", "UPDATE executions SET due = due + 11 WHERE key = 'caller'"),
        ("waits-are-whole", "UPDATE executions SET wait = '{\"since\":1}' WHERE key = 'ended'"),
        ("columns-agree", "UPDATE executions SET ready = 7 WHERE key = 'ended'"),
        ("columns-agree", "UPDATE executions SET ready = NULL WHERE key = 'child'"),
        ("columns-agree", "UPDATE executions SET parent = id WHERE key = 'child'"),
        ("columns-agree", "UPDATE executions SET unpacked = 7 WHERE key = 'ended'"),
        (
            "columns-agree",
            "INSERT INTO inputs SELECT number, '1' FROM executions WHERE key = 'child'",
        ),
        ("rows-belong-to-executions", "DELETE FROM executions WHERE key = 'large'"),
        ("rows-belong-to-executions", "DELETE FROM executions WHERE key = 'packed'"),
        ("rows-belong-to-executions", "UPDATE journal SET number = 77 WHERE path = 'call#1'"),
        ("journals-can-be-read", "UPDATE journal SET value = '{' WHERE path = 'm#1'"),
        ("journals-can-be-read", "UPDATE journal SET spend = '{}' WHERE path = 'm#1'"),
        ("journals-can-be-read", "UPDATE packs SET body = substr(body, 1, 20)"),
        ("entries-are-whole", "UPDATE journal SET outcome = NULL WHERE path = 'm#1'"),
        ("entries-are-whole", "UPDATE journal SET at = NULL WHERE path = 'm#1'"),
        ("entries-are-whole", "UPDATE journal SET value = NULL WHERE path = 'm#1'"),
        ("entries-are-whole", "UPDATE journal SET outcome = 9 WHERE path = 'm#1'"),
        ("entries-are-whole", "UPDATE journal SET outcome = 2 WHERE path = 'm#1'"),
        ("large-results-are-whole", "UPDATE journal SET bytes = bytes + 1 WHERE bytes IS NOT NULL"),
        ("large-results-are-whole", "UPDATE journal SET value = NULL WHERE bytes IS NOT NULL"),
        (
            "large-results-are-whole",
            "UPDATE journal SET value = substr(value, 2) WHERE typeof(value) = 'blob'",
        ),
        (
            "places-are-unique",
            "UPDATE journal SET path = 'm#1' WHERE bytes IS NOT NULL AND typeof(value) = 'blob'",
        ),
        ("packs-are-of-ended", "UPDATE packs SET number = 1"),
        (
            "money-is-not-negative",
            "UPDATE journal SET spend = json_set(spend, '$.costNanos', -99) WHERE path = 'm#3'",
        ),
        ("waits-can-end", "UPDATE executions SET state = 4 WHERE key = 'child'"),
        (
            "waits-can-end",
            "UPDATE journal SET outcome = 0, at = 1, value = '1' WHERE path = 'call#1'",
        ),
        (
            "waits-can-end",
            "UPDATE executions SET parent = x'0190f000000070008000000000000000' WHERE key = 'child'",
        ),
        ("calls-are-journaled", "DELETE FROM journal WHERE path = 'call#1'"),
        ("calls-are-journaled", "UPDATE executions SET state = 5 WHERE key = 'caller'"),
        (
            "calls-are-journaled",
            "UPDATE executions SET origin = json_set(origin, '$.parent.depth', 0)",
        ),
        ("events-have-no-gap", "DELETE FROM events WHERE seq = 3"),
        ("events-can-be-read", "UPDATE events SET body = '{}' WHERE seq = 3"),
        ("events-are-true", "UPDATE executions SET state = 5 WHERE key = 'ended'"),
        ("counters-are-known", "INSERT INTO counters VALUES ('number', -1)"),
        ("can-be-read", "DROP TABLE packs"),
        ("ledger-can-be-read", "UPDATE ledger SET outcome = 9"),
        ("ledger-can-be-read", "UPDATE ledger SET prompt = -1"),
        ("ledger-is-whole", "UPDATE ledger SET kind = 77"),
        ("ledger-is-whole", "UPDATE ledger SET who = kind"),
        ("ledger-is-whole", "UPDATE ledger_hours SET last = 0"),
        ("totals-are-true", "UPDATE ledger SET cost = cost + 1"),
        ("totals-are-true", "UPDATE ledger_totals SET cost = cost + 1 WHERE level = 2"),
        ("totals-are-true", "UPDATE ledger_totals SET cached = 1 WHERE level = 3 AND grp = 2"),
        ("totals-are-true", "DELETE FROM ledger_totals WHERE level = 1"),
        (
            "totals-are-true",
            "INSERT INTO ledger_totals VALUES (9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
        ),
        ("totals-are-true", "UPDATE ledger_groups SET cut = 7 WHERE cut = 3"),
        ("reservations-are-whole", "UPDATE reservations SET lapses = NULL"),
        ("reservations-are-whole", "UPDATE reservations SET entry = '{}'"),
        ("reservations-are-whole", "UPDATE reservations SET holds = x'00'"),
        ("reservations-are-whole", "UPDATE ledger SET id = (SELECT id FROM reservations)"),
        ("accounts-fit-reservations", "UPDATE accounts SET reserved = reserved + 1"),
        ("accounts-fit-reservations", "UPDATE accounts SET holds = holds + 1"),
        ("accounts-fit-reservations", "UPDATE accounts SET forget = 1 WHERE until IS NOT NULL"),
        ("accounts-fit-reservations", "DELETE FROM accounts WHERE subject = 'bob'"),
        ("accounts-fit-reservations", "DELETE FROM reservations"),
        ("accounts-can-be-read", "UPDATE accounts SET scope = 9 WHERE subject = 'bob'"),
        ("accounts-can-be-read", "UPDATE accounts SET window = 'weekly' WHERE subject = 'bob'"),
        ("windows-can-be-read", "UPDATE rates SET window = x'00'"),
        ("windows-can-be-read", "UPDATE rates SET scope = 'planet'"),
        ("memories-can-be-read", "UPDATE memories SET value = '{'"),
        ("memories-are-whole", "UPDATE memories SET version = 999"),
        ("memories-are-whole", "UPDATE memories SET space = 9 WHERE key = 'a'"),
        ("memories-are-whole", "UPDATE memory_spaces SET entries = 1"),
        ("memories-are-whole", "UPDATE memory_spaces SET scope = 'planet'"),
        ("quality-can-be-read", "UPDATE evaluations SET body = '{}'"),
        ("quality-can-be-read", "UPDATE flags SET status = 'odd'"),
        ("quality-can-be-read", "UPDATE flags SET source = 'odd'"),
        ("columns-agree", "UPDATE evaluations SET flow = 'other'"),
    ] {
        std::fs::write(home.path(), &sound).unwrap();
        home.meddle(damage);
        let report = verify(home.path()).unwrap();
        let rules: Vec<_> = report.findings.iter().map(|finding| finding.rule).collect();
        if !rules.contains(&rule) {
            unnoticed.push(format!("{rule} by {damage}: {:?}", report.findings));
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

#[tokio::test]
async fn a_report_stays_short_and_counts_what_it_leaves_out() {
    let home = Home::new();
    let store = home.open();
    for n in 0..150 {
        write(&store, Batch::new().insert(queued("f", &n.to_string()))).await;
    }
    store.close().await.unwrap();
    home.meddle("UPDATE executions SET version = 0, resumes = 1");
    let report = verify(home.path()).unwrap();
    assert_eq!((report.findings.len(), report.left_out), (200, 250));
    assert!(!report.is_sound());
}

#[tokio::test]
async fn a_live_database_is_checked_while_its_owner_writes() {
    let home = Home::new();
    let store = home.open();
    for n in 0..50 {
        let (mut execution, insert) = claimed("f", &n.to_string(), worker());
        write(&store, insert).await;
        assert_eq!(verify(home.path()).unwrap().findings, []);
        write(&store, step(&mut execution, complete(json!(n)), at(9))).await;
    }
    let report = verify(home.path()).unwrap();
    assert_eq!((report.checked.executions, report.findings.len()), (50, 0));
}

#[test]
fn what_is_no_database_of_ours_is_refused_and_left_as_it_is() {
    let home = Home::new();
    assert!(matches!(verify(home.path()), Err(StoreError::Unavailable { .. })));
    assert!(!home.path().exists());
    let directory = verify(home.path().parent().unwrap());
    assert!(matches!(directory, Err(StoreError::Unavailable { .. })));
    for content in ["", "hello"] {
        std::fs::write(home.path(), content).unwrap();
        let error = verify(home.path()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(home.path()).unwrap(), content);
    }
    std::fs::remove_file(home.path()).unwrap();
    home.meddle("CREATE TABLE theirs (x)");
    assert!(verify(home.path()).unwrap_err().to_string().contains("another program"));
}

#[test]
fn of_an_older_version_the_file_and_the_events_are_checked() {
    let home = Home::new();
    std::fs::write(home.path(), include_bytes!("../fixtures/version-1.db")).unwrap();
    let report = verify(home.path()).unwrap();
    assert_eq!((report.version, report.checked.events, report.findings.len()), (1, 40, 0));
    home.meddle("DELETE FROM events WHERE seq = 3");
    assert!(!verify(home.path()).unwrap().is_sound());
}

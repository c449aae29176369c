//! Entries of journals come back as they went in, small ones and big ones.

use serde_json::{Value, json};

use runcor_core::{
    JournalEntry, JournalKind, Money, Outcome, RequestHash, Spend, StepFailure, Timestamp, Usage,
};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{big, done, intent};
use crate::store_suite::subject::{Subject, at, sample, worker};

fn spend(cost: Option<Money>) -> Spend {
    let usage = Usage {
        prompt_tokens: u64::from(u32::MAX) * 9,
        completion_tokens: 2,
        cached_tokens: 3,
        reasoning_tokens: 4,
        estimated: true,
    };
    Spend { provider: "anthropic".to_owned(), model: "große-Schwester-4".to_owned(), usage, cost }
}

/// Makes entries in which, taken together, every field has every shape.
pub(super) fn full() -> Vec<JournalEntry> {
    let failure = |code: Option<&str>| {
        let code = code.map(ToOwned::to_owned);
        Outcome::Failed(StepFailure { code, message: "no \u{1f4b3}, no refund".to_owned() })
    };
    let mut entries: Vec<_> = JournalKind::ALL
        .into_iter()
        .map(|kind| JournalEntry::intent(format!("{}#1", kind.as_str()), kind, at(1)))
        .collect();
    let bare = |path: &str| intent(&format!("full/{path}"));
    let (cost, zero) = (Some(Money::from_nanos(1_234_567)), Some(Money::from_nanos(0)));
    entries.extend([
        JournalEntry { request: Some(RequestHash::from_bytes([0xff; 16])), ..bare("request#1") },
        JournalEntry { request: Some(RequestHash::from_bytes([0; 16])), ..bare("request#2") },
        JournalEntry { attempts: u32::MAX, begun: Timestamp::MAX, ..bare("attempts#1") },
        JournalEntry { attempts: 0, begun: Timestamp::from_millis(i64::MIN), ..bare("attempts#2") },
        bare("note#1").with_note(json!({ "until": 9, "of": [null, { "x": "y" }] })),
        bare("note#2").with_note(Value::Null),
        bare("note#3").with_note(big('n')),
        bare("done#1").with_outcome(Outcome::Done(json!([1, "two", null])), at(99)),
        bare("done#2").with_outcome(Outcome::Done(Value::Null), at(0)),
        bare("failed#1").with_outcome(failure(Some("CARD_REFUSED")), at(5)),
        bare("failed#2").with_outcome(failure(None), Timestamp::MAX),
        bare("not_done#1").with_outcome(Outcome::NotDone, at(6)),
        JournalEntry { spend: Some(spend(cost)), ..bare("spend#1") },
        JournalEntry { spend: Some(spend(zero)), ..bare("spend#2") },
        JournalEntry { spend: Some(spend(None)), ..bare("spend#3") },
        JournalEntry { reused: true, ..done("full/reused#1", json!(1)) },
        JournalEntry {
            request: Some(RequestHash::of(&json!({ "prompt": "?" }))),
            attempts: 3,
            begun: at(-5),
            note: Some(json!("note")),
            spend: Some(spend(cost)),
            reused: true,
            ..JournalEntry::done("full/all#1", JournalKind::Model, big('v'), at(44))
        },
    ]);
    entries
}

pub(crate) async fn every_field_of_an_entry_is_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let entries = full();
    for entry in &entries {
        subject.write(&execution, entry.clone()).await;
    }
    expect_same(&subject.journal(execution.id()).await, &entries);
}

/// Compares one by one: a megabyte is not to be read in a message.
pub(super) fn expect_same(found: &[JournalEntry], expected: &[JournalEntry]) {
    let paths = |entries: &[JournalEntry]| -> Vec<String> {
        entries.iter().map(|entry| entry.path.clone()).collect()
    };
    assert_eq!(paths(found), paths(expected), "expected the same entries in the same order");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found == expected, "expected every field of {} to be kept", expected.path);
    }
}

pub(crate) async fn results_of_every_size_are_read_whole(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let mut entries = Vec::new();
    for power in 0..=20 {
        for extra in [-3_i32, 0, 1] {
            let size = usize::try_from((1_i32 << power) + extra).unwrap_or(0);
            entries.push(done(&format!("step#{}", entries.len() + 1), json!("ü".repeat(size))));
        }
    }
    for entry in &entries {
        subject.write(&execution, entry.clone()).await;
    }
    expect_same(&subject.journal(execution.id()).await, &entries);
    for entry in &entries {
        let value = subject.journal_value(execution.id(), &entry.path).await;
        let is_whole = value.map(Outcome::Done).as_ref() == entry.outcome();
        assert!(is_whole, "expected the whole result at {}", entry.path);
    }
}

pub(crate) async fn only_a_result_is_found_by_its_path(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let other = subject.running(sample(), worker(), at(1)).await;
    subject.write(&other, done("other#1", json!(1))).await;
    let failure = StepFailure { code: None, message: "no".to_owned() };
    for entry in [
        intent("begun#1").with_note(json!("note")),
        intent("failed#1").with_outcome(Outcome::Failed(failure), at(2)),
        intent("not_done#1").with_outcome(Outcome::NotDone, at(2)),
        done("null#1", Value::Null),
    ] {
        subject.write(&execution, entry).await;
    }
    let null = subject.journal_value(execution.id(), "null#1").await;
    assert_eq!(null, Some(Value::Null), "expected null, which is a result");
    for path in ["begun#1", "failed#1", "not_done#1", "other#1", "unknown#1", ""] {
        let value = subject.journal_value(execution.id(), path).await;
        assert_eq!(value, None, "expected no result at {path:?}");
    }
    let stranger = sample().build();
    let value = subject.journal_value(stranger.id(), "null#1").await;
    assert_eq!(value, None, "expected no result of a stranger");
}

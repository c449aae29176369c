//! Intents and answers: one entry at a path, which keeps its place, and an answer that stays.

use serde_json::{Value, json};

use runcor_core::{
    Batch, Change, JournalEntry, JournalKind, Outcome, RequestHash, StepFailure, StoreError,
};

use super::concurrency::at_once;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{big, done, intent, journal_op, replace_op};
use crate::store_suite::subject::{Subject, at, fail, sample, worker};

fn failure(path: &str) -> JournalEntry {
    let failure = StepFailure { code: None, message: "refused".to_owned() };
    intent(path).with_outcome(Outcome::Failed(failure), at(2))
}

fn not_done(path: &str) -> JournalEntry {
    intent(path).with_outcome(Outcome::NotDone, at(2))
}

pub(crate) async fn an_answer_takes_the_place_of_its_intent(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    subject.write(&execution, intent("a#1")).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, [intent("a#1")], "expected the intent");
    subject.write(&execution, done("a#1", json!(7))).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, [done("a#1", json!(7))], "expected the answer alone");
}

pub(crate) async fn entries_keep_the_order_in_which_their_places_were_met(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    for path in ["c#1", "a#1", "b#1"] {
        subject.write(&execution, intent(path)).await;
    }
    subject.write(&execution, done("b#1", json!(2))).await;
    subject.write(&execution, intent("d#1")).await;
    subject.write(&execution, done("c#1", json!(1))).await;
    subject.commit(Batch::new().with(replace_op(&execution, done("b#1", json!(3))))).await;
    let expected = [done("c#1", json!(1)), intent("a#1"), done("b#1", json!(3)), intent("d#1")];
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, expected, "expected every entry where its place was first met");
}

pub(crate) async fn an_intent_and_its_answer_fit_in_one_batch(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let batch = Batch::new()
        .with(journal_op(&execution, intent("a#1")))
        .with(journal_op(&execution, intent("b#1")))
        .with(journal_op(&execution, done("a#1", json!(1))));
    subject.commit(batch).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, [done("a#1", json!(1)), intent("b#1")], "expected one entry at a path");
    let twice = Batch::new()
        .with(journal_op(&execution, done("b#1", json!(2))))
        .with(journal_op(&execution, done("b#1", json!(3))));
    subject.refuse(twice).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found.last(), Some(&intent("b#1")), "expected neither of two answers");
}

pub(crate) async fn an_intent_is_written_over_by_the_next_attempt(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    subject.write(&execution, intent("a#1")).await;
    subject.write(&execution, intent("b#1")).await;
    subject.change(&mut execution, Change::Release, at(3)).await;
    subject.change(&mut execution, Change::Claim { worker: worker() }, at(4)).await;
    let again = JournalEntry { attempts: 2, begun: at(5), ..intent("a#1") };
    subject.write(&execution, again.clone()).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, [again, intent("b#1")], "expected the later attempt in the same place");
}

pub(crate) async fn an_answer_is_not_written_over(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let answers =
        [done("a#1", json!(1)), done("b#1", Value::Null), failure("c#1"), done("d#1", big('d'))];
    for answer in &answers {
        subject.write(&execution, answer.clone()).await;
        let path = answer.path.as_str();
        for other in [done(path, json!("other")), failure(path), not_done(path), intent(path)] {
            subject.refuse_entry(journal_op(&execution, other), &execution).await;
        }
    }
    let found = subject.journal(execution.id()).await;
    assert!(found == answers, "expected the answers as they were first written");
}

pub(crate) async fn an_answer_is_written_over_on_request(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    subject.write(&execution, done("a#1", json!(1))).await;
    subject.write(&execution, done("b#1", json!(2))).await;
    let life = [
        failure("a#1"),
        done("a#1", big('a')),
        done("a#1", big('b')),
        done("a#1", json!(3)),
        intent("a#1"),
    ];
    for next in life {
        subject.commit(Batch::new().with(replace_op(&execution, next.clone()))).await;
        let found = subject.journal(execution.id()).await;
        assert!(
            found == [next.clone(), done("b#1", json!(2))],
            "expected the latest in the first place: {:?}",
            next.outcome().map(std::mem::discriminant)
        );
        let value = subject.journal_value(execution.id(), "a#1").await;
        let expected = match next.outcome() {
            Some(Outcome::Done(value)) => Some(value.clone()),
            _ => None,
        };
        assert!(value == expected, "expected journal_value() to agree with the journal");
    }
}

pub(crate) async fn what_did_not_happen_may_be_begun_again(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    subject.write(&execution, intent("a#1")).await;
    subject.write(&execution, intent("b#1")).await;
    subject.write(&execution, not_done("a#1")).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, [not_done("a#1"), intent("b#1")], "expected the decision in its place");
    let again = JournalEntry { attempts: 2, begun: at(5), ..intent("a#1") };
    subject.write(&execution, again).await;
    subject.write(&execution, done("a#1", json!("at last"))).await;
    let found = subject.journal(execution.id()).await;
    let expected = [done("a#1", json!("at last")), intent("b#1")];
    assert_eq!(found, expected, "expected the answer of the second attempt");
}

pub(crate) async fn nothing_of_a_replaced_entry_remains(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let full = JournalEntry {
        request: Some(RequestHash::of(&json!("asked"))),
        attempts: 9,
        reused: true,
        ..intent("a#1").with_note(json!({ "token": 1 }))
    };
    subject.write(&execution, full).await;
    let bare = JournalEntry::done("a#1", JournalKind::Model, json!(1), at(7));
    subject.write(&execution, bare.clone()).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, [bare], "expected nothing of the intent beside the answer");
}

pub(crate) async fn replacing_needs_the_present_run_too(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    subject.write(&execution, done("a#1", json!(1))).await;
    let old = execution.clone();
    subject.change(&mut execution, Change::Release, at(2)).await;
    subject.change(&mut execution, Change::Claim { worker: worker() }, at(3)).await;
    subject.refuse_entry(replace_op(&old, done("a#1", json!(2))), &execution).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, [done("a#1", json!(1))], "expected the first answer");
}

pub(crate) async fn paths_are_compared_exactly(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let long = "x".repeat(4_000);
    let paths =
        ["a#1", "A#1", "a#10", "a#1/", "a#1/a#1", "a#1 ", "%", "_#1", "é#1", "e\u{301}#1", &long];
    for (number, path) in paths.into_iter().enumerate() {
        subject.write(&execution, done(path, json!(number))).await;
    }
    for (number, path) in paths.into_iter().enumerate() {
        let value = subject.journal_value(execution.id(), path).await;
        assert_eq!(value, Some(json!(number)), "expected the result at {path:?} itself");
    }
    assert_eq!(subject.journal(execution.id()).await.len(), paths.len(), "expected each apart");
}

pub(crate) async fn one_of_twenty_answers_at_one_path_wins(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    subject.write(&execution, intent("a#1")).await;
    let answers = (0..20).map(|number| {
        let store = fixture.store();
        let op = journal_op(&execution, done("a#1", json!(number)));
        async move { (number, store.commit(Batch::new().with(op)).await) }
    });
    let mut winners = Vec::new();
    for (number, outcome) in at_once(answers).await {
        match outcome {
            Ok(_) => winners.push(done("a#1", json!(number))),
            Err(StoreError::Conflict { .. }) => {}
            Err(other) => fail(format!("expected an answer or a conflict, got: {other}")),
        }
    }
    assert_eq!(winners.len(), 1, "expected exactly one of twenty answers to win");
    assert_eq!(subject.journal(execution.id()).await, winners, "expected the winner's answer");
}

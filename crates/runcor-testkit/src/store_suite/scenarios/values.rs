//! Values come back as they went in, also at the edges.

use std::time::Duration;

use serde_json::{Value, json};

use runcor_core::{Batch, Change, JournalEntry, JournalKind, MAX_ID_BYTES, Timestamp, WaitSignal};

use crate::ExecutionBuilder;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::journal_op;
use crate::store_suite::subject::{Subject, at, must, sample, wait, worker};

/// Stores `value` as input, metadata, journal entry, wait data, resume data and result, and
/// checks that each comes back.
async fn round_trip(subject: &Subject, value: Value, what: &str) {
    let builder = sample().input(value.clone()).metadata(value.clone());
    let mut execution = subject.running(builder, worker(), at(1)).await;
    let step = JournalEntry::done("a#1", JournalKind::Step, value.clone(), at(1));
    subject.commit(Batch::new().with(journal_op(&execution, step.clone()))).await;
    let signal = WaitSignal { wait_data: Some(value.clone()), ..WaitSignal::default() };
    let life = [
        Change::Wait { pause: Box::new(signal.into()), due: None },
        Change::Resume { data: Some(value.clone()) },
        Change::Claim { worker: worker() },
        Change::Complete { result: value.clone(), expires: None },
    ];
    for change in life {
        subject.change(&mut execution, change, at(2)).await;
        let found = must(subject.find(execution.id()).await, "the execution");
        assert!(found == execution, "expected {what} to come back unchanged");
    }
    let journal = subject.journal(execution.id()).await;
    assert!(journal == [step], "expected {what} to come back from the journal");
}

pub(crate) async fn a_megabyte_of_text_comes_back_unchanged(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let text: String = ('a'..='z').cycle().take(1_000_000).collect();
    round_trip(&subject, json!({ "text": text }), "a megabyte of text").await;
}

pub(crate) async fn every_script_comes_back_unchanged(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let texts = json!([
        "",
        " ",
        "'; DROP TABLE executions; --",
        "\"quoted\" \\ back",
        "tab\tline\r\n",
        "\u{0}nul",
        "\u{1f469}\u{200d}\u{1f680}",
        "e\u{301}",
        "é",
        "שלום",
        "مرحبا",
        "你好",
        "\u{feff}",
        "\u{202e}",
        "\u{10ffff}",
        "\u{d7ff}",
        "\u{7f}"
    ]);
    round_trip(&subject, texts, "texts in every script").await;
    let names = ExecutionBuilder::new("流れ „f“").key("κλειδί").user("Ünï").tenant("👩‍🚀");
    let execution = subject.insert(names).await;
    subject.expect(&execution, "with names in other scripts").await;
    let named = runcor_core::ExecutionQuery {
        flow: Some(execution.spec.flow.clone()),
        tenant: execution.spec.tenant_id.clone(),
        ..runcor_core::ExecutionQuery::default()
    };
    assert_eq!(subject.ids(&named).await, [execution.id()], "expected it by those names");
}

pub(crate) async fn deep_json_comes_back_unchanged(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    // JSON parsers commonly stop at 128 levels.
    let deep = (0..100).fold(json!("bottom"), |inner, level| match level % 2 {
        0 => json!([inner]),
        _ => json!({ "in": inner }),
    });
    round_trip(&subject, deep, "JSON of a hundred levels").await;
}

pub(crate) async fn the_order_of_json_keys_is_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let value = json!({ "z": 1, "a": { "y": 1, "b": 2 }, "": 3, "m": 4 });
    let execution = subject.insert(sample().input(value.clone())).await;
    let found = must(subject.find(execution.id()).await, "the execution");
    let (found, wanted) = (found.spec.input.to_string(), value.to_string());
    assert_eq!(found, wanted, "expected the keys in the caller's order");
}

pub(crate) async fn numbers_at_the_edges_come_back_unchanged(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let numbers = json!([
        0,
        -1,
        i64::MAX,
        i64::MIN,
        u64::MAX,
        0.1,
        -0.0,
        1e308,
        5e-324,
        f64::MIN_POSITIVE,
        9_007_199_254_740_993_u64,
        1.0
    ]);
    let shown = numbers.to_string();
    let execution = subject.insert(sample().input(numbers.clone())).await;
    let found = must(subject.find(execution.id()).await, "the execution");
    assert_eq!(found.spec.input.to_string(), shown, "expected every number to the last digit");
    round_trip(&subject, numbers, "numbers at the edges").await;
}

pub(crate) async fn null_differs_from_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for (metadata, data) in [(None, None), (Some(Value::Null), Some(Value::Null))] {
        let mut builder = sample();
        if let Some(metadata) = metadata {
            builder = builder.metadata(metadata);
        }
        let mut execution = subject.running(builder, worker(), at(1)).await;
        let signal = WaitSignal { wait_data: data.clone(), ..WaitSignal::default() };
        subject
            .change(
                &mut execution,
                Change::Wait { pause: Box::new(signal.into()), due: None },
                at(2),
            )
            .await;
        subject.expect(&execution, &format!("with wait data {data:?}")).await;
        let resume = Change::Resume { data: data.clone() };
        subject.change(&mut execution, resume, at(3)).await;
        subject.expect(&execution, &format!("with metadata and resume data {data:?}")).await;
    }
    let mut ended = subject.running(sample(), worker(), at(1)).await;
    let null = Change::Complete { result: Value::Null, expires: None };
    subject.change(&mut ended, null, at(2)).await;
    subject.expect(&ended, "with the result null").await;
}

pub(crate) async fn identifiers_of_the_longest_kind_are_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let long = |letter: &str| letter.repeat(MAX_ID_BYTES);
    let builder = ExecutionBuilder::new(&long("f")).key(&long("k")).user(&long("u"));
    let execution = subject.insert(builder.tenant(&long("t")).session(&long("s"))).await;
    subject.expect(&execution, "with identifiers of 512 bytes").await;
    let spec = &execution.spec;
    let tenant = spec.tenant_id.as_ref();
    let found = subject.store.execution_by_key(tenant, &spec.flow, &spec.idempotency_key).await;
    assert_eq!(found.ok().flatten(), Some(execution.clone()), "expected it by its long key");
}

pub(crate) async fn instants_and_durations_at_the_edges_are_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for millis in [i64::MIN, -1, 0, i64::MAX] {
        let instant = Timestamp::from_millis(millis);
        let execution = subject.insert(sample().queued_at(instant)).await;
        subject.expect(&execution, &format!("queued at {millis}")).await;
    }
    for duration in [Duration::ZERO, Duration::from_millis(1), Duration::from_secs(10_u64.pow(12))]
    {
        let execution = subject.insert(sample().timeouts(duration, duration)).await;
        subject.expect(&execution, &format!("with timeouts of {duration:?}")).await;
    }
    let mut waiting = subject.running(sample(), worker(), at(0)).await;
    subject.change(&mut waiting, wait(Some(Timestamp::MAX)), at(1)).await;
    subject.expect(&waiting, "with a wait until the end of time").await;
}

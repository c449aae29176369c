//! Memories: values under keys, apart from each other, with versions and an end.

use serde_json::{Value, json};

use runcor_core::{
    Batch, Event, MemoryExpectation, MemoryOwner, MemorySpace, MemoryWrite, Op, StoreError,
};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::{
    expect_stale, of_flow, of_user, page_of, remember_op, remove, write,
};
use crate::store_suite::ops::impossible;
use crate::store_suite::subject::{Subject, at, fail, must, sample};

pub(crate) async fn a_value_is_kept_until_it_is_removed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_user(None, "u");
    assert_eq!(subject.value(&space, "k").await, None, "expected nothing in an empty memory");
    subject.remember(&remove(&space, "k")).await;
    for value in [json!({ "a": [1, 0.5, "ü"] }), Value::Null, json!("")] {
        subject.remember(&write(&space, "k", value.clone())).await;
        assert_eq!(subject.value(&space, "k").await, Some(value), "expected what was written");
    }
    subject.remember(&remove(&space, "k")).await;
    assert_eq!(subject.value(&space, "k").await, None, "expected nothing once it was removed");
}

pub(crate) async fn an_entry_tells_when_it_was_written(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_user(None, "u");
    let at_time = |millis, expires: Option<i64>| MemoryWrite {
        now: at(millis),
        expires: expires.map(at),
        ..write(&space, "k", json!(millis))
    };
    subject.remember(&at_time(10, Some(100))).await;
    let first = must(subject.recall(&space, "k", at(10)).await, "the entry");
    assert_eq!((first.created, first.updated), (at(10), at(10)), "expected both times");
    assert_eq!((first.key.as_str(), first.expires), ("k", Some(at(100))), "expected key and end");
    subject.remember(&at_time(20, None)).await;
    let second = must(subject.recall(&space, "k", at(100)).await, "the entry without an end");
    assert_eq!((second.created, second.updated), (at(10), at(20)), "expected the first creation");
    assert_eq!((second.value, second.expires), (json!(20), None), "expected the new value");
    subject.remember(&remove(&space, "k")).await;
    subject.remember(&at_time(30, Some(40))).await;
    let third = must(subject.recall(&space, "k", at(30)).await, "the entry");
    assert_eq!(third.created, at(30), "expected a removed key to be created anew");
    subject.remember(&at_time(40, None)).await;
    let fourth = must(subject.recall(&space, "k", at(40)).await, "the entry");
    assert_eq!(fourth.created, at(40), "expected an expired key to be created anew");
}

pub(crate) async fn memories_are_apart(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = sample().build().id();
    let session = |tenant: Option<&str>| MemorySpace {
        owner: MemoryOwner::Session(execution),
        ..of_user(tenant, "x")
    };
    let tool = |tenant: Option<&str>, name: &str| MemorySpace {
        tenant: of_user(tenant, "x").tenant,
        ..of_flow(name)
    };
    let spaces = [
        of_user(None, "a"),
        of_user(None, "A"),
        of_user(None, "a:b"),
        of_user(None, "a%"),
        of_user(None, "é"),
        of_user(None, "e\u{301}"),
        of_user(Some("a"), "a"),
        of_user(Some("a"), "b:c"),
        of_user(Some("a:b"), "c"),
        of_user(Some("A"), "a"),
        tool(None, "a"),
        tool(None, "a:b"),
        tool(Some("a"), "a"),
        tool(None, &execution.to_string()),
        of_user(None, &execution.to_string()),
        session(None),
        session(Some("a")),
    ];
    for (space, n) in spaces.iter().zip(0..) {
        subject.remember(&write(space, "k", json!(n))).await;
        subject.remember(&write(space, "b:k", json!(n))).await;
    }
    for (space, n) in spaces.iter().zip(0..) {
        let found = subject.value(space, "k").await;
        assert_eq!(found, Some(json!(n)), "expected {space:?} to have its own value");
        let page = subject.memories(&page_of(space)).await;
        let found: Vec<_> = page.items.iter().map(|e| (e.key.as_str(), e.value.clone())).collect();
        let expected = [("b:k", json!(n)), ("k", json!(n))];
        assert_eq!(found, expected, "expected {space:?} to list its own entries");
    }
    subject.commit(Batch::new().with(Op::ForgetAll(Box::new(of_user(None, "a"))))).await;
    for (space, n) in spaces.iter().zip(0..) {
        let expected = (n > 0).then(|| json!(n));
        let found = subject.value(space, "k").await;
        assert_eq!(found, expected, "expected {space:?} to keep what is its own");
    }
}

pub(crate) async fn keys_of_a_memory_are_compared_exactly(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_flow("f");
    let keys = ["k", "K", "k ", " k", "k:1", "k%", "k_", "é", "e\u{301}", "ß", "ss", "1", "1.0"];
    for key in keys {
        let absent =
            MemoryWrite { expect: MemoryExpectation::Absent, ..write(&space, key, json!(key)) };
        subject.remember(&absent).await;
    }
    for key in keys {
        assert_eq!(subject.value(&space, key).await, Some(json!(key)), "expected {key:?} itself");
    }
}

pub(crate) async fn a_value_is_absent_from_its_end_on(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_flow("f");
    let first = MemoryWrite { expires: Some(at(100)), ..write(&space, "k", json!(1)) };
    subject.remember(&first).await;
    let entry = must(subject.recall(&space, "k", at(99)).await, "the entry before its end");
    assert_eq!(subject.recall(&space, "k", at(100)).await, None, "expected none at its end");
    let page = |millis| runcor_core::MemoryQuery { now: at(millis), ..page_of(&space) };
    assert_eq!(subject.keys(&page(99)).await, ["k"], "expected it to be listed before its end");
    assert!(subject.keys(&page(100)).await.is_empty(), "expected it not to be listed any more");
    let absent = |millis| MemoryWrite {
        now: at(millis),
        expect: MemoryExpectation::Absent,
        ..write(&space, "k", json!(2))
    };
    expect_stale(&subject.refuse_write(&absent(99)).await);
    let version = MemoryExpectation::Version(entry.version);
    let late = MemoryWrite { now: at(100), expect: version, ..first };
    expect_stale(&subject.refuse_write(&late).await);
    subject.remember(&absent(100)).await;
    assert_eq!(subject.value(&space, "k").await, Some(json!(2)), "expected the new value");
}

pub(crate) async fn every_writing_has_a_version_of_its_own(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let (one, other) = (of_flow("f"), of_user(None, "f"));
    let mut versions = std::collections::HashSet::new();
    for round in 0..4 {
        for (space, key) in [(&one, "k"), (&one, "l"), (&other, "k")] {
            subject.remember(&write(space, key, json!(0))).await;
            let entry = must(subject.recall(space, key, at(0)).await, "the entry");
            assert!(versions.insert(entry.version), "expected a version that nothing had before");
        }
        if round == 2 {
            subject.remember(&remove(&one, "k")).await;
            subject.commit(Batch::new().with(Op::ForgetAll(Box::new(other.clone())))).await;
        }
    }
}

pub(crate) async fn a_write_happens_where_its_author_expects_it(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_flow("f");
    let with = |expect, value: Option<i64>| MemoryWrite {
        expect,
        value: value.map(|value| json!(value)),
        ..write(&space, "k", Value::Null)
    };
    expect_stale(&subject.refuse_write(&with(MemoryExpectation::Version(1), Some(1))).await);
    expect_stale(&subject.refuse_write(&with(MemoryExpectation::Version(0), None)).await);
    subject.remember(&with(MemoryExpectation::Absent, Some(1))).await;
    expect_stale(&subject.refuse_write(&with(MemoryExpectation::Absent, Some(2))).await);
    expect_stale(&subject.refuse_write(&with(MemoryExpectation::Absent, None)).await);
    let first = must(subject.recall(&space, "k", at(0)).await, "the entry").version;
    subject.remember(&with(MemoryExpectation::Version(first), Some(3))).await;
    expect_stale(&subject.refuse_write(&with(MemoryExpectation::Version(first), Some(4))).await);
    assert_eq!(subject.value(&space, "k").await, Some(json!(3)), "expected the second value");
    let second = must(subject.recall(&space, "k", at(0)).await, "the entry").version;
    subject.remember(&with(MemoryExpectation::Version(second), None)).await;
    assert_eq!(subject.value(&space, "k").await, None, "expected it to be removed");
    expect_stale(&subject.refuse_write(&with(MemoryExpectation::Version(second), Some(5))).await);
}

pub(crate) async fn a_refused_write_takes_back_its_batch(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let (space, other) = (of_flow("f"), of_flow("g"));
    subject.remember(&write(&space, "k", json!(1))).await;
    let before = subject.recall(&space, "k", at(0)).await;
    let events = subject.last_event().await;
    let absent = MemoryWrite { expect: MemoryExpectation::Absent, ..write(&other, "n", json!(2)) };
    let batch = Batch::new()
        .with(remember_op(&write(&space, "k", json!(9))))
        .with(remember_op(&remove(&space, "k")))
        .with(remember_op(&MemoryWrite { expires: Some(at(50)), ..write(&space, "l", json!(9)) }))
        .with(Op::Emit(Event::Ready))
        .with(remember_op(&absent))
        .with(remember_op(&absent));
    expect_stale(&subject.refuse(batch).await);
    assert_eq!(subject.recall(&space, "k", at(0)).await, before, "expected the entry of before");
    assert_eq!(subject.value(&space, "l").await, None, "expected no entry of a refused batch");
    assert_eq!(subject.value(&other, "n").await, None, "expected no entry of a refused batch");
    assert_eq!(subject.last_event().await, events, "expected no event of a refused batch");
}

pub(crate) async fn a_memory_has_no_more_keys_than_it_may(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_flow("f");
    let of = |key, expires: Option<i64>, now| MemoryWrite {
        max_entries: 2,
        now: at(now),
        expires: expires.map(at),
        ..write(&space, key, json!(key))
    };
    let full = async |key, now| match subject.refuse_write(&of(key, None, now)).await {
        StoreError::MemoryFull { max } => assert_eq!(max, 2, "expected the number of keys"),
        other => fail(format!("expected a full memory, got: {other}")),
    };
    subject.remember(&of("a", None, 0)).await;
    subject.remember(&of("b", Some(100), 0)).await;
    full("c", 99).await;
    subject.remember(&of("a", None, 99)).await;
    subject.remember(&MemoryWrite { max_entries: 2, ..write(&of_flow("g"), "c", json!(1)) }).await;
    // What has expired takes no room, also while it is not swept away.
    subject.remember(&of("c", None, 100)).await;
    full("d", 100).await;
    full("b", 100).await;
    subject.remember(&remove(&space, "a")).await;
    subject.remember(&of("d", None, 100)).await;
    let none = MemoryWrite { max_entries: 0, ..write(&of_flow("h"), "a", json!(1)) };
    let refused = subject.refuse_write(&none).await;
    assert!(matches!(refused, StoreError::MemoryFull { max: 0 }), "expected no room at all");
}

pub(crate) async fn a_memory_is_emptied_whole(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_user(Some("t"), "u");
    let forget = || Batch::new().with(Op::ForgetAll(Box::new(space.clone())));
    subject.commit(forget()).await;
    for key in ["a", "b", "c"] {
        subject
            .remember(&MemoryWrite { expires: Some(at(9)), ..write(&space, key, json!(1)) })
            .await;
    }
    let before = subject.memories(&page_of(&space)).await;
    let more = remember_op(&write(&space, "d", json!(1)));
    subject.refuse(forget().with(more.clone()).with(impossible())).await;
    assert_eq!(subject.memories(&page_of(&space)).await, before, "expected all to be there again");
    subject.commit(forget().with(more)).await;
    assert_eq!(subject.keys(&page_of(&space)).await, ["d"], "expected only what came afterwards");
}

pub(crate) async fn expired_entries_are_removed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let (one, other) = (of_flow("f"), of_user(None, "u"));
    let of = |space, key, expires: Option<i64>| MemoryWrite {
        expires: expires.map(at),
        ..write(space, key, json!(1))
    };
    for write in [
        of(&one, "a", Some(10)),
        of(&one, "b", Some(20)),
        of(&other, "a", Some(15)),
        of(&other, "c", None),
        // Written again, it ends later.
        of(&other, "d", Some(5)),
        of(&other, "d", Some(30)),
    ] {
        subject.remember(&write).await;
    }
    let expire = |millis, limit| {
        let (keep_ledger, keep_evaluations) = (None, None);
        let op = Op::Expire { now: at(millis), limit, keep_ledger, keep_evaluations };
        Batch::new().with(op)
    };
    assert_eq!(subject.commit(expire(9, 9)).await.expired, 0, "expected none before its end");
    assert_eq!(subject.commit(expire(20, 0)).await.expired, 0, "expected nothing for limit 0");
    subject.refuse(expire(20, 9).with(impossible())).await;
    assert_eq!(subject.keys(&page_of(&one)).await, ["a", "b"], "expected both to be there again");
    assert_eq!(subject.commit(expire(20, 2)).await.expired, 2, "expected as many as the limit");
    assert_eq!(subject.commit(expire(20, 9)).await.expired, 1, "expected the rest");
    assert!(subject.keys(&page_of(&one)).await.is_empty(), "expected them to be gone");
    assert_eq!(subject.keys(&page_of(&other)).await, ["c", "d"], "expected the others to stay");
    assert_eq!(subject.commit(expire(30, 9)).await.expired, 1, "expected the last to go");
    assert_eq!(subject.commit(expire(1_000, 9)).await.expired, 0, "expected no more");
}

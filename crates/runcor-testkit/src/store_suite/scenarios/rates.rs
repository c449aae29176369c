//! Rate limits: windows that slide, each counter for itself, all of a batch or none.

use std::collections::HashMap;
use std::time::Duration;

use runcor_core::{Batch, Op, RateKey, RateQueue, RateScope, RateTake, RateWindow, Timestamp};

use crate::store_suite::chance::Chance;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::{counter, expect_rate_limited, take, take_op};
use crate::store_suite::money_ops::tenant;
use crate::store_suite::ops::impossible;
use crate::store_suite::subject::{Subject, at, expect_duplicate, fail, sample};

pub(crate) async fn a_window_lets_as_many_through_as_its_limit(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let key = counter("a");
    for millis in [0, 10, 20] {
        let receipt = subject.take(&take(&key, 3, millis)).await;
        assert_eq!(receipt.turn, None, "expected what may happen now to have no turn");
    }
    let refused = subject.refuse_take(&take(&key, 3, 999)).await;
    assert_eq!((&refused.key, refused.limit, refused.count), (&key, 3, 3), "expected who and why");
    assert_eq!(refused.window, Duration::from_secs(1), "expected the window");
    assert_eq!(refused.retry_at, at(1_000), "expected when the oldest stops to count");
    assert_eq!(refused.retry_after, Duration::from_millis(1), "expected how long that is");
    subject.take(&take(&key, 3, 1_000)).await;
    subject.refuse_take(&take(&key, 3, 1_009)).await;
    subject.take(&take(&key, 3, 1_010)).await;
}

pub(crate) async fn counters_count_for_themselves(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let of = |limit: &str, scope, name: Option<&str>, subject: &str| RateKey {
        limit: limit.to_owned(),
        scope,
        tenant: name.map(tenant),
        subject: subject.to_owned(),
    };
    let mut keys = vec![
        of("l", RateScope::User, None, "a"),
        of("l2", RateScope::User, None, "a"),
        of("l", RateScope::User, None, "A"),
        of("l", RateScope::User, None, "a:b"),
        of("l", RateScope::User, None, ""),
        of("l", RateScope::User, Some("a"), ""),
        of("l", RateScope::User, Some("a"), "b"),
        of("l", RateScope::User, Some("a:b"), "c"),
        of("l", RateScope::User, Some("a"), "b:c"),
        of("l:user", RateScope::User, None, "a"),
    ];
    keys.extend(RateScope::ALL.map(|scope| of("l", scope, None, "x")));
    for key in &keys {
        subject.take(&take(key, 1, 0)).await;
    }
    for key in &keys {
        subject.refuse_take(&take(key, 1, 999)).await;
    }
}

pub(crate) async fn several_takes_happen_all_or_none(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let [a, b, c] = ["a", "b", "c"].map(counter);
    subject.take(&take(&b, 1, 0)).await;
    let batch = |millis| {
        let takes = [&a, &b, &c].map(|key| take_op(&take(key, 1, millis)));
        takes.into_iter().fold(Batch::new(), Batch::with)
    };
    let refused = expect_rate_limited(subject.refuse(batch(1)).await);
    assert_eq!(refused.key, b, "expected the limit that refuses");
    subject.commit(batch(1_000)).await;
    for key in [a, b, c] {
        subject.refuse_take(&take(&key, 1, 1_999)).await;
    }
}

pub(crate) async fn a_take_of_a_refused_batch_does_not_count(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let key = counter("a");
    let first = subject.insert(sample().key("k")).await;
    let one = || Batch::new().with(take_op(&take(&key, 2, 0)));
    subject.refuse(one().with(impossible())).await;
    let duplicate = one().insert(sample().key("k").build());
    expect_duplicate(subject.refuse(duplicate).await, &first);
    let both = one().with(take_op(&take(&key, 2, 0)));
    subject.refuse(both.clone().with(impossible())).await;
    subject.commit(both).await;
    subject.refuse_take(&take(&key, 2, 5)).await;
    subject.refuse(one().with(impossible())).await;
    let again = subject.refuse_take(&take(&key, 2, 5)).await;
    assert_eq!(again.count, 2, "expected refusals not to count");
}

pub(crate) async fn a_limit_may_change(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let key = counter("a");
    subject.take(&take(&key, 1, 0)).await;
    subject.refuse_take(&take(&key, 1, 1)).await;
    subject.take(&take(&key, 2, 1)).await;
    subject.refuse_take(&take(&key, 2, 2)).await;
    let short = |millis| RateTake { window: Duration::from_millis(100), ..take(&key, 2, millis) };
    subject.take(&short(100)).await;
    // What a shorter window forgets stays forgotten; what counts in it goes on to count.
    subject.refuse_take(&take(&key, 1, 1_099)).await;
    subject.take(&take(&key, 1, 1_100)).await;
}

async fn expire(subject: &Subject, now: Timestamp, limit: usize) -> usize {
    let (keep_ledger, keep_evaluations) = (None, None);
    let op = Op::Expire { now, limit, keep_ledger, keep_evaluations };
    subject.commit(Batch::new().with(op)).await.expired
}

pub(crate) async fn a_counter_goes_when_it_counts_nothing_any_more(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let [a, b, c] = ["a", "b", "c"].map(counter);
    subject.take(&take(&a, 2, 0)).await;
    subject.take(&take(&b, 2, 0)).await;
    subject.take(&take(&b, 2, 500)).await;
    subject.take(&take(&c, 2, 0)).await;
    assert_eq!(expire(&subject, at(999), 9).await, 0, "expected none to go that counts");
    assert_eq!(expire(&subject, at(1_000), 1).await, 1, "expected as many as the limit to go");
    assert_eq!(expire(&subject, at(1_000), 9).await, 1, "expected the rest to go");
    subject.take(&take(&b, 2, 1_001)).await;
    subject.refuse_take(&take(&b, 2, 1_002)).await;
    assert_eq!(expire(&subject, at(2_000), 9).await, 0, "expected the last take to count");
    let last = Op::Expire { now: at(2_001), limit: 9, keep_ledger: None, keep_evaluations: None };
    subject.refuse(Batch::new().with(last).with(impossible())).await;
    assert_eq!(expire(&subject, at(2_001), 9).await, 1, "expected it to go with its last take");
    for millis in [2_001, 2_002] {
        subject.take(&take(&b, 2, millis)).await;
    }
}

pub(crate) async fn every_take_is_one_of_the_state_machine(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut chance = Chance::new(5);
    let mut windows: HashMap<usize, RateWindow> = HashMap::new();
    let mut now = 0;
    for _ in 0..400 {
        now += chance.amount(120);
        let which = chance.below(3);
        let queue = RateQueue { depth: 4, timeout: Duration::from_millis(1_500) };
        let wish = RateTake {
            queue: (chance.below(2) == 0).then_some(queue),
            ..take(&counter(&which.to_string()), 4, now)
        };
        let expected = windows.entry(which).or_default().take(&wish);
        let found = subject.store.commit(Batch::new().with(take_op(&wish))).await;
        match (expected, found) {
            (Ok(turn), Ok(receipt)) => {
                let turn = Some(turn).filter(|turn| *turn > wish.now);
                assert_eq!(receipt.turn, turn, "expected the turn of {wish:?}");
            }
            (Err(refusal), Err(error)) => {
                assert_eq!(expect_rate_limited(error), *refusal, "expected the refusal");
            }
            (expected, found) => fail(format!("expected {expected:?} for {wish:?}, got {found:?}")),
        }
    }
}

//! Takes from rate limits and writes to memories, as scenarios write them.

use std::time::Duration;

use serde_json::Value;

use runcor_core::{
    Batch, MemoryEntry, MemoryExpectation, MemoryOwner, MemoryPage, MemoryQuery, MemorySpace,
    MemoryWrite, Op, RateKey, RateQueue, RateRefusal, RateScope, RateTake, Receipt, StoreError,
    Timestamp,
};

use super::money_ops::{tenant, user};
use super::subject::{Subject, at, fail, flow};

/// A counter of a user.
pub(super) fn counter(subject: &str) -> RateKey {
    RateKey {
        limit: "l".to_owned(),
        scope: RateScope::User,
        tenant: None,
        subject: subject.to_owned(),
    }
}

/// A take at `at(millis)` of a counter that lets `limit` through in a second.
pub(super) fn take(key: &RateKey, limit: u32, millis: i64) -> RateTake {
    let (window, now) = (Duration::from_secs(1), at(millis));
    RateTake { key: key.clone(), limit, window, now, queue: None }
}

/// A take that waits for its turn.
pub(super) fn queue(key: &RateKey, limit: u32, millis: i64) -> RateTake {
    let queue = RateQueue { depth: 3, timeout: Duration::from_secs(60) };
    RateTake { queue: Some(queue), ..take(key, limit, millis) }
}

pub(super) fn take_op(wish: &RateTake) -> Op {
    Op::Take(Box::new(wish.clone()))
}

/// Returns the refusal of a rate limit, or fails with what it is.
pub(super) fn expect_rate_limited(error: StoreError) -> RateRefusal {
    match error {
        StoreError::RateLimited(refusal) => *refusal,
        other => fail(format!("expected a refusal by a rate limit, got: {other}")),
    }
}

pub(super) fn of_flow(name: &str) -> MemorySpace {
    MemorySpace { tenant: None, owner: MemoryOwner::Tool(flow(name)) }
}

pub(super) fn of_user(tenant_name: Option<&str>, name: &str) -> MemorySpace {
    MemorySpace { tenant: tenant_name.map(tenant), owner: MemoryOwner::User(user(name)) }
}

/// A write at `at(0)` of a value that never expires, whatever stands there.
pub(super) fn write(space: &MemorySpace, key: &str, value: Value) -> MemoryWrite {
    MemoryWrite {
        space: space.clone(),
        key: key.to_owned(),
        value: Some(value),
        now: at(0),
        expires: None,
        expect: MemoryExpectation::Anything,
        max_entries: 1_000,
    }
}

pub(super) fn remove(space: &MemorySpace, key: &str) -> MemoryWrite {
    MemoryWrite { value: None, ..write(space, key, Value::Null) }
}

pub(super) fn remember_op(write: &MemoryWrite) -> Op {
    Op::Remember(Box::new(write.clone()))
}

/// The first page of a memory at `at(0)`.
pub(super) fn page_of(space: &MemorySpace) -> MemoryQuery {
    let (prefix, now) = (String::new(), at(0));
    MemoryQuery { space: space.clone(), prefix, after: None, limit: 1_000, now }
}

/// Checks that a write was refused because something else stands there.
pub(super) fn expect_stale(error: &StoreError) {
    if !matches!(error, StoreError::Stale { .. }) {
        fail(format!("expected what has changed in the meantime, got: {error}"));
    }
}

impl Subject {
    pub(super) async fn take(&self, wish: &RateTake) -> Receipt {
        self.commit(Batch::new().with(take_op(wish))).await
    }

    pub(super) async fn refuse_take(&self, wish: &RateTake) -> RateRefusal {
        expect_rate_limited(self.refuse(Batch::new().with(take_op(wish))).await)
    }

    pub(super) async fn remember(&self, write: &MemoryWrite) {
        self.commit(Batch::new().with(remember_op(write))).await;
    }

    pub(super) async fn refuse_write(&self, write: &MemoryWrite) -> StoreError {
        self.refuse(Batch::new().with(remember_op(write))).await
    }

    pub(super) async fn recall(
        &self,
        space: &MemorySpace,
        key: &str,
        now: Timestamp,
    ) -> Option<MemoryEntry> {
        let entry = self.store.memories().memory(space, key, now).await;
        entry.unwrap_or_else(|error| fail(format!("memory(): {error}")))
    }

    /// Returns the value at a key as things stand at `at(0)`.
    pub(super) async fn value(&self, space: &MemorySpace, key: &str) -> Option<Value> {
        self.recall(space, key, at(0)).await.map(|entry| entry.value)
    }

    pub(super) async fn memories(&self, query: &MemoryQuery) -> MemoryPage {
        let page = self.store.memories().memories(query).await;
        page.unwrap_or_else(|error| fail(format!("memories(): {error}")))
    }

    pub(super) async fn keys(&self, query: &MemoryQuery) -> Vec<String> {
        self.memories(query).await.items.into_iter().map(|entry| entry.key).collect()
    }
}

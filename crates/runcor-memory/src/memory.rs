//! One memory: typed reads, and writes that are commits.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    Batch, Clock, Error, ErrorCode, MemoryEntry, MemoryExpectation, MemoryLimits, MemoryPage,
    MemoryQuery, MemorySpace, MemoryWrite, Op, Result, Store, StoreError, expiry,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How often an update begins anew when somebody else was faster.
const MAX_RACES: usize = 100;

/// The most entries of a page.
const MAX_PAGE: usize = 1000;

/// One memory; every write is durable on return. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Memory {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    limits: MemoryLimits,
    space: MemorySpace,
}

impl Memory {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        limits: MemoryLimits,
        space: MemorySpace,
    ) -> Self {
        Self { store, clock, limits, space }
    }

    /// Returns whose memory it is.
    #[must_use]
    pub fn space(&self) -> &MemorySpace {
        &self.space
    }

    /// Returns an entry with its instants; `None` when there is none, or it has expired.
    ///
    /// # Errors
    /// `INVALID_MEMORY_KEY`, `STORAGE_…`.
    pub async fn entry(&self, key: &str) -> Result<Option<MemoryEntry>> {
        self.limits.check_key(key)?;
        Ok(self.store.memories().memory(&self.space, key, self.clock.now()).await?)
    }

    /// Returns a value.
    ///
    /// # Errors
    /// As [`entry`](Self::entry).
    pub async fn get(&self, key: &str) -> Result<Option<Value>> {
        Ok(self.entry(key).await?.map(|entry| entry.value))
    }

    /// Returns a value as `T`.
    ///
    /// # Errors
    /// As [`entry`](Self::entry), and `INVALID_MEMORY_VALUE` when it has another shape.
    pub async fn get_as<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.get(key).await?.map(|value| parsed(key, value)).transpose()
    }

    /// Sets a value that lasts.
    ///
    /// # Errors
    /// `INVALID_MEMORY_KEY`, `INVALID_MEMORY_VALUE`, `MEMORY_FULL`, `STORAGE_…`.
    pub async fn set(&self, key: &str, value: impl Serialize) -> Result<()> {
        self.write(key, Some(to_value(&value)?), None).await
    }

    /// Sets a value that expires after `ttl`; zero is never.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn set_for(&self, key: &str, value: impl Serialize, ttl: Duration) -> Result<()> {
        self.write(key, Some(to_value(&value)?), Some(ttl)).await
    }

    /// Removes a value; fine when there is none.
    ///
    /// # Errors
    /// `INVALID_MEMORY_KEY`, `STORAGE_…`.
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.write(key, None, None).await
    }

    /// Changes a value in one go and returns what stands there now; nobody
    /// writes in between. When it expires stays as it was.
    ///
    /// # Errors
    /// As [`set`](Self::set), and `MEMORY_CONFLICT` when others are always faster.
    pub async fn update(
        &self,
        key: &str,
        mut change: impl FnMut(Option<Value>) -> Option<Value>,
    ) -> Result<Option<Value>> {
        self.change(key, |before| Ok(change(before))).await
    }

    /// Changes a value of type `T` in one go; see [`update`](Self::update).
    ///
    /// # Errors
    /// As [`update`](Self::update), and `INVALID_MEMORY_VALUE` when what is
    /// there has another shape.
    pub async fn update_as<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<T>) -> Option<T>,
    ) -> Result<Option<T>> {
        let typed = |before: Option<Value>| {
            let before = before.map(|value| parsed(key, value)).transpose()?;
            change(before).map(|after| to_value(&after)).transpose()
        };
        self.change(key, typed).await?.map(|value| parsed(key, value)).transpose()
    }

    /// Returns a page of the entries whose keys begin with `prefix`, in order
    /// of the keys' bytes; at most 1000. Its `next` is the `after` of the one that follows.
    ///
    /// # Errors
    /// `STORAGE_…`.
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<MemoryPage> {
        let query = MemoryQuery {
            space: self.space.clone(),
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            limit: limit.min(MAX_PAGE),
            now: self.clock.now(),
        };
        Ok(self.store.memories().memories(&query).await?)
    }

    /// Removes every key.
    ///
    /// # Errors
    /// `STORAGE_…`.
    pub async fn clear(&self) -> Result<()> {
        self.commit(Op::ForgetAll(Box::new(self.space.clone()))).await?;
        Ok(())
    }

    async fn write(&self, key: &str, value: Option<Value>, ttl: Option<Duration>) -> Result<()> {
        let expires = expiry(self.clock.now(), ttl);
        let write = self.writing(key, value, expires, MemoryExpectation::Anything)?;
        self.commit(Op::Remember(Box::new(write))).await?;
        Ok(())
    }

    async fn change(
        &self,
        key: &str,
        mut change: impl FnMut(Option<Value>) -> Result<Option<Value>>,
    ) -> Result<Option<Value>> {
        for _ in 0..MAX_RACES {
            let found = self.entry(key).await?;
            let expect = found.as_ref().map_or(MemoryExpectation::Absent, |entry| {
                MemoryExpectation::Version(entry.version)
            });
            let expires = found.as_ref().and_then(|entry| entry.expires);
            let after = change(found.map(|entry| entry.value))?;
            let write = self.writing(key, after.clone(), expires, expect)?;
            match self.commit(Op::Remember(Box::new(write))).await {
                Err(StoreError::Stale { .. }) => {}
                ended => return Ok(ended.map(|()| after)?),
            }
        }
        let scope = self.space.owner.scope();
        let message =
            format!("key {key:?} of the {scope} memory changes too fast to be updated; try again");
        Err(Error::new(ErrorCode::MemoryConflict, message).retryable(None))
    }

    fn writing(
        &self,
        key: &str,
        value: Option<Value>,
        expires: Option<runcor_core::Timestamp>,
        expect: MemoryExpectation,
    ) -> Result<MemoryWrite> {
        self.limits.check_key(key)?;
        value.as_ref().map_or(Ok(()), |value| self.limits.check_value(value))?;
        Ok(MemoryWrite {
            space: self.space.clone(),
            key: key.to_owned(),
            value,
            now: self.clock.now(),
            expires,
            expect,
            max_entries: self.limits.max_entries,
        })
    }

    async fn commit(&self, op: Op) -> Result<(), StoreError> {
        self.store.commit(Batch::new().with(op)).await.map(drop)
    }
}

fn to_value(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        let message = format!("a memory's value can't be written as JSON: {error}");
        Error::new(ErrorCode::InvalidMemoryValue, message)
    })
}

fn parsed<T: DeserializeOwned>(key: &str, value: Value) -> Result<T> {
    // What is wrong with it stays untold, since that would tell the value.
    serde_json::from_value(value).map_err(|_| {
        let message =
            format!("the value at {key:?} has another shape than {}", std::any::type_name::<T>());
        Error::new(ErrorCode::InvalidMemoryValue, message)
    })
}

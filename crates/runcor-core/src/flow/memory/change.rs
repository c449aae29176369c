//! Changes of memories: journaled, so that they happen once.

use std::sync::Arc;
use std::time::Duration;

use fail::fail_point;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::writes::{Change, Wish, current};
use super::{FlowMemory, parsed};
use crate::error::{Error, ErrorCode, Result};
use crate::flow::error::FlowError;
use crate::flow::journal::Outcome;
use crate::memory::{MemoryExpectation, MemoryWrite, expiry};
use crate::store::Op;

/// How often an update begins anew when somebody else was faster.
const MAX_RACES: usize = 100;

impl FlowMemory {
    /// Sets a value that lasts.
    ///
    /// # Errors
    /// `INVALID_MEMORY_KEY`, `INVALID_MEMORY_VALUE`, `MEMORY_FULL`, `STORAGE_…`.
    pub async fn set(&self, key: &str, value: impl Serialize + Send) -> Result<(), FlowError> {
        self.write(key, Some(to_value(&value)?), None).await
    }

    /// Sets a value that expires after `ttl`; zero is never.
    ///
    /// Inside of a step the time counts from the end of the step.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn set_for(
        &self,
        key: &str,
        value: impl Serialize + Send,
        ttl: Duration,
    ) -> Result<(), FlowError> {
        self.write(key, Some(to_value(&value)?), Some(ttl)).await
    }

    /// Removes a value; fine when there is none.
    ///
    /// # Errors
    /// `INVALID_MEMORY_KEY`, `STORAGE_…`.
    pub async fn delete(&self, key: &str) -> Result<(), FlowError> {
        self.write(key, None, None).await
    }

    /// Changes a value in one go: `change` gets what is there and gives what
    /// is to be there, nobody writes in between, and it happens once.
    ///
    /// `change` runs again when somebody else was faster, so it must do
    /// nothing but work out the value. When the value expires stays as it was.
    /// Inside of a step the change is made to what stands there when the step
    /// ends, which may differ from the value that is returned.
    ///
    /// # Errors
    /// As [`set`](Self::set), and `MEMORY_CONFLICT` when others are always faster.
    pub async fn update(
        &self,
        key: &str,
        change: impl Fn(Option<Value>) -> Option<Value> + Send + Sync + 'static,
    ) -> Result<Option<Value>, FlowError> {
        self.change(key, Arc::new(move |before| Ok(change(before)))).await
    }

    /// Changes a value of type `T` in one go; see [`update`](Self::update).
    ///
    /// # Errors
    /// As [`update`](Self::update), and `INVALID_MEMORY_VALUE` when what is
    /// there has another shape.
    pub async fn update_as<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        change: impl Fn(Option<T>) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Option<T>, FlowError> {
        let name = key.to_owned();
        let typed = move |before: Option<Value>| {
            let before = before.map(|value| parsed(&name, value)).transpose()?;
            change(before).map(|after| to_value(&after)).transpose()
        };
        let after = self.change(key, Arc::new(typed)).await?;
        Ok(after.map(|value| parsed(key, value)).transpose()?)
    }

    async fn write(
        &self,
        key: &str,
        value: Option<Value>,
        ttl: Option<Duration>,
    ) -> Result<(), FlowError> {
        self.check_key(key)?;
        self.check_value(value.as_ref())?;
        if let Some(writes) = current() {
            writes.add(self, key, Wish::Set { value, ttl });
            return Ok(());
        }
        let met = self.meet(if value.is_some() { "set" } else { "delete" }, key).await?;
        if met.remembered()?.is_some() {
            return Ok(());
        }
        let loan = met.lend();
        let ops = vec![Op::Remember(Box::new(self.writing(key, value, ttl)))];
        fail_point!("memory.before_commit");
        met.end_with(met.intent(), Outcome::Done(Value::Null), None, ops).await?;
        fail_point!("memory.written");
        loan.keep();
        Ok(())
    }

    async fn change(&self, key: &str, change: Arc<Change>) -> Result<Option<Value>, FlowError> {
        self.check_key(key)?;
        if let Some(writes) = current() {
            let stored = self.stored(key).await?.map(|entry| entry.value);
            let before = writes.over(&self.space, key, stored)?;
            let after = self.changed(&*change, before)?;
            writes.add(self, key, Wish::Update(change));
            return Ok(after);
        }
        let met = self.meet("update", key).await?;
        if let Some(remembered) = met.remembered()? {
            return Ok(remembered.get(0).cloned());
        }
        let loan = met.lend();
        for _ in 0..MAX_RACES {
            let (write, value) = self.updated(key, &*change).await?;
            let outcome = Outcome::Done(value.iter().cloned().collect());
            let ops = vec![Op::Remember(Box::new(write))];
            fail_point!("memory.before_commit");
            match met.end_with(met.intent(), outcome, None, ops).await {
                Err(error) if error.code() == ErrorCode::MemoryConflict => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    loan.keep();
                    return Ok(value);
                }
            }
        }
        Err(self.too_fast(key).into())
    }

    pub(super) fn writing(
        &self,
        key: &str,
        value: Option<Value>,
        ttl: Option<Duration>,
    ) -> MemoryWrite {
        let now = self.ctx.now();
        MemoryWrite {
            space: self.space.clone(),
            key: key.to_owned(),
            value,
            now,
            expires: expiry(now, ttl),
            expect: MemoryExpectation::Anything,
            max_entries: self.ctx.governance().memory_limits.max_entries,
        }
    }

    /// Works out a change of what is stored, and what has to stand there for it to hold.
    pub(super) async fn updated(
        &self,
        key: &str,
        change: &Change,
    ) -> Result<(MemoryWrite, Option<Value>)> {
        let found = self.stored(key).await?;
        let expect = found
            .as_ref()
            .map_or(MemoryExpectation::Absent, |entry| MemoryExpectation::Version(entry.version));
        let expires = found.as_ref().and_then(|entry| entry.expires);
        let value = self.changed(change, found.map(|entry| entry.value))?;
        let write = MemoryWrite { expires, expect, ..self.writing(key, value.clone(), None) };
        Ok((write, value))
    }

    pub(super) fn changed(&self, change: &Change, before: Option<Value>) -> Result<Option<Value>> {
        let after = change(before)?;
        self.check_value(after.as_ref())?;
        Ok(after)
    }

    fn check_value(&self, value: Option<&Value>) -> Result<()> {
        let limits = self.ctx.governance().memory_limits;
        value.map_or(Ok(()), |value| limits.check_value(value))
    }

    fn too_fast(&self, key: &str) -> Error {
        let message = format!(
            "key {key:?} of the {} memory changes too fast to be updated; try again",
            self.space.owner.scope()
        );
        Error::new(ErrorCode::MemoryConflict, message).retryable(None)
    }
}

fn to_value(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        let message = format!("a memory's value can't be written as JSON: {error}");
        Error::new(ErrorCode::InvalidMemoryValue, message)
    })
}

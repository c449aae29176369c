//! Memories as a flow sees them: writes happen once, and reads give the same in every run.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::FlowContext;
use super::error::FlowError;
use super::hash::RequestHash;
use super::journal::{JournalKind, Outcome};
use super::meet::Met;
use crate::error::{Error, ErrorCode, Result};
use crate::memory::{
    MemoryEntry, MemoryExpectation, MemoryOwner, MemoryPage, MemoryQuery, MemoryReads, MemorySpace,
    MemoryWrite, expiry,
};
use crate::store::Op;

/// The name under which looks into memories and changes of them are journaled.
const MEMORY: &str = "memory";

/// How often an update begins anew when somebody else was faster.
const MAX_RACES: usize = 100;

tokio::task_local! {
    /// What the step whose body is being polled wants to write when it ends.
    static WRITES: Arc<StepWrites>;
}

/// The memories of a flow.
///
/// | scope | is shared by | lasts |
/// |---|---|---|
/// | [`tool`](Self::tool) | the executions of one flow | until deleted |
/// | [`user`](Self::user) | the executions on behalf of one user | until deleted |
/// | [`session`](Self::session) | nobody else | as long as the execution |
///
/// Each tenant has its own. Writes inside of a step become true with the
/// step's result; elsewhere each is journaled and happens once.
#[derive(Debug, Clone)]
pub struct FlowMemories {
    ctx: FlowContext,
}

/// One memory of a flow.
#[derive(Debug, Clone)]
pub struct FlowMemory {
    ctx: FlowContext,
    space: MemorySpace,
}

impl FlowContext {
    /// Returns the memories.
    #[must_use]
    pub fn memory(&self) -> FlowMemories {
        FlowMemories { ctx: self.clone() }
    }
}

impl FlowMemories {
    /// Returns the memory that all executions of this flow share.
    #[must_use]
    pub fn tool(&self) -> FlowMemory {
        self.of(MemoryOwner::Tool(self.ctx.spec().flow.clone()))
    }

    /// Returns the memory of the user on whose behalf the execution runs.
    ///
    /// # Errors
    /// `MISSING_USER_ID` when it runs on nobody's.
    pub fn user(&self) -> Result<FlowMemory> {
        let user = self.ctx.spec().user_id.clone().ok_or_else(|| {
            let message =
                "the execution has no user, so there is no user's memory; trigger it with a userId";
            Error::new(ErrorCode::MissingUserId, message)
        })?;
        Ok(self.of(MemoryOwner::User(user)))
    }

    /// Returns the memory of this execution, which ends with it.
    #[must_use]
    pub fn session(&self) -> FlowMemory {
        self.of(MemoryOwner::Session(self.ctx.execution_id()))
    }

    fn of(&self, owner: MemoryOwner) -> FlowMemory {
        let tenant = self.ctx.spec().tenant_id.clone();
        FlowMemory { ctx: self.ctx.clone(), space: MemorySpace { tenant, owner } }
    }
}

impl FlowMemory {
    /// Returns a value; `None` when there is none, or it has expired.
    ///
    /// # Errors
    /// `INVALID_MEMORY_KEY`, `STORAGE_…`, and as [`FlowContext::step`].
    pub async fn get(&self, key: &str) -> Result<Option<Value>, FlowError> {
        self.check_key(key)?;
        if let Some(writes) = current_writes() {
            let found = self.seen_by(&writes, key).await?;
            return Ok(found);
        }
        let met = self.meet(json!(["get", self.named(), key])).await?;
        if let Some(remembered) = met.remembered()? {
            return Ok(remembered.get(0).cloned());
        }
        let value = self.stored(key).await?.map(|entry| entry.value);
        met.note_end(Outcome::Done(value.iter().cloned().collect()));
        Ok(value)
    }

    /// Returns a value as `T`.
    ///
    /// # Errors
    /// As [`get`](Self::get), and `INVALID_MEMORY_VALUE` when the value has another shape.
    pub async fn get_as<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, FlowError> {
        let value = self.get(key).await?;
        Ok(value.map(|value| parsed(key, value)).transpose()?)
    }

    /// Sets a value that lasts.
    ///
    /// # Errors
    /// `INVALID_MEMORY_KEY`, `INVALID_MEMORY_VALUE`, `MEMORY_FULL`, `STORAGE_…`.
    pub async fn set(&self, key: &str, value: impl Serialize + Send) -> Result<(), FlowError> {
        self.write(key, Some(to_value(&value)?), None).await
    }

    /// Sets a value that expires after `ttl`; zero is never.
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
    ///
    /// # Errors
    /// As [`set`](Self::set), and `MEMORY_CONFLICT` when others are always faster.
    pub async fn update(
        &self,
        key: &str,
        change: impl Fn(Option<Value>) -> Option<Value> + Send + Sync + 'static,
    ) -> Result<Option<Value>, FlowError> {
        self.check_key(key)?;
        let change: Arc<Change> = Arc::new(change);
        if let Some(writes) = current_writes() {
            let before = self.seen_by(&writes, key).await?;
            let after = change(before);
            after.as_ref().map_or(Ok(()), |value| self.check_value(value))?;
            writes.add(self, key, Wish::Update(change));
            return Ok(after);
        }
        let met = self.meet(json!(["update", self.named(), key])).await?;
        if let Some(remembered) = met.remembered()? {
            return Ok(remembered.get(0).cloned());
        }
        for _ in 0..MAX_RACES {
            let (write, value) = self.updated(key, &*change).await?;
            let outcome = Outcome::Done(value.iter().cloned().collect());
            let ops = vec![Op::Remember(Box::new(write))];
            match met.end_with(met.intent(), outcome, None, ops).await {
                Err(error) if error.code() == ErrorCode::MemoryConflict => {}
                ended => return Ok(ended.map(|()| value)?),
            }
        }
        Err(self.too_fast(key).into())
    }

    /// Returns the keys that begin with `prefix`, in order, as the store has
    /// them now: this is not journaled, and not meant to decide the course of a flow.
    ///
    /// # Errors
    /// `STORAGE_…`.
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<MemoryPage, FlowError> {
        let query = MemoryQuery {
            space: self.space.clone(),
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            limit,
            now: self.ctx.now(),
        };
        Ok(self.reads()?.memories(&query).await.map_err(Error::from)?)
    }

    async fn write(
        &self,
        key: &str,
        value: Option<Value>,
        ttl: Option<Duration>,
    ) -> Result<(), FlowError> {
        self.check_key(key)?;
        value.as_ref().map_or(Ok(()), |value| self.check_value(value))?;
        if let Some(writes) = current_writes() {
            writes.add(self, key, Wish::Set { value, ttl });
            return Ok(());
        }
        let met = self.meet(json!(["set", self.named(), key, value])).await?;
        if met.remembered()?.is_some() {
            return Ok(());
        }
        let ops = vec![Op::Remember(Box::new(self.writing(key, value, ttl)))];
        Ok(met.end_with(met.intent(), Outcome::Done(Value::Null), None, ops).await?)
    }

    async fn meet(&self, asked: Value) -> Result<Met, FlowError> {
        Ok(self.ctx.meet(MEMORY, JournalKind::Memory, Some(RequestHash::of(&asked))).await?)
    }

    fn named(&self) -> Value {
        json!([self.space.owner.scope(), self.space.owner.name()])
    }

    fn reads(&self) -> Result<Arc<dyn MemoryReads>> {
        let store = self.ctx.governance().store.as_ref();
        store.map(|store| store.memories()).ok_or_else(|| {
            Error::new(ErrorCode::InternalError, "this context was made without a store")
        })
    }

    async fn stored(&self, key: &str) -> Result<Option<MemoryEntry>> {
        Ok(self.reads()?.memory(&self.space, key, self.ctx.now()).await?)
    }

    /// Returns what a step sees at a key: its own writes before those of others.
    async fn seen_by(&self, writes: &StepWrites, key: &str) -> Result<Option<Value>> {
        let mut value = self.stored(key).await?.map(|entry| entry.value);
        for write in writes.pending.lock().iter().filter(|write| write.is_at(&self.space, key)) {
            value = match &write.wish {
                Wish::Set { value, .. } => value.clone(),
                Wish::Update(change) => change(value),
            };
        }
        Ok(value)
    }

    fn writing(&self, key: &str, value: Option<Value>, ttl: Option<Duration>) -> MemoryWrite {
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

    async fn updated(&self, key: &str, change: &Change) -> Result<(MemoryWrite, Option<Value>)> {
        let found = self.stored(key).await?;
        let expect = found
            .as_ref()
            .map_or(MemoryExpectation::Absent, |entry| MemoryExpectation::Version(entry.version));
        let expires = found.as_ref().and_then(|entry| entry.expires);
        let value = change(found.map(|entry| entry.value));
        value.as_ref().map_or(Ok(()), |value| self.check_value(value))?;
        let write = MemoryWrite { expires, expect, ..self.writing(key, value.clone(), None) };
        Ok((write, value))
    }

    fn check_key(&self, key: &str) -> Result<()> {
        self.ctx.governance().memory_limits.check_key(key)
    }

    fn check_value(&self, value: &Value) -> Result<()> {
        self.ctx.governance().memory_limits.check_value(value)
    }

    fn too_fast(&self, key: &str) -> Error {
        let message = format!(
            "key {key:?} of the {} memory changes too fast to be updated; try again",
            self.space.owner.scope()
        );
        Error::new(ErrorCode::MemoryConflict, message).retryable(None)
    }
}

type Change = dyn Fn(Option<Value>) -> Option<Value> + Send + Sync;

/// What one step wants to write to memories when it ends.
#[derive(Default)]
pub(crate) struct StepWrites {
    pending: Mutex<Vec<StepWrite>>,
}

#[derive(Clone)]
struct StepWrite {
    memory: FlowMemory,
    key: String,
    wish: Wish,
}

#[derive(Clone)]
enum Wish {
    Set { value: Option<Value>, ttl: Option<Duration> },
    Update(Arc<Change>),
}

impl StepWrite {
    fn is_at(&self, space: &MemorySpace, key: &str) -> bool {
        self.key == key && self.memory.space == *space
    }
}

impl StepWrites {
    /// Runs `work`, whose writes are collected here.
    pub(crate) async fn collect<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        WRITES.scope(Arc::clone(self), work).await
    }

    pub(crate) fn clear(&self) {
        self.pending.lock().clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending.lock().is_empty()
    }

    /// Returns the operations that make the writes true, as memories stand now.
    pub(crate) async fn ops(&self) -> Result<Vec<Op>> {
        let pending = self.pending.lock().clone();
        let mut ops: Vec<MemoryWrite> = Vec::with_capacity(pending.len());
        for StepWrite { memory, key, wish } in pending {
            let before = ops.iter().position(|op| op.space == memory.space && op.key == key);
            let earlier = before.map(|at| ops.remove(at));
            ops.push(match (wish, earlier) {
                (Wish::Set { value, ttl }, None) => memory.writing(&key, value, ttl),
                (Wish::Set { value, ttl }, Some(earlier)) => {
                    let expect = earlier.expect;
                    MemoryWrite { expect, ..memory.writing(&key, value, ttl) }
                }
                (Wish::Update(change), None) => memory.updated(&key, &*change).await?.0,
                (Wish::Update(change), Some(earlier)) => {
                    MemoryWrite { value: change(earlier.value), ..earlier }
                }
            });
        }
        Ok(ops.into_iter().map(|write| Op::Remember(Box::new(write))).collect())
    }

    fn add(&self, memory: &FlowMemory, key: &str, wish: Wish) {
        let write = StepWrite { memory: memory.clone(), key: key.to_owned(), wish };
        self.pending.lock().push(write);
    }
}

fn current_writes() -> Option<Arc<StepWrites>> {
    WRITES.try_with(Arc::clone).ok()
}

fn to_value(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        let message = format!("a memory's value can't be written as JSON: {error}");
        Error::new(ErrorCode::InvalidMemoryValue, message)
    })
}

fn parsed<T: DeserializeOwned>(key: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        let message = format!("the value at {key:?} has another shape: {error}");
        Error::new(ErrorCode::InvalidMemoryValue, message)
    })
}

//! Memories as a flow sees them: writes happen once, and reads give the same in every run.

mod change;
mod writes;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::FlowContext;
use super::error::FlowError;
use super::hash::RequestHash;
use super::journal::{JournalKind, Outcome};
use super::meet::Met;
use crate::error::{Error, ErrorCode, Result};
use crate::memory::{MemoryEntry, MemoryOwner, MemoryPage, MemoryQuery, MemoryReads, MemorySpace};
pub(crate) use writes::StepWrites;
use writes::current;

/// The name under which looks into memories and changes of them are journaled.
const MEMORY: &str = "memory";

/// The most entries of a page.
const MAX_PAGE: usize = 1000;

/// The memories of a flow.
///
/// | scope | is shared by | lasts |
/// |---|---|---|
/// | [`tool`](Self::tool) | the executions of one flow | until deleted |
/// | [`user`](Self::user) | the executions on behalf of one user | until deleted |
/// | [`session`](Self::session) | nobody else | as long as the execution |
///
/// Each tenant has its own. Writes inside of a step are seen by that step, and
/// become true for everybody with its result, or not at all when it fails; a
/// step within a step has its own. Elsewhere each write is journaled and
/// happens once, and each [`get`](FlowMemory::get) gives the same in every run.
#[derive(Debug, Clone)]
pub struct FlowMemories {
    ctx: FlowContext,
}

/// One memory of a flow.
#[derive(Debug, Clone)]
pub struct FlowMemory {
    ctx: FlowContext,
    space: MemorySpace,
    /// The name of its places in the journal.
    name: Arc<str>,
    /// What is asked beside the key.
    request: Option<Value>,
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
        let space = MemorySpace { tenant, owner };
        FlowMemory { ctx: self.ctx.clone(), space, name: MEMORY.into(), request: None }
    }
}

impl FlowMemory {
    /// Names the places that its looks and changes take in the journal.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Says what is asked beside the key; asking something else at the same
    /// place later is a divergence.
    #[must_use]
    pub fn request(mut self, request: Value) -> Self {
        self.request = Some(request);
        self
    }

    /// Returns a value; `None` when there is none, or it has expired.
    ///
    /// Outside of steps the handler gets the same value whenever it runs again.
    ///
    /// # Errors
    /// `INVALID_MEMORY_KEY`, `STORAGE_…`, and as [`FlowContext::step`].
    pub async fn get(&self, key: &str) -> Result<Option<Value>, FlowError> {
        self.check_key(key)?;
        if let Some(writes) = current() {
            let stored = self.stored(key).await?.map(|entry| entry.value);
            return Ok(writes.over(&self.space, key, stored)?);
        }
        let met = self.meet("get", key).await?;
        if let Some(remembered) = met.remembered()? {
            return Ok(remembered.get(0).cloned());
        }
        let loan = met.lend();
        let value = self.stored(key).await?.map(|entry| entry.value);
        met.note_end(Outcome::Done(value.iter().cloned().collect()));
        loan.keep();
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

    /// Returns the keys that begin with `prefix`, in order, as the store has
    /// them now: this is not journaled, and not meant to decide the course of a flow.
    ///
    /// A page has at most 1000 entries; its `next` is the `after` of the page
    /// that follows.
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
            limit: limit.min(MAX_PAGE),
            now: self.ctx.now(),
        };
        let mut page = self.reads()?.memories(&query).await.map_err(Error::from)?;
        if let Some(writes) = current() {
            writes.lay_over(&mut page, &query)?;
        }
        Ok(page)
    }

    /// Comes to the next place of the journal. What is written is no part of
    /// what is asked: the first run has written it, and the later ones, which
    /// may have worked out something else, take that as done.
    async fn meet(&self, what: &str, key: &str) -> Result<Met, FlowError> {
        let owner = &self.space.owner;
        let mut asked = vec![json!(what), json!([owner.scope(), owner.name()]), json!(key)];
        asked.extend(self.request.clone());
        let asked = RequestHash::of(&Value::Array(asked));
        Ok(self.ctx.meet(&self.name, JournalKind::Memory, Some(asked)).await?)
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

    fn check_key(&self, key: &str) -> Result<()> {
        self.ctx.governance().memory_limits.check_key(key)
    }
}

fn parsed<T: DeserializeOwned>(key: &str, value: Value) -> Result<T> {
    // What is wrong with it stays untold, since that would tell the value.
    serde_json::from_value(value).map_err(|_| {
        let message =
            format!("the value at {key:?} has another shape than {}", std::any::type_name::<T>());
        Error::new(ErrorCode::InvalidMemoryValue, message)
    })
}

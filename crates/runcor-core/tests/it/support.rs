//! Fakes: a journal that outlives contexts, models that answer from a script.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use runcor_core::{
    Calls, ChildCall, Divergence, Error, ErrorCode, ExecutionId, ExecutionSpec, FlowContext,
    FlowContextParts, FlowName, Governance, IdempotencyKey, Journal, JournalEntry, ManualClock,
    MemoryLimits, ModelRequest, ModelResponse, ModelService, ModelStream, NoTools, Op, Outcome,
    Result, Store, Timestamp,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::shelf::Shelf;

/// A journal in memory, whose writes to memories go to a shelf.
#[derive(Debug, Default)]
pub(crate) struct FakeJournal {
    pub(crate) entries: Mutex<Vec<JournalEntry>>,
    /// What is written with what comes next.
    notes: Mutex<Vec<JournalEntry>>,
    shelf: Shelf,
}

impl FakeJournal {
    fn write(&self, entry: JournalEntry) {
        let mut entries = self.entries.lock();
        for entry in std::mem::take(&mut *self.notes.lock()).into_iter().chain([entry]) {
            match entries.iter_mut().find(|stored| stored.path == entry.path) {
                Some(stored) => *stored = entry,
                None => entries.push(entry),
            }
        }
    }

    /// Returns the paths of all entries and whether they are answered.
    pub(crate) fn paths(&self) -> Vec<(String, bool)> {
        let entries = self.entries.lock();
        entries.iter().map(|entry| (entry.path.clone(), entry.answer.is_some())).collect()
    }
}

#[async_trait]
impl Journal for FakeJournal {
    async fn find(&self, path: &str) -> Result<Option<JournalEntry>> {
        Ok(self.entries.lock().iter().find(|entry| entry.path == path).cloned())
    }

    async fn begin(&self, entry: JournalEntry) -> Result<()> {
        self.write(entry);
        Ok(())
    }

    async fn end(&self, entry: JournalEntry, _: bool, with: Vec<Op>) -> Result<()> {
        if !with.is_empty() {
            // Others write in between.
            tokio::task::yield_now().await;
        }
        self.shelf.apply(&with)?;
        self.write(entry);
        Ok(())
    }

    fn note(&self, entry: Option<JournalEntry>, _: Vec<Op>) {
        self.notes.lock().extend(entry);
    }

    fn has_notes(&self) -> bool {
        !self.notes.lock().is_empty()
    }
}

/// Nobody can be called.
#[derive(Debug)]
struct NoCalls;

#[async_trait]
impl Calls for NoCalls {
    async fn start(&self, call: ChildCall) -> Result<ExecutionId> {
        Err(Error::new(ErrorCode::FlowNotFound, call.flow.to_string()))
    }

    async fn outcome(&self, _: ExecutionId) -> Result<Option<Outcome>> {
        Ok(None)
    }
}

/// Models that answer from a script, and never once it is over.
#[derive(Debug, Default)]
pub(crate) struct FakeModels {
    pub(crate) answers: Mutex<VecDeque<Result<ModelResponse>>>,
    pub(crate) asked: Mutex<Vec<ModelRequest>>,
}

#[async_trait]
impl ModelService for FakeModels {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse> {
        self.asked.lock().push(request);
        // A model takes a moment, in which its intent is written.
        for _ in 0..2 {
            tokio::task::yield_now().await;
        }
        let answer = self.answers.lock().pop_front();
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    async fn stream(&self, _: ModelRequest) -> Result<ModelStream> {
        Err(Error::new(ErrorCode::InvalidRequest, "not scripted"))
    }
}

/// One execution that can be run again and again, as an engine would.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) journal: Arc<FakeJournal>,
    pub(crate) models: Arc<FakeModels>,
    pub(crate) clock: ManualClock,
    pub(crate) limits: MemoryLimits,
    shelf: Shelf,
    spec: Arc<ExecutionSpec>,
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::beside(&Shelf::default(), |_| {})
    }

    /// Makes an execution that shares its memories with others.
    pub(crate) fn beside(shelf: &Shelf, describe: impl FnOnce(&mut ExecutionSpec)) -> Self {
        let start = Timestamp::from_millis(1_767_225_600_000);
        let mut spec = ExecutionSpec::new(
            ExecutionId::mint(start),
            FlowName::new("f").unwrap(),
            IdempotencyKey::new("k").unwrap(),
            Value::Null,
            start,
        );
        describe(&mut spec);
        let shelf = shelf.clone();
        let journal = FakeJournal { shelf: shelf.clone(), ..FakeJournal::default() };
        Self {
            journal: Arc::new(journal),
            models: Arc::default(),
            clock: ManualClock::new(),
            limits: MemoryLimits::default(),
            shelf,
            spec: Arc::new(spec),
        }
    }

    /// Returns the context of one more run; what was only noted is forgotten, as by a crash.
    pub(crate) fn ctx(&self) -> FlowContext {
        let store = Some(Arc::new(self.shelf.clone()) as Arc<dyn Store>);
        self.governed(Governance { store, memory_limits: self.limits, ..Governance::default() })
    }

    /// Returns the context of one more run under a governance.
    pub(crate) fn governed(&self, governance: Governance) -> FlowContext {
        self.governed_over(governance, Arc::clone(&self.models) as Arc<dyn ModelService>)
    }

    /// Returns the context of one more run under a governance, over other models.
    pub(crate) fn governed_over(
        &self,
        governance: Governance,
        models: Arc<dyn ModelService>,
    ) -> FlowContext {
        self.journal.notes.lock().clear();
        FlowContext::new(FlowContextParts {
            spec: Arc::clone(&self.spec),
            retry_count: 0,
            resume_count: 0,
            resume_data: None,
            models,
            tools: Arc::new(NoTools),
            journal: Arc::clone(&self.journal) as Arc<dyn Journal>,
            calls: Arc::new(NoCalls),
            on_divergence: Divergence::Fail,
            governance,
            clock: Arc::new(self.clock.clone()),
            cancel: CancellationToken::new(),
        })
    }
}

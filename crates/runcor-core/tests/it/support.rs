//! Fakes: a journal that outlives contexts, models that answer from a script.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use runcor_core::{
    Calls, ChildCall, Divergence, Error, ErrorCode, ExecutionId, ExecutionSpec, FlowContext,
    FlowContextParts, FlowName, Governance, IdempotencyKey, Journal, JournalEntry, ManualClock,
    ModelRequest, ModelResponse, ModelService, ModelStream, NoTools, Op, Outcome, Result,
    Timestamp,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A journal in memory.
#[derive(Debug, Default)]
pub(crate) struct FakeJournal {
    pub(crate) entries: Mutex<Vec<JournalEntry>>,
}

impl FakeJournal {
    fn write(&self, entry: JournalEntry) {
        let mut entries = self.entries.lock();
        match entries.iter_mut().find(|stored| stored.path == entry.path) {
            Some(stored) => *stored = entry,
            None => entries.push(entry),
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

    async fn end(&self, entry: JournalEntry, _: bool, _: Vec<Op>) -> Result<()> {
        self.write(entry);
        Ok(())
    }

    fn note(&self, entry: Option<JournalEntry>, _: Vec<Op>) {
        entry.into_iter().for_each(|entry| self.write(entry));
    }

    fn has_notes(&self) -> bool {
        false
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
    spec: Arc<ExecutionSpec>,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let start = Timestamp::from_millis(1_767_225_600_000);
        let spec = ExecutionSpec::new(
            ExecutionId::mint(start),
            FlowName::new("f").unwrap(),
            IdempotencyKey::new("k").unwrap(),
            Value::Null,
            start,
        );
        let clock = ManualClock::new();
        Self { journal: Arc::default(), models: Arc::default(), clock, spec: Arc::new(spec) }
    }

    /// Returns the context of one more run.
    pub(crate) fn ctx(&self) -> FlowContext {
        FlowContext::new(FlowContextParts {
            spec: Arc::clone(&self.spec),
            retry_count: 0,
            resume_count: 0,
            resume_data: None,
            models: Arc::clone(&self.models) as Arc<dyn ModelService>,
            tools: Arc::new(NoTools),
            journal: Arc::clone(&self.journal) as Arc<dyn Journal>,
            calls: Arc::new(NoCalls),
            on_divergence: Divergence::Fail,
            governance: Governance::default(),
            clock: Arc::new(self.clock.clone()),
            cancel: CancellationToken::new(),
        })
    }
}

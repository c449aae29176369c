//! Steps: work that is done once for the whole execution, and remembered.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fail::fail_point;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::context::FlowContext;
use super::definition::Divergence;
use super::error::FlowError;
use super::hash::RequestHash;
use super::journal::{JournalEntry, JournalKind, Outcome, Spend, StepFailure};
use super::meet::Met;
use super::memory::StepWrites;
use super::path::{self, Loan};
use super::wait::{Suspension, WaitKind, WaitSignal};
use crate::cost::CallScope;
use crate::error::{Error, ErrorCode, Retry};

/// How often a result is written anew when a memory that it updates has changed.
const MAX_RACES: usize = 100;

/// A durable step that is about to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The step's identity in its execution.
    pub path: String,
    /// A key for whoever the step calls: the same whenever the step runs again.
    pub idempotency_key: String,
    /// Who counts the money of a model call here; its bill is paid with the result.
    pub(crate) scope: CallScope,
}

/// A step that is being described; [`run`](Self::run) runs it.
#[derive(Debug, Clone)]
#[must_use = "a step runs only when it is told to"]
pub struct StepBuilder<'a> {
    ctx: &'a FlowContext,
    name: String,
    kind: JournalKind,
    request: Option<RequestHash>,
    divergence: Divergence,
    at_most_once: bool,
}

impl FlowContext {
    /// Runs `work` once for the whole execution and remembers its result.
    ///
    /// When the handler runs again (retry, resume, crash, deploy), a step that
    /// has finished gives its result without running, and one that has failed
    /// for good gives its failure. A step that failed with a retryable error,
    /// or was under way when the process ended, runs again. Its identity is
    /// `name` and how often that name was met, so names and order must not
    /// depend on chance.
    ///
    /// # Errors
    /// Fails as `work` does, when the result is not JSON, when the remembered
    /// result has another shape than `T` (`INVALID_RESULT`), when something
    /// else stands at that place of the journal (`JOURNAL_DIVERGED`), or when
    /// the journal can't be written.
    pub async fn step<T, Fut>(&self, name: &str, work: Fut) -> Result<T, FlowError>
    where
        T: Serialize + DeserializeOwned,
        Fut: Future<Output = Result<T, FlowError>>,
    {
        let work = Box::pin(work);
        self.describe_step(name).run(|_| work).await
    }

    /// Runs a step that hands its idempotency key to whoever it calls.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub async fn step_with<T, F, Fut>(&self, name: &str, work: F) -> Result<T, FlowError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce(Step) -> Fut,
        Fut: Future<Output = Result<T, FlowError>>,
    {
        self.describe_step(name).run(work).await
    }

    /// Describes a step that wants more than a name: its request, or at-most-once.
    pub fn describe_step(&self, name: &str) -> StepBuilder<'_> {
        StepBuilder::new(self, name, JournalKind::Step)
    }
}

impl<'a> StepBuilder<'a> {
    pub(crate) fn new(ctx: &'a FlowContext, name: &str, kind: JournalKind) -> Self {
        Self {
            ctx,
            name: name.to_owned(),
            kind,
            request: None,
            divergence: ctx.on_divergence(),
            at_most_once: false,
        }
    }

    /// Says what the step asks for; when the flow later asks something else at
    /// this place, that is a divergence and not answered from the journal.
    ///
    /// A request that is not JSON counts as not given.
    pub fn request(mut self, request: &impl Serialize) -> Self {
        self.request = serde_json::to_value(request).ok().map(|value| RequestHash::of(&value));
        self
    }

    /// Says what to do when the flow now asks something else, in place of the flow's own rule.
    pub fn on_divergence(mut self, divergence: Divergence) -> Self {
        self.divergence = divergence;
        self
    }

    /// Never runs the step twice, whatever happens.
    ///
    /// When the process ends in the middle of it, or it fails with a retryable
    /// error, nobody knows whether it has happened: the execution then waits,
    /// and somebody decides (see [`Decision`](crate::Decision)). The step's
    /// beginning is durable before it begins.
    pub fn non_idempotent(mut self) -> Self {
        self.at_most_once = true;
        self
    }

    /// Runs the step, or returns what it gave before.
    ///
    /// # Errors
    /// As [`FlowContext::step`].
    pub async fn run<T, F, Fut>(self, work: F) -> Result<T, FlowError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce(Step) -> Fut,
        Fut: Future<Output = Result<T, FlowError>>,
    {
        self.run_spending(work, |_| None).await
    }

    /// As [`run`](Self::run), for a step whose result tells what it cost.
    pub(crate) async fn run_spending<T, F, Fut>(
        self,
        work: F,
        spend: impl FnOnce(&T) -> Option<Spend>,
    ) -> Result<T, FlowError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce(Step) -> Fut,
        Fut: Future<Output = Result<T, FlowError>>,
    {
        let met = self.ctx.meet_with(&self.name, self.kind, self.request, self.divergence).await?;
        if let Some(value) = met.remembered()? {
            let path = met.path();
            self.ctx.note_replay(path, met.spend());
            return serde_json::from_value(value).map_err(|error| {
                invalid_result(path, &format!("the remembered result has another shape: {error}"))
            });
        }
        if self.at_most_once && met.is_unsure() {
            return Err(self.ctx.ask_whether_it_happened(&met));
        }
        let loan = met.lend();
        let step = self.ctx.step_at(met.path());
        let with = With { scope: self.scope_at(met.path()), writes: Arc::default() };
        let step = Step { scope: with.scope.clone(), ..step };
        let intent = met.intent();
        // In a box, or nested steps would make futures that are too large to move.
        let work = with.writes.collect(path::within(met.path(), async { work(step).await }));
        let work = Box::pin(work);
        // What was read before must be durable before anything is done because of it.
        let result = if self.at_most_once || self.ctx.journal().has_notes() {
            met.begin(intent.clone()).await?;
            fail_point!("step.intent_committed");
            work.await
        } else {
            alongside(&met, &intent, work).await
        };
        self.conclude(&met, loan, intent, result, spend, &with).await
    }

    /// Returns the scope of a model call; other steps ask nobody for money.
    fn scope_at(&self, path: &str) -> CallScope {
        if self.kind == JournalKind::Model {
            self.ctx.call_scope(path)
        } else {
            CallScope::default()
        }
    }

    async fn conclude<T: Serialize>(
        &self,
        met: &Met,
        loan: Loan<'_>,
        intent: JournalEntry,
        result: Result<T, FlowError>,
        spend: impl FnOnce(&T) -> Option<Spend>,
        with: &With,
    ) -> Result<T, FlowError> {
        match result {
            Ok(result) => {
                let value = serde_json::to_value(&result).map_err(|error| {
                    invalid_result(met.path(), &format!("the result is not JSON: {error}"))
                })?;
                fail_point!("step.effect_done_before_result");
                with.end(met, intent, Outcome::Done(value), spend(&result)).await?;
                fail_point!("step.result_committed");
                loan.keep();
                Ok(result)
            }
            Err(error) if error.is_suspended() && self.at_most_once => {
                self.ctx.note_suspension(None);
                let message =
                    format!("step {} is non-idempotent and can't wait inside", met.path());
                Err(Error::new(ErrorCode::StepFailed, message).into())
            }
            Err(error) if error.is_suspended() || error.is_of_the_journal() => Err(error),
            Err(error) if error.retry() == Retry::Never => {
                let failure = StepFailure {
                    code: error.code().map(str::to_owned),
                    message: error.message().to_owned(),
                };
                with.writes.clear();
                with.end(met, intent, Outcome::Failed(failure), None).await?;
                loan.keep();
                Err(error)
            }
            Err(_) if self.at_most_once => Err(self.ctx.ask_whether_it_happened(met)),
            Err(error) => match met.begin(intent).await {
                Err(lost) if !lost.is_retryable() => Err(lost.into()),
                // The attempt counts, however short it was.
                Ok(()) | Err(_) => Err(error),
            },
        }
    }
}

impl FlowContext {
    fn step_at(&self, path: &str) -> Step {
        Step {
            path: path.to_owned(),
            idempotency_key: format!("{}:{path}", self.execution_id()),
            scope: CallScope::default(),
        }
    }

    /// Pauses until somebody says whether a step has happened.
    fn ask_whether_it_happened(&self, met: &Met) -> FlowError {
        let step = self.step_at(met.path());
        let begun = met.begun().unwrap_or_else(|| self.now());
        let signal = WaitSignal::new(format!(
            "needs_decision: step {} was begun and may or may not have happened",
            step.path
        ))
        .with_data(json!({
            "needsDecision": {
                "path": step.path,
                "idempotencyKey": step.idempotency_key,
                "begunAt": begun,
                "answers": ["happened", "did_not_happen", "give_up"],
            }
        }))
        .with_timeout(Duration::ZERO);
        let pause = met.pause(WaitKind::Decision, signal);
        // The intent stands there already.
        self.suspend(Suspension { intents: Vec::new(), ..pause })
    }
}

/// What becomes true together with a step's result.
struct With {
    /// Its bill is paid.
    scope: CallScope,
    /// They are written.
    writes: Arc<StepWrites>,
}

impl With {
    /// Writes the result and all that belongs to it, anew as often as a memory
    /// that the step updates has changed in the meantime.
    async fn end(
        &self,
        met: &Met,
        intent: JournalEntry,
        outcome: Outcome,
        spend: Option<Spend>,
    ) -> Result<(), Error> {
        let bill = self.scope.pay();
        if self.writes.is_empty() {
            // Nothing races with it, and the result, which may be large, is not copied.
            met.end_with(intent, outcome, spend, bill.ops()).await?;
            bill.paid();
            return Ok(());
        }
        for _ in 0..MAX_RACES {
            let mut ops = bill.ops();
            ops.extend(self.writes.ops().await?);
            match met.end_with(intent.clone(), outcome.clone(), spend.clone(), ops).await {
                Err(error) if error.code() == ErrorCode::MemoryConflict => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    bill.paid();
                    return Ok(());
                }
            }
        }
        let message = format!("the memory that step {} updates changes too fast", met.path());
        Err(Error::new(ErrorCode::MemoryConflict, message).retryable(None))
    }
}

/// Drives `work`, and notes its beginning while it is under way.
///
/// Work that is ready at once leaves no intent: there was nothing to see of it
/// in between. The note is not waited for, since work may run twice; but who
/// learns that the execution is no longer theirs stops.
async fn alongside<T>(
    met: &Met,
    intent: &JournalEntry,
    work: impl Future<Output = Result<T, FlowError>>,
) -> Result<T, FlowError> {
    let mut work = pin!(work);
    let first = std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
    if let Poll::Ready(result) = first {
        return result;
    }
    let noted = met.begin(intent.clone());
    tokio::select! {
        biased;
        result = &mut work => return result,
        noted = noted => match noted {
            Err(error) if !error.is_retryable() => return Err(error.into()),
            Ok(()) | Err(_) => fail_point!("step.intent_committed"),
        },
    }
    work.await
}

fn invalid_result(path: &str, problem: &str) -> FlowError {
    Error::new(ErrorCode::InvalidResult, format!("step {path}: {problem}")).into()
}

impl FlowError {
    /// Returns whether the journal itself is the trouble, rather than the work.
    fn is_of_the_journal(&self) -> bool {
        let codes = [ErrorCode::JournalDiverged, ErrorCode::ExecutionLost];
        self.code().and_then(ErrorCode::parse).is_some_and(|code| codes.contains(&code))
    }
}

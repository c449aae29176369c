//! Child executions of a running handler.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use fail::fail_point;
use runcor_core::{
    Batch, Calls, ChildCall, Error, ErrorCode, Execution, ExecutionId, ExecutionSpec,
    IdempotencyKey, JournalEntry, Operation, Outcome, Parent, RequestHash, Result,
};
use serde_json::json;

use crate::family::outcome_of;
use crate::journal::RunJournal;
use crate::pause::Pauses;
use crate::policy::Allowed;
use crate::shared::Shared;
use crate::trigger::internal;

/// How many levels deep flows may call flows: whoever calls itself ends here.
const MAX_DEPTH: u32 = 32;

/// Starts and reads the children of one run.
pub(crate) struct RunCalls {
    /// Weak, since a handler may leave its context behind somewhere.
    shared: Weak<Shared>,
    caller: Execution,
    journal: Arc<RunJournal>,
}

impl RunCalls {
    pub(crate) fn new(shared: &Arc<Shared>, caller: &Execution, journal: Arc<RunJournal>) -> Self {
        Self { shared: Arc::downgrade(shared), caller: caller.clone(), journal }
    }

    fn shared(&self) -> Result<Arc<Shared>> {
        self.shared.upgrade().ok_or_else(|| {
            Error::new(ErrorCode::EngineShuttingDown, "the engine has stopped").retryable(None)
        })
    }

    fn child_spec(&self, shared: &Shared, call: &ChildCall) -> Result<ExecutionSpec> {
        let caller = &self.caller.spec;
        let depth = caller.parent.as_ref().map_or(0, |parent| parent.depth).saturating_add(1);
        if depth > MAX_DEPTH {
            let message = format!(
                "flow {} would be called {depth} levels deep; {MAX_DEPTH} are allowed",
                call.flow
            );
            return Err(Error::new(ErrorCode::CallTooDeep, message));
        }
        let path = call.intent.path.clone();
        // Whoever asks something else there by now does not want the old answer.
        let place = RequestHash::of(&json!([path, call.intent.request]));
        let key = IdempotencyKey::new(format!("call:{}:{place}", caller.id)).map_err(internal)?;
        let now = shared.now();
        let id = ExecutionId::mint(now);
        let input = call.input.clone();
        let request = call.intent.request;
        Ok(ExecutionSpec {
            user_id: caller.user_id.clone(),
            session_id: caller.session_id.clone(),
            tenant_id: caller.tenant_id.clone(),
            parent: Some(Parent { id: caller.id, path, request, depth }),
            ..ExecutionSpec::new(id, call.flow.clone(), key, input, now)
        })
    }

    async fn try_to_start(&self, call: &ChildCall) -> Result<ExecutionId> {
        let shared = self.shared()?;
        let mut spec = self.child_spec(&shared, call)?;
        // It is the caller's work, and counted with it.
        shared.judge_trigger(Operation::Trigger, &mut spec).await?;
        shared.registry.active(spec.flow.as_str())?.check_input(&spec.input)?;
        let child = spec.id;
        let mut intent = call.intent.clone().with_note(JournalEntry::child_note(child));
        let noted = self.journal.noted();
        let mut note = Batch { ops: self.journal.note_operations(&noted) };
        note.ops.push(self.journal.operation(&intent, false));
        // Known already is a child whose start was stored though the store could not say so.
        fail_point!("call.before_start");
        let started = shared.admit(spec, Allowed::default(), note).await.map_err(|error| {
            match error.code() {
                // The note is refused to whoever runs the caller no longer.
                ErrorCode::InvalidState => self.journal.lost(),
                _ => error,
            }
        });
        let child = started?.execution.id();
        fail_point!("call.started");
        intent.note = Some(JournalEntry::child_note(child));
        self.journal.learn_with(&noted, intent).await;
        Ok(child)
    }
}

#[async_trait]
impl Calls for RunCalls {
    /// Starts a child, however long the store takes to accept it: trouble of
    /// the store is no failure of the handler.
    async fn start(&self, call: ChildCall) -> Result<ExecutionId> {
        let mut pauses = Pauses::default();
        loop {
            let error = match self.try_to_start(&call).await {
                Err(error) if is_trouble(&error) => error,
                started => return started,
            };
            tracing::debug!(execution = %self.caller.id(), %error, "a child can't be started yet");
            let clock = Arc::clone(&self.shared()?.clock);
            clock.sleep(pauses.next()).await;
        }
    }

    async fn outcome(&self, child: ExecutionId) -> Result<Option<Outcome>> {
        let found = self.shared()?.store.execution(child).await?;
        let Some(child) = found else {
            let message = format!("child execution {child} was deleted before its end was seen");
            return Err(Error::new(ErrorCode::ExecutionNotFound, message));
        };
        Ok(child.state().is_terminal().then(|| outcome_of(&child.status)))
    }
}

/// Returns whether the store has trouble that may pass.
fn is_trouble(error: &Error) -> bool {
    let is_of_the_store = matches!(
        error.code(),
        ErrorCode::StorageFull
            | ErrorCode::StorageUnavailable
            | ErrorCode::StorageSlow
            | ErrorCode::StorageCorrupt
    );
    is_of_the_store && error.is_retryable()
}

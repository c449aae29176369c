//! Decisions: approvals, and people's word on steps in doubt.

use std::sync::Arc;

use runcor_core::{
    ApprovalAnswer, Batch, Change, Decision, Error, ErrorCode, Execution, ExecutionError,
    ExecutionId, ExecutionState, JournalEntry, Outcome, RequestHash, Result, WaitContext, WaitKind,
};
use serde_json::{Value, json};

use crate::operations::{invalid_state, too_many_races};
use crate::shared::{ChangeError, MAX_RACES, Shared};
use crate::trigger::internal;

impl Shared {
    pub(crate) async fn decide(
        self: &Arc<Self>,
        id: ExecutionId,
        decision: Decision,
    ) -> Result<Execution> {
        self.check_ready()?;
        let shared = Arc::clone(self);
        self.detached(|| async move {
            for _ in 0..MAX_RACES {
                let execution = shared.execution(id).await?;
                if let Some(decided) = shared.decide_once(execution, &decision).await? {
                    return Ok(decided);
                }
            }
            Err(too_many_races(id))
        })
        .await
    }

    /// Decides; `None` when somebody else changed the execution first.
    async fn decide_once(
        self: &Arc<Self>,
        execution: Execution,
        decision: &Decision,
    ) -> Result<Option<Execution>> {
        let wait = waiting_for(&execution, decision)?.clone();
        match decision {
            Decision::Approve { token, by, note } => {
                check_token(&wait, token)?;
                self.answer_approval(execution, &wait, true, by, note).await
            }
            Decision::Reject { token, by, note } => {
                check_token(&wait, token)?;
                self.answer_approval(execution, &wait, false, by, note).await
            }
            Decision::Happened { result } => {
                let outcome = Outcome::Done(result.clone());
                self.settle_doubt(execution, &wait, outcome).await
            }
            Decision::DidNotHappen => self.settle_doubt(execution, &wait, Outcome::NotDone).await,
            Decision::GiveUp { reason } => self.give_up(execution, reason.as_deref()).await,
            _ => Err(Error::new(ErrorCode::ValidationError, "the decision is not known")),
        }
    }

    async fn answer_approval(
        self: &Arc<Self>,
        execution: Execution,
        wait: &WaitContext,
        approved: bool,
        by: &Option<String>,
        note: &Option<String>,
    ) -> Result<Option<Execution>> {
        let at = self.now();
        let answer = ApprovalAnswer { approved, by: by.clone(), note: note.clone(), at };
        let answer = serde_json::to_value(answer).map_err(internal)?;
        let entry = self.entry_of(&execution, wait).await?;
        let entry = entry.with_outcome(Outcome::Done(answer.clone()), at);
        self.resume_waiting(execution, Some(answer), Some(entry)).await
    }

    async fn settle_doubt(
        &self,
        mut execution: Execution,
        wait: &WaitContext,
        outcome: Outcome,
    ) -> Result<Option<Execution>> {
        let entry = self.entry_of(&execution, wait).await?.with_outcome(outcome, self.now());
        let add = |woken: &Execution, batch: Batch| batch.journal(woken, entry.clone());
        let changed = self.change_with(&mut execution, Change::Wake, add).await;
        if unless_raced(changed)? {
            self.runnable_now();
            return Ok(Some(execution));
        }
        Ok(None)
    }

    async fn give_up(
        &self,
        mut execution: Execution,
        reason: Option<&str>,
    ) -> Result<Option<Execution>> {
        let error = ExecutionError {
            message: reason.unwrap_or("somebody gave the execution up").to_owned(),
            retryable: false,
            retry_count: execution.status.retry_count,
            code: Some(ErrorCode::GivenUp.as_str().to_owned()),
        };
        let fail = Change::Fail { error, expires: self.expiry(self.now()) };
        let changed = self.change(&mut execution, fail).await;
        Ok(unless_raced(changed)?.then_some(execution))
    }

    /// Returns the journal entry that a wait is to answer.
    async fn entry_of(&self, execution: &Execution, wait: &WaitContext) -> Result<JournalEntry> {
        let journal = self.store.journal(execution.id()).await?;
        let path = wait.path.as_deref();
        let entry = journal.into_iter().find(|entry| Some(entry.path.as_str()) == path);
        entry.ok_or_else(|| {
            let message =
                format!("the journal of execution {} has no entry to answer", execution.id());
            Error::new(ErrorCode::EntryNotFound, message)
        })
    }
}

/// Returns the wait that a decision is about.
fn waiting_for<'a>(execution: &'a Execution, decision: &Decision) -> Result<&'a WaitContext> {
    let kind = match decision {
        Decision::Approve { .. } | Decision::Reject { .. } => WaitKind::Approval,
        _ => WaitKind::Decision,
    };
    let wait = execution.status.wait.as_ref();
    match wait.filter(|_| execution.state() == ExecutionState::Waiting) {
        None => Err(invalid_state(execution, "decided")),
        Some(wait) if wait.kind == kind => Ok(wait),
        Some(wait) => {
            let message = format!(
                "execution {} waits for {}, which this is no answer to",
                execution.id(),
                json!(wait.kind).as_str().unwrap_or_default()
            );
            Err(Error::new(ErrorCode::InvalidState, message))
        }
    }
}

fn check_token(wait: &WaitContext, token: &str) -> Result<()> {
    let expected = wait.wait_data.as_ref().and_then(|data| data["approval"]["token"].as_str());
    // Hashes are compared, so that the time it takes tells nothing of the token.
    let hash = |token: &str| RequestHash::of(&Value::String(token.to_owned()));
    if expected.map(hash) == Some(hash(token)) {
        return Ok(());
    }
    let message = "the token is not that of the approval; it is shown with what is to be approved";
    Err(Error::new(ErrorCode::InvalidToken, message))
}

/// False when somebody else was faster.
fn unless_raced(changed: Result<(), ChangeError>) -> Result<bool> {
    match changed {
        Ok(()) => Ok(true),
        Err(error) if error.is_conflict() => Ok(false),
        Err(ChangeError::Store(error)) => Err(error.into()),
        Err(ChangeError::Illegal(error)) => Err(internal(error)),
    }
}

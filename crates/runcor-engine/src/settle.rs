//! Storing what a runner has achieved, through failures of the store and lost answers.

use runcor_core::{Applied, Change, ErrorCode, Execution, ExecutionError, StoreError};

use crate::patience::Patience;
use crate::shared::{Around, Shared};

pub(crate) async fn fail(
    shared: &Shared,
    execution: &mut Execution,
    message: &str,
    code: Option<ErrorCode>,
    retryable: bool,
) {
    let error = failure(execution, message, code, retryable);
    fail_with(shared, execution, error).await;
}

pub(crate) async fn fail_with(shared: &Shared, execution: &mut Execution, error: ExecutionError) {
    let expires = shared.expiry(shared.now());
    settle(shared, execution, Change::Fail { error, expires }).await;
}

pub(crate) fn failure(
    execution: &Execution,
    message: &str,
    code: Option<ErrorCode>,
    retryable: bool,
) -> ExecutionError {
    failure_with(execution, message, code.map(|code| code.as_str().to_owned()), retryable)
}

pub(crate) fn failure_with(
    execution: &Execution,
    message: &str,
    code: Option<String>,
    retryable: bool,
) -> ExecutionError {
    let retry_count = execution.status.retry_count;
    ExecutionError { message: message.to_owned(), retryable, retry_count, code }
}

/// What became of a change that a runner wanted to commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is stored.
    Stored,
    /// The execution is no longer this runner's, or the engine stops.
    NotOurs,
    /// Something else that the change relies on is no longer so.
    Disputed,
}

/// Commits a change, however long the store takes to accept it; false when the
/// execution is no longer this runner's.
///
/// What a handler has achieved is never thrown away because the disk is full
/// for a while, or the store damaged until somebody has repaired it; what the
/// store can never keep becomes a failure. When the
/// engine stops first, the record still says `running`, and the next start
/// runs the execution again.
pub(crate) async fn settle(shared: &Shared, execution: &mut Execution, change: Change) -> bool {
    settle_around(shared, execution, change, Around::default()).await == Settled::Stored
}

/// As [`settle`], together with something else.
pub(crate) async fn settle_around(
    shared: &Shared,
    execution: &mut Execution,
    change: Change,
    around: Around,
) -> Settled {
    match commit_in_the_end(shared, execution, change, &around).await {
        Ok(settled) => settled,
        Err(StoreError::Unstorable { message }) => {
            let message = format!("the outcome can't be stored: {message}");
            let error = failure(execution, &message, Some(ErrorCode::InvalidResult), false);
            let fail = Change::Fail { error, expires: shared.expiry(shared.now()) };
            let failed = commit_in_the_end(shared, execution, fail, &Around::default()).await;
            if let Err(error) = failed {
                tracing::error!(execution = %execution.id(), %error, "the failure can't be stored");
            }
            Settled::NotOurs
        }
        Err(error) => {
            tracing::error!(execution = %execution.id(), %error, "the outcome can't be stored");
            Settled::NotOurs
        }
    }
}

/// Commits a change, through failures of the store that may pass.
async fn commit_in_the_end(
    shared: &Shared,
    execution: &mut Execution,
    change: Change,
    around: &Around,
) -> Result<Settled, StoreError> {
    let id = execution.id();
    let applied = match execution.apply(change, shared.now()) {
        Ok(applied) => applied,
        Err(error) => {
            tracing::error!(execution = %id, %error, "the runner asked for an impossible change");
            return Ok(Settled::NotOurs);
        }
    };
    let mut patience = Patience::new(&shared.health);
    loop {
        let error = match try_commit(shared, execution, &applied, around).await {
            Ok(settled) => return Ok(settled),
            Err(error) => error,
        };
        tracing::debug!(execution = %id, %error, "the outcome can't be stored yet");
        let pause = patience.after(error)?;
        tokio::select! {
            () = shared.clock.sleep(pause) => {}
            () = shared.stopping.cancelled() => return Ok(Settled::NotOurs),
        }
    }
}

async fn try_commit(
    shared: &Shared,
    execution: &mut Execution,
    applied: &Applied,
    around: &Around,
) -> Result<Settled, StoreError> {
    match shared.commit(execution, applied, around).await {
        Ok(()) => Ok(Settled::Stored),
        Err(StoreError::Conflict { id, .. }) if id != execution.id() => Ok(Settled::Disputed),
        Err(StoreError::Conflict { .. }) => {
            // Perhaps it was this runner itself, at an attempt whose answer was lost.
            if !shared.took_effect(execution, applied).await? {
                return Ok(Settled::NotOurs);
            }
            execution.status = applied.status.clone();
            shared.committed(execution);
            Ok(Settled::Stored)
        }
        Err(error) => Err(error),
    }
}

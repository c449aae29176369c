//! A runner: owns one execution, drives its handler, and commits what comes of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use runcor_core::{
    Change, Claim, ClaimRequest, ErrorCode, Execution, ExecutionError, FlowContext,
    FlowContextParts, FlowError, FlowOutcome, Retry, StoreError, Timestamp, backoff,
};
use tokio_util::sync::CancellationToken;

use crate::admission::Slot;
use crate::config::OrphanPolicy;
use crate::journal::RunJournal;
use crate::registry::Registered;
use crate::shared::Shared;

/// The pauses between attempts to commit what a handler has achieved.
const FIRST_COMMIT_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_COMMIT_PAUSE: Duration = Duration::from_secs(5);

/// Runs a claimed execution in a task of its own.
pub(crate) fn spawn(shared: &Arc<Shared>, execution: Execution, slot: Slot) {
    let shared = Arc::clone(shared);
    shared.tasks.clone().spawn(async move {
        let mut next = Some(execution);
        while let Some(execution) = next {
            run(&shared, execution).await;
            next = claim_next(&shared).await;
        }
        drop(slot);
    });
}

/// Takes the next runnable execution into the slot that has just become free.
async fn claim_next(shared: &Shared) -> Option<Execution> {
    if !shared.admission.has_backlog() || shared.draining.is_cancelled() {
        return None;
    }
    loop {
        let mut claimed = claim(shared, 1).await;
        if claimed.taken == 0 {
            shared.admission.lower_backlog();
            return None;
        }
        if let Some(execution) = claimed.runnable.pop() {
            return Some(execution);
        }
    }
}

/// What a claim brought.
#[derive(Default)]
pub(crate) struct Claimed {
    /// How many executions were taken from the store.
    pub(crate) taken: usize,
    /// Those of them that are to run.
    pub(crate) runnable: Vec<Execution>,
}

/// Claims up to `limit` executions; those that the orphan policy keeps from running are settled here.
pub(crate) async fn claim(shared: &Shared, limit: usize) -> Claimed {
    let flows = shared.registry.runnable_names();
    if flows.is_empty() {
        return Claimed::default();
    }
    let request = ClaimRequest { worker: shared.worker, now: shared.now(), limit, flows };
    let claims = match claim_under_lease(shared, request).await {
        Ok(claims) => claims,
        Err(error) => {
            tracing::warn!(%error, "runnable executions could not be claimed");
            return Claimed::default();
        }
    };
    let taken = claims.len();
    shared.admission.dequeue(taken);
    let mut runnable = Vec::with_capacity(taken);
    for claim in claims {
        match shared.config.on_orphan {
            OrphanPolicy::Fail if claim.interrupted => fail_orphan(shared, claim.execution).await,
            OrphanPolicy::Ignore if claim.interrupted => abandon(shared, claim.execution).await,
            OrphanPolicy::Requeue | OrphanPolicy::Fail | OrphanPolicy::Ignore => {
                runnable.push(claim.execution);
            }
        }
    }
    Claimed { taken, runnable }
}

async fn claim_under_lease(
    shared: &Shared,
    request: ClaimRequest,
) -> Result<Vec<Claim>, StoreError> {
    shared.hold_lease().await?;
    shared.store.claim(request).await
}

async fn fail_orphan(shared: &Shared, mut execution: Execution) {
    let message = "the process that ran the execution ended before it could finish";
    let error = failure(&execution, message, Some(ErrorCode::ProcessTerminated), false);
    fail_with(shared, &mut execution, error).await;
}

async fn abandon(shared: &Shared, mut execution: Execution) {
    settle(shared, &mut execution, Change::Abandon).await;
}

/// Runs one execution until it ends, waits, is given back or is lost to somebody else.
async fn run(shared: &Shared, mut execution: Execution) {
    let id = execution.id();
    let Some(flow) = shared.registry.runnable(&execution.spec.flow) else {
        // It was claimed for a flow that has just gone; give it back.
        settle(shared, &mut execution, Change::Release).await;
        return;
    };
    let stop = shared.stopping.child_token();
    shared.running.begin(id, stop.clone());
    while attempt(shared, &flow, &mut execution, &stop).await == Attempt::Again {}
    shared.running.end(id);
}

#[derive(PartialEq, Eq)]
enum Attempt {
    /// The next attempt begins now.
    Again,
    /// There is nothing more to do here.
    Over,
}

/// How a handler's future came to its end.
enum Ended {
    Outcome(Result<FlowOutcome, FlowError>),
    Panicked(String),
    TimedOut,
    Stopped,
}

async fn attempt(
    shared: &Shared,
    flow: &Registered,
    execution: &mut Execution,
    stop: &CancellationToken,
) -> Attempt {
    let timeout = execution.spec.timeout.unwrap_or_else(|| flow.config().timeout);
    let deadline = execution.status.deadline(timeout);
    let ended = drive(shared, flow, execution, stop, deadline).await;
    match ended {
        Ended::Outcome(Ok(FlowOutcome::Complete(result))) => {
            let expires = shared.expiry(shared.now());
            settle(shared, execution, Change::Complete { result, expires }).await;
        }
        Ended::Outcome(Ok(FlowOutcome::Wait(signal))) => {
            let limit = signal
                .timeout
                .or(execution.spec.wait_timeout)
                .unwrap_or_else(|| flow.config().wait_timeout);
            let due = (!limit.is_zero()).then(|| shared.now().after(limit));
            settle(shared, execution, Change::Wait { signal, due }).await;
        }
        Ended::Outcome(Err(error)) => {
            return handler_failed(shared, flow, execution, error, stop, deadline).await;
        }
        Ended::Panicked(text) => {
            let message = format!("the handler panicked: {text}");
            fail(shared, execution, &message, Some(ErrorCode::HandlerPanicked), false).await;
        }
        Ended::TimedOut => time_out(shared, execution, timeout).await,
        Ended::Stopped => stopped(shared, execution).await,
    }
    Attempt::Over
}

/// Drives the handler's future until it ends or has to.
async fn drive(
    shared: &Shared,
    flow: &Registered,
    execution: &Execution,
    stop: &CancellationToken,
    deadline: Option<Timestamp>,
) -> Ended {
    if deadline.is_some_and(|at| at <= shared.now()) {
        return Ended::TimedOut;
    }
    let handler =
        AssertUnwindSafe(flow.handler.run(context(shared, execution, stop))).catch_unwind();
    let timer = async {
        match deadline {
            Some(at) => shared.clock.sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        ended = handler => match ended {
            Ok(outcome) => Ended::Outcome(outcome.or_else(|error| {
                error.into_wait_signal().map(FlowOutcome::Wait)
            })),
            Err(panic) => Ended::Panicked(panic_text(&*panic)),
        },
        () = stop.cancelled() => Ended::Stopped,
        () = timer => {
            // Tasks that the handler has spawned are told to stop as well.
            stop.cancel();
            Ended::TimedOut
        }
    }
}

fn context(shared: &Shared, execution: &Execution, stop: &CancellationToken) -> FlowContext {
    let status = &execution.status;
    FlowContext::new(FlowContextParts {
        spec: Arc::clone(&execution.spec),
        retry_count: status.retry_count,
        resume_count: status.resume_count,
        resume_data: status.resume_data.clone(),
        models: Arc::clone(&shared.models),
        journal: Arc::new(RunJournal::new(Arc::clone(&shared.store), execution)),
        clock: Arc::clone(&shared.clock),
        cancel: stop.clone(),
    })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").chars().take(500).collect()
}

/// Decides what a handler's error means: another attempt, or the end.
async fn handler_failed(
    shared: &Shared,
    flow: &Registered,
    execution: &mut Execution,
    error: FlowError,
    stop: &CancellationToken,
    deadline: Option<Timestamp>,
) -> Attempt {
    let Retry::After(asked) = error.retry() else {
        let code = error.code().map(str::to_owned);
        let error = failure_with(execution, error.message(), code, false);
        fail_with(shared, execution, error).await;
        return Attempt::Over;
    };
    let config = flow.config();
    if execution.status.retry_count >= config.max_retries {
        let message = format!("every attempt failed, the last with: {}", error.message());
        fail(shared, execution, &message, Some(ErrorCode::MaxRetriesExhausted), true).await;
        return Attempt::Over;
    }
    let delay = backoff::delay(
        execution.status.retry_count,
        config.base_retry_delay,
        config.max_retry_delay,
        shared.jitter.next(),
    );
    let due = shared.now().after(delay.max(asked.unwrap_or_default()));
    if !settle(shared, execution, Change::Retry { due }).await {
        return Attempt::Over;
    }
    wait_for_retry(shared, execution, stop, due, deadline).await
}

/// Waits out the delay before the next attempt; the slot and the ownership are kept.
async fn wait_for_retry(
    shared: &Shared,
    execution: &mut Execution,
    stop: &CancellationToken,
    due: Timestamp,
    deadline: Option<Timestamp>,
) -> Attempt {
    let until = deadline.map_or(due, |deadline| due.min(deadline));
    tokio::select! {
        biased;
        () = stop.cancelled() => {
            stopped(shared, execution).await;
            return Attempt::Over;
        }
        // Nothing is lost by giving a delayed attempt back at once.
        () = shared.draining.cancelled(), if shared.durable => {
            settle(shared, execution, Change::Release).await;
            return Attempt::Over;
        }
        () = shared.clock.sleep_until(until) => {}
    }
    if deadline.is_some_and(|at| at <= shared.now()) {
        time_out(shared, execution, Duration::ZERO).await;
        return Attempt::Over;
    }
    if settle(shared, execution, Change::Continue).await { Attempt::Again } else { Attempt::Over }
}

async fn time_out(shared: &Shared, execution: &mut Execution, timeout: Duration) {
    let message = if timeout.is_zero() {
        "the execution used up its time before the next attempt".to_owned()
    } else {
        format!("the execution ran longer than {} ms", timeout.as_millis())
    };
    fail(shared, execution, &message, Some(ErrorCode::Timeout), false).await;
}

/// The handler was stopped: cancelled (then the record says so already), or the engine stops.
async fn stopped(shared: &Shared, execution: &mut Execution) {
    if !shared.stopping.is_cancelled() {
        return;
    }
    if shared.durable {
        settle(shared, execution, Change::Release).await;
    } else {
        let message = "the engine stopped before the execution could finish";
        fail(shared, execution, message, Some(ErrorCode::Shutdown), false).await;
    }
}

async fn fail(
    shared: &Shared,
    execution: &mut Execution,
    message: &str,
    code: Option<ErrorCode>,
    retryable: bool,
) {
    let error = failure(execution, message, code, retryable);
    fail_with(shared, execution, error).await;
}

async fn fail_with(shared: &Shared, execution: &mut Execution, error: ExecutionError) {
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

fn failure_with(
    execution: &Execution,
    message: &str,
    code: Option<String>,
    retryable: bool,
) -> ExecutionError {
    let retry_count = execution.status.retry_count;
    ExecutionError { message: message.to_owned(), retryable, retry_count, code }
}

/// Commits a change, however long the store takes to accept it; false when the
/// execution is no longer this runner's.
///
/// What a handler has achieved is never thrown away because the disk is full
/// for a while. When the engine stops first, the record still says `running`,
/// and the next start runs the execution again.
async fn settle(shared: &Shared, execution: &mut Execution, change: Change) -> bool {
    let id = execution.id();
    let applied = match execution.apply(change, shared.now()) {
        Ok(applied) => applied,
        Err(error) => {
            tracing::error!(execution = %id, %error, "the runner asked for an impossible change");
            return false;
        }
    };
    let mut pause = FIRST_COMMIT_PAUSE;
    loop {
        match shared.commit(execution, &applied).await {
            Ok(()) => return true,
            Err(StoreError::Conflict { .. }) => return false,
            Err(error) if error.is_temporary() => {
                tracing::warn!(execution = %id, %error, "the outcome can't be stored yet, trying again");
            }
            Err(error) => {
                tracing::error!(execution = %id, %error, "the outcome can't be stored");
                return false;
            }
        }
        tokio::select! {
            () = shared.clock.sleep(pause) => {}
            () = shared.stopping.cancelled() => return false,
        }
        pause = (pause * 2).min(LONGEST_COMMIT_PAUSE);
    }
}

//! A runner: owns one execution, drives its handler, and commits what comes of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fail::fail_point;
use runcor_core::{
    Batch, Change, Claim, ClaimRequest, ErrorCode, Execution, FlowContext, FlowContextParts,
    FlowError, FlowHandler, FlowOutcome, Governance, Op, Retry, StoreError, Suspension, Timestamp,
    WaitKind, backoff,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::admission::Slot;
use crate::calls::RunCalls;
use crate::config::OrphanPolicy;
use crate::family::left_alone;
use crate::guarded::Guarded;
use crate::handler::{Handler, Panicked};
use crate::journal::{Attempts, RunJournal};
use crate::registry::Registered;
use crate::running::Run;
use crate::settle::{Settled, fail, fail_with, failure, failure_with, settle, settle_around};
use crate::shared::{Around, Shared, forget_session};

/// Runs a claimed execution in a task of its own.
pub(crate) fn spawn(shared: &Arc<Shared>, run: Run, slot: Slot) {
    let shared = Arc::clone(shared);
    shared.tasks.clone().spawn(async move {
        let mut next = Some(run);
        while let Some(run) = next {
            work(&shared, run).await;
            next = claim_next(&shared).await;
        }
        drop(slot);
    });
}

/// Takes the next runnable execution into the slot that has just become free.
async fn claim_next(shared: &Arc<Shared>) -> Option<Run> {
    loop {
        if !shared.admission.has_backlog() || shared.draining.is_cancelled() {
            return None;
        }
        let seen = shared.admission.backlog();
        // The dispatcher reports failures and tries again: the backlog still stands,
        // and freeing the slot wakes it.
        let mut claimed = claim(shared, 1).await.ok()?;
        if claimed.taken == 0 {
            shared.admission.found_empty(seen);
            return None;
        }
        if let Some(run) = claimed.runnable.pop() {
            return Some(run);
        }
    }
}

/// What a claim brought.
#[derive(Default)]
pub(crate) struct Claimed {
    /// How many executions were taken from the store.
    pub(crate) taken: usize,
    /// Those of them that are to run.
    pub(crate) runnable: Vec<Run>,
}

/// Claims up to `limit` executions; those that the orphan policy keeps from running are settled here.
pub(crate) async fn claim(shared: &Arc<Shared>, limit: usize) -> Result<Claimed, StoreError> {
    let flows = shared.registry.runnable_names();
    if flows.is_empty() {
        return Ok(Claimed::default());
    }
    let request = ClaimRequest { worker: shared.worker, now: shared.now(), limit, flows };
    let runs = claim_under_lease(shared, request).await.inspect_err(|_| {
        // It may have been applied, and then nobody knows what was claimed.
        shared.strays.store(true, Ordering::SeqCst);
    })?;
    let taken = runs.len();
    let first_claims = runs.iter().filter(|(run, _)| run.execution.status.epoch == 1).count();
    shared.admission.dequeue(first_claims);
    let mut runnable = Vec::with_capacity(taken);
    for (run, interrupted) in runs {
        match shared.config.on_orphan {
            OrphanPolicy::Fail if interrupted => apart(shared, run, fail_orphan),
            OrphanPolicy::Ignore if interrupted => apart(shared, run, abandon),
            OrphanPolicy::Requeue | OrphanPolicy::Fail | OrphanPolicy::Ignore => runnable.push(run),
        }
    }
    Ok(Claimed { taken, runnable })
}

/// Claims, and notes what was claimed before anybody may take it for strays.
async fn claim_under_lease(
    shared: &Shared,
    request: ClaimRequest,
) -> Result<Vec<(Run, bool)>, StoreError> {
    let _claiming = shared.claiming.read().await;
    shared.hold_lease(request.now).await?;
    fail_point!("dispatch.before_claim");
    let claims = shared.store.claim(request).await?;
    fail_point!("dispatch.claimed");
    let begin = |claim: Claim| (shared.begin(claim.execution), claim.interrupted);
    Ok(claims.into_iter().map(begin).collect())
}

/// Settles an orphan in a task of its own: whoever claims also renews the lease,
/// and must not be held up by a store that does not take the outcome.
fn apart<F>(shared: &Arc<Shared>, run: Run, settle: impl FnOnce(Arc<Shared>, Run) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    shared.tasks.spawn(settle(Arc::clone(shared), run));
}

async fn fail_orphan(shared: Arc<Shared>, mut run: Run) {
    let message = "the process that ran the execution ended before it could finish";
    let error = failure(&run.execution, message, Some(ErrorCode::ProcessTerminated), false);
    fail_with(&shared, &mut run.execution, error).await;
}

async fn abandon(shared: Arc<Shared>, mut run: Run) {
    settle(&shared, &mut run.execution, Change::Abandon).await;
}

/// Runs one execution until it ends, waits, is given back or is lost to somebody else.
async fn work(shared: &Arc<Shared>, mut run: Run) {
    let Run { execution, stop, .. } = &mut run;
    let Some(flow) = shared.registry.runnable(&execution.spec.flow) else {
        // It was claimed for a flow that has just gone; give it back.
        settle(shared, execution, Change::Release).await;
        return;
    };
    if shared.is_orphan(execution).await {
        // The process that ended its caller did not come to end it as well.
        let error = left_alone(execution);
        return fail_with(shared, execution, error).await;
    }
    let mut attempts = Attempts::First;
    while attempt(shared, &flow, execution, stop, attempts).await == Attempt::Again {
        attempts = Attempts::Later;
    }
    shared.flush_bills().await;
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
    Complete(Value),
    Failed(FlowError),
    Paused(Suspension),
    Panicked(String),
    TimedOut,
    Stopped,
}

async fn attempt(
    shared: &Arc<Shared>,
    flow: &Registered,
    execution: &mut Execution,
    stop: &CancellationToken,
    attempts: Attempts,
) -> Attempt {
    let timeout = execution.spec.timeout.unwrap_or_else(|| flow.config().timeout);
    let deadline = execution.status.deadline(timeout);
    let top_ups = shared.top_ups.load(Ordering::SeqCst);
    let journal = Arc::new(RunJournal::new(shared, execution, attempts));
    let ctx = context(shared, flow, execution, stop, &journal);
    let ended = drive(shared, flow, ctx, stop, deadline).await;
    // What the handler has seen is written with what came of it.
    let noted = match &ended {
        // It comes here each time that it looks for money: that answers were
        // remembered is told once it goes on.
        Ended::Paused(pause) if pause.kind == WaitKind::Budget => journal.noted_entries(),
        _ => journal.noted(),
    };
    let before = Batch { ops: journal.note_operations(&noted) };
    let around = Around { before, ..Around::default() };
    match ended {
        Ended::Complete(result) => {
            let expires = shared.expiry(shared.now());
            let forget = journal.has_session().then(|| forget_session(execution));
            let after = Batch { ops: forget.into_iter().collect() };
            let around = Around { after, ..around };
            settle_around(shared, execution, Change::Complete { result, expires }, around).await;
        }
        Ended::Paused(pause) => {
            let attempt = pause_until(shared, flow, execution, pause, around).await;
            shared.look_again_for_money(execution, top_ups).await;
            return attempt;
        }
        Ended::Failed(error) => {
            return handler_failed(shared, flow, execution, error, stop, deadline, around).await;
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
    ctx: FlowContext,
    stop: &CancellationToken,
    deadline: Option<Timestamp>,
) -> Ended {
    if stop.is_cancelled() {
        // It was cancelled before it could begin.
        return Ended::Stopped;
    }
    if deadline.is_some_and(|at| at <= shared.now()) {
        return Ended::TimedOut;
    }
    let guarded =
        shared.governance.guard.as_deref().map(|guard| Guarded { handler: &*flow.handler, guard });
    let handler: &dyn FlowHandler = guarded.as_ref().map_or(&*flow.handler, |guarded| guarded);
    let handler = Handler::begin(handler, ctx.clone());
    let timer = async {
        match deadline {
            Some(at) => shared.clock.sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        ended = handler => match ended {
            Ok(outcome) => meaning_of(outcome, ctx.suspension()),
            Err(Panicked(text)) => Ended::Panicked(text),
        },
        () = stop.cancelled() => Ended::Stopped,
        () = timer => {
            // Tasks that the handler has spawned are told to stop as well.
            stop.cancel();
            Ended::TimedOut
        }
    }
}

/// Tells what a handler's outcome means; a pause that the handler was told to
/// pass on is honoured even when it did not.
fn meaning_of(outcome: Result<FlowOutcome, FlowError>, told: Option<Suspension>) -> Ended {
    let outcome = outcome.map_err(FlowError::into_suspension);
    match (outcome, told) {
        (Err(Ok(pause)), _) | (_, Some(pause)) => Ended::Paused(pause),
        (Ok(FlowOutcome::Wait(signal)), None) => Ended::Paused(signal.into()),
        (Ok(FlowOutcome::Complete(result)), None) => Ended::Complete(result),
        (Err(Err(error)), None) => Ended::Failed(error),
    }
}

fn context(
    shared: &Arc<Shared>,
    flow: &Registered,
    execution: &Execution,
    stop: &CancellationToken,
    journal: &Arc<RunJournal>,
) -> FlowContext {
    let status = &execution.status;
    FlowContext::new(FlowContextParts {
        spec: Arc::clone(&execution.spec),
        retry_count: status.retry_count,
        resume_count: status.resume_count,
        resume_data: status.resume_data.clone(),
        models: Arc::clone(&shared.models),
        tools: Arc::clone(&shared.tools),
        calls: Arc::new(RunCalls::new(shared, execution, Arc::clone(journal))),
        journal: Arc::clone(journal) as _,
        governance: Governance { budget: flow.info.budget, ..shared.governance.clone() },
        on_divergence: flow.config().on_divergence,
        clock: Arc::clone(&shared.clock),
        cancel: stop.clone(),
    })
}

/// Commits a pause with what it notes in the journal; the handler runs again at
/// once when a child that it waits for has ended in the meantime.
async fn pause_until(
    shared: &Shared,
    flow: &Registered,
    execution: &mut Execution,
    mut pause: Suspension,
    mut around: Around,
) -> Attempt {
    around.before.ops.extend(preconditions(execution, &mut pause));
    let due = due(shared, flow, execution, &pause);
    let wait = Change::Wait { pause: Box::new(pause), due };
    match settle_around(shared, execution, wait, around).await {
        Settled::Disputed => Attempt::Again,
        Settled::Stored | Settled::NotOurs => Attempt::Over,
    }
}

fn preconditions(execution: &Execution, pause: &mut Suspension) -> Vec<Op> {
    let (id, epoch) = (execution.id(), execution.status.epoch);
    let notes = std::mem::take(&mut pause.intents).into_iter();
    let notes =
        notes.map(|entry| Op::Journal { id, epoch, entry: Box::new(entry), replace: false });
    let children = pause.awaits.iter().map(|child| Op::NotEnded { id: *child });
    notes.chain(children).collect()
}

/// Returns when a wait fails or goes on by itself, whichever comes first.
fn due(
    shared: &Shared,
    flow: &Registered,
    execution: &Execution,
    pause: &Suspension,
) -> Option<Timestamp> {
    let has_limit = !matches!(pause.kind, WaitKind::Sleep | WaitKind::Call | WaitKind::Budget);
    let limit = pause
        .signal
        .timeout
        .or(execution.spec.wait_timeout)
        .unwrap_or_else(|| flow.config().wait_timeout);
    let since = pause.since.unwrap_or_else(|| shared.now());
    let fails_at = (has_limit && !limit.is_zero()).then(|| since.after(limit));
    [fails_at, pause.wake_at].into_iter().flatten().min()
}

/// Decides what a handler's error means: another attempt, or the end.
async fn handler_failed(
    shared: &Shared,
    flow: &Registered,
    execution: &mut Execution,
    error: FlowError,
    stop: &CancellationToken,
    deadline: Option<Timestamp>,
    around: Around,
) -> Attempt {
    let Retry::After(asked) = error.retry() else {
        let code = error.code().map(str::to_owned);
        let error = failure_with(execution, error.message(), code, false);
        let expires = shared.expiry(shared.now());
        settle_around(shared, execution, Change::Fail { error, expires }, around).await;
        return Attempt::Over;
    };
    let config = flow.config();
    if execution.status.retry_count >= config.max_retries {
        let message = format!("every attempt failed, the last with: {}", error.message());
        let error = failure(execution, &message, Some(ErrorCode::MaxRetriesExhausted), true);
        let expires = shared.expiry(shared.now());
        settle_around(shared, execution, Change::Fail { error, expires }, around).await;
        return Attempt::Over;
    }
    let delay = backoff::delay(
        execution.status.retry_count,
        config.base_retry_delay,
        config.max_retry_delay,
        shared.jitter.next(),
    );
    let due = shared.now().after(delay.max(asked.unwrap_or_default()));
    let retried = settle_around(shared, execution, Change::Retry { due }, around).await;
    if retried != Settled::Stored {
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

//! The worker: takes what waits to be judged from the store, oldest first.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use runcor_core::{Batch, ExecutionId, ExecutionState, Op, StoreError};
use tokio_util::sync::CancellationToken;

use crate::evaluators::{Evaluators, Judged};

/// How many waiting executions are read at once.
const CHUNK: usize = 256;

/// How long the worker goes without looking though nobody has told it to:
/// another process may have ended an execution.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// The pauses after failures of the store.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the worker remembers.
#[derive(Default)]
struct Desk {
    /// What is to be judged next.
    waiting: VecDeque<ExecutionId>,
    /// What is being judged.
    at_work: HashSet<ExecutionId>,
    /// What could be neither judged nor passed over; the next process tries again.
    given_up: HashSet<ExecutionId>,
    pause: Option<Duration>,
}

impl Evaluators {
    /// Judges executions as they end, and those that an earlier process left
    /// behind, until `stop` is cancelled. Spawn it once.
    ///
    /// What is under way when it stops is judged again by the next process.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut desk = Desk::default();
        let mut running: FuturesUnordered<BoxFuture<'_, (ExecutionId, bool)>> =
            FuturesUnordered::new();
        loop {
            let heard = self.news.notified();
            let rest = self.refill(&mut desk).await;
            while running.len() < self.concurrency
                && let Some(id) = desk.waiting.pop_front()
            {
                desk.at_work.insert(id);
                let work = &self;
                running.push(Box::pin(async move { (id, work.see_to(id).await) }));
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some((id, is_seen_to)) = running.next() => {
                    desk.at_work.remove(&id);
                    if !is_seen_to && desk.given_up.len() < CHUNK {
                        desk.given_up.insert(id);
                    }
                }
                () = heard => {}
                () = self.clock.sleep(rest) => {}
            }
        }
    }

    /// Reads what waits when there is nothing more to do; returns how long to
    /// rest unless something happens.
    async fn refill(&self, desk: &mut Desk) -> Duration {
        if !desk.waiting.is_empty() {
            return LONGEST_REST;
        }
        let limit = CHUNK + desk.at_work.len() + desk.given_up.len();
        match self.store.quality().unevaluated(limit).await {
            Ok(found) => {
                let is_new =
                    |id: &ExecutionId| !desk.at_work.contains(id) && !desk.given_up.contains(id);
                desk.waiting = found.into_iter().filter(is_new).collect();
                desk.pause = None;
                LONGEST_REST
            }
            Err(error) => {
                tracing::warn!(%error, "what waits to be evaluated can't be read");
                let pause = longer(desk.pause);
                desk.pause = Some(pause);
                pause
            }
        }
    }

    /// Judges an execution, or takes it off the list; false when neither could be done.
    async fn see_to(&self, id: ExecutionId) -> bool {
        match self.try_to_judge(id).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(execution = %id, %error, "an evaluation can't be kept");
                self.pass_over(id).await.is_ok()
            }
        }
    }

    async fn try_to_judge(&self, id: ExecutionId) -> Result<(), StoreError> {
        let Some(execution) = self.patiently(|| self.store.execution(id)).await? else {
            return self.pass_over(id).await;
        };
        let panel = self.catalog.sampled(&execution);
        if execution.state() != ExecutionState::Complete || panel.is_empty() {
            return self.pass_over(id).await;
        }
        let judged = self.verdict(&panel, execution).await;
        // What was paid for is not thrown away because the store has trouble.
        self.patiently(|| self.keep_once(&judged)).await
    }

    /// Keeps an evaluation unless it is there already, which an attempt whose
    /// answer was lost has seen to.
    async fn keep_once(&self, judged: &Judged) -> Result<(), StoreError> {
        let found = self.store.quality().evaluation(judged.evaluation.execution_id).await?;
        if found.is_some_and(|found| found == judged.evaluation) {
            return Ok(());
        }
        self.keep(judged).await
    }

    async fn pass_over(&self, id: ExecutionId) -> Result<(), StoreError> {
        let skip = || self.store.commit(Batch::new().with(Op::SkipEvaluation { id }));
        self.patiently(skip).await.map(drop)
    }

    /// Tries again for as long as the store has trouble that may pass.
    async fn patiently<T, F>(&self, work: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut pause = None;
        loop {
            match work().await {
                Err(error) if error.is_temporary() => {
                    tracing::debug!(%error, "evaluation waits for the store");
                    let next = longer(pause);
                    pause = Some(next);
                    self.clock.sleep(next).await;
                }
                done => return done,
            }
        }
    }
}

fn longer(pause: Option<Duration>) -> Duration {
    pause.map_or(SHORTEST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE))
}

//! Jobs of the writer: what is asked, who wants to know, and what came of it.

use runcor_core::{Claim, ClaimRequest, Event, EventFeed, EventRecord, Receipt, StoreError};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::claim::Claimed;
use crate::encode::EncodedBatch;

/// Where an answer goes; it may have gone away, which changes nothing.
pub(crate) type Reply<T> = oneshot::Sender<Answer<T>>;

/// What the writer says, and the batch that it has done with.
///
/// The batch goes back to be freed where it was made: memory of another
/// thread is so dear to free that it took more of the writer than SQLite did.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    result: Result<T, StoreError>,
    spent: Option<EncodedBatch>,
}

/// A message to the writer.
#[derive(Debug)]
pub(crate) enum Message {
    /// A job, and its place in the queue, which is free once the writer has taken the job.
    Job(Job, OwnedSemaphorePermit),
    /// Finish what is queued and stop.
    Stop,
}

/// Something to write.
#[derive(Debug)]
pub(crate) enum Job {
    Commit { batch: EncodedBatch, reply: Reply<Receipt> },
    Claim { request: ClaimRequest, reply: Reply<Vec<Claim>> },
}

/// A job that the writer has taken, with its outcome once there is one.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) job: Job,
    pub(crate) outcome: Option<Outcome>,
}

/// What became of a job inside the transaction.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The batch is applied; its events begin at this number.
    Applied { receipt: Receipt, first_event: i64 },
    /// The executions are claimed; the events begin at this number.
    Claimed { claimed: Claimed, first_event: i64 },
    /// A precondition does not hold.
    Refused(StoreError),
}

impl<T> Answer<T> {
    /// Frees the batch and returns what the writer says.
    pub(crate) fn into_result(self) -> Result<T, StoreError> {
        drop(self.spent);
        self.result
    }
}

impl Taken {
    pub(crate) fn new(job: Job) -> Self {
        Self { job, outcome: None }
    }

    /// Returns how much text the job brings.
    pub(crate) fn bytes(&self) -> usize {
        match &self.job {
            Job::Commit { batch, .. } => batch.bytes,
            Job::Claim { .. } => 0,
        }
    }

    /// Returns whether there was anything to write, and it was written.
    pub(crate) fn has_written(&self) -> bool {
        match &self.outcome {
            Some(Outcome::Applied { .. }) => true,
            Some(Outcome::Claimed { claimed, .. }) => !claimed.claims.is_empty(),
            Some(Outcome::Refused(_)) | None => false,
        }
    }

    /// Publishes the events, after the commit.
    pub(crate) fn publish(&mut self, feed: &EventFeed) {
        if !feed.has_listeners() {
            return;
        }
        let (first, events) = match (&mut self.job, &mut self.outcome) {
            (Job::Commit { batch, .. }, Some(Outcome::Applied { first_event, .. })) => {
                (*first_event, std::mem::take(&mut batch.events))
            }
            (_, Some(Outcome::Claimed { claimed, first_event })) => {
                (*first_event, std::mem::take(&mut claimed.events))
            }
            _ => return,
        };
        let events = events.into_iter().map(|encoded| encoded.event);
        for (seq, event) in (first.unsigned_abs()..).zip(events) {
            publish(feed, seq, event);
        }
    }

    /// Answers with the outcome, after the commit.
    pub(crate) fn answer(self) {
        match (self.job, self.outcome) {
            (Job::Commit { reply, batch }, Some(Outcome::Applied { receipt, .. })) => {
                send(reply, Ok(receipt), Some(batch));
            }
            (Job::Claim { reply, .. }, Some(Outcome::Claimed { claimed, .. })) => {
                send(reply, Ok(claimed.claims), None);
            }
            (job, Some(Outcome::Refused(error))) => job.fail(error),
            (job, _) => job.fail(StoreError::Unavailable {
                message: "the writer did not come to it".to_owned(),
            }),
        }
    }

    /// Answers with an error.
    pub(crate) fn fail(self, error: StoreError) {
        self.job.fail(error);
    }
}

impl Job {
    fn fail(self, error: StoreError) {
        match self {
            Self::Commit { reply, batch } => send(reply, Err(error), Some(batch)),
            Self::Claim { reply, .. } => send(reply, Err(error), None),
        }
    }
}

fn send<T>(reply: Reply<T>, result: Result<T, StoreError>, spent: Option<EncodedBatch>) {
    // Whoever asked may be gone; the commit stands all the same.
    let _ = reply.send(Answer { result, spent });
}

fn publish(feed: &EventFeed, seq: u64, event: Event) {
    feed.publish(EventRecord { seq, event });
}

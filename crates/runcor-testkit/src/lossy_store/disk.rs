//! The disk: what has been synced, and the queue of what has not.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use runcor_core::{Batch, Op, Store, StoreError, Timestamp, WorkerId};

use super::seeded::Seeded;
use super::write::{Record, Reply};

/// How many scheduling steps a sync takes at most, unless told.
const SLOWEST: usize = 8;

/// When a worker that a crash has killed was last alive.
const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);

/// What a crash finds, and what it may leave.
pub(super) struct Disk {
    pub(super) slowest: usize,
    pub(super) is_shared: bool,
    pub(super) is_held: bool,
    /// No power, or closed.
    is_off: bool,
    /// Everything that was accepted, in order.
    log: Vec<Arc<Record>>,
    queue: VecDeque<Queued>,
    /// How many writes were ever made.
    made: u64,
    seeded: Seeded,
}

/// A write that waits for a sync.
struct Queued {
    number: u64,
    record: Record,
    reply: Reply,
}

/// A place in the queue, and how long it takes to be synced by itself.
pub(super) struct Ticket {
    pub(super) number: u64,
    pub(super) steps: usize,
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            slowest: SLOWEST,
            is_shared: false,
            is_held: false,
            is_off: false,
            log: Vec::new(),
            queue: VecDeque::new(),
            made: 0,
            seeded: Seeded::new(seed),
        }
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.is_off { Err(StoreError::Closed) } else { Ok(()) }
    }

    pub(super) fn pending(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn draw_survivors(&mut self) -> usize {
        let waiting = self.queue.len();
        self.seeded.up_to(waiting)
    }

    pub(super) fn enqueue(&mut self, record: Record, reply: Reply) -> Result<Ticket, StoreError> {
        self.check()?;
        self.made += 1;
        let ticket = Ticket { number: self.made, steps: self.seeded.up_to(self.slowest) };
        self.queue.push_back(Queued { number: ticket.number, record, reply });
        Ok(ticket)
    }

    pub(super) fn sync_unless_held(&mut self, content: &dyn Store, through: u64) {
        if !self.is_held {
            self.sync(content, through);
        }
    }

    /// Syncs everything up to write number `through`, and returns how many that were.
    pub(super) fn sync(&mut self, content: &dyn Store, through: u64) -> usize {
        let mut synced = 0;
        while let Some(queued) = self.queue.pop_front_if(|queued| queued.number <= through) {
            let Queued { record, reply, .. } = queued;
            self.apply(record, content).send(reply);
            synced += 1;
        }
        synced
    }

    pub(super) fn close(&mut self, content: &dyn Store) {
        self.sync(content, u64::MAX);
        self.is_off = true;
    }

    /// Loses power and returns the disk as it is found afterwards, its content in `content`.
    pub(super) fn fail(&mut self, survivors: usize, content: &dyn Store) -> Self {
        self.is_off = true;
        for record in &self.log {
            replay(record, content);
        }
        let lost: Vec<_> = self.queue.drain(..).collect();
        for queued in lost.into_iter().take(survivors) {
            self.apply(queued.record, content);
        }
        let mut found = Self {
            is_held: false,
            is_off: false,
            log: self.log.clone(),
            queue: VecDeque::new(),
            seeded: self.seeded.clone(),
            ..*self
        };
        if !found.is_shared {
            found.bury_workers(content);
        }
        found
    }

    /// Ends every lease: the only process that used the disk is dead.
    fn bury_workers(&mut self, content: &dyn Store) {
        let workers: BTreeSet<WorkerId> =
            self.log.iter().flat_map(|record| leased(record)).collect();
        let ops = workers.into_iter().map(|worker| Op::Retire { worker, now: NEVER }).collect();
        self.apply(Record::Commit(Batch { ops }), content);
    }

    fn apply(&mut self, record: Record, content: &dyn Store) -> super::write::Outcome {
        let outcome = record.clone().apply(content);
        if outcome.is_ok() {
            self.log.push(Arc::new(record));
        }
        outcome
    }
}

#[expect(clippy::panic, reason = "a test that gives it another store should fail where it does")]
fn replay(record: &Arc<Record>, content: &dyn Store) {
    if !Record::clone(record).apply(content).is_ok() {
        panic!("the store inside a lossy store must do the same when it is asked the same");
    }
}

/// Returns the workers to whom a write gives leases.
fn leased(record: &Record) -> Vec<WorkerId> {
    let Record::Commit(batch) = record else { return Vec::new() };
    let workers = batch.ops.iter().map(|op| match op {
        Op::Lease { worker, .. } => Some(*worker),
        _ => None,
    });
    workers.flatten().collect()
}

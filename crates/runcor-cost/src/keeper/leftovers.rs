//! Bills that nobody has committed: kept until the store takes them.

use std::collections::VecDeque;

use parking_lot::Mutex;

use runcor_core::{Bill, LedgerEntry, Op, StoreError};

/// The number of rows from which on no further request is begun; about 5 MB.
const MAX_LEFT: usize = 10_000;

/// Rows of the ledger that wait to be committed, oldest first.
///
/// It takes every row, for they are paid for; its bound is that no request
/// begins while it is full.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    entries: Mutex<VecDeque<LedgerEntry>>,
}

impl Leftovers {
    pub(super) fn add(&self, entries: Vec<LedgerEntry>) {
        self.entries.lock().extend(entries);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.lock().len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= MAX_LEFT
    }

    /// Takes up to `limit` rows out, to be committed.
    pub(super) fn take(&self, limit: usize) -> Taken<'_> {
        let mut entries = self.entries.lock();
        let count = limit.min(entries.len());
        Taken { from: self, entries: entries.drain(..count).collect() }
    }
}

/// Rows that are being committed; they go back unless somebody says that they are settled.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    from: &'a Leftovers,
    entries: Vec<LedgerEntry>,
}

impl Taken<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the operations that settle them.
    pub(super) fn ops(&self) -> Vec<Op> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        Bill { entries: self.entries.clone() }.into_ops()
    }

    /// Gives up rows that no store takes, so that the others need not wait for them.
    pub(super) fn give_up(self, error: &StoreError) {
        for LedgerEntry { id, cost, .. } in &self.entries {
            tracing::error!(%id, %cost, %error, "the store takes no such row of the ledger");
        }
        self.settled();
    }

    /// Says that they are durable.
    pub(super) fn settled(mut self) {
        self.entries.clear();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        let mut entries = self.from.entries.lock();
        for entry in self.entries.drain(..).rev() {
            entries.push_front(entry);
        }
    }
}

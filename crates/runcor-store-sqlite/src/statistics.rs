//! What the writer has done so far, for whoever measures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a store has written since it was opened; clones go on counting.
///
/// The quotient of the two numbers tells how many commits share a flush.
#[derive(Debug, Clone, Default)]
pub struct SqliteStatistics {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    commits: AtomicU64,
    transactions: AtomicU64,
}

impl SqliteStatistics {
    /// Returns how many commits and claims were written; those that were refused,
    /// and claims that found nothing, are none.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.counts.commits.load(Ordering::Relaxed)
    }

    /// Returns how many transactions they took, each of which is one flush of
    /// the log where every commit is flushed.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.counts.transactions.load(Ordering::Relaxed)
    }

    /// Counts a transaction that was written for some commits.
    pub(crate) fn note(&self, commits: usize) {
        if commits == 0 {
            return;
        }
        self.counts.commits.fetch_add(u64::try_from(commits).unwrap_or(0), Ordering::Relaxed);
        self.counts.transactions.fetch_add(1, Ordering::Relaxed);
    }
}

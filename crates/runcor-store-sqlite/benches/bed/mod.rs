//! What the benchmarks share: where and how they measure.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking and documents itself")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::Criterion;
use runcor_core::{Clock, SystemClock, WorkerId};
use runcor_store_sqlite::{Durability, SqliteConfig, SqliteStore};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A store in a directory of its own.
pub(crate) struct Bench {
    // In this order: the store goes before its directory.
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) worker: WorkerId,
    dir: TempDir,
}

impl Bench {
    pub(crate) fn new(durability: Durability) -> Self {
        let dir = tempfile::tempdir_in(place()).unwrap();
        let config = SqliteConfig { durability, ..SqliteConfig::default() };
        let store = Arc::new(SqliteStore::open(dir.path().join("bench.db"), config).unwrap());
        Self { store, worker: WorkerId::mint(SystemClock.now()), dir }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("bench.db")
    }

    /// Does `count` pieces of work, by `clients` at once.
    pub(crate) async fn run<F>(
        &self,
        clients: u64,
        count: u64,
        work: impl Fn(Arc<SqliteStore>, WorkerId) -> F + Copy + Send + 'static,
    ) -> Duration
    where
        F: Future<Output = ()> + Send,
    {
        let left = Arc::new(AtomicU64::new(count));
        let began = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|_| {
                let (store, left, worker) =
                    (Arc::clone(&self.store), Arc::clone(&left), self.worker);
                tokio::spawn(async move {
                    while left
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                        .is_ok()
                    {
                        work(Arc::clone(&store), worker).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        began.elapsed()
    }
}

/// The directory to measure in: `RUNCOR_BENCH_DIR`, or the temporary one.
pub(crate) fn place() -> PathBuf {
    std::env::var_os("RUNCOR_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into)
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn settings() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
}

//! The store: the handle that applications hold.

use std::path::Path;

use std::sync::Arc;

use async_trait::async_trait;
use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryReads, Op, Page, QualityReads,
    Receipt, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::config::SqliteConfig;
use crate::connection::Place;
use crate::drain::Desk;
use crate::encode::Encoder;
use crate::job::Job;
use crate::lock::OwnerLock;
use crate::readers::Readers;
use crate::statistics::SqliteStatistics;
use crate::writer::Writer;
use crate::{apply, compaction, event, file, journal, listing, timer};

/// A durable store in one SQLite file.
///
/// The file belongs to one process; a second one is refused with
/// [`StoreError::Locked`]. Dropping the store without [`close`](Store::close)
/// finishes what is queued too, and blocks the thread for as long.
#[derive(Debug)]
pub struct SqliteStore {
    readers: Readers,
    writer: Writer,
    feed: EventFeed,
    statistics: SqliteStatistics,
    closing: OnceCell<()>,
}

impl SqliteStore {
    /// Opens the database at `path`, creating or upgrading it where needed.
    ///
    /// Everything that an earlier process owned may be claimed at once. A file
    /// that is not ours, or is damaged, is left as it is.
    ///
    /// # Errors
    /// - [`StoreError::Locked`] when another store has the file open.
    /// - [`StoreError::Corrupt`] when the file is damaged, is of another
    ///   program, or was written by a newer version.
    /// - [`StoreError::Unavailable`] when the directory does not exist or the
    ///   file can't be used, [`StoreError::Full`] when the disk is full.
    pub fn open(path: impl AsRef<Path>, config: SqliteConfig) -> Result<Self, StoreError> {
        let path = file::resolve(path.as_ref())?;
        let lock = OwnerLock::take(&path)?;
        let place = Place { path, config };
        let conn = place.open()?;
        let feed = EventFeed::new();
        let readers = Readers::open(&place)?;
        let desk = Desk::new(place, feed.clone(), conn, readers.clone())?;
        let statistics = desk.statistics();
        let writer = Writer::start(desk, lock)?;
        Ok(Self { readers, writer, feed, statistics, closing: OnceCell::new() })
    }

    /// Returns what counts the commits and the transactions that they share.
    #[must_use]
    pub fn statistics(&self) -> SqliteStatistics {
        self.statistics.clone()
    }

    /// Makes the encoder of a batch; where the batch compacts, packs are made first.
    async fn encoder(&self, batch: &Batch) -> Result<Encoder, StoreError> {
        let wish = batch.ops.iter().find_map(|op| match op {
            Op::Compact { ended_before, limit } => Some((*ended_before, *limit)),
            _ => None,
        });
        let Some((ended_before, limit)) = wish else { return Ok(Encoder::default()) };
        let prepare = move |conn: &Connection| compaction::prepare(conn, ended_before, limit);
        Ok(Encoder::with_packings(self.readers.aside(prepare).await?))
    }

    async fn shut(&self) {
        self.readers.close().await;
        if let Some(thread) = self.writer.stop() {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writer of the database ended by a panic");
            }
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn capabilities(&self) -> StoreCapabilities {
        StoreCapabilities::default().with_durable(true)
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let batch = self.encoder(&batch).await?.batch(batch)?;
        self.writer.ask(|reply| Job::Commit { batch, reply }).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        self.writer.ask(|reply| Job::Claim { request, reply }).await
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.readers.here(|conn| listing::by_id(conn, id)).await
    }

    async fn execution_by_key(
        &self,
        tenant: Option<&TenantId>,
        flow: &FlowName,
        key: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError> {
        let tenant = tenant.map_or("", |tenant| tenant.as_str());
        self.readers.here(|conn| apply::by_key(conn, tenant, flow.as_str(), key.as_str())).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        let query = query.clone();
        self.readers.aside(move |conn| listing::page(conn, &query)).await
    }

    async fn journal(&self, id: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        self.readers.aside(move |conn| journal::whole(conn, id)).await
    }

    async fn journal_value(
        &self,
        id: ExecutionId,
        path: &str,
    ) -> Result<Option<Value>, StoreError> {
        let path = path.to_owned();
        self.readers.aside(move |conn| journal::value(conn, id, &path)).await
    }

    async fn due_waits(&self, now: Timestamp, limit: usize) -> Result<Vec<Execution>, StoreError> {
        self.readers.aside(move |conn| timer::due_waits(conn, now, limit)).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.readers.here(|conn| timer::next_due(conn, now)).await
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.readers.aside(move |conn| event::after(conn, after, limit)).await
    }

    async fn last_event(&self) -> Result<u64, StoreError> {
        self.readers.here(event::last).await
    }

    fn ledger(&self) -> Arc<dyn LedgerReads> {
        Arc::new(self.readers.clone())
    }

    fn memories(&self) -> Arc<dyn MemoryReads> {
        Arc::new(self.readers.clone())
    }

    fn quality(&self) -> Arc<dyn QualityReads> {
        Arc::new(self.readers.clone())
    }

    fn feed(&self) -> &EventFeed {
        &self.feed
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.closing.get_or_init(|| self.shut()).await;
        Ok(())
    }
}

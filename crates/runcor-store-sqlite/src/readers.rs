//! The reading connections: a pool that is never waited for with a blocked thread.

use std::sync::Arc;
use std::time::Duration;

use r2d2::{NopErrorHandler, Pool};
use r2d2_sqlite::SqliteConnectionManager;
use runcor_core::StoreError;
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::{OwnedRwLockReadGuard, OwnedSemaphorePermit, RwLock, Semaphore};

use crate::connection::Place;
use crate::error::Error;

/// How long it is tried to open the connections; nobody reads meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads, at most as many at once as there are connections.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    turns: Arc<Semaphore>,
    count: u32,
    /// Held for reading during a read, so that whoever changes it waits for those under way.
    connections: Arc<RwLock<Connections>>,
}

#[derive(Debug)]
enum Connections {
    Open(Pool<SqliteConnectionManager>),
    /// The file failed and could not be opened again yet.
    Away(StoreError),
    Closed,
}

/// The right to read, as long as it is held.
type Turn = (OwnedSemaphorePermit, OwnedRwLockReadGuard<Connections>);

impl Readers {
    /// Opens the connections.
    pub(crate) fn open(place: &Place) -> Result<Self, StoreError> {
        let count = place.config.readers.clamp(1, 64);
        let pool = connect(place, count)?;
        let turns = Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(1)));
        let connections = Arc::new(RwLock::new(Connections::Open(pool)));
        Ok(Self { turns, count, connections })
    }

    /// Reads little, here and now: cheaper than handing it to another thread.
    pub(crate) async fn here<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        on(&self.turn().await?, read)
    }

    /// Reads what may be much, on a thread that may block.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turn().await?;
        let Ok(runtime) = Handle::try_current() else { return on(&turn, read) };
        let done = runtime.spawn_blocking(move || on(&turn, read)).await;
        done.unwrap_or_else(|error| Err(unavailable(&error)))
    }

    async fn turn(&self) -> Result<Turn, StoreError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| StoreError::Closed)?;
        Ok((turn, Arc::clone(&self.connections).read_owned().await))
    }

    /// Returns whether there are connections, which keep the index of the log alive.
    pub(crate) fn are_open(&self) -> bool {
        matches!(&*self.connections.blocking_read(), Connections::Open(_))
    }

    /// Waits for the reads under way and does something while no connection is
    /// open; blocks the thread, and every later read until it is done.
    pub(crate) fn while_away<T>(
        &self,
        place: &Place,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connections = self.connections.blocking_write();
        if matches!(&*connections, Connections::Closed) {
            return work();
        }
        *connections = Connections::Away(unavailable(&"the file is opened again"));
        let done = work();
        // Even where that failed: what is there may be read.
        *connections = connect(place, self.count).map_or_else(Connections::Away, Connections::Open);
        done
    }

    /// Waits for the reads under way, refuses later ones and closes the connections.
    pub(crate) async fn close(&self) {
        if let Ok(turns) = self.turns.acquire_many(self.count).await {
            self.turns.close();
            drop(turns);
        }
        *self.connections.write().await = Connections::Closed;
    }

    /// Does what [`close`](Self::close) does, and blocks the thread.
    pub(crate) fn shut(&self) {
        self.turns.close();
        *self.connections.blocking_write() = Connections::Closed;
    }
}

fn connect(place: &Place, count: u32) -> Result<Pool<SqliteConnectionManager>, StoreError> {
    Pool::builder()
        .max_size(count)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_on_check_out(false)
        .connection_timeout(PATIENCE)
        .error_handler(Box::new(NopErrorHandler))
        .build(place.readers())
        .map_err(|error| unavailable(&error))
}

fn on<T>(
    (_turn, connections): &Turn,
    read: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, StoreError> {
    let pool = match &**connections {
        Connections::Open(pool) => pool,
        Connections::Away(error) => return Err(error.clone()),
        Connections::Closed => return Err(StoreError::Closed),
    };
    // There are as many turns as connections: one of them is free.
    let conn = pool.get().map_err(|error| unavailable(&error))?;
    read(&conn).map_err(StoreError::from)
}

fn unavailable(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable { message: format!("can't read: {error}") }
}

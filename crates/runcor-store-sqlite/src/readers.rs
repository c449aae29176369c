//! The reading connections: a pool that is never waited for with a blocked thread.

use std::sync::{Arc, Mutex, PoisonError};

use r2d2::{NopErrorHandler, Pool};
use r2d2_sqlite::SqliteConnectionManager;
use runcor_core::StoreError;
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::Place;
use crate::error::Error;

type Connections = Pool<SqliteConnectionManager>;

/// Reads, at most as many at once as there are connections.
#[derive(Debug)]
pub(crate) struct Readers {
    turns: Arc<Semaphore>,
    count: u32,
    pool: Mutex<Option<Connections>>,
}

impl Readers {
    /// Opens the connections.
    pub(crate) fn open(place: &Place) -> Result<Self, StoreError> {
        let count = place.config.readers.clamp(1, 64);
        let pool = Pool::builder()
            .max_size(count)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_on_check_out(false)
            .error_handler(Box::new(NopErrorHandler))
            .build(place.readers())
            .map_err(|error| unavailable(&error))?;
        let turns = Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(1)));
        Ok(Self { turns, count, pool: Mutex::new(Some(pool)) })
    }

    /// Reads little, here and now: cheaper than handing it to another thread.
    pub(crate) async fn here<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let turn = self.turn().await?;
        on(&self.pool()?, turn, read)
    }

    /// Reads what may be much, on a thread that may block.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turn().await?;
        let pool = self.pool()?;
        let Ok(runtime) = Handle::try_current() else { return on(&pool, turn, read) };
        let done = runtime.spawn_blocking(move || on(&pool, turn, read)).await;
        done.unwrap_or_else(|error| Err(unavailable(&error)))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.turns).acquire_owned().await.map_err(|_| StoreError::Closed)
    }

    fn pool(&self) -> Result<Connections, StoreError> {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.clone().ok_or(StoreError::Closed)
    }

    /// Waits for the reads under way, refuses later ones and closes the connections.
    pub(crate) async fn close(&self) {
        if let Ok(turns) = self.turns.acquire_many(self.count).await {
            self.turns.close();
            drop(turns);
        }
        drop(self.pool.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn on<T>(
    pool: &Connections,
    turn: OwnedSemaphorePermit,
    read: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, StoreError> {
    // There are as many turns as connections: one of them is free.
    let conn = pool.get().map_err(|error| unavailable(&error))?;
    let outcome = read(&conn);
    drop(conn);
    drop(turn);
    outcome.map_err(StoreError::from)
}

fn unavailable(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable { message: format!("can't read: {error}") }
}

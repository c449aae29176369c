//! What a scenario gets: a fresh store, what it lives on, and the way to open it again.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use runcor_core::{SharedStore, Store};

type Opening = Pin<Box<dyn Future<Output = SharedStore> + Send>>;
type Open = Box<dyn Fn() -> Opening + Send + Sync>;

/// A fresh store for one scenario, with whatever must live as long as it does.
///
/// ```
/// # use runcor_testkit::StoreFixture;
/// # use runcor_store_memory::MemoryStore as DurableStore;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let dir = std::env::temp_dir(); // better a `tempfile::TempDir`
/// let path = dir.join("store.db");
/// let open = move || {
///     let path = path.clone();
///     async move {
///         # let _ = path;
///         # /*
///         DurableStore::open(path).await.unwrap()
///         # */
///         # DurableStore::new()
///     }
/// };
/// let fixture = StoreFixture::open(open).await.with_guard(dir);
/// assert!(fixture.can_reopen());
/// # }
/// ```
pub struct StoreFixture {
    store: SharedStore,
    open: Option<Open>,
    // Dropped last: the store may still use it.
    guards: Vec<Box<dyn Any + Send + Sync>>,
}

impl StoreFixture {
    /// Makes a fixture of a store that can't be opened again.
    #[must_use]
    pub fn new(store: impl Store + 'static) -> Self {
        Self { store: Arc::new(store), open: None, guards: Vec::new() }
    }

    /// Opens a store that `open` opens again as often as a scenario wants it.
    pub async fn open<F, Fut, S>(open: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = S> + Send + 'static,
        S: Store + 'static,
    {
        let open: Open = Box::new(move || {
            let opening = open();
            Box::pin(async move { Arc::new(opening.await) as SharedStore })
        });
        Self { store: open().await, open: Some(open), guards: Vec::new() }
    }

    /// Keeps `guard`, such as a temporary directory, until the scenario has ended.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Returns the store as it is open now.
    #[must_use]
    pub fn store(&self) -> SharedStore {
        Arc::clone(&self.store)
    }

    /// Returns whether the store can be opened again.
    #[must_use]
    pub fn can_reopen(&self) -> bool {
        self.open.is_some()
    }

    /// Closes the store, drops it and opens it again, as a new process would.
    ///
    /// Handles from [`store`](Self::store) should be dropped before. A fixture
    /// that can't open its store again keeps the present one.
    pub async fn reopen(&mut self) -> SharedStore {
        if let Some(open) = &self.open {
            // A store that can't close well is still to be opened again.
            let _ = self.store.close().await;
            // The old store must be gone before the new one opens: it may hold a lock.
            self.store = Arc::new(crate::closed::ClosedStore::default());
            self.store = open().await;
        }
        self.store()
    }
}

impl fmt::Debug for StoreFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreFixture")
            .field("store", &self.store)
            .field("can_reopen", &self.can_reopen())
            .finish_non_exhaustive()
    }
}

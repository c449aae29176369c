//! A fault store without faults behaves like the store that it wraps.

use std::sync::Arc;

use runcor_store_memory::MemoryStore;
use runcor_testkit::{FaultStore, StoreFixture};

runcor_testkit::store_suite!(async {
    StoreFixture::new(FaultStore::new(Arc::new(MemoryStore::new())))
});

//! The memory store passes every scenario that a store owes.

use runcor_store_memory::MemoryStore;
use runcor_testkit::StoreFixture;

runcor_testkit::store_suite!(async { StoreFixture::new(MemoryStore::new()) });
